"""What a workitem says as it is created, updated and finished (PS3.4, table CC.2.5-3)."""

import copy
import datetime
import re
from collections.abc import Mapping
from typing import Any

from wasl.archive.rules.moments import moment, stamp
from wasl.archive.rules.uids import is_uid
from wasl.archive.rules.workitems import (
    CANCELED,
    COMPLETED,
    FILTERED,
    SCHEDULED,
    WORKLIST,
    AttributeMissing,
    AttributeNotAllowed,
    AttributeWrong,
    BadWorkitem,
    NotFinished,
)

Json = dict[str, Any]

PUSH = "1.2.840.10008.5.1.4.34.6.1"  # the class of every workitem (PS3.4, CC.3.1)
SOP_CLASS, SOP_INSTANCE, TRANSACTION, STUDY = "00080016", "00080018", "00081195", "0020000D"
STATE, PROGRESS, PERFORMED, READINESS = "00741000", "00741002", "00741216", "00404041"
PRIORITY, LABEL, WORKLIST_LABEL, STARTS, MODIFIED = "00741200", "00741204", "00741202", "00404005", "00404010"
INPUTS, OUTPUTS, STATIONS, PERFORMERS = "00404021", "00404033", "00404025", "00404034"
REASON, REASON_CODE, REQUESTER, CANCELED_AT = "00741238", "0074100E", "00741236", "00404052"
CONTACT, CONTACT_NAME = "0074100A", "0074100C"

# table CC.2.5-3: what must have a value when it is created, and may not lose it later
NEEDED = {
    PRIORITY: "Scheduled Procedure Step Priority", LABEL: "Procedure Step Label",
    STARTS: "Scheduled Procedure Step Start DateTime", READINESS: "Input Readiness State",
}  # fmt: skip
# what must be there when it is created, if empty; what is left out is put there, and the sender is told
PRESENT = {
    WORKLIST_LABEL: "LO", "00741210": "SQ", STATIONS: "SQ", "00404026": "SQ", "00404027": "SQ", "00404018": "SQ",
    "00400400": "LT", INPUTS: "SQ", STUDY: "UI", "00100010": "PN", "00100020": "LO", "00101002": "SQ",
    "00100030": "DA", "00100040": "CS", "00380010": "LO", "00380014": "SQ", "00081080": "LO", "00081084": "SQ",
    "0040A370": "SQ", PROGRESS: "SQ", PERFORMED: "SQ",
}  # fmt: skip
EMPTY = {
    TRANSACTION: "Transaction UID", PROGRESS: "Procedure Step Progress Information Sequence",
    PERFORMED: "Unified Procedure Step Performed Procedure Sequence",
}  # fmt: skip
REPRESENTED = {
    **PRESENT, PRIORITY: "CS", LABEL: "LO", STARTS: "DT", READINESS: "CS", STATE: "CS", TRANSACTION: "UI",
    PERFORMERS: "SQ",
}  # fmt: skip
# what an update does not touch: who and what it is about, and what other transactions say
FIXED = {
    SOP_CLASS: "SOP Class UID", SOP_INSTANCE: "SOP Instance UID", STATE: "Procedure Step State",
    "00100010": "Patient's Name", "00100020": "Patient ID", "00100021": "Issuer of Patient ID",
    "00100024": "Issuer of Patient ID Qualifiers Sequence", "00100030": "Patient's Birth Date",
    "00100040": "Patient's Sex", "00380010": "Admission ID", "00380014": "Issuer of Admission ID Sequence",
    "00081080": "Admitting Diagnoses Description", "00081084": "Admitting Diagnoses Code Sequence",
    "0040A370": "Referenced Request Sequence", "00741224": "Replaced Procedure Step Sequence",
}  # fmt: skip
# what the one item of the Performed Procedure Sequence says before a workitem is completed
DONE = {
    "00404028": "Performed Station Name Code Sequence", "00404050": "Performed Procedure Step Start DateTime",
    "00404019": "Performed Workitem Code Sequence", "00404051": "Performed Procedure Step End DateTime",
}  # fmt: skip
CHOICES = {
    PRIORITY: frozenset({"HIGH", "MEDIUM", "LOW"}), READINESS: frozenset({"INCOMPLETE", "UNAVAILABLE", "READY"}),
}  # fmt: skip
# what a search tells without being asked (return keys of type 1 and 2, and 1C)
RETURNED = (
    *NEEDED, *(set(PRESENT) - {"00400400", PERFORMED}), "00080005", SOP_CLASS, SOP_INSTANCE, STATE, PERFORMERS,
    "00100021", "00100024", "00102000", "001021C0", "00380050",
)  # fmt: skip
UNSPECIFIED = {
    "00080100": {"vr": "SH", "Value": ["110513"]}, "00080102": {"vr": "SH", "Value": ["DCM"]},
    "00080104": {"vr": "LO", "Value": ["Discontinued for unspecified reason"]},
}  # fmt: skip
_TAG, _VR = re.compile(r"[0-9A-Fa-f]{8}"), re.compile(r"[A-Z]{2}")
DEPTH = 16  # of sequences within one another


def first(dataset: Mapping[str, Any], tag: str) -> Any:  # noqa: ANN401  a value of DICOM JSON
    """The first value of an attribute, or None."""
    return next(iter(dataset.get(tag, {}).get("Value") or ()), None)


def checked(dataset: object, depth: int = 0) -> Json:
    """A data set as DICOM JSON (PS3.18, F.2), its tags in capitals and nothing of it elsewhere. Raises BadWorkitem."""
    if not isinstance(dataset, dict) or depth > DEPTH:
        raise BadWorkitem(what="a data set")
    return {_tag(tag): _element(tag, element, depth) for tag, element in dataset.items()}


def _tag(text: str) -> str:
    if not _TAG.fullmatch(text):
        raise BadWorkitem(what=text[:16])
    return text.upper()


def _element(tag: str, element: object, depth: int) -> Json:
    if not isinstance(element, dict) or not element.keys() <= {"vr", "Value"}:
        raise BadWorkitem(what=tag)  # bulk data and inline binaries have no place in a workitem (PS3.18, 11.1.3)
    vr, values = element.get("vr"), element.get("Value", [])
    if not isinstance(vr, str) or not _VR.fullmatch(vr) or not isinstance(values, list):
        raise BadWorkitem(what=tag)
    if vr == "SQ":
        values = [checked(item, depth + 1) for item in values]
    elif vr == "PN":
        values = [_name(tag, value) for value in values]
    elif any(not (value is None or isinstance(value, str | int | float)) for value in values):
        raise BadWorkitem(what=tag)
    return {"vr": vr, "Value": values} if values else {"vr": vr}


def _name(tag: str, value: object) -> object:
    known = {"Alphabetic", "Ideographic", "Phonetic"}
    if value is None or isinstance(value, dict) and value.keys() <= known and all(
        isinstance(text, str) for text in value.values()
    ):  # fmt: skip
        return value
    raise BadWorkitem(what=tag)


def created(uid: str, given: Json, *, now: datetime.datetime) -> tuple[Json, bool]:
    """The data set of a new workitem, and whether something was put in that its sender left out.

    Raises AttributeMissing, AttributeNotAllowed, AttributeWrong.
    """
    if not is_uid(uid) or uid in (WORKLIST, FILTERED):
        raise AttributeWrong(name="SOP Instance UID")
    _check_values(given)
    for tag, name in EMPTY.items():
        if first(given, tag) is not None:
            raise AttributeNotAllowed(name=name)
    if first(given, STATE) is None:
        raise AttributeMissing(name="Procedure Step State")
    if first(given, STATE) != SCHEDULED:
        raise AttributeWrong(name="Procedure Step State")
    for tag, name in NEEDED.items():
        if not first(given, tag):
            raise AttributeMissing(name=name)
    left_out = {tag: {"vr": vr} for tag, vr in PRESENT.items() if tag not in given}
    dataset = {tag: element for tag, element in {**given, **left_out}.items() if tag != TRANSACTION}
    if not first(dataset, WORKLIST_LABEL):
        dataset[WORKLIST_LABEL] = one("LO", "WASL")
    return dataset | {SOP_CLASS: one("UI", PUSH), SOP_INSTANCE: one("UI", uid), MODIFIED: one("DT", stamp(now))}, bool(
        left_out
    )


def updated(dataset: Json, given: Json, *, now: datetime.datetime) -> Json:
    """The data set after an update. Raises AttributeMissing, AttributeNotAllowed, AttributeWrong."""
    _check_values(given)
    for tag, name in FIXED.items():
        if tag in given:
            raise AttributeNotAllowed(name=name)
    for tag, name in {**NEEDED, WORKLIST_LABEL: "Worklist Label"}.items():
        if tag in given and not first(given, tag):
            raise AttributeMissing(name=name)
    said = {tag: element for tag, element in given.items() if tag != TRANSACTION}
    return {**dataset, **said, MODIFIED: one("DT", stamp(now))}


def _check_values(given: Json) -> None:
    for tag, vr in REPRESENTED.items():
        if given.get(tag, {}).get("vr", vr) != vr:
            raise AttributeWrong(name=NEEDED.get(tag) or FIXED.get(tag) or tag)
    for tag, known in CHOICES.items():
        if first(given, tag) not in (None, *known):
            raise AttributeWrong(name=NEEDED[tag])
    if first(given, STARTS) is not None and moment(first(given, STARTS)) is None:
        raise AttributeWrong(name=NEEDED[STARTS])
    label = first(given, LABEL)
    if label is not None and (not isinstance(label, str) or len(label) > 64):
        raise AttributeWrong(name=NEEDED[LABEL])


def study_of(dataset: Json) -> str:
    """The study that is worked on: of the first input, or else the one that the results will be in."""
    inputs = (first(item, STUDY) for item in dataset.get(INPUTS, {}).get("Value", ()))
    found = next((uid for uid in inputs if uid), None) or first(dataset, STUDY)
    return found if is_uid(found) else ""


def changed(dataset: Json, to: str, *, now: datetime.datetime) -> Json:
    """The data set in its next state. Raises NotFinished.

    A cancellation that says neither when nor why gets the moment, and "for unspecified reason" (CC.2.5.1.1, X).
    """
    if to == COMPLETED:
        check_finished(dataset)
    dataset = {**dataset, STATE: one("CS", to), MODIFIED: one("DT", stamp(now))}
    if to == CANCELED:
        progress = copy.deepcopy(first(dataset, PROGRESS) or {})
        if not first(progress, CANCELED_AT):
            progress[CANCELED_AT] = one("DT", stamp(now))
        if not first(progress, REASON_CODE):
            progress[REASON_CODE] = {"vr": "SQ", "Value": [UNSPECIFIED]}
        dataset[PROGRESS] = {"vr": "SQ", "Value": [progress]}
    return dataset


def check_finished(dataset: Json) -> None:
    """What was done is said before a workitem is completed (table CC.2.5-3, P)."""
    done = first(dataset, PERFORMED) or {}
    names = [name for tag, name in DONE.items() if not first(done, tag)]
    if OUTPUTS not in done:  # it may have no items
        names.append("Output Information Sequence")
    if names:
        raise NotFinished(names=", ".join(names))


def values_of(dataset: Mapping[str, Any], tag: str) -> list[Any]:
    """The values of an attribute."""
    return list(dataset.get(tag, {}).get("Value", ()))


def one(vr: str, value: object) -> Json:
    """An attribute of one value."""
    return {"vr": vr, "Value": [value]}
