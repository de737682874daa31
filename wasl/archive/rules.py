"""Who may send, match and settle, and what is refused."""

import re
from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from typing import Any
from uuid import UUID

from wasl.kernel.access import Actor
from wasl.kernel.errors import Invalid, NotAllowed, Refused

# who opens the images of a study that is nobody's yet, where they are made
IMAGING = frozenset({"radiographer", "radiologist", "chief", "client"})
SENDS = frozenset({"radiographer", "radiologist", "chief", "registrar", "modality", "client", "system"})
RECONCILES = frozenset({"radiographer", "radiologist", "chief", "registrar", "system"})
SETTLES = frozenset({"radiographer", "chief"})

CAN: dict[str, frozenset[str]] = {
    "receive": SENDS,
    "announce": SENDS,
    "complete_study": RECONCILES,
    "complete_quiet": frozenset({"system"}),
    "match_study": RECONCILES,
    "unmatch_study": RECONCILES,
    "settle_conflict": SETTLES,
    "add_source": frozenset({"administrator", "system"}),
    "close_source": frozenset({"administrator", "system"}),
    "start_step": frozenset({"modality", "client", "system"}),
    "change_step": frozenset({"modality", "client", "system"}),
    "complete_step": frozenset({"modality", "client", "system"}),
    "discontinue_step": frozenset({"modality", "client", "system"}),
}

# the ways to know that a study is complete, most trusted first
TRUST = ("mpps", "expected", "quiet")
# how much longer than usual a study is waited for while its modality is at work or images announced are missing
PATIENT = 30

STUDY, SERIES, INSTANCE, SOP_CLASS = "0020000D", "0020000E", "00080018", "00080016"
_UID = re.compile(r"[0-9]+(\.[0-9]+)+")
_AE_TITLE = re.compile(r"[\x20-\x5b\x5d-\x7e]{1,16}")  # PS3.5, 6.2: no backslash, no control characters


class NotDicom(Invalid):
    """This is not a DICOM file, or it is damaged beyond reading."""

    dimse = 0xC000  # PS3.4, B.2.3: cannot understand


class Truncated(Invalid):
    """This DICOM file ends before it is whole."""

    dimse = 0xC000


class TooLarge(Invalid):
    """This DICOM file grows beyond all measure when it is unpacked."""

    dimse = 0xA700  # PS3.4, B.2.3: out of resources


class PixelsElsewhere(Invalid):
    """The pixels of this image stay with its sender; there is nothing to keep."""

    dimse = 0xA900  # PS3.4, B.2.3: data set does not match SOP class


class BadUid(Invalid):
    """This DICOM file lacks a valid {name}."""

    dimse = 0xA900


class OtherInstance(Invalid):
    """This image is not the one that its sender named."""

    dimse = 0xA900


class NotYourPlace(NotAllowed):
    """You hold no post at the place of this study."""


class NoSuchStudy(Refused):
    """There is no study here that you can see."""

    http = 404
    fhir_issue = "not-found"
    dimse = 0x0112


class NoSuchSource(Refused):
    """There is no such modality or system."""

    http = 404
    fhir_issue = "not-found"


class AlreadyMatched(Refused):
    """This study already belongs to a patient; take it back first."""


class NotMatched(Refused):
    """This study belongs to no patient yet."""


class AlreadySettled(Refused):
    """Somebody has settled this conflict."""


class AeTitleTaken(Refused):
    """Another system already has the AE title {ae_title}."""


class BadAeTitle(Invalid):
    """An AE title has 1 to 16 letters, digits or signs, no backslash."""


class StepKnown(Refused):
    """This procedure step was already begun."""

    dimse = 0x0111  # PS3.7, C.5.9: duplicate SOP instance


class StepOver(Refused):
    """This procedure step is over; it can no longer be changed."""

    dimse = 0x0110  # PS3.4, F.7.2.2.2: processing failure, may no longer be updated


class NoStep(Refused):
    """There is no such procedure step."""

    http = 404
    fhir_issue = "not-found"
    dimse = 0x0112  # PS3.7, C.5.13: no such object instance


class BadStep(Invalid):
    """A procedure step names itself and its study by valid UIDs."""

    dimse = 0x0106  # PS3.7, C.5.11: invalid attribute value


class BadAnnouncement(Invalid):
    """An announcement names a study by its UID and a number of images above zero."""


class BadAddress(Invalid):
    """The address must be an IP address, or a network; with a port, one address."""


class OtherStudy(Refused):
    """This image names another study or series; it cannot take the place of the first."""


def is_uid(value: object) -> bool:
    """Whether this is a UID (PS3.5, 9.1), leading zeros in its parts forgiven."""
    return isinstance(value, str) and len(value) <= 64 and _UID.fullmatch(value) is not None


def check_uids(metadata: Mapping[str, Any]) -> None:
    """A data set names its class, itself, its series and its study."""
    names = {SOP_CLASS: "SOP Class UID", INSTANCE: "SOP Instance UID", SERIES: "Series Instance UID",
             STUDY: "Study Instance UID"}  # fmt: skip
    for tag, name in names.items():
        if not is_uid(next(iter(metadata.get(tag, {}).get("Value") or ()), None)):
            raise BadUid(name=name)


def check_named(metadata: Mapping[str, Any], named: tuple[str, str] | None) -> None:
    """A data set is of the class, and is the instance, that its sender named beside it."""
    if named and named != (metadata[SOP_CLASS]["Value"][0], metadata[INSTANCE]["Value"][0]):
        raise OtherInstance


def check_step(uid: str, study_uid: str) -> None:
    """A step is named, and so is its study."""
    if not (is_uid(uid) and is_uid(study_uid)):
        raise BadStep


def check_announcement(study_uid: str, instances: int) -> None:
    """An announcement makes sense."""
    if not is_uid(study_uid) or not 0 < instances < 2**31:
        raise BadAnnouncement


def check_address(address: str, port: int | None) -> None:
    """An address is an IP address or network, or empty for any; who can be sent to has one address."""
    try:
        if address:
            ip_address(address) if port else ip_network(address, strict=False)
    except ValueError as error:
        raise BadAddress from error
    if port is not None and not (address and 0 < port < 1 << 16):
        raise BadAddress


def comes_from(address: str, allowed: str) -> bool:
    """Whether a caller's address is the one, or of the network, that is allowed; an empty one allows any."""
    if not allowed:
        return True
    caller = ip_address(address)
    caller = getattr(caller, "ipv4_mapped", None) or caller
    return caller in ip_network(allowed, strict=False)


def check_ae_title(ae_title: str) -> None:
    """An AE title is what PS3.5 says."""
    if not _AE_TITLE.fullmatch(ae_title) or not ae_title.strip():
        raise BadAeTitle


def check_own_place(place: UUID | None, *, by: Actor) -> None:
    """Whoever acts on a place's studies holds a post there (or for the whole country), or is Wasl itself."""
    if not by.is_system and not {place, None} & {held.place for held in by.held}:
        raise NotYourPlace


def more_trusted(how: str, than: str) -> bool:
    """Whether one way of knowing that a study is complete is trusted more than another."""
    return TRUST.index(how) < TRUST.index(than)
