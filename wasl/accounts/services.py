"""What is done with people, their posts and machine clients."""

import datetime
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.utils import timezone

from wasl.accounts import rules
from wasl.accounts.events import PersonAdded, PostEnded, PostGiven
from wasl.accounts.models import Person, Post
from wasl.kernel.access import Actor
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb


@verb
def add_person(*, username: str, password: str | None, by: Actor, **values: object) -> Person:
    """Give somebody an account; without a password it is opened by a reset or by OpenID Connect."""
    if Person.objects.filter(username=username).exists():
        raise rules.UserNameTaken(username=username)
    person = Person(username=username, **values)
    person.set_password(password)
    person.save()
    emit(PersonAdded(person=person.id), by=by)
    return person


@verb
def give_post(
    person: UUID, *, role: str, place: UUID | None, by: Actor,
    since: datetime.datetime | None = None, until: datetime.datetime | None = None,
) -> Post:  # fmt: skip
    """Let a person hold a role at a place, or for the whole country when no place is given, in a period."""
    if role not in rules.ROLES:
        raise rules.UnknownRole(role=role)
    try:
        with transaction.atomic():
            post = Post.objects.create(
                person_id=person, role=role, place_id=place, period=DateTimeTZRange(since or timezone.now(), until)
            )
    except IntegrityError as error:
        raise rules.PostHeld from error
    emit(PostGiven(post=post.id, person=person, role=role, place=place), by=by)
    return post


@verb
def end_post(key: UUID, *, by: Actor) -> None:
    """End a post now."""
    post = Post.objects.select_for_update().get(id=key)
    post.period = DateTimeTZRange(post.period.lower, timezone.now())
    post.save(update_fields=("period",))
    emit(PostEnded(post=post.id, person=post.person_id, role=post.role, place=post.place_id), by=by)
