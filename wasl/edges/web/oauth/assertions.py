"""Clients that prove by a signed assertion who they are (RFC 7523; SMART App Launch 2.2, 5): private_key_jwt."""

import datetime
import hashlib
import json
import time

import httpx
from django.core.cache import caches
from django.utils import timezone
from jwcrypto.common import JWException
from jwcrypto.jwk import JWK, JWKSet
from jwcrypto.jws import JWS

from wasl.accounts import queries as accounts
from wasl.accounts import services
from wasl.accounts.queries import Client
from wasl.kernel.access import SYSTEM
from wasl.kernel.errors import Refused

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ALGORITHMS = ["RS384", "ES384"]
LONGEST, KEYS_LONGEST = 8_000, 1 << 16  # bytes of an assertion, and of a set of keys
FETCH_SECONDS, KEPT_SECONDS, AGAIN_SECONDS = 3.0, 300, 30
LIFE, SKEW = 300, 60  # seconds that an assertion lives at most, and by which clocks may differ


def client_of(assertion: str, *, audience: str) -> Client | None:
    """The client that an assertion proves, once: None where anything is not as it has to be."""
    try:
        if len(assertion) > LONGEST:
            return None
        signed = JWS()
        signed.deserialize(assertion)
        header, claims = signed.jose_header, json.loads(signed.objects["payload"])
        client = accounts.client_of(str(claims["sub"]), viewer=SYSTEM)
        key = _key(client, str(header["kid"]), str(header["alg"])) if client else None
        if client is None or key is None:
            return None
        signed.allowed_algs = ALGORITHMS
        signed.verify(key)
        _check(claims, audience)
        until = datetime.datetime.fromtimestamp(claims["exp"] + SKEW, datetime.UTC)
        services.note_proof(client.id, jti=claims["jti"], until=max(until, timezone.now()), by=SYSTEM)
    except (JWException, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError, Refused):
        return None
    return client


def _check(claims: dict[str, object], audience: str) -> None:
    """It speaks of itself, to this address, and not for long. Raises ValueError."""
    now, end, jti, meant = time.time(), claims["exp"], claims["jti"], claims["aud"]
    if claims["iss"] != claims["sub"] or meant not in (audience, [audience]):
        raise ValueError
    if isinstance(end, bool) or not isinstance(end, int | float) or not now - SKEW < end <= now + LIFE + SKEW:
        raise ValueError
    if not isinstance(jti, str) or not 0 < len(jti) <= 255:
        raise ValueError


def _key(client: Client, kid: str, algorithm: str) -> JWK | None:
    """The client's key of this name, of the kind that the algorithm takes."""
    if algorithm not in ALGORITHMS:
        return None
    for fresh in (False, True):
        known = client.keys or (_fetched(client.keys_uri, fresh=fresh) if client.keys_uri else None)
        key = JWKSet.from_json(json.dumps(known)).get_key(kid) if known else None
        if key is not None:
            return None if key.has_private or key["kty"] != {"R": "RSA", "E": "EC"}[algorithm[0]] else key
    return None


def _fetched(address: str, *, fresh: bool) -> dict[str, object] | None:
    """The keys at an address that an administrator wrote down; asked again for a new key, not all the time."""
    cache, name = caches["process"], f"keys:{hashlib.sha256(address.encode()).hexdigest()}"
    kept = cache.get(name)
    if kept is not None and not (fresh and time.monotonic() - kept[0] > AGAIN_SECONDS):
        return dict(kept[1]) if kept[1] else None
    found: dict[str, object] | None = None
    try:
        found = _get(address)
    except (httpx.HTTPError, httpx.InvalidURL, JWException, ValueError, TypeError, RecursionError):
        found = dict(kept[1]) if kept and kept[1] else None
    cache.set(name, (time.monotonic(), found), KEPT_SECONDS)
    return found


def _get(address: str) -> dict[str, object]:
    """The small set of keys there: no redirection is followed. Raises httpx.HTTPError, JWException, ValueError."""
    body, end = bytearray(), time.monotonic() + FETCH_SECONDS
    with (
        httpx.Client(timeout=FETCH_SECONDS, follow_redirects=False, trust_env=False) as web,
        web.stream("GET", address, headers={"accept": "application/json"}) as answer,
    ):
        if answer.status_code != 200:
            raise ValueError
        for piece in answer.iter_bytes(4096):
            body += piece
            if len(body) > KEYS_LONGEST or time.monotonic() > end:
                raise ValueError
    JWKSet.from_json(body.decode())
    return dict(json.loads(body))
