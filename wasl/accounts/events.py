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
