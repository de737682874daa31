"""What may be asked about members and their messages; nothing here shows what a message says of a patient."""

import contextlib
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from django.db.models import Aggregate, Count, DurationField, F, Min, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from wasl.accounts import queries as accounts
from wasl.exchange import rules
from wasl.exchange.models import Member as Member
from wasl.exchange.models import Message as Message
from wasl.kernel.access import Actor
from wasl.kernel.errors import NotAllowed, NotFound, Refused

LATELY = timedelta(hours=24)
State = Message.State


class _Percentile(Aggregate):
    """A percentile of durations, as PostgreSQL's percentile_cont has it."""

    template = "percentile_cont(%(share)s) within group (order by %(expressions)s)"
    output_field = DurationField()


class Open(NamedTuple):
    """How many messages of a member wait, and are parked, and for how long the oldest waits."""

    name: str
    place_code: str
    waiting: int
    parked: int
    oldest: timedelta


def _visible(viewer: Actor) -> QuerySet[Member]:
    """The members of the places where the viewer administers, or looks after identities; for the country, all."""
    rows = Member.objects.select_related("place")
    if viewer.is_system or any(held.role in rules.DECIDERS and held.place is None for held in viewer.held):
        return rows
    return rows.filter(place__in=viewer.places(*rules.DECIDERS))


def require_decider(*, viewer: Actor) -> None:
    """Members and their messages are for administrators and data stewards."""
    if not (viewer.roles & rules.DECIDERS or viewer.is_system):
        raise NotAllowed


def members(*, viewer: Actor) -> QuerySet[Member]:
    """Members with how many of their messages wait (`waiting`), and are parked (`parked`)."""
    require_decider(viewer=viewer)
    return _visible(viewer).annotate(waiting=_counted(State.WAITING), parked=_counted(State.PARKED))


def _counted(state: str) -> Coalesce:
    counted = Message.objects.filter(member=OuterRef("pk"), state__in=(State.WAITING, State.PARKED))
    one = counted.filter(state=state).order_by().values("member").annotate(count=Count("id")).values("count")
    return Coalesce(Subquery(one), 0)


def member(key: UUID, *, viewer: Actor) -> Member:
    """One member, by key."""
    found = members(viewer=viewer).filter(id=key).first()
    if found is None:
        raise NotFound
    return found


def sender(application: str, facility: str, *, address: str, viewer: Actor) -> tuple[Member, Actor] | None:
    """The member that names itself so and may call from this address, and as whom it acts; None where there is none."""
    found = _visible(viewer).filter(application=application, facility=facility, revoked_at=None).first()
    if found is None or not rules.comes_from(address, found.addresses):
        return None
    return found, accounts.actor_of_client(found.client_id, address=address)


def messages(member: UUID, *, viewer: Actor, state: str = "") -> QuerySet[Message]:
    """The messages of a member, in a state if one is named; without what they say."""
    require_decider(viewer=viewer)
    rows = Message.objects.filter(member__in=_visible(viewer).filter(id=member).values("id"))
    rows = rows.defer("raw", "said", "numbers").select_related("member__place")
    return rows.filter(state=state) if state in State else rows


def parked_messages(*, viewer: Actor) -> QuerySet[Message]:
    """The messages that wait for a person, of every member that the viewer sees."""
    require_decider(viewer=viewer)
    rows = Message.objects.filter(member__in=_visible(viewer).values("id"), state=State.PARKED)
    return rows.defer("raw", "said", "numbers")


def message(key: UUID, *, viewer: Actor) -> Message:
    """One message, by key, without what it says."""
    require_decider(viewer=viewer)
    rows = Message.objects.filter(member__in=_visible(viewer).values("id")).defer("raw", "said", "numbers")
    found = rows.select_related("member__place").filter(id=key).first()
    if found is None:
        raise NotFound
    return found


def lately(member: UUID, *, viewer: Actor) -> dict[str, object]:
    """Of a member's messages of the last day: how many were `done`, and how long half and 95 % of them took at most."""
    rows = messages(member, viewer=viewer).filter(created_at__gt=timezone.now() - LATELY, state=State.DONE)
    took = F("settled_at") - F("created_at")
    return rows.order_by().aggregate(
        done=Count("id"), half=_Percentile(took, share=0.5), most=_Percentile(took, share=0.95)
    )


def open_messages(*, viewer: Actor) -> list[Open]:
    """What is not done of each member that is not revoked, by its name."""
    now = timezone.now()
    rows = _visible(viewer).filter(revoked_at=None).annotate(
        waits=Count("messages", filter=Q(messages__state=State.WAITING)),
        stands=Count("messages", filter=Q(messages__state=State.PARKED)),
        since=Min("messages__created_at", filter=Q(messages__state=State.WAITING)),
    )  # fmt: skip
    return [
        Open(row.name, row.place.code, row.waits, row.stands, now - (row.since or now)) for row in rows.order_by("name")
    ]


def sentence_of(code: str, *, viewer: Actor) -> str:
    """What people read of the refusal that parked a message, in the language in force."""
    pending: list[type[Refused]] = [Refused]
    while pending:
        kind = pending.pop()
        if kind.__name__ == code:
            with contextlib.suppress(KeyError):  # its values are not kept: they may name a patient
                return kind().sentence
        pending += kind.__subclasses__()
    return code
