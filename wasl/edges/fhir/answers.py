"""Answers of the FHIR edge: bytes with headers, refusals as OperationOutcome, bundles joined from stored texts."""

import datetime
import json
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from email.utils import format_datetime
from http.cookies import SimpleCookie
from typing import Any, ParamSpec, TypeVar

from django.conf import settings
from django.http import HttpRequest
from django.utils import translation

from wasl.edges.fhir.refusals import UnknownParameter
from wasl.edges.gate import Scope, header
from wasl.kernel import fhir
from wasl.kernel.errors import Refused

P = ParamSpec("P")
T = TypeVar("T")
Send = Callable[[dict[str, Any]], Awaitable[None]]


@dataclass(frozen=True)
class Answer:
    """A status, a body and the headers that are this answer's own."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)

    async def send(self, scope: Scope, send: Send) -> None:
        """Send it; without its body when only the head was asked for."""
        said = {
            "content-type": "application/fhir+json; charset=utf-8",
            "cache-control": "no-store",
            "x-content-type-options": "nosniff",
            **self.headers,
        }
        if self.status not in (204, 304):
            said["content-length"] = str(len(self.body))
        raw = [(name.encode(), value.encode()) for name, value in said.items()]
        await send({"type": "http.response.start", "status": self.status, "headers": raw})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else self.body})


def resource(body: str, *, version: int, at: datetime.datetime, known: str) -> Answer:
    """A stored resource; 304 when `known` (If-None-Match) names this version (FHIR R4, 3.1.0.1.6)."""
    etag = f'W/"{version}"'
    headers = {"etag": etag, "last-modified": format_datetime(at.astimezone(datetime.UTC), usegmt=True),
               "cache-control": "private, no-cache"}  # fmt: skip
    if known == "*" or etag in (part.strip() for part in known.split(",")):
        return Answer(304, b"", headers)
    return Answer(200, body.encode(), headers)


def refused(scope: Scope, refusal: Refused, **headers: str) -> Answer:
    """A refusal as an OperationOutcome in the language of whoever asks."""
    return _outcome(scope, "error", refusal, headers)


def waiting(scope: Scope, refusal: Refused, **headers: str) -> Answer:
    """What was taken, and what of it waits, as an OperationOutcome in the language of whoever sent it."""
    return _outcome(scope, "information", refusal, headers)


def done(scope: Scope, said: Refused, **headers: str) -> Answer:
    """That what was asked for is done, as an OperationOutcome in the language of whoever asked."""
    return _outcome(scope, "information", said, headers)


def _outcome(scope: Scope, severity: str, refusal: Refused, headers: dict[str, str]) -> Answer:
    with translation.override(language_of(scope)):
        body = fhir.outcome(severity, refusal, *refusal.besides)
        language = translation.get_language() or settings.LANGUAGE_CODE
    return Answer(refusal.http, dumped(body), {"content-language": language, **headers})


def broken() -> Answer:
    """What is said when something failed that should not have; what it was is in the log."""
    issue = {"severity": "fatal", "code": "exception", "diagnostics": "Something went wrong on our side."}
    return Answer(500, dumped({"resourceType": "OperationOutcome", "issue": [issue]}))


def ignored(scope: Scope, names: Iterable[str]) -> bytes:
    """The entry of a bundle that says which parameters were not understood (FHIR R4, 3.1.1.3.2)."""
    with translation.override(language_of(scope)):
        outcome = fhir.outcome("warning", UnknownParameter(names=", ".join(names)))
    return dumped({"resource": outcome, "search": {"mode": "outcome"}})


def warned(scope: Scope, refusals: Iterable[Refused]) -> list[bytes]:
    """The entries of a bundle that say what of a search could not be found out."""
    with translation.override(language_of(scope)):
        outcomes = [fhir.outcome("warning", refusal) for refusal in refusals]
    return [dumped({"resource": outcome, "search": {"mode": "outcome"}}) for outcome in outcomes]


def said(scope: Scope, refusals: Iterable[Refused]) -> list[bytes]:
    """The entries of a bundle that say something of what was asked, each under its code, and refuse nothing."""
    with translation.override(language_of(scope)):
        outcomes = [fhir.outcome("information", refusal) for refusal in refusals]
    return [dumped({"resource": outcome, "search": {"mode": "outcome"}}) for outcome in outcomes]


def language_of(scope: Scope) -> str:
    """The language that whoever asks reads, found as Django's pages find it."""
    request = HttpRequest()
    request.META["HTTP_ACCEPT_LANGUAGE"] = header(scope, b"accept-language")
    request.COOKIES = {name: morsel.value for name, morsel in SimpleCookie(header(scope, b"cookie")).items()}
    return translation.get_language_from_request(request)


def spoken(language: str, act: Callable[P, T]) -> Callable[P, T]:
    """The same act, whose sentences are in the language of whoever asks."""
    return translation.override(language)(act)


def dumped(value: object) -> bytes:
    """A small JSON text of our own."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def entry(url: str, body: str, tail: dict[str, object]) -> bytes:
    """An entry of a bundle round a stored text, which is not read again; a text that is empty is left out."""
    inside = f',"resource":{body}' if body else ""
    more = f",{json.dumps(tail)[1:]}" if tail else "}"
    return f'{{"fullUrl":"{url}"{inside}{more}'.encode()


def bundle(kind: str, *, links: list[tuple[str, str]], entries: Iterable[bytes], total: int | None = None) -> Answer:
    """A bundle joined from its entries; FHIR forbids empty arrays."""
    head = {
        "resourceType": "Bundle",
        "type": kind,
        **({} if total is None else {"total": total}),
        **({"link": [{"relation": relation, "url": url} for relation, url in links]} if links else {}),
    }
    joined = b",".join(entries)
    return Answer(200, dumped(head)[:-1] + (b',"entry":[' + joined + b"]}" if joined else b"}"))
