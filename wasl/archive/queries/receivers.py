"""Systems outside that take copies without names, and how far the copies of a release are on their way to them."""

from uuid import UUID

from django.db.models import Count, Q, QuerySet

from wasl.archive import rules
from wasl.archive.models import Receiver, Release, Sending, SentCopy
from wasl.archive.queries.releases import may_open, release
from wasl.kernel.access import Actor


def _visible(viewer: Actor) -> QuerySet[Receiver]:
    """The receivers of the places whose data steward one is."""
    rows = Receiver.objects.select_related("place")
    return rows if viewer.is_system else rows.filter(place__in=viewer.places("steward"))


def receivers(*, viewer: Actor) -> QuerySet[Receiver]:
    """The receivers in use of one's own places, by name."""
    return _visible(viewer).filter(active=True).order_by("name")


def sending(key: UUID, *, viewer: Actor) -> Sending:
    """One sending with its release and receiver, for Wasl itself and the stewards."""
    rows = Sending.objects.select_related("release__project__place", "receiver")
    row = rows.filter(id=key, receiver__in=_visible(viewer)).first()
    if row is None:
        raise rules.receivers.NoSuchReceiver
    return row


def sendings(key: UUID, *, viewer: Actor) -> QuerySet[Sending]:
    """Where the copies of a release were sent, for who may take them: how many are there, and how many were refused."""
    row: Release = release(key, viewer=viewer)
    rows = Sending.objects.filter(release=row) if may_open(row, viewer=viewer) else Sending.objects.none()
    return rows.select_related("receiver").order_by("created_at").annotate(
        taken=Count("copies", filter=Q(copies__refused="")), refused=Count("copies", filter=~Q(copies__refused="")),
    )  # fmt: skip


def refused_copies(key: UUID, *, viewer: Actor) -> QuerySet[SentCopy]:
    """The copies of a release that a receiver does not take, and why, for who may take them away."""
    return SentCopy.objects.filter(sending__in=sendings(key, viewer=viewer)).exclude(refused="").order_by("name")


def answered_copies(key: UUID, *, viewer: Actor) -> set[str]:
    """The names of the copies of which the receiver of a sending has said something."""
    return set(SentCopy.objects.filter(sending=sending(key, viewer=viewer)).values_list("name", flat=True))
