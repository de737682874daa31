"""Images taken in: a batch is one transaction, and constraints decide who was first."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef

from wasl.archive import queries, rules
from wasl.archive.events import InstanceConflicted, MarksSaved, StudyArrived, StudyExtended, StudyReopened
from wasl.archive.models import Conflict, Copy, Instance, Mark, Regrouping, Study, Transcoding
from wasl.archive.rules import marks
from wasl.archive.services.completing import look_again
from wasl.archive.services.damage import put_in_place
from wasl.archive.services.header import Header
from wasl.archive.services.manifests import hold, hold_again
from wasl.archive.services.notes import note_in
from wasl.archive.services.rejecting import count, standing, take_back
from wasl.archive.services.rows import Incoming, Pair, grow, insert, lock_studies, make_series, name, present
from wasl.archive.services.store import discard, release
from wasl.kernel.access import Actor
from wasl.kernel.errors import NotAllowed
from wasl.kernel.events import emit
from wasl.kernel.verbs import allowed, verb


@dataclass(frozen=True)
class Outcome:
    """What became of an instance: `stored`, `duplicate` (known with the same content) or `conflict` (kept aside)."""

    what: str
    study: UUID
    instance: UUID


@verb
def receive(items: Sequence[Incoming], *, by: Actor) -> list[Outcome]:
    """Take instances into the archive, all or none; duplicates are recognised, conflicting ones kept aside.

    A note that takes images back is kept as they are, and does so for whoever may. What was taken back before it came,
    or comes again, stays so.
    """
    return taken_in(items, by=by)


def taken_in(items: Sequence[Incoming], *, by: Actor) -> list[Outcome]:
    """What becomes of instances that somebody may add; part of a verb."""
    heads = [Header(item.metadata, item.filed) for item in items]
    for item in items:
        rules.check_uids(item.metadata)
        rules.check_own_place(item.place, by=by)
    first: dict[str, int] = {}
    for number, head in enumerate(heads):
        first.setdefault(head.uid, number)
    pairs = {number: (items[number], heads[number]) for number in first.values()}
    taken, known = _take(pairs, by)
    transaction.on_commit(lambda: release(*(item.stored for item in items)))
    studies = _grow({number: row for number, row in taken.items() if not row.rejected}, pairs, by)
    if hidden := {number: row for number, row in taken.items() if row.rejected}:
        studies |= _withhold(hidden, pairs, by)
    if by.kind == "person" and by.id and marks.SAVES_MARKS & by.roles:
        drawn = [row for row in taken.values() if not row.rejected and row.sop_class in marks.KINDS]
        _note_marks(drawn, by.id, by)
    outcomes = []
    for number, (item, head) in enumerate(zip(items, heads, strict=True)):
        if number in taken:
            outcomes.append(Outcome("stored", studies[head.study_uid], taken[number].id))
        elif (mine := first[head.uid]) in taken:  # twice in one batch
            outcomes.append(_again(item, taken[mine], by))
        else:
            outcomes.append(_again(item, known[head.uid], by))
    again = [
        (head.study_uid, head.uid, item.dataset_sha256)  # where it was announced; it may have been moved since
        for item, head in zip(items, heads, strict=True)
        if head.uid in known
    ]
    if again:
        hold_again(again, by=by)
    return outcomes


def _note_marks(rows: Sequence[Instance], person: UUID, by: Actor) -> None:
    """Keep whose marks these are."""
    for row in rows:
        mark = Mark.objects.create(instance=row, person_id=person, kind=marks.KINDS[row.sop_class])
        study = row.series.study
        fact = MarksSaved(mark=mark.id, study=study.id, place=study.place_id, patient=study.patient_id, kind=mark.kind)
        emit(fact, by=by)


def _take(pairs: Mapping[int, Pair], by: Actor) -> tuple[dict[int, Instance], dict[str, Instance]]:
    """Put what is new into the table: the rows put there by number, and those that were there by UID."""
    withheld = {number for number, (item, head) in pairs.items() if item.withheld or note_in(head)}
    taken = {} if withheld else insert(pairs, by=by)
    if len(taken) == len(pairs):  # as nearly always
        return taken, {}
    known = _known(head.uid for number, (_, head) in pairs.items() if number not in taken)
    fresh = {number: pair for number, pair in pairs.items() if number not in taken and pair[1].uid not in known}
    if fresh:
        studies = lock_studies(fresh.values())
        for study in studies.values():
            _check_place(study, by)
        make_series(fresh.values(), studies)
        back = standing(some) if (some := [study for study in studies.values() if study.standing]) else set()
        hidden = {number for number, (_, head) in fresh.items() if number in withheld or head.uid in back}
        taken |= insert(fresh, by=by, locked=True, rejected=hidden)
        if quicker := {head.uid for number, (_, head) in fresh.items() if number not in taken}:
            known |= _known(quicker)  # somebody else sent these meanwhile
    return taken, known


def _check_place(study: Study, by: Actor) -> None:
    """Only who sees a study may add to it, and who is of its place.

    One that never had an image is nobody's; one whose images were all moved to another, or taken back, still is its
    place's.
    """
    if study.place_id is None or rules.is_own_place(study.place_id, by=by):
        return
    images = study.instance_count or study.rejected_count
    if not images and not Regrouping.objects.filter(from_study=study).exists():
        return
    if not queries.reaches(study.id, viewer=by):
        raise rules.OtherPlacesStudy


def _known(uids: Iterable[str]) -> dict[str, Instance]:
    there = present(uids)
    if not there:
        return {}
    copies = Copy.objects.filter(path=OuterRef("path"))
    lost = Exists(copies.filter(damaged_at__isnull=False)) & ~Exists(copies.filter(damaged_at__isnull=True))
    rows = Instance.objects.filter(uid__in=there).select_related("series__study").annotate(lost=lost)
    rows = rows.only("uid", "path", "sha256", "series__study__place")
    return {row.uid: row for row in rows}


def _again(item: Incoming, instance: Instance, by: Actor) -> Outcome:
    """The same UID came again: with the same content the new file goes; with other content it is kept aside."""
    study = instance.series.study
    if instance.path == item.stored.path:  # it was taken before, only its sender was not told
        return Outcome("stored", study.id, instance.id)
    if bytes(instance.sha256) == item.dataset_sha256:
        if getattr(instance, "lost", False) and put_in_place(instance, item, by=by):
            return Outcome("duplicate", study.id, instance.id)
        transaction.on_commit(lambda: discard(item.stored.path))
        return Outcome("duplicate", study.id, instance.id)
    if remade := Transcoding.objects.filter(instance=instance, original_sha256=item.dataset_sha256).first():
        transaction.on_commit(lambda: discard(item.stored.path))  # it is shown, or kept aside, encoded again
        what = "duplicate" if bytes(instance.sha256) == bytes(remade.sha256) else "conflict"
        return Outcome(what, study.id, instance.id)
    conflict = Conflict(
        instance=instance, path=item.stored.path, size=item.stored.size, sha256=item.dataset_sha256,
        source_id=item.source, transfer_syntax=item.transfer_syntax, frames=item.frames,
        pixel_offset=item.pixel_offset, metadata=item.metadata,
    )  # fmt: skip
    Conflict.objects.bulk_create([conflict], ignore_conflicts=True)
    if not Conflict.objects.filter(id=conflict.id).exists():  # this very content was kept aside before
        transaction.on_commit(lambda: discard(item.stored.path))
    else:
        emit(InstanceConflicted(conflict=conflict.id, study=study.id, place=study.place_id), by=by)
    return Outcome("conflict", study.id, instance.id)


def _withhold(taken: Mapping[int, Instance], pairs: Mapping[int, Pair], by: Actor) -> dict[str, UUID]:
    """What came is not shown: notes that take images back, or images that were taken back before; their studies."""
    withheld: dict[str, list[Pair]] = defaultdict(list)
    for number in taken:
        withheld[pairs[number][1].study_uid].append(pairs[number])
    studies = {uid: Study.objects.get(uid=uid) for uid in sorted(withheld)}  # locked
    for uid, study in studies.items():
        notes = [(item, note) for item, head in withheld[uid] if (note := note_in(head))]
        if notes:
            if not allowed("archive.reject_images", by):
                raise NotAllowed
            rules.check_rejects(study.place_id, reads=queries.reaches(study.id, viewer=by), by=by)
        for item, note in notes:
            take_back(study, note, item.source, by)
        count(study)
        if study.announced:
            hold(study, [(head.uid, item.dataset_sha256) for item, head in withheld[uid]])
        look_again(study, by=by)
    return {uid: study.id for uid, study in studies.items()}


def _grow(taken: Mapping[int, Instance], pairs: Mapping[int, Pair], by: Actor) -> dict[str, UUID]:
    """Count new images in their studies, and tell what that means; the studies."""
    studies = grow(taken, pairs) if taken else []
    for grown in studies:
        study = grown.study
        added = [pairs[number] for number in taken if pairs[number][1].study_uid == study.uid]
        if grown.first:
            name(study, added[0][0].place, added[0][1])
            emit(
                StudyArrived(study=study.id, study_uid=study.uid, accession=study.accession, place=study.place_id),
                by=by,
            )
        if study.complete_at is not None:
            _open_again(study, any(item.frames for item, _ in added), by)
        if study.announced:
            hold(study, [(head.uid, item.dataset_sha256) for item, head in added])
        if grown.steps or study.expected or study.announced:
            look_again(study, by=by)
    return {grown.study.uid: grown.study.id for grown in studies}


def _open_again(study: Study, pixels: bool, by: Actor) -> None:
    """A complete study that has more images is so no longer; reports and notes made about it leave it complete."""
    if not pixels:
        emit(StudyExtended(study=study.id, place=study.place_id, patient=study.patient_id), by=by)
        return
    study.complete_at, study.complete_by = None, ""
    study.save(update_fields=("complete_at", "complete_by"))
    emit(StudyReopened(study=study.id, place=study.place_id, patient=study.patient_id), by=by)
