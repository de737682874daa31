"""What acts are paid, and which are held: whoever sees an act sees what it is paid."""

import datetime
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count, Exists, F, OuterRef, Prefetch, Q, QuerySet
from django.db.models import Sum as Total

from wasl.contracts.models import Act, Fee, Hold, Session
from wasl.contracts.queries.acts import acts
from wasl.contracts.rules.sessions import midnight
from wasl.kernel.access import Actor
from wasl.places import queries as places


def paid_acts(month: datetime.date, *, viewer: Actor) -> QuerySet[Act]:
    """The acts of a month (its first day) for other hospitals, each with its fee (`paid`, none or one) and its hold."""
    fees = Fee.objects.filter(taken_back_at__isnull=True).select_related("price__scale", "session")
    return (
        _remote(month, viewer)
        .select_related("hold", "reader", "provider", "beneficiary")
        .prefetch_related(Prefetch("fees", fees, to_attr="paid"))
    )


@dataclass(frozen=True)
class Sum:
    """What one hospital's readers did for another in a month: acts, how many of them are paid, and what in all."""

    provider: str
    beneficiary: str
    acts: int
    paid: int
    amount: int


def sums(month: datetime.date, *, viewer: Actor) -> list[Sum]:
    """The acts and the money of a month by pair of hospitals; two queries in all."""
    standing = Q(fees__isnull=False, fees__taken_back_at__isnull=True)
    rows = list(
        _remote(month, viewer)
        .values_list("provider", "beneficiary")
        .annotate(
            acts=Count("id", distinct=True), paid=Count("fees", filter=standing),
            amount=Total("fees__price__amount", filter=standing, default=0),
        )
    )  # fmt: skip
    names = {one.id: one.name for one in places.places(viewer=viewer, ids={key for row in rows for key in row[:2]})}
    found = [Sum(names[provider], names[beneficiary], *counts) for provider, beneficiary, *counts in rows]
    return sorted(found, key=lambda one: (one.provider, one.beneficiary))


def is_invented(month: datetime.date, *, viewer: Actor) -> bool:
    """Whether an act of a month is paid by a scale whose amounts are an example."""
    return Fee.objects.filter(
        act__in=_remote(month, viewer), taken_back_at__isnull=True, price__scale__invented=True
    ).exists()


def held(*, viewer: Actor) -> QuerySet[Hold]:
    """The acts that wait for a decision, of those that the viewer may see."""
    rows = Hold.objects.filter(decision=Hold.Decision.OPEN, act__in=acts(viewer=viewer))
    return rows.select_related("act__reader", "act__provider", "act__beneficiary")


def acts_to_decide(*, viewer: Actor) -> QuerySet[Hold]:
    """The held acts of which this chief decides."""
    return held(viewer=viewer).filter(act__provider__in=viewer.places("chief")).exclude(act__reader=viewer.id)


def held_readings(*reasons: str, viewer: Actor) -> list[UUID]:
    """The readings whose acts are held for one of these reasons."""
    return list(held(viewer=viewer).filter(reason__in=reasons).values_list("act__reading", flat=True))


def readings_of_session(key: UUID, *, viewer: Actor) -> list[UUID]:
    """The readings that a reader signed for the provider in the hours of a session."""
    session = Session.objects.get(id=key)
    done = acts(viewer=viewer).filter(
        reader=session.reader_id, provider=session.provider_id, done_at__gte=session.period.lower,
        done_at__lt=session.period.upper,
    )  # fmt: skip
    return list(done.values_list("reading", flat=True).distinct())


def _remote(month: datetime.date, viewer: Actor) -> QuerySet[Act]:
    """The acts that count (none of them taken back) of a month, done for another hospital than the reader's."""
    since, until = midnight(month), midnight((month + datetime.timedelta(days=31)).replace(day=1))
    taken_back = Act.objects.filter(reading=OuterRef("reading"), turn__gt=OuterRef("turn"))
    return (
        acts(viewer=viewer)
        .filter(~Exists(taken_back), number=1, done_at__gte=since, done_at__lt=until)
        .exclude(provider=F("beneficiary"))
    )
