"""Who is who, as people say it: files that are one person's, and files that are not.

No row moves. A merge is an edge between two files; the files that edges bind together are one person's, and are found
under the first of them. What opens one of them opens all.
"""

from collections.abc import Iterable, Sequence
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F, Q
from django.utils import timezone

from wasl.kernel.access import Actor
from wasl.kernel.errors import NotFound
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb
from wasl.patients import queries
from wasl.patients.events import (
    DifferenceWithdrawn,
    PatientRestored,
    PatientRetired,
    PatientsMerged,
    PatientsToldApart,
    PatientsUnmerged,
)
from wasl.patients.models import CareRelationship, Merge, NotSame, Patient
from wasl.patients.rules import merging as rules


class _GrewMeanwhile(Exception):
    """Somebody merged one of the people while their files were being locked."""


def lock_people(*keys: UUID) -> list[Patient]:
    """All files of the people some of whose files these are, locked in one order; part of a verb."""
    while True:
        try:
            with transaction.atomic():
                return _locked(keys)
        except _GrewMeanwhile:  # what was locked is let go, so that the larger person is locked in order too
            continue


def _locked(keys: Sequence[UUID]) -> list[Patient]:
    def heads() -> set[UUID]:
        return set(Patient.objects.filter(id__in=keys).values_list("head", flat=True))

    found = Patient.objects.select_for_update(no_key=True).filter(head__in=heads()).order_by("id")
    rows = list(found)
    members = set(Patient.objects.filter(head__in=heads()).values_list("id", flat=True))
    if members != {row.id for row in rows}:
        raise _GrewMeanwhile
    if not set(keys) <= members:
        raise NotFound
    return rows


def files_to_open(patient: UUID) -> list[UUID]:
    """The files of a person, which nobody merges or takes apart before the transaction ends; part of a verb."""
    with connection.cursor() as cursor:
        cursor.execute("select head_id from patients_patient where id = %s for share", [patient])
    return list(Patient.objects.filter(head__files=patient).values_list("id", flat=True))


def open_other_files(relation: CareRelationship) -> None:
    """Open a person's other files on the ground that opened one; part of a verb, which called `files_to_open`."""
    for key in files_to_open(relation.patient_id):
        if key != relation.patient_id:
            _copy(relation, key)


def _copy(relation: CareRelationship, patient: UUID) -> None:
    about = {name: getattr(relation, name) for name in ("ground", "place_id", "person", "because", "source", "ends_at")}
    CareRelationship.objects.update_or_create(
        copy_of=relation, patient_id=patient, defaults=about, create_defaults={**about, "starts_at": timezone.now()}
    )


def merge(one: UUID, other: UUID, *, because: str, by: Actor, said_by: str, clinical: bool) -> Merge:
    """Bind two files together: `said_by` is who said it first, `by` who says it now; part of a verb."""
    first, second = rules.check_pair(one, other)
    rows = lock_people(first, second)
    now = {row.id: row.head_id for row in rows}
    differ = NotSame.objects.filter(withdrawn_at__isnull=True, one__in=now, other__in=now).values_list("one", "other")
    rules.check_mergeable((now[first], now[second]), [(now[a], now[b]) for a, b in differ])
    edge = Merge.objects.create(
        one_id=first, other_id=second, because=because, by=said_by or str(by), clinical=clinical,
        confirmed_by=str(by) if said_by else "",
    )  # fmt: skip
    changed = settle(rows)
    _open_each_other(rows)
    head = next(row.head_id for row in rows if row.id == first)
    told = PatientsMerged(
        merge=edge.id, one=first, other=second, patient=head, before=(now[first], now[second]),
        seconded_by=edge.confirmed_by,
    )  # fmt: skip
    emit(told, by=by)
    _tell(changed, by=by)
    return edge


@verb
def undo_merge(key: UUID, *, because: str, by: Actor) -> Merge:
    """Take back that two files are one person's: heads and grounds are as without it; what was written stays put."""
    rules.check_person(by)
    why = rules.check_merge_reason(because)
    edge = queries.merge(key, viewer=by)
    rows = lock_people(edge.one_id, edge.other_id)
    edge = Merge.objects.select_for_update().get(id=key)
    rules.check_standing_merge(edge.undone_at is not None)
    head = rows[0].head_id
    edge.undone_at, edge.undone_by, edge.undone_because = timezone.now(), str(by), why
    edge.save(update_fields=("undone_at", "undone_by", "undone_because"))
    changed = settle(rows)
    close_copies(rows)
    now = {row.id: row.head_id for row in rows}
    told = PatientsUnmerged(
        merge=edge.id, one=edge.one_id, other=edge.other_id, patient=head, after=(now[edge.one_id], now[edge.other_id])
    )
    emit(told, by=by)
    _tell(changed, by=by)
    return edge


def settle(rows: Sequence[Patient]) -> list[tuple[Patient, UUID]]:
    """Find the head of each of some locked files again; those whose head changed, each with the one before."""
    keys = [row.id for row in rows]
    edges = Merge.objects.filter(undone_at__isnull=True, one__in=keys).values_list("one", "other")
    found = rules.heads({row.id: (row.created_at, row.id) for row in rows}, edges)
    changed = [(row, row.head_id) for row in rows if found[row.id] != row.head_id]
    for row, _before in changed:
        row.head_id = found[row.id]
    Patient.objects.bulk_update([row for row, _before in changed], ["head"])
    return changed


def _tell(changed: Iterable[tuple[Patient, UUID]], *, by: Actor) -> None:
    for row, before in changed:
        if row.head_id == row.id:
            emit(PatientRestored(patient=row.id, before=before), by=by)
        else:
            emit(PatientRetired(patient=row.id, before=before, after=row.head_id), by=by)


def _in_force() -> Q:
    return Q(ends_at__isnull=True) | Q(ends_at__gt=timezone.now())


def _open_each_other(rows: Sequence[Patient]) -> None:
    """Open all files of a person on the grounds in force of each; a review opens no record, and is of one exam."""
    own = CareRelationship.objects.filter(_in_force(), patient__in=rows, copy_of__isnull=True)
    for relation in own.exclude(ground=CareRelationship.Ground.REVIEW).order_by("id"):
        for row in rows:
            if row.id != relation.patient_id:
                _copy(relation, row.id)


def close_copies(rows: Sequence[Patient]) -> None:
    """Close, of some locked files, the grounds that came from a file that is another person's now."""
    lent = CareRelationship.objects.filter(_in_force(), patient__in=rows, copy_of__isnull=False)
    foreign = lent.exclude(copy_of__patient__head=F("patient__head")).values_list("id", flat=True)
    CareRelationship.objects.filter(id__in=list(foreign)).update(ends_at=timezone.now())


def tell_apart(one: UUID, other: UUID, *, because: str, by: Actor) -> NotSame:
    """Write that two files are two people's; part of a verb."""
    first, second = rules.check_pair(one, other)
    rows = lock_people(first, second)
    if len({row.head_id for row in rows}) == 1:
        raise rules.AlreadyOne
    said, made = NotSame.objects.get_or_create(
        one_id=first, other_id=second, withdrawn_at=None, defaults={"because": because, "by": str(by)}
    )
    if made:
        emit(PatientsToldApart(difference=said.id, one=first, other=second), by=by)
    return said


@verb
def withdraw_difference(key: UUID, *, because: str, by: Actor) -> NotSame:
    """Take back that two files are two people's; it may be said again."""
    rules.check_person(by)
    queries.difference(key, viewer=by)
    return withdraw(key, because=rules.check_merge_reason(because), by=by)


def withdraw(key: UUID, *, because: str, by: Actor) -> NotSame:
    """Write that a difference is withdrawn; part of a verb."""
    said = NotSame.objects.select_for_update().filter(id=key).first()
    if said is None:
        raise NotFound
    rules.check_standing_difference(said.withdrawn_at is not None)
    said.withdrawn_at, said.withdrawn_by, said.withdrawn_because = timezone.now(), str(by), because
    said.save(update_fields=("withdrawn_at", "withdrawn_by", "withdrawn_because"))
    emit(DifferenceWithdrawn(difference=said.id, one=said.one_id, other=said.other_id), by=by)
    return said
