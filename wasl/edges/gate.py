"""The gate of the fast doors (FHIR, DICOMweb, live pages): who asks, and the database without Django's request path.

A grant is remembered for at most a minute, so that a revoked session or token is refused within a minute.
"""

import datetime
import hashlib
import time
from http.cookies import SimpleCookie
from importlib import import_module
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpRequest
from psycopg.conninfo import make_conninfo
from psycopg_pool import AsyncConnectionPool

from wasl.accounts import queries as accounts
from wasl.edges.session import actor_of_session
from wasl.kernel.access import STRANGER, Actor
from wasl.kernel.models import uuid7
from wasl.patients import queries as patients

Scope = dict[str, Any]

GRANT_SECONDS = 60
_grants: dict[str, tuple[float, Actor]] = {}
_grounds: dict[tuple[Actor, UUID], tuple[float, str | None]] = {}
_pool: AsyncConnectionPool | None = None


async def pool() -> AsyncConnectionPool:
    """The process's own async pool, opened at the first question."""
    global _pool
    if _pool is None:
        _pool = AsyncConnectionPool(conninfo(), min_size=1, max_size=16, open=False, kwargs={"autocommit": True})
        await _pool.open()
    return _pool


async def close() -> None:
    """Close the pool when the process ends."""
    global _pool
    if _pool is not None:
        await _pool.close()
        _pool = None


def header(scope: Scope, name: bytes) -> str:
    """A request header, or the empty string."""
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")


async def actor_of(scope: Scope) -> Actor:
    """Who asks: the person of the session cookie, the machine client of the bearer token, or a stranger."""
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
    _grants[key] = (time.monotonic() + GRANT_SECONDS, actor)
    return actor


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


async def log_access(patient: UUID, *, what: str, ground: str, by: Actor, subject: UUID | None = None) -> None:
    """Write one line of the access log, as `patients.services.log_access` does."""
    place = next(iter(by.places()), None)
    async with (await pool()).connection() as connection:
        await connection.execute(
            "insert into patients_access (id, created_at, patient_id, actor, actor_name, place, address, what, subject,"
            " ground) values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            (uuid7(), datetime.datetime.now(datetime.UTC), patient, str(by), by.name, place, by.address, what, subject,
             ground),
        )  # fmt: skip


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
