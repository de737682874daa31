"""What may be asked about repeated exams: what stands for an exam, for how long, and how often it is repeated."""

import datetime
from collections import Counter
from dataclasses import dataclass, field
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import Count, QuerySet
from django.utils import timezone

from wasl.kernel.access import Actor, Held
from wasl.places import queries as places
from wasl.radiology.models import EarlierShown, Order, Procedure, Validity
from wasl.radiology.queries.orders import orders_of
from wasl.radiology.queries.vetting import Share
from wasl.radiology.rules import repeats as rules

Outcome = EarlierShown.Outcome


def _exam(procedure: Procedure, side: str = "") -> rules.Exam:
    return rules.Exam(procedure.code, procedure.modality, procedure.region, procedure.contrast, side)


def earlier_exams(
    patient: UUID, *, procedure: Procedure, side: str, at: datetime.datetime, viewer: Actor, made: bool = False
) -> list[Order]:  # fmt: skip
    """The patient's exams that stand for this one if it is (or was) made at a moment, the latest first.

    They are looked for among all of the person whose record is open to the viewer, and else among what the viewer sees
    anyway. None while an exam with sides has none yet.
    """
    if procedure.sided and not side:
        return []
    since, until = rules.within(validity_days(procedure, on=timezone.localdate(), viewer=viewer), at, made=made)
    rows = orders_of(patient, viewer=viewer).exclude(state__in=Order.ENDED)
    rows = rows.filter(procedure__modality__in=rules.kinds_like(procedure.modality))
    rows = rows.filter(scheduled_for__gt=since, scheduled_for__lte=until).order_by("-scheduled_for", "-id")
    asked = _exam(procedure, side)
    return [
        order for order in rows[: rules.MOST_LOOKED_AT] if rules.stands_for(_exam(order.procedure, order.side), asked)
    ]


def validity_days(procedure: Procedure, *, on: datetime.date, viewer: Actor) -> int:
    """For how many days such an exam stands for another: by its region, its modality, or as the house has it."""
    rows = Validity.objects.filter(modality=procedure.modality, region__in=("", procedure.region), period__contains=on)
    found = rows.order_by("-region").first()
    return rules.DAYS if found is None else found.days


def validities(*, viewer: Actor) -> QuerySet[Validity]:
    """What was said of how long exams stand, as it holds now or is to come; the country's own, for those who answer."""
    rows = Validity.objects.filter(period__upper_inf=True).order_by("modality", "region")
    return rows if viewer.is_system or rules.SEES_VALIDITIES & viewer.roles else rows.none()


def shown_today(patient: UUID, *, procedure: UUID, viewer: Actor) -> EarlierShown | None:
    """What the viewer was shown today of an exam for a patient, if anything."""
    rows = EarlierShown.objects.filter(person=viewer.id, day=timezone.localdate())
    return rows.filter(patient=patient, procedure=procedure).first()


def repeated(order: Order, *, viewer: Actor) -> Order | None:
    """The earlier exam in spite of which an order was given, while both are one person's, for who sees that exam."""
    if order.repeats_id is None:
        return None
    return orders_of(order.patient_id, viewer=viewer).filter(id=order.repeats_id).first()


@dataclass
class Repeats:
    """A hospital in a month: what doctors were shown and did, and how many of its exams had an earlier one."""

    place: UUID
    name: str
    month: datetime.date
    outcomes: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    performed: int = 0
    within: dict[int, int] = field(default_factory=dict)  # days -> exams that had an equivalent one so many days before

    @property
    def shown(self) -> int:
        """How often an earlier exam was shown in time to be used; a vital emergency is counted apart."""
        return self.outcomes.total() - self.reasons[rules.VITAL]

    @property
    def used(self) -> Share:
        """Used, of those shown."""
        return Share(self.outcomes[Outcome.USED], self.shown)

    @property
    def ordered(self) -> Share:
        """Ordered all the same, of those shown."""
        return Share(self.outcomes[Outcome.ORDERED] - self.reasons[rules.VITAL], self.shown)

    def because(self, reason: str) -> Share:
        """Ordered for a reason, of those ordered all the same."""
        return Share(self.reasons[reason], self.ordered.number)

    def repeated(self, days: int) -> Share:
        """Had an equivalent exam so many days before, of those performed."""
        return Share(self.within.get(days, 0), self.performed)


def _visible(viewer: Actor) -> frozenset[UUID] | None:
    """The hospitals whose repeats the viewer may judge: those that one heads or plans for; None: the country."""
    if viewer.is_system or Held("planner", None) in viewer.held:
        return None
    return viewer.places(*rules.SEES_REPEATS)


def repeats(since: datetime.date, until: datetime.date, *, viewer: Actor) -> list[Repeats]:
    """Each hospital in each month of two days, both included, the earliest first; four queries."""
    names = {row.id: row.name for row in places.places(viewer=viewer)}
    found: dict[tuple[UUID, datetime.date], Repeats] = {}

    def at(place: UUID, day: datetime.date) -> Repeats:
        month = day.replace(day=1)
        return found.setdefault((place, month), Repeats(place, names.get(place, ""), month))

    for place, day, outcome, reason, number in _shown(since, until, viewer):
        line = at(place, day)
        line.outcomes[outcome] += number
        if reason:
            line.reasons[reason] += number
    for place, month, performed, *within in _performed(since, until, viewer):
        line = at(place, month)
        line.performed, line.within = performed, dict(zip(rules.SPANS, within, strict=True))
    return sorted(found.values(), key=lambda line: (line.month, line.name))


def _shown(
    since: datetime.date, until: datetime.date, viewer: Actor
) -> "QuerySet[EarlierShown, tuple[UUID, datetime.date, str, str | None, int]]":  # fmt: skip
    rows, at = EarlierShown.objects.filter(day__range=(since, until)), _visible(viewer)
    if at is not None:
        rows = rows.filter(place__in=at)
    return rows.values_list("place", "day", "outcome", "ordered__repeat_because").annotate(n=Count("id"))


# Of each exam performed, how long before it the last equivalent one was. Which exams of the catalogue stand for which
# is worked out in rules.repeats and handed in as pairs.
_PERFORMED = """
with pair(earlier, later) as (select * from unnest(%(earlier)s::uuid[], %(later)s::uuid[])),
exam as (
  select id, place_id, patient_id, procedure_id, side, scheduled_for,
         date_trunc('month', scheduled_for at time zone %(zone)s)::date as month
  from radiology_order
  where state = 'performed' and scheduled_for >= %(since)s::timestamptz and scheduled_for < %(until)s::timestamptz
    and (%(places)s::uuid[] is null or place_id = any(%(places)s::uuid[]))
)
select exam.place_id, exam.month, count(*), count(*) filter (where gap < interval '30 days'), count(gap)
from exam left join lateral (
  select min(exam.scheduled_for - e.scheduled_for) as gap
  from radiology_order e join pair on pair.earlier = e.procedure_id and pair.later = exam.procedure_id
  where e.patient_id = exam.patient_id and e.state = 'performed' and e.id <> exam.id
    and e.scheduled_for < exam.scheduled_for and e.scheduled_for > exam.scheduled_for - interval '90 days'
    and (e.side not in ('L', 'R') or e.side = exam.side)
) as before on true
group by 1, 2
"""


def _performed(
    since: datetime.date, until: datetime.date, viewer: Actor
) -> list[tuple[UUID, datetime.date, int, int, int]]:  # fmt: skip
    at, exams = _visible(viewer), list(Procedure.objects.all())
    pairs = [(one.id, other.id) for one in exams for other in exams if rules.stands_for(_exam(one), _exam(other))]
    with connection.cursor() as cursor:
        cursor.execute(_PERFORMED, {
            "earlier": [one for one, _other in pairs], "later": [other for _one, other in pairs],
            "since": f"{since} 00:00 {settings.TIME_ZONE}",
            "until": f"{until + datetime.timedelta(days=1)} 00:00 {settings.TIME_ZONE}",
            "zone": settings.TIME_ZONE, "places": None if at is None else list(at),
        })  # fmt: skip
        return list(cursor.fetchall())
