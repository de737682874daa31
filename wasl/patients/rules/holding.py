"""Who else keeps things of a person: each module says which of its things hang on a file, and nobody moves them."""

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from django.utils.functional import Promise

from wasl.kernel.access import Actor


@dataclass(frozen=True)
class Held:
    """One thing that was written on a file: which, on whose file, when, and where."""

    key: UUID
    patient: UUID
    at: datetime.datetime
    place: UUID | None = None
    images: UUID | None = None  # the study with which it goes to another person


class Keeper(Protocol):
    """A question of a module: the things of some files that were written since a moment, or ever."""

    def __call__(
        self, files: Sequence[UUID], /, *, since: datetime.datetime | None, viewer: Actor
    ) -> Iterable[Held]: ...


@dataclass(frozen=True)
class Kept:
    """A kind of thing that a module keeps on files: its name in words, its page, and whether it is care."""

    title: str | Promise
    page: str
    clinical: bool
    find: Keeper


@dataclass(frozen=True)
class Moves:
    """The page on which images, and what was made of them, go to another person, and the verb that does it."""

    page: str
    verb: str


keepers: dict[str, Kept] = {}
movers: list[Moves] = []


def keeps(kind: str, title: str | Promise, find: Keeper, *, page: str = "", clinical: bool = True) -> None:
    """Say that a module keeps something on files: `kind` is `module.thing`, `page` the name of its address."""
    keepers[kind] = Kept(title, page, clinical, find)


def moves(page: str, verb: str) -> None:
    """Say on which page, by the key of a study, images go to another person, and by which verb."""
    movers[:] = [Moves(page, verb)]
