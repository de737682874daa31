"""Who may change staff, and what is refused."""

from wasl.kernel.errors import Refused

CAN: dict[str, frozenset[str]] = {
    "enrol_worker": frozenset({"administrator", "system"}),
    "cover_place": frozenset({"administrator", "chief", "system"}),
    "end_cover": frozenset({"administrator", "chief", "system"}),
}


class AlreadyEnrolled(Refused):
    """This person, or this licence number, is enrolled already."""


class AlreadyCovering(Refused):
    """This reader already reads the exams of this hospital in this period."""
