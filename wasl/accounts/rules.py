"""Who may give accounts and posts, and what is refused."""

import datetime
import re
from collections.abc import Iterable, Sequence
from uuid import UUID

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from wasl.kernel.access import Actor
from wasl.kernel.errors import Invalid, NotAllowed, Refused

# every role of the house; modules name them in their CAN
ROLES: dict[str, str | Promise] = {
    "requester": _("requesting doctor"),
    "radiographer": _("radiographer"),
    "radiologist": _("radiologist"),
    "chief": _("head of imaging department"),
    "registrar": _("admission clerk"),
    "planner": _("planner at the ministry"),
    "administrator": _("administrator"),
    "auditor": _("auditor"),
}

# what a machine may be given; a token carries some of them
SCOPES: dict[str, str | Promise] = {
    "fhir.read": _("read and search FHIR resources"),
    "fhir.write": _("send FHIR resources"),
    "dicomweb.read": _("find and fetch images"),
    "dicomweb.write": _("send images"),
}
# one FHIR type, or all, as SMART App Launch writes it
RESOURCE_SCOPE = re.compile(r"system/(\*|[A-Z][A-Za-z]+)\.(read|rs|r|s)")

CAN: dict[str, frozenset[str]] = {
    "add_person": frozenset({"administrator", "system"}),
    "close_person": frozenset({"administrator", "system"}),
    "reset_password": frozenset({"administrator", "system"}),
    "give_post": frozenset({"administrator", "system"}),
    "end_post": frozenset({"administrator", "system"}),
    "add_client": frozenset({"administrator", "system"}),
    "revoke_client": frozenset({"administrator", "system"}),
    "change_preferences": frozenset(ROLES),
}


class UserNameTaken(Refused):
    """Another person already has the user name {username}."""


class UnknownRole(Invalid):
    """There is no role called {role}."""


class UnknownScope(Invalid):
    """There is no scope called {scope}."""


class NoScope(Invalid):
    """A machine client needs at least one scope."""


class ClientNameTaken(Refused):
    """Another machine client is already called {name}."""


class NotYourself(NotAllowed):
    """You cannot close your own account, nor give yourself a post or end one; another administrator can."""


class NotYourPlace(NotAllowed):
    """You administer another place than this one."""


class PostEndsEarly(Invalid):
    """A post must end after it begins."""


class PostOver(Refused):
    """This post is over already."""


class PostHeld(Refused):
    """This person already holds this role there in this period."""


class UnknownLanguage(Invalid):
    """Wasl speaks Arabic, French and English."""


def check_not_oneself(person: UUID, *, by: Actor) -> None:
    """Nobody decides alone about their own account."""
    if by.id == person:
        raise NotYourself


def check_reach(places: Iterable[UUID | None], *, by: Actor) -> None:
    """An administrator of a place decides for that place; for others, and for the country, one of the country does."""
    if not by.is_system and not any(held.role == "administrator" and held.place is None for held in by.held):
        mine = by.places("administrator")
        if any(place not in mine for place in places):
            raise NotYourPlace


def check_period(since: datetime.datetime, until: datetime.datetime | None) -> None:
    """A post ends after it begins."""
    if until is not None and until <= since:
        raise PostEndsEarly


def check_running(until: datetime.datetime | None, *, now: datetime.datetime) -> None:
    """Only a post that runs, or will, can be ended."""
    if until is not None and until <= now:
        raise PostOver


def check_scopes(scopes: Sequence[str]) -> None:
    """A client has some scopes, and known ones only."""
    if not scopes:
        raise NoScope
    for scope in scopes:
        if scope not in SCOPES and not RESOURCE_SCOPE.fullmatch(scope):
            raise UnknownScope(scope=scope)


def known_language(code: str) -> str:
    """The code of a language that Wasl speaks."""
    if code not in ("ar", "fr", "en"):
        raise UnknownLanguage
    return code
