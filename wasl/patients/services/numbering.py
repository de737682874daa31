"""A place's own numbers: in use, replaced by another of them, removed, and in use again."""

from uuid import UUID

from django.utils import timezone

from wasl.kernel.access import Actor
from wasl.kernel.errors import NotFound
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb
from wasl.patients import queries, rules
from wasl.patients.events import NumberRemoved, NumberReplaced, NumberRestored, PatientCorrected
from wasl.patients.models import SourceIdentity, SourceRecord
from wasl.patients.rules import numbers


@verb
def remove_number(*, place: UUID, local_id: str, by: Actor) -> None:
    """Take from a place that it uses a number no longer; what was said under it stays, and whose it was.

    Said twice, it is once. Raises NotFound where the place has told of no such number.
    """
    rules.check_post(place, by)
    number = rules.check_local_id(local_id)
    # whoever tells of the number at this moment waits here
    SourceRecord.objects.select_for_update().filter(place=place, local_id=number).first()
    identity = number_of(place, number)
    if identity is None:
        raise NotFound
    if not identity.is_removed:
        _set(identity, None, retired=True)
        emit(NumberRemoved(identity=identity.id, patient=identity.patient_id, place=place), by=by)
        _tell(identity, by=by)


def number_of(place: UUID, value: str) -> SourceIdentity | None:
    """A place's own number, held until the transaction ends; part of a verb, which holds its record."""
    rows = SourceIdentity.objects.select_for_update(no_key=True)
    return rows.filter(kind=SourceIdentity.Kind.LOCAL, place=place, value=value).first()


def replace(identity: SourceIdentity, survivor: SourceIdentity, *, by: Actor) -> None:
    """Write that one of a place's numbers stands for another; part of a verb."""
    if identity.replaced_by_id == survivor.id:
        return
    _set(identity, survivor, retired=True)
    told = NumberReplaced(
        identity=identity.id, replaced_by=survivor.id, patient=identity.patient_id, place=identity.place_id
    )
    emit(told, by=by)
    _tell(identity, by=by)


def use_again(place: UUID, value: str, *, changed: bool, by: Actor) -> None:
    """A number of which a place tells again is in use; `changed` is that it says something else. Part of a verb."""
    identity = number_of(place, value)
    if identity is None or identity.retired_at is None:
        return
    numbers.check_back_in_use(removed=identity.is_removed, changed=changed)
    _set(identity, None, retired=False)
    emit(NumberRestored(identity=identity.id, patient=identity.patient_id, place=place), by=by)
    _tell(identity, by=by)


def _set(identity: SourceIdentity, survivor: SourceIdentity | None, *, retired: bool) -> None:
    identity.retired_at, identity.replaced_by = timezone.now() if retired else None, survivor
    identity.save(update_fields=("retired_at", "replaced_by"))


def _tell(identity: SourceIdentity, *, by: Actor) -> None:
    """The person's record, and that of the file itself, say which numbers are in use."""
    head = queries.head_of(identity.patient_id, viewer=by)
    for file in dict.fromkeys((head, identity.patient_id)):
        emit(PatientCorrected(patient=file, place=identity.place_id, fields=("identities",)), by=by)
