"""The gate of the fast doors (FHIR, DICOMweb, live pages): who asks, and the database without Django's request path.

A grant is remembered for at most a minute, so that a revoked session or token is refused within a minute.
"""

import hashlib
import re
import time
from collections.abc import Iterable
from http.cookies import SimpleCookie
from importlib import import_module
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpRequest
from django.http.request import validate_host
from psycopg.conninfo import make_conninfo
from psycopg_pool import AsyncConnectionPool

from wasl.accounts import queries as accounts
from wasl.edges.session import actor_of_session
from wasl.kernel.access import STRANGER, Actor
from wasl.kernel.models import uuid7
from wasl.patients import queries as patients
from wasl.record import queries as record

Scope = dict[str, Any]

GRANT_SECONDS = 60
SEARCH_SECONDS = 10  # for one search
_grants: dict[str, tuple[float, Actor]] = {}
_grounds: dict[tuple[Actor, UUID], tuple[float, str | None]] = {}
_reviews: dict[tuple[Actor, UUID], tuple[float, bool]] = {}
_looks: dict[tuple[str, UUID, str, UUID | None], float] = {}
_pool: AsyncConnectionPool | None = None
_searching: AsyncConnectionPool | None = None

_LOG = """
insert into patients_access
    (id, created_at, patient_id, actor, actor_name, place, address, what, subject, ground)
select n.id, clock_timestamp(), n.patient, %(actor)s::text, %(name)s::text, %(place)s::uuid, %(address)s::text,
    %(what)s::text, n.subject, n.ground
from unnest(%(ids)s::uuid[], %(patients)s::uuid[], %(subjects)s::uuid[], %(grounds)s::text[])
    as n(id, patient, subject, ground)
where %(seconds)s::int = 0 or not exists (
    select from patients_access a
    where a.patient_id = n.patient and a.created_at > clock_timestamp() - make_interval(secs => %(seconds)s::int)
      and a.actor = %(actor)s::text and a.what = %(what)s::text and a.subject is not distinct from n.subject
)"""


async def pool() -> AsyncConnectionPool:
    """The process's own async pool, opened at the first question."""
    global _pool
    if _pool is None:
        _pool = AsyncConnectionPool(
            conninfo(), min_size=1, max_size=16, reconnect_timeout=settings.RECONNECT, open=False,
            kwargs={"autocommit": True},
        )  # fmt: skip
        await _pool.open()
    return _pool


async def searching() -> AsyncConnectionPool:
    """A pool for searches, which may be broad: whoever asks too much is told so, and others are not kept waiting."""
    global _searching
    if _searching is None:
        # each is planned for its own values, for data of which what is asked often lies in memory
        options = {
            "autocommit": True, "prepare_threshold": None,
            "options": f"-c statement_timeout={SEARCH_SECONDS}s -c random_page_cost=1.1",
        }  # fmt: skip
        _searching = AsyncConnectionPool(
            conninfo(), min_size=1, max_size=8, timeout=SEARCH_SECONDS, reconnect_timeout=settings.RECONNECT,
            open=False, kwargs=options,
        )  # fmt: skip
        await _searching.open()
    return _searching


async def close() -> None:
    """Close the pools when the process ends."""
    global _pool, _searching
    for one in (_pool, _searching):
        if one is not None:
            await one.close()
    _pool = _searching = None


def header(scope: Scope, name: bytes) -> str:
    """A request header, or the empty string."""
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")


def is_known_host(scope: Scope) -> bool:
    """Whether the request names one of our hosts; addresses in answers are built from that name."""
    return validate_host(re.sub(r":\d+$", "", header(scope, b"host")).lower(), settings.ALLOWED_HOSTS)


def origin(scope: Scope) -> str:
    """The address of this server, as the client knows it."""
    return f"{scope['scheme']}://{header(scope, b'host')}"


async def actor_of(scope: Scope, *, apps: bool = False) -> Actor:
    """Who asks: the person of the session cookie, the machine client of the bearer token, or a stranger.

    A person through an app is one only where `apps` are reckoned with, and their scopes asked.
    """
    actor = await _known(scope)
    return actor if apps or not isinstance(actor, accounts.AppActor) else STRANGER


async def _known(scope: Scope) -> Actor:
    credential = _credential(scope)
    if not credential:
        return STRANGER
    address = (scope.get("client") or ("",))[0]
    key = hashlib.sha256(f"{credential}|{address}".encode()).hexdigest()
    known = _grants.get(key)
    if known and known[0] > time.monotonic():
        return known[1]
    actor = await sync_to_async(_find)(credential, address)
    if len(_grants) > 10_000:
        _grants.clear()
    if actor.held:  # a refusal is asked again, so that who has just shown a second factor is not kept waiting
        _grants[key] = (time.monotonic() + GRANT_SECONDS, actor)
    return actor


def language_of(viewer: Actor) -> str:
    """The language in which somebody is answered: a machine in English, the protocols' own."""
    return accounts.person(viewer.id, viewer=viewer).language if viewer.kind == "person" and viewer.id else "en"


async def ground_of(patient: UUID, *, viewer: Actor) -> str | None:
    """The ground on which the viewer may open a patient's record now, or None; remembered like a grant."""
    key = (viewer, patient)
    known = _grounds.get(key)
    if known and known[0] > time.monotonic():
        return known[1]
    found = await sync_to_async(patients.ground)(patient, viewer=viewer)
    if len(_grounds) > 50_000:
        _grounds.clear()
    if found:  # a refusal is asked again, so that access just given is not kept waiting
        _grounds[key] = (time.monotonic() + GRANT_SECONDS, found)
    return found


async def reviews(study: UUID, *, viewer: Actor, anew: bool) -> bool:
    """Whether the viewer reviews the report of a study now; a yes is remembered like a grant, a no unless `anew`."""
    if "radiologist" not in viewer.roles:
        return False
    key = (viewer, study)
    until, known = _reviews.get(key, (0.0, False))
    if until > time.monotonic() and (known or not anew):
        return known
    found = await sync_to_async(patients.is_reviewing)(study, viewer=viewer)
    if len(_reviews) > 50_000:
        _reviews.clear()
    _reviews[key] = (time.monotonic() + GRANT_SECONDS, found)
    return found


async def log_access(
    patient: UUID, *, what: str, ground: str, by: Actor, subject: UUID | None = None, once_in: int = 0
) -> None:
    """Write one line of the access log, as `patients.services.log_access` does; one only in `once_in` seconds."""
    await log_accesses([(patient, ground, subject)], what=what, by=by, once_in=once_in)


async def log_accesses(
    looks: Iterable[tuple[UUID, str, UUID | None]], *, what: str, by: Actor, once_in: int = 0
) -> None:
    """Write a line for each patient, ground and subject, of which none was written in the last `once_in` seconds."""
    actor, now = str(by), time.monotonic()
    fresh = {(actor, patient, what, subject): ground for patient, ground, subject in looks}
    if once_in:
        fresh = {key: ground for key, ground in fresh.items() if _looks.get(key, -once_in) <= now - once_in}
    if not fresh:
        return
    async with (await pool()).connection() as connection, connection.transaction():
        # several processes serve one viewer at once: one of them writes, the others find its line
        if once_in:
            await connection.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", (f"{actor} {what}",))
        await connection.execute(
            _LOG,
            {
                "ids": [uuid7() for _ in fresh], "patients": [key[1] for key in fresh], "what": what,
                "subjects": [key[3] for key in fresh], "grounds": list(fresh.values()), "actor": actor,
                "name": by.name, "place": by.at, "address": by.address, "seconds": once_in,
            },
        )  # fmt: skip
    if len(_looks) > 50_000:
        _looks.clear()
    _looks.update(dict.fromkeys(fresh, now))


def open_to(viewer: Actor) -> tuple[str, list[object]]:
    """SQL that gives the `ground` on which the patient of `e.patient` is open to the viewer, as `patients.ground` does.

    For lists, whose rows cannot be asked about one by one; a test compares the two.
    """
    places = list(patients.caring_places(viewer=viewer))
    person = viewer.id if viewer.held else None
    within, whom = _within(viewer)
    return (
        "left join lateral (select r.ground from patients_carerelationship r where r.patient_id = e.patient"
        " and r.starts_at <= now() and (r.ends_at is null or r.ends_at > now()) and r.ground <> 'review'"
        " and ((r.place_id = any(%s) and r.person is null) or r.person = %s){within}"
        " order by array_position(%s::text[], r.ground::text) limit 1) g on true".replace("{within}", within),
        [places, person, *whom, list(patients.GROUNDS)],
    )


def _within(viewer: Actor) -> tuple[str, list[object]]:
    """SQL that narrows an app to what it was let see, by the type of `e`: all of its person's, or its patient's alone.

    Its patient's record is in all files of that person, as they stand now.
    """
    if not isinstance(viewer, accounts.AppActor):
        return "", []
    whole = [kind for kind in record.served() if viewer.is_whole(kind)]
    theirs = [kind for kind in record.served() if viewer.may(kind, "r") or viewer.may(kind, "s")]
    files = "select o.id from patients_patient f join patients_patient o on o.head_id = f.head_id where f.id = %s::uuid"
    return f" and (e.type = any(%s) or (e.type = any(%s) and e.patient in ({files})))", [whole, theirs, viewer.patient]


def known_to(viewer: Actor) -> tuple[str, list[object]]:
    """SQL that leaves out `e`, a report, while the viewer assesses its exam without knowing what it says nor by whom.

    As `record.queries` does; a resource names its study in its text.
    """
    if viewer.id is None or "radiologist" not in viewer.roles:
        return "true", []
    return (
        "not exists (select from patients_carerelationship r where r.person = %s and r.ground = 'review'"
        " and r.patient_id = e.patient and r.starts_at <= now() and r.ends_at > now()"
        " and position('ImagingStudy/' || r.source::text in e.body) > 0)",
        [viewer.id],
    )


def _credential(scope: Scope) -> str:
    kind, _, token = header(scope, b"authorization").partition(" ")
    if kind.lower() == "bearer" and token:
        return f"bearer {token.strip()}"
    cookie = SimpleCookie(header(scope, b"cookie")).get(settings.SESSION_COOKIE_NAME)
    return f"session {cookie.value}" if cookie else ""


def _find(credential: str, address: str) -> Actor:
    kind, _, value = credential.partition(" ")
    if kind == "bearer":
        return accounts.actor_of_token(value, address=address)
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(value)
    request.user = get_user(request)
    return actor_of_session(request, address=address)


def conninfo() -> str:
    """The database's address, for connections of our own."""
    database = settings.DATABASES["default"]
    names = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
    return make_conninfo("", **{key: str(database[name]) for key, name in names.items() if database[name]})
