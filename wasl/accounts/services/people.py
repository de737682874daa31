"""What is done with people and their posts."""

import datetime
from uuid import UUID

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.db import IntegrityError, transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.db.models import QuerySet
from django.utils import timezone

from wasl.accounts import rules
from wasl.accounts.events import PasswordReset, PersonAdded, PersonClosed, PostEnded, PostGiven, PreferencesChanged
from wasl.accounts.models import Person, Post
from wasl.kernel.access import Actor
from wasl.kernel.errors import NotFound
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb


@verb
def add_person(*, username: str, password: str | None, by: Actor, **values: object) -> Person:
    """Give somebody an account; without a password it is opened by a reset or by OpenID Connect."""
    person = Person(username=username, **values)
    person.set_password(password)
    try:
        with transaction.atomic():
            person.save(force_insert=True)
    except IntegrityError as error:
        raise rules.UserNameTaken(username=username) from error
    emit(PersonAdded(person=person.id), by=by)
    return person


@verb
def close_person(key: UUID, *, by: Actor) -> None:
    """Close an account: its posts end, its sessions end, nobody signs in with it; what it did stays known."""
    person = _in_reach(key, by=by)
    person.is_active = False
    person.save(update_fields=("is_active",))
    for post in _running(person):
        _end(post, by=by)
    _end_sessions(person)
    emit(PersonClosed(person=person.id), by=by)


@verb
def reset_password(key: UUID, *, password: str, by: Actor) -> None:
    """Give somebody a new password; the second factor and all sessions end with the old one."""
    person = _in_reach(key, by=by)
    person.set_password(password)
    person.save(update_fields=("password",))
    Authenticator.objects.filter(user=person).delete()
    _end_sessions(person)
    emit(PasswordReset(person=person.id), by=by)


def _in_reach(key: UUID, *, by: Actor) -> Person:
    """A person of the places that the actor administers, locked."""
    rules.check_not_oneself(key, by=by)
    person = Person.objects.select_for_update().filter(id=key).first()
    if person is None:
        raise NotFound
    rules.check_reach(_running(person).values_list("place_id", flat=True), by=by)
    return person


def _running(person: Person) -> QuerySet[Post]:
    """The posts that are not over."""
    return Post.objects.filter(person=person).exclude(period__fully_lt=DateTimeTZRange(timezone.now(), None))


def _end_sessions(person: Person) -> None:
    for session in UserSession.objects.filter(user=person):
        session.end()


@verb
def change_preferences(*, by: Actor, language: str | None = None, dark: bool | None = None) -> None:
    """Speak another language to a person, or show another theme."""
    if by.id is None:
        raise NotFound
    person = Person.objects.select_for_update().get(id=by.id)
    person.language = person.language if language is None else rules.known_language(language)
    person.dark = person.dark if dark is None else dark
    person.save(update_fields=("language", "dark"))
    emit(PreferencesChanged(person=person.id, language=person.language, dark=person.dark), by=by)


@verb
def give_post(
    person: UUID, *, role: str, place: UUID | None, by: Actor,
    since: datetime.datetime | None = None, until: datetime.datetime | None = None,
) -> Post:  # fmt: skip
    """Let a person hold a role at a place, or for the whole country when no place is given, in a period."""
    rules.check_not_oneself(person, by=by)
    rules.check_reach([place], by=by)
    if role not in rules.ROLES:
        raise rules.UnknownRole(role=role)
    begins = since or timezone.now()
    rules.check_period(begins, until)
    # one post of a person at a time: rows that a constraint sets against each other, written at once, deadlock
    if Person.objects.select_for_update(no_key=True).filter(id=person, is_active=True).first() is None:
        raise NotFound
    try:
        with transaction.atomic():
            post = Post.objects.create(
                person_id=person, role=role, place_id=place, period=DateTimeTZRange(begins, until)
            )
    except IntegrityError as error:
        raise rules.PostHeld from error
    emit(PostGiven(post=post.id, person=person, role=role, place=place), by=by)
    return post


@verb
def end_post(key: UUID, *, by: Actor) -> None:
    """End a post now."""
    post = Post.objects.select_for_update().filter(id=key).first()
    if post is None:
        raise NotFound
    rules.check_not_oneself(post.person_id, by=by)
    rules.check_reach([post.place_id], by=by)
    rules.check_running(post.period.upper, now=timezone.now())
    _end(post, by=by)


def _end(post: Post, *, by: Actor) -> None:
    now = timezone.now()
    post.period = DateTimeTZRange(min(post.period.lower, now), now)  # a post that was to begin later never begins
    post.save(update_fields=("period",))
    emit(PostEnded(post=post.id, person=post.person_id, role=post.role, place=post.place_id), by=by)
