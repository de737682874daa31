"""What may be asked about agreements: whose they are, which lets an exam be read now, and what waits for one."""

import datetime
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db.models import BooleanField, Count, Exists, F, Func, Min, OuterRef, Q, QuerySet, Value
from django.utils import timezone

from wasl.kernel.access import SYSTEM, Actor
from wasl.kernel.errors import NotFound
from wasl.kernel.models import Fact
from wasl.places import queries as places
from wasl.radiology.events import ReadingClaimed
from wasl.radiology.models import AgreedExam, Agreement, EndWarning, Order, Procedure, Reading
from wasl.radiology.rules import agreements as rules
from wasl.workforce import queries as workforce

State = Agreement.State
DAY = datetime.timedelta(days=1)
# how a row of readings, or of orders, names what an agreement asks of an exam
OF_READING = {"beneficiary": "place", "modality": "modality", "urgency": "urgency", "exam": "order__procedure"}
OF_ORDER = {"beneficiary": "place", "modality": "procedure__modality", "urgency": "urgency", "exam": "procedure"}


class _Within(Func):
    """Whether a minute lies in one of the ranges of an array."""

    template = "(%(expressions)s))"
    arg_joiner = "::int <@ any("
    output_field = BooleanField()


def _visible(viewer: Actor) -> QuerySet[Agreement]:
    """The agreements of the hospitals that the viewer may bind; for the country's planner all."""
    rows = Agreement.objects.select_related(
        "provider", "beneficiary", "provider_signer", "beneficiary_signer", "ended_by"
    )
    if viewer.is_system or any(held.role in rules.BINDING and held.place is None for held in viewer.held):
        return rows
    mine = viewer.places(*rules.BINDING)
    return rows.filter(Q(provider__in=mine) | Q(beneficiary__in=mine))


def agreements(*, viewer: Actor) -> QuerySet[Agreement]:
    """Every agreement that the viewer may see, those that end last first."""
    return _visible(viewer).order_by("-period", "-id")


def agreement(key: UUID, *, viewer: Actor) -> Agreement:
    """One agreement."""
    found = _visible(viewer).filter(id=key).first()
    if found is None:
        raise NotFound
    return found


def agreements_in_force(*, viewer: Actor) -> QuerySet[Agreement]:
    """The agreements by which exams are read today, the soonest to end first."""
    rows = _visible(viewer).filter(state=State.SIGNED, period__contains=timezone.localdate())
    return rows.order_by("period__endswith", "id")


def agreements_to_come(*, viewer: Actor) -> QuerySet[Agreement]:
    """The signed agreements that begin later, the soonest first."""
    rows = _visible(viewer).filter(state=State.SIGNED, period__startswith__gt=timezone.localdate())
    return rows.order_by("period", "id")


def ended_agreements(*, viewer: Actor) -> QuerySet[Agreement]:
    """The signed agreements of the past, the last to end first."""
    rows = _visible(viewer).filter(state=State.SIGNED, period__endswith__lte=timezone.localdate())
    return rows.order_by("-period__endswith", "-id")


def drafts(*, viewer: Actor) -> QuerySet[Agreement]:
    """The agreements that are not signed by both hospitals, the newest first."""
    return _visible(viewer).filter(state=State.DRAFT).order_by("-created_at", "-id")


def agreements_to_sign(*, viewer: Actor) -> QuerySet[Agreement]:
    """The drafts that the viewer may sign for a hospital that has not signed."""
    everywhere = any(held.role in rules.BINDING and held.place is None for held in viewer.held)
    mine = viewer.places(*rules.BINDING)
    waiting = Q(pk__in=())
    for side, other in (rules.SIDES, rules.SIDES[::-1]):
        place = Q() if everywhere else Q(**{f"{side}__in": mine})
        waiting |= place & Q(**{f"{side}_signer__isnull": True}) & ~Q(**{f"{other}_signer": viewer.id})
    return drafts(viewer=viewer).filter(waiting, agreed__endswith__gt=timezone.localdate())


def end_warnings(*, viewer: Actor) -> QuerySet[EndWarning]:
    """The ends of agreements that the viewer was told of and does not know yet, the soonest first."""
    rows = EndWarning.objects.filter(
        person=viewer.id, read_at__isnull=True, agreement__in=_visible(viewer).values("id")
    )
    return rows.select_related("agreement__provider", "agreement__beneficiary").order_by("agreement__period__endswith")


def agreements_asking(*, viewer: Actor) -> QuerySet[Agreement]:
    """The agreements that ask something of the viewer: to be signed, or to be known to end."""
    ending = end_warnings(viewer=viewer).values("agreement")
    return _visible(viewer).filter(Q(id__in=agreements_to_sign(viewer=viewer).values("id")) | Q(id__in=ending))


def agreements_to_warn_of(*, viewer: Actor) -> list[UUID]:
    """The agreements in force of which nobody was told yet that they end within thirty days."""
    soon = timezone.localdate() + datetime.timedelta(days=rules.WARNING_DAYS)
    rows = agreements_in_force(viewer=viewer).filter(period__endswith__lte=soon + DAY, warned_at__isnull=True)
    return list(rows.values_list("id", flat=True))


@dataclass(frozen=True)
class Scope:
    """What of an agreement's scope is read alike: exams by name (none: all of the modality)."""

    modality: str
    procedures: tuple[Procedure, ...]


def scope_of(agreement: Agreement, *, viewer: Actor) -> tuple[list[Scope], dict[str, int | None]]:
    """The exams of an agreement by modality, and the response time of each class of urgency (None: the country's)."""
    rows = list(agreement.exams.select_related("procedure").order_by("modality", "procedure__code", "urgency"))
    exams: dict[str, dict[UUID, Procedure]] = {}
    for row in rows:
        named = exams.setdefault(row.modality, {})
        if row.procedure is not None:
            named[row.procedure.id] = row.procedure
    minutes = {row.urgency: row.minutes for row in sorted(rows, key=lambda row: row.urgency)}
    return [Scope(modality, tuple(named.values())) for modality, named in exams.items()], minutes


def life_of(agreement: Agreement, *, viewer: Actor) -> list[Fact]:
    """What the journal tells of an agreement, oldest first."""
    return list(Fact.objects.filter(subject=agreement.id).order_by("seq"))


def _in_force(at: datetime.datetime, *, hours: bool = True) -> QuerySet[AgreedExam]:
    """What may be read at a moment by some agreement; without its `hours`, on that day at all."""
    local = timezone.localtime(at)
    rows = AgreedExam.objects.filter(state=State.SIGNED, period__contains=local.date())
    if not hours:
        return rows
    now = _Within(Value(rules.minute_of_week(local)), F("agreement__hours"))
    return rows.filter(Q(agreement__hours=[]) | Q(now))


def _agreed(
    names: dict[str, str], *, at: datetime.datetime, provider: UUID | None = None, hours: bool = True
) -> Exists:
    """For each row: whether an agreement (of this provider, when one is named) lets it be read at a moment."""
    rows = _in_force(at, hours=hours)
    if provider is not None:
        rows = rows.filter(provider=provider)
    exam = Q(procedure__isnull=True) | Q(procedure=OuterRef(names["exam"]))
    plain = {name: OuterRef(names[name]) for name in ("beneficiary", "modality", "urgency")}
    return Exists(rows.filter(exam, **plain))


def may_be_read_by(reader: UUID, names: dict[str, str], *, viewer: Actor) -> Q:
    """The rows, named as `names` says, that are of the reader's own hospital or that an agreement lets it read now."""
    worker = workforce.worker_of(reader, viewer=viewer)
    if worker is None:
        return Q(pk__in=())
    return Q(place=worker.place_id) | Q(_agreed(names, at=timezone.now(), provider=worker.place_id))


def agreement_for(
    reading: Reading, *, provider: UUID, at: datetime.datetime | None = None, viewer: Actor
) -> Agreement | None:
    """The agreement by which a hospital reads a case at a moment (now when none is given); None for its own cases."""
    rows = _about(_in_force(at or timezone.now()), reading.order, reading.place_id).filter(provider=provider)
    found = rows.select_related("agreement").first()
    return found.agreement if found else None


def agreement_claimed_by(key: UUID, *, provider: UUID, viewer: Actor) -> Agreement | None:
    """The agreement by which a case was last claimed for a provider: what was claimed in its time is owed after it."""
    claimed = Fact.objects.filter(subject=key, name=ReadingClaimed.name()).order_by("-seq").values_list("at", flat=True)
    reading = Reading.objects.select_related("order__procedure").filter(id=key).first()
    if reading is None or not claimed:
        return None
    return agreement_for(reading, provider=provider, at=claimed[0], viewer=viewer)


def is_agreed(reading: Reading, *, reader: UUID, viewer: Actor) -> bool:
    """Whether a reader's hospital may read a case now: its own, or another's by an agreement in force."""
    worker = workforce.worker_of(reader, viewer=viewer)
    if worker is None:
        return False
    own = worker.place_id == reading.place_id
    return own or agreement_for(reading, provider=worker.place_id, viewer=viewer) is not None


def agreed_minutes(order: Order, *, at: datetime.datetime, viewer: Actor = SYSTEM) -> int | None:
    """In how many minutes an order's exam is reported by agreement; of several providers, the first that promised.

    None where no agreement in force at that moment says so.
    """
    rows = _about(_in_force(at), order, order.place_id)
    found: int | None = rows.aggregate(soonest=Min("minutes"))["soonest"]
    return found


def _about(rows: QuerySet[AgreedExam], order: Order, place: UUID) -> QuerySet[AgreedExam]:
    exam = Q(procedure__isnull=True) | Q(procedure=order.procedure_id)
    return rows.filter(exam, beneficiary=place, modality=order.procedure.modality, urgency=order.urgency)


@dataclass(frozen=True)
class Stranded:
    """Exams of a hospital that wait for want of an agreement: how many, since when, and whether hours are to come."""

    place: str
    modality: str
    urgency: str
    exams: int
    oldest: datetime.datetime
    later: bool  # an agreement covers them, at other hours


def stranded(*, viewer: Actor) -> list[Stranded]:
    """What waits at the hospitals that the viewer may bind: nobody there reads it, and no agreement covers it."""
    rows = _stranded(viewer).annotate(later=_agreed(OF_READING, at=timezone.now(), hours=False))
    counted = list(
        rows.order_by("urgency", "modality", "place")
        .values_list("place", "modality", "urgency", "later")
        .annotate(exams=Count("id"), oldest=Min("created_at"))
    )
    names = {row.id: row.name for row in places.places(viewer=viewer, ids={row[0] for row in counted})}
    return [Stranded(names[place], kind, urgency, n, old, later) for place, kind, urgency, later, n, old in counted]


def waits_for_agreement(order: UUID, *, viewer: Actor) -> str:
    """Why nobody may read an order's case now: `none`, no agreement covers it; `hours`, one does later; else empty."""
    rows = _stranded(viewer).filter(order=order).annotate(later=_agreed(OF_READING, at=timezone.now(), hours=False))
    later = rows.values_list("later", flat=True).first()
    return "" if later is None else "hours" if later else "none"


def _stranded(viewer: Actor) -> QuerySet[Reading]:
    """The cases that wait where nobody reads them at home, and that no agreement lets anybody else read now."""
    rows = Reading.objects.filter(~_agreed(OF_READING, at=timezone.now()), state=Reading.State.WAITING)
    everywhere = viewer.is_system or any(h.role in rules.BINDING and h.place is None for h in viewer.held)
    if not everywhere:
        rows = rows.filter(place__in=viewer.places(*rules.BINDING))
    return rows.exclude(_read_at_home(viewer))


def _read_at_home(viewer: Actor) -> Q:
    at_home = Q(pk__in=())
    for cover in workforce.covers_at_home(viewer=viewer):
        kinds: Iterable[str] = cover.modalities
        at_home |= Q(place=cover.place_id, modality__in=kinds) if kinds else Q(place=cover.place_id)
    return at_home
