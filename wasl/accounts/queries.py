"""What may be asked about people who sign in and machines that speak."""

import datetime
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from operator import or_
from urllib.parse import urlsplit
from uuid import UUID

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db.models import BooleanField, Count, Exists, ExpressionWrapper, Max, OuterRef, Prefetch, Q, QuerySet
from django.utils import timezone
from oauth2_provider.models import AccessToken

from wasl.accounts.models import Certificate, Channel, Gateway, Launch, Message, Person, Post
from wasl.accounts.models import Client as Client
from wasl.accounts.models import Permit as Permit
from wasl.accounts.models import Reach as Reach
from wasl.accounts.models import Sending as Sending
from wasl.accounts.rules import KINDS, ROLES, SCOPES, CodeVoid, check_code_holds
from wasl.accounts.rules import UnknownApp as UnknownApp
from wasl.accounts.rules import acts_of as acts_of
from wasl.accounts.rules import grantable as grantable
from wasl.accounts.rules import is_within as is_within
from wasl.kernel.access import STRANGER, Actor, Held
from wasl.kernel.errors import NotAllowed, NotFound

# for those who may not enter our rules: the web's shell
ROLE_TITLES = ROLES
SCOPE_TITLES = SCOPES
MESSAGE_TITLES = KINDS


GATEWAY_SCOPES = frozenset({"dicomweb.read", "dicomweb.write"})
DEMO_SHOWN = 12  # people of the demonstration that its sign-in page offers


def _visible(viewer: Actor) -> QuerySet[Person]:
    """Colleagues are known to everyone who holds a post; strangers see nobody."""
    rows = Person.objects.all()
    return rows if viewer.held else rows.filter(id__in=[viewer.id] if viewer.id else [])


def actor_of(key: UUID, *, address: str = "", proved: bool = True) -> Actor:
    """The actor that a person of this key is now; a closed account is a stranger."""
    person = Person.objects.filter(id=key, is_active=True).first()
    return actor_of_person(person, address=address, proved=proved) if person else STRANGER


def actor_of_person(person: Person, *, address: str = "", proved: bool = True) -> Actor:
    """The actor of a person just read: the posts held now, none before a second factor `proved` who it is.

    A person of the demonstration where none runs is a stranger.
    """
    if person.demo and not settings.DEMO:
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


def holders(role: str, *, place: UUID | None, viewer: Actor) -> QuerySet[Person]:
    """The people who hold a role at a place now, or for the whole country when no place is given."""
    posts = Post.objects.filter(role=role, place=place, period__contains=timezone.now())
    return _visible(viewer).filter(id__in=posts.values("person"))


def held_at(at: datetime.datetime, *, people: Iterable[UUID], viewer: Actor) -> dict[UUID, set[UUID]]:
    """The places where people held a post at a moment, as it was written then; who has no post is left out."""
    rows = Post.objects.filter(person__in=_visible(viewer).filter(id__in=list(people)).values("id"))
    found: dict[UUID, set[UUID]] = {}
    for person, place in rows.filter(period__contains=at, created_at__lte=at, place__isnull=False).values_list(
        "person_id", "place_id"
    ):
        found.setdefault(person, set()).add(place)
    return found


@dataclass(frozen=True)
class AppActor(Actor):
    """A person through an app: whom the app reads for, what it was let do, and of which patient alone if of one.

    The posts are those the person holds now. The name says both, as the access log keeps it.
    """

    app: UUID | None = None
    patient: UUID | None = None

    def may(self, kind: str, act: str) -> bool:
        """Whether the app was let do this with resources of a type at all."""
        return bool(self.held) and act in acts_of(self.scopes, "user", kind) | self._of_patient(kind)

    def is_whole(self, kind: str) -> bool:
        """Whether the app sees of a type what its person sees, and not only what is of its patient."""
        mine = acts_of(self.scopes, "user", kind)
        return bool(mine) and self._of_patient(kind) <= mine

    def _of_patient(self, kind: str) -> frozenset[str]:
        return acts_of(self.scopes, "patient", kind) if self.patient else frozenset()


def actor_of_token(token: str, *, address: str = "") -> Actor:
    """Who holds an OAuth 2 access token: a machine client with its scopes, or a person through an app.

    A stranger when it is not valid, its client was revoked, or its person's account closed.
    """
    found = (
        AccessToken.objects.select_related("application", "user")
        .filter(token_checksum=hashlib.sha256(token.encode()).hexdigest(), expires__gt=timezone.now())
        .first()
    )
    client = Client.objects.filter(application=found.application, revoked_at__isnull=True).first() if found else None
    if found is None or client is None:
        return STRANGER
    if client.is_app or found.user:
        return _through(client, found, address)
    return Actor(
        kind="client",
        id=client.id,
        name=client.name,
        held=(Held("client", client.place_id),),
        address=address,
        scopes=frozenset(found.scope.split()) & frozenset(client.scopes),
    )


def actor_of_client(key: UUID, *, address: str = "") -> Actor:
    """The machine client of this key, for a door that knows it by something else than a token; revoked, a stranger."""
    client = Client.objects.filter(id=key, revoked_at__isnull=True).first()
    if client is None:
        return STRANGER
    held, scopes = (Held("client", client.place_id),), frozenset(client.scopes)
    return Actor(kind="client", id=client.id, name=client.name, held=held, address=address, scopes=scopes)


def _through(client: Client, token: AccessToken, address: str) -> Actor:
    permit = Permit.objects.filter(client=client, token=token.token_checksum, ended_at__isnull=True).first()
    if permit is None or token.user is None or not token.user.is_active:
        return STRANGER
    person = actor_of_person(token.user, address=address)
    if person == STRANGER:
        return STRANGER
    return AppActor(
        kind="person", id=person.id, name=f"{person.name} · {client.name}"[:200], held=person.held, address=address,
        scopes=frozenset(scope for scope in token.scope.split() if is_within(scope, permit.scopes)),
        app=client.id, patient=permit.patient,
    )  # fmt: skip


def permit_of(*, viewer: Actor, code: str = "", token: str = "") -> Permit | None:
    """The permit that runs of an authorization code, or of the checksum of the access token that holds now."""
    rows = _visible_permits(viewer).filter(ended_at__isnull=True)
    known = Q(code=hashlib.sha256(code.encode()).digest()) if code else Q(token=token)
    return rows.filter(known).first() if code or token else None


def permits(*, viewer: Actor) -> QuerySet[Permit]:
    """What the viewer let apps do that still lives: by a token, or by one that is exchanged for another."""
    lives = Q(expires__gt=timezone.now()) | Q(refresh_token__isnull=False, refresh_token__revoked__isnull=True)
    tokens = AccessToken.objects.filter(lives, token_checksum=OuterRef("token"))
    rows = _visible_permits(viewer).filter(Exists(tokens), person=viewer.id, ended_at=None, client__revoked_at=None)
    return rows.order_by("-created_at")


def _visible_permits(viewer: Actor) -> QuerySet[Permit]:
    """What a person let apps do is theirs to know, and Wasl's own."""
    rows = Permit.objects.select_related("client")
    return rows if viewer.is_system else rows.filter(person=viewer.id) if viewer.id else rows.none()


def launched(value: str, *, app: UUID, viewer: Actor) -> UUID | None:
    """The patient of whom the viewer just opened an app, by the value that it brought back; None when that is void."""
    rows = Launch.objects.filter(person=viewer.id, client=app, used_at__isnull=True, until__gt=timezone.now())
    return rows.filter(digest=hashlib.sha256(value.encode()).digest()).values_list("patient", flat=True).first()


def apps(*, viewer: Actor) -> list[Client]:
    """The apps that people who hold a post may open from a patient's page."""
    rows = Client.objects.filter(is_app=True, revoked_at__isnull=True).exclude(launch_uri="")
    return list(rows.order_by("name")) if viewer.held else []


def client_of(application: str, *, viewer: Actor) -> Client | None:
    """The machine or app of an OAuth 2 client id, while it is not revoked, for those who speak with it."""
    rows = Client.objects.filter(application__client_id=application, revoked_at__isnull=True)
    return rows.select_related("application").first() if viewer.held else None


def app_origins(*, viewer: Actor) -> frozenset[str]:
    """From where apps in browsers speak to Wasl: the origins of the addresses to which their people come back."""
    rows = Client.objects.filter(is_app=True, revoked_at__isnull=True)
    addresses = rows.values_list("application__redirect_uris", flat=True) if viewer.held else []
    parts = [urlsplit(address) for line in addresses for address in line.split()]
    return frozenset(f"{one.scheme}://{one.netloc}" for one in parts)


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


def actor_of_certificate(digest: bytes, *, address: str = "") -> Actor:
    """The gateway that shows a certificate of this SHA-256 now; a stranger when it ran out or was revoked.

    It speaks for the machines of its hospital: it is a client there, and sees what a modality of the place sees.
    """
    now = timezone.now()
    row = (
        Certificate.objects.filter(digest=digest, ends_at__gt=now, revoked_at__isnull=True)
        .filter(gateway__revoked_at__isnull=True)
        .select_related("gateway")
        .first()
    )
    if row is None:
        return STRANGER
    found = row.gateway
    return Actor(
        kind="client", id=found.id, name=found.name, address=address, scopes=GATEWAY_SCOPES,
        held=(Held("client", found.place_id), Held("modality", found.place_id)),
    )  # fmt: skip


def gateways(*, viewer: Actor) -> QuerySet[Gateway]:
    """The gateways, the newest first, each with `valid_until`, the end of its last certificate."""
    last = Max("certificates__ends_at", filter=Q(certificates__revoked_at__isnull=True))
    rows = _visible_gateways(viewer).select_related("place").annotate(**{"valid_until": last})  # declared by the model
    return rows.order_by("-created_at")


def silent_gateways(*, viewer: Actor) -> QuerySet[Gateway]:
    """The gateways that joined and have been silent for too long since."""
    before = timezone.now() - settings.LINE_SILENCE
    return _visible_gateways(viewer).filter(seen_at__lte=before, revoked_at__isnull=True).order_by("seen_at")


def _visible_gateways(viewer: Actor) -> QuerySet[Gateway]:
    """Gateways are known to the administrators of their place, and to those of the country."""
    rows = Gateway.objects.all()
    if viewer.is_system or any(held.role == "administrator" and held.place is None for held in viewer.held):
        return rows
    return rows.filter(place__in=viewer.places("administrator"))


def channels(*, viewer: Actor) -> list[Channel]:
    """By which channels this instance sends anything."""
    ready = {Channel.EMAIL: settings.SMTP_HOST, Channel.SMS: settings.SMS_GATEWAY}
    return [channel for channel, how in ready.items() if how]


def _visible_messages(viewer: Actor) -> QuerySet[Message]:
    """What people are told is theirs alone."""
    rows = Message.objects.all()
    if viewer.is_system:
        return rows
    return rows.filter(person=viewer.id) if viewer.id and viewer.held else rows.none()


def messages(*, viewer: Actor, unread: bool = False) -> QuerySet[Message]:
    """What the viewer was told, with what could not be sent as `lost`."""
    lost = Prefetch("sendings", Sending.objects.filter(state=Sending.State.GIVEN_UP), to_attr="lost")
    rows = _visible_messages(viewer).prefetch_related(lost)
    return rows.filter(read_at__isnull=True) if unread else rows


def unread_messages(*, viewer: Actor) -> tuple[int, bool]:
    """How many messages the viewer has not read, and whether one of them is urgent."""
    rows = _visible_messages(viewer).filter(read_at__isnull=True)
    found = rows.aggregate(unread=Count("id"), urgent=Count("id", filter=Q(urgent=True)))
    return found["unread"], found["urgent"] > 0


def _visible_reaches(viewer: Actor) -> QuerySet[Reach]:
    """Where people are reached is known to themselves, and to what sends there."""
    rows = Reach.objects.select_related("person")
    if viewer.is_system:
        return rows
    return rows.filter(person=viewer.id) if viewer.id and viewer.held else rows.none()


def reaches(*, viewer: Actor) -> dict[str, Reach]:
    """Where the viewer is reached, by channel."""
    return {row.channel: row for row in _visible_reaches(viewer).filter(person=viewer.id)}


def reach(key: UUID, *, viewer: Actor) -> Reach | None:
    """Where somebody is reached, or None when that was withdrawn."""
    return _visible_reaches(viewer).filter(id=key).first()


def waits_for_code(reach: Reach, *, viewer: Actor) -> bool:
    """Whether a code that was made for an address may still come back."""
    try:
        check_code_holds(reach.code_at, reach.code_tries, now=timezone.now())
    except CodeVoid:
        return False
    return viewer.is_system or reach.person_id == viewer.id


def sending(key: UUID, *, viewer: Actor) -> Sending:
    """One message on its way out."""
    row = _visible_sendings(viewer).select_related("message__person").filter(id=key).first()
    if row is None:
        raise NotFound
    return row


def address_of(sending: Sending, *, viewer: Actor) -> str:
    """Where a message goes now; empty when the channel was closed, or its address not confirmed."""
    rows = _visible_reaches(viewer).filter(
        person=sending.message.person_id, person__is_active=True, channel=sending.channel, active=True,
        confirmed_at__isnull=False,
    )  # fmt: skip
    return rows.values_list("address", flat=True).first() or ""


def _visible_sendings(viewer: Actor) -> QuerySet[Sending]:
    """How messages go out is for what sends them, and for those who run the instance."""
    rows = Sending.objects.all()
    return rows if viewer.roles & {"administrator", "system"} else rows.none()


def sendings_by_channel(*, viewer: Actor) -> dict[str, dict[str, int]]:
    """How many messages wait, failed for now and were given up, for every channel that sends anything."""
    counted = {channel.value: {"waiting": 0, "failed": 0, "given_up": 0} for channel in channels(viewer=viewer)}
    rows = _visible_sendings(viewer).exclude(state__in=(Sending.State.SENT, Sending.State.UNNEEDED))
    for channel, state, number in rows.order_by().values_list("channel", "state").annotate(number=Count("id")):
        counted.setdefault(channel, {"waiting": 0, "failed": 0, "given_up": 0})[state] = number
    return counted


def given_up_lately(*, viewer: Actor) -> int:
    """How many messages could not be sent that had been due since the day before they were given up at the latest."""
    since = timezone.now() - datetime.timedelta(days=1, hours=settings.MESSAGE_HOURS)
    return _visible_sendings(viewer).filter(state=Sending.State.GIVEN_UP, due_at__gt=since).count()
