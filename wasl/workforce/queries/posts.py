"""What may be asked about established posts, and who fills them."""

import datetime
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from wasl.accounts import queries as accounts
from wasl.kernel.access import Actor
from wasl.workforce.models import EstablishedPosts, Worker
from wasl.workforce.queries.rosters import _plans_all, every_specialty
from wasl.workforce.queries.staff import _visible as _visible_workers
from wasl.workforce.rules.groups import PLANS, SPECIALTIES
from wasl.workforce.rules.posts import vacant


@dataclass(frozen=True)
class Staffing:
    """The posts of a specialty at a hospital at a moment, and who was there."""

    posts: EstablishedPosts
    workers: tuple[Worker, ...]

    @property
    def vacant(self) -> int:
        """How many posts nobody held."""
        return vacant(self.posts.number, len(self.workers))


def _visible(viewer: Actor) -> QuerySet[EstablishedPosts]:
    """Posts are known to who plans: those of the whole country, or of their own hospitals."""
    rows = EstablishedPosts.objects.select_related("place", "written_by")
    return rows if _plans_all(viewer) else rows.filter(place__in=viewer.places(*PLANS))


def planned_places(*, viewer: Actor) -> frozenset[UUID] | None:
    """The hospitals whose posts the viewer knows; None: the whole country."""
    return None if _plans_all(viewer) else viewer.places(*PLANS)


def known_specialties(*, viewer: Actor) -> list[str]:
    """The specialties in which there may be posts: those with a title, and those in which somebody is enrolled."""
    return sorted({*SPECIALTIES, *every_specialty()})


def posts_at(place: UUID, *, viewer: Actor) -> QuerySet[EstablishedPosts]:
    """All that was ever written down of a hospital's posts, the newest first."""
    return _visible(viewer).filter(place=place).order_by("specialty", "-period")


def staffing(
    at: datetime.datetime, *, specialty: str, viewer: Actor, region: UUID | None = None, place: UUID | None = None
) -> dict[UUID, Staffing]:
    """The posts of a specialty at a moment and who filled them, by hospital; where none are established, nothing.

    Of the past it is said what was written then: who is enrolled or given a post later, whatever for, changes nothing.
    """
    rows = _visible(viewer).filter(specialty=specialty, period__contains=timezone.localdate(at))
    if place is not None:
        rows = rows.filter(place=place)
    elif region is not None:
        rows = rows.filter(place__region=region)
    found = {row.place_id: row for row in rows}
    there = workers_in_post(at, specialty=specialty, places=found, viewer=viewer)
    return {key: Staffing(row, tuple(there.get(key, ()))) for key, row in found.items()}


def workers_in_post(
    at: datetime.datetime, *, specialty: str, places: Iterable[UUID], viewer: Actor
) -> dict[UUID, list[Worker]]:
    """The professionals of a specialty who held a post at the hospital where they are enrolled, by hospital."""
    rows = _visible_workers(viewer).filter(specialty=specialty, place__in=list(places), created_at__lte=at)
    workers = list(rows.order_by("person__family_name", "person__given_name", "id"))
    held = accounts.held_at(at, people=[worker.person_id for worker in workers], viewer=viewer)
    found: dict[UUID, list[Worker]] = {}
    for worker in workers:
        if worker.place_id in held.get(worker.person_id, ()):
            found.setdefault(worker.place_id, []).append(worker)
    return found
