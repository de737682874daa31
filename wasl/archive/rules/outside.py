"""What is refused to and asked of outside systems, and which of a person's earlier exams matter."""

import datetime
from collections.abc import Mapping
from typing import Any

from wasl.kernel.errors import Invalid, Refused
from wasl.kernel.text import fold

AVAILABILITIES = frozenset({"ONLINE", "NEARLINE", "OFFLINE", "UNAVAILABLE"})  # PS3.3, C.4.23.1.1
MOST_ANNOUNCED = 50_000  # images of one study
# what the names of exams say beside the part of the body: how, why, on which side
_BESIDE = """
    a an and at au aux avec d de des du en et for in l la le les of on par sans the un une with without angio
    angiography angiographie angioscanner arterial arteriel arterielle arteries artery artere arteres arteriography
    arteriographie bedside bilateral body cardiography cible ciblee contrast contraste control controle corps ct
    diagnostic diagnostique doppler dr droit droite dx echo echographie entier entire exam examen female focused gauche
    image imaging inferieur inferieurs inferieure injection irm joint left lit lower mg mr mri nm preparation profil
    rachis radiograph radiographie radiography right rx scan scanner scintigraphie scintigraphy screening spine standard
    study superieur superieurs superieure tdm tomodensitometrie trauma traumatise ultrasound upper us vein veins veineux
    view vue whole xa xr
    """
BESIDE = frozenset(_BESIDE.split())
STEM = 4  # letters that the words of a part of the body have in common: thorax, thoracic, thoracique
RADIOGRAPHS = frozenset({"CR", "DX", "RG"})  # PS3.16, CID 29: plates, flat panels, films read in; one exam to a reader
# PS3.16, annex L: what consoles write in one word, in those of a catalogue
PARTS = {
    "BRAIN": "head", "CSPINE": "cervical", "CTSPINE": "cervical dorsal", "HEAD": "brain", "LSPINE": "lumbar",
    "LSSPINE": "lumbar sacrum", "LUNG": "chest", "SSPINE": "sacrum", "TLSPINE": "dorsal lumbar", "TSPINE": "dorsal",
}  # fmt: skip
SOON = datetime.timedelta(hours=2)  # what is needed within it passes what is needed later


class BadCommitment(Invalid):
    """A request for commitment names itself and its images by valid UIDs."""

    dimse = 0x0115  # PS3.7, C.5.10: invalid argument value


class TransactionKnown(Refused):
    """This request for commitment was made before, of other images."""

    dimse = 0x0131  # PS3.4, J.3.2.1.3: duplicate transaction UID


class NoCommitment(Refused):
    """There is no such request for commitment."""

    http = 404
    fhir_issue = "not-found"
    dimse = 0x0112


class DoesNotListen(Refused):
    """{name} has no port that it listens at."""


class NotAsked(Refused):
    """{name} is no archive that can be asked."""


class AsksNothing(Invalid):
    """Give a number, or a name and a birth date."""


class NoInquiry(Refused):
    """There is no such question to an archive."""


class NotOffered(Refused):
    """The archive did not say that it has this exam."""


class NothingSaid(Invalid):
    """A notification must have {keyword}."""

    dimse = 0x0120  # PS3.7, C.5.13: missing attribute


class NothingNamed(Invalid):
    """In a notification {keyword} must say something."""

    dimse = 0x0121  # PS3.7, C.5.14: missing attribute value


class BadNotification(Invalid):
    """A notification names a study and its images by valid UIDs, and says of each how it can be had."""

    dimse = 0x0106  # PS3.7, C.5.11: invalid attribute value


class NotificationKnown(Refused):
    """This notification was taken before."""

    dimse = 0x0111  # PS3.7, C.5.9: duplicate SOP instance


class NotAnnounced(Refused):
    """No system announced this study here."""

    http = 404
    fhir_issue = "not-found"


def check_notification(study_uid: str, instances: Mapping[str, str], *, valid: bool) -> None:
    """What is announced is named by valid UIDs, and can be had in a way that the standard knows."""
    if not valid or len(instances) > MOST_ANNOUNCED or not set(instances.values()) <= AVAILABILITIES:
        raise BadNotification


def check_keys(keys: Mapping[str, str]) -> None:
    """A question to an archive says whom it means: a number, or a name and a birth date, without wildcards."""
    said = {name: value.strip() for name, value in keys.items() if value.strip()}
    if any(set(value) & set("*?\\") for value in said.values()):
        raise AsksNothing
    if "PatientID" not in said and not {"PatientName", "PatientBirthDate"} <= said.keys():
        raise AsksNothing


def is_same_person(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether an exam elsewhere is beyond doubt the patient's: the birth date, and the number or every name, agree."""
    if not wanted["born"] or found["born"] != wanted["born"]:
        return False
    here = set(fold(found["name"]).split())
    named = any(words and set(fold(words).split()) <= here for words in wanted["names"])
    return named and (not wanted["number"] or found["number"] == wanted["number"] or not found["number"])


def relevance(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> tuple[bool, bool, str]:
    """How much an earlier exam helps with one that is ordered: the same part of the body, its modality, its date."""
    part = found["body_part"]
    said = _parts(f"{part} {PARTS.get(part.upper(), '')} {found['description']}")
    kinds = RADIOGRAPHS if wanted["modality"] in RADIOGRAPHS else {wanted["modality"]}
    return bool(said & _parts(wanted["region"])), not kinds.isdisjoint(found["modalities"]), found["date"]


def errand_priority(needed: datetime.datetime) -> int:
    """The turn of an exam among those to be brought, the greatest first: the sooner it is needed."""
    return -int(needed.timestamp() // 60)


def is_soon(needed: datetime.datetime, *, now: datetime.datetime) -> bool:
    """Whether an exam is needed so soon that it does not wait until another one is brought that is needed later."""
    return needed < now + SOON


def _parts(text: str) -> set[str]:
    """What a text says of parts of the body, each word by its beginning."""
    return {word[:STEM] for word in fold(text).split() if len(word) > 2 and word not in BESIDE}
