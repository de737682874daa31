"""A record of a place that was linked to the wrong person: it goes to its own, and the two are told apart."""

from uuid import UUID

from django.utils import timezone

from wasl.kernel.access import Actor
from wasl.kernel.errors import NotFound
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb
from wasl.patients import queries
from wasl.patients.events import HeldSettled, PatientCorrected, PatientRegistered, RecordSplit, SplitUndone
from wasl.patients.models import RecordLink, RecordVersion, Settled, SourceIdentity, SourceRecord, Split
from wasl.patients.rules import merging as rules
from wasl.patients.services.feeding import _newcomer
from wasl.patients.services.merging import lock_people, tell_apart, withdraw


@verb
def split_record(record: UUID, *, because: str, by: Actor, patient: UUID | None = None) -> Split:
    """Say that a record is not of the person whose it was said to be, but of `patient`, or of somebody new.

    The two are told apart besides, so that no machine and no merge brings them together again. The place's own number
    goes with the record.
    """
    rules.check_person(by)
    why = rules.check_merge_reason(because)
    closed = _link_of(record)
    if not queries.is_known_here(closed.patient_id, viewer=by):
        raise NotFound
    if patient is not None:
        rules.check_pair(closed.patient_id, patient)
    lock_people(closed.patient_id, *([patient] if patient else ()))
    closed = _link_to_change(closed)
    owner = patient
    if owner is None:
        last = RecordVersion.objects.get(record=record, superseded_at=None)
        fed = not last.said_by.startswith("person:")  # else a desk wrote it there
        owner = _newcomer(last.said, provisional=False, fed=fed, by=by).id
        emit(PatientRegistered(patient=owner, place=closed.record.place_id), by=by)
    difference = tell_apart(closed.patient_id, owner, because=why, by=by)
    opened = _hand_over(closed, owner, by)
    made = Split.objects.create(closed=closed, opened=opened, difference=difference, because=why, by=str(by))
    told = RecordSplit(
        split=made.id, record=record, patient=closed.patient_id, other=owner, place=closed.record.place_id
    )
    emit(told, by=by)
    return made


@verb
def undo_split(key: UUID, *, because: str, by: Actor) -> Split:
    """Give a record back to the person from whose file it was split, and withdraw that the two are two people."""
    rules.check_person(by)
    why = rules.check_merge_reason(because)
    made = queries.split(key, viewer=by)
    lock_people(made.closed.patient_id, made.opened.patient_id)
    made = Split.objects.select_for_update().get(id=key)
    rules.check_standing_merge(made.undone_at is not None)
    opened = _link_to_change(made.opened)
    if made.difference.withdrawn_at is None:
        withdraw(made.difference_id, because=why, by=by)
    _hand_over(opened, made.closed.patient_id, by)
    made.undone_at, made.undone_by, made.undone_because = timezone.now(), str(by), why
    made.save(update_fields=("undone_at", "undone_by", "undone_because"))
    told = SplitUndone(
        split=key, record=opened.record_id, patient=made.closed.patient_id, other=opened.patient_id,
        place=opened.record.place_id,
    )  # fmt: skip
    emit(told, by=by)
    return made


@verb
def settle_held(split: UUID, *, kind: str, key: UUID, outcome: str, by: Actor) -> Settled:
    """Say of something that was written before a split whose it is: moved to the other, or this person's after all."""
    rules.check_person(by)
    made = queries.split(split, viewer=by)
    Split.objects.select_for_update().get(id=split)
    done = (kind, key) in queries.settled_of(made, viewer=by)
    left = queries.written_between(made, viewer=by)
    rules.check_settled(outcome, any(kind == one and key == row.key for one, _kept, rows in left for row in rows), done)
    row = Settled.objects.create(split=made, kind=kind, key=key, outcome=Settled.Outcome(outcome), by=str(by))
    emit(HeldSettled(split=split, kind=kind, key=key, outcome=outcome), by=by)
    return row


def _link_of(record: UUID) -> RecordLink:
    found = RecordLink.objects.filter(record=record, closed_at=None).first()
    if found is None:
        raise NotFound
    return found


def _link_to_change(link: RecordLink) -> RecordLink:
    """A link that stands, with its record, which whoever hears its place again locks too."""
    SourceRecord.objects.select_for_update().get(id=link.record_id)
    found = RecordLink.objects.select_for_update(of=("self",)).select_related("record").get(id=link.id)
    rules.check_undecided(found.closed_at is not None)
    return found


def _hand_over(link: RecordLink, patient: UUID, by: Actor) -> RecordLink:
    """Close a link, and link its record to another file, with the place's own number."""
    now, former = timezone.now(), link.patient_id
    link.closed_at, link.closed_by = now, str(by)
    link.save(update_fields=("closed_at", "closed_by"))
    opened = RecordLink.objects.create(
        record=link.record, patient_id=patient, state=RecordLink.State.HUMAN, opened_at=now, opened_by=str(by)
    )
    if link.record.local_id:
        own = SourceIdentity.objects.filter(kind="local", place=link.record.place_id, value=link.record.local_id)
        own.filter(patient=former).update(patient=patient)
    for file in (former, patient):
        emit(PatientCorrected(patient=file, place=link.record.place_id, fields=("identities",)), by=by)
    return opened
