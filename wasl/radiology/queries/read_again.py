"""What second readings and arbitrations are owed: of closed double readings, those that were given by agreement."""

import datetime
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from wasl.kernel.access import Actor
from wasl.radiology.models import Agreement, Opinion
from wasl.radiology.queries.receiving import Received


@dataclass(frozen=True)
class OpinionOwed:
    """A second reading or an arbitration by another hospital's reader, as what it is paid is worked out from it.

    It names no patient.
    """

    opinion: UUID
    report: UUID
    part: str
    reader: UUID
    centre: UUID
    place: UUID
    agreement: Agreement
    procedure: str
    modality: str
    urgency: str
    done_at: datetime.datetime
    closed_at: datetime.datetime

    @property
    def received(self) -> Received:
        """It, as the hospital that asked for the exam counts it."""
        return Received(self.opinion, self.reader, self.done_at, self.procedure, self.modality, self.part)


def opinions_owed(
    *, viewer: Actor, key: UUID | None = None, double: UUID | None = None, place: UUID | None = None, scale: str = "",
    since: datetime.datetime | None = None, until: datetime.datetime | None = None,
) -> list[OpinionOwed]:  # fmt: skip
    """What was read again by agreement: one opinion, those on one report, those of a hospital's exams, or by a scale.

    Only of double readings that are closed, so that who asks for money does not learn who reads whom. For Wasl itself.
    """
    if not viewer.is_system:
        return []
    asked: dict[str, Any] = {
        "id": key, "double": double, "double__report__reading__place": place, "agreement__scale": scale or None,
        "done_at__gte": since, "done_at__lt": until,
    }  # fmt: skip
    rows = Opinion.objects.filter(
        agreement__isnull=False, centre__isnull=False, done_at__isnull=False, double__closed_at__isnull=False,
        **{name: value for name, value in asked.items() if value is not None},
    ).select_related("agreement", "double__report__reading__order__procedure")  # fmt: skip
    return [_owed(row) for row in rows.order_by("done_at", "id")]


def _owed(row: Opinion) -> OpinionOwed:
    reading = row.double.report.reading
    if row.agreement is None or row.centre_id is None or row.done_at is None or row.double.closed_at is None:
        raise AssertionError("the query asks for none of these")
    return OpinionOwed(
        row.id, row.double.report_id, str(row.part), row.reader_id, row.centre_id, reading.place_id, row.agreement,
        reading.order.procedure.code, reading.modality, reading.urgency, row.done_at, row.double.closed_at,
    )  # fmt: skip
