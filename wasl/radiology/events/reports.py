"""What is told about reports, from what they begin with to their documents."""

from dataclasses import dataclass
from uuid import UUID

from wasl.kernel.events import Event


@dataclass(frozen=True, kw_only=True)
class TemplateAdded(Event):
    """A report template was written."""

    template: UUID


@dataclass(frozen=True, kw_only=True)
class PhraseAdded(Event):
    """A phrase was put at a reader's hand, or at everybody's."""

    phrase: UUID


@dataclass(frozen=True, kw_only=True)
class PixelsStated(Event):
    """A reader's viewer said how many pictures it showed, and how many of them were not whole yet."""

    viewing: UUID
    reading: UUID
    reader: UUID
    shown: int
    partial: int
    place: UUID


@dataclass(frozen=True, kw_only=True)
class ReportSigned(Event):
    """A reader signed a report; it can no longer change.

    `pixels` says that every picture shown in the viewer was `whole`, or that none was shown there (`outside`).
    """

    report: UUID
    reading: UUID
    order: UUID
    patient: UUID
    place: UUID
    reader: UUID
    critical: bool
    pixels: str = "outside"


@dataclass(frozen=True, kw_only=True)
class AddendumBegun(Event):
    """A reader began an addendum to a signed report."""

    report: UUID
    reading: UUID
    order: UUID
    patient: UUID
    place: UUID
    reader: UUID


@dataclass(frozen=True, kw_only=True)
class AddendumSigned(Event):
    """A reader signed an addendum to a signed report."""

    report: UUID
    reading: UUID
    order: UUID
    patient: UUID
    place: UUID
    reader: UUID
    critical: bool
    pixels: str = "outside"


@dataclass(frozen=True, kw_only=True)
class DocumentMade(Event):
    """The signed PDF of a report was made."""

    document: UUID
    report: UUID
    reading: UUID
    patient: UUID
    place: UUID
