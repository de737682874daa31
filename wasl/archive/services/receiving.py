"""Images taken in: a batch is one transaction, and constraints decide who was first."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from wasl.archive import rules
from wasl.archive.events import InstanceConflicted, StudyArrived, StudyExtended, StudyReopened
from wasl.archive.models import Conflict, Instance, Study
from wasl.archive.services.completing import look_again
from wasl.archive.services.header import Header
from wasl.archive.services.rows import (
    Incoming,
    Pair,
    add_to_study,
    count_series,
    find_series,
    lock_studies,
    new_instance,
)
from wasl.archive.services.store import discard
from wasl.kernel.access import Actor
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb


@dataclass(frozen=True)
class Outcome:
    """What became of an instance: `stored`, `duplicate` (known with the same content) or `conflict` (kept aside)."""

    what: str
    study: UUID
    instance: UUID


@verb
def receive(items: Sequence[Incoming], *, by: Actor) -> list[Outcome]:
    """Take instances into the archive, all or none; duplicates are recognised, conflicting ones kept aside."""
    heads = [Header(item.metadata) for item in items]
    for item in items:
        rules.check_uids(item.metadata)
        rules.check_own_place(item.place, by=by)
    first: dict[str, int] = {}
    for number, head in enumerate(heads):
        first.setdefault(head.uid, number)
    known = _known(first)
    fresh = {uid: number for uid, number in first.items() if uid not in known}
    taken = _take({number: (items[number], heads[number]) for number in fresh.values()}, by) if fresh else {}
    known |= {row.uid: row for row in taken.values()}
    if quicker := fresh.keys() - known.keys():  # somebody else sent these meanwhile
        known |= _known(quicker)
    outcomes = []
    for number, (item, head) in enumerate(zip(items, heads, strict=True)):
        instance = known[head.uid]
        what = "stored" if number in taken else _again(item, instance, by)
        outcomes.append(Outcome(what, instance.series.study_id, instance.id))
    return outcomes


def _known(uids: Iterable[str]) -> dict[str, Instance]:
    rows = Instance.objects.filter(uid__in=list(uids)).select_related("series__study")
    return {row.uid: row for row in rows.only("uid", "sha256", "series__study__place")}


def _again(item: Incoming, instance: Instance, by: Actor) -> str:
    """The same UID came again: with the same content the new file goes; with other content it is kept aside."""
    if bytes(instance.sha256) == item.dataset_sha256:
        transaction.on_commit(lambda: discard(item.stored.path))
        return "duplicate"
    conflict = Conflict(
        instance=instance, path=item.stored.path, size=item.stored.size, sha256=item.dataset_sha256,
        source_id=item.source, transfer_syntax=item.transfer_syntax, frames=item.frames,
        pixel_offset=item.pixel_offset, metadata=item.metadata,
    )  # fmt: skip
    Conflict.objects.bulk_create([conflict], ignore_conflicts=True)
    if not Conflict.objects.filter(id=conflict.id).exists():  # this very content was kept aside before
        transaction.on_commit(lambda: discard(item.stored.path))
        return "conflict"
    study = instance.series.study
    emit(InstanceConflicted(conflict=conflict.id, study=study.id, place=study.place_id), by=by)
    return "conflict"


def _take(pairs: dict[int, Pair], by: Actor) -> dict[int, Instance]:
    """Make rows for what is new: the row of each item for which nobody was quicker."""
    studies = lock_studies(pairs.values())
    series = find_series(pairs.values(), studies)
    rows = {number: new_instance(item, head, series[head.study_uid, head.series_uid])
            for number, (item, head) in pairs.items()}  # fmt: skip
    Instance.objects.bulk_create(sorted(rows.values(), key=lambda row: row.uid), ignore_conflicts=True)
    kept = set(Instance.objects.filter(id__in=[row.id for row in rows.values()]).values_list("id", flat=True))
    taken = {number: row for number, row in rows.items() if row.id in kept}
    grown: dict[str, list[int]] = defaultdict(list)
    for number in taken:
        grown[pairs[number][1].study_uid].append(number)
    for uid, numbers in sorted(grown.items()):
        begun = count_series([taken[number].series for number in numbers])
        _grow(studies[uid], [pairs[number] for number in numbers], begun, by)
    return taken


def _grow(study: Study, added: Sequence[Pair], begun: int, by: Actor) -> None:
    """A study has more images, the first of `begun` series among them: count them, and tell what that means."""
    arrived = study.instance_count == 0
    complete = study.complete_at is not None
    reopened = complete and any(item.frames for item, _ in added)
    if reopened:  # reports and notes made about a complete study leave it complete
        study.complete_at, study.complete_by = None, ""
    add_to_study(study, added, begun)
    if arrived:
        emit(StudyArrived(study=study.id, study_uid=study.uid, accession=study.accession, place=study.place_id), by=by)
    if reopened:
        emit(StudyReopened(study=study.id, place=study.place_id, patient=study.patient_id), by=by)
    elif complete:
        emit(StudyExtended(study=study.id, place=study.place_id, patient=study.patient_id), by=by)
    look_again(study, by=by)
