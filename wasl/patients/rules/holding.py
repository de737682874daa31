"""Who else keeps things of a person: each module says which of its things hang on a file, and nobody moves them."""

import datetime
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
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


# the things of some files that were written since a moment, or all
Keeper = Callable[[Sequence[UUID], datetime.datetime | None, Actor], Iterable[Held]]


@dataclass(frozen=True)
class Kept:
    """A kind of thing that a module keeps on files: its name in words, its page, and whether it is care."""

    title: str | Promise
    page: str
    clinical: bool
    find: Keeper


keepers: dict[str, Kept] = {}


def keeps(kind: str, title: str | Promise, *, page: str = "", clinical: bool = True) -> Callable[[Keeper], Keeper]:
    """Say that a module keeps something on files: `kind` is `module.thing`, `page` the name of its address."""

    def register(find: Keeper) -> Keeper:
        keepers[kind] = Kept(title, page, clinical, find)
        return find

    return register
