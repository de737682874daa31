"""The modality worklist (PS3.4, annex K): orders as worklist items, and which of them a query asks for.

Decision 0011 says how Arabic names, stations and overdue exams are shown.
"""

import hashlib
from collections.abc import Iterable, Iterator

from django.utils import timezone, translation
from pydicom import Dataset
from pydicom.datadict import dictionary_VR
from pydicom.uid import UID

from wasl.kernel.access import Actor
from wasl.radiology import queries
from wasl.radiology.dicom.matching import matches
from wasl.radiology.queries import Scheduled
from wasl.radiology.rules import safety

PRIORITIES = {"P0": "STAT", "P1": "HIGH", "P2": "MEDIUM", "P3": "ROUTINE"}  # PS3.3, C.4.11, (0040,1003)
PREGNANT = {"no": 1, "unknown": 4, "yes": 3}  # PS3.3, C.2.3, (0010,21C0)
SEXES = {"male": "M", "female": "F", "other": "O"}
SIDES = {"L": "gauche", "R": "droite", "B": "bilatéral"}
UTF8 = "ISO_IR 192"
# the consoles of both countries speak French; what the doctor wrote stays as it was written
LANGUAGE = "fr"
CONTRAST, PLAIN = "Produit de contraste", "Sans produit de contraste"


def worklist_items(query: Dataset, *, viewer: Actor) -> Iterator[Dataset]:
    """The worklist items that a query matches (PS3.4, K.6), scoped to the places of the modality that asks.

    An item has every key that was asked, empty where nothing is known; all there is when no key was asked.
    """
    modality, accession = asked_singly(query)
    found = queries.worklist(viewer=viewer, modality=modality, accession=accession)
    yield from among(query, (_item(scheduled) for scheduled in found))


def among(query: Dataset, items: Iterable[Dataset]) -> Iterator[Dataset]:
    """Those of some worklist items that a query matches, each with the keys that were asked."""
    for item in items:
        _bring_to_today(item)
        if matches(query, item):
            yield _asked(query, item)


def standing_items(*, viewer: Actor) -> Iterator[tuple[Scheduled, Dataset]]:
    """Every exam still to be made at the viewer's places with its worklist item, the hour as it was planned."""
    for scheduled in queries.worklist(viewer=viewer):
        yield scheduled, _item(scheduled)


def stamp(*, viewer: Actor) -> str:
    """A tag that changes whenever `standing_items` would; far quicker to make than the items."""
    told = hashlib.sha256()
    for scheduled in queries.worklist(viewer=viewer):
        rows = (scheduled.order, scheduled.order.procedure, scheduled.order.requester, scheduled.patient)
        said = [{name: value for name, value in vars(row).items() if name[0] != "_"} for row in rows]
        verdict = scheduled.verdict.id if scheduled.verdict else None  # which never changes
        told.update(repr((said, scheduled.stations, verdict)).encode())
    return told.hexdigest()


def asked_singly(query: Dataset) -> tuple[str, str]:
    """The modality and the accession number that a query asks for, each where it is a single value."""
    step = _first(query, "ScheduledProcedureStepSequence")
    return _plain_value(step, "Modality"), _plain_value(query, "AccessionNumber")


def _first(query: Dataset, keyword: str) -> Dataset:
    items = query.get(keyword)
    return items[0] if items else Dataset()


def _plain_value(query: Dataset, keyword: str) -> str:
    """A key's single value, when it is one that the database can look for; wildcards and lists are matched later."""
    value = query.get(keyword)
    return value if isinstance(value, str) and not set(value) & set("*?\\") else ""


def _asked(query: Dataset, item: Dataset) -> Dataset:
    """The part of an item that the query asks for (PS3.4, K.4.1.1.3.2), always with its character set."""
    keys = [element for element in query if element.keyword != "SpecificCharacterSet"]
    if not keys:
        return item
    answer = Dataset()
    answer.SpecificCharacterSet = UTF8
    for key in keys:
        if key.tag not in item:
            if key.VR == "SQ":
                answer.add_new(key.tag, "SQ", [])
            elif key.tag.element != 0:
                answer.add_new(key.tag, key.VR, None)
        elif key.VR == "SQ" and key.value and len(key.value[0]):
            answer.add_new(key.tag, "SQ", [_part(key.value[0], inner) for inner in item[key.tag].value])
        else:
            answer.add(item[key.tag])
    return answer


def _part(query: Dataset, item: Dataset) -> Dataset:
    part = _asked(query, item)
    part.pop("SpecificCharacterSet", None)
    return part


def _item(scheduled: Scheduled) -> Dataset:
    """An order as a complete worklist item (PS3.4, table K.6-1)."""
    item = Dataset()
    item.SpecificCharacterSet = UTF8
    _patient(item, scheduled)
    _alerts(item, scheduled.order.answers)
    _request(item, scheduled)
    item.ScheduledProcedureStepSequence = [_step(scheduled)]
    return item


def _patient(item: Dataset, scheduled: Scheduled) -> None:
    patient = scheduled.patient
    latin = _name(patient.family_name, patient.given_name)
    arabic = _name(patient.family_name_ar, patient.given_name_ar)
    nameless = _name("NOUVEAU-NE" if patient.kind == "newborn" else "INCONNU", patient.number)
    item.PatientName = f"{latin}={arabic}" if latin and arabic else latin or arabic or nameless
    item.PatientID = patient.number
    item.IssuerOfPatientID = "WASL"
    item.PatientBirthDate = f"{patient.birth_date:%Y%m%d}" if patient.birth_date else None
    item.PatientSex = SEXES.get(patient.sex)
    for keyword in ("PatientWeight", "ConfidentialityConstraintOnPatientDataDescription", "PatientState",
                    "SpecialNeeds", "OtherPatientIDsSequence", "ReferencedPatientSequence", "AdmissionID",
                    "CurrentPatientLocation"):  # fmt: skip
        _empty(item, keyword)


def _alerts(item: Dataset, answers: dict[str, str]) -> None:
    """The safety answers where a console shows them: pregnancy, allergies, alerts."""
    item.PregnancyStatus = PREGNANT.get(answers.get("pregnancy", ""))
    with translation.override(LANGUAGE):
        allergies = [safety.in_words("allergy", answers)] if answers.get("allergy", "no") != "no" else []
        alerts = [safety.in_words(q, answers) for q in ("implants", "renal") if answers.get(q, "no") != "no"]
    if because := answers.get("proceed_because"):
        alerts.append(because)
    item.Allergies = [_text(words) for words in allergies] or None
    item.MedicalAlerts = [_text(words) for words in alerts] or None


def _request(item: Dataset, scheduled: Scheduled) -> None:
    order = scheduled.order
    item.AccessionNumber = item.RequestedProcedureID = order.accession
    item.StudyInstanceUID = UID(order.study_uid)
    item.RequestedProcedureDescription = _title(scheduled)
    item.RequestedProcedureCodeSequence = [_code(scheduled)]
    item.RequestedProcedurePriority = PRIORITIES[order.urgency]
    item.ReasonForTheRequestedProcedure = _text(order.question)
    said = (_protocol(scheduled), order.question.replace("\\", "/"))
    item.RequestedProcedureComments = "\n".join(text for text in said if text)[:10240]
    item.RequestingPhysician = item.ReferringPhysicianName = _name(
        order.requester.family_name, order.requester.given_name
    )
    item.InstitutionName = _text(order.place.name_fr)
    for keyword in ("ReferencedStudySequence", "PatientTransportArrangements"):
        _empty(item, keyword)


def _step(scheduled: Scheduled) -> Dataset:
    order = scheduled.order
    start = timezone.localtime(order.scheduled_for)
    step = Dataset()
    step.ScheduledStationAETitle = list(scheduled.stations) or None
    step.ScheduledProcedureStepStartDate = f"{start:%Y%m%d}"
    step.ScheduledProcedureStepStartTime = f"{start:%H%M%S}"
    step.Modality = order.procedure.modality
    step.ScheduledPerformingPhysicianName = None
    step.ScheduledProcedureStepDescription = _title(scheduled)
    step.ScheduledProtocolCodeSequence = [_protocol_code(scheduled) or _code(scheduled)]
    step.CommentsOnTheScheduledProcedureStep = _protocol(scheduled)[:10240] or None
    step.ScheduledProcedureStepID = order.accession
    step.ScheduledProcedureStepStatus = "STARTED" if order.state == "started" else "SCHEDULED"
    for keyword in ("ScheduledProcedureStepLocation", "ScheduledStationName", "PreMedication"):
        _empty(step, keyword)
    step.RequestedContrastAgent = CONTRAST if scheduled.verdict and scheduled.verdict.contrast else None
    return step


def _bring_to_today(item: Dataset) -> None:
    """An exam still to be made after its day is due now: a console that asks for today must see it."""
    step, now = item.ScheduledProcedureStepSequence[0], timezone.localtime()
    if step.ScheduledProcedureStepStartDate < f"{now:%Y%m%d}":
        step.ScheduledProcedureStepStartDate = f"{now:%Y%m%d}"
        step.ScheduledProcedureStepStartTime = f"{now:%H%M%S}"


def _code(scheduled: Scheduled) -> Dataset:
    procedure = scheduled.order.procedure
    code = Dataset()
    code.CodeValue = procedure.code
    code.CodingSchemeDesignator = "99WASL"
    code.CodeMeaning = _text(procedure.name_fr)
    return code


def _protocol(scheduled: Scheduled) -> str:
    """How the exam is made, as a radiologist vetted it, for a console: with or without contrast, and the protocol."""
    verdict = scheduled.verdict
    if verdict is None:
        return ""
    named = verdict.protocol.name_fr if verdict.protocol else ""
    said = (f"PROTOCOLE : {CONTRAST if verdict.contrast else PLAIN}", named, verdict.instructions)
    return ". ".join(text.replace("\\", "/").strip() for text in said if text)


def _protocol_code(scheduled: Scheduled) -> Dataset | None:
    """The protocol of the catalogue that the radiologist chose (PS3.3, C.4.10, (0040,0008))."""
    protocol = scheduled.verdict.protocol if scheduled.verdict else None
    if protocol is None:
        return None
    code = Dataset()
    code.CodeValue = protocol.code
    code.CodingSchemeDesignator = "99WASL"
    code.CodeMeaning = _text(protocol.name_fr)
    return code


def _title(scheduled: Scheduled) -> str:
    side = SIDES.get(scheduled.order.side, "")
    name = scheduled.order.procedure.name_fr
    return _text(f"{name[: 62 - len(side)]}, {side}" if side else name)


def _empty(item: Dataset, keyword: str) -> None:
    setattr(item, keyword, [] if dictionary_VR(keyword) == "SQ" else None)


def _name(family: str, given: str) -> str:
    """One component group of a person's name (PS3.5, 6.2.1), the delimiters taken out of it."""
    parts = [" ".join(part.translate(str.maketrans("^=\\", "   ")).split())[:31] for part in (family, given)]
    return "^".join(parts).strip("^") if any(parts) else ""


def _text(words: str) -> str:
    """Text as LO takes it (PS3.5, 6.2): no backslash, no line break, 64 characters."""
    return " ".join(words.replace("\\", "/").split())[:64]
