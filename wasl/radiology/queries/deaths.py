"""Orders of people of whom the civil register says that they died, or says so no longer."""

from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet

from wasl.kernel.access import Actor
from wasl.patients import queries as patients
from wasl.radiology.models import Link, Order
from wasl.radiology.rules import ordering as rules


def _visible(viewer: Actor) -> QuerySet[Order]:
    """What follows from a death is for Wasl itself; each order has its own page for those who see it."""
    return Order.objects.all() if viewer.is_system else Order.objects.none()


def unbegun_orders(patient: UUID, *, viewer: Actor) -> QuerySet[Order]:
    """The orders of a person, in all their files, for which nothing was made yet."""
    imaged = Link.objects.filter(order=OuterRef("pk"), undone_at__isnull=True)
    rows = _visible(viewer).filter(patient__in=patients.same_person(patient, viewer=viewer))
    return rows.filter(~Exists(imaged), state__in=(Order.State.SENT, Order.State.VETTING))


def cancelled_for_death(patient: UUID, *, viewer: Actor) -> list[Order]:
    """The orders of a person that were cancelled because the register said that they had died."""
    rows = _visible(viewer).filter(patient__in=patients.same_person(patient, viewer=viewer))
    return list(rows.filter(state=Order.State.CANCELLED, cancelled_because=rules.DIED).order_by("created_at"))
