"""Exams kept by outside archives: asked for, heard of, and brought here."""

import datetime
from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from wasl.archive import rules
from wasl.archive.events import (
    AvailabilityAnnounced,
    StudiesAskedFor,
    StudiesHeardOf,
    StudiesSentFor,
    StudyAnnounced,
    StudyBrought,
    StudySentFor,
)
from wasl.archive.models import Announced, Bringing, Inquiry, Notification, Source, Study
from wasl.archive.services.errands import run_bringing, run_errand
from wasl.archive.services.matching import match_study
from wasl.kernel.access import SYSTEM, Actor
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb
from wasl.patients import queries as patients
from wasl.patients import services as patient_services

BECAUSE = "brought from another archive"


@verb
def ask_for_studies(source: UUID, *, patient: UUID, keys: Mapping[str, str], by: Actor) -> Inquiry:
    """Ask an outside archive which exams of a patient it has, on a ground, which is logged."""
    rules.check_keys(keys)
    ground = patients.require_ground(patient, viewer=by)
    return _ask(_askable(source), patient, keys, None, ground, by)


@verb
def fetch_priors(
    patient: UUID, *, place: UUID, modality: str, region: str, needed: datetime.datetime, by: Actor
) -> list[Inquiry]:
    """Ask the archives of a place, and of every place that knows a patient by a number, for the patient's exams.

    The most relevant are brought, those first that are needed soonest.
    """
    person = patients.patient(patient, viewer=by)
    numbers = {n.place_id: n.value for n in patients.numbers_of(patient, viewer=by) if n.kind == "local"}
    born = f"{person.birth_date:%Y%m%d}" if person.birth_date and not person.birth_date_about else ""
    if not born:
        return []
    names = [n for n in (person.latin_name, person.arabic_name) if n]
    archives = Source.objects.filter(place__in={place, *numbers}, asks=True, active=True, port__isnull=False)
    asked = []
    for archive in archives.order_by("ae_title"):
        number = numbers.get(archive.place_id, "")
        keys = {"PatientID": number} if number else {"PatientBirthDate": born, "PatientName": person.family_name}
        wanted = {"modality": modality, "region": region, "names": names, "born": born, "number": number}
        if all(keys.values()):
            asked.append(_ask(archive, patient, keys, wanted, "order", by, needed))
    return asked


@verb
def hear_of_studies(inquiry: UUID, *, found: Sequence[Mapping[str, Any]], by: Actor) -> None:
    """Write down what an archive says it has; of a question asked unasked, the most relevant exams are sent for."""
    row = _locked(inquiry)
    row.found, row.answered_at = [dict(one) for one in found], timezone.now()
    row.save(update_fields=("found", "answered_at"))
    emit(StudiesHeardOf(inquiry=row.id, studies=len(found), **_about(row)), by=by)
    if row.wanted is not None:
        wanted = row.wanted
        here = set(_complete([one["uid"] for one in found]))
        sure = [one for one in found if rules.is_same_person(one, wanted) and one["uid"] not in here]
        best = sorted(sure, key=lambda one: rules.relevance(one, wanted), reverse=True)[: rules.PRIORS]
        _send_for(row, [one["uid"] for one in best], by)


@verb
def bring_studies(inquiry: UUID, *, uids: Collection[str], by: Actor) -> None:
    """Have exams that an archive told of brought here; the one who asks says so that they are the patient's."""
    row = _locked(inquiry)
    patients.require_ground(row.patient_id, viewer=by)
    if not uids or not set(uids) <= {one["uid"] for one in row.found}:
        raise rules.NotOffered
    _send_for(row, uids, by)


@verb
def end_bringing(bringing: UUID, *, failed: int, by: Actor) -> None:
    """An exam was brought, but for the images that failed: it is the patient's for whom it was asked."""
    row = Bringing.objects.select_for_update(of=("self",)).select_related("inquiry__source", "source").get(id=bringing)
    if row.ended_at is not None:
        return
    row.failed, row.ended_at = failed, timezone.now()
    row.save(update_fields=("failed", "ended_at"))
    study = Study.objects.filter(uid=row.study_uid, instance_count__gt=0).first()
    patient = row.inquiry.patient_id if row.inquiry else None
    if study is not None and study.patient_id is None and patient is not None:
        match_study(study.id, patient=patient, because=BECAUSE, by=SYSTEM)
    told = StudyBrought(
        bringing=row.id, study=study.id if study else None, failed=failed, source=row.source_id, patient=patient,
        place=row.source.place_id,
    )  # fmt: skip
    emit(told, by=by)


@verb
def hear_availability(uid: str, *, study_uid: str, instances: Mapping[str, str], by: Actor) -> Announced:
    """Hear from a system which images of a study can be had, and how; what it said before of others stands.

    `uid` names the notification, `instances` gives Instance Availability (0008,0056) by SOP Instance UID.
    """
    valid = all(map(rules.is_uid, (uid, study_uid, *instances)))
    rules.check_notification(study_uid, instances, valid=valid)
    source = Source.objects.filter(id=by.id or UUID(int=0)).first()
    if source is None:
        raise rules.NoSuchSource
    now = timezone.now()
    new = Announced(source=source, study_uid=study_uid, heard_at=now)
    Announced.objects.bulk_create([new], ignore_conflicts=True)
    row = Announced.objects.select_for_update().get(source=source, study_uid=study_uid)
    try:
        with transaction.atomic():
            Notification.objects.create(uid=uid, announced=row)
    except IntegrityError as error:
        raise rules.NotificationKnown from error
    row.instances, row.heard_at = {**row.instances, **instances}, now
    rules.check_notification(study_uid, row.instances, valid=True)
    row.images = sum(how != "UNAVAILABLE" for how in row.instances.values())
    row.save(update_fields=("instances", "heard_at", "images"))
    emit(StudyAnnounced(announced=row.id, source=source.id, place=source.place_id, images=row.images), by=by)
    return row


@verb
def bring_announced(announced: UUID, *, by: Actor) -> None:
    """Have a study that an outside archive announced brought here; it is nobody's until it is reconciled."""
    row = Announced.objects.select_related("source").filter(id=announced).first()
    if row is None or not rules.is_own_place(row.source.place_id, by=by):
        raise rules.NotAnnounced
    source = _askable(row.source_id)
    try:
        with transaction.atomic():
            now = timezone.now()
            bringing = Bringing.objects.create(announced=row, source=source, study_uid=row.study_uid, needed_at=now)
    except IntegrityError:  # it is on its way
        return
    about = {"source": source.id, "place": source.place_id}
    emit(StudySentFor(bringing=bringing.id, announced=row.id, **about), by=by)
    run_bringing(bringing.id, source=source.id, needed=now)


@verb
def announce_availability(study: UUID, *, by: Actor) -> None:
    """Tell the systems of its place that want to know that a study is whole."""
    row = Study.objects.get(id=study)
    wanting = Source.objects.filter(place=row.place_id, notified=True, active=True, port__isnull=False)
    keys = list(wanting.values_list("id", flat=True))
    if keys:
        emit(AvailabilityAnnounced(study=row.id, place=row.place_id, sources=len(keys)), by=by)
    for key in keys:
        run_errand("tell_available", row.id, source=str(key))


def _ask(
    source: Source, patient: UUID, keys: Mapping[str, str], wanted: Mapping[str, Any] | None, ground: str, by: Actor,
    needed: datetime.datetime | None = None,
) -> Inquiry:  # fmt: skip
    said = {name: value.strip() for name, value in keys.items() if value.strip()}
    row = Inquiry.objects.create(
        source=source, patient_id=patient, by=str(by), keys=said, wanted=wanted, needed_at=needed
    )
    patient_services.log_access(patient, what="archive.outside", ground=ground, by=by, subject=row.id)
    emit(StudiesAskedFor(inquiry=row.id, **_about(row)), by=by)
    run_errand("ask_for_studies", row.id)
    return row


def _send_for(row: Inquiry, uids: Collection[str], by: Actor) -> None:
    begun, needed = 0, row.needed_at or timezone.now()
    for uid in uids:
        try:
            with transaction.atomic():
                bringing = Bringing.objects.create(
                    inquiry=row, source_id=row.source_id, study_uid=uid, needed_at=needed
                )
        except IntegrityError:  # it is on its way
            _hasten(row.source_id, uid, needed)
            continue
        run_bringing(bringing.id, source=row.source_id, needed=needed)
        begun += 1
    if begun:
        emit(StudiesSentFor(inquiry=row.id, studies=begun, **_about(row)), by=by)


def _hasten(source: UUID, uid: str, needed: datetime.datetime) -> None:
    """What is on its way is needed sooner: it gets an earlier turn, and whichever turn comes first brings it."""
    rows = Bringing.objects.filter(source=source, study_uid=uid, ended_at__isnull=True, needed_at__gt=needed)
    for row in rows.select_for_update():
        row.needed_at = needed
        row.save(update_fields=("needed_at",))
        run_bringing(row.id, source=source, needed=needed)


def _complete(uids: Collection[str]) -> list[str]:
    return list(Study.objects.filter(uid__in=uids, instance_count__gt=0).values_list("uid", flat=True))


def _about(row: Inquiry) -> dict[str, Any]:
    return {"source": row.source_id, "patient": row.patient_id, "place": row.source.place_id}


def _locked(key: UUID) -> Inquiry:
    row = Inquiry.objects.select_for_update(of=("self",)).select_related("source").filter(id=key).first()
    if row is None:
        raise rules.NoInquiry
    return row


def _askable(key: UUID) -> Source:
    row = Source.objects.filter(id=key, active=True).first()
    if row is None:
        raise rules.NoSuchSource
    if not (row.asks and row.port):
        raise rules.NotAsked(name=row.name)
    return row
