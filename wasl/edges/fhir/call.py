"""A call of the FHIR service: its address taken apart, its form, and whether whoever asks may ask at all."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

from django.conf import settings

from wasl.edges import gate
from wasl.edges.body import document
from wasl.edges.fhir.asked import Pairs
from wasl.edges.fhir.refusals import (
    FormExpected,
    JsonOnly,
    NotInScope,
    OneIdentifier,
    OutOfScope,
    ParametersExpected,
    ResourceExpected,
    SearchTooLong,
    SignInFirst,
    TokenExpected,
    TooLong,
    WrongHost,
    WrongValue,
)  # fmt: skip
from wasl.kernel.access import Actor
from wasl.kernel.errors import NotAllowed, Refused

LONGEST = 1 << 16  # bytes of a search that is posted
MOST_PARAMETERS = 100
JSON = re.compile(r"(application/(fhir\+)?json|text/json|json|\*/\*|application/\*)\b|\*/\*")
SCOPE = re.compile(r"system/(\*|[A-Za-z]+)\.(\*|read|write|[cruds]+)")  # SMART App Launch 1 and 2
MEANT = {"*": "cruds", "read": "rs", "write": "cud"}  # what the words for several acts stand for

Receive = Callable[[], Awaitable[Any]]


@dataclass(frozen=True)
class Call:
    """One request: where it came in, what it names, what it carries."""

    scope: gate.Scope
    receive: Receive
    base: str
    path: list[str]
    query: Pairs

    @property
    def method(self) -> str:
        """The HTTP method."""
        return str(self.scope["method"])

    def header(self, name: bytes) -> str:
        """A header, or the empty string."""
        return gate.header(self.scope, name)

    def address(self) -> str:
        """The address as it was asked for."""
        return "?".join(part for part in ("/".join([self.base, *self.path]), self.encoded(self.query)) if part)

    @staticmethod
    def encoded(pairs: Pairs) -> str:
        """Parameters as an address has them."""
        return urlencode(pairs)

    def check(self, viewer: Actor, kind: str, act: str) -> None:
        """Whether somebody may ask for resources of a type: a person with a post, a client with a scope."""
        if viewer.kind == "client":
            if not any(_covers(scope, kind, act) for scope in viewer.scopes):
                raise OutOfScope(type=kind)
        elif viewer.id is None:
            raise SignInFirst
        elif not viewer.held:
            raise NotAllowed

    def check_sender(self, viewer: Actor, kind: str, act: str) -> None:
        """Whether somebody may send a resource of a type: a client with a scope, and nobody by a cookie."""
        if viewer.kind != "client":
            raise TokenExpected if viewer.id else SignInFirst
        if not any(_covers(scope, kind, act) for scope in viewer.scopes):
            raise NotInScope(type=kind)

    def identifier(self) -> str:
        """The one identifier that the address of a conditional update or delete names. Raises OneIdentifier."""
        named = [(name, value) for name, value in self.query if name not in ("_format", "_pretty")]
        if len(named) != 1 or named[0][0] != "identifier" or not named[0][1]:
            raise OneIdentifier
        return named[0][1]

    async def form(self) -> Pairs:
        """The parameters of a search that was posted. Raises FormExpected, SearchTooLong."""
        if not self.header(b"content-type").startswith("application/x-www-form-urlencoded"):
            raise FormExpected
        return pairs_of(await self.body())

    async def parameters(self) -> dict[str, Any]:
        """What an operation is asked with, in a body or an address. Raises ParametersExpected, TooLong, WrongValue."""
        if self.method == "GET":
            parts = [{"name": name, "valueString": value} for name, value in self.query if name != "_format"]
            return {"resourceType": "Parameters", "parameter": parts}
        return await self._sent("Parameters", ParametersExpected())

    async def resource(self, kind: str) -> dict[str, Any]:
        """The resource of a type that was sent. Raises ResourceExpected, TooLong, WrongValue."""
        return await self._sent(kind, ResourceExpected(type=kind))

    async def _sent(self, kind: str, expected: Refused) -> dict[str, Any]:
        if not JSON.match(self.header(b"content-type")):
            raise expected
        try:
            sent = document(await self.body(TooLong))
        except ValueError as error:
            raise WrongValue(name="body", value="…") from error
        if not isinstance(sent, dict) or sent.get("resourceType") != kind:
            raise expected
        return sent

    async def body(self, too_long: type[Refused] = SearchTooLong, most: int = LONGEST) -> bytes:
        """What was sent, of so many bytes at most. Raises `too_long`."""
        body = bytearray()
        while True:
            message = await self.receive()
            body += message.get("body", b"")
            if len(body) > most:
                raise too_long
            if not message.get("more_body"):
                return bytes(body)


def call_of(scope: gate.Scope, receive: Receive) -> Call:
    """Take a request apart. Raises WrongHost, JsonOnly, SearchTooLong, WrongValue."""
    host = gate.header(scope, b"host")
    if not gate.is_known_host(scope):
        raise WrongHost
    query = pairs_of(scope.get("query_string", b""))
    for wanted in (dict(query).get("_format", ""), gate.header(scope, b"accept")):
        if wanted and not JSON.search(wanted.replace(" ", "+")):
            raise JsonOnly
    prefix = scope.get("root_path", "") + "/fhir"
    path = scope["path"].removeprefix(prefix).strip("/").split("/")
    base = f"{'https' if settings.HTTPS else scope.get('scheme', 'http')}://{host}{prefix}"
    return Call(scope, receive, base, path, query)


def pairs_of(text: bytes) -> Pairs:
    """The parameters of an address or a form. Raises SearchTooLong, WrongValue."""
    try:
        return parse_qsl(text.decode(), keep_blank_values=True, max_num_fields=MOST_PARAMETERS, errors="strict")
    except UnicodeDecodeError as error:
        raise WrongValue(name="?", value="…") from error
    except ValueError as error:
        raise SearchTooLong from error


def _covers(scope: str, kind: str, act: str) -> bool:
    if scope in ("fhir.read", "fhir.write"):
        return act in MEANT[scope.removeprefix("fhir.")]
    found = SCOPE.fullmatch(scope)
    return found is not None and found[1] in ("*", kind) and act in MEANT.get(found[2], found[2])
