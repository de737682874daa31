"""Unique identifiers (PS3.5, 9)."""

import re

_UID = re.compile(r"[0-9]+(\.[0-9]+)+")


def is_uid(value: object) -> bool:
    """Whether this is a UID (PS3.5, 9.1), leading zeros in its parts forgiven."""
    return isinstance(value, str) and len(value) <= 64 and _UID.fullmatch(value) is not None
