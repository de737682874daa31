"""Studies, and who sees them: those of one's own places, and those of patients whose record is open to one."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db.models import Q, QuerySet

from wasl.archive import rules
from wasl.archive.models import Conflict, Instance, Series, Study
from wasl.kernel.access import Actor
from wasl.patients import queries as patients


def _visible(viewer: Actor) -> QuerySet[Study]:
    """Studies with an image: of patients whose record is open to the viewer, and those of nobody where they are made.

    A modality or workstation finds what its own place holds.
    """
    rows = Study.objects.filter(instance_count__gt=0)
    if viewer.is_system:
        return rows
    nobodys_here = Q(patient__isnull=True, place__in=viewer.places(*rules.IMAGING))
    opened = Q(patient__in=patients.opened(viewer=viewer))
    return rows.filter(nobodys_here | opened | Q(place__in=viewer.places("modality")))


def studies(*, viewer: Actor) -> QuerySet[Study]:
    """Every study that the viewer sees, its place with it."""
    return _visible(viewer).select_related("place")


def study(key: UUID, *, viewer: Actor) -> Study:
    """One study by key."""
    return _one(studies(viewer=viewer).filter(id=key))


def study_by_uid(uid: str, *, viewer: Actor) -> Study:
    """One study by its Study Instance UID."""
    return _one(studies(viewer=viewer).filter(uid=uid))


def studies_of(patient: UUID, *, viewer: Actor) -> QuerySet[Study]:
    """A patient's studies from every hospital, latest first; the viewer needs a ground."""
    patients.require_ground(patient, viewer=viewer)
    return Study.objects.filter(patient=patient, instance_count__gt=0).select_related("place").order_by("-started_at")


def nobodys(*, viewer: Actor) -> QuerySet[Study]:
    """Studies that belong to no patient yet, latest arrival first."""
    return studies(viewer=viewer).filter(patient__isnull=True).order_by("-last_arrival_at")


def series_of(study: UUID, *, viewer: Actor) -> QuerySet[Series]:
    """The series of a study in their order."""
    rows = Series.objects.filter(study__in=_visible(viewer).filter(id=study), instance_count__gt=0)
    return rows.order_by("number", "uid")


def instances_of(study: UUID, *, viewer: Actor) -> QuerySet[Instance]:
    """The instances of a study in the order of their series and numbers, each with its series."""
    rows = Instance.objects.filter(series__study__in=_visible(viewer).filter(id=study)).select_related("series")
    return rows.order_by("series__number", "series__uid", "number", "uid")


def conflicts(*, viewer: Actor, settled: bool = False) -> QuerySet[Conflict]:
    """Images kept aside because they came again with other content, latest first; open ones, or settled ones."""
    rows = Conflict.objects.filter(instance__series__study__in=_visible(viewer), settled_at__isnull=not settled)
    return rows.select_related("instance__series__study__place", "source").order_by("-created_at")


def ground(study: UUID, *, viewer: Actor) -> str | None:
    """On which ground the viewer sees a study: one that opens its patient's record, or `place`, its own; None if none.

    It is what the access log says.
    """
    row = _visible(viewer).filter(id=study).only("patient", "place").first()
    if row is None:
        return None
    opened = patients.ground(row.patient_id, viewer=viewer) if row.patient_id else None
    return opened or "place"


def known(digests: Mapping[str, bytes], *, viewer: Actor) -> set[str]:
    """Those of some instances, named by UID and the SHA-256 of their data set, that are in the archive as they are."""
    rows = Instance.objects.filter(uid__in=digests, series__study__in=_visible(viewer))
    return {uid for uid, digest in rows.values_list("uid", "sha256") if bytes(digest) == digests[uid]}


def path_of(instance: UUID, *, viewer: Actor) -> Path:
    """Where an instance's Part 10 file lies."""
    path = (
        Instance.objects.filter(id=instance, series__study__in=_visible(viewer)).values_list("path", flat=True).first()
    )
    if path is None:
        raise rules.NoSuchStudy
    return Path(settings.STORAGE / path)


def study_for_record(key: UUID) -> Study:
    """One study with its series, for the record, which does not have it while it is nobody's. Raises DoesNotExist."""
    return _recorded().select_related("place").prefetch_related("series").get(id=key)


def every_study() -> Iterable[UUID]:
    """The key of every study that is somebody's, for the record."""
    return _recorded().values_list("id", flat=True).iterator()


def _recorded() -> QuerySet[Study]:
    return Study.objects.filter(patient__isnull=False, instance_count__gt=0)


def _one(rows: QuerySet[Study]) -> Study:
    found = rows.first()
    if found is None:
        raise rules.NoSuchStudy
    return found
