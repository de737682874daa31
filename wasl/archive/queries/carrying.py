"""Everything that an export carries elsewhere: every stored file with what is said of it, and every study."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from uuid import UUID

from django.db.models import Q, QuerySet

from wasl.archive.models import Conflict, Instance, Match, Regrouping, Rejection, Study, Transcoding
from wasl.archive.queries.identity import WASL
from wasl.archive.queries.transfers import HEADER_UIDS
from wasl.kernel.access import SYSTEM, Actor
from wasl.patients import queries as patients


@dataclass(frozen=True)
class Remade:
    """That an image was encoded again: what it was when it came, what it is since, and by which codecs."""

    original_transfer_syntax: str
    original_sha256: str  # of the data set, in hexadecimal digits, as below
    original_size: int
    transfer_syntax: str
    sha256: str
    codec: str


@dataclass(frozen=True)
class Settled:
    """What a person said of an image kept aside: `separated` is the UID under which it is an exam of its own."""

    by: str
    replaced: bool
    separated: str = ""


@dataclass(frozen=True)
class Kept:
    """A stored file: where its image is filed, its name, its size in bytes, its data set's hash, what is said of it."""

    study: str
    series: str
    uid: str
    place: str
    path: str
    size: int
    sha256: bytes
    aside: bool
    header: dict[str, str] | None = None  # study, series and own UID of the header, where rows say another
    rejected: bool = False
    rejected_by: list[str] = field(default_factory=list)  # the notes that hold
    remade: list[Remade] = field(default_factory=list)
    settled: Settled | None = None


@dataclass(frozen=True)
class Withdrawn:
    """That images were taken back by a note, and by whom they were put back, if they were."""

    uid: str
    reason: str
    instances: list[str]
    hidden: int  # of them, those that it hid
    by: str
    source: str = ""  # AE title
    restored_by: str = ""


@dataclass(frozen=True)
class Moved:
    """That a series, or some of its images (`instances`), came from another study; which act did it, and its turn."""

    act: str
    turn: int
    series: str  # its UID now
    from_study: str
    from_uid: str
    from_series: str  # its UID now; empty where the whole series moved
    instances: list[str]
    flags: list[str]
    by: str
    because: str


@dataclass(frozen=True)
class Carried:
    """A study as an export says it: its place, whose it is, what is odd about it, what was taken back in it."""

    uid: str
    place: str  # its code
    files: int
    complete_by: str
    patient: dict[str, str] | None = None  # number, its issuer, birth date
    because: str = ""  # why it is this patient's
    flags: list[str] = field(default_factory=list)
    rejections: list[Withdrawn] = field(default_factory=list)
    moves: list[Moved] = field(default_factory=list)


def _visible_studies(viewer: Actor) -> QuerySet[Study]:
    """All but the hourly phantoms, for the system alone."""
    rows = Study.objects.filter(phantom=False) if viewer.is_system else Study.objects.none()
    return rows.select_related("place").order_by("id")


def every_file(*, viewer: Actor) -> Iterator[Kept]:
    """Every stored file, study by study, those kept aside after the others; for the system alone."""
    for study in _visible_studies(viewer).iterator(chunk_size=1000):
        yield from _files(study)


def every_carried(*, viewer: Actor) -> Iterator[Carried]:
    """Every study that holds files, or of which something was taken back; for the system alone."""
    for study in _visible_studies(viewer).iterator(chunk_size=1000):
        found = _carried(study)
        if found.files or found.rejections:
            yield found


def _carried(study: Study) -> Carried:
    """What an export says of a study."""
    files = Instance.objects.filter(series__study=study).count()
    files += Conflict.objects.filter(instance__series__study=study).count()
    match = Match.objects.filter(study=study, undone_at__isnull=True).first()
    return Carried(
        uid=study.uid, place=study.place.code if study.place else "", files=files, complete_by=study.complete_by,
        patient=_patient(study.patient_id) if study.patient_id else None, because=match.because if match else "",
        flags=sorted(study.flags), rejections=_rejections(study), moves=_moves(study),
    )  # fmt: skip


def _patient(key: UUID) -> dict[str, str]:
    (row,) = patients.identities_of([key], viewer=SYSTEM).values()
    return {"number": row.number, "issuer": WASL, "birth_date": f"{row.birth_date or ''}"}


def _rejections(study: Study) -> list[Withdrawn]:
    rows = Rejection.objects.filter(study=study).select_related("source").order_by("created_at", "uid")
    return [
        Withdrawn(
            uid=row.uid, reason=row.reason, instances=sorted(row.instances), hidden=row.hidden, by=row.by,
            source=row.source.ae_title if row.source else "", restored_by=row.restored_by,
        )
        for row in rows
    ]  # fmt: skip


def _moves(study: Study) -> list[Moved]:
    """What came into a study and is there still, the first first."""
    rows = Regrouping.objects.filter(to_study=study, series__study=study, undone_at__isnull=True)
    rows = rows.select_related("series", "from_study", "from_series").order_by("created_at", "id")
    return [
        Moved(
            act=str(row.act), turn=row.turn, series=row.series.uid, from_study=row.from_study.uid,
            from_uid=row.from_uid, from_series=row.from_series.uid if row.from_series else "",
            instances=sorted(Instance.objects.filter(id__in=row.instances).values_list("uid", flat=True)),
            flags=sorted(row.flags), by=row.by, because=row.because,
        )
        for row in rows
    ]  # fmt: skip


def _files(study: Study) -> Iterator[Kept]:
    place, notes = study.place.code if study.place else "", _notes(study)
    rows = Instance.objects.filter(series__study=study).order_by("id").annotate(**HEADER_UIDS)
    remade = _remade(Transcoding.objects.filter(instance__series__study=study).order_by("created_at", "id"))
    names = ("id", "uid", "series__uid", "path", "size", "sha256", "rejected", *HEADER_UIDS)
    for key, uid, series, path, size, digest, rejected, *said in rows.values_list(*names).iterator():
        yield Kept(
            study.uid, series, uid, place, path, size, bytes(digest), aside=False,
            rejected=rejected, rejected_by=notes.get(uid, []) if rejected else [], remade=remade.get(key, []),
            header=_other(said, (study.uid, series, uid)),
        )  # fmt: skip
    others = Conflict.objects.filter(instance__series__study=study).order_by("id").annotate(**HEADER_UIDS)
    for row in others.select_related("instance__series", "separated").defer("metadata", "instance__metadata"):
        at = (study.uid, row.instance.series.uid, row.instance.uid)
        said = [getattr(row, name) for name in HEADER_UIDS]
        yield Kept(
            *at, place, row.path, row.size, bytes(row.sha256), aside=True, header=_other(said, at),
            settled=_settled(row),
        )  # fmt: skip


def _other(said: Iterable[str], now: tuple[str, str, str]) -> dict[str, str] | None:
    header = tuple(said)
    return None if header == now else dict(zip(("study", "series", "uid"), header, strict=True))


def _settled(row: Conflict) -> Settled | None:
    if row.settled_at is None:
        return None
    return Settled(by=row.settled_by, replaced=row.replaced, separated=row.separated.uid if row.separated else "")


def _remade(rows: Iterable[Transcoding]) -> dict[UUID, list[Remade]]:
    found: dict[UUID, list[Remade]] = {}
    for row in rows:
        found.setdefault(row.instance_id, []).append(
            Remade(
                row.original_transfer_syntax, bytes(row.original_sha256).hex(), row.original_size,
                row.transfer_syntax, bytes(row.sha256).hex(), row.codec,
            )
        )  # fmt: skip
    return found


def _notes(study: Study) -> dict[str, list[str]]:
    """The notes that take images of a study back now, by the images' UIDs, wherever these were when it was said."""
    hidden = list(Instance.objects.filter(series__study=study, rejected=True).values_list("uid", flat=True))
    found: dict[str, list[str]] = {}
    if hidden:
        rows = Rejection.objects.filter(Q(study=study) | Q(instances__overlap=hidden), restored_at__isnull=True)
        for row in rows.order_by("uid"):
            for uid in row.instances:
                found.setdefault(uid, []).append(row.uid)
    return found
