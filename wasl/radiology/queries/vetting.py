"""What may be asked about vetting: which exams need it, what waits, what was decided, and the rates of each site."""

import datetime
from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from wasl.kernel.access import SYSTEM, Actor, Held
from wasl.places import queries as places
from wasl.radiology.models import (
    Agreement,
    Order,
    Procedure,
    Protocol,
    Verdict,
    Vetting,
    VettingRule,
    VettingTarget,
)
from wasl.radiology.queries.agreements import _about, _in_force
from wasl.radiology.queries.orders import _served, _visible
from wasl.radiology.rules import agreements
from wasl.radiology.rules import vetting as rules
from wasl.workforce import queries as workforce

Kind = Verdict.Kind
BEFORE = (Kind.ACCEPTED, Kind.CHANGED, Kind.REFUSED)


def needs_vetting(procedure: Procedure, *, place: UUID, on: datetime.date, viewer: Actor) -> bool:
    """Whether an exam is vetted at a hospital on a day: by the exam's own rule, else its modality's; else it is not."""
    rows = VettingRule.objects.filter(place=place, modality=procedure.modality, period__contains=on)
    rows = rows.filter(Q(procedure=procedure.id) | Q(procedure__isnull=True))
    found = rows.order_by(F("procedure").asc(nulls_last=True)).values_list("needed", flat=True).first()
    return bool(found)


def vetting_minutes(urgency: str, *, on: datetime.date, viewer: Actor) -> int | None:
    """In how many minutes exams of a class are to be vetted, by the target of a day; None where nobody set one."""
    return VettingTarget.objects.filter(urgency=urgency, period__contains=on).values_list("minutes", flat=True).first()


def may_vet(order: Order, *, viewer: Actor) -> bool:
    """Whether the viewer, a radiologist, may vet an order's exam: one that the viewer would be let read now."""
    return _to_vet(viewer).filter(id=order.id).exists()


def _to_vet(viewer: Actor) -> QuerySet[Order]:
    """The orders of the hospitals and modalities that a radiologist reads, by cover and by agreement."""
    rows = Order.objects.select_related("procedure", "place", "requester", "vetting")
    return rows.filter(_served(viewer)) if viewer.roles & rules.VETTERS else rows.none()


def nobody_vets(order: Order, *, viewer: Actor) -> bool:
    """Whether nobody may vet an order's exam now that the viewer was given: no reader at home, and no agreement."""
    now, kind = timezone.now(), order.procedure.modality
    at_home = workforce.covers_at_home(viewer=SYSTEM).filter(place=order.place_id)
    if any(not cover.modalities or kind in cover.modalities for cover in at_home):
        return False
    return not _about(_in_force(now), order, order.place_id).exists()


def orders_to_vet(*, viewer: Actor) -> QuerySet[Order]:
    """The exams that wait until the viewer, or a colleague, vets them; the most urgent and the soonest due first."""
    rows = _to_vet(viewer).filter(state=Order.State.VETTING)
    return rows.order_by("urgency", F("vetting__due_at").asc(nulls_last=True), "created_at", "id")


def orders_to_vet_afterwards(*, viewer: Actor) -> QuerySet[Order]:
    """The exams that went on without vetting, and of which nobody said yet whether that was right; the oldest first."""
    said = Verdict.objects.filter(vetting__order=OuterRef("pk"))
    rows = _to_vet(viewer).filter(Exists(said.filter(kind__in=Verdict.WITHOUT)))
    return rows.exclude(Exists(said.filter(kind__in=Verdict.AFTERWARDS))).order_by("created_at", "id")


def exams_to_vet(*, viewer: Actor) -> QuerySet[Order]:
    """The exams of the radiographer's hospital that wait to be vetted, the most urgent first."""
    at = viewer.places("radiographer", "chief")
    rows = _visible(viewer).filter(place__in=at, state=Order.State.VETTING).select_related("vetting")
    return rows.order_by("urgency", "scheduled_for", "id")


def vetting_of(order: Order, *, viewer: Actor) -> tuple[Vetting | None, list[Verdict]]:
    """The vetting of an order that the viewer has already been given, and what was decided, oldest first."""
    found = Vetting.objects.select_related("asked").filter(order=order.id).first() if viewer.held else None
    rows = Verdict.objects.select_related("by", "procedure", "protocol").filter(vetting=found).order_by("created_at")
    return found, list(rows) if found else []


def protocols_of(orders: Iterable[UUID], *, viewer: Actor) -> dict[UUID, Verdict]:
    """The verdicts that say how the exams of these orders are made, which the viewer has already been given."""
    if not viewer.held:
        return {}
    rows = Verdict.objects.select_related("protocol", "vetting").filter(kind__in=Verdict.GO_ON)
    return {row.vetting.order_id: row for row in rows.filter(vetting__order__in=list(orders))}


def protocols_for(procedure: Procedure, *, viewer: Actor) -> QuerySet[Protocol]:
    """The protocols of the catalogue by which an exam may be made, its own first."""
    own = Q(procedure=procedure.id) | Q(procedure__isnull=True, modality=procedure.modality)
    return Protocol.objects.filter(own).order_by(F("procedure").asc(nulls_last=True), "code")


def protocols(*, viewer: Actor) -> QuerySet[Protocol]:
    """Every protocol of the catalogue; it names nobody."""
    return Protocol.objects.select_related("procedure").order_by("modality", "code")


def vetting_targets(*, viewer: Actor) -> QuerySet[VettingTarget]:
    """The targets of vetting that hold today or are to come, for every class."""
    return VettingTarget.objects.filter(period__endswith__isnull=True).order_by("urgency")


def may_rule_vetting(place: UUID, *, viewer: Actor) -> bool:
    """Whether the viewer says what is vetted at a hospital: who binds it, or a hospital that reads for it now."""
    return viewer.is_system or agreements.binds(place, viewer) or place in _read_for(viewer)


def ruled_places(*, viewer: Actor) -> frozenset[UUID] | None:
    """The hospitals for which the viewer says what is vetted; None: all."""
    if viewer.is_system or any(held.role in agreements.BINDING and held.place is None for held in viewer.held):
        return None
    return viewer.places(*agreements.BINDING) | _read_for(viewer)


def vetting_rules(*, viewer: Actor) -> QuerySet[VettingRule]:
    """What is vetted at the hospitals for which the viewer may say so, as it holds now or is to come."""
    rows = VettingRule.objects.select_related("place", "procedure").filter(period__endswith__isnull=True)
    at = ruled_places(viewer=viewer)
    return (rows if at is None else rows.filter(place__in=at)).order_by("place", "modality", "procedure")


def _read_for(viewer: Actor) -> frozenset[UUID]:
    """The hospitals that a hospital which the viewer binds reads for, by an agreement in force."""
    rows = Agreement.objects.filter(provider__in=viewer.places(*agreements.BINDING), state=Agreement.State.SIGNED)
    return frozenset(rows.filter(period__contains=timezone.localdate()).values_list("beneficiary", flat=True))


@dataclass
class VettingRate:
    """What became of the exams of a hospital that were to be vetted, of those decided in some days."""

    place: str
    kinds: dict[str, int] = field(default_factory=dict)
    timed: int = 0  # had a target
    in_time: int = 0
    right: int = 0
    wrong: int = 0

    @property
    def before(self) -> int:
        """How many were vetted before they were made."""
        return sum(self.kinds.get(kind, 0) for kind in BEFORE)

    @property
    def without(self) -> int:
        """How many went on without."""
        return sum(self.kinds.get(kind, 0) for kind in Verdict.WITHOUT)

    @property
    def all(self) -> int:
        """Every exam that was to be vetted."""
        return self.before + self.without

    def share(self, name: str) -> "Share":
        """A figure of the table with what it is a share of."""
        if name in BEFORE:
            return Share(self.kinds.get(name, 0), self.before)
        if name == "in_time":
            return Share(self.in_time, self.timed)
        return Share(self.right, self.without) if name == "right" else Share(self.without, self.all)


@dataclass(frozen=True)
class Share:
    """So many of so many; of few no share is said."""

    number: int
    of: int

    @property
    def told(self) -> bool:
        """Whether there are enough to say so."""
        return self.of >= rules.FEWEST

    @property
    def percent(self) -> float:
        """Of a hundred."""
        return 100 * self.number / self.of


def vetting_rates(since: datetime.date, until: datetime.date, *, viewer: Actor) -> list[VettingRate]:
    """Each hospital's exams that were decided from one day to another, both included: by the viewer's hospitals.

    Those are the hospitals that the viewer heads or plans for and those they read for; all for the country's planner.
    """
    begin, end = (_midnight(day) for day in (since, until + datetime.timedelta(days=1)))
    rows = Verdict.objects.filter(created_at__gte=begin, created_at__lt=end).exclude(kind__in=Verdict.AFTERWARDS)
    if not (viewer.is_system or Held("planner", None) in viewer.held):
        rows = rows.filter(vetting__order__place__in=viewer.places(*rules.SEES_RATES) | _read_for(viewer))
    timed = Q(vetting__due_at__isnull=False, kind__in=BEFORE)
    later = Verdict.objects.filter(vetting=OuterRef("vetting"))
    counted = (
        rows.annotate(is_right=Exists(later.filter(kind=Kind.RIGHT)), is_wrong=Exists(later.filter(kind=Kind.WRONG)))
        .order_by("vetting__order__place", "kind")
        .values("vetting__order__place", "kind")
        .annotate(
            n=Count("id"), timed=Count("id", filter=timed),
            in_time=Count("id", filter=timed & Q(created_at__lte=F("vetting__due_at"))),
            right=Count("id", filter=Q(is_right=True)), wrong=Count("id", filter=Q(is_wrong=True)),
        )
    )  # fmt: skip
    found: dict[UUID, VettingRate] = {}
    names = {row.id: row.name for row in places.places(viewer=viewer)}
    for row in counted:
        key = row["vetting__order__place"]
        rate = found.setdefault(key, VettingRate(names.get(key, "")))
        rate.kinds[row["kind"]] = row["n"]
        for name in ("timed", "in_time", "right", "wrong"):
            setattr(rate, name, getattr(rate, name) + row[name])
    return sorted(found.values(), key=lambda rate: rate.place)


def _midnight(day: datetime.date) -> datetime.datetime:
    return timezone.make_aware(datetime.datetime.combine(day, datetime.time()))
