"""How a report came to be signed: when its case was claimed, whether its signer saw the images, what was alike."""

import datetime
from dataclasses import dataclass
from uuid import UUID

from django.utils import timezone

from wasl.kernel.access import SYSTEM, Actor
from wasl.kernel.models import Fact
from wasl.patients import queries as patients
from wasl.radiology.events import ReadingClaimed
from wasl.radiology.models import Opinion, Reading, Report, Viewing

SAME_LOOK = datetime.timedelta(minutes=10)  # looks within this time are one line of the access log


@dataclass(frozen=True)
class Evidence:
    """What the facts say of a signature; it names no patient."""

    claimed_at: datetime.datetime | None
    signed_at: datetime.datetime
    seen_at: datetime.datetime | None  # the signer's first look at the study for this claim; None: there was none
    alike: tuple[UUID, ...]  # readings of the same patient's same exam for the same hospital, signed before on that day


def evidence_of(reading: UUID, *, viewer: Actor) -> Evidence | None:
    """How the report of a case came to be signed; None while it is not signed."""
    if not viewer.is_system:
        return None
    first = Report.objects.filter(reading=reading, state=Report.State.SIGNED, adds_to__isnull=True)
    report = first.select_related("reading__order").first()
    if report is None or report.signed_at is None:
        return None
    claims = Fact.objects.filter(subject=reading, name=ReadingClaimed.name(), at__lte=report.signed_at)
    claimed_at = claims.order_by("-seq").values_list("at", flat=True).first()
    return Evidence(claimed_at, report.signed_at, _seen(report, claimed_at), _alike(report))


def evidence_of_opinion(key: UUID, *, viewer: Actor) -> Evidence | None:
    """How a second reading or an arbitration came to be given; None while it is not done.

    A second reading is there once it is written down: what is compared afterwards is the first report. Another second
    reading on that day is never alike: rules ask for each, not its reader.
    """
    row = Opinion.objects.filter(id=key, done_at__isnull=False).select_related("double__report__reading").first()
    if row is None or not viewer.is_system:
        return None
    case, given = row.double.report.reading, row.given_at or row.done_at
    if given is None:
        return None
    looks = patients.accesses(case.patient_id, viewer=SYSTEM).filter(
        actor=f"person:{row.reader_id}", subject=case.study_id, created_at__lte=given,
        created_at__gte=row.created_at - SAME_LOOK,
    )  # fmt: skip
    look = looks.order_by("created_at").first()
    return Evidence(row.created_at, given, look.created_at if look else None, ())


def _seen(report: Report, claimed_at: datetime.datetime | None) -> datetime.datetime | None:
    """When the signer looked: a line of the access log about the study, or the word of their viewer."""
    case, signed = report.reading, report.signed_at
    looks = patients.accesses(case.patient_id, viewer=SYSTEM).filter(
        actor=f"person:{report.author_id}", subject=case.study_id, created_at__lte=signed
    )
    if claimed_at:
        looks = looks.filter(created_at__gte=claimed_at - SAME_LOOK)
    if look := looks.order_by("created_at").first():
        return look.created_at
    stated = Viewing.objects.filter(reading=case, person=report.author_id, shown__gt=0, stated_at__lte=signed)
    return stated.values_list("stated_at", flat=True).first()


def _alike(report: Report) -> tuple[UUID, ...]:
    signed = report.signed_at
    day = timezone.localtime(signed).replace(hour=0, minute=0, second=0, microsecond=0)
    files = patients.same_person(report.reading.patient_id, viewer=SYSTEM)
    rows = Report.objects.filter(
        state=Report.State.SIGNED, adds_to__isnull=True, signed_at__gte=day, signed_at__lt=signed,
        reading__state=Reading.State.SIGNED, reading__patient__in=files,
        reading__place=report.reading.place_id, reading__order__procedure=report.reading.order.procedure_id,
    )  # fmt: skip
    return tuple(rows.exclude(reading=report.reading_id).values_list("reading", flat=True))
