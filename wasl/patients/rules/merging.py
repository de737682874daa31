"""Whether two files are one person's: who may say so, what forbids it, and which number is then the person's."""

from collections.abc import Iterable, Mapping
from typing import TypeVar
from uuid import UUID

from django.utils.translation import gettext

from wasl.kernel.access import Actor
from wasl.kernel.errors import Invalid, NotAllowed, NotFound, Refused

K = TypeVar("K")

REVIEWERS = frozenset({"registrar", "steward"})
SHORTEST, LONGEST = 10, 300  # letters of a reason
TAKEN_MINUTES = 30  # how long a case is held by who looks at it
OUTCOMES = ("same", "different", "unclear")


class OneFile(Invalid):
    """Choose two different files."""


class NoMergeReason(Invalid):
    """Say why, in at least ten letters: whoever looks at this later must understand it."""


class AlreadyOne(Refused):
    """These two files are one person's already."""


class SaidToDiffer(Refused):
    """Somebody said that these are two people. Withdraw that first, if it was wrong."""


class PeopleAnswered(Refused):
    """People looked at these two files, and did not find that they are one person's; only a person may ask again."""


class SecondPersonDecides(Refused):
    """Both files hold care. You said that it is one person; a colleague has to look and say so too."""


class TakenByAnother(Refused):
    """A colleague looks at these two files now; take another case, or come back in half an hour."""


class AlreadyDecided(Refused):
    """This was decided meanwhile; look at what is there now."""


class MergeUndone(Refused):
    """This merge was undone already."""


class AlreadyWithdrawn(Refused):
    """This was withdrawn already."""


class PeopleDecide(NotAllowed):
    """Only a person says who is who."""


class Superseded(Refused):
    """This number was retired: what is known of the person is corrected under the number that stands for it."""


def check_settled(outcome: str, listed: bool, done: bool) -> None:
    """What was written is settled once, one way or the other; `listed` is whether it hangs on the file."""
    if outcome not in ("moved", "stays"):
        raise Invalid({"outcome": gettext("Choose one of the answers.")})
    if done:
        raise AlreadyDecided
    if not listed:
        raise NotFound


def check_person(by: Actor) -> None:
    """What a person decided is neither made nor undone by a machine."""
    if by.kind != "person":
        raise PeopleDecide


def check_pair(one: UUID, other: UUID) -> tuple[UUID, UUID]:
    """Two files, in the one order in which a pair is written."""
    if one == other:
        raise OneFile
    first, second = sorted((one, other))
    return first, second


def check_merge_reason(because: str) -> str:
    """A decision about who is who says why; what is kept of the reason."""
    kept = " ".join(because.split())
    if len(kept) < SHORTEST:
        raise NoMergeReason
    return kept[:LONGEST]


def check_unanswered(*, differ: bool, answered: bool) -> None:
    """No machine asks again what people have answered; `differ` is that they are two people's."""
    if differ:
        raise SaidToDiffer
    if answered:
        raise PeopleAnswered


def check_outcome(outcome: str) -> None:
    """A case ends in one of three ways."""
    if outcome not in OUTCOMES:
        raise Invalid({"outcome": gettext("Choose one of the answers.")})


def check_mergeable(heads: tuple[UUID, UUID], differ: Iterable[tuple[UUID, UUID]]) -> None:
    """Two people become one, of whose files nobody said that some two are different people's.

    `heads` are theirs now; `differ` the heads of files that somebody told apart.
    """
    if heads[0] == heads[1]:
        raise AlreadyOne
    if any(set(pair) == set(heads) for pair in differ):
        raise SaidToDiffer


def check_second(said_by: str, by: Actor) -> None:
    """Of two pairs of eyes each is somebody else's."""
    if said_by == str(by):
        raise SecondPersonDecides


def check_taken(taken_by: str, *, lately: bool, by: Actor) -> None:
    """A case is decided by who looks at it."""
    if lately and taken_by not in ("", str(by)):
        raise TakenByAnother


def check_undecided(closed: bool) -> None:
    """A case is decided once."""
    if closed:
        raise AlreadyDecided


def check_standing_merge(undone: bool) -> None:
    """A merge is undone once."""
    if undone:
        raise MergeUndone


def check_standing_difference(withdrawn: bool) -> None:
    """A difference is withdrawn once."""
    if withdrawn:
        raise AlreadyWithdrawn


def check_current(key: UUID, head: UUID) -> None:
    """What is known of a person is corrected in the file under which it is kept."""
    if key != head:
        raise Superseded


def heads(order: Mapping[K, object], edges: Iterable[tuple[K, K]]) -> dict[K, K]:
    """Under which file each of some files is found: the first, by `order`, of those that edges bind it to.

    The answer depends on the files and the edges alone, and not on the turns in which edges came and went.
    """
    found = {key: key for key in order}

    def root(key: K) -> K:
        while found[key] != key:
            key = found[key]
        return key

    for one, other in edges:
        first, second = sorted((root(one), root(other)), key=lambda key: order[key])  # type: ignore[arg-type, return-value]
        found[second] = first
    return {key: root(key) for key in order}
