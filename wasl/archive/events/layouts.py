"""What is told about the viewer's layouts."""

from dataclasses import dataclass
from uuid import UUID

from wasl.kernel.events import Event


@dataclass(frozen=True, kw_only=True)
class LayoutSaved(Event):
    """A reader saved how series of a kind of exam are laid out, for themselves or for a hospital (`place`)."""

    layout: UUID
    place: UUID | None


@dataclass(frozen=True, kw_only=True)
class LayoutImported(Event):
    """A layout came from a DICOM hanging protocol."""

    layout: UUID
    place: UUID | None


@dataclass(frozen=True, kw_only=True)
class LayoutRenamed(Event):
    """A layout is called something else."""

    layout: UUID
    place: UUID | None


@dataclass(frozen=True, kw_only=True)
class LayoutTurned(Event):
    """A layout is used by itself from now on, or no longer is."""

    layout: UUID
    place: UUID | None
    used: bool


@dataclass(frozen=True, kw_only=True)
class LayoutForgotten(Event):
    """A layout was forgotten."""

    layout: UUID
    place: UUID | None
