"""Who may join hospitals in groups, and what is refused."""

from uuid import UUID

from django.utils.functional import Promise
from django.utils.translation import pgettext_lazy

from wasl.kernel.access import Actor
from wasl.kernel.errors import Invalid, NotAllowed, Refused

PLANS = ("planner", "chief")
PLANNERS = frozenset({*PLANS, "system"})  # of rosters; which hospitals are grouped is for planners alone
GROUPS = frozenset({"planner", "system"})
CAN: dict[str, frozenset[str]] = {
    "found_group": GROUPS,
    "set_minimum": GROUPS,
    "join_group": GROUPS,
    "leave_group": GROUPS,
}
SPECIALTIES: dict[str, str | Promise] = {"radiology": pgettext_lazy("specialty", "radiology")}
MOST = 20  # on duty at once: more is a slip of the hand


class NotYourGroup(NotAllowed):
    """A group is planned by the planners, and by the heads of department of the hospital that leads it."""


class GroupNameTaken(Refused):
    """Another group is already called {name}."""


class NoHospital(Invalid):
    """A group has at least one hospital."""


class UnknownHospital(Invalid):
    """One of these hospitals is not in the list."""


class UnknownSpecialty(Invalid):
    """Nobody is enrolled in this specialty."""


class BadMinimum(Invalid):
    """Between 1 and {most} readers are on duty at every hour."""


class InAnotherGroup(Refused):
    """This hospital is in a group of this specialty already."""


class NotInGroup(Refused):
    """This hospital is not in this group (any more)."""


class LastHospital(Refused):
    """The last hospital of a group stays in it."""


def plans(lead: UUID, actor: Actor) -> bool:
    """Whether somebody plans for a group that this place leads."""
    return actor.is_system or any(actor.holds(role, lead) for role in PLANS)


def check_plans(lead: UUID, by: Actor) -> None:
    """Who plans for a group."""
    if not plans(lead, by):
        raise NotYourGroup


def check_groups(lead: UUID, by: Actor) -> None:
    """Who says which hospitals are covered together."""
    if not by.is_system and not by.holds("planner", lead):
        raise NotYourGroup


def check_minimum(minimum: int) -> None:
    """Somebody is on duty at every hour, and not half the country."""
    if not 1 <= minimum <= MOST:
        raise BadMinimum(most=MOST)
