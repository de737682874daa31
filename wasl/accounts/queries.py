"""What may be asked about people who sign in and machines that speak."""

import hashlib
from collections.abc import Iterable
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone
from oauth2_provider.models import AccessToken

from wasl.accounts.models import Client, Person, Post
from wasl.kernel.access import STRANGER, Actor, Held
from wasl.kernel.errors import NotFound


def _visible(viewer: Actor) -> QuerySet[Person]:
    """Colleagues are known to everyone who holds a post; strangers see nobody."""
    rows = Person.objects.all()
    return rows if viewer.held else rows.filter(id__in=[viewer.id] if viewer.id else [])


def actor_of(key: UUID, *, address: str = "") -> Actor:
    """The actor that a person is now: the posts held at this moment, asked from this address."""
    person = Person.objects.filter(id=key, is_active=True).first()
    if person is None:
        return STRANGER
    held = Post.objects.filter(person=person, period__contains=timezone.now()).values_list("role", "place_id")
    return Actor(
        kind="person", id=person.id, name=str(person), held=tuple(Held(*post) for post in held), address=address
    )


def person(key: UUID, *, viewer: Actor) -> Person:
    """One person by key."""
    found = _visible(viewer).filter(id=key).first()
    if found is None:
        raise NotFound
    return found


def person_by_username(username: str, *, viewer: Actor) -> Person | None:
    """One person by user name, if there is one."""
    return _visible(viewer).filter(username=username).first()


def names(keys: Iterable[UUID], *, viewer: Actor) -> dict[UUID, str]:
    """The names of several people at once."""
    return {found.id: str(found) for found in _visible(viewer).filter(id__in=set(keys))}


def holders(role: str, *, place: UUID, viewer: Actor) -> QuerySet[Person]:
    """The people who hold a role at a place now."""
    posts = Post.objects.filter(role=role, place=place, period__contains=timezone.now())
    return _visible(viewer).filter(id__in=posts.values("person"))


def actor_of_token(token: str, *, address: str = "") -> Actor:
    """The machine client that holds an OAuth 2 access token, with its scopes; a stranger when it is not valid."""
    found = (
        AccessToken.objects.select_related("application")
        .filter(token_checksum=hashlib.sha256(token.encode()).hexdigest(), expires__gt=timezone.now())
        .first()
    )
    client = Client.objects.filter(application=found.application, revoked_at__isnull=True).first() if found else None
    if found is None or client is None:
        return STRANGER
    return Actor(
        kind="client",
        id=client.id,
        name=client.name,
        held=(Held("client", client.place_id),),
        address=address,
        scopes=frozenset(found.scope.split()) & frozenset(client.scopes),
    )
