"""What a hospital received: its own count of the reports that lie before its doctors, whoever was paid for them."""

import datetime
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Exists, OuterRef

from wasl.kernel.access import Actor
from wasl.radiology.models import Opinion, Reading, Receipt, Report


@dataclass(frozen=True)
class Received:
    """A report in force before a doctor of the hospital that asked, or one read again; it names no patient."""

    reading: UUID
    author: UUID
    signed_at: datetime.datetime
    procedure: str
    modality: str
    part: str = ""  # of an exam that was read again

    @property
    def kind(self) -> str:
        """What it is, where it is no report: a second reading, or an arbitration."""
        return str(Opinion.Part(self.part).label) if self.part else ""


def received_reports(
    place: UUID, *, since: datetime.datetime, until: datetime.datetime, viewer: Actor
) -> list[Received]:
    """The reports of a hospital's orders that were signed in a time and handed over, in the order of signing.

    An addendum is none of its own, and a report that was withdrawn was not received.
    """
    if not viewer.is_system:
        return []
    rows = Report.objects.filter(
        Exists(Receipt.objects.filter(report=OuterRef("pk"))), state=Report.State.SIGNED, adds_to__isnull=True,
        signed_at__gte=since, signed_at__lt=until, reading__order__place=place, reading__state=Reading.State.SIGNED,
    )  # fmt: skip
    named = ("reading", "author", "signed_at", "reading__order__procedure__code", "reading__modality")
    return [Received(*row) for row in rows.order_by("signed_at", "id").values_list(*named)]
