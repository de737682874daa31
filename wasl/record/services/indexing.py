"""What a resource is found by: read from its body along the search parameters that its owner declares.

A token or reference is kept as a 64-bit hash of type, parameter and value, in each form in which it may be asked for
(FHIR R4, 3.1.1.4.10 and 3.1.1.4.12); a text in search form; a time as the range that its precision says (3.1.1.4.7).
"""

import datetime
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from wasl.kernel import fhir
from wasl.kernel.text import fold

SHORT = 200  # letters of a text that are kept for search
COMPARTMENT = (
    "subject",
    "patient",
    "beneficiary",
)  # elements that may name the patient (FHIR R4, CompartmentDefinition)


@dataclass(frozen=True)
class Index:
    """All that a resource is found by."""

    patient: UUID | None
    date: datetime.datetime | None
    tokens: tuple[int, ...]
    words: frozenset[tuple[str, str]]
    moments: frozenset[tuple[str, datetime.datetime, datetime.datetime]]


def index_of(kind: str, body: fhir.Resource) -> Index:
    """Read from a resource what it is found by."""
    tokens: set[int] = set()
    words: set[tuple[str, str]] = set()
    moments: list[tuple[str, datetime.datetime, datetime.datetime]] = []
    principal = fhir.principal_date(kind)
    date = None
    for param, (sort, path) in fhir.searches.get(kind, {}).items():
        for value in values_at(body, path):
            if sort == "string":
                words.update((param, text) for text in _texts(value))
            elif sort == "date":
                if span := _span(value):
                    moments.append((param, *span))
                    date = span[0] if param == principal and date is None else date
            else:
                forms = _token_forms(value) if sort == "token" else _reference_forms(value)
                tokens.update(fhir.token_hash(kind, param, form) for form in forms)
    return Index(_patient(kind, body), date, tuple(sorted(tokens)), frozenset(words), frozenset(moments))


def values_at(body: object, path: str) -> Iterator[object]:
    """The values at a dotted path, arrays flattened."""
    head, _, rest = path.partition(".")
    if isinstance(body, list):
        for item in body:
            yield from values_at(item, path)
    elif isinstance(body, dict) and head in body:
        if rest:
            yield from values_at(body[head], rest)
        else:
            found = body[head]
            yield from found if isinstance(found, list) else (found,)


def _patient(kind: str, body: fhir.Resource) -> UUID | None:
    if kind == "Patient":
        return UUID(body["id"])
    for name in fhir.COMPARTMENT:
        for found in values_at(body, f"{name}.reference"):
            owner, _, key = str(found).partition("/")
            if owner == "Patient":
                return UUID(key)
    return None


def _token_forms(value: object) -> Iterator[str]:
    """`code`, `system|code`, `system|` and `|code`, as far as they apply."""
    if isinstance(value, bool):
        yield "true" if value else "false"
    elif isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for coding in value.get("coding", ()):
            yield from _token_forms(coding)
        code, system = value.get("code", value.get("value")), value.get("system")
        if code:
            yield str(code)
            yield f"{system or ''}|{code}"
        if system:
            yield f"{system}|"


def _reference_forms(value: object) -> Iterator[str]:
    """`Type/id` and `id`."""
    found = value.get("reference", "") if isinstance(value, dict) else ""
    if found:
        yield found
        yield found.rpartition("/")[2]


def _texts(value: object) -> Iterator[str]:
    """The texts of a value, of a name or of an address, in search form."""
    if isinstance(value, str):
        if text := fold(value):
            yield text[: fhir.SHORT]
    elif isinstance(value, dict):
        for name, item in value.items():
            if name not in ("use", "system", "period", "type"):
                yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def _span(value: object) -> tuple[datetime.datetime, datetime.datetime] | None:
    """The range of a date, dateTime, instant or Period."""
    if isinstance(value, str):
        return fhir.span_of(value)
    if isinstance(value, dict) and ("start" in value or "end" in value):
        start = fhir.span_of(value["start"])[0] if "start" in value else fhir.BEGINNING
        end = fhir.span_of(value["end"])[1] if "end" in value else fhir.END
        return start, end
    return None
