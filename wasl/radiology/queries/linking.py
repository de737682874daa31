"""Which study answers which order, and which order a study seems to answer."""

import datetime
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from wasl.archive import queries as archive
from wasl.archive.queries import Study
from wasl.kernel.access import SYSTEM, Actor
from wasl.patients import queries as patients
from wasl.patients.queries import Patient
from wasl.radiology.models import Link, Order
from wasl.radiology.queries.orders import _visible
from wasl.radiology.queries.priors import like
from wasl.radiology.rules import linking as rules

DAYS_AROUND = 30  # orders so long before and after a study may be what it answers
RECENT_DAYS = 14
MOST_COMING = 50


@dataclass(frozen=True)
class Suggestion:
    """An order that a study may answer: how much speaks for it, what, what against, and the identities side by side."""

    order: Order
    patient: Patient
    score: int
    reasons: tuple[str, ...]
    against: str
    compared: tuple[rules.Compared, ...]


def order_of_study(study: UUID, *, viewer: Actor) -> Order | None:
    """The order that a study answers now, when the viewer has to do with it."""
    return _visible(viewer).filter(links__study=study, links__undone_at__isnull=True).first()


def studies_of_order(order: UUID, *, viewer: Actor) -> list[UUID]:
    """The keys of the studies that answer an order now."""
    links = Link.objects.filter(order__in=_visible(viewer).filter(id=order), undone_at__isnull=True)
    return list(links.order_by("created_at").values_list("study_id", flat=True))


def coming(*, viewer: Actor) -> list[tuple[Order, archive.Manifest]]:
    """The orders whose images are on their way from a site, the most urgent first, each with how far they are."""
    links = Link.objects.filter(
        order__in=_visible(viewer), undone_at__isnull=True, study__complete_at__isnull=True, study__announced=True
    ).select_related("order__procedure", "order__place")
    by_study = {link.study_id: link.order for link in links.order_by("order__urgency", "created_at")[:MOST_COMING]}
    owed = archive.owed(by_study, viewer=SYSTEM)  # who may see the order may see how far its images are
    return [(order, owed[study]) for study, order in by_study.items() if study in owed]


def recent_links(*, viewer: Actor) -> QuerySet[Link]:
    """The links of the last two weeks at the viewer's places, newest first; undone ones too."""
    since = timezone.now() - datetime.timedelta(days=RECENT_DAYS)
    rows = Link.objects.select_related("order__procedure", "order__place", "study")
    return rows.filter(order__in=_visible(viewer), created_at__gte=since).order_by("-created_at")


def expected_order(study: UUID, *, viewer: Actor) -> tuple[Order, str] | None:
    """The order that a study answers beyond doubt, and why: it carries the order's study UID or accession number, it
    comes from the same place, and what its header says of the patient agrees; or it carries no order's number, and is
    the one study that fits the one exam which was made without images. None when a person must look.
    """
    received = archive.study(study, viewer=viewer)
    if received.place_id is None or (received.patient_id is not None and not is_by_header(study, viewer=viewer)):
        return None
    rows = _visible(viewer).filter(place=received.place_id).exclude(state__in=Order.ENDED)
    by, order = "study_uid", rows.filter(study_uid=received.uid).first()
    if order is None and received.accession:
        by, order = "accession", rows.filter(accession=received.accession).first()
    if order is None:
        order = _made_without_images(received, viewer)
        one = order is not None and patients.is_one_person((received.patient_id, order.patient_id), viewer=SYSTEM)
        return (order, rules.BECAUSE["made", "id"]) if order and one else None
    if not patients.is_one_person((received.patient_id, order.patient_id), viewer=SYSTEM):
        return None
    known = patients.identities_of([order.patient_id], viewer=SYSTEM)[order.patient_id]
    how = rules.identified_by(compare(received, known, viewer=viewer))
    return (order, rules.BECAUSE[by, how]) if how else None


def is_by_header(study: UUID, *, viewer: Actor) -> bool:
    """Whether a study that the viewer sees is somebody's by its header alone."""
    return archive.by_header(viewer=viewer).filter(id=study).exists()


def is_asked_for(study: UUID, *, viewer: Actor) -> bool:
    """Whether a study carries the UID or the accession number of an order of its place: then people say whose it is."""
    received = archive.study(study, viewer=viewer)
    named = Q(study_uid=received.uid) | (Q(accession=received.accession) if received.accession else Q())
    return _visible(viewer).filter(named, place=received.place_id).exists()


def by_header(*, viewer: Actor) -> QuerySet[Study]:
    """The studies that are somebody's by their header alone and answer no order, for those who may say otherwise."""
    answering = Link.objects.filter(study=OuterRef("pk"), undone_at__isnull=True)
    return archive.by_header(viewer=viewer).filter(~Exists(answering))


def made_like(order: UUID, *, viewer: Actor) -> list[Study]:
    """Nobody's studies that an exam may have made of which no images are known: of its place, its kind and its hour."""
    asked = _made(viewer).filter(id=order).first()
    if asked is None:
        return []
    hours = datetime.timedelta(hours=rules.HOURS_AROUND)
    return archive.made_around(
        asked.scheduled_for, within=hours, place=asked.place_id, like=like(asked, viewer=viewer), viewer=viewer
    )


def _made(viewer: Actor) -> QuerySet[Order]:
    """The exams that were made, without images."""
    answers = Link.objects.filter(order=OuterRef("pk"), undone_at__isnull=True)
    return _visible(viewer).filter(~Exists(answers), state=Order.State.PERFORMED)


def _made_without_images(received: Study, viewer: Actor) -> Order | None:
    """The one exam that was made without images and that this study alone fits, its patient's number and all."""
    owner = _owner_of(received.header_id.strip(), received.place_id)
    if owner is None or received.started_at is None or not _says_its_hour(received.started_at):
        return None
    hours = datetime.timedelta(hours=rules.HOURS_AROUND)
    around = (received.started_at - hours, received.started_at + hours)
    found = _made(viewer).filter(place=received.place_id, patient__head=owner, scheduled_for__range=around)
    found = found.exclude(links__study=received.id)  # somebody took it back from there
    fits = [(order, studies) for order in found if received in (studies := _certainly_of(order, owner, viewer))]
    return fits[0][0] if len(fits) == 1 and fits[0][1] == [received] else None


def _says_its_hour(started_at: datetime.datetime) -> bool:
    """Whether a study says when it was made: a day without an hour is kept as the country's midnight."""
    return timezone.localtime(started_at).time() != datetime.time.min


def _certainly_of(order: Order, owner: UUID, viewer: Actor) -> list[Study]:
    """The studies that an exam may have made and that are certainly of its patient, `owner`."""
    known = patients.identities_of([owner], viewer=SYSTEM)[owner]
    return [
        study
        for study in made_like(order.id, viewer=viewer)
        if _owner_of(study.header_id.strip(), study.place_id) == owner
        and rules.is_certainly(_compare(study, known, owner))
    ]


def compare(study: Study, patient: Patient, *, viewer: Actor) -> list[rules.Compared]:
    """What a study's header says of its patient, beside what is known of a patient."""
    return _compare(study, patient, _owner_of(study.header_id.strip(), study.place_id))


def _compare(study: Study, patient: Patient, owner: UUID | None) -> list[rules.Compared]:
    header = rules.Header(
        study.header_id, study.header_name, study.birth_date, study.sex, owner == patient.head_id if owner else None
    )
    latin = f"{patient.family_name} {patient.given_name}".strip()
    arabic = f"{patient.family_name_ar} {patient.given_name_ar}".strip()
    names = tuple(name for name in (latin, arabic) if name)
    known = rules.Known(patient.number, names, patient.birth_date, patient.birth_date_about, patient.sex)
    return rules.compare(header, known)


def _owner_of(number: str, place: UUID | None) -> UUID | None:
    """Whose number this is, as a Wasl number or as a number of this place."""
    if not number:
        return None
    found = patients.by_number(number, viewer=SYSTEM)
    if found is None and place is not None:
        found = patients.by_local_number(number, place=place, viewer=SYSTEM)
    return found.id if found else None


def suggestions(study: UUID, *, viewer: Actor, limit: int = 5) -> list[Suggestion]:
    """The orders without images that a study may answer, the likeliest first, each with what speaks for and against."""
    received = archive.study(study, viewer=viewer)
    rows = _near(received, _visible(viewer))
    known = patients.identities_of({row.patient_id for row in rows}, viewer=viewer)
    owner = _owner_of(received.header_id.strip(), received.place_id)
    found = [_suggestion(received, row, known[row.patient_id], owner) for row in rows if row.patient_id in known]
    return sorted((s for s in found if s.score > 0), key=lambda s: (-s.score, s.order.created_at))[:limit]


def _near(study: Study, rows: QuerySet[Order]) -> list[Order]:
    """The orders of the study's place, not cancelled and without images, made around the time of the study."""
    moment = study.started_at or study.created_at
    around = datetime.timedelta(days=DAYS_AROUND)
    answered = Link.objects.filter(undone_at__isnull=True).values("order")
    rows = rows.exclude(state__in=Order.ENDED).exclude(id__in=answered)
    if study.place_id:
        rows = rows.filter(place=study.place_id)
    return list(
        rows.filter(created_at__range=(moment - around, study.created_at + around)).order_by("-created_at")[:200]
    )


def _suggestion(study: Study, order: Order, patient: Patient, owner: UUID | None) -> Suggestion:
    compared = _compare(study, patient, owner)
    moment = study.started_at or study.created_at
    signs = rules.Signs(
        study_uid=study.uid == order.study_uid,
        accession=bool(study.accession) and study.accession == order.accession,
        modality=order.procedure.modality in study.modalities,
        hours=abs((moment - order.scheduled_for).total_seconds()) / 3600,
    )
    score, reasons = rules.score(compared, signs)
    differs = any(line.agrees is False for line in compared)
    return Suggestion(
        order, patient, score, tuple(reasons), rules.against(compared) if differs else "", tuple(compared)
    )


def nobodys(*, viewer: Actor) -> QuerySet[Study]:
    """The studies that are nobody's yet, where the viewer may say whose they are."""
    return archive.nobodys(viewer=viewer)
