"""What may be asked about double reading: what waits for a second or third reader, and what became of it."""

import datetime
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Exists, Max, OuterRef, Q, QuerySet
from django.utils import timezone

from wasl.accounts import queries as accounts
from wasl.kernel.access import SYSTEM, Actor
from wasl.kernel.errors import NotFound
from wasl.patients import queries as patients
from wasl.radiology.models import Assessment, DoubleReading, DoubleRule, Opinion, OverRead, Reading, Region, Report
from wasl.radiology.queries.agreements import OF_READING, may_be_read_by
from wasl.radiology.queries.escalation import heads_of
from wasl.radiology.queries.openings import served_by
from wasl.radiology.rules import double as rules
from wasl.workforce import queries as workforce

Part = Opinion.Part
ABOUT = ("report__reading__order__procedure", "report__reading__place", "report__reading__study")
OUTCOMES = 50  # of one’s own, the newest
STANDS = Q(report__reading__state=Reading.State.SIGNED)


def rules_that_ask(report: Report, *, viewer: Actor) -> list[DoubleRule]:
    """The rules in force that ask for a second reading of a report that was just signed; for Wasl itself."""
    at = report.signed_at
    if not viewer.is_system or at is None:
        return []
    found = list(DoubleRule.objects.filter(period__contains=timezone.localdate(at)).order_by("created_at"))
    if not found:
        return []
    signing = _signing(report, at, found)
    return [rule for rule in found if rules.asks(rule, signing)]


def _signing(report: Report, at: datetime.datetime, found: list[DoubleRule]) -> rules.Signing:
    """What rules look at; the roster and earlier reports only where one of these rules does."""
    reading, worker = report.reading, workforce.worker_of(report.author_id, viewer=SYSTEM)
    since = (
        workforce.on_duty_since(at, viewer=SYSTEM).get(report.author_id) if any(r.duty_hours for r in found) else None
    )
    mine = Report.objects.filter(
        author=report.author_id, state=Report.State.SIGNED, adds_to__isnull=True, reading__modality=reading.modality
    )
    return rules.Signing(
        centre=worker.place_id if worker else None, modality=reading.modality, procedure=reading.order.procedure_id,
        urgency=reading.urgency, hour=timezone.localtime(at).hour, on_duty=at - since if since else None,
        number=mine.count() if any(rule.first_reports for rule in found) else 0, digest=report.digest,
    )  # fmt: skip


def _visible_opinions(viewer: Actor) -> QuerySet[Opinion]:
    """What the viewer took, and neither gave back nor let pass; what others say comes after one's own."""
    now, about = timezone.now(), [f"double__{name}" for name in ABOUT]
    live = Q(done_at__isnull=False) | Q(given_at__isnull=False) | Q(until__gt=now)
    rows = Opinion.objects.filter(live, reader=viewer.id, reader__isnull=False, given_back_at__isnull=True)
    return rows.select_related(*about)


def opinion(double: UUID, *, viewer: Actor) -> Opinion:
    """What the viewer says, or is to say, of an exam that is read twice. Raises NotFound for everybody else."""
    found = _visible_opinions(viewer).filter(double=double).first()
    if found is None:
        raise NotFound
    return found


def opinions_to_give(*, viewer: Actor) -> QuerySet[Opinion]:
    """What the viewer took and is not done with, what is due first before all else."""
    rows = _visible_opinions(viewer).filter(done_at__isnull=True, double__report__reading__state=Reading.State.SIGNED)
    return rows.order_by("double__due_at", "id")


def _visible_doubles(viewer: Actor) -> QuerySet[DoubleReading]:
    """The reports that the viewer may read again: exams they read, in which they had no part and never looked since."""
    if viewer.id is None or "radiologist" not in viewer.roles:
        return DoubleReading.objects.none()
    served = served_by(viewer.id, viewer=viewer) & may_be_read_by(viewer.id, OF_READING, viewer=viewer)
    mine = Q(author=viewer.id) | Q(drafted_by=viewer.id)
    looked = patients.looks(viewer=viewer).filter(
        patient__head=OuterRef("report__reading__patient__head"), created_at__gt=OuterRef("report__signed_at")
    )
    return DoubleReading.objects.filter(
        ~Exists(Report.objects.filter(mine, reading=OuterRef("report__reading"))),
        ~Exists(Region.objects.filter(reading=OuterRef("report__reading"), reader=viewer.id)),
        ~Exists(OverRead.objects.filter(report=OuterRef("report"), reader=viewer.id)),
        ~Exists(Assessment.objects.filter(review__report=OuterRef("report"), reader=viewer.id)),
        ~Exists(Opinion.objects.filter(double=OuterRef("pk"), reader=viewer.id)),
        ~Exists(looked), STANDS, report__reading__in=Reading.objects.filter(served), closed_at__isnull=True,
    )  # fmt: skip


def double_readings_waiting(*, viewer: Actor) -> QuerySet[DoubleReading]:
    """What the viewer may take: `arbiter` is whether two readings differ, else a second one is wanted."""
    of = Opinion.objects.filter(double=OuterRef("pk"), given_back_at__isnull=True)
    held = of.filter(Q(done_at__isnull=False) | Q(until__gt=timezone.now()))
    differs = Exists(of.filter(part=Part.SECOND, verdict__in=Opinion.DISCREPANCIES))
    rows = (
        _visible_doubles(viewer).select_related(*ABOUT).annotate(**{"arbiter": differs})
    )  # the model declares its type
    second = Q(~Exists(held.filter(part=Part.SECOND)), arbiter=False)
    third = Q(~Exists(held.filter(part=Part.ARBITER)), arbiter=True)
    return rows.filter(second | third).order_by("due_at", "id")


def _overdue() -> QuerySet[DoubleReading]:
    return DoubleReading.objects.filter(STANDS, closed_at__isnull=True, due_at__lte=timezone.now())


def second_readings_to_miss(*, viewer: Actor) -> list[UUID]:
    """The double readings whose time has passed, which nobody was told yet; for Wasl itself."""
    return list(_overdue().filter(missed_at__isnull=True).values_list("id", flat=True)) if viewer.is_system else []


@dataclass(frozen=True)
class Overdue:
    """A double reading whose time has passed: whether somebody has it in hand, for a second reading or to decide."""

    double: DoubleReading
    taken: bool


def overdue_second_readings(*, viewer: Actor) -> list[Overdue]:
    """The double readings of the viewer's department whose time has passed, the longest first; nothing says by whom."""
    of = Opinion.objects.filter(double=OuterRef("pk"), given_back_at__isnull=True)
    differs = Exists(of.filter(part=Part.SECOND, verdict__in=Opinion.DISCREPANCIES))
    live = of.filter(Q(given_at__isnull=False) | Q(until__gt=timezone.now()), done_at__isnull=True)
    rows = _overdue().filter(centre__in=viewer.places("chief")).select_related(*ABOUT)
    rows = rows.annotate(taken=Exists(live)).annotate(**{"arbiter": differs}).order_by("due_at", "id")
    return [Overdue(row, row.taken) for row in rows]


def may_read_again(double: UUID, *, viewer: Actor) -> bool:
    """Whether the viewer may be the second or third reader of a report."""
    return _visible_doubles(viewer).filter(id=double).exists()


def is_read_again(report: UUID, *, viewer: Actor) -> bool:
    """Whether a report that the viewer has been given still waits for its second reading, or for what it leads to."""
    return bool(viewer.held) and DoubleReading.objects.filter(report=report, closed_at__isnull=True).exists()


def second_opinion(double: UUID, *, viewer: Actor) -> Opinion:
    """The second reading of a report, for who gave it and who decides after it. Raises NotFound."""
    mine = opinion(double, viewer=viewer)
    found = Opinion.objects.filter(double=mine.double_id, part=Part.SECOND, given_back_at__isnull=True).first()
    if found is None:
        raise NotFound
    return found


@dataclass(frozen=True)
class Outcome:
    """What a second reading, and an arbiter where there was one, made of a report; by whom, never."""

    double: DoubleReading
    second: Opinion
    arbiter: Opinion | None
    corrected: bool  # an addendum was signed since

    @property
    def asks(self) -> bool:
        """Whether an addendum is asked for: the second reading stands, or it alone is critical and nobody decided."""
        first = self.double.stands == DoubleReading.Stands.FIRST
        return not first and not self.corrected


def double_outcomes(*, viewer: Actor) -> list[Outcome]:
    """What was read differently in the viewer's own reports, once decided, or at once where it is critical."""
    return _outcomes(DoubleReading.objects.filter(report__author=viewer.id), OUTCOMES) if viewer.id else []


def double_matters(*, viewer: Actor) -> list[Outcome]:
    """The reports read in the viewer's department for which a second reading asks for an addendum still."""
    rows = DoubleReading.objects.filter(centre__in=viewer.places("chief"))
    return [one for one in _outcomes(rows.exclude(stands="first")) if one.asks]


def _outcomes(rows: QuerySet[DoubleReading], most: int | None = None) -> list[Outcome]:
    seconds = Opinion.objects.filter(double=OuterRef("pk"), part=Part.SECOND, given_back_at__isnull=True)
    differs = seconds.filter(verdict__in=Opinion.DISCREPANCIES)
    alarms = seconds.filter(category=Opinion.Category.CRITICAL, double__report__critical=False)
    told = Q(Exists(differs), closed_at__isnull=False) | Q(Exists(alarms))
    found = list(rows.filter(STANDS, told).select_related(*ABOUT).order_by("-created_at")[:most])
    given = Q(part=Part.SECOND, given_at__isnull=False) | Q(part=Part.ARBITER, done_at__isnull=False)
    opinions = Opinion.objects.filter(given, double__in=[row.id for row in found], given_back_at__isnull=True)
    said = {(one.double_id, one.part): one for one in opinions}
    cases = [row.report.reading_id for row in found]
    added = Report.objects.filter(reading__in=cases, state=Report.State.SIGNED, adds_to__isnull=False)
    last = dict(added.order_by().values_list("reading").annotate(last=Max("signed_at")))
    outcomes = []
    for row in found:
        second, at = said[row.id, Part.SECOND], last.get(row.report.reading_id)
        corrected = at is not None and second.given_at is not None and at > second.given_at
        outcomes.append(Outcome(row, second, said.get((row.id, Part.ARBITER)), corrected))
    return outcomes


def people_of_double(double: UUID, *, viewer: Actor) -> tuple[UUID, list[UUID]] | None:
    """Who wrote a report that is read twice, and who heads their department; for Wasl itself, that tells them."""
    row = DoubleReading.objects.select_related("report").filter(id=double).first() if viewer.is_system else None
    if row is None:
        return None
    if row.centre_id is None:
        return row.report.author_id, []
    heads = set(accounts.holders("chief", place=row.centre_id, viewer=viewer).values_list("id", flat=True))
    return row.report.author_id, sorted(heads - {row.report.author_id})


def heads_of_double(double: UUID, *, viewer: Actor) -> list[UUID]:
    """Who heads the department of who wrote a report that is read twice; for Wasl itself, that tells them."""
    row = DoubleReading.objects.filter(id=double).first() if viewer.is_system else None
    return heads_of(row.centre_id, viewer=viewer) if row and row.centre_id else []
