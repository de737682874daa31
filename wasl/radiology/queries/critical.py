"""What may be asked about critical results: who answers, who holds which now, how many were answered in time."""

import datetime
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count, F, Q, QuerySet
from django.utils import timezone

from wasl.accounts import queries as accounts
from wasl.kernel.access import SYSTEM, Actor
from wasl.kernel.errors import NotFound
from wasl.radiology.models import CriticalTarget, Handing, Obligation, PassingRule, Reading, Report
from wasl.radiology.queries.blinding import blind_readings
from wasl.radiology.queries.turnaround import _visible as _visible_places
from wasl.radiology.rules import results as rules
from wasl.workforce import queries as workforce

WITHDRAWN = Reading.State.WITHDRAWN
Level = Obligation.Level


def _visible(viewer: Actor) -> QuerySet[Obligation]:
    """What one's hospital owes, what one holds or signed, and what the readers signed whose department one heads."""
    rows = Obligation.objects.exclude(report__reading__state=WITHDRAWN)
    if viewer.is_system:
        return rows
    if viewer.id is None or not viewer.held:
        return rows.none()
    rows = rows.filter(Q(place__in=viewer.places(*rules.CLINICIANS)) | _told_by(viewer))
    hidden = blind_readings(viewer=viewer)
    return rows if hidden is None else rows.exclude(report__reading__in=hidden)


def _told_by(viewer: Actor) -> Q:
    """What the viewer, or a reader whose department the viewer heads, signed; and what the viewer holds."""
    readers = [worker.person_id for worker in workforce.workers_at(viewer.places("chief"), viewer=viewer)]
    return Q(holder=viewer.id) | Q(report__author=viewer.id) | Q(report__author__in=readers)


def owed(*, viewer: Actor) -> QuerySet[Obligation]:
    """The open critical results that the viewer, or a reader whose department the viewer heads, signed; and those held.

    The most pressing first.
    """
    about = (
        "holder",
        "place",
        "report__author",
        "report__region",
        "report__reading__order__procedure",
        "report__reading__order__requester",
    )
    rows = _visible(viewer).filter(_told_by(viewer), acknowledged_at__isnull=True)
    return rows.select_related(*about).order_by("due_at", "id")


def owed_result(report: UUID, *, viewer: Actor) -> Obligation:
    """The critical result of a report, answered or not. Raises NotFound for who may not see it."""
    about = (
        "holder", "place", "told_by", "acknowledged_by", "report__author", "report__region",
        "report__reading__order__procedure", "report__reading__order__requester",
    )  # fmt: skip
    found = _visible(viewer).select_related(*about).filter(report=report).first()
    if found is None:
        raise NotFound
    return found


def may_answer(obligation: Obligation, *, viewer: Actor) -> bool:
    """Whether the viewer may receive a critical result: who asked, and the doctors of that hospital."""
    report = obligation.report
    return rules.receives(
        asked=viewer.id == report.reading.order.requester_id, signed=viewer.id == report.author_id,
        works_there=obligation.place_id in viewer.places(*rules.CLINICIANS),
    )  # fmt: skip


def may_tell(obligation: Obligation, *, viewer: Actor) -> bool:
    """Whether the viewer tells others of a critical result: who signed it, and the head of their department."""
    author = obligation.report.author_id
    return viewer.id == author or department_of(author, viewer=viewer) in viewer.places("chief")


def obligation_of(report: UUID, *, viewer: Actor) -> Obligation | None:
    """What is owed for a report that the viewer has already been given."""
    rows = Obligation.objects.select_related("acknowledged_by", "holder", "report__reading__order", "report__region")
    return rows.filter(report=report).first() if viewer.held else None


def handings_of(obligations: Iterable[UUID], *, viewer: Actor) -> dict[UUID, list[Handing]]:
    """Through whose hands critical results went that the viewer has already been given, in turn."""
    found: dict[UUID, list[Handing]] = {}
    if viewer.held:
        rows = Handing.objects.filter(obligation__in=list(obligations)).select_related("holder")
        for row in rows.order_by("obligation", "turn"):
            found.setdefault(row.obligation_id, []).append(row)
    return found


def results_to_pass_up(*, viewer: Actor) -> list[UUID]:
    """The reports whose critical result goes one level up now."""
    rows = _visible(viewer).filter(acknowledged_at__isnull=True, next_at__lte=timezone.now())
    return list(rows.order_by("next_at").values_list("report", flat=True))


def critical_minutes(*, on: datetime.datetime, viewer: Actor, category: int = 1) -> int:
    """In how many minutes a critical result is to be acknowledged, by the deadline in force at a moment."""
    dated = CriticalTarget.objects.filter(category=category, period__contains=timezone.localdate(on)).first()
    return dated.minutes if dated else rules.HOUSE_MINUTES[category]


def passing_shares(*, on: datetime.datetime, viewer: Actor) -> tuple[int, int, int]:
    """After what shares of its time a critical result goes up, by the rule in force at a moment; per cent."""
    dated = PassingRule.objects.filter(period__contains=timezone.localdate(on)).first()
    return (dated.first, dated.second, dated.third) if dated else rules.HOUSE_SHARES


def owed_since(report: Report, *, viewer: Actor) -> datetime.datetime:
    """Since when the answer to a critical report is owed: its signature, or that it came to this patient."""
    return report.created_at if report.follows_id else report.signed_at or report.saved_at


def department_of(reader: UUID, *, viewer: Actor) -> UUID | None:
    """The hospital in whose imaging department a reader works."""
    worker = workforce.worker_of(reader, viewer=viewer)
    return worker.place_id if worker else None


def receivers(report: Report, *, viewer: Actor) -> dict[UUID, str]:
    """Who may receive the result of a report, with their names: who asked, then the doctors of that hospital.

    Not who signed it, unless they asked for it themselves.
    """
    asker, place = report.reading.order.requester, report.reading.place_id
    there = {person for role in rules.CLINICIANS for person in _holders(role, place)} - {asker.id, report.author_id}
    asked = {asker.id: asker.name} if asker.is_active else {}
    names = accounts.names(there, viewer=SYSTEM)
    return asked | dict(sorted(names.items(), key=lambda person: (person[1], person[0])))


def holders_at(report: Report, *, level: int, viewer: Actor) -> list[UUID]:
    """Who takes an unanswered critical result at a level, the first to be asked first.

    1: the doctors on duty at the hospital that asked, where a roster says so, then its requesting doctors;
    2: the head of its imaging department; 3: the head of the reader's department, else the reader.
    """
    place, author = report.reading.place_id, report.author_id
    if level == Level.READER:
        department = department_of(author, viewer=viewer)
        heads = _holders("chief", department) if department else []
        return [*(head for head in heads if head != author), author]
    if level == Level.HEAD:
        found = _holders("chief", place)
    else:
        there = {person for role in rules.CLINICIANS for person in _holders(role, place)}
        duty = workforce.on_duty(timezone.now(), place=place, viewer=viewer).order_by("id")
        on_duty = [worker.person_id for worker in duty if worker.person_id in there]
        found = [*on_duty, *_holders("requester", place)]
    return [person for person in found if person != author]


def _holders(role: str, place: UUID) -> list[UUID]:
    """Who holds a role at a place and can sign in, the longest known first."""
    known = accounts.holders(role, place=place, viewer=SYSTEM).filter(is_active=True)
    return list(known.order_by("created_at", "id").values_list("id", flat=True))


@dataclass(frozen=True)
class Closure:
    """The critical results of a category that were raised at a hospital: what became of them.

    `due` are those that were answered or whose time is over: the denominator of what was answered `in_time`.
    """

    place: UUID
    category: int
    raised: int
    due: int
    in_time: int
    late: int
    open: int

    @property
    def rate(self) -> float | None:
        """What share of those due was answered in time, in per cent."""
        return 100 * self.in_time / self.due if self.due else None

    def __add__(self, other: "Closure") -> "Closure":
        """Two hospitals' lines as one; it keeps the first one's name."""
        counts = (getattr(self, name) + getattr(other, name) for name in ("raised", "due", "in_time", "late", "open"))
        return Closure(self.place, self.category, *counts)


def closures(*, since: datetime.date, until: datetime.date, viewer: Actor) -> list[Closure]:
    """How critical results raised in a period (days, both included) were answered, by hospital and category.

    Results that were withdrawn count nowhere; those said again for the right patient count there.
    """
    allowed = _visible_places(viewer)
    first, last = (
        timezone.make_aware(datetime.datetime.combine(day, datetime.time()))
        for day in (since, until + datetime.timedelta(days=1))
    )
    rows = Obligation.objects.filter(created_at__gte=first, created_at__lt=last).exclude(
        report__reading__state=WITHDRAWN
    )
    if allowed is not None:
        rows = rows.filter(place__in=allowed)
    answered, now = Q(acknowledged_at__isnull=False), timezone.now()
    counted = rows.values("place", "category").annotate(
        raised=Count("id"),
        due=Count("id", filter=answered | Q(due_at__lt=now)),
        in_time=Count("id", filter=Q(acknowledged_at__lte=F("due_at"))),
        late=Count("id", filter=Q(acknowledged_at__gt=F("due_at"))),
        open=Count("id", filter=~answered),
    )
    return [Closure(**row) for row in counted.order_by("place", "category")]
