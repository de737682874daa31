"""Conversations about cases: open to the doctors of both sides who may open the case itself."""

from uuid import UUID

from django.db.models import Max, Q, QuerySet

from wasl.accounts import queries as accounts
from wasl.kernel.access import Actor, once
from wasl.kernel.errors import NotFound
from wasl.radiology.models import Order, Reading, Region, Remark, RemarkSeen, Report
from wasl.radiology.queries.orders import _visible as _visible_orders
from wasl.radiology.queries.reading import _visible_readings
from wasl.radiology.rules.conversation import TALKERS, state


def _visible_cases(viewer: Actor) -> QuerySet[Order]:
    """The orders that a doctor sees, or of which a case is in the hands of a reader whom the doctor heads."""
    rows = Order.objects.select_related("procedure", "place", "requester")
    if viewer.is_system:
        return rows
    if viewer.kind != "person" or not TALKERS & viewer.roles:
        return rows.none()
    seen = Q(id__in=_visible_orders(viewer).values("id")) | Q(id__in=_visible_readings(viewer).values("order"))
    return rows.filter(seen)


def may_talk(order: UUID, *, viewer: Actor) -> bool:
    """Whether the viewer has a part in the conversation about an order's case."""
    return _visible_cases(viewer).filter(id=order).exists()


def talked_of(order: UUID, *, viewer: Actor) -> Order:
    """The order that a conversation is about. Raises NotFound for who has no part in it."""
    found = once(("talked_of", order, viewer), lambda: _visible_cases(viewer).filter(id=order).first())
    if found is None:
        raise NotFound
    return found


def remarks(order: UUID, *, viewer: Actor) -> list[Remark]:
    """What was said about a case, the first first."""
    about = talked_of(order, viewer=viewer)
    return list(Remark.objects.filter(order=about).select_related("author", "callee").order_by("number"))


def last_remark(order: UUID, *, viewer: Actor) -> int:
    """The number of the last remark about a case; 0 where nothing was said."""
    about = talked_of(order, viewer=viewer)
    return Remark.objects.filter(order=about).aggregate(last=Max("number"))["last"] or 0


def seen_by(order: UUID, *, viewer: Actor) -> dict[int, list[RemarkSeen]]:
    """Who saw each remark, by its number: of each person the mark by which they saw it first."""
    about = talked_of(order, viewer=viewer)
    marks: dict[int, list[RemarkSeen]] = {}
    last: dict[UUID, int] = {}
    for mark in RemarkSeen.objects.filter(order=about).select_related("person").order_by("upto", "created_at"):
        for number in range(last.get(mark.person_id, 0) + 1, mark.upto + 1):
            marks.setdefault(number, []).append(mark)
        last[mark.person_id] = mark.upto
    return marks


def state_of_talk(order: UUID, *, viewer: Actor) -> str:
    """What changes when something is said or seen."""
    about = talked_of(order, viewer=viewer)
    return state(last_remark(order, viewer=viewer), RemarkSeen.objects.filter(order=about).count())


def people_of_case(order: UUID, *, viewer: Actor) -> list[UUID]:
    """Who has a part in a case: who asked, who reads it or a region of it, who signed, and who spoke about it."""
    about = talked_of(order, viewer=viewer)
    people = {about.requester_id}
    reading = Reading.objects.filter(order=about, claimed_by__isnull=False).values_list("claimed_by", flat=True)
    parts = Region.objects.filter(reading__order=about, state__in=("claimed", "handed_in", "merged"))
    people |= {key for key in (*reading, *parts.values_list("reader", flat=True)) if key}
    people |= set(Report.objects.filter(reading__order=about, state="signed").values_list("author", flat=True))
    people |= set(Remark.objects.filter(order=about).values_list("author", flat=True))
    return sorted(people)


def may_be_called(order: UUID, *, viewer: Actor) -> dict[UUID, str]:
    """The others of a case, by name: whom the viewer may say to have called."""
    people = accounts.names(people_of_case(order, viewer=viewer), viewer=viewer)
    return {key: name for key, name in people.items() if key != viewer.id}


def first_unseen(order: UUID, *, person: UUID, viewer: Actor) -> UUID | None:
    """The first remark of others that a person has not seen; what they are told of until they look."""
    if not viewer.is_system:
        return None
    seen = RemarkSeen.objects.filter(order=order, person=person).aggregate(last=Max("upto"))["last"] or 0
    rows = Remark.objects.filter(order=order, number__gt=seen).exclude(author=person).order_by("number")
    return rows.values_list("id", flat=True).first()
