"""Resources as JSON texts: decimals come back as they were written, since 1.50 is not 1.5 (FHIR R4, 2.24.0.1)."""

import decimal
import json
from collections.abc import Sequence
from json.encoder import encode_basestring
from typing import Any, NoReturn


class Decimal(decimal.Decimal):
    """A number with a point or an exponent that remembers how it was written."""

    text: str

    def __new__(cls, text: str) -> "Decimal":
        number = super().__new__(cls, text)
        number.text = text
        return number

    def __deepcopy__(self, memo: object) -> "Decimal":
        return self


def read(text: str | bytes) -> Any:  # noqa: ANN401  JSON of a stranger
    """JSON that the record can keep: decimals as written, no name twice, nothing that no text can hold.

    Raises ValueError.
    """
    try:
        found = json.loads(
            text, parse_float=Decimal, parse_int=_integer, parse_constant=_constant, object_pairs_hook=_object
        )
        if (
            b"\\u0000" in written(found).encode()
        ):  # half a surrogate is not encoded, and a null character no text of the database
            raise ValueError("null")
    except (RecursionError, decimal.DecimalException) as error:
        raise ValueError from error
    return found


def written(value: object) -> str:
    """A value as JSON without spaces, letters as they are read, decimals as they were written."""
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    except TypeError:  # there is a decimal, which json does not know
        return _written(value)


def _written(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ",".join(f"{encode_basestring(name)}:{_written(item)}" for name, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_written, value)) + "]"
    return value.text if isinstance(value, Decimal) else json.dumps(value, ensure_ascii=False)


def _integer(text: str) -> int | Decimal:
    return Decimal(text) if text == "-0" else int(text)


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name twice")
    return found


def _constant(text: str) -> NoReturn:
    raise ValueError(text)
