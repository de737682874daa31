"""Images that belong to another study: series moved, a study split or two made one; no stored file is touched.

The rows say where an image is now, and what is given of it says so too (`archive.dicom.correcting`).
"""

import uuid
from collections.abc import Iterable, Sequence
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from wasl.archive import rules
from wasl.archive.events import StudyRegrouped
from wasl.archive.models import Instance, Regrouping, Series, Study
from wasl.archive.services.header import Header
from wasl.archive.services.metadata import forget_metadata
from wasl.archive.services.rows import name
from wasl.kernel.access import SYSTEM, Actor
from wasl.kernel.events import emit
from wasl.kernel.models import uuid7
from wasl.kernel.verbs import verb
from wasl.patients import queries as patients

# what a study's rows say of its images that are shown, counted again from them; whose they say that they are among it.
# Notes that take images back are no images.
COUNT_SERIES = """
update archive_series e set instance_count =
    (select count(*) from archive_instance i where i.series_id = e.id and not i.rejected)
where e.study_id = any(%s)
"""
COUNT_STUDY = """
update archive_study s set series_count = n.series, instance_count = n.images, size = n.size, modalities = n.kinds,
  rejected_count = (
    select count(*) from archive_instance i join archive_series e on e.id = i.series_id
    where e.study_id = s.id and i.rejected and not exists (select from archive_rejection r where r.uid = i.uid)
  ),
  flags = array(
    select distinct flag from unnest(s.flags || case when n.strangers then array['identity'] else '{}' end::varchar[])
      flag where flag <> 'identity' or n.strangers order by flag
  )
from (
  select s.id, count(distinct i.series_id) as series, count(i.id) as images, coalesce(sum(i.size), 0) as size,
    array(select distinct e.modality from archive_series e where e.study_id = s.id and e.instance_count > 0
          and e.modality <> '' order by e.modality) as kinds,
    coalesce(bool_or(i.id is not null and (
      coalesce(i.metadata #>> '{00100020,Value,0}', '') <> s.header_id
      or coalesce(substring(i.metadata #>> '{00100030,Value,0}' from '^[0-9]{8}$'), '')
         <> coalesce(to_char(s.birth_date, 'YYYYMMDD'), '')
    )), false) as strangers
  from archive_study s
    left join archive_series e on e.study_id = s.id
    left join archive_instance i on i.series_id = e.id and not i.rejected
  where s.id = any(%s) group by s.id
) n where n.id = s.id
"""


@verb
def move_images(
    out_of: UUID, *, because: str, by: Actor, series: Sequence[UUID] = (), instances: Sequence[UUID] = (),
    into: UUID | None = None,
) -> UUID:  # fmt: skip
    """Say that series, or single images, of a study belong to another; without one, a new study is made for them.

    A new study is nobody's until somebody says whose it is. Gives the key by which the act is undone.
    """
    rules.regrouping.check_why(because)
    source, target = _two(out_of, into, by)
    whole = list(Series.objects.filter(id__in=series, study=source, instance_count__gt=0).order_by("number", "uid"))
    single = list(
        Instance.objects.filter(id__in=instances, series__study=source, rejected=False).exclude(series__in=whole)
    )
    rules.regrouping.check_found(
        len(whole) == len(set(series)) and len(single) == len(set(instances)), bool(whole or single)
    )
    moved = sum(one.instance_count for one in whole) + len(single)
    if target is None:
        rules.regrouping.check_split(moved, source.instance_count)
        target = _new_study(source)
    rules.regrouping.check_elsewhere(source.id, target.id)
    rules.regrouping.check_emptied(source.instance_count == moved, *_people(source, target))
    return _regroup(source, target, whole, single, because, by)


@verb
def merge_studies(study: UUID, *, into: UUID, because: str, by: Actor) -> UUID:
    """Say that two studies of one patient are one exam: the images of the first go into the second."""
    rules.regrouping.check_why(because)
    source, target = _two(study, into, by)
    if target is None:
        raise rules.NoSuchStudy
    rules.regrouping.check_elsewhere(source.id, target.id)
    rules.regrouping.check_mergeable(*_people(source, target))
    whole = list(Series.objects.filter(study=source, instance_count__gt=0).order_by("number", "uid"))
    rules.regrouping.check_found(True, bool(whole))
    return _regroup(source, target, whole, [], because, by)


@verb
def undo_regrouping(act: UUID, *, by: Actor) -> None:
    """Put the images that one act moved back where they were."""
    rows = list(Regrouping.objects.select_for_update().filter(act=act).order_by("-created_at", "-id"))
    if not rows:
        raise rules.NoSuchStudy
    studies = _locked({key for row in rows for key in (row.from_study_id, row.to_study_id)}, by)
    for row in rows:
        later = Regrouping.objects.filter(series=row.series_id, undone_at__isnull=True, turn__gt=row.turn)
        series = Series.objects.get(id=row.series_id)
        images = Instance.objects.filter(id__in=row.instances)
        stands = series.study_id == row.to_study_id and all(one.series_id == series.id for one in images)
        rules.regrouping.check_regrouping_undoable(
            undone=row.undone_at is not None, stands=stands and not later.exists()
        )
        if row.from_series_id:
            images.update(series=row.from_series_id)
        else:
            series.study_id = row.from_study_id
            series.uid = _free_uid(row.from_uid, row.from_study_id)
            series.save(update_fields=("study", "uid"))
        row.undone_at, row.undone_by = timezone.now(), str(by)
        row.save(update_fields=("undone_at", "undone_by"))
    source, target = studies[rows[0].from_study_id], studies[rows[0].to_study_id]
    target.flags = sorted(set(target.flags) - set(rows[0].flags))
    target.save(update_fields=("flags",))
    count(source, target)
    if target.instance_count == 0:
        rules.regrouping.check_emptied(True, *_people(target, source))
    _tell(source, target, act, by, undone=True)


def _people(*studies: Study) -> tuple[UUID | None, UUID | None]:
    """Whose two studies are, each person named by the file under which they are found."""
    one, other = (study.patient_id and patients.head_of(study.patient_id, viewer=SYSTEM) for study in studies)
    return one, other


def _two(out_of: UUID, into: UUID | None, by: Actor) -> tuple[Study, Study | None]:
    studies = _locked({out_of, into} - {None}, by)  # type: ignore[arg-type]
    return studies[out_of], studies[into] if into else None


def _locked(keys: set[UUID], by: Actor) -> dict[UUID, Study]:
    """The studies, locked in the order in which images that arrive lock them."""
    found = {row.id: row for row in Study.objects.select_for_update().filter(id__in=keys).order_by("uid")}
    if len(found) < len(keys):
        raise rules.NoSuchStudy
    for row in found.values():
        rules.check_own_place(row.place_id, by=by)
    # before a series changes: whoever makes them ready just now holds their lock and wants the row of the series
    forget_metadata(Series.objects.filter(study__in=keys).values_list("id", flat=True))
    return found


def _new_study(source: Study) -> Study:
    """A study under a new UID of ours, as complete as the one its images come from."""
    return Study.objects.create(
        uid=new_uid(), place_id=source.place_id, last_arrival_at=source.last_arrival_at,
        complete_at=source.complete_at, complete_by=source.complete_by,
    )  # fmt: skip


def _regroup(
    source: Study, target: Study, whole: Iterable[Series], single: Sequence[Instance], because: str, by: Actor
) -> UUID:
    act = uuid7()
    added = sorted(set(source.flags) - set(target.flags) - {Study.Flag.IDENTITY})
    written = {"act": act, "flags": added, "by": str(by), "because": because.strip()[:200]}
    for series in whole:
        former = series.uid
        series.study, series.uid = target, _free_uid(series.uid, target.id)
        series.save(update_fields=("study", "uid"))
        _write(series, source, target, former, **written)
    by_series: dict[UUID, list[Instance]] = {}
    for image in single:
        by_series.setdefault(image.series_id, []).append(image)
    for key, images in by_series.items():
        old = Series.objects.get(id=key)
        series = Series.objects.create(
            study=target, uid=new_uid(), modality=old.modality, number=old.number, description=old.description,
            body_part=old.body_part, attributes=old.attributes,
        )  # fmt: skip
        keys = [image.id for image in images]
        Instance.objects.filter(id__in=keys).update(series=series)
        _write(series, source, target, old.uid, from_series=old, instances=keys, **written)
    target.flags = sorted({*target.flags, *added})
    target.save(update_fields=("flags",))
    count(source, target)
    _tell(source, target, act, by, undone=False)
    return act


def _write(series: Series, source: Study, target: Study, former: str, **values: object) -> None:
    turn = Regrouping.objects.filter(series=series).count() + 1
    try:
        with transaction.atomic():
            Regrouping.objects.create(
                series=series, from_study=source, to_study=target, from_uid=former, turn=turn, **values
            )
    except IntegrityError as error:
        raise rules.regrouping.ImagesElsewhere from error


def count(*studies: Study) -> None:
    """Count the images of locked studies again; each says of its patient what its own first image says."""
    for study in studies:
        images = Instance.objects.filter(series__study=study, rejected=False).order_by("created_at", "id")
        first = images.filter(**{f"metadata__{rules.STUDY}__Value__0": study.uid}).first() or images.first()
        if first is not None:
            name(study, study.place_id, Header(first.metadata))
    tally(*studies)


def tally(*studies: Study) -> None:
    """Count the images of locked studies that are shown, and those taken back."""
    keys = [study.id for study in studies]
    with connection.cursor() as cursor:
        cursor.execute(COUNT_SERIES, [keys])
        cursor.execute(COUNT_STUDY, [keys])
    for study in studies:
        study.refresh_from_db()


def _tell(source: Study, target: Study, act: UUID, by: Actor, *, undone: bool) -> None:
    for study, other in ((source, target), (target, source)):
        fact = StudyRegrouped(
            study=study.id, other=other.id, act=act, instances=study.instance_count, place=study.place_id,
            patient=study.patient_id, undone=undone,
        )  # fmt: skip
        emit(fact, by=by)


def _free_uid(uid: str, study: UUID) -> str:
    """The series UID, or a new one where the study has a series of this UID already."""
    return new_uid() if Series.objects.filter(uid=uid, study=study).exists() else uid


def new_uid() -> str:
    """A UID that nobody has: 2.25 and a random UUID (PS3.5, B.2)."""
    return f"2.25.{uuid.uuid4().int}"
