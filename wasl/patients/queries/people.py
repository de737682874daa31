"""One person, several, and what is known of them; for the record too."""

from collections.abc import Iterable
from uuid import UUID

from django.db.models import Case, F, Prefetch, Q, QuerySet, Value, When

from wasl.kernel.access import Actor
from wasl.kernel.errors import NotFound
from wasl.patients import rules
from wasl.patients.models import Access, CareRelationship, Patient, SourceIdentity
from wasl.patients.queries.access import _visible_relations, require_ground


def _visible(viewer: Actor) -> QuerySet[Patient]:
    """Who may look for people sees who they are; others see only those whose record is open to them."""
    if viewer.is_system or viewer.roles & rules.CLINICAL:
        return Patient.objects.all()
    return Patient.objects.filter(id__in=_visible_relations(viewer).values("patient"))


def patient(key: UUID, *, viewer: Actor) -> Patient:
    """Who one person is; the record itself needs a ground besides. Raises NotFound."""
    found = _visible(viewer).filter(id=key).first()
    if found is None:
        raise NotFound
    return found


def identities_of(keys: Iterable[UUID], *, viewer: Actor) -> dict[UUID, Patient]:
    """Who several people are, by key; for lists whose owner has already seen to it that the viewer may see them."""
    if not viewer.held:
        return {}
    return Patient.objects.in_bulk(set(keys))


def numbers_of(patient: UUID, *, viewer: Actor) -> list[SourceIdentity]:
    """The numbers by which others know a person, on a ground."""
    require_ground(patient, viewer=viewer)
    rows = SourceIdentity.objects.filter(patient__head__files=patient)
    return list(rows.select_related("place").order_by("kind", "created_at"))


def relations(patient: UUID, *, viewer: Actor) -> list[CareRelationship]:
    """What opens the record to the viewer now, last begun first."""
    found = _visible_relations(viewer).filter(patient__head__files=patient, copy_of__isnull=True)
    return list(found.select_related("place").order_by("-starts_at"))


def accesses(patient: UUID, *, viewer: Actor) -> QuerySet[Access]:
    """Who looked at what of a person, last first, on a ground; `who` is empty of others who reviewed a report.

    Whoever reviews is not known to whom they review. The line itself names them, and stays.
    """
    require_ground(patient, viewer=viewer)
    hidden = Q() if viewer.is_system else Q(ground="review") & ~Q(actor=str(viewer))
    who = Case(When(hidden, then=Value("")), default=F("actor_name")) if hidden else F("actor_name")
    return Access.objects.filter(patient__head__files=patient).annotate(who=who).order_by("-created_at")


def looks(*, viewer: Actor) -> QuerySet[Access]:
    """What the viewer looked at on a ground that opens a record, to be asked about within a larger question."""
    return Access.objects.filter(actor=str(viewer)).exclude(ground__in=("review", "none"))


def patient_for_record(key: UUID) -> Patient:
    """One person with all numbers, for the record."""
    return _whole().get(id=key)


def patients_for_record(keys: Iterable[UUID]) -> dict[UUID, Patient]:
    """Several people as the record says them, by their keys."""
    return _whole().in_bulk(list(keys))


def _whole() -> QuerySet[Patient]:
    numbers = Prefetch("files__identities", SourceIdentity.objects.select_related("place").order_by("created_at", "id"))
    return Patient.objects.select_related("region").prefetch_related("files", numbers)


def every_patient() -> Iterable[UUID]:
    """The key of every person, for the record."""
    return Patient.objects.values_list("id", flat=True).iterator()
