r"""The values of a search (FHIR R4, 3.1.1.4): what stands between commas, `$` and `|`, numbers, times, prefixes."""

import datetime
import re
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from django.utils import timezone

from wasl.edges.fhir.refusals import WrongValue
from wasl.kernel import fhir

MOST = 1000  # values between commas
_PREFIXED = re.compile(r"(eq|ne|gt|lt|ge|le|sa|eb|ap)?([\d+-].*)", re.DOTALL)
_NUMBER = re.compile(r"[+-]?\d{1,30}(\.\d{1,30})?([eE][+-]?\d{1,2})?")
_NEAR = Decimal("0.1")  # how far `ap` reaches: a tenth, as FHIR recommends


class Range(NamedTuple):
    """A number or a time as it is asked for: its prefix, what it says exactly, and the range that its digits mean."""

    prefix: str
    exact: object
    low: object
    high: object


def parts(text: str, mark: str, most: int = 0) -> list[str]:
    r"""The parts between marks, as they were written: `\,` is no mark (3.1.1.4.3); the last takes what is left."""
    found = [""]
    for one in re.findall(r"\\.|[^\\]", text, re.DOTALL):
        if one == mark and (not most or len(found) < most):
            found.append("")
        else:
            found[-1] += one
    return found


def plain(text: str) -> str:
    r"""A part without the backslashes that kept its marks apart."""
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)


def written(value: str, name: str = "?") -> list[str]:
    """The values between commas as they were written, those without a letter left out. Raises WrongValue."""
    found = [part for part in parts(value, ",") if part]
    if len(found) > MOST:
        raise WrongValue(name=name, value="…")
    return found


def alternatives(value: str) -> list[str]:
    """The values between commas."""
    return [plain(part) for part in written(value)]


def token(text: str) -> list[str]:
    """`code`, or system and code of `system|code`, `system|` and `|code`."""
    return [plain(part) for part in parts(text, "|", 2)]


def key(text: str) -> UUID | None:
    """A resource's key, or None where it is none of ours."""
    try:
        return UUID(text)
    except ValueError:
        return None


def number(name: str, text: str) -> Range:
    """A number with its prefix; its digits say how exact it is (3.1.1.4.6). Raises WrongValue."""
    prefix, bare = _prefixed(name, text)
    if not _NUMBER.fullmatch(bare):
        raise WrongValue(name=name, value=text)
    exact = Decimal(bare)
    exponent = int(exact.as_tuple().exponent)
    half = Decimal(5).scaleb(exponent - (1 if exponent <= 0 else 2))  # 1e2 is from 95 to 105
    if prefix == "ap":
        half = max(half, abs(exact) * _NEAR)
    return Range(prefix, exact, exact - half, exact + half)


def quantity(name: str, text: str) -> tuple[Range, str]:
    """A number, and its unit as it is kept: `system|code`, a code alone, or nothing. Raises WrongValue."""
    said = [plain(part) for part in parts(text, "|", 3)]
    if len(said) == 2 or (len(said) == 3 and said[1] and not said[2]):
        raise WrongValue(name=name, value=text)
    system, code = said[1:] if len(said) == 3 else ("", "")
    return number(name, said[0]), f"{system}|{code}" if system else code


def span(name: str, text: str) -> Range:
    """A time with its prefix, from its first moment to just before its end (3.1.1.4.7). Raises WrongValue."""
    prefix, bare = _prefixed(name, text)
    try:
        low, high = fhir.span_of(bare.replace(" ", "+"))  # a + that was not escaped in the address
        if prefix == "ap":
            far = abs(timezone.now() - low) / 10
            low, high = low - far, high + far
    except (ValueError, OverflowError) as error:
        raise WrongValue(name=name, value=text) from error
    return Range(prefix, low, low, high)


def moment(text: str) -> datetime.datetime:
    """The first moment of a time that is asked for (`_since`). Raises WrongValue."""
    try:
        return fhir.span_of(text.replace(" ", "+"))[0]
    except (ValueError, OverflowError) as error:
        raise WrongValue(name="_since", value=text) from error


def is_true(name: str, value: str) -> bool:
    """What `:missing` says. Raises WrongValue."""
    if value not in ("true", "false"):
        raise WrongValue(name=name, value=value)
    return value == "true"


def _prefixed(name: str, text: str) -> tuple[str, str]:
    found = _PREFIXED.fullmatch(text)
    if found is None:
        raise WrongValue(name=name, value=text)
    return found[1] or "eq", found[2]
