"""What FHIR R4 itself says: types and their elements, value sets, search parameters; read when first asked for.

The file is made by `frontend/definitions.py`. Each line is a name and JSON: it is kept as text until it is asked for,
so that who asks about one type does not pay for all.
"""

import gzip
import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

MADE = Path(__file__).with_name("r4.txt.gz")
ANY = "*"  # a parameter whose references may lead to anything


@lru_cache(maxsize=1)
def _lines() -> Mapping[str, str]:
    lines = gzip.decompress(MADE.read_bytes()).decode().splitlines()
    return {name: told for name, _, told in (line.partition("\t") for line in lines) if told}


def said(name: str) -> Any:  # noqa: ANN401  as FHIR's definitions have it
    """What a line says; None where there is none."""
    line = _lines().get(name)
    return None if line is None else json.loads(line)


@lru_cache(maxsize=1)
def kinds() -> frozenset[str]:
    """All types of resources of R4."""
    return frozenset(said("kinds"))


@lru_cache(maxsize=1)
def compartment() -> Mapping[str, tuple[str, ...]]:
    """By type, the search parameters by which a resource is part of a patient's record (R4, CompartmentDefinition)."""
    return {kind: tuple(params) for kind, params in said("compartment").items()}


@lru_cache(maxsize=256)
def codes(url: str) -> Mapping[str, frozenset[str]] | None:
    """The codes of a value set by their system; None where FHIR does not list them."""
    found = said(f"values {url}")
    return found and {system: frozenset(some) for system, some in found.items()}
