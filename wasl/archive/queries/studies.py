"""Studies, and who sees them: those of one's own places, and those of patients whose record is open to one."""

import datetime
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Exists, F, Func, JSONField, OuterRef, Q, QuerySet, TextField, Value
from django.utils import timezone

from wasl.archive import rules
from wasl.archive.models import Conflict, Instance, Keeping, Match, Regrouping, Series, Study, Transcoding
from wasl.archive.queries.files import at_hand, lies_at
from wasl.kernel.access import SYSTEM, Actor
from wasl.patients import queries as patients

LOOKED_AT = 50  # earlier exams of a patient among which one like another is looked for


def _visible(viewer: Actor) -> QuerySet[Study]:
    """Studies with an image that is shown, of those that the viewer reaches."""
    return _reached(viewer).filter(instance_count__gt=0)


def _reached(viewer: Actor) -> QuerySet[Study]:
    """Studies of patients whose record is open to the viewer, and those of nobody where they are made.

    A modality or workstation finds what its own place holds.
    """
    rows = Study.objects.all()
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
    rows = Study.objects.filter(patient__in=patients.same_person(patient, viewer=viewer), instance_count__gt=0)
    return rows.select_related("place").order_by("-started_at")


def comparable(patient: UUID, *, like: Mapping[str, str], but: UUID, viewer: Actor) -> Study | None:
    """The latest exam of a patient before study `but` of the same part of the body and modality, its images here.

    `like` says of what is read its `region`, in words, and its `modality` (DICOM CID 29).
    """
    latest = Study.objects.filter(id=but).values_list("started_at", flat=True).first() or timezone.now()
    for study in studies_of(patient, viewer=viewer).exclude(id=but).filter(started_at__lt=latest)[:LOOKED_AT]:
        if _is_like(study, like):
            return study
    return None


def _is_like(study: Study, like: Mapping[str, str]) -> bool:
    """Whether a study is of the same part of the body and modality, as its header says them."""
    said = {"body_part": study.body_part, "description": study.description, "modalities": study.modalities}
    return rules.relevance({**said, "date": ""}, like)[:2] == (True, True)


def made_around(
    moment: datetime.datetime, *, within: datetime.timedelta, place: UUID, like: Mapping[str, str], viewer: Actor
) -> list[Study]:
    """Studies that a place made around a moment, of the same part of the body and modality, and that are nobody's, or
    somebody's by their header alone.
    """
    around = {"place": place, "started_at__range": (moment - within, moment + within)}
    rows = [*nobodys(viewer=viewer).filter(**around), *by_header(viewer=viewer).filter(**around)]
    return [study for study in rows if _is_like(study, like)]


def said_of_patient(study: UUID, *, viewer: Actor) -> dict[str, Any]:
    """What the first image of a study says of its patient, as DICOM JSON (PS3.18, F.2)."""
    tags = ("00100010", "00100020", "00100021", "00100024", "00100030", "00100040", "00101001", "00101002", "00101060")
    rows = Instance.objects.filter(series__study__in=_visible(viewer).filter(id=study), rejected=False)
    # Django's own transform takes digits for the place in an array
    elements = {f"at_{tag}": Func("metadata", Value(tag, TextField()), function="jsonb_extract_path",
                                  output_field=JSONField()) for tag in tags}  # fmt: skip
    first = rows.order_by("created_at", "id").annotate(**elements).values(*elements).first() or {}
    return {name.removeprefix("at_"): value for name, value in first.items() if value is not None}


def by_header(*, viewer: Actor) -> QuerySet[Study]:
    """Studies that are somebody's by their header alone, and nobody said so, latest arrival first."""
    said = Match.objects.filter(
        study=OuterRef("pk"), undone_at=None, by=str(SYSTEM), because=rules.identities.BY_HEADER
    )
    return studies(viewer=viewer).filter(Exists(said)).order_by("-last_arrival_at")


def nobodys(*, viewer: Actor) -> QuerySet[Study]:
    """Studies that belong to no patient yet, latest arrival first."""
    return studies(viewer=viewer).filter(patient__isnull=True).order_by("-last_arrival_at")


def series_of(study: UUID, *, viewer: Actor) -> QuerySet[Series]:
    """The series of a study in their order."""
    rows = Series.objects.filter(study__in=_visible(viewer).filter(id=study), instance_count__gt=0)
    return rows.order_by("number", "uid")


def instances_of(study: UUID, *, viewer: Actor) -> QuerySet[Instance]:
    """The instances of a study in the order of their series and numbers, each with its series."""
    rows = Instance.objects.filter(series__study__in=_visible(viewer).filter(id=study), rejected=False)
    rows = rows.select_related("series")
    return rows.order_by("series__number", "series__uid", "number", "uid")


def conflicts(*, viewer: Actor, settled: bool = False) -> QuerySet[Conflict]:
    """Images kept aside because they came again with other content, latest first; open ones, or settled ones."""
    rows = Conflict.objects.filter(instance__series__study__in=_visible(viewer), settled_at__isnull=not settled)
    rows = rows.filter(instance__rejected=False)
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


def uid_of(study: UUID, *, viewer: Actor) -> str:
    """The Study Instance UID of a study that the viewer reaches, images or not. Raises NoSuchStudy."""
    return _one(_reached(viewer).filter(id=study)).uid


def reaches(study: UUID, *, viewer: Actor) -> bool:
    """Whether a study is one that the viewer may open, images or not."""
    return _reached(viewer).filter(id=study).exists()


def known(asked: Mapping[str, bytes | int], *, viewer: Actor) -> set[str]:
    """Those of some instances that are in the archive, in studies of the viewer's own places (the system's are all).

    An instance is named by its UID and the SHA-256 of its data set; where that is not known, by the bytes of its file.
    """
    here = _visible(viewer)
    if not viewer.is_system:
        here = here.filter(place__in=viewer.places())
    rows = Instance.objects.filter(uid__in=asked, series__study__in=here)
    received = Transcoding.objects.filter(instance__in=rows, sha256=F("instance__sha256"))
    triples = rows.values_list("uid", "sha256", "size").union(
        received.values_list("instance__uid", "original_sha256", "original_size")
    )
    return {uid for uid, digest, size in triples if asked[uid] in (bytes(digest), size)}


def to_transcode(study: UUID, *, viewer: Actor) -> QuerySet[Instance]:
    """The images of a study whose sender's images are kept as HTJ2K, and that are not HTJ2K yet.

    A study that is sent on over a link stays as it was named to the other side, which encodes it as it sees fit;
    so does an image that was kept aside before it was an exam of its own, since it can be kept aside again.
    """
    rows = instances_of(study, viewer=viewer).exclude(transfer_syntax__in=rules.HTJ2K).filter(frames__gt=0)
    rows = rows.filter(series__study__transfers__isnull=True)
    rows = rows.exclude(id__in=Conflict.objects.filter(separated__isnull=False).values("separated"))
    wanted = Q(source__keeping=Keeping.HTJ2K)
    if settings.KEEPING == Keeping.HTJ2K:
        wanted |= Q(source__isnull=True) | Q(source__keeping="")
    return rows.filter(wanted).defer("metadata")


def path_of(instance: UUID, *, viewer: Actor) -> Path:
    """Where an instance's Part 10 file lies, once it is there. Raises Damaged and NotAtHand."""
    rows = Instance.objects.filter(id=instance, series__study__in=_visible(viewer), rejected=False)
    path = rows.values_list("path", flat=True).first()
    if path is None:
        raise rules.NoSuchStudy
    return at_hand(lies_at(path))


def matches_of(study: UUID, *, viewer: Actor) -> QuerySet[Match]:
    """Whose a study was said to be, by whom and why, the latest first; for who sees it."""
    return Match.objects.filter(study__in=_visible(viewer).filter(id=study)).order_by("-created_at")


def separated(study: UUID, *, viewer: Actor) -> int:
    """How many images of a study had been kept aside beside another, before it was made of them."""
    return Conflict.objects.filter(separated__series__study__in=_visible(viewer).filter(id=study)).count()


def joinable(study: UUID, *, viewer: Actor) -> QuerySet[Study]:
    """The studies to which images of a study may belong: of its patient or its day, at its place, latest first."""
    row = _one(_visible(viewer).filter(id=study))
    own = row.patient_id
    near = Q(patient__in=patients.same_person(own, viewer=viewer)) if own else Q(header_id=row.header_id)
    if row.started_at:
        day = datetime.timedelta(days=1)
        near |= Q(started_at__range=(row.started_at - day, row.started_at + day))
    rows = _visible(viewer).filter(near, place=row.place_id).exclude(id=study)
    return rows.order_by("-started_at", "uid")


def has_images(study: UUID, *, viewer: Actor) -> bool:
    """Whether a study has images that the viewer sees; all of them may have gone to another study."""
    return _visible(viewer).filter(id=study).exists()


def of_one_patient(study: UUID, other: UUID, *, viewer: Actor) -> bool:
    """Whether two studies, one of which may be empty, are the same patient's; for Wasl itself."""
    if not viewer.is_system:
        return False
    return len(set(Study.objects.filter(id__in=(study, other)).values_list("patient", flat=True))) == 1


def regroupings_of(study: UUID, *, viewer: Actor) -> QuerySet[Regrouping]:
    """What came into a study from others or went there, the latest first, one row for each series; for who sees it."""
    rows = Regrouping.objects.filter(Q(from_study=study) | Q(to_study=study)).filter(
        Q(from_study__in=_visible(viewer)) | Q(to_study__in=_visible(viewer))
    )
    return rows.select_related("series", "from_study", "to_study").order_by("-created_at")


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
