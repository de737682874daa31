"""Case conferences: for who called them, who is invited, and who joined; cases only where the record is open to one."""

from collections.abc import Collection
from uuid import UUID

from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet

from wasl.accounts import queries as accounts
from wasl.archive import queries as archive
from wasl.kernel.access import SYSTEM, Actor
from wasl.kernel.errors import NotFound
from wasl.patients import queries as patients
from wasl.radiology.models import Conference, ConferenceCase, Invitation, Link, Order, Seat
from wasl.radiology.queries.orders import order as one_order
from wasl.radiology.rules import conferences as rules


def _visible_conferences(viewer: Actor) -> QuerySet[Conference]:
    """Conferences to which a doctor is invited, by name or with their hospital, and those that they joined."""
    invited = Invitation.objects.select_related("place", "person").order_by("created_at")
    rows = Conference.objects.select_related("place", "convener").prefetch_related(Prefetch("invitations", invited))
    if viewer.is_system:
        return rows
    if viewer.kind != "person" or viewer.id is None or not rules.DOCTORS & viewer.roles:
        return rows.none()
    asked = Q(person=viewer.id) | Q(place__in=viewer.places(*rules.DOCTORS))
    mine = Invitation.objects.filter(asked, conference=OuterRef("pk"))
    joined = Seat.objects.filter(person=viewer.id, conference=OuterRef("pk"))
    return rows.filter(Q(Exists(mine)) | Q(Exists(joined)))


def conferences(*, viewer: Actor, closed: bool = False) -> QuerySet[Conference]:
    """The conferences that are still open, or those that are closed."""
    return _visible_conferences(viewer).filter(closed_at__isnull=not closed)


def conference(key: UUID, *, viewer: Actor) -> Conference:
    """One conference. Raises NotFound for who is not invited."""
    found = _visible_conferences(viewer).filter(id=key).first()
    if found is None:
        raise NotFound
    return found


def has_joined(conference: UUID, *, viewer: Actor) -> bool:
    """Whether the viewer joined a conference."""
    return viewer.id is not None and Seat.objects.filter(conference=conference, person=viewer.id).exists()


def joined(key: UUID, *, viewer: Actor) -> dict[UUID, str]:
    """Who joined a conference that the viewer may see, by name, the first first."""
    rows = Seat.objects.filter(conference=conference(key, viewer=viewer)).select_related("person")
    return {row.person_id: row.person.name for row in rows.order_by("created_at")}


def joinable_conferences(*, viewer: Actor) -> QuerySet[Conference]:
    """The open conferences that the viewer joined, to which they may bring cases; the next first."""
    rows = conferences(viewer=viewer).filter(seats__person=viewer.id)
    return rows.order_by("starts_at", "id")


def _visible_cases_of_conferences(viewer: Actor) -> QuerySet[ConferenceCase]:
    """Cases of conferences whose patient's record is open to the viewer."""
    rows = ConferenceCase.objects.select_related(
        "order__procedure", "order__place", "study", "presenter", "decided_by", "conference__place"
    ).prefetch_related("images")
    return rows if viewer.is_system else rows.filter(order__patient__in=patients.opened(viewer=viewer))


def cases_of_conference(key: UUID, *, viewer: Actor) -> list[ConferenceCase]:
    """The cases of a conference in their order, of those whose record is open to the viewer."""
    found = conference(key, viewer=viewer)
    return list(_visible_cases_of_conferences(viewer).filter(conference=found).order_by("number"))


def conference_case(key: UUID, *, viewer: Actor) -> ConferenceCase:
    """One case of a conference that the viewer may see."""
    found = _visible_cases_of_conferences(viewer).filter(id=key).first()
    if found is None or not _visible_conferences(viewer).filter(id=found.conference_id).exists():
        raise NotFound
    return found


def conference_cases_of(order: UUID, *, viewer: Actor) -> list[ConferenceCase]:
    """To which conferences an order's images were brought and what was decided, for all to whom the record is open."""
    found = one_order(order, viewer=viewer)
    return list(_visible_cases_of_conferences(viewer).filter(order=found).order_by("created_at"))


def may_bring(order: Order, *, viewer: Actor) -> bool:
    """Whether a doctor to whom the record is open may bring an order's images to a conference."""
    if not rules.DOCTORS & viewer.roles or not patients.ground(order.patient_id, viewer=viewer):
        return False
    return Link.objects.filter(order=order, undone_at__isnull=True).exists()


def series_of_images(study: UUID, uids: Collection[str], *, viewer: Actor) -> dict[str, tuple[str, int]]:
    """Of which series each image of a study that the viewer sees is, and how many frames it has."""
    rows = archive.instances_of(study, viewer=viewer).filter(uid__in=uids)
    return {row.uid: (row.series.uid, row.frames) for row in rows}


def doctors_among(people: Collection[UUID], *, viewer: Actor) -> set[UUID]:
    """Those of some people who are doctors somewhere now."""
    return {key for key in people if rules.DOCTORS & accounts.actor_of(key).roles} if viewer.held else set()


def people_invited(key: UUID, *, viewer: Actor) -> list[UUID]:
    """Whom an invitation concerns: the doctors named, and the heads of department of the hospitals invited."""
    found = conference(key, viewer=viewer)
    every: set[UUID] = set()
    for row in found.invitations.all():
        if row.person_id:
            every.add(row.person_id)
        elif row.place_id:
            every |= {person.id for person in accounts.holders("chief", place=row.place_id, viewer=SYSTEM)}
    return sorted(every - {found.convener_id})
