"""What is on its way over lines to other Wasls, and what comes in over them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import BooleanField, Count, ExpressionWrapper, F, Min, Q, QuerySet, Sum
from django.db.models.fields.json import KeyTextTransform
from django.utils import timezone

from wasl.archive import rules
from wasl.archive.models import Conflict, Instance, Link, Manifest, Named, Regrouping, Transfer, Want
from wasl.archive.queries.studies import _visible
from wasl.kernel.access import Actor, Held

SEES_LINES = ("administrator", "radiographer", "chief")
SILENT = timedelta(seconds=60)  # a site that sends gives a sign of life much more often
ON_THE_WAY = Q(transfers__ended_at__isnull=True)

# the first values of what an image's header says: UIDs of study, series and its own
HEADER_UIDS = {
    name: KeyTextTransform("0", KeyTextTransform("Value", KeyTextTransform(tag, "metadata")))
    for name, tag in (("in_study", rules.STUDY), ("in_series", rules.SERIES), ("own", rules.INSTANCE))
}


@dataclass(frozen=True)
class Waiting:
    """A study on its way: its transfer, how urgent it is, and what shows that it grew."""

    transfer: UUID
    study: UUID
    study_uid: str
    rank: int
    images: int
    complete_at: datetime | None
    prior: bool
    deadline: datetime | None
    queued_at: datetime
    named: bool  # whether the other side was ever told of it

    @property
    def urgent(self) -> bool:
        """Whether it goes before everything that is not urgent, earlier exams wanted for a case among it."""
        return self.rank <= rules.LAST_URGENT

    @property
    def turn(self) -> rules.Turn:
        """When it goes, the smallest first."""
        return rules.turn(self.rank, prior=self.prior, deadline=self.deadline, arrived=self.queued_at)


@dataclass(frozen=True)
class Outgoing:
    """An image to be sent, as a manifest names it, with its key and its transfer syntax."""

    key: UUID
    uid: str
    series_uid: str
    series_number: int | None
    number: int | None
    frames: int
    size: int
    sha256: bytes
    transfer_syntax: str
    header: tuple[str, str, str] | None = None  # study, series and own UID of the header, where rows say another


def _visible_links(viewer: Actor) -> QuerySet[Link]:
    """Lines of the viewer's places and of every place, for those who look after them; all for the country's."""
    rows = Link.objects.select_related("place")
    if viewer.is_system or Held("administrator", None) in viewer.held:
        return rows
    if not viewer.places(*SEES_LINES):
        return rows.none()
    return rows.filter(Q(place__isnull=True) | Q(place__in=viewer.places(*SEES_LINES)))


def _visible_transfers(viewer: Actor) -> QuerySet[Transfer]:
    """Studies of the viewer's places on visible lines, as far as the viewer may see the study; all for Wasl itself."""
    rows = Transfer.objects.select_related("link", "study")
    if viewer.is_system:
        return rows
    return rows.filter(study__in=_visible(viewer))


def links(*, viewer: Actor) -> QuerySet[Link]:
    """The lines in use, each with how many studies wait, since when the oldest does, and how many bytes are left."""
    return _visible_links(viewer).filter(active=True).order_by("name").annotate(
        waiting=Count("transfers", filter=ON_THE_WAY),
        oldest=Min("transfers__created_at", filter=ON_THE_WAY),
        left=Sum(F("transfers__study__size") - F("transfers__sent"), filter=ON_THE_WAY, default=0),
    )  # fmt: skip


def link(key: UUID, *, viewer: Actor) -> Link:
    """One line in use."""
    found = _visible_links(viewer).filter(id=key, active=True).first()
    if found is None:
        raise rules.NoSuchLink
    return found


def links_for_everything(place: UUID | None, *, viewer: Actor) -> list[UUID]:
    """The lines over which every study of a place is sent."""
    rows = _visible_links(viewer).filter(Q(place__isnull=True) | Q(place=place), active=True, everything=True)
    return list(rows.values_list("id", flat=True))


def waiting_by_rank(link: UUID, *, viewer: Actor) -> list[tuple[int, bool, int]]:
    """How many studies wait on a line in each class of urgency, and how many of them as earlier exams for a case."""
    rows = Transfer.objects.filter(link__in=_visible_links(viewer).filter(id=link), ended_at__isnull=True)
    return list(rows.order_by("rank", "prior").values_list("rank", "prior").annotate(Count("id")))


def transfers_of(study: UUID, *, viewer: Actor) -> QuerySet[Transfer]:
    """Where a study was sent, and how far it is, latest first."""
    return _visible_transfers(viewer).filter(study=study).order_by("-created_at")


def failed_transfers(*, viewer: Actor) -> QuerySet[Transfer]:
    """Studies that could not be sent whole and that nobody sent again, latest first."""
    rows = _visible_transfers(viewer).filter(state=Transfer.State.FAILED, link__active=True)
    later = Q(study__transfers__link=F("link"), study__transfers__created_at__gt=F("created_at"))
    return rows.exclude(later).order_by("-ended_at")


def to_send(link: UUID, *, viewer: Actor, most: int = 200) -> list[Waiting]:
    """What waits on a line, in the order of `rules.turn`."""
    rows = _visible_transfers(viewer).filter(link=link, link__active=True, ended_at__isnull=True)
    # the database leaves out what is far behind; which of the others goes first is the rule's word
    values = rows.order_by("rank", "prior", F("deadline").asc(nulls_last=True), "created_at", "id").values_list(
        "id", "study_id", "study__uid", "rank", "study__instance_count", "study__complete_at", "prior", "deadline",
        "created_at", "begun_at",
    )  # fmt: skip
    return sorted((Waiting(*row[:-1], row[-1] is not None) for row in values[:most]), key=lambda row: row.turn)


def images_to_send(study: UUID, *, viewer: Actor) -> list[Outgoing]:
    """What there is to send of a study, in the order of its series and numbers."""
    rows = Instance.objects.filter(series__study__in=_visible(viewer).filter(id=study), rejected=False)
    values = rows.order_by("series__number", "series__uid", "number", "uid").values_list(
        "id", "uid", "series__uid", "series__number", "number", "frames", "size", "sha256", "transfer_syntax"
    )
    headers = _other_headers(study)
    return [Outgoing(*row[:7], bytes(row[7]), row[8], headers.get(row[0])) for row in values]


def _other_headers(study: UUID) -> dict[UUID, tuple[str, str, str]]:
    """Of a study's images whose rows say other UIDs than their headers: what the headers say."""
    moved = Regrouping.objects.filter(Q(to_study=study) | Q(from_study=study))
    apart = Conflict.objects.filter(separated__series__study=study)
    if not (moved.exists() or apart.exists()):  # as nearly always: no header is read
        return {}
    rows = Instance.objects.filter(series__study=study, rejected=False).annotate(**HEADER_UIDS)
    values = rows.values_list("id", "series__study__uid", "series__uid", "uid", *HEADER_UIDS)
    return {key: (a, b, c) for key, *now, a, b, c in values if now != [a, b, c]}


def wanted(*, viewer: Actor) -> list[Want]:
    """The earlier exams that are wanted of the site that asks, and that are not all here, the soonest needed first."""
    owed = Q(manifest__whole=False) | Q(manifest__held__lt=F("manifest__named"))
    rows = Want.objects.filter(owed, manifest__sender=str(viewer)).select_related("manifest__study")
    return list(rows.order_by("deadline", "id"))


def awaited(digests: Iterable[bytes], *, viewer: Actor) -> QuerySet[Named]:
    """The images of these contents that the viewer itself named in its manifests, each with its study."""
    rows = Named.objects.filter(sha256__in=list(digests), manifest__sender=str(viewer))
    return rows.select_related("manifest__study")


def manifests(*, viewer: Actor) -> QuerySet[Manifest]:
    """What sites still owe of the studies that the viewer sees, the most urgent first; `silent` are those not heard."""
    rows = Manifest.objects.filter(Q(whole=False) | Q(held__lt=F("named")), study__in=_visible(viewer))
    silent = Q(heard_at__lt=timezone.now() - SILENT)
    rows = rows.annotate(silent=ExpressionWrapper(silent, output_field=BooleanField()))
    return rows.select_related("study", "place").order_by("rank", "created_at")


def owed(studies: Iterable[UUID], *, viewer: Actor) -> dict[UUID, Manifest]:
    """Of some studies that the viewer sees, what their site still owes."""
    return {row.study_id: row for row in manifests(viewer=viewer).filter(study__in=list(studies), decides=True)}


def missing(study: UUID, *, viewer: Actor) -> QuerySet[Named]:
    """The images of a study that its site named and that are not here, in the order of their series and numbers."""
    rows = Named.objects.filter(manifest__study__in=_visible(viewer).filter(id=study), held=False)
    return rows.order_by("series_number", "series_uid", "number", "uid")
