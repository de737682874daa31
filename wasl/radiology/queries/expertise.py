"""Opinions asked of other hospitals: those of one's own hospital on either side, and those of an open record."""

import datetime
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from wasl.accounts import queries as accounts
from wasl.kernel.access import Actor
from wasl.kernel.errors import NotFound
from wasl.kernel.text import fold
from wasl.patients import queries as patients
from wasl.places import queries as places
from wasl.radiology.models import AgreedExam, Agreement, Expertise, ExpertiseTarget, Link, Order
from wasl.radiology.queries.orders import order as one_order
from wasl.radiology.queries.receiving import Received
from wasl.radiology.rules import expertise as rules

State = Expertise.State


def _rows() -> QuerySet[Expertise]:
    """Expertises with `stands`, whether their images still answer the order."""
    link = Link.objects.filter(order=OuterRef("order"), study=OuterRef("study"), undone_at__isnull=True)
    about = ("order__procedure", "place", "asker", "expert_place", "expert_asked", "expert", "study")
    return Expertise.objects.select_related(*about).annotate(**{"stands": Exists(link)})  # the model declares its type


def _visible_expertises(viewer: Actor) -> QuerySet[Expertise]:
    """What a doctor's hospital asked; what it was asked, unless another doctor was named or it was taken back."""
    return _rows().filter(_theirs(viewer))


def _theirs(viewer: Actor) -> Q:
    if viewer.is_system:
        return Q()
    if viewer.kind != "person" or viewer.id is None:
        return Q(pk__in=())
    here = viewer.places(*rules.DOCTORS)
    shown = Q(expert_asked__isnull=True) | Q(expert_asked=viewer.id) | Q(state=State.ANSWERED)
    shown |= Q(expert_place__in=viewer.places("chief"))
    asked = Q(expert_place__in=here) & shown & ~Q(state=State.WITHDRAWN)
    return Q(place__in=here) | asked


def expertises(*, viewer: Actor, side: str = "", ended: bool = False) -> QuerySet[Expertise]:
    """What was `asked` of the viewer's hospital, or `ours`, what it asked of others; open, or ended."""
    rows = _visible_expertises(viewer)
    here = viewer.places(*rules.DOCTORS)
    if side == "asked":
        rows = rows.filter(expert_place__in=here)
    if side == "ours":
        rows = rows.filter(place__in=here)
    return rows.exclude(state__in=Expertise.OPEN) if ended else rows.filter(state__in=Expertise.OPEN)


def expertises_waiting(*, viewer: Actor) -> QuerySet[Expertise]:
    """What waits for the viewer's answer, or for any doctor of their hospital to take it."""
    mine = Q(state=State.TAKEN, expert=viewer.id) | Q(state=State.ASKED)
    return expertises(viewer=viewer, side="asked").filter(mine)


def expertise(key: UUID, *, viewer: Actor) -> Expertise:
    """One expertise, for both hospitals; once answered, for everybody to whom the patient's record is open."""
    found = _visible_expertises(viewer).filter(id=key).first()
    if found is None:
        answered = _rows().filter(id=key, state=State.ANSWERED).first()
        if answered is None or not patients.ground(answered.order.patient_id, viewer=viewer):
            raise NotFound
        found = answered
    return found


def expertises_of(order: UUID, *, viewer: Actor) -> list[Expertise]:
    """What was asked and answered about an order, the first first; the answers for all to whom the record is open."""
    found = one_order(order, viewer=viewer)
    seen = _theirs(viewer)
    if patients.ground(found.patient_id, viewer=viewer):
        seen |= Q(state=State.ANSWERED)
    return list(_rows().filter(seen, order=found).order_by("created_at"))


def may_ask_experts(order: Order, *, viewer: Actor) -> bool:
    """Whether the viewer, a doctor to whom the record is open, may ask another hospital about an order's images."""
    if not viewer.places(*rules.DOCTORS) or not patients.ground(order.patient_id, viewer=viewer):
        return False
    return Link.objects.filter(order=order, undone_at__isnull=True).exists()


def asks_for(*, viewer: Actor) -> UUID | None:
    """The hospital for which the viewer asks: where they work now, or else where they are a doctor."""
    here = viewer.places(*rules.DOCTORS)
    return viewer.at if viewer.at in here else min(here, default=None)


def doctors_at(place: UUID, *, viewer: Actor) -> dict[UUID, str]:
    """The doctors of a hospital, who may be asked, by name."""
    found = {
        person.id: person.name
        for role in sorted(rules.DOCTORS)
        for person in accounts.holders(role, place=place, viewer=viewer)
    }
    return dict(sorted(found.items(), key=lambda pair: fold(pair[1])))


def askable_places(*, viewer: Actor) -> list[tuple[UUID, str]]:
    """The other hospitals, which may be asked."""
    here = asks_for(viewer=viewer)
    names = [(place.id, place.name) for place in places.places(viewer=viewer) if place.id != here]
    return sorted(names, key=lambda pair: fold(pair[1]))


def expertise_minutes(urgency: str, *, on: datetime.date, viewer: Actor) -> int | None:
    """In how many minutes an opinion of this class is to be answered, by what was set for that day; None: nothing."""
    rows = ExpertiseTarget.objects.filter(urgency=urgency, period__contains=on)
    return rows.values_list("minutes", flat=True).first()


def expertise_targets(*, viewer: Actor) -> QuerySet[ExpertiseTarget]:
    """How soon opinions are to be given, the present and the past ones; they name nobody."""
    rows = ExpertiseTarget.objects.order_by("urgency", "-period")
    return rows if viewer.held else rows.none()


def open_expertises(order: UUID, *, study: UUID, viewer: Actor) -> list[UUID]:
    """What is still asked about the images of an order; for Wasl itself."""
    if not viewer.is_system:
        return []
    rows = _visible_expertises(viewer).filter(order=order, study=study, state__in=Expertise.OPEN)
    return list(rows.values_list("id", flat=True))


def experts_to_tell(key: UUID, *, viewer: Actor) -> list[UUID]:
    """Whom a question concerns: who was named, else the radiologists and heads of department of the hospital asked."""
    found = expertise(key, viewer=viewer)
    if found.expert_asked_id:
        return [found.expert_asked_id]
    roles = ("radiologist", "chief")
    every = {
        person.id for role in roles for person in accounts.holders(role, place=found.expert_place_id, viewer=viewer)
    }
    return sorted(every) or sorted(doctors_at(found.expert_place_id, viewer=viewer))


def digest_of_expertise(row: Expertise, *, viewer: Actor) -> str:
    """The digest of an answer as its row now stands; that of the signature, unless somebody changed the row."""
    if row.expert_id is None or row.ended_at is None:
        raise NotFound
    content = rules.signed_content(
        expertise=row.id, accession=row.order.accession, study_uid=row.study.uid, patient=row.order.patient_id,
        place=row.place_id, expert_place=row.expert_place_id, asker=row.asker_id, expert=row.expert_id,
        question=row.question, answer=row.answer, asked_at=row.created_at, answered_at=row.ended_at,
    )  # fmt: skip
    return rules.digest(content)


@dataclass(frozen=True)
class Given:
    """An opinion that was given, as what it is paid is worked out from it; it names no patient."""

    expertise: UUID
    expert: UUID
    expert_place: UUID
    place: UUID
    modality: str
    urgency: str
    answered_at: datetime.datetime


def given_expertise(key: UUID, *, viewer: Actor) -> Given | None:
    """What an answered expertise was; None while there is no answer. For Wasl itself."""
    row = _answered(viewer).filter(id=key).first()
    if row is None or row.expert_id is None or row.ended_at is None:
        return None
    modality = row.order.procedure.modality
    return Given(row.id, row.expert_id, row.expert_place_id, row.place_id, modality, row.urgency, row.ended_at)


def received_expertises(
    place: UUID, *, since: datetime.datetime, until: datetime.datetime, procedure: str, viewer: Actor
) -> list[Received]:
    """The opinions that a hospital had of others in a time, as a hospital counts what it received."""
    rows = _answered(viewer).filter(place=place, ended_at__gte=since, ended_at__lt=until).order_by("ended_at", "id")
    return [
        Received(row.id, row.expert_id, row.ended_at, procedure, row.order.procedure.modality)
        for row in rows
        if row.expert_id and row.ended_at
    ]


def agreement_of_expertise(key: UUID, *, viewer: Actor) -> Agreement | None:
    """The agreement of the two hospitals in force on the day an opinion was taken.

    Of several, one whose scope has the exam's modality comes first.
    """
    row = _answered(viewer).filter(id=key).first()
    if row is None or row.taken_at is None:
        return None
    scope = AgreedExam.objects.filter(agreement=OuterRef("pk"), modality=row.order.procedure.modality)
    rows = Agreement.objects.filter(
        provider=row.expert_place_id, beneficiary=row.place_id, state=Agreement.State.SIGNED,
        period__contains=timezone.localtime(row.taken_at).date(),
    )  # fmt: skip
    return rows.order_by(Exists(scope).desc(), "created_at").first()


def _answered(viewer: Actor) -> QuerySet[Expertise]:
    return (_rows() if viewer.is_system else Expertise.objects.none()).filter(state=State.ANSWERED)
