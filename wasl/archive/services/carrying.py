"""What an export says beside the images, taken over: what was taken back, settled, encoded again, moved, and whose.

What is here already stays as it is; done again, after a death in the middle, it changes nothing more.
"""

from collections.abc import Collection, Iterable, Mapping
from uuid import UUID

from django.utils import timezone

from wasl.archive import rules
from wasl.archive.events import StudyCarried
from wasl.archive.models import Conflict, Instance, Match, Regrouping, Rejection, Series, Source, Study, Transcoding
from wasl.archive.queries import Carried, Kept, Moved, Withdrawn
from wasl.archive.queries.identity import WASL
from wasl.archive.services import regrouping
from wasl.archive.services.completing import complete_study, lock_study
from wasl.archive.services.matching import match_locked
from wasl.archive.services.notes import Note
from wasl.archive.services.rejecting import put_back, take_back
from wasl.kernel.access import SYSTEM, Actor
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb
from wasl.patients import queries as patients
from wasl.patients.queries import Patient


@verb
def begin_carried(said: Carried, *, place: UUID | None, by: Actor) -> None:
    """Make ready for the images of a study: what was taken back before they come stays so, what was put back is shown.

    Raises BadUid, BadRejection.
    """
    named = [uid for one in said.rejections for uid in (one.uid, *one.instances)]
    if not all(map(rules.is_uid, [said.uid, *named])):
        raise rules.BadUid
    if not said.rejections:
        return
    study = lock_study(said.uid, place=place)
    for one in said.rejections:
        _take_back(study, one, by)


@verb
def end_carried(said: Carried, files: Collection[Kept], *, whole: bool, by: Actor) -> bool:
    """Take over what is said of a study whose images came, all of them if it is `whole`.

    Whether it is said of the same patient here as there: False where nobody here has that number and that birth date,
    or somebody here said otherwise.
    """
    study = Study.objects.select_for_update().filter(uid=said.uid).first()
    if study is None:
        return said.patient is None
    shown = {one.uid: one for one in files if not one.aside}
    remade = _remake(study, shown)
    settled = sum(_settle(study, one) for one in files if one.aside and one.settled)
    if any(one.header for one in files) and study.instance_count:
        regrouping.count(study)  # a study is named after an image of its own
    flags = sorted({*study.flags, *said.flags} & set(Study.Flag.values))
    added, study.flags = flags != sorted(study.flags), flags
    study.save(update_fields=("flags",))
    matched = _match(study, said, by)
    if whole and said.complete_by in rules.TRUST and study.instance_count and not study.announced:
        complete_study(study.id, how=said.complete_by, by=by)
    if remade or settled or added:
        emit(StudyCarried(study=study.id, place=study.place_id, patient=study.patient_id), by=by)
    return matched


@verb
def take_moves(study_uid: str, moves: Iterable[Moved], *, by: Actor) -> None:
    """Write down where images of a study were before, so that it can still be undone, and a thin line still knows."""
    study = Study.objects.select_for_update().filter(uid=study_uid).first()
    for one in moves:
        series = Series.objects.filter(study=study, uid=one.series).first() if study else None
        if study is None or series is None or one.from_study == study_uid:
            continue
        if not all(map(rules.is_uid, (one.from_study, one.from_uid))) or _is_known(series, one):
            continue
        source = lock_study(one.from_study, place=study.place_id)
        Regrouping.objects.create(
            series=series, from_study=source, to_study=study, from_series=_left(source, series, one),
            instances=list(Instance.objects.filter(series=series, uid__in=one.instances).values_list("id", flat=True)),
            from_uid=one.from_uid, flags=one.flags, turn=one.turn, act=UUID(one.act), by=one.by[:120],
            because=one.because[:200],
        )  # fmt: skip


def _take_back(study: Study, said: Withdrawn, by: Actor) -> None:
    """A rejection as it stands where the images come from; who said so there is written down."""
    if said.reason not in rules.REJECTIONS or not said.instances:
        raise rules.BadRejection
    row = Rejection.objects.filter(uid=said.uid).first()
    if row is None:
        source = Source.objects.filter(ae_title=said.source).first() if said.source else None
        note = Note(said.uid, said.reason, tuple(said.instances))
        row = take_back(study, note, source.id if source else None, by)
        row.by, row.hidden = said.by[:120], said.hidden
        row.save(update_fields=("by", "hidden"))
    if said.restored_by and row.restored_at is None:
        row = put_back(row, by)
        row.restored_by = said.restored_by[:120]
        row.save(update_fields=("restored_by",))


def _remake(study: Study, shown: Mapping[str, Kept]) -> int:
    """Remember what images were before they were encoded again, those that are here as they were carried."""
    made = []
    for row in Instance.objects.filter(series__study=study, uid__in=[uid for uid, one in shown.items() if one.remade]):
        if bytes(row.sha256) == shown[row.uid].sha256:
            made += [
                Transcoding(
                    instance=row, original_transfer_syntax=one.original_transfer_syntax[:64],
                    original_sha256=bytes.fromhex(one.original_sha256), original_size=one.original_size,
                    transfer_syntax=one.transfer_syntax[:64], sha256=bytes.fromhex(one.sha256), codec=one.codec[:120],
                )
                for one in shown[row.uid].remade
            ]  # fmt: skip
    Transcoding.objects.bulk_create(made, ignore_conflicts=True)
    return Transcoding.objects.filter(id__in=[one.id for one in made]).count()


def _settle(study: Study, said: Kept) -> bool:
    """An image kept aside is settled as it was; one that is an exam of its own has that exam's file."""
    assert said.settled is not None  # noqa: S101  a promise of the caller
    image = Instance.objects.filter(series__study=study, uid=said.uid).first()
    if image is None:
        return False
    apart = Instance.objects.filter(uid=said.settled.separated).first() if said.settled.separated else None
    row = Conflict.objects.filter(instance=image, sha256=said.sha256).first()
    if row is None and apart is not None and bytes(apart.sha256) == said.sha256:
        row = Conflict(
            instance=image, path=apart.path, size=apart.size, sha256=apart.sha256, source_id=apart.source_id,
            transfer_syntax=apart.transfer_syntax, frames=apart.frames, pixel_offset=apart.pixel_offset,
            metadata=apart.metadata,
        )  # fmt: skip
    if row is None or row.settled_at is not None or (said.settled.separated and apart is None):
        return False
    row.settled_at, row.settled_by = timezone.now(), said.settled.by[:120]
    row.replaced, row.separated = said.settled.replaced, apart
    row.save()
    return True


def _match(study: Study, said: Carried, by: Actor) -> bool:
    """The study is its patient's again, where that patient is known; what somebody here said of it stays."""
    if said.patient is None:
        return study.patient_id is None
    person = _person(said.patient)
    if person is not None and not Match.objects.filter(study=study).exists():
        match_locked(study, person.id, said.because, by)
    return person is not None and study.patient_id == person.id


def _person(said: Mapping[str, str]) -> Patient | None:
    """Who has this number here; another's birth date under it is another instance's number, and nobody's here."""
    if said.get("issuer") != WASL:
        return None
    found = patients.file_by_number(said.get("number", ""), viewer=SYSTEM)
    return found if found and f"{found.birth_date or ''}" == said.get("birth_date") else None


def _is_known(series: Series, said: Moved) -> bool:
    """Whether this act is written down, or another one that was done here."""
    rows = Regrouping.objects.filter(series=series)
    return rows.filter(turn__gte=said.turn).exists() or rows.filter(undone_at__isnull=True).exists()


def _left(source: Study, series: Series, said: Moved) -> Series | None:
    """The series out of which single images were taken; made where all of its images are elsewhere."""
    if not said.from_series:
        return None
    found, _ = Series.objects.get_or_create(
        study=source, uid=said.from_series, defaults={
            "modality": series.modality, "number": series.number, "description": series.description,
            "body_part": series.body_part, "attributes": series.attributes,
        },
    )  # fmt: skip
    return found
