"""FHIR's own examples of R4 (CC0), by name, as texts; the file says where they come from, and what makes it."""

import gzip
from functools import cache
from pathlib import Path


@cache
def examples() -> dict[str, str]:
    lines = gzip.decompress(Path(__file__).with_name("examples.txt.gz").read_bytes()).decode().splitlines()
    return {name: text for name, _, text in (line.partition("\t") for line in lines) if text}
