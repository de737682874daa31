"""How many posts hospitals have, written down from a day on."""

import datetime
from uuid import UUID

from django.db import connection
from django.db.backends.postgresql.psycopg_any import DateRange
from django.utils import timezone

from wasl.kernel.access import Actor
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb
from wasl.places import queries as places
from wasl.workforce import queries
from wasl.workforce.events import PostsEstablished
from wasl.workforce.models import EstablishedPosts
from wasl.workforce.rules import posts as rules

# one writer of a hospital's posts at a time: rows that a constraint sets against each other, written at once, deadlock
TURN = "select pg_advisory_xact_lock(hashtextextended('workforce.posts:' || %s, 0))"


@verb
def establish_posts(
    place: UUID, *, specialty: str, number: int, since: datetime.date, reference: str, by: Actor
) -> EstablishedPosts:
    """Write down how many posts of a specialty a hospital has, from a day on; what held before stays known."""
    rules.check_establishes(place, by)
    rules.check_posts(number, reference)
    if specialty not in queries.known_specialties(viewer=by):
        raise rules.NoSuchSpecialty
    if not places.places(viewer=by, ids=[place]).exists():
        raise rules.NoSuchHospital
    with connection.cursor() as cursor:
        cursor.execute(TURN, [str(place)])
    there = EstablishedPosts.objects.filter(place=place, specialty=specialty)
    current = there.filter(period__upper_inf=True).first()
    rules.check_posts_later(since, current=current.period.lower if current else None, today=timezone.localdate())
    if current:
        current.period = DateRange(current.period.lower, since)
        current.save(update_fields=("period",))
    row = EstablishedPosts.objects.create(
        place_id=place, specialty=specialty, number=number, reference=reference.strip()[:200],
        written_by_id=by.id if by.kind == "person" else None, period=DateRange(since, None),
    )  # fmt: skip
    emit(PostsEstablished(posts=row.id, place=place, specialty=specialty, number=number, since=since), by=by)
    return row
