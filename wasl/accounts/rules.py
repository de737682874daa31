"""Who may give accounts and posts, how people are told things, and what is refused."""

import datetime
import re
from collections.abc import Iterable, Sequence
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from wasl.kernel.access import Actor
from wasl.kernel.errors import Invalid, NotAllowed, Refused

# every role of the house; modules name them in their CAN
ROLES: dict[str, str | Promise] = {
    "requester": _("requesting doctor"),
    "radiographer": _("radiographer"),
    "resident": _("resident in radiology"),
    "radiologist": _("radiologist"),
    "chief": _("head of imaging department"),
    "registrar": _("admission clerk"),
    "planner": _("planner at the ministry"),
    "administrator": _("administrator"),
    "auditor": _("auditor"),
    "steward": _("data steward"),
}

# what a machine may be given; a token carries some of them
SCOPES: dict[str, str | Promise] = {
    "fhir.read": _("read and search FHIR resources"),
    "fhir.write": _("send FHIR resources"),
    "dicomweb.read": _("find and fetch images"),
    "dicomweb.write": _("send images"),
}
# one FHIR type, or all, as SMART App Launch writes it
RESOURCE_SCOPE = re.compile(r"system/(\*|[A-Z][A-Za-z]+)\.(read|write|(?!$)c?r?u?d?s?)")

CAN: dict[str, frozenset[str]] = {
    "add_person": frozenset({"administrator", "system"}),
    "close_person": frozenset({"administrator", "system"}),
    "reset_password": frozenset({"administrator", "system"}),
    "give_post": frozenset({"administrator", "system"}),
    "end_post": frozenset({"administrator", "system"}),
    "add_client": frozenset({"administrator", "system"}),
    "revoke_client": frozenset({"administrator", "system"}),
    "add_gateway": frozenset({"administrator", "system"}),
    "renew_code": frozenset({"administrator", "system"}),
    "revoke_gateway": frozenset({"administrator", "system"}),
    "join_gateway": frozenset({"system"}),  # whoever has the code
    "renew_certificate": frozenset({"client"}),
    "note_gateway": frozenset({"client"}),
    "change_preferences": frozenset(ROLES),
    "write_message": frozenset({"system"}),
    "read_message": frozenset(ROLES),
    "read_messages": frozenset(ROLES),
    "note_seen": frozenset({"system"}),
    "note_sent": frozenset({"system"}),
    "note_failure": frozenset({"system"}),
    "drop_sending": frozenset({"system"}),
    "name_address": frozenset(ROLES),
    "confirm_address": frozenset(ROLES),
    "choose_channels": frozenset(ROLES),
}

# kind -> what a person is told, without a word about a patient; modules declare theirs
KINDS: dict[str, str | Promise] = {}

CODE_MINUTES = 15  # that a code waits to come back
CODE_TRIES = 5
CODE_PAUSE = datetime.timedelta(minutes=1)  # between two codes to one person
CALLING = {"TN": ("216", re.compile(r"[0-9]{8}")), "DZ": ("213", re.compile(r"0([0-9]{8,9})"))}  # ITU-T E.164
NUMBER = re.compile(r"\+[1-9][0-9]{7,14}")


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


class GatewayNameTaken(Refused):
    """Another gateway is already called {name}."""


class BadCode(Refused):
    """This code opens nothing: it was used, it ran out, or it is not written as it was given."""

    http = 403
    fhir_issue = "security"


class BadSigningRequest(Invalid):
    """A gateway asks for its certificate with a key on the curve P-256 that it proves to hold."""


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


class UnknownKind(Invalid):
    """No module declared messages of the kind {kind}."""


class LeadsElsewhere(Invalid):
    """A message leads to a page of Wasl."""


class NoSuchChannel(Invalid):
    """Nothing is sent from here by this channel."""


class BadAddress(Invalid):
    """This is no e-mail address, or no phone number of this country or with its country's code."""


class CodeJustSent(Refused):
    """A code was sent a moment ago. Wait a minute before you ask for another."""


class CodeVoid(Refused):
    """This code holds no more. Ask for a new one."""


class QuietHoursIncomplete(Invalid):
    """Quiet hours begin and end, and not at the same moment."""


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


def check_code(until: datetime.datetime | None, *, now: datetime.datetime) -> None:
    """A code opens until it runs out."""
    if until is None or until <= now:
        raise BadCode


def known_language(code: str) -> str:
    """The code of a language that Wasl speaks."""
    if code not in ("ar", "fr", "en"):
        raise UnknownLanguage
    return code


def check_message(kind: str, link: str) -> None:
    """A message is of a declared kind, and leads to a page of Wasl."""
    if kind not in KINDS:
        raise UnknownKind(kind=kind)
    if not link.startswith("/") or link.startswith("//") or len(link) > 200:
        raise LeadsElsewhere


def known_address(channel: str, text: str, *, country: str) -> str:
    """The address as it is used: a phone number in the international form, with `+`. Raises BadAddress."""
    if channel == "email":
        try:
            validate_email(text.strip())
        except ValidationError as error:
            raise BadAddress from error
        return text.strip()
    number = re.sub(r"[\s().-]", "", text)
    number = f"+{number[2:]}" if number.startswith("00") else number
    code, local = CALLING[country]
    if found := local.fullmatch(number):
        number = f"+{code}{found[found.re.groups]}"
    if not NUMBER.fullmatch(number):
        raise BadAddress
    return number


def check_code_pause(last: datetime.datetime | None, *, now: datetime.datetime) -> None:
    """Nobody is sent one code after another."""
    if last is not None and now - last < CODE_PAUSE:
        raise CodeJustSent


def check_code_holds(made: datetime.datetime | None, tries: int, *, now: datetime.datetime) -> None:
    """A code holds for a while, and for a few tries."""
    if made is None or tries >= CODE_TRIES or now - made > datetime.timedelta(minutes=CODE_MINUTES):
        raise CodeVoid


def check_quiet_hours(since: datetime.time | None, until: datetime.time | None) -> None:
    """Quiet hours have two ends, or are none."""
    if (since is None) != (until is None) or (since is not None and since == until):
        raise QuietHoursIncomplete


def due(now: datetime.datetime, *, quiet: tuple[datetime.time | None, datetime.time | None]) -> datetime.datetime:
    """When something that is not urgent is sent: now, or at the end of the quiet hours that now is in (local time)."""
    since, until = quiet
    if since is None or until is None:
        return now
    local = timezone.localtime(now)
    at = local.time()
    within = since <= at < until if since < until else at >= since or at < until
    if not within:
        return now
    day = local.date() + datetime.timedelta(days=1 if since > until and at >= since else 0)
    return timezone.make_aware(datetime.datetime.combine(day, until))
