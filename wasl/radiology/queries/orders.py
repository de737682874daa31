"""What may be asked about the catalogue and about orders."""

import datetime
from collections.abc import Iterable
from uuid import UUID

from django.db.models import Case, CharField, Exists, F, OuterRef, Q, QuerySet, Value, When
from django.utils import timezone

from wasl.kernel import journal
from wasl.kernel.access import SYSTEM, Actor
from wasl.kernel.errors import NotFound
from wasl.kernel.models import Fact
from wasl.kernel.text import fold
from wasl.patients import queries as patients
from wasl.radiology.models import Link, Order, Procedure, Reading, Report, Target
from wasl.radiology.queries.agreements import OF_ORDER, may_be_read_by
from wasl.radiology.queries.blinding import blind_readings
from wasl.radiology.queries.openings import opened_orders
from wasl.radiology.rules import ordering as rules
from wasl.radiology.rules import safety
from wasl.workforce import queries as workforce

AT_THEIR_PLACE = ("requester", "radiographer", "chief", "radiologist", "modality")
OPEN = (Order.State.SENT, Order.State.STARTED)


def _visible(viewer: Actor) -> QuerySet[Order]:
    """Orders of the places where the viewer asks for, makes or heads exams, and of those that the viewer reads for."""
    rows = Order.objects.select_related("procedure", "place", "requester")
    if viewer.is_system:
        return rows
    mine = Q(place__in=viewer.places(*AT_THEIR_PLACE))
    if viewer.id and viewer.roles & {"resident", "radiologist", "chief"}:
        mine |= _served(viewer)
        mine |= Q(Exists(Reading.objects.filter(order=OuterRef("pk"), claimed_by=viewer.id)))
    hidden = blind_readings(viewer=viewer)
    if hidden is not None:
        rows = rows.exclude(Exists(Reading.objects.filter(order=OuterRef("pk"), id__in=hidden)))
    return rows.filter(mine)


def _served(viewer: Actor) -> Q:
    """The orders whose exams the viewer reads: of the hospitals covered, and passed on; both by agreement."""
    served = Q(pk__in=())
    if viewer.id is None:
        return served
    for cover in workforce.covers(viewer.id, viewer=viewer):
        kinds = Q(procedure__modality__in=cover.modalities) if cover.modalities else Q()
        served |= Q(place=cover.place_id) & kinds
    served |= Q(id__in=opened_orders(viewer.id, viewer=viewer))
    return served & may_be_read_by(viewer.id, OF_ORDER, viewer=viewer)


def _staged(rows: QuerySet[Order]) -> QuerySet[Order]:
    """Orders with `stage`, how far the whole story is: the exam, then images, being read, preliminary, signed."""
    linked = Link.objects.filter(order=OuterRef("pk"), undone_at__isnull=True)
    claimed = Reading.objects.filter(order=OuterRef("pk"), state=Reading.State.CLAIMED)
    signed = Report.objects.filter(
        reading__order=OuterRef("pk"), state=Report.State.SIGNED, reading__state=Reading.State.SIGNED
    )
    preliminary = Report.objects.filter(
        reading__order=OuterRef("pk"), state=Report.State.PRELIMINARY, reading__state__in=("waiting", "claimed")
    )
    stage = Case(
        When(state__in=Order.ENDED, then=F("state")),
        When(Exists(signed), then=Value("signed")),
        When(Exists(preliminary), then=Value("preliminary")),
        When(Exists(claimed), then=Value("reading")),
        When(Exists(linked), then=Value("images")),
        default=F("state"),
        output_field=CharField(),
    )
    return rows.annotate(**{"stage": stage})  # the model declares its type


def procedures(*, viewer: Actor, words: str = "") -> QuerySet[Procedure]:
    """The exams on offer whose names, code, modality or region hold every one of the words, in any language."""
    rows = Procedure.objects.filter(active=True).order_by("modality", "code")
    for word in fold(words).split():
        rows = rows.filter(folded__contains=word)
    return rows


def procedure(key: UUID, *, viewer: Actor) -> Procedure:
    """One exam of the catalogue."""
    found = Procedure.objects.filter(id=key).first()
    if found is None:
        raise NotFound
    return found


def exam_of(procedure: Procedure, *, viewer: Actor) -> safety.Exam:
    """What an exam of the catalogue asks."""
    return safety.Exam(procedure.modality, procedure.sided, procedure.contrast, tuple(procedure.questions))


def subject(patient: UUID, *, viewer: Actor) -> safety.Subject:
    """What of the patient decides which safety questions are asked."""
    known = patients.patient(patient, viewer=viewer)
    return safety.Subject(known.sex, _age(known.birth_date, timezone.localdate()))


def _age(born: datetime.date | None, today: datetime.date) -> int | None:
    return None if born is None else today.year - born.year - ((today.month, today.day) < (born.month, born.day))


def target_minutes(urgency: str, *, on: datetime.date | datetime.datetime, viewer: Actor = SYSTEM) -> int:
    """In how many minutes an exam of this class is to be reported, by the target in force on a day."""
    day = timezone.localdate(on) if isinstance(on, datetime.datetime) else on
    dated = Target.objects.filter(urgency=urgency, period__contains=day).first()
    return dated.minutes if dated else rules.HOUSE_TARGETS[urgency]


def orders(*, viewer: Actor, stage: str = "") -> QuerySet[Order]:
    """Every order that the viewer has to do with, with its stage; or those of one stage alone."""
    rows = _staged(_visible(viewer))
    return rows.filter(Q(stage=stage)) if stage else rows


def orders_of(patient: UUID, *, viewer: Actor) -> QuerySet[Order]:
    """A patient's orders, newest first: all of them when the record is open to the viewer, else those seen anyway."""
    rows = Order.objects.select_related("procedure", "place", "requester")
    seen = rows if patients.ground(patient, viewer=viewer) else _visible(viewer)
    return _staged(seen.filter(patient__in=patients.same_person(patient, viewer=viewer))).order_by("-created_at")


def order(key: UUID, *, viewer: Actor) -> Order:
    """One order, for those who have to do with it and those to whom the patient's record is open."""
    found = orders(viewer=viewer).filter(id=key).first()
    if found is None:
        patient = Order.objects.filter(id=key).values_list("patient", flat=True).first()
        found = orders_of(patient, viewer=viewer).filter(id=key).first() if patient else None
    if found is None:
        raise NotFound
    return found


def sees(order: Order, *, viewer: Actor) -> bool:
    """Whether the viewer has to do with an order."""
    return _visible(viewer).filter(id=order.id).exists()


def exams(*, viewer: Actor, until: datetime.datetime | None = None) -> QuerySet[Order]:
    """The exams to be made, or made and without images yet, at the radiographer's places, up to a moment."""
    at = viewer.places("radiographer", "chief", "modality")
    rows = orders(viewer=viewer).filter(place__in=at)
    if until:
        rows = rows.filter(scheduled_for__lt=until)
    waiting = Q(state__in=OPEN) | Q(state=Order.State.PERFORMED, stage="performed")
    return rows.filter(waiting).order_by("urgency", "scheduled_for", "id")


def reports_of_orders(keys: Iterable[UUID], *, viewer: Actor) -> dict[UUID, UUID]:
    """The report of each order that has one and that the viewer sees, the latest where there are several."""
    seen = Q(reading__order__in=_visible(viewer)) | Q(reading__patient__in=patients.opened(viewer=viewer))
    rows = Report.objects.filter(
        seen, reading__order__in=list(keys), state__in=Report.ISSUED, adds_to__isnull=True,
    ).exclude(reading__state=Reading.State.WITHDRAWN)  # fmt: skip
    return dict(rows.order_by("signed_at").values_list("reading__order", "id"))


def story(order: Order, *, viewer: Actor) -> list[Fact]:
    """What the journal tells of an order, oldest first; empty for those who do not see it."""
    hidden = blind_readings(viewer=viewer)
    if hidden is not None and hidden.filter(order=order).exists():
        return []
    if not (sees(order, viewer=viewer) or patients.ground(order.patient_id, viewer=viewer)):
        return []
    key = str(order.id)
    return [fact for fact in journal.facts(patient=order.patient_id) if fact.data.get("order") == key]


def order_of_step(*, study_uid: str, accession: str, place: UUID | None, viewer: Actor) -> Order | None:
    """The order that a modality at a place is working on, by the study UID it was given or by its accession number."""
    rows = _visible(viewer).filter(place=place)
    return rows.filter(study_uid=study_uid).first() or (rows.filter(accession=accession).first() if accession else None)


def order_for_record(key: UUID) -> Order:
    """One order, for the record."""
    return Order.objects.select_related("procedure", "requester").get(id=key)


def every_order() -> Iterable[UUID]:
    """The key of every order, for the record."""
    return Order.objects.values_list("id", flat=True).iterator()
