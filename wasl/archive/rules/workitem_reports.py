"""What subscribers are told of a workitem (PS3.4, CC.2.4)."""

from collections.abc import Iterator

from wasl.archive.rules.workitem_data import (
    CONTACT,
    CONTACT_NAME,
    PERFORMERS,
    PROGRESS,
    PUSH,
    READINESS,
    REASON,
    REASON_CODE,
    REQUESTER,
    STATE,
    STATIONS,
    Json,
    first,
    one,
    values_of,
)
from wasl.archive.rules.workitems import CANCELED

STATE_REPORT, CANCEL_REQUESTED, PROGRESS_REPORT, ASSIGNED = 1, 2, 3, 5  # Event Type ID (table CC.2.4-1)
MESSAGES = 0xFFFF  # Message ID (0000,0110) is one of so many


def reports(before: Json, after: Json) -> Iterator[tuple[int, Json]]:
    """What subscribers are told of a change: kinds of reports and their attributes (CC.2.4.3)."""
    if any(before.get(tag) != after.get(tag) for tag in (STATE, READINESS)):
        yield STATE_REPORT, state_report(after)
    if any(values_of(before, tag) != values_of(after, tag) for tag in (STATIONS, PERFORMERS)):
        yield ASSIGNED, assigned(after)
    told = ("00741004", "00741006", "00741007", "00741008")
    was, now = (first(dataset, PROGRESS) or {} for dataset in (before, after))
    if any(was.get(tag) != now.get(tag) for tag in told):
        yield PROGRESS_REPORT, {PROGRESS: {"vr": "SQ", "Value": [{tag: now[tag] for tag in told if tag in now}]}}


def state_report(dataset: Json) -> Json:
    """The attributes of a UPS State Report."""
    progress = (first(dataset, PROGRESS) or {}) if first(dataset, STATE) == CANCELED else {}
    return {
        READINESS: dataset[READINESS], STATE: dataset[STATE],
        **{tag: progress[tag] for tag in (REASON_CODE, REASON) if tag in progress},
    }  # fmt: skip


def assigned(dataset: Json) -> Json:
    """The attributes of a UPS Assigned report."""
    return {tag: dataset[tag] for tag in (STATIONS, PERFORMERS) if tag in dataset}


def is_assigned(dataset: Json) -> bool:
    """Whether a workitem names a station or a person for it."""
    return any(values_of(dataset, tag) for tag in (STATIONS, PERFORMERS))


def cancel_report(given: Json, *, requester: str) -> Json:
    """The attributes of a UPS Cancel Requested report: who asks, and what they said."""
    said = {tag: given[tag] for tag in (REASON, REASON_CODE, CONTACT, CONTACT_NAME) if tag in given}
    return {REQUESTER: one("AE", requester), **said}


def with_reason(dataset: Json, given: Json) -> Json:
    """The data set with what was said when its cancellation was asked for."""
    said = {tag: given[tag] for tag in (REASON, REASON_CODE) if tag in given}
    return {**dataset, PROGRESS: {"vr": "SQ", "Value": [said]}} if said else dataset


def message_id(number: int) -> int:
    """The Message ID of a subscriber's report of this number, from 1."""
    return (number - 1) % MESSAGES + 1


def event_report(uid: str, *, number: int, kind: int, content: Json) -> Json:
    """An Event Report as it is sent (PS3.18, 8.10.5 and 11.13; PS3.7, 10.3.1)."""
    return {
        "00000002": one("UI", PUSH), "00000100": one("US", 0x0100), "00000110": one("US", message_id(number)),
        "00001000": one("UI", uid), "00001002": one("US", kind), **content,
    }  # fmt: skip
