"""The forms in which a value may be asked for (FHIR R4, 3.1.1.4): of tokens, references, texts, times and amounts."""

import datetime
from collections.abc import Iterator
from decimal import Context, Decimal, InvalidOperation
from itertools import pairwise

from wasl.kernel import fhir
from wasl.kernel.text import fold
from wasl.record.rules.parameters import Path, Step

LOWEST, HIGHEST = Decimal("-1e60"), Decimal("1e60")  # an amount without an end; what is beyond is no amount
DIGITS = Context(prec=100)
CURRENCIES = "urn:iso:std:iso:4217"
UNSAID = ("use", "system", "period", "type")  # what of a name or an address is no part of its text
LOW, HIGH = ("<", "<="), (">", ">=")

Span = tuple[datetime.datetime, datetime.datetime]
Amount = tuple[Decimal, Decimal, tuple[str, ...]]  # from, to just before, forms of its unit


def values_at(body: object, steps: tuple[Step, ...]) -> Iterator[object]:
    """The values at the end of a chain of elements, arrays flattened."""
    if isinstance(body, list):
        for item in body:
            yield from values_at(item, steps)
    elif not steps:
        if body is not None:
            yield body
    elif isinstance(body, dict):
        head, rest = steps[0], steps[1:]
        found = body.get(head.name)
        if found is not None:
            yield from values_at(_where(found, head) if head.field else found, rest)


def _where(found: object, step: Step) -> list[object]:
    items = found if isinstance(found, list) else [found]
    return [one for one in items if isinstance(one, dict) and one.get(step.field) == step.value]


def tokens(value: object) -> Iterator[str]:
    """`code`, `system|code`, `system|` and `|code`, as far as they apply (3.1.1.4.10)."""
    if isinstance(value, bool):
        yield "true" if value else "false"
    elif isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for coding in _list(value.get("coding")):
            yield from tokens(coding)
        code, system = value.get("code", value.get("value")), value.get("system")
        if code:
            yield str(code)
            yield f"{system or ''}|{code}"
        if system:
            yield f"{system}|"


def typed(identifier: object) -> Iterator[str]:
    """`system|code|value` of an identifier's type, which `:of-type` asks for (3.1.1.4.10)."""
    if isinstance(identifier, dict) and isinstance(kind := identifier.get("type"), dict):
        for coding in _list(kind.get("coding")):
            if isinstance(coding, dict) and coding.get("code") and identifier.get("value"):
                yield f"{coding.get('system', '')}|{coding['code']}|{identifier['value']}"


def shown(value: object) -> Iterator[str]:
    """The texts that a code or an identifier is shown with, in search form (`:text`)."""
    if isinstance(value, dict):
        yield from texts(value.get("text"))
        yield from texts(value.get("display"))
        for inner in (*_list(value.get("coding")), value.get("type")):
            yield from shown(inner)


def references(value: object, path: Path) -> Iterator[str]:
    """`Type/id` and `id`; of an address elsewhere the whole; of a canonical one with and without its version."""
    if isinstance(value, str):
        yield value
        if "|" in value:
            yield value.partition("|")[0]
    elif isinstance(value, dict) and isinstance(found := value.get("reference"), str):
        said = found.partition("/_history/")[0]
        if said and not said.startswith("#") and (not path.only or f"/{path.only}/" in f"/{said}"):
            yield said
            if "://" not in said and "/" in said:
                yield said.rpartition("/")[2]


def texts(value: object) -> Iterator[str]:
    """The texts of a value, of a name or of an address, in search form."""
    if isinstance(value, str):
        if text := fold(value):
            yield text[: fhir.SHORT]
    elif isinstance(value, dict):
        for name, item in value.items():
            if name not in UNSAID:
                yield from texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts(item)


def span(value: object) -> Span | None:
    """The range of a date, dateTime, instant, Period or Timing; None where it says none."""
    try:
        return _span(value)
    except (ValueError, OverflowError):  # a leap second, the last day that there is
        return None


def _span(value: object) -> Span | None:
    if isinstance(value, str):
        return fhir.span_of(value)
    if not isinstance(value, dict):
        return None
    if "event" in value or "repeat" in value:
        bounds = value.get("repeat", {}).get("boundsPeriod")
        spans = [found for one in (*_list(value.get("event")), bounds) if one and (found := _span(one))]
        return (min(low for low, _ in spans), max(high for _, high in spans)) if spans else None
    if "start" in value or "end" in value:
        start = fhir.span_of(value["start"])[0] if "start" in value else fhir.BEGINNING
        end = fhir.span_of(value["end"])[1] if "end" in value else fhir.END
        return start, end
    return None


def precise(text: object) -> tuple[Decimal, Decimal] | None:
    """The range that a number means by its significant digits (3.1.1.4.6): 5.4 is from 5.35 to 5.45."""
    try:
        said = Decimal(str(text))
    except InvalidOperation:
        return None
    exponent = said.as_tuple().exponent
    if isinstance(text, bool) or not isinstance(exponent, int) or not -60 <= exponent <= said.adjusted() + 60 <= 110:
        return None
    # the standard reads 1e2 as from 95 to 105: a power of ten says one digit more than it shows
    half = Decimal(5).scaleb(exponent - 1 if exponent <= 0 else exponent - 2)
    return DIGITS.subtract(said, half), DIGITS.add(said, half)


def amounts(value: object) -> Iterator[Amount]:
    """The range of a number, Quantity, Money, Range or SampledData, with `code`, `unit` and `system|code`."""
    if not isinstance(value, dict):
        if found := precise(value):
            yield (*found, ())
    elif "origin" in value:
        yield from _sampled(value)
    elif "low" in value or "high" in value:
        ends = [next(amounts(value[name]), None) if name in value else None for name in ("low", "high")]
        units = next((end[2] for end in ends if end), ())
        if any(ends):
            yield (ends[0][0] if ends[0] else LOWEST, ends[1][1] if ends[1] else HIGHEST, units)
    elif found := precise(value.get("value")):
        comparator, middle = value.get("comparator"), _middle(found)
        low = LOWEST if comparator in LOW else middle if comparator in HIGH else found[0]
        high = HIGHEST if comparator in HIGH else middle if comparator in LOW else found[1]
        yield low, high, _units(value)


def _middle(ends: tuple[Decimal, Decimal]) -> Decimal:
    """The number as it was said."""
    return DIGITS.divide(DIGITS.add(*ends), Decimal(2))


def _units(value: dict[str, object]) -> tuple[str, ...]:
    if isinstance(currency := value.get("currency"), str):
        return (currency, f"{CURRENCIES}|{currency}")
    code, unit = value.get("code"), value.get("unit")
    named = [f"{value.get('system', '')}|{code}"] if code else []
    return tuple(dict.fromkeys([str(one) for one in (code, unit) if one] + named))


def _sampled(value: dict[str, object]) -> Iterator[Amount]:
    """From the least to the most of what was sampled."""
    origin = value["origin"] if isinstance(value["origin"], dict) else {}
    zero, factor = (precise(one) for one in (origin.get("value", 0), value.get("factor", 1)))
    points = [Decimal(one) for one in str(value.get("data", "")).split() if one not in ("E", "U", "L")
              and precise(one)]  # fmt: skip
    if zero and factor and points:
        scale, base = _middle(factor), _middle(zero)
        ends = sorted(DIGITS.add(DIGITS.multiply(one, scale), base) for one in (min(points), max(points)))
        for low, high in pairwise(ends):
            yield low, high, _units(origin)


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
