"""What the scripts of one run measured, kept for the table at its end: lines of JSON in the file BENCH_FIGURES."""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Figure:
    """What was measured: its name, ours, those of others in the same run, and the size that it was measured at."""

    name: str
    ours: float
    size: int
    others: dict[str, float] = field(default_factory=dict)

    def best(self, kind: str) -> float | None:
        """The best of the others of a kind, by their names' beginning."""
        return max((value for name, value in self.others.items() if name.startswith(kind)), default=None)


def note(name: str, ours: float, *, size: int, others: Mapping[str, float] | None = None) -> None:
    """Keep a figure, where somebody will read it."""
    if kept := os.environ.get("BENCH_FIGURES"):
        with Path(kept).open("a") as file:
            file.write(json.dumps(asdict(Figure(name, ours, size, dict(others or {})))) + "\n")


def noted() -> Iterator[Figure]:
    """All that was kept, in order."""
    kept = Path(os.environ.get("BENCH_FIGURES") or os.devnull)
    for line in kept.read_text().splitlines():
        said: dict[str, Any] = json.loads(line)
        yield Figure(**said)
