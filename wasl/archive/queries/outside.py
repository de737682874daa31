"""What outside archives were asked for, what they have, and how much of it is here."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Exists, F, OuterRef, QuerySet

from wasl.archive import rules
from wasl.archive.models import Announced, Bringing, Inquiry, Source, Study
from wasl.kernel.access import Actor
from wasl.patients import queries as patients


@dataclass(frozen=True)
class Offer:
    """An exam that an archive has: what it says of it, how many images are here, and whether it is on its way."""

    about: dict[str, Any]
    here: int
    coming: bool
    failed: int


def _visible_inquiries(viewer: Actor) -> QuerySet[Inquiry]:
    """Questions about patients whose record is open to the viewer."""
    rows = Inquiry.objects.select_related("source__place")
    return rows if viewer.is_system else rows.filter(patient__in=patients.opened(viewer=viewer))


@dataclass(frozen=True)
class Awaited:
    """A study that a system announced: how many images, how many of them are here, and whether it can be brought."""

    announced: Announced
    here: int
    coming: bool
    askable: bool


def awaited_studies(*, viewer: Actor, most: int = 20) -> list[Awaited]:
    """What systems of the viewer's places announced lately and is not here whole, the latest first."""
    rows = Announced.objects.filter(source__place__in=viewer.places(*rules.IMAGING), images__gt=0)
    there = F("instance_count") + F("rejected_count")
    whole = Study.objects.filter(uid=OuterRef("study_uid")).annotate(there=there).filter(there__gte=OuterRef("images"))
    found = list(rows.exclude(Exists(whole)).select_related("source__place").order_by("-heard_at")[:most])
    uids = [row.study_uid for row in found]
    here = dict(Study.objects.filter(uid__in=uids).values_list("uid", there))
    under_way = Bringing.objects.filter(study_uid__in=uids, ended_at__isnull=True)
    coming = set(under_way.values_list("source", "study_uid"))
    return [
        Awaited(
            row, here.get(row.study_uid, 0), (row.source_id, row.study_uid) in coming,
            bool(row.source.asks and row.source.port and row.source.active),
        )
        for row in found
    ]  # fmt: skip


def archives(*, viewer: Actor) -> QuerySet[Source]:
    """The outside archives that the viewer may ask."""
    rows = Source.objects.filter(asks=True, active=True, port__isnull=False).select_related("place")
    return rows.order_by("name") if viewer.roles & rules.ASKS else rows.none()


def inquiries(patient: UUID, *, viewer: Actor) -> QuerySet[Inquiry]:
    """The questions asked about a patient, latest first."""
    return (
        _visible_inquiries(viewer)
        .filter(patient__in=patients.same_person(patient, viewer=viewer))
        .order_by("-created_at")
    )


def inquiry(key: UUID, *, viewer: Actor) -> Inquiry:
    """One question by key."""
    row = _visible_inquiries(viewer).filter(id=key).first()
    if row is None:
        raise rules.NoInquiry
    return row


def bringing(key: UUID, *, viewer: Actor) -> Bringing:
    """One exam on its way."""
    rows = Bringing.objects.filter(id=key).select_related("source__place")
    if not viewer.is_system:
        rows = rows.filter(inquiry__in=_visible_inquiries(viewer))
    row = rows.first()
    if row is None:
        raise rules.NoInquiry
    return row


def offers(inquiry: UUID, *, viewer: Actor) -> list[Offer]:
    """What an archive has, latest exam first, and how much of it is here; three questions in all."""
    found = list(_visible_inquiries(viewer).filter(id=inquiry).values_list("source", "found"))
    if not found:
        raise rules.NoInquiry
    source, said = found[0]
    uids = [one["uid"] for one in said]
    images = F("instance_count") + F("rejected_count")  # what was taken back is not brought again
    here = dict(Study.objects.filter(uid__in=uids).values_list("uid", images))
    brought = Bringing.objects.filter(source=source, study_uid__in=uids).order_by("created_at")
    ways = {
        uid: (ended is None, failed) for uid, ended, failed in brought.values_list("study_uid", "ended_at", "failed")
    }
    rows = [Offer(one, here.get(one["uid"], 0), *ways.get(one["uid"], (False, 0))) for one in said]
    return sorted(rows, key=lambda row: str(row.about["date"]), reverse=True)
