"""Several interactions in one request (FHIR R4, 3.1.0.11): a batch, each for itself, or a transaction, all or nothing.

The entries of a batch are requests like any other. What a transaction changes is one transaction of the database, in
the order of the standard; what it reads it reads afterwards, as it then stands.
"""

import base64
import contextlib
import re
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.db import OperationalError, transaction
from psycopg.errors import DeadlockDetected

from wasl.edges import gate
from wasl.edges.fhir import acts, answers, sent, written
from wasl.edges.fhir.acts import Act, Change, Meant
from wasl.edges.fhir.answers import Answer
from wasl.edges.fhir.call import Call, Receive, call_of, pairs_of
from wasl.edges.fhir.refusals import (
    AtTheSameTime,
    BundleExpected,
    NoneMeant,
    NotJson,
    NotSupported,
    RequestExpected,
    SameTwice,
    SignInFirst,
    TokenExpected,
    TooManyEntries,
    UnknownType,
)  # fmt: skip
from wasl.edges.threads import in_thread
from wasl.kernel import fhir
from wasl.kernel.access import Actor
from wasl.kernel.errors import Refused
from wasl.kernel.models import uuid7
from wasl.record import queries as record
from wasl.record.services import Kept

LONGEST = 16 << 20  # bytes
MOST = 1000  # entries
READS = ("GET", "HEAD")
WRITES = ("DELETE", "POST", "PUT", "PATCH")  # in the order of 3.1.0.11.2; what reads comes last
CONDITIONAL = re.compile(r"([A-Z][A-Za-z]+)\?(.+)", re.DOTALL)  # a reference by a search (3.1.0.11.3)
HEADERS = {"ifMatch": b"if-match", "ifNoneExist": b"if-none-exist", "ifNoneMatch": b"if-none-match"}
KEPT_HEADERS = (b"host", b"authorization", b"cookie", b"accept-language", b"prefer")

Ask = Callable[[gate.Scope, Receive], Awaitable[Answer]]


@dataclass
class Part:
    """An entry of a transaction that changes something: what it asks for, and what became of it."""

    number: int
    call: Call
    act: Act
    full: str  # its `fullUrl`, by which others of the bundle refer to it
    standing: Kept | None = None
    named: UUID | None = None
    change: Change | None = None
    taken: fhir.Taken | None = None

    @property
    def owned(self) -> bool:
        """Whether a module owns the type, and takes it by an identifier."""
        return not record.is_kept(self.act.kind)


async def take(call: Call, ask: Ask) -> Answer:
    """Answer a bundle; `ask` answers a request. Raises BundleExpected, TooManyEntries, and all that may be refused."""
    viewer = await gate.actor_of(call.scope)
    if viewer.kind != "client":  # before a large body is read; what may be sent, each entry's scope says
        raise TokenExpected if viewer.id else SignInFirst
    bundle = await written.resource(call, "Bundle", most=LONGEST)
    entries = bundle.get("entry", [])
    if bundle.get("type") not in ("batch", "transaction") or not isinstance(entries, list):
        raise BundleExpected
    if len(entries) > MOST:
        raise TooManyEntries(most=MOST)
    answered = _batch if bundle["type"] == "batch" else _transaction
    told = [_told(answer) for answer in await answered(call, entries, ask, viewer)]
    return answers.bundle(f"{bundle['type']}-response", links=[], entries=told)


async def _batch(call: Call, entries: list[Any], ask: Ask, viewer: Actor) -> list[Answer]:
    """Ask for each entry by itself; what is refused of one is nothing to the others."""
    told = []
    for number, entry in enumerate(entries):
        try:
            part = _request(call, entry, number)
        except Refused as refusal:
            told.append(answers.refused(call.scope, refusal))
        else:
            told.append(await ask(part.scope, part.receive))
    return told


async def _transaction(call: Call, entries: list[Any], ask: Ask, viewer: Actor) -> list[Answer]:
    """Do all that changes something, or nothing; then ask for what is read."""
    calls = [_request(call, entry, number) for number, entry in enumerate(entries)]
    parts = []
    for number, (one, entry) in enumerate(zip(calls, entries, strict=True)):
        if one.method not in READS:
            with _at(number):
                parts.append(await _part(one, entry, number, viewer))
    referred = await _searched(parts, viewer)
    everything = answers.spoken(answers.language_of(call.scope), _everything)
    await in_thread(everything, parts, referred, call.base, by=viewer)
    told = {}
    for part in parts:
        if part.change:
            await written.log(part.act, part.change, viewer)
            told[part.number] = written.answered(part.call, part.change)
        else:
            told[part.number] = sent.told(part.call, part.act.kind, part.taken) if part.taken else Answer(204, b"")
    return [told[number] if number in told else await ask(one.scope, one.receive) for number, one in enumerate(calls)]


async def _part(call: Call, entry: dict[str, Any], number: int, viewer: Actor) -> Part:
    """Understand an entry that changes something, and whether it may. Raises NotSupported, NotInScope."""
    kind, *rest = call.path
    text = rest[0] if rest else None
    owned = fhir.accepted.keys() if call.method == "PUT" else fhir.removed.keys() if call.method == "DELETE" else ()
    if len(rest) > 1 or not (record.is_kept(kind) or (kind in owned and text is None)):
        raise NotSupported
    if record.is_kept(kind):
        act = await written.act_of(call, kind, text)
    else:
        await sent.sender(call, kind, written.ACTS[call.method])
        body = await call.resource(kind) if call.method == "PUT" else None
        act = Act(call.method, kind, body=body)
        call.identifier()  # what names the resource of an owner
    return Part(number, call, act, str(entry.get("fullUrl", "")))


async def _searched(parts: list[Part], viewer: Actor) -> dict[str, tuple[str, Meant]]:
    """The references by a search that are named anywhere, understood."""
    referred = {}
    for part in parts:
        with _at(part.number):
            for literal, _path in record.references(part.act.body or {}, part.act.kind):
                if (search := CONDITIONAL.fullmatch(literal)) and literal not in referred:
                    if not record.is_served(search[1]):
                        raise UnknownType(type=search[1])
                    pairs = pairs_of(search[2].encode())
                    referred[literal] = search[1], await acts.meant(search[1], pairs, viewer=viewer)
    return referred


def _everything(parts: list[Part], referred: dict[str, tuple[str, Meant]], base: str, *, by: Actor) -> None:
    """Do all the changes of a transaction, in one of the database. Raises AtTheSameTime, and the refusal of any."""
    try:
        with transaction.atomic():
            acts.wait_for([part.act for part in parts])
            named = _found(referred, by=by)
            beside = _name(parts, named, by=by)
            for part in sorted(parts, key=lambda one: (WRITES.index(one.act.method), one.act.kind, str(one.act.key))):
                if not part.owned:
                    with _at(part.number):
                        act = replace(part.act, body=acts.referring(part.act.body, named, base))
                        part.change = acts.do(act, part.standing, by=by, named=part.named, beside=beside)
    except OperationalError as error:
        if isinstance(error.__cause__, DeadlockDetected):
            raise AtTheSameTime from error
        raise


def _found(referred: dict[str, tuple[str, Meant]], *, by: Actor) -> dict[str, str]:
    """To what the references by a search lead, as it stands before. Raises NoneMeant, SeveralMeant."""
    named = {}
    for literal, (kind, search) in referred.items():
        one = acts.one(kind, search, by=by)
        if one is None:
            raise NoneMeant(query=search.text)
        named[literal] = f"{kind}/{one.key}"
    return named


def _name(parts: list[Part], named: dict[str, str], *, by: Actor) -> set[str]:
    """Find or give each part's key, and write into `named` how others refer to it; the references to new ones.

    Owners take theirs first, since only they give a key. Raises SameTwice.
    """
    new: set[str] = set()
    seen: set[str] = set()
    for part in sorted(parts, key=lambda one: not one.owned):
        act = part.act
        with _at(part.number):
            if part.owned:
                part.taken = _owner(part, by=by)
                key = part.taken.key if part.taken else None
            else:
                part.standing = acts.target(act, by=by)
                key = part.standing.key if part.standing else act.key
                if key is None and act.method in ("POST", "PUT"):
                    key = part.named = uuid7()
                    new.add(f"{act.kind}/{key}")
            names = {part.full} - {""}
            if act.method != "POST" or not part.standing:  # what is there already is not changed by a creation
                names |= {act.meant.text} if act.meant else set()
                names |= {f"{act.kind}/{key}"} if key else set()
            if names & seen:
                raise SameTwice
            seen |= names
            if part.full and key:
                named[part.full] = f"{act.kind}/{key}"
    return new


def _owner(part: Part, *, by: Actor) -> fhir.Taken | None:
    """Let the module that owns a type take a resource, or hear of its removal."""
    kind, identifier = part.act.kind, part.call.identifier()
    if part.act.method == "DELETE":
        fhir.removed[kind](identifier=identifier, by=by)
        return None
    return fhir.accepted[kind](part.act.body, identifier=identifier, by=by)


def _request(call: Call, entry: object, number: int) -> Call:
    """The request that an entry stands for. Raises RequestExpected, and what a request may be refused for."""
    with _at(number):
        request = entry.get("request") if isinstance(entry, dict) else None
        if not isinstance(entry, dict) or not isinstance(request, dict):
            raise RequestExpected
        method = request.get("method")
        path, _mark, query = str(request.get("url", "")).removeprefix(f"{call.base}/").partition("?")
        if method not in (*READS, *WRITES) or not path.strip("/") or ":" in path:
            raise RequestExpected
        headers = [(name, value) for name, value in call.scope["headers"] if name in KEPT_HEADERS]
        headers += [(header, request[name].encode()) for name, header in HEADERS.items() if _is_text(request, name)]
        if not any(name == b"prefer" for name, _ in headers):
            headers.append((b"prefer", b"return=minimal"))
        kind, body = _body(method, entry.get("resource"))
        scope = {
            **call.scope, "method": method, "path": f"{call.scope.get('root_path', '')}/fhir/{path.strip('/')}",
            "query_string": query.encode(), "headers": [*headers, (b"content-type", kind.encode())],
        }  # fmt: skip

        async def receive() -> dict[str, object]:
            return {"type": "http.request", "body": body, "more_body": False}

        return call_of(scope, receive)


def _is_text(request: dict[str, Any], name: str) -> bool:
    return isinstance(request.get(name), str) and request[name].isascii() and request[name].isprintable()


def _body(method: str, resource: object) -> tuple[str, bytes]:
    """What an entry carries, as a request has it; a JSON Patch comes in a Binary (3.1.0.6.1). Raises NotJson."""
    if method == "PATCH" and isinstance(resource, dict) and resource.get("contentType") == written.PATCH:
        try:
            return written.PATCH, base64.b64decode(str(resource.get("data", "")))
        except ValueError as error:
            raise NotJson from error
    return "application/fhir+json", b"" if resource is None else record.written(resource).encode()


@contextlib.contextmanager
def _at(number: int) -> Iterator[None]:
    """Say of a refusal at which entry of the bundle it was."""
    try:
        yield
    except Refused as refusal:
        for one in (refusal, *refusal.besides):
            within = "".join(one.fhir_expression[:1]).partition(".")[2]
            where = f"Bundle.entry[{number}]" + (f".resource.{within}" if within else "")
            one.fhir_expression = (where,)
            if "path" in one.values:
                one.values["path"] = where
        raise


def _told(answer: Answer) -> bytes:
    """The answer to an entry: its status and headers, and the resource or what there is to say."""
    said: dict[str, object] = {"status": f"{answer.status} {HTTPStatus(answer.status).phrase}"}
    said |= {name: answer.headers[name] for name in ("location", "etag") if name in answer.headers}
    if "last-modified" in answer.headers:
        said["lastModified"] = parsedate_to_datetime(answer.headers["last-modified"]).isoformat()
    if answer.body.startswith(b'{"resourceType":"OperationOutcome"'):
        return b'{"response":' + answers.dumped(said)[:-1] + b',"outcome":' + answer.body + b"}}"
    inside = b'"resource":' + answer.body + b"," if answer.body else b""
    return b"{" + inside + b'"response":' + answers.dumped(said) + b"}"
