"""Blocks of numbers that are set aside for places, and what is left of each."""

from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from wasl.kernel.access import Actor
from wasl.kernel.errors import NotFound
from wasl.patients.models import NumberBlock, WaslNumber

HANDLE = ("registrar", "requester", "radiographer", "administrator")


@dataclass(frozen=True)
class Block:
    """A block, and how many of its numbers were given, and are left to be."""

    block: NumberBlock
    given: int
    left: int


def _visible(viewer: Actor) -> QuerySet[NumberBlock]:
    """The blocks of the places where the viewer registers patients; who administers for the country sees all."""
    rows = NumberBlock.objects.select_related("place")
    if viewer.is_system or any(held.role == "administrator" and held.place is None for held in viewer.held):
        return rows
    return rows.filter(place__in=viewer.places(*HANDLE))


def blocks(*, viewer: Actor, place: UUID | None = None) -> list[Block]:
    """Blocks with what is left of them, the latest first; nothing is left of one that was withdrawn."""
    rows = _visible(viewer).annotate(given=Count("numbers", filter=Q(numbers__patient__isnull=False)))
    rows = rows.filter(place=place) if place else rows
    return [Block(row, row.given, 0 if row.withdrawn_at else row.size - row.given) for row in rows.order_by("-id")]


def numbers_left(block: UUID, *, viewer: Actor) -> list[str]:
    """The numbers of a block that nobody has yet; none of one that was withdrawn. Raises NotFound."""
    found = _visible(viewer).filter(id=block).first()
    if found is None:
        raise NotFound
    if found.withdrawn_at:
        return []
    rows = WaslNumber.objects.filter(block=found, patient=None)
    return list(rows.order_by("number").values_list("number", flat=True))
