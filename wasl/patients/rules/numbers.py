"""What is said of a number besides whose it is, each under a code of its own; nowhere else is it decided.

The words in `fhir_diagnostics` are those of IHE PIXm, ITI-83.
"""

from collections.abc import Iterable
from typing import TypeVar

from wasl.kernel.errors import Invalid, NotAllowed, NotFound, Refused

N = TypeVar("N")


class NumberSuperseded(Refused):
    """This number was retired: the same person is now found under the number {number}."""

    fhir_issue = "informational"


class NumberMistyped(Invalid):
    """This is no Wasl number: its check digits do not fit. A digit was mistyped, left out or exchanged."""

    fhir_issue = "value"


class NumberRestricted(NotAllowed):
    """This number is somebody's whose record is closed to you."""

    fhir_issue = "suppressed"


class NumberOfDeceased(Refused):
    """The person of this number has died."""

    fhir_issue = "informational"


class NumberExpected(Invalid):
    """Name one number, with its system: system|value."""

    http = 400
    fhir_issue = "required"


class SystemUnknown(Invalid):
    """This is no kind of number that Wasl knows: its system is not recognized."""

    http = 400
    fhir_issue = "code-invalid"
    fhir_diagnostics = "sourceIdentifier Assigning Authority not found"


class TargetUnknown(NotAllowed):
    """Numbers of a kind that Wasl does not know cannot be asked for: one of the target systems is not recognized."""

    fhir_issue = "code-invalid"
    fhir_diagnostics = "targetSystem not found"


class NumberUnknown(NotFound):
    """This number is nobody's, or nobody's of whom you may know."""

    fhir_diagnostics = "sourceIdentifier Patient Identifier not found"


class NumberOfSeveral(Refused):
    """This number stands in the files of several people: ask who it is with all that is known."""

    fhir_issue = "multiple-matches"


class NumberDiffers(Invalid):
    """The patient that was sent does not have, once, the number in the address."""

    http = 400


class SurvivorExpected(Invalid):
    """A patient who is not active names, in one link of the type replaced-by, another number of this hospital."""

    http = 400


class SurvivorNotInUse(Refused):
    """The number that is to stand for this one is not in use at this hospital: send it first."""


class NumberOutOfUse(Refused):
    """The hospital removed this number. It may come back with what it said before, and is nobody else's ever."""


class PeopleAreAsked(Refused):
    """The number is replaced. The two numbers lead to two files: people decide whether these are one person's."""

    http = 202
    fhir_issue = "informational"


def check_survivor(number: str, survivor: str) -> None:
    """One number stands for another."""
    if number == survivor:
        raise SurvivorExpected


def check_in_use(found: N | None) -> N:
    """What stands for a number is in use; `found` is it, or None where no such number is."""
    if found is None:
        raise SurvivorNotInUse
    return found


def check_back_in_use(*, removed: bool, changed: bool) -> None:
    """Who removed a number by mistake sends again what it said; whatever else is sent may be of somebody else."""
    if removed and changed:
        raise NumberOutOfUse


def not_found(besides: Iterable[Refused]) -> NumberUnknown:
    """That a number is nobody's, with what else there is to say of it."""
    refusal = NumberUnknown()
    refusal.besides = tuple(besides)
    return refusal


class NotReservedHere(Invalid):
    """This is none of the numbers that are reserved for your hospital."""


class NumberUsed(Refused):
    """This reserved number was given to somebody already."""


class BlockWithdrawn(Refused):
    """The block of this number was withdrawn: none of its numbers is given any more."""


class AlreadyWithdrawnBlock(Refused):
    """This block was withdrawn already."""


class BlockTooLarge(Invalid):
    """A block has 1 to {most} numbers."""


class NoBlockReason(Invalid):
    """Say in at least ten letters why the block is withdrawn."""


MOST = 10_000  # numbers in one block
REASON = 10


def check_size(size: int) -> None:
    """A block is for some weeks of one place's work."""
    if not 1 <= size <= MOST:
        raise BlockTooLarge(most=MOST)


def check_reserved(here: bool, *, used: bool, withdrawn: bool) -> None:
    """A number is taken from a block of one's own place, once, while the block stands."""
    if not here:
        raise NotReservedHere
    if used:
        raise NumberUsed
    if withdrawn:
        raise BlockWithdrawn


def check_withdrawal(withdrawn: bool, because: str) -> str:
    """A block is withdrawn once, with a reason; what is kept of the reason."""
    if withdrawn:
        raise AlreadyWithdrawnBlock
    kept = " ".join(because.split())[:300]
    if len(kept) < REASON:
        raise NoBlockReason
    return kept
