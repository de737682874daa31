"""Case conferences: called, joined, cases brought and decided, closed for good."""

import datetime
import hashlib
from collections.abc import Collection
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils import timezone

from wasl.kernel.access import Actor
from wasl.kernel.errors import NotFound
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb
from wasl.patients import queries as patients_queries
from wasl.patients import services as patients
from wasl.places import queries as places_queries
from wasl.radiology import queries
from wasl.radiology.events import (
    ConferenceCaseAdded,
    ConferenceCaseDecided,
    ConferenceClosed,
    ConferenceJoined,
    ConferenceOpened,
)
from wasl.radiology.models import Conference, ConferenceCase, ConferenceImage, Invitation, Link, Seat
from wasl.radiology.rules import conferences as rules
from wasl.radiology.rules import reading as reading_rules


@verb
def open_conference(
    *, title: str, place: UUID, starts_at: datetime.datetime, places: Collection[UUID], people: Collection[UUID],
    by: Actor,
) -> Conference:  # fmt: skip
    """Call a conference of one's hospital, and invite doctors by name or all those of hospitals; one has joined it."""
    named = rules.title(title)
    doctors = queries.doctors_among(people, viewer=by)
    rules.check_opened(place=place, places=places, people=people, doctors=doctors, by=by)
    if places_queries.places(viewer=by, ids=places).count() != len(set(places)):
        raise NotFound
    person = reading_rules.reader(by)
    row = Conference.objects.create(title=named, place_id=place, convener_id=person, starts_at=starts_at)
    Invitation.objects.bulk_create(
        [Invitation(conference=row, place_id=key) for key in sorted(set(places))]
        + [Invitation(conference=row, person_id=key) for key in sorted(set(people))]
    )
    Seat.objects.create(conference=row, person_id=person)
    emit(ConferenceOpened(conference=row.id, place=place, starts_at=starts_at), by=by)
    return row


@verb
def join_conference(key: UUID, *, by: Actor) -> Conference:
    """Join an open conference to which one is invited; its cases open to one until it is closed. Joined twice, once."""
    row, person = _open(key, by=by)
    try:
        with transaction.atomic():
            Seat.objects.create(conference=row, person_id=person)
    except IntegrityError:
        return row
    for case in ConferenceCase.objects.filter(conference=row).select_related("order"):
        _open_record(case, person, by=by)
    emit(ConferenceJoined(conference=row.id, place=row.place_id, person=person), by=by)
    return row


@verb
def add_case(
    conference: UUID, *, order: UUID, question: str, images: Collection[tuple[str, int]], by: Actor
) -> ConferenceCase:
    """Bring an order's images to a conference that one joined, on a ground; it opens to all who joined.

    `images` are SOP Instance UIDs of its study, each with a frame, counted from 1.
    """
    asked = rules.words(question)
    row, person = _joined(conference, by=by)
    found = queries.order(order, viewer=by)
    patients_queries.require_ground(found.patient_id, viewer=by)
    link = Link.objects.filter(order=found, undone_at__isnull=True).order_by("-created_at").first()
    if link is None:
        raise rules.CaseWithoutImages
    chosen = list(dict.fromkeys(images))
    rules.check_images(chosen)
    series = queries.series_of_images(link.study_id, [uid for uid, _frame in chosen], viewer=by)
    if any(not 1 <= frame <= series.get(uid, ("", 0))[1] for uid, frame in chosen):
        raise rules.NotAnImageOfTheCase
    last = ConferenceCase.objects.filter(conference=row).aggregate(last=Max("number"))["last"] or 0
    try:
        with transaction.atomic():
            case = ConferenceCase.objects.create(
                conference=row, number=last + 1, order=found, study_id=link.study_id, presenter_id=person,
                question=asked,
            )  # fmt: skip
    except IntegrityError as twice:
        raise rules.CaseBroughtAlready from twice
    ConferenceImage.objects.bulk_create(
        ConferenceImage(case=case, series_uid=series[uid][0], instance_uid=uid, frame=frame) for uid, frame in chosen
    )
    for seat in Seat.objects.filter(conference=row):
        _open_record(case, seat.person_id, by=by)
    emit(ConferenceCaseAdded(**_about(case), images=len(chosen)), by=by)
    return case


@verb
def decide_case(key: UUID, *, decision: str, present: Collection[UUID], by: Actor) -> ConferenceCase:
    """Write down what was decided about a case and who was present; it may be corrected until the conference closes."""
    said = rules.words(decision)
    seen = queries.conference_case(key, viewer=by)
    row, person = _joined(seen.conference_id, by=by)
    rules.check_present(present, queries.joined(row.id, viewer=by))
    case = ConferenceCase.objects.select_for_update(of=("self",)).select_related("order", "conference").get(id=key)
    case.decision, case.present = said, sorted(set(present))
    case.decided_by_id, case.decided_at = person, timezone.now()
    case.save(update_fields=("decision", "present", "decided_by", "decided_at"))
    digest = hashlib.sha256(said.encode()).hexdigest()
    emit(ConferenceCaseDecided(**_about(case), present=tuple(case.present), digest=digest), by=by)
    return case


@verb
def close_conference(key: UUID, *, by: Actor) -> Conference:
    """Close a conference: nothing of it changes any more, and its cases close to those who had joined."""
    row, person = _open(key, by=by)
    if row.convener_id != person:
        raise rules.NotTheConvener
    for case in ConferenceCase.objects.filter(conference=row).values_list("id", flat=True):
        patients.close_for_care(source=case, by=by)
    row.closed_at = timezone.now()
    row.save(update_fields=("closed_at",))
    emit(ConferenceClosed(conference=row.id, place=row.place_id), by=by)
    return row


def _open(key: UUID, *, by: Actor) -> tuple[Conference, UUID]:
    """An open conference that `by` sees, locked: what changes it is done one after the other; and who `by` is."""
    queries.conference(key, viewer=by)
    row = Conference.objects.select_for_update().get(id=key)
    rules.check_open(closed=row.closed_at is not None)
    return row, reading_rules.reader(by)


def _joined(key: UUID, *, by: Actor) -> tuple[Conference, UUID]:
    row, person = _open(key, by=by)
    if not queries.has_joined(key, viewer=by):
        raise rules.NotJoined
    return row, person


def _open_record(case: ConferenceCase, person: UUID, *, by: Actor) -> None:
    because = ConferenceCaseAdded.name()
    patients.open_for_care(case.order.patient_id, person=person, source=case.id, because=because, by=by)


def _about(case: ConferenceCase) -> dict[str, UUID]:
    return {
        "case": case.id, "conference": case.conference_id, "order": case.order_id, "patient": case.order.patient_id,
        "place": case.conference.place_id,
    }  # fmt: skip
