"""What is said of a number besides whose it is, each under a code of its own; nowhere else is it decided."""

from wasl.kernel.errors import Invalid, NotAllowed, Refused


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
