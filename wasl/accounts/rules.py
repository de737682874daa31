"""Who may give accounts and posts, how people are told things, and what is refused."""

import datetime
import json
import re
from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from jwcrypto.common import JWException
from jwcrypto.jwk import JWK

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
# one FHIR type, or all, as SMART App Launch 1 and 2 write it; what narrows by a parameter is none of these
RESOURCE_SCOPE = re.compile(r"(patient|user|system)/(\*|[A-Z][A-Za-z]{1,40})\.(read|write|\*|(?!$)c?r?u?d?s?)")
ACTS = {"read": "rs", "write": "cud", "*": "cruds"}  # what the words for several acts stand for
EVERYTHING = {"fhir.read": "system/*.rs", "fhir.write": "system/*.cud"}
# who signed in, from where the app was opened, and tokens that are renewed
CONTEXT = frozenset({"openid", "fhirUser", "profile", "launch", "launch/patient", "offline_access"})
LAUNCH_MINUTES = 5
PROOF_MINUTES = 5  # SMART App Launch 2.2, asymmetric authentication: an assertion lives no longer

CAN: dict[str, frozenset[str]] = {
    "add_person": frozenset({"administrator", "system"}),
    "close_person": frozenset({"administrator", "system"}),
    "reset_password": frozenset({"administrator", "system"}),
    "give_post": frozenset({"administrator", "system"}),
    "end_post": frozenset({"administrator", "system"}),
    "add_client": frozenset({"administrator", "system"}),
    "revoke_client": frozenset({"administrator", "system"}),
    "add_app": frozenset({"administrator", "system"}),
    "start_launch": frozenset(ROLES),
    "give_permit": frozenset(ROLES),
    "fetch_token": frozenset({"system"}),  # whoever has the code, or the refresh token
    "end_permit": frozenset({*ROLES, "system"}),  # one's own
    "note_proof": frozenset({"system"}),
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


class AppNeedsAddress(Invalid):
    """An app needs an address to which its people come back."""


class BadAppAddress(Invalid):
    """The address {address} is not one of an app: https, or http on this machine alone, without user or fragment."""


class AppNeedsTitle(Invalid):
    """An app needs the name that people read."""


class BadKeys(Invalid):
    """These are no public keys for RS384 or ES384, as a JSON Web Key Set has them."""


class KeysOfPublicApp(Invalid):
    """A public app keeps no secret, and proves itself by no key."""


class UnknownApp(Invalid):
    """No app that is registered here leads to this page, or not with this address to come back to."""

    http = 400


class LaunchVoid(Refused):
    """This way into the app was used, or ran out. Open the app from the patient's page again."""


class PermitVoid(Refused):
    """This code or token opens nothing any more."""


class ProofUsed(Refused):
    """This assertion was used before."""


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
        found = RESOURCE_SCOPE.fullmatch(scope)
        if scope not in SCOPES and (found is None or found[1] != "system"):
            raise UnknownScope(scope=scope)


def check_app_scopes(scopes: Sequence[str]) -> None:
    """An app has some scopes: of its person, of one patient, and what SMART calls context."""
    if not scopes:
        raise NoScope
    for scope in scopes:
        found = RESOURCE_SCOPE.fullmatch(scope)
        if scope not in CONTEXT and (found is None or found[1] == "system"):
            raise UnknownScope(scope=scope)


def acts_of(scopes: Iterable[str], level: str, kind: str) -> frozenset[str]:
    """What scopes of a level (patient, user, system) allow with resources of a type: some of c, r, u, d, s."""
    found = [RESOURCE_SCOPE.fullmatch(EVERYTHING.get(scope, scope)) for scope in scopes]
    named = [one for one in found if one and one[1] == level and one[2] in ("*", kind)]
    return frozenset("".join(ACTS.get(one[3], one[3]) for one in named))


def is_within(scope: str, held: Iterable[str]) -> bool:
    """Whether a scope asks for no more than those that are held."""
    known = list(held)
    asked = RESOURCE_SCOPE.fullmatch(scope)
    return scope in known or bool(
        asked and frozenset(ACTS.get(asked[3], asked[3])) <= acts_of(known, asked[1], asked[2])
    )


def grantable(scopes: Iterable[str]) -> list[str]:
    """The scopes that are given of those asked for: through `patient/` an app reads, and nothing is written."""
    given = []
    for scope in scopes:
        found = RESOURCE_SCOPE.fullmatch(scope)
        if found is None or found[1] != "patient" or found[3] == "read":
            given.append(scope)
        elif acts := "".join(act for act in "rs" if act in ACTS.get(found[3], found[3])):
            given.append(f"patient/{found[2]}.{acts}")
    return list(dict.fromkeys(given))


def check_app_address(address: str) -> None:
    """People come back to an address that nobody else can answer at."""
    try:
        parts = urlsplit(address)
        here = parts.scheme == "http" and parts.hostname in ("localhost", "127.0.0.1", "::1")
        known = (parts.scheme == "https" or here) and parts.hostname and parts.port != 0
    except ValueError as error:
        raise BadAppAddress(address=address) from error
    if not known or "@" in parts.netloc or "#" in address or re.search(r"[\s\\*;,'\"]", address) or len(address) > 500:
        raise BadAppAddress(address=address)


def known_keys(text: str) -> dict[str, object]:
    """A set of public keys (RFC 7517) for RS384 or ES384, and nothing private in it. Raises BadKeys."""
    try:
        keys = [JWK(**one) for one in json.loads(text)["keys"]]
        told = [{**key.export_public(as_dict=True)} for key in keys]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, JWException) as error:
        raise BadKeys from error
    strong = (
        key["kty"] == "EC" and key["crv"] == "P-384" or key["kty"] == "RSA" and len(key["n"]) >= 342  # 2048 bits
        for key in told
    )
    if not told or any(key.has_private for key in keys) or not all(strong):
        raise BadKeys
    return {"keys": told}


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
