"""What a resource is found by: read from its body along the search parameters of its type.

A token, a reference or an address is kept as a 64-bit hash of type, parameter and value, in each form in which it may
be asked for; with the empty value, that there is one at all (`:missing`). A text is kept in search form; a time and an
amount as the range that its precision says. Of what the record keeps as it came, the text of codes (`:text`) and the
beginning of addresses (`:below`) are found too.
"""

import datetime
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from uuid import UUID

from wasl.kernel import fhir
from wasl.record.rules import values
from wasl.record.rules.parameters import Parameter, Path, parameters, patient_paths, principal_dates
from wasl.record.rules.values import values_at

Moment = tuple[str, datetime.datetime, datetime.datetime, int | None]
Amount = tuple[str, Decimal, Decimal, int | None]


@dataclass(frozen=True)
class Index:
    """All that a resource is found by."""

    patient: UUID | None
    date: datetime.datetime | None
    tokens: tuple[int, ...]
    words: frozenset[tuple[str, str]]
    moments: frozenset[Moment]
    amounts: frozenset[Amount]


@dataclass
class _Reading:
    """An index while it is read."""

    kind: str
    whole: bool  # with what is too dear for a type that a module owns
    tokens: set[int] = field(default_factory=set)
    words: set[tuple[str, str]] = field(default_factory=set)
    moments: set[Moment] = field(default_factory=set)
    amounts: set[Amount] = field(default_factory=set)
    dates: dict[str, datetime.datetime] = field(default_factory=dict)

    def hash(self, param: str, form: str) -> int:
        return fhir.token_hash(self.kind, param, form)

    def add_token(self, param: str, *forms: str) -> None:
        self.tokens.update(self.hash(param, form) for form in ("", *forms))

    def read(self, param: Parameter, body: fhir.Resource) -> None:
        """Take what one parameter finds."""
        if param.sort == "composite":
            for base in param.paths:
                for value in values_at(body, base.steps):
                    self.together(param, value)
        elif param.paths[0].type == "exists":
            said = (value for path in param.paths for value in values_at(body, path.steps))
            self.add_token(param.name, "true" if any(value is not False for value in said) else "false")
        else:
            for path in param.paths:
                for value in values_at(body, path.steps):
                    self.one(param, path, value)

    def one(self, param: Parameter, path: Path, value: object) -> None:
        """Take one value."""
        name = param.name
        if param.sort == "string":
            self.words.update((name, text) for text in values.texts(value))
        elif param.sort == "date":
            if found := values.span(value):
                self.moments.add((name, *found, None))
                self.dates.setdefault(name, found[0])
        elif param.sort in ("number", "quantity"):
            for low, high, units in values.amounts(value):
                self.amounts.update((name, low, high, self.hash(name, unit)) for unit in units)
                if not units:
                    self.amounts.add((name, low, high, None))
        elif param.sort == "reference":
            self.referred(name, path, value)
        else:
            self.add_token(name, *values.tokens(value))
            self.tokens.update(self.hash(f"{name}:of-type", form) for form in values.typed(value))
            if self.whole:
                texts = [str(value)[: fhir.SHORT]] if param.sort == "uri" else values.shown(value)
                self.words.update((name if param.sort == "uri" else f"{name}:text", text) for text in texts)

    def referred(self, name: str, path: Path, value: object) -> None:
        """Take a reference, by what it leads to and by the identifier of what it means."""
        forms = [*values.references(value, path)]
        if forms:
            self.add_token(name, *forms)
        known = (
            value.get("identifier")
            if isinstance(value, dict) and path.only in ("", value.get("type", path.only))
            else None
        )
        if isinstance(known, dict):
            self.add_token(f"{name}:identifier", *values.tokens(known))
            self.add_token(name)

    def together(self, param: Parameter, body: object) -> None:
        """Take the two parts of a composite that stand side by side: what, and how much of it (3.1.1.4.15)."""
        first, second = param.parts
        whats = [form for form in _forms(first, body) if not form.endswith("|")]
        for what in dict.fromkeys(whats):
            number = self.hash(param.name, what)
            for path in second.paths:
                for value in values_at(body, path.steps):
                    if second.sort == "quantity":
                        found = values.amounts(value)
                        self.amounts.update((param.name, low, high, number) for low, high, _ in found)
                    elif second.sort == "date":
                        if span := values.span(value):
                            self.moments.add((param.name, *span, number))
                    elif second.sort == "string":
                        self.words.update((param.name, f"{what}${text}"[: fhir.SHORT]) for text in values.texts(value))
            if second.sort in ("token", "reference"):
                self.tokens.update(self.hash(param.name, f"{what}${form}") for form in _forms(second, body))


def _forms(param: Parameter, body: object) -> Iterator[str]:
    for path in param.paths:
        for value in values_at(body, path.steps):
            yield from values.references(value, path) if param.sort == "reference" else values.tokens(value)


def index_of(kind: str, body: fhir.Resource) -> Index:
    """Read from a resource what it is found by; a value that cannot be read is found by nothing."""
    found = _Reading(kind, whole=kind not in fhir.owned)
    for param in parameters(kind).values() if body else ():
        found.read(param, body)
    date = next((found.dates[name] for name in principal_dates(kind) if name in found.dates), None)
    return Index(
        patient_of(kind, body), date, tuple(sorted(found.tokens)), frozenset(found.words), frozenset(found.moments),
        frozenset(found.amounts),
    )  # fmt: skip


def patient_of(kind: str, body: fhir.Resource) -> UUID | None:
    """Whose record a resource is part of: the first patient named by a literal reference, as `compartment` orders."""
    if kind == "Patient":
        return UUID(body["id"]) if "id" in body else None
    for path in patient_paths(kind):
        for value in values_at(body, path.steps):
            for form in values.references(value, path):
                owner, _, key = form.partition("/")
                if owner == "Patient" and (found := _key(key)):
                    return found
    return None


def _key(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
