"""Who owns which FHIR resource type: the registries, and the few shapes that every resource shares (FHIR R4, 2.24)."""

import datetime
import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from django.utils import timezone

from wasl.kernel.errors import Refused
from wasl.kernel.events import Event

Resource = dict[str, Any]
Act = Callable[..., Resource]
R = TypeVar("R")


@dataclass(frozen=True)
class Owned:
    """A resource type that a module owns: how a row becomes the resource, and which facts make it speak.

    `get` gives the row; where it gives None or finds nothing, the resource is not there (any more).
    """

    kind: str
    on: tuple[type[Event], ...]
    get: Callable[[UUID], Any]
    every: Callable[[], Iterable[UUID]]
    render: Callable[[Any], Resource]
    # event field that holds the row's key, where it is not the fact's subject
    key: Mapping[type[Event], str] = field(default_factory=dict)

    def key_of(self, event: Event) -> UUID | None:
        """The key of the row that this fact makes the record write again; None when it is not concerned."""
        name = self.key.get(type(event))
        return getattr(event, name) if name else event.subject


class Operation(NamedTuple):
    """An operation on a resource type: what answers it, its definition, and whether it may be asked by GET too."""

    act: Callable[..., Resource]
    definition: str
    by_get: bool


class Taken(NamedTuple):
    """What became of a resource from outside: its key, what its sender is told of it, and what of it waits."""

    key: UUID
    body: Resource
    new: bool
    waiting: Refused | None = None  # in whose words it is said that people have to decide something first


owned: dict[str, Owned] = {}
accepted: dict[str, Callable[..., Taken]] = {}
removed: dict[str, Callable[..., None]] = {}  # by resource type, who is told that an `identifier` is in use no longer
operations: dict[tuple[str, str], Operation] = {}  # by resource type and name, without the $
domains: dict[str, Callable[[str], bool]] = {}  # by resource type, whether a system's identifiers are known at all
searches: dict[str, tuple[str, ...]] = {}  # by resource type, the search parameters that its owner lets it be found by


def resource(
    kind: str,
    *,
    on: Sequence[type[Event]],
    get: Callable[[UUID], R],
    every: Callable[[], Iterable[UUID]],
    key: Mapping[type[Event], str] | None = None,
) -> Callable[[Callable[[R], Resource]], Callable[[R], Resource]]:
    """Own a resource type: render a row (got by its key with `get`) whenever one of these facts is told."""

    def register(render: Callable[[R], Resource]) -> Callable[[R], Resource]:
        if kind in owned:
            raise TypeError(f"{kind} has two owners")
        owned[kind] = Owned(kind, tuple(on), get, every, render, key or {})
        return render

    return register


def accepts(kind: str) -> Callable[[Callable[..., Taken]], Callable[..., Taken]]:
    """Take a resource of this type from outside, by the `identifier` it has there: the function calls a verb."""

    def register(take: Callable[..., Taken]) -> Callable[..., Taken]:
        accepted[kind] = take
        return take

    return register


def operation(kind: str, name: str, *, definition: str, by_get: bool = False) -> Callable[[Act], Act]:
    """Answer an operation on a resource type: the function takes Parameters and `by`, and returns a resource."""

    def register(act: Act) -> Act:
        operations[kind, name] = Operation(act, definition, by_get)
        return act

    return register


def outcome(severity: str, *refusals: Refused) -> Resource:
    """What there is to say as an OperationOutcome (FHIR R4, 2.31), in the language in force."""
    return without_empty({"resourceType": "OperationOutcome", "issue": [
        {"severity": severity, "code": one.fhir_issue,
         "details": {**coding("urn:wasl:refusal", one.code), "text": one.sentence}, "diagnostics": one.fhir_diagnostics,
         "expression": list(one.fhir_expression)}
        for one in refusals
    ]})  # fmt: skip


def reference(kind: str, key: UUID | None, display: str = "") -> Resource | None:
    """A literal reference (FHIR R4, 2.3.0.1), or None when there is nothing to point at."""
    if key is None:
        return None
    return {"reference": f"{kind}/{key}", **({"display": display} if display else {})}


def coding(system: str, code: str, display: str = "") -> Resource:
    """A CodeableConcept of one coding (FHIR R4, 2.24.0.6)."""
    return {"coding": [{"system": system, "code": code, **({"display": display} if display else {})}]}


def without_empty(body: Resource) -> Resource:
    """The resource without empty elements, which FHIR forbids (2.6.2)."""
    clean: Resource = {}
    for name, value in body.items():
        kept = _kept(value)
        if kept not in (None, "", [], {}):
            clean[name] = kept
    return clean


def _kept(value: object) -> object:
    if isinstance(value, dict):
        return without_empty(value)
    if isinstance(value, list):
        return [kept for item in value if (kept := _kept(item)) not in (None, "", [], {})]
    return value


SHORT = 200  # letters of a text by which it is found


def token_hash(kind: str, param: str, value: str) -> int:
    """The 64-bit number (signed) under which a resource is found by a token or a reference."""
    digest = hashlib.blake2b(f"{kind}\0{param}\0{value}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


BEGINNING = datetime.datetime(1, 1, 2, tzinfo=datetime.UTC)
END = datetime.datetime(9999, 12, 30, tzinfo=datetime.UTC)
_DATE = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?)?)?")


def span_of(text: str) -> tuple[datetime.datetime, datetime.datetime]:
    """The time that a date, dateTime or instant means: from the first moment to just before the second.

    Without a zone it is local time (FHIR R4, 3.1.1.4.7). Raises ValueError.
    """
    found = _DATE.fullmatch(text)
    if found is None:
        raise ValueError(text)
    year, month, day, hour, _, second, fraction, zone = found.groups()
    start = datetime.datetime.fromisoformat(f"{year}-{month or '01'}-{day or '01'}T{text[11:] or '00:00'}")
    if not zone:
        start = timezone.make_aware(start)
    if fraction:
        return start, start + datetime.timedelta(milliseconds=1)
    if hour:
        return start, start + (datetime.timedelta(seconds=1) if second else datetime.timedelta(minutes=1))
    if day:
        return start, timezone.make_aware(start.replace(tzinfo=None) + datetime.timedelta(days=1))
    after = start.replace(tzinfo=None, year=start.year + (1 if not month or month == "12" else 0),
                          month=start.month % 12 + 1 if month else 1)  # fmt: skip
    return start, timezone.make_aware(after)
