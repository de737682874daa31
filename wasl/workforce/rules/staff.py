"""Who may enrol staff and let readers read, and what is refused."""

import datetime
from uuid import UUID

from wasl.kernel.access import Actor
from wasl.kernel.errors import Invalid, NotAllowed, Refused

CAN: dict[str, frozenset[str]] = {
    "enrol_worker": frozenset({"administrator", "system"}),
    "cover_place": frozenset({"administrator", "chief", "system"}),
    "end_cover": frozenset({"administrator", "chief", "system"}),
}


class AlreadyEnrolled(Refused):
    """This person, or this licence number, is enrolled already."""


class AlreadyCovering(Refused):
    """This reader already reads the exams of this hospital in this period."""


class NotYourReader(NotAllowed):
    """A head of department decides for the readers of their own hospital."""


class CoverEndsTooSoon(Invalid):
    """A reader's cover of a hospital ends after it begins."""


class NotCovering(Refused):
    """This reader does not read the exams of this hospital now."""


def check_decides(place: UUID, by: Actor) -> None:
    """Who decides for a reader is the administration, or heads the department of the reader's own place."""
    if by.roles == {"chief"} and not by.holds("chief", place):
        raise NotYourReader


def check_period(since: datetime.datetime, until: datetime.datetime | None) -> None:
    """A cover lasts."""
    if until is not None and until <= since:
        raise CoverEndsTooSoon


def check_running(since: datetime.datetime | None, until: datetime.datetime | None, now: datetime.datetime) -> None:
    """What is ended has begun and goes on."""
    if since is None or since > now or (until is not None and until <= now):
        raise NotCovering
