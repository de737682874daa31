"""Opening a patient's record on a ground, and the log of who looked."""

import datetime
from collections.abc import Mapping
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone

from wasl.kernel.access import Actor
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb
from wasl.patients import queries, rules
from wasl.patients.events import GlassBroken, RecordClosed, RecordOpened
from wasl.patients.models import Access, CareRelationship, Patient, RecordLink, SourceIdentity
from wasl.patients.models.access import WRONG_NUMBER as WRONG_NUMBER
from wasl.patients.services.merging import files_to_open, open_other_files

Ground = CareRelationship.Ground


@verb
def open_for_care(
    patient: UUID, *, place: UUID | None = None, source: UUID, because: str, by: Actor, person: UUID | None = None,
    until: datetime.datetime | None = None,
) -> CareRelationship:  # fmt: skip
    """Open a record to a place (or to one person) because an act links it to the patient; told twice, it opens once.

    `source` is the act (an order, a reading), `because` the fact that says so, as `radiology.OrderSent`. Closed before,
    it opens again.
    """
    now = timezone.now()
    mine = {
        "patient_id": patient, "ground": Ground.CARE, "place_id": place, "person": person, "source": source,
        "copy_of": None,
    }  # fmt: skip
    first = {"because": because, "starts_at": now, "ends_at": until}
    files_to_open(patient)
    relation, made = CareRelationship.objects.select_for_update().get_or_create(**mine, defaults=first)
    closed = relation.ends_at is not None and relation.ends_at <= now
    if closed:
        relation.ends_at = until
        relation.save(update_fields=("ends_at",))
    open_other_files(relation)
    if made or closed:
        emit(RecordOpened(patient=patient, place=place, ground=Ground.CARE, relationship=relation.id), by=by)
    return relation


@verb
def close_for_care(*, source: UUID, by: Actor) -> None:
    """Close what an act had opened, because the act was given up: a reading handed back, a study taken back."""
    _close(CareRelationship.objects.filter(source=source, ground=Ground.CARE), by=by)


@verb
def open_for_review(patient: UUID, *, study: UUID, because: str, until: datetime.datetime, by: Actor) -> None:
    """Show the images of one exam to who reviews its report; the record stays closed, and so does who read them."""
    mine = {"patient_id": patient, "ground": Ground.REVIEW, "place": None, "person": by.id, "source": study}
    first = {"because": because, "starts_at": timezone.now(), "ends_at": until}
    relation, made = CareRelationship.objects.select_for_update().get_or_create(**mine, defaults=first)
    if not made:
        relation.ends_at = until
        relation.save(update_fields=("ends_at",))
    emit(RecordOpened(patient=patient, place=None, ground=Ground.REVIEW, relationship=relation.id), by=by)


@verb
def close_for_review(*, study: UUID, person: UUID, by: Actor) -> None:
    """Close to a reviewer the images of an exam that was reviewed, or given back."""
    _close(CareRelationship.objects.filter(source=study, person=person, ground=Ground.REVIEW), by=by)


def _close(relations: QuerySet[CareRelationship], *, by: Actor) -> None:
    now = timezone.now()
    open_still = Q(ends_at__isnull=True) | Q(ends_at__gt=now)
    relations = relations.filter(open_still, copy_of__isnull=True)
    for patient in relations.order_by("patient").values_list("patient", flat=True).distinct():
        files_to_open(patient)  # before the rows: in the order in which a merge locks them
    for relation in relations.select_for_update():
        relation.ends_at = now
        relation.save(update_fields=("ends_at",))
        CareRelationship.objects.filter(open_still, copy_of=relation).update(ends_at=now)
        closed = RecordClosed(
            patient=relation.patient_id, place=relation.place_id, ground=relation.ground, relationship=relation.id
        )
        emit(closed, by=by)


@verb
def present_card(patient: UUID, *, place: UUID | None, by: Actor, number: str | None = None) -> CareRelationship:
    """Open a record to the place where the patient's card or number was presented, for some hours.

    `number` is what a person typed or scanned as proof; it must be one of the patient's own.
    """
    rules.check_post(place, by)
    if place is None:
        raise rules.NotYourPlace
    person = queries.patient(patient, viewer=by)
    files = Patient.objects.filter(id__in=queries.same_person(person.id, viewer=by))
    if number is not None:
        since = timezone.now() - datetime.timedelta(minutes=rules.TRY_MINUTES)
        wrong = Access.objects.filter(patient__in=files, created_at__gt=since, actor=str(by), what=WRONG_NUMBER)
        rules.check_tries(wrong.count())
        national = SourceIdentity.objects.filter(patient__in=files).exclude(kind=SourceIdentity.Kind.LOCAL)
        own = files.values_list("number", flat=True)
        rules.check_presented(number, [*own, *national.values_list("value", flat=True)])
    here = RecordLink.objects.filter(patient__in=files, record__place=place, closed_at=None)
    sure = files.exclude(level=Patient.Level.PROVISIONAL)
    rules.check_sure(person.level, sure.exists() or here.exists())
    return open_here(patient, place=place, by=by)


def open_here(patient: UUID, *, place: UUID, by: Actor, new: bool = False) -> CareRelationship:
    """Open a record to the place where the patient stands before somebody; part of a verb.

    A `new` person, whom nobody else sees yet, has no other files.
    """
    now = timezone.now()
    relation = CareRelationship.objects.create(
        patient_id=patient, ground=Ground.CARD, place_id=place, because=str(by), starts_at=now,
        ends_at=now + datetime.timedelta(hours=rules.CARD_HOURS),
    )  # fmt: skip
    if not new:
        open_other_files(relation)
    emit(RecordOpened(patient=patient, place=place, ground=Ground.CARD, relationship=relation.id), by=by)
    return relation


@verb
def break_glass(patient: UUID, *, place: UUID | None, because: str, by: Actor) -> CareRelationship:
    """Open a record to one person in an emergency, with a reason and for an hour; the patient and an auditor see it."""
    queries.patient(patient, viewer=by)
    rules.check_reason(because)
    now = timezone.now()
    relation = CareRelationship.objects.create(
        patient_id=patient, ground=Ground.BREAK_GLASS, person=by.id, because=because.strip(), starts_at=now,
        ends_at=now + datetime.timedelta(hours=rules.GLASS_HOURS),
    )  # fmt: skip
    open_other_files(relation)
    emit(GlassBroken(patient=patient, place=place, relationship=relation.id), by=by)
    return relation


def log_access(patient: UUID, *, what: str, ground: str, by: Actor, subject: UUID | None = None) -> None:
    """Write one line of the access log: what was read of the patient (`module.thing`), and on which ground."""
    Access.objects.create(
        patient_id=patient, actor=str(by), actor_name=by.name, place=by.at,
        address=by.address, what=what, subject=subject, ground=ground,
    )  # fmt: skip


def log_accesses(grounds: Mapping[UUID, str], *, what: str, by: Actor) -> None:
    """Write a line of the access log for each patient, with the ground on which something was shown."""
    Access.objects.bulk_create(
        Access(patient_id=patient, actor=str(by), actor_name=by.name, place=by.at, address=by.address, what=what,
               ground=ground)
        for patient, ground in grounds.items()
    )  # fmt: skip
