"""What `wasl doctor` finds: one line each, and what mends it."""

from typing import NamedTuple


class Finding(NamedTuple):
    """One thing looked at; `mend` says what to do and is empty when all is well."""

    topic: str
    what: str
    mend: str = ""

    def __str__(self) -> str:
        mark = "WRONG" if self.mend else "ok"
        line = f"{mark:<5}  {self.topic:<12}  {self.what}"
        return f"{line}\n       {'':<12}  → {self.mend}" if self.mend else line
