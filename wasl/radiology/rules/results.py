"""Who may read and acknowledge results, and what is refused."""

import datetime

from wasl.kernel.errors import Invalid, NotAllowed, Refused

CLINICIANS = frozenset({"requester", "radiologist", "chief"})

CAN: dict[str, frozenset[str]] = {
    "hand_over_report": frozenset({"system"}),
    "raise_critical_result": frozenset({"system"}),
    "read_report": CLINICIANS,
    "acknowledge_result": CLINICIANS,
    "set_critical_target": frozenset({"planner", "administrator", "system"}),
}

HOUSE_MINUTES = 60  # to acknowledge a critical result, until a ministry sets its own


class NotYourResult(NotAllowed):
    """Only a doctor of the hospital that asked may acknowledge this result."""


class AlreadyAcknowledged(Refused):
    """{reader} already acknowledged this result."""


class CriticalTargetNotLater(Invalid):
    """A new deadline must begin after {since}, when the present one began."""


def check_critical_target(*, since: datetime.date, current: datetime.date | None) -> None:
    """A new deadline begins after the present one began."""
    if current is not None and since <= current:
        raise CriticalTargetNotLater(since=current.isoformat())
