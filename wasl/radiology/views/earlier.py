"""Earlier exams that stand for the one being ordered, as the doctor who chose it sees them."""

import datetime
from dataclasses import dataclass
from uuid import UUID

from django.utils import timezone

from wasl.archive import queries as archive
from wasl.kernel.access import SYSTEM
from wasl.kernel.errors import NotAllowed, NotFound
from wasl.kernel.http import Request
from wasl.patients import queries as patients
from wasl.patients import services as patients_services
from wasl.radiology import queries, services
from wasl.radiology.queries import Order, Procedure

MOST = 3  # earlier exams shown


@dataclass(frozen=True)
class Earlier:
    """An earlier exam with what there is of it for this doctor: its report and conclusion, its images."""

    order: Order
    report: UUID | None = None
    conclusion: str = ""
    images: tuple[str, ...] = ()


def earlier_shown(request: Request, patient: UUID, chosen: Procedure, place: UUID) -> list[Earlier]:
    """The earlier exams that stand for the one chosen, the latest with its conclusion; that they were shown is kept."""
    found = services.show_earlier_exam(
        patient, procedure=chosen.id, place=place, side=request.POST.get("side", ""), at=moment_of(request),
        by=request.actor,
    )[:MOST]  # fmt: skip
    reports = queries.reports_of_orders([order.id for order in found], viewer=request.actor)
    return [_of(order, reports.get(order.id), request, first=order is found[0]) for order in found]


def moment_of(request: Request) -> datetime.datetime | None:
    """When the exam is to be made, as far as it was said; None: now."""
    try:
        moment = timezone.make_aware(datetime.datetime.fromisoformat(request.POST.get("scheduled_for", "")))
    except (ValueError, OverflowError):
        return None
    return moment if moment.year < datetime.MAXYEAR - 100 else None  # so that days can be added


def _of(order: Order, report: UUID | None, request: Request, *, first: bool) -> Earlier:
    if not first:
        return Earlier(order, report)
    uids = (archive.uid_of(study, viewer=SYSTEM) for study in queries.studies_of_order(order.id, viewer=SYSTEM))
    return Earlier(order, report, _conclusion(order, report, request), tuple(filter(None, uids)))


def _conclusion(order: Order, report: UUID | None, request: Request) -> str:
    """What a signed report concludes, where the doctor may read it; the access log then says that it was shown."""
    ground = patients.ground(order.patient_id, viewer=request.actor)
    if ground is None or report is None:
        return ""
    try:
        found = queries.report(report, viewer=request.actor)
    except (NotFound, NotAllowed):
        return ""
    conclusion = found.sections.get("conclusion", "") if found.state == "signed" else ""
    if conclusion:
        patients_services.log_access(
            order.patient_id, what="radiology.earlier_exam", ground=ground, by=request.actor, subject=found.id
        )
    return str(conclusion)
