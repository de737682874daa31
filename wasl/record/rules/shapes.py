"""What elements a type of FHIR R4 has, and which values a primitive takes (2.24); from FHIR's own definitions."""

import base64
import binascii
import datetime
import decimal
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from wasl.record.rules import definitions
from wasl.record.rules.narrative import fault_of_narrative

Said = tuple[str, str | Promise]  # IssueType and sentence
Check = Callable[[object], Said | None]

LONGEST = 1 << 20  # bytes of a string (2.24.0.1); content in base64 may be longer
WHOLE = (-(2**31), 2**31 - 1)

WRONG_TYPE: Said = ("structure", _("This is another kind of JSON value than the element has."))
WRONG_FORM: Said = ("value", _("The value is not written as its type asks."))
NO_SUCH_DAY: Said = ("value", _("There is no such day."))
EMPTY: Said = ("structure", _("Nothing is left empty: what has no value is left out."))
TOO_LONG: Said = ("too-long", _("The text is longer than a megabyte."))
OUT_OF_RANGE: Said = ("value", _("The number is out of the range of its type."))


class Element(NamedTuple):
    """An element of a type, under the name that it has in JSON."""

    base: str  # its name in paths: of a choice, without the type
    type: str
    least: int
    most: int  # 0: as many as there are
    values: str  # the value set that its codes are from, where it is binding and FHIR lists it
    targets: frozenset[str]  # types that a reference may lead to; none named: any
    check: Check | None  # of a primitive
    choice: bool


class Shape(NamedTuple):
    """The elements of a type by their names in JSON, and the names of which one must be there."""

    elements: Mapping[str, Element]
    required: tuple[tuple[str, tuple[str, ...]], ...]


@lru_cache(maxsize=1024)
def shape(type_: str) -> Shape:
    """The elements of a type, or of a part within one (`Observation.component`)."""
    elements: dict[str, Element] = {}
    required = []
    for name, least, most, types, values, targets in definitions.said(f"type {type_}") or ():
        base = name.removesuffix("[x]")
        bound = values if values and definitions.codes(values) else ""
        known = frozenset(targets)
        own = {base + of[0].upper() + of[1:] if base != name else base: of for of in types}
        for said, of in own.items():
            of = "id" if name == "id" and "." not in type_ and type_ in definitions.kinds() else of
            elements[said] = Element(base, of, least, most, bound, known, checks().get(of), base != name)
        if least:
            required.append((base, tuple(form for said in own for form in (said, f"_{said}"))))
    return Shape(elements, tuple(required))


def _boolean(value: object) -> Said | None:
    return None if isinstance(value, bool) else WRONG_TYPE


def _number(low: int) -> Check:
    def check(value: object) -> Said | None:
        if not isinstance(value, int) or isinstance(value, bool):
            return WRONG_FORM if isinstance(value, float | decimal.Decimal) else WRONG_TYPE
        return None if low <= value <= WHOLE[1] else OUT_OF_RANGE

    return check


def _decimal(value: object) -> Said | None:
    if isinstance(value, bool) or not isinstance(value, int | float | decimal.Decimal):
        return WRONG_TYPE
    return None if decimal.Decimal(value).is_finite() else OUT_OF_RANGE


def _text(form: re.Pattern[str] | None = None, more: Check | None = None) -> Check:
    def check(value: object) -> Said | None:
        if type(value) is not str:
            return WRONG_TYPE
        if not value:
            return EMPTY
        if len(value) > LONGEST >> 2 and len(value.encode()) > LONGEST:
            return TOO_LONG
        if form is not None and not form.fullmatch(value):
            return WRONG_FORM
        return more(value) if more else None

    return check


def _spaceless(value: object) -> Said | None:
    """Of a text that is more than spaces."""
    return None if str(value).strip(" \t\r\n") else EMPTY


def _day(value: object) -> Said | None:
    text = str(value)
    try:
        if len(text) >= 10:
            datetime.date.fromisoformat(text[:10])
    except ValueError:
        return NO_SUCH_DAY
    return None


def _base64(value: object) -> Said | None:
    if type(value) is not str:
        return WRONG_TYPE
    if not value:
        return EMPTY
    try:
        base64.b64decode("".join(value.split()), validate=True)
    except (binascii.Error, ValueError):
        return WRONG_FORM
    return None


def _narrative(value: object) -> Said | None:
    if type(value) is not str:
        return WRONG_TYPE
    said = fault_of_narrative(value)
    return None if said is None else ("invalid", said)


@lru_cache(maxsize=1)
def checks() -> Mapping[str, Check]:
    """By primitive type, what is wrong with a value."""
    forms = {name: _compiled(form) for name, form in definitions.said("forms").items()}
    return {
        **{name: _text(form) for name, form in forms.items()},
        "boolean": _boolean,
        "integer": _number(WHOLE[0]),
        "unsignedInt": _number(0),
        "positiveInt": _number(1),
        "decimal": _decimal,
        "string": _text(more=_spaceless),
        "markdown": _text(more=_spaceless),
        "base64Binary": _base64,
        "date": _text(forms["date"], _day),
        "dateTime": _text(forms["dateTime"], _day),
        "instant": _text(forms["instant"], _day),
        "xhtml": _narrative,
    }


def _compiled(form: str) -> re.Pattern[str]:
    r"""A form of XML Schema, where `\s` is one of four letters and no other space."""
    return re.compile(form.replace("[^\\s]", "\\S").replace("\\S", "[^ \\t\\r\\n]").replace("\\s", "[ \\t\\r\\n]"))
