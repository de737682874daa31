"""What may be asked about people who sign in and machines that speak."""

import hashlib
from collections.abc import Iterable
from functools import reduce
from operator import or_
from uuid import UUID

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db.models import BooleanField, Exists, ExpressionWrapper, OuterRef, Prefetch, Q, QuerySet
from django.utils import timezone
from oauth2_provider.models import AccessToken

from wasl.accounts.models import Client, Person, Post
from wasl.accounts.rules import ROLES, SCOPES
from wasl.kernel.access import STRANGER, Actor, Held
from wasl.kernel.errors import NotAllowed, NotFound

# for those who may not enter our rules: the web's shell
ROLE_TITLES = ROLES
SCOPE_TITLES = SCOPES


DEMO_SHOWN = 12  # people of the demonstration that its sign-in page offers


def _visible(viewer: Actor) -> QuerySet[Person]:
    """Colleagues are known to everyone who holds a post; strangers see nobody."""
    rows = Person.objects.all()
    return rows if viewer.held else rows.filter(id__in=[viewer.id] if viewer.id else [])


def actor_of(key: UUID, *, address: str = "", proved: bool = True) -> Actor:
    """The actor that a person is now: the posts held at this moment, none before a second factor `proved` who it is.

    A closed account, and a person of the demonstration where none runs, is a stranger.
    """
    person = Person.objects.filter(id=key, is_active=True).first()
    if person is None or (person.demo and not settings.DEMO):
        return STRANGER
    posts = Post.objects.filter(person=person, period__contains=timezone.now()).order_by("period", "id")
    held = posts.values_list("role", "place_id") if proved else ()
    return Actor(
        kind="person", id=person.id, name=str(person), held=tuple(Held(*post) for post in held), address=address
    )


def person(key: UUID, *, viewer: Actor) -> Person:
    """One person by key."""
    found = _visible(viewer).filter(id=key).first()
    if found is None:
        raise NotFound
    return found


def person_called(username: str, *, viewer: Actor) -> Person | None:
    """The person of a user name, or None."""
    return _visible(viewer).filter(username=username).first()


def every_demo_post() -> list[Post]:
    """The running posts of the demonstration's people, the first to come first; none where no demonstration runs."""
    if not settings.DEMO:
        return []
    rows = Post.objects.filter(person__demo=True, person__is_active=True, period__contains=timezone.now())
    return list(rows.select_related("person", "place").order_by("person__created_at", "id")[:DEMO_SHOWN])


def people(text: str = "", *, viewer: Actor) -> QuerySet[Person]:
    """Everybody whose names hold all words of a text, with posts as `held_now`, and `second_factor`."""
    require_administrator(viewer=viewer)
    posts = Post.objects.filter(period__contains=timezone.now()).select_related("place").order_by("period")
    rows = _visible(viewer).prefetch_related(Prefetch("posts", posts, to_attr="held_now"))
    for word in text.split()[:6]:
        columns = ("username", "given_name", "family_name", "given_name_ar", "family_name_ar")
        rows = rows.filter(reduce(or_, (Q(**{f"{column}__icontains": word}) for column in columns)))
    return rows.annotate(second_factor=Exists(Authenticator.objects.filter(user=OuterRef("pk"))))


def posts_of(person: UUID, *, viewer: Actor) -> QuerySet[Post]:
    """The posts of a person, the newest first, each with whether it is `running`, for administrators."""
    require_administrator(viewer=viewer)
    running = Q(period__endswith__isnull=True) | Q(period__endswith__gt=timezone.now())
    rows = Post.objects.filter(person=person).select_related("place").order_by("-period")
    return rows.annotate(running=ExpressionWrapper(running, output_field=BooleanField()))


def require_administrator(*, viewer: Actor) -> None:
    """The list of accounts is the administrators' alone."""
    if "administrator" not in viewer.roles:
        raise NotAllowed


def names(keys: Iterable[UUID], *, viewer: Actor) -> dict[UUID, str]:
    """The names of several people at once, in the script of the language in force."""
    return {found.id: found.name for found in _visible(viewer).filter(id__in=set(keys))}


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


def scopes_of(application: int, *, viewer: Actor) -> list[str]:
    """The scopes that the client of an OAuth 2 application may ask for; none once it is revoked."""
    client = _visible_clients(viewer).filter(application=application, revoked_at__isnull=True).first()
    return list(client.scopes) if client else []


def clients(*, viewer: Actor) -> QuerySet[Client]:
    """The machine clients, the newest first."""
    return _visible_clients(viewer).select_related("place").order_by("-created_at")


def _visible_clients(viewer: Actor) -> QuerySet[Client]:
    """Machines are known to those who register them."""
    rows = Client.objects.all()
    return rows if viewer.roles & {"administrator", "system"} else rows.none()
