"""What may be asked about who reads what next: the rule, the line of cases before a reader, how much work exams are."""

import datetime
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db import connection
from django.db.models import Count, QuerySet
from django.utils import timezone

from wasl.kernel.access import Actor, Held
from wasl.radiology.models import DispatchRule, Effort, Procedure, Reading, Report, Skip
from wasl.radiology.queries.agreements import _in_force
from wasl.radiology.queries.openings import _by_centre
from wasl.radiology.queries.reading import _visible_readings
from wasl.radiology.rules import dispatch as rules
from wasl.radiology.rules.dispatch import Case as Case
from wasl.radiology.rules.dispatch import Proposal
from wasl.radiology.rules.dispatch import Reader as Reader
from wasl.radiology.rules.dispatch import Weights as Weights
from wasl.radiology.rules.dispatch import may_read as may_read
from wasl.radiology.rules.dispatch import propose as propose
from wasl.radiology.rules.dispatch import weights as weights
from wasl.workforce import queries as workforce
from wasl.workforce.queries import Worker

HOUR = datetime.timedelta(hours=1)
FOCUS_DAYS, FOCUS_CASES, FOCUS_SHARE = 90, 10, 0.2  # a region read so often lately is one's own
MEASURED_DAYS = 180


def _visible(viewer: Actor) -> QuerySet[DispatchRule]:
    """The rule is no secret to those who work by it or answer for it; drafts are the country's planners'."""
    rows = DispatchRule.objects.select_related("drafted_by", "published_by")
    if viewer.is_system or Held("planner", None) in viewer.held:
        return rows
    known = viewer.roles & {"radiologist", "chief", "planner"}
    return rows.filter(published_at__isnull=False) if known else rows.none()


def dispatch_rules(*, viewer: Actor) -> QuerySet[DispatchRule]:
    """Every version of the rule, the newest first."""
    return _visible(viewer).order_by("-version")


@dataclass(frozen=True)
class InForce:
    """The rule that decides now: its version (0: what is built in), and its weights."""

    version: int
    weights: Weights


def rule_in_force(*, viewer: Actor) -> InForce:
    """The published rule of this moment; until one is published, what is built in."""
    found = _visible(viewer).filter(period__contains=timezone.now()).first()
    return InForce(found.version, rules.weights(found.weights)) if found else InForce(0, Weights())


class Efforts:
    """How much work exams are on a day: by exam, else by modality, else as usual."""

    def __init__(self, rows: Iterable[Effort]) -> None:
        self.of_exam: dict[UUID, Effort] = {}
        self.of_modality: dict[str, Effort] = {}
        for row in rows:
            if row.procedure_id is None:
                self.of_modality[row.modality] = row
            else:
                self.of_exam[row.procedure_id] = row

    def points(self, exam: UUID, modality: str) -> int:
        """The points of an exam."""
        known = self.of_exam.get(exam) or self.of_modality.get(modality)
        return known.points if known else rules.USUAL_POINTS


def efforts(*, viewer: Actor) -> QuerySet[Effort]:
    """What was said of how much work exams are, as it holds today; it names nobody."""
    rows = Effort.objects.filter(period__contains=timezone.localdate()).select_related("procedure")
    return rows.order_by("modality", "procedure__code") if viewer.held else rows.none()


@dataclass(frozen=True)
class WaitingLine:
    """The cases before a reader, in their order, and the rule that set it."""

    rule: int
    proposals: list[Proposal]

    def at(self, reading: UUID) -> Proposal | None:
        """A case of the line."""
        return next((found for found in self.proposals if found.case.id == reading), None)


def line(*, viewer: Actor) -> WaitingLine:
    """The waiting cases that the viewer may read now, the best next one first; of many cases no more is asked."""
    rule = rule_in_force(viewer=viewer)
    worker = workforce.worker_of(viewer.id, viewer=viewer) if viewer.id and "radiologist" in viewer.roles else None
    if worker is None:
        return WaitingLine(rule.version, [])
    now = timezone.now()
    work = Efforts(efforts(viewer=viewer))
    waiting = list(
        _visible_readings(viewer)
        .filter(state=Reading.State.WAITING)
        .values_list(
            "id", "place", "modality", "urgency", "order__procedure", "order__procedure__region",
            "order__requester__language", "created_at", "due_at",
        )
    )  # fmt: skip
    cases = [
        Case(key, place, modality, urgency, work.points(exam, modality), opened, due, region, language)
        for key, place, modality, urgency, exam, region, language, opened, due in waiting
    ]
    readers = _readers(work, now, viewer, me=worker, places={row[1] for row in waiting}) if cases else []
    return WaitingLine(rule.version, rules.propose(cases, readers, rule.weights, now))


def _readers(
    work: Efforts,
    now: datetime.datetime,
    viewer: Actor,
    *,
    me: Worker | None = None,
    places: Collection[UUID] | None = None,
) -> list[Reader]:
    """Those who are on duty, and whom they serve; beside the viewer who asks for cases of some places, where one does.

    For who asks no more is said of the others than matters there: how much they read, and which of those places they
    serve. A country has thousands of covers, a reader's line is of a few hospitals.
    """
    since = workforce.on_duty_since(now, viewer=viewer)
    workers = workforce.workers_of({*since, *([me.person_id] if me else [])}, viewer=viewer)
    covers = workforce.covers_of(workers, viewer=viewer, places=places)
    agreements = _in_force(now).filter(provider__in={worker.place_id for worker in workers.values()})
    if places is not None:
        agreements = agreements.filter(beneficiary__in=places)
    agreed = set(agreements.values_list("provider", "beneficiary", "modality").distinct())
    kinds = {modality for _provider, _place, modality in agreed} | _modalities()
    hour = _read_since(workers, work, now - HOUR)
    law = workforce.session_rule(timezone.localdate(now), viewer=viewer)
    opened, taken = _by_centre({worker.place_id for worker in ([me] if me else workers.values())})
    if me is not None and opened.get(me.place_id):  # to a reader of that kind of exam, wherever it is covered
        covers |= workforce.covers_of([me.person_id], viewer=viewer)
    put_off = _put_off([me.person_id] if me else workers, now)
    found = []
    for person, worker in workers.items():
        hours = (now - since[person]).total_seconds() / 3600 if person in since else 0.0
        home = worker.place_id
        serves = frozenset(
            (cover.place_id, kind)
            for cover in covers.get(person, ())
            for kind in cover.modalities or kinds
            if cover.place_id == home or (home, cover.place_id, kind) in agreed
        )
        mine = me is not None and person == me.person_id
        able = {kind for cover in covers.get(person, ()) for kind in cover.modalities or kinds}
        found.append(
            Reader(
                id=person,
                serves=serves,
                languages=frozenset(worker.languages),
                hour_points=hour[person],
                hours=hours,
                focus=_focus(person, now) if mine else frozenset(),
                hours_left=law.hours - hours if law and person in since else None,
                opened=frozenset(case for case, kind in opened.get(home, ()) if kind in able),
                put_off=put_off.get(person, frozenset()) | taken.get(home, frozenset()),
                asking=mine,
            )  # fmt: skip
        )
    return found


def _modalities() -> set[str]:
    """The modalities of the cases that wait: who covers all of them covers these."""
    return set(
        Reading.objects.filter(state=Reading.State.WAITING).order_by().values_list("modality", flat=True).distinct()
    )


def _read_since(persons: Iterable[UUID], work: Efforts, since: datetime.datetime) -> Counter[UUID]:
    """The points that people signed since a moment."""
    found: Counter[UUID] = Counter()
    rows = Report.objects.filter(
        author__in=set(persons), signed_at__gt=since, adds_to__isnull=True, region__isnull=True
    )
    for person, exam, modality in rows.values_list("author", "reading__order__procedure", "reading__modality"):
        found[person] += work.points(exam, modality)
    return found


def _focus(person: UUID, now: datetime.datetime) -> frozenset[str]:
    """The regions that a reader often read lately."""
    rows = Report.objects.filter(
        author=person,
        adds_to__isnull=True,
        region__isnull=True,
        signed_at__gt=now - datetime.timedelta(days=FOCUS_DAYS),
    )
    counted = dict(rows.values_list("reading__order__procedure__region").annotate(cases=Count("id")))
    least = max(FOCUS_CASES, FOCUS_SHARE * sum(counted.values()))
    return frozenset(region for region, cases in counted.items() if cases >= least)


def _put_off(persons: Iterable[UUID], now: datetime.datetime) -> dict[UUID, frozenset[UUID]]:
    """What people skipped a moment ago."""
    found: dict[UUID, frozenset[UUID]] = {}
    rows = Skip.objects.filter(person__in=list(persons), period__contains=now)
    for person, case in rows.values_list("person", "reading"):
        found[person] = found.get(person, frozenset()) | {case}
    return found


@dataclass(frozen=True)
class Measured:
    """How many minutes passed from claiming to signing, at the median, in so many readings of an exam."""

    procedure: UUID
    modality: str
    name: str
    readings: int
    minutes: int


_MEASURED = """
select o.procedure_id, p.modality, count(*), percentile_cont(0.5) within group (
         order by extract(epoch from signed.at - claimed.at) / 60)
from kernel_fact signed
join lateral (
  select max(c.at) as at from kernel_fact c
  where c.subject = (signed.data->>'reading')::uuid and c.name = 'radiology.ReadingClaimed' and c.at <= signed.at
    and c.data->>'reader' = signed.data->>'reader'
) claimed on claimed.at is not null
join radiology_order o on o.id = (signed.data->>'order')::uuid
join radiology_procedure p on p.id = o.procedure_id
where signed.name = 'radiology.ReportSigned' and signed.at > %(since)s
group by 1, 2 having count(*) >= %(least)s order by 2, 3 desc
"""


def measured_efforts(*, viewer: Actor) -> list[Measured]:
    """How long exams took that were read often enough lately, from the journal's facts; for the country's planners."""
    if not (viewer.is_system or Held("planner", None) in viewer.held):
        return []
    since = timezone.now() - datetime.timedelta(days=MEASURED_DAYS)
    with connection.cursor() as cursor:
        cursor.execute(_MEASURED, {"since": since, "least": rules.MEASURED_NUMBER})
        rows = cursor.fetchall()
    names = {exam.id: exam.name for exam in Procedure.objects.filter(id__in=[row[0] for row in rows])}
    return [
        Measured(exam, modality, names[exam], count, min(rules.MOST_POINTS, max(1, round(minutes))))
        for exam, modality, count, minutes in rows
    ]
