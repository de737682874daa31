"""Who acts: a person, a machine client, a modality, or the system itself; and what is asked of them once a page."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TypeVar
from uuid import UUID

SYSTEM_ROLE = "system"
T = TypeVar("T")
_answers: ContextVar[dict[object, object] | None] = ContextVar("answers", default=None)


@dataclass(frozen=True)
class Held:
    """A role held at a place now; `place` is None for a role held for the whole country."""

    role: str
    place: UUID | None


@dataclass(frozen=True)
class Actor:
    """Who acts or looks: kind (`person`, `client`, `modality`, `system`), identity, roles held now, and from where."""

    kind: str
    id: UUID | None
    name: str = field(compare=False)
    held: tuple[Held, ...] = ()
    address: str = field(default="", compare=False)
    scopes: frozenset[str] = frozenset()
    place: UUID | None = field(default=None, compare=False)  # the one chosen to work at, where there are several

    def __str__(self) -> str:
        return self.kind if self.id is None else f"{self.kind}:{self.id}"

    @property
    def roles(self) -> frozenset[str]:
        """Every role held anywhere."""
        return frozenset(held.role for held in self.held)

    def places(self, *roles: str) -> frozenset[UUID]:
        """The places where any of the roles (or any role at all) is held."""
        return frozenset(h.place for h in self.held if h.place and (not roles or h.role in roles))

    def holds(self, role: str, place: UUID | None = None) -> bool:
        """Whether the role is held: at this place, for the whole country, or anywhere when no place is named."""
        return any(h.role == role and (place is None or h.place is None or h.place == place) for h in self.held)

    @property
    def at(self) -> UUID | None:
        """Where this is done: the place chosen, while a post is held there, else that of the oldest post."""
        places = [held.place for held in self.held if held.place]
        return self.place if self.place in places else next(iter(places), None)

    @property
    def is_system(self) -> bool:
        """Whether this is Wasl itself, at work after a fact."""
        return self.kind == "system"


SYSTEM = Actor(kind="system", id=None, name="Wasl", held=(Held(SYSTEM_ROLE, None),))
STRANGER = Actor(kind="stranger", id=None, name="")


@contextmanager
def remembering() -> Iterator[None]:
    """What `once` asked while a page is made is not asked again, until a verb was done."""
    token = _answers.set({})
    try:
        yield
    finally:
        _answers.reset(token)


@contextmanager
def acting() -> Iterator[None]:
    """Nothing is remembered while a verb is done, and what was before it is forgotten: it writes."""
    before = _answers.get()
    token = _answers.set(None)
    try:
        yield
    finally:
        _answers.reset(token)
        if before:
            before.clear()


def once(what: object, ask: Callable[[], T]) -> T:
    """The answer to a question that many parts of one page ask, such as where its viewer works (`what` is hashable)."""
    answers = _answers.get()
    if answers is None:
        return ask()
    if what not in answers:
        answers[what] = ask()
    return answers[what]  # type: ignore[return-value]
