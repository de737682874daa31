"""What is told about accounts."""

from dataclasses import dataclass
from uuid import UUID

from wasl.kernel.events import Event


@dataclass(frozen=True, kw_only=True)
class PersonAdded(Event):
    """Somebody received an account."""

    person: UUID


@dataclass(frozen=True, kw_only=True)
class PreferencesChanged(Event):
    """A person chose another language or another theme."""

    person: UUID
    language: str
    dark: bool


@dataclass(frozen=True, kw_only=True)
class PasswordReset(Event):
    """A person received a new password; the second factor and all sessions ended."""

    person: UUID


@dataclass(frozen=True, kw_only=True)
class PersonClosed(Event):
    """An account was closed; its sessions ended."""

    person: UUID


@dataclass(frozen=True, kw_only=True)
class PostGiven(Event):
    """A person was given a role at a place."""

    post: UUID
    person: UUID
    role: str
    place: UUID | None


@dataclass(frozen=True, kw_only=True)
class PostEnded(Event):
    """A person no longer holds a role at a place."""

    post: UUID
    person: UUID
    role: str
    place: UUID | None


@dataclass(frozen=True, kw_only=True)
class ClientAdded(Event):
    """A machine client was registered with its scopes."""

    client: UUID
    scopes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class ClientRevoked(Event):
    """A machine client may no longer speak to Wasl."""

    client: UUID


@dataclass(frozen=True, kw_only=True)
class AppAdded(Event):
    """An app was registered with its scopes."""

    client: UUID
    scopes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class LaunchStarted(Event):
    """A person opened an app from a patient's page."""

    launch: UUID
    client: UUID
    person: UUID
    patient: UUID


@dataclass(frozen=True, kw_only=True)
class PermitGiven(Event):
    """A person let an app read in their name, of one patient where one is named."""

    permit: UUID
    client: UUID
    person: UUID
    scopes: tuple[str, ...]
    patient: UUID | None = None


@dataclass(frozen=True, kw_only=True)
class PermitEnded(Event):
    """What a person had let an app do ended, and its tokens with it."""

    permit: UUID
    client: UUID
    person: UUID


@dataclass(frozen=True, kw_only=True)
class GatewayAdded(Event):
    """A gateway of a hospital may join with a code."""

    gateway: UUID
    place: UUID


@dataclass(frozen=True, kw_only=True)
class GatewayCodeRenewed(Event):
    """A gateway may join again with a new code; the one before opens nothing any more."""

    gateway: UUID
    place: UUID


@dataclass(frozen=True, kw_only=True)
class GatewayJoined(Event):
    """A gateway joined with its code and was given a certificate; those it had before are void."""

    gateway: UUID
    certificate: UUID
    place: UUID


@dataclass(frozen=True, kw_only=True)
class CertificateRenewed(Event):
    """A gateway was given a new certificate; the one before holds until its own end."""

    gateway: UUID
    certificate: UUID
    place: UUID


@dataclass(frozen=True, kw_only=True)
class GatewayRevoked(Event):
    """A gateway may no longer speak for its hospital."""

    gateway: UUID
    place: UUID


@dataclass(frozen=True, kw_only=True)
class MessageWritten(Event):
    """A person was told something, on the page and by the channels that they chose."""

    message: UUID
    person: UUID
    kind: str
    urgent: bool


@dataclass(frozen=True, kw_only=True)
class MessageRead(Event):
    """A person opened a message."""

    message: UUID
    person: UUID


@dataclass(frozen=True, kw_only=True)
class MessagesRead(Event):
    """Several messages of a person were read: all at once, or on the page to which they lead."""

    person: UUID
    messages: int


@dataclass(frozen=True, kw_only=True)
class MessageSent(Event):
    """A message went out by e-mail or SMS."""

    sending: UUID
    message: UUID
    channel: str


@dataclass(frozen=True, kw_only=True)
class MessageGivenUp(Event):
    """A message could not be sent by e-mail or SMS, and is not tried again; it stays on the page."""

    sending: UUID
    message: UUID
    channel: str


@dataclass(frozen=True, kw_only=True)
class AddressNamed(Event):
    """A person named an address of theirs; nothing is sent there but a code until it comes back."""

    reach: UUID
    person: UUID
    channel: str


@dataclass(frozen=True, kw_only=True)
class AddressConfirmed(Event):
    """The code that was sent to an address came back: its person reads there."""

    reach: UUID
    person: UUID
    channel: str


@dataclass(frozen=True, kw_only=True)
class ChannelsChosen(Event):
    """A person chose by which channels, and at which hours, they are told things."""

    person: UUID
