"""Who may let systems in, and decide about what they sent; and what is refused."""

from collections.abc import Sequence
from ipaddress import ip_address, ip_network
from uuid import UUID

from wasl.kernel.access import Actor
from wasl.kernel.errors import Invalid, NotAllowed, Refused

ADMINISTRATORS = frozenset({"administrator", "system"})
DECIDERS = frozenset({"administrator", "steward"})
READERS = frozenset({"steward"})  # what a message says of a patient

CAN: dict[str, frozenset[str]] = {
    "add_member": ADMINISTRATORS,
    "revoke_member": ADMINISTRATORS,
    "take_message": frozenset({"client"}),
    "handle_messages": frozenset({"system"}),
    "retry_message": DECIDERS,
    "set_aside_message": DECIDERS,
    "show_message": READERS,
}

MOST_ADDRESSES = 8
REASON = 10  # letters


class MemberNameTaken(Refused):
    """Another system is already called {name}."""


class SenderTaken(Refused):
    """Another system already names itself so: application and facility together are one system's."""


class SenderMissing(Invalid):
    """Write what the system calls itself: its name, and the sending application (MSH-3) of its messages."""


class BadSenderAddress(Invalid):
    """Write one to eight IP addresses or networks, such as 10.1.2.3 or 10.1.0.0/16."""


class MemberRevoked(NotAllowed):
    """Nothing more is taken from this system: it was revoked."""


class ControlIdUsed(Refused):
    """A message with this control id was taken before, and said something else."""


class NotParked(Refused):
    """This message waits for nobody any more."""


class NoAsideReason(Invalid):
    """Say in at least ten letters why nothing follows from this message."""


class HandlingFailed(Refused):
    """Wasl failed while it did what this message says; its log has the error. Try again once that is mended."""


def check_administers(place: UUID, *, by: Actor) -> None:
    """An administrator of a place decides which systems send for it; one of the country decides for every place."""
    if not (by.is_system or by.holds("administrator", place)):
        raise NotAllowed


def check_sender(name: str, application: str) -> None:
    """A member has a name among people, and one among machines."""
    if not (name and application):
        raise SenderMissing


def check_addresses(addresses: Sequence[str]) -> list[str]:
    """The addresses and networks as they are kept."""
    try:
        kept = [str(ip_network(one.strip(), strict=False)) for one in addresses]
    except ValueError as error:
        raise BadSenderAddress from error
    if not 1 <= len(kept) <= MOST_ADDRESSES:
        raise BadSenderAddress
    return [one.removesuffix("/32").removesuffix("/128") for one in dict.fromkeys(kept)]


def comes_from(address: str, allowed: Sequence[str]) -> bool:
    """Whether a caller's address is one, or of one of the networks, that are allowed."""
    caller = ip_address(address)
    caller = getattr(caller, "ipv4_mapped", None) or caller
    return any(caller in ip_network(one) for one in allowed)


def check_member(revoked: bool) -> None:
    """What a revoked system sent, or still sends, is not done."""
    if revoked:
        raise MemberRevoked


def check_same(known: bytes, digest: bytes) -> None:
    """What comes again under a control id is what came."""
    if known != digest:
        raise ControlIdUsed


def check_parked(parked: bool) -> None:
    """People decide about what is parked alone."""
    if not parked:
        raise NotParked


def check_aside_reason(text: str) -> str:
    """Why a message is set aside, as it is kept."""
    kept = " ".join(text.split())[:300]
    if len(kept) < REASON:
        raise NoAsideReason
    return kept
