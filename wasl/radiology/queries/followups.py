"""What may be asked about recommended exams: which wait, which are overdue, and how many of those due were."""

import datetime
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count, F, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext, override

from wasl.kernel.access import Actor
from wasl.patients import queries as patients
from wasl.radiology.models import Order, Procedure, Reading, Recommendation, Report
from wasl.radiology.queries.turnaround import _visible as _visible_places
from wasl.radiology.rules import followups as rules

OPEN, DONE = Recommendation.State.OPEN, Recommendation.State.DONE
WITHDRAWN = Reading.State.WITHDRAWN


def _visible(viewer: Actor) -> QuerySet[Recommendation]:
    """The follow-up of the exams that the viewer's hospitals asked for, of reports in force."""
    rows = Recommendation.objects.exclude(report__reading__state=WITHDRAWN)
    return rows if viewer.is_system else rows.filter(place__in=viewer.places(*rules.CLINICIANS))


def due_recommendations(*, viewer: Actor, state: str = OPEN) -> QuerySet[Recommendation]:
    """The recommended exams in a state, the first due first."""
    about = ("procedure", "place", "dismissed_by", "order", "report__author", "report__reading")
    return _visible(viewer).filter(state=state).select_related(*about).order_by("due_on", "id")


def recommendations_met_by(order: Order, *, at: datetime.datetime, viewer: Actor) -> list[UUID]:
    """The open recommendations for the patient of an order performed at a moment, which it fulfils."""
    files = patients.same_person(order.patient_id, viewer=viewer)
    rows = _visible(viewer).filter(patient__in=files, state=OPEN).select_related("report__reading")
    return [row.id for row in rows if fulfils(row, order, at=at, viewer=viewer)]


def recommendations_closed_by(order: UUID, *, viewer: Actor) -> list[UUID]:
    """The recommendations that the exam of an order fulfilled."""
    return list(_visible(viewer).filter(order=order, state=DONE).values_list("id", flat=True))


def fulfils(row: Recommendation, order: Order, *, at: datetime.datetime, viewer: Actor) -> bool:
    """Whether an order's exam is the recommended one, performed for the same patient after the report was signed.

    Any exam of the modality does where only that was said.
    """
    same = row.procedure_id == order.procedure_id if row.procedure_id else row.modality == order.procedure.modality
    later = row.report.signed_at is not None and at > row.report.signed_at
    other = order.id != row.report.reading.order_id
    theirs = patients.is_one_person((order.patient_id, row.patient_id), viewer=viewer)
    return same and later and other and theirs and order.state == Order.State.PERFORMED


def follow_up_due(report: Report, *, viewer: Actor) -> datetime.date:
    """The last day of the follow-up that a signed report recommends: from the day of its signature."""
    return rules.due_on(timezone.localdate(report.signed_at), report.follow_up or {})


def follow_up_words(report: Report, *, viewer: Actor) -> str:
    """What a signed report recommends, in a sentence of its own language; nothing when it recommends none."""
    if report.follow_up is None:
        return ""
    key = rules.exam_of(report.follow_up)
    exam = Procedure.objects.filter(id=key).first() if key else None
    day = follow_up_due(report, viewer=viewer)
    with override(report.language):
        what = exam.name if exam else " ".join(filter(None, (report.follow_up["what"], report.follow_up["body"])))
        return gettext("{exam}, before {day}. {reason}").format(
            exam=what, day=f"{day:%d/%m/%Y}", reason=report.follow_up["reason"]
        )


@dataclass(frozen=True)
class Followed:
    """The recommendations of a hospital whose time came in a period, and how many of them were, or still are, late."""

    place: UUID
    due: int
    done: int
    overdue: int


def followed(*, since: datetime.date, until: datetime.date, viewer: Actor) -> list[Followed]:
    """What became of the recommendations due in a period (days, both included), by hospital; no dismissed ones."""
    allowed = _visible_places(viewer)
    rows = Recommendation.objects.filter(due_on__gte=since, due_on__lte=until, state__in=(OPEN, DONE))
    rows = rows.exclude(report__reading__state=WITHDRAWN)
    if allowed is not None:
        rows = rows.filter(place__in=allowed)
    late = Q(state=OPEN, due_on__lt=timezone.localdate()) | Q(state=DONE, settled_at__date__gt=F("due_on"))
    counted = rows.values("place").annotate(
        due=Count("id"), done=Count("id", filter=Q(state=DONE)), overdue=Count("id", filter=late)
    )
    return [Followed(**row) for row in counted.order_by("place")]
