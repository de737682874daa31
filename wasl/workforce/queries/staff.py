"""What may be asked about staff."""

import datetime
from collections.abc import Iterable
from uuid import UUID

from django.db.models import F, Q, QuerySet
from django.utils import timezone

from wasl.kernel.access import Actor, once
from wasl.workforce.models import Cover, Worker


def _visible(viewer: Actor) -> QuerySet[Worker]:
    """Colleagues are known to everyone who holds a post; strangers see nobody."""
    rows = Worker.objects.select_related("person", "place")
    return rows if viewer.held else rows.none()


def worker_of(person: UUID, *, viewer: Actor) -> Worker | None:
    """The professional that a person is, if enrolled."""
    return once(("worker_of", person, viewer), lambda: _visible(viewer).filter(person=person).first())


def workers_of(persons: Iterable[UUID], *, viewer: Actor) -> dict[UUID, Worker]:
    """The professionals that several people are, by person."""
    return {worker.person_id: worker for worker in _visible(viewer).filter(person__in=set(persons))}


def people_of(workers: Iterable[UUID], *, viewer: Actor) -> list[UUID]:
    """Who several professionals are, as people who sign in."""
    return sorted(_visible(viewer).filter(id__in=set(workers)).values_list("person", flat=True))


def workers_at(places: Iterable[UUID], *, viewer: Actor) -> list[Worker]:
    """The professionals enrolled at some places, by name."""
    rows = _visible(viewer).filter(place__in=set(places), person__is_active=True)
    return list(rows.order_by("person__family_name", "person__given_name", "id"))


def covers(person: UUID, *, viewer: Actor, at: datetime.datetime | None = None) -> list[Cover]:
    """The hospitals that a person reads for at a moment (now when none is given)."""
    rows = Cover.objects.filter(worker__in=_visible(viewer).filter(person=person)).select_related("worker")
    if at is not None:
        return list(rows.filter(period__contains=at))
    return once(("covers", person, viewer), lambda: list(rows.filter(period__contains=timezone.now())))


def covers_of(
    persons: Iterable[UUID],
    *,
    viewer: Actor,
    at: datetime.datetime | None = None,
    places: Iterable[UUID] | None = None,
) -> dict[UUID, list[Cover]]:
    """The hospitals that several people read for at a moment (now when none is given), by person.

    Of `places` alone where these are given.
    """
    found: dict[UUID, list[Cover]] = {}
    known = _visible(viewer).filter(person__in=set(persons))
    rows = Cover.objects.filter(worker__in=known, period__contains=at or timezone.now())
    if places is not None:
        rows = rows.filter(place__in=set(places))
    for cover in rows.annotate(person=F("worker__person")):
        found.setdefault(cover.person, []).append(cover)
    return found


def serves(person: UUID, *, place: UUID, modality: str, viewer: Actor) -> bool:
    """Whether a person now reads exams of this modality for this hospital."""
    return any(c.place_id == place and (not c.modalities or modality in c.modalities)
               for c in covers(person, viewer=viewer))  # fmt: skip


def every_cover(*, viewer: Actor) -> QuerySet[Cover]:
    """Every cover in force now of readers who can sign in, with its reader."""
    readers = _visible(viewer).filter(person__is_active=True)
    return Cover.objects.filter(worker__in=readers, period__contains=timezone.now()).select_related("worker")


def covers_at_home(*, viewer: Actor) -> QuerySet[Cover]:
    """The covers in force now by which readers read the exams of their own hospital."""
    return Cover.objects.filter(worker__in=_visible(viewer), place=F("worker__place"), period__contains=timezone.now())


def readers_for(place: UUID, *, modality: str, viewer: Actor) -> QuerySet[Worker]:
    """Who now reads exams of this modality for this hospital."""
    now = Cover.objects.filter(Q(modalities=[]) | Q(modalities__contains=[modality]), place=place,
                               period__contains=timezone.now())  # fmt: skip
    return _visible(viewer).filter(id__in=now.values("worker"))


def worker_for_record(person: UUID) -> Worker:
    """The professional that a person is, for the record."""
    return Worker.objects.select_related("person", "place").get(person=person)


def every_worker() -> Iterable[UUID]:
    """The key of every person who is a professional, for the record."""
    return Worker.objects.values_list("person_id", flat=True).iterator()


def role_for_record(key: UUID) -> Worker | Cover:
    """What a professional does at a place, for the record: the post where enrolled, or a cover of another hospital."""
    cover = Cover.objects.select_related("worker__person", "place").filter(id=key).first()
    return cover or Worker.objects.select_related("person", "place").get(id=key)


def every_role() -> Iterable[UUID]:
    """The key of every enrolment and every cover, for the record."""
    yield from Worker.objects.values_list("id", flat=True).iterator()
    yield from Cover.objects.values_list("id", flat=True).iterator()
