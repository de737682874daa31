"""What every way out has in common: what it is given, and how it says that a message did not go."""

from dataclasses import dataclass

PATIENCE = 20.0  # seconds for the other side to answer


@dataclass(frozen=True)
class Letter:
    """A message as it goes out: its stable key, where to, in which words; nothing of it enters a log."""

    key: str
    to: str
    subject: str
    text: str


class NotSent(Exception):
    """A message did not go out, and why, without its address or its words; `final` when it never will."""

    def __init__(self, why: str, *, final: bool = False) -> None:
        super().__init__(why)
        self.final = final
