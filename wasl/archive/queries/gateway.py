"""What a gateway knows: its centre, the exams that are expected, the steps to be told, the studies that may go."""

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import Count, F, Q, QuerySet, Sum
from django.utils import timezone

from wasl.archive.models import Centre, Expected, Instance, PerformedStep, Study, Transfer
from wasl.archive.queries.studies import _visible
from wasl.kernel.access import Actor

GIGABYTE = 1 << 30
LINGERS = timedelta(days=2)  # a gone exam still ranks the images that come late
ROUTINE = 3


def centre(*, viewer: Actor) -> Centre | None:
    """The centre that this gateway works for, for everyone who holds a post here; None where no gateway is."""
    return Centre.objects.select_related("place").first() if viewer.held else None


def expected(*, viewer: Actor, modality: str = "", accession: str = "") -> QuerySet[Expected]:
    """The exams that the centre's worklist names, for the machines of the gateway's hospital; most urgent first."""
    here = Centre.objects.filter(place__in=viewer.places("modality", "radiographer"))
    rows = Expected.objects.filter(gone_at__isnull=True)
    if not viewer.is_system and not here.exists():
        return rows.none()
    if modality:
        rows = rows.filter(modality=modality)
    if accession:
        rows = rows.filter(accession=accession)
    return rows.order_by("rank", "scheduled_at", "id")


def expected_rank(study: UUID, *, viewer: Actor) -> int:
    """How urgent a study is by the exam that was expected, from 0 the most; routine when none was."""
    row = Study.objects.filter(id=study).only("uid", "accession").first()
    if row is None:
        return ROUTINE
    named = Q(study_uid=row.uid) | (Q(accession=row.accession) & ~Q(accession=""))
    recent = Q(gone_at__isnull=True) | Q(gone_at__gt=timezone.now() - LINGERS)
    found = Expected.objects.filter(named, recent).order_by("rank").first()
    return found.rank if found else ROUTINE


def untold_steps(*, viewer: Actor) -> QuerySet[PerformedStep]:
    """The procedure steps whose state the centre does not know yet, in the order in which they began."""
    rows = PerformedStep.objects.exclude(told=F("state")).select_related("source").order_by("created_at")
    return rows if viewer.is_system else rows.filter(place__in=viewer.places("radiographer"))


def step_state(uid: str, *, viewer: Actor) -> str | None:
    """The state of a procedure step of the viewer's places; None when it is not known there."""
    rows = PerformedStep.objects.filter(uid=uid)
    if not viewer.is_system:
        rows = rows.filter(place__in=viewer.places())
    return rows.values_list("state", flat=True).first()


def waiting(*, viewer: Actor) -> tuple[int, int]:
    """How many of the studies that the viewer sees wait to be sent over a line, and their size in bytes."""
    rows = Transfer.objects.filter(ended_at__isnull=True, study__in=_visible(viewer))
    found = rows.aggregate(studies=Count("study", distinct=True), size=Sum("study__size"))
    return found["studies"], found["size"] or 0


def stored_bytes(*, viewer: Actor) -> int:
    """How much the studies that the viewer sees fill of the disk."""
    return int(_visible(viewer).aggregate(all=Sum("size"))["all"] or 0)


def over_quota(*, viewer: Actor, lacking: int = 0) -> list[UUID]:
    """The studies that may go when the centre holds them, those that nothing came of for longest first.

    Older than KEEP_DAYS; and the oldest ones, as long as all together are more than KEEP_GB, or `lacking` bytes are
    not free. None that is being sent.
    """
    rows = _visible(viewer).filter(complete_at__isnull=False).order_by("last_arrival_at")
    rows = rows.exclude(id__in=Transfer.objects.filter(ended_at__isnull=True).values("study"))
    before: datetime = timezone.now() - timedelta(days=settings.KEEP_DAYS)
    surplus = stored_bytes(viewer=viewer) - settings.KEEP_GB * GIGABYTE if settings.KEEP_GB else 0
    surplus = max(surplus, lacking)
    found = []
    for key, size, arrived in rows.values_list("id", "size", "last_arrival_at").iterator():
        if arrived > before and surplus <= 0:
            break
        found.append(key)
        surplus -= size
    return found


def digests_of(study: UUID, *, viewer: Actor) -> dict[str, bytes]:
    """The instances of a study by UID, each with the SHA-256 of its data set."""
    rows = Instance.objects.filter(series__study__in=_visible(viewer).filter(id=study))
    return {uid: bytes(digest) for uid, digest in rows.values_list("uid", "sha256")}
