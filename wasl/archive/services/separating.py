"""Images kept aside because their UIDs were known, and which are another exam: they become a study under new UIDs."""

from uuid import UUID

from django.db.models import ProtectedError
from django.utils import timezone

from wasl.archive import rules
from wasl.archive.events import ImagesSeparated, SeparationUndone, StudyArrived
from wasl.archive.models import Conflict, Instance, Regrouping, Series, Study
from wasl.archive.services.header import SERIES_TAGS, Header
from wasl.archive.services.regrouping import count, new_uid
from wasl.kernel.access import Actor
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb


@verb
def separate_images(key: UUID, *, because: str, by: Actor) -> Study:
    """Say that an image kept aside, and the others of its study that name the same patient, are an exam of their own.

    They become a study of nobody, under UIDs of ours, where their sender is; what is stored of them stays as it came.
    """
    rules.regrouping.check_why(because)
    conflict = Conflict.objects.select_related("instance__series__study", "source").filter(id=key).first()
    if conflict is None:
        raise rules.NoSuchStudy
    known = Study.objects.select_for_update().get(id=conflict.instance.series.study_id)
    place = conflict.source.place_id if conflict.source else known.place_id
    rules.check_one_place({known.place_id, place}, by=by)
    group = _alike(conflict, known)
    if conflict.id not in {one.id for one in group}:
        raise rules.AlreadySettled
    flags = [] if all(rules.viewing.is_all_measurable(one.metadata) for one in group) else [Study.Flag.SPACING]
    study = Study.objects.create(uid=new_uid(), place_id=place, last_arrival_at=timezone.now(), flags=flags)
    series: dict[str, Series] = {}
    for one in group:
        head = Header(one.metadata)
        if head.series_uid not in series:
            series[head.series_uid] = _series(study, head)
        one.separated = _instance(series[head.series_uid], one, head)
        one.settled_at, one.settled_by = timezone.now(), str(by)
        one.save(update_fields=("separated", "settled_at", "settled_by"))
    count(study)
    made = ImagesSeparated(
        study=study.id, out_of=known.id, place=place, images=len(group), because=because.strip()[:200]
    )
    emit(made, by=by)
    emit(StudyArrived(study=study.id, study_uid=study.uid, accession=study.accession, place=place), by=by)
    return study


@verb
def undo_separation(key: UUID, *, by: Actor) -> None:
    """Keep the images of a study that was made of them aside again, while it is nobody's and as it was made."""
    study = Study.objects.select_for_update().filter(id=key).first()
    group = list(Conflict.objects.select_for_update().filter(separated__series__study=key))
    if study is None or not group:
        raise rules.NoSuchStudy
    rules.check_own_place(study.place_id, by=by)
    rules.regrouping.check_emptied(True, study.patient_id, None)
    moved = Regrouping.objects.filter(series__study=study).exists()
    if moved or len(group) != study.instance_count:
        raise rules.regrouping.RegroupedSince
    images = [one.separated_id for one in group if one.separated_id]
    for one in group:
        one.separated, one.settled_at, one.settled_by = None, None, ""
        one.save(update_fields=("separated", "settled_at", "settled_by"))
    try:
        Instance.objects.filter(id__in=images).delete()  # the rows alone: the files are those kept aside
    except ProtectedError as error:
        raise rules.regrouping.RegroupedSince from error
    count(study)
    emit(SeparationUndone(study=study.id, place=study.place_id), by=by)


def _alike(conflict: Conflict, known: Study) -> list[Conflict]:
    """The images kept aside beside those of a study that say the same of their patient and their study."""
    rows = Conflict.objects.select_for_update().filter(instance__series__study=known, settled_at__isnull=True)
    return [one for one in rows.order_by("created_at") if _says(one) == _says(conflict)]


def _says(conflict: Conflict) -> tuple[object, ...]:
    head = Header(conflict.metadata)
    return head.study_uid, head.text("00100020", 64), head.name, head.birth_date


def _series(study: Study, head: Header) -> Series:
    return Series.objects.create(
        study=study, uid=new_uid(), modality=head.text("00080060", 16), number=head.number("00200011"),
        description=head.text("0008103E", 200), body_part=head.text("00180015", 64), attributes=head.among(SERIES_TAGS),
    )  # fmt: skip


def _instance(series: Series, one: Conflict, head: Header) -> Instance:
    return Instance.objects.create(
        series=series, uid=new_uid(), sop_class=head.text("00080016", 64), transfer_syntax=one.transfer_syntax,
        number=head.number("00200013"), frames=one.frames, rows=head.size("00280010"), columns=head.size("00280011"),
        path=one.path, size=one.size, sha256=one.sha256, pixel_offset=one.pixel_offset, metadata=one.metadata,
        source_id=one.source_id,
    )  # fmt: skip
