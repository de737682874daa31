"""On which ground a viewer may open a patient's record, if on any."""

from collections.abc import Iterable
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone

from wasl.kernel.access import Actor
from wasl.patients import rules
from wasl.patients.models import CareRelationship

# the first that holds is the one that is logged: emergency access never hides behind nothing else
GROUNDS = ("care", "card", "given", "break_glass")
REVIEW = CareRelationship.Ground.REVIEW  # opens no record: images of one exam, without what names its reader


def caring_places(*, viewer: Actor) -> frozenset[UUID]:
    """The places through which records are open to the viewer: those of a clinical post, or of a machine client."""
    return viewer.places(*rules.CLINICAL, "client")


def _visible_relations(viewer: Actor) -> QuerySet[CareRelationship]:
    """The relations in force now that open a record to the viewer, through a place or in person."""
    now = timezone.now()
    mine = Q(place__in=caring_places(viewer=viewer), person__isnull=True)
    if viewer.id is not None and viewer.held:
        mine |= Q(person=viewer.id)
    in_force = CareRelationship.objects.filter(mine, starts_at__lte=now).filter(Q(ends_at=None) | Q(ends_at__gt=now))
    return in_force.exclude(ground=REVIEW)


def ground(patient: UUID, *, viewer: Actor) -> str | None:
    """The ground on which the viewer may open this patient's record now; None when there is none."""
    if viewer.is_system:
        return "system"
    held = set(_visible_relations(viewer).filter(patient=patient).values_list("ground", flat=True))
    return next((name for name in GROUNDS if name in held), None)


def grounds_of(patients: Iterable[UUID], *, viewer: Actor) -> dict[UUID, str]:
    """The ground on which the viewer may open each of these records; who is not there is closed."""
    held = set(_visible_relations(viewer).filter(patient__in=list(patients)).values_list("patient", "ground"))
    return {patient: ground for ground in reversed(GROUNDS) for patient, name in held if name == ground}


def require_ground(patient: UUID, *, viewer: Actor) -> str:
    """The ground on which the viewer may open this record. Raises NoGround."""
    found = ground(patient, viewer=viewer)
    if found is None:
        raise rules.NoGround
    return found


def is_reviewing(study: UUID, *, viewer: Actor) -> bool:
    """Whether the viewer reviews the report of a study now, and may see its images without knowing who read them."""
    return study in reviewed_studies(viewer=viewer)


def reviewed_studies(*, viewer: Actor) -> frozenset[UUID]:
    """The studies whose report the viewer reviews now: neither it nor its reader is for them to know."""
    now = timezone.now()
    rows = CareRelationship.objects.filter(ground=REVIEW, person=viewer.id, person__isnull=False)
    sources = rows.filter(starts_at__lte=now, ends_at__gt=now).values_list("source", flat=True)
    return frozenset(study for study in sources if study)


def opened(*, viewer: Actor) -> "QuerySet[CareRelationship, UUID]":
    """The keys of all patients whose record is open to the viewer now, to be asked about within a larger question."""
    return _visible_relations(viewer).values_list("patient", flat=True)
