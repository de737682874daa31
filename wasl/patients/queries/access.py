"""On which ground a viewer may open a patient's record, if on any."""

from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone

from wasl.kernel.access import Actor
from wasl.patients import rules
from wasl.patients.models import CareRelationship

# the first that holds is the one that is logged: emergency access never hides behind nothing else
ORDER = ("care", "card", "given", "break_glass")


def _visible_relations(viewer: Actor) -> QuerySet[CareRelationship]:
    """The relations in force now that open a record to the viewer, through a place or in person."""
    now = timezone.now()
    clinical = viewer.places(*rules.CLINICAL, "client")
    mine = Q(place__in=clinical, person__isnull=True)
    if viewer.id is not None and viewer.held:
        mine |= Q(person=viewer.id)
    return CareRelationship.objects.filter(mine, starts_at__lte=now).filter(Q(ends_at=None) | Q(ends_at__gt=now))


def ground(patient: UUID, *, viewer: Actor) -> str | None:
    """The ground on which the viewer may open this patient's record now; None when there is none."""
    if viewer.is_system:
        return "system"
    held = set(_visible_relations(viewer).filter(patient=patient).values_list("ground", flat=True))
    return next((name for name in ORDER if name in held), None)


def require_ground(patient: UUID, *, viewer: Actor) -> str:
    """The ground on which the viewer may open this record. Raises NoGround."""
    found = ground(patient, viewer=viewer)
    if found is None:
        raise rules.NoGround
    return found


def opened(*, viewer: Actor) -> "QuerySet[CareRelationship, UUID]":
    """The keys of all patients whose record is open to the viewer now, to be asked about within a larger question."""
    return _visible_relations(viewer).values_list("patient", flat=True)
