"""Who owns which FHIR resource type: the registries, and the few shapes that every resource shares (FHIR R4, 2.24)."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import UUID

from wasl.kernel.access import Actor
from wasl.kernel.events import Event

Resource = dict[str, Any]
R = TypeVar("R")


@dataclass(frozen=True)
class Owned:
    """A resource type that a module owns: how a row becomes the resource, and which facts make it speak."""

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


owned: dict[str, Owned] = {}
accepted: dict[str, Callable[..., UUID]] = {}
# resource type -> search parameter -> (kind, FHIRPath-like path) as the capability statement shows them
searches: dict[str, dict[str, tuple[str, str]]] = {}


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


def accepts(kind: str) -> Callable[[Callable[..., UUID]], Callable[..., UUID]]:
    """Take a resource of this type from outside: the function turns it into the owner's verb and returns the key."""

    def register(take: Callable[..., UUID]) -> Callable[..., UUID]:
        accepted[kind] = take
        return take

    return register


def take(kind: str, body: Resource, *, by: Actor) -> UUID:
    """Give a resource from outside to the module that owns its type."""
    return accepted[kind](body, by=by)


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
