"""Work given to algorithms and stations: put on the worklist, claimed by one, reported on, finished (PS3.4, CC)."""

from typing import Any
from uuid import UUID, uuid4

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from wasl.archive import queries, rules
from wasl.archive.events import (
    WorkitemCancellationAsked,
    WorkitemCreated,
    WorkitemStateChanged,
    WorkitemUpdated,
)
from wasl.archive.models import Study, Workitem, WorkitemSubscription
from wasl.archive.rules import workitem_data as data
from wasl.archive.rules import workitem_reports, workitems
from wasl.archive.rules.moments import moment
from wasl.archive.services.subscriptions import announce, announce_new, one_by_one
from wasl.kernel.access import Actor
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb

Json = dict[str, Any]


@verb
def create_workitem(uid: str, *, attributes: Json, place: UUID | None, by: Actor) -> bool:
    """Put a workitem on the worklist of a place; whether something was put in that its sender had left out."""
    rules.check_own_place(place, by=by)
    if place is None:
        raise rules.NotYourPlace
    dataset, modified = data.created(uid, data.checked(attributes), now=timezone.now())
    one_by_one()
    study_uid = data.study_of(dataset)
    study = queries.studies(viewer=by).filter(uid=study_uid).first() if study_uid else None
    try:
        with transaction.atomic():
            row = Workitem.objects.create(
                uid=uid, place_id=place, patient_id=study.patient_id if study else None, study_uid=study_uid,
                attributes=dataset, **_columns(dataset),
            )  # fmt: skip
    except IntegrityError as error:
        raise workitems.WorkitemKnown from error
    emit(WorkitemCreated(workitem=row.id, place=place, patient=row.patient_id), by=by)
    announce_new(row)
    return modified


@verb
def update_workitem(uid: str, *, attributes: Json, transaction_uid: str, by: Actor) -> None:
    """Change what a workitem says, or tell how far it is; of a claimed one only who claimed it does."""
    row = _locked(uid, by)
    given = data.checked(attributes)
    said = transaction_uid or data.first(given, data.TRANSACTION) or ""
    workitems.check_updatable(row.state, lock=row.transaction_uid, given=said)
    before, row.attributes = row.attributes, data.updated(row.attributes, given, now=timezone.now())
    for name, value in _columns(row.attributes).items():
        setattr(row, name, value)
    row.save(update_fields=("attributes", "priority", "label", "starts_at"))
    emit(WorkitemUpdated(workitem=row.id, place=row.place_id, patient=row.patient_id), by=by)
    announce(row, workitem_reports.reports(before, row.attributes))


@verb
def change_workitem_state(uid: str, *, attributes: Json, by: Actor) -> bool:
    """Claim a workitem with a Transaction UID of one's own, or complete or cancel it with that; whether it changed.

    Of several who claim one at once the first has it.
    """
    row = _locked(uid, by)
    given = data.checked(attributes)
    state, said = str(data.first(given, data.STATE) or ""), str(data.first(given, data.TRANSACTION) or "")
    if not workitems.changes(row.state, state, lock=row.transaction_uid, given=said):
        return False
    if state == workitems.IN_PROGRESS:
        row.transaction_uid = said
    _change(row, state, by)
    return True


@verb
def ask_workitem_cancellation(uid: str, *, requester: str, attributes: Json, by: Actor) -> bool:
    """Ask that a workitem be canceled: one that nobody claimed is, otherwise its performer is told.

    False when it is canceled already. Raises AlreadyCompleted, PerformerAway.
    """
    row = _locked(uid, by)
    given = data.checked(attributes)
    rules.check_ae_title(requester)
    if row.state == workitems.CANCELED:
        return False
    if row.state == workitems.COMPLETED:
        raise workitems.AlreadyCompleted
    if row.state == workitems.IN_PROGRESS and not WorkitemSubscription.objects.filter(workitem=row).exists():
        raise workitems.PerformerAway
    emit(WorkitemCancellationAsked(workitem=row.id, place=row.place_id, patient=row.patient_id), by=by)
    report = workitem_reports.cancel_report(given, requester=requester)
    announce(row, [(workitem_reports.CANCEL_REQUESTED, report)])
    if row.state == workitems.SCHEDULED:  # by way of IN PROGRESS (CC.2.2.3)
        row.transaction_uid = f"2.25.{uuid4().int}"
        row.attributes = workitem_reports.with_reason(row.attributes, given)
        _change(row, workitems.IN_PROGRESS, by)
        _change(row, workitems.CANCELED, by)
    return True


@verb
def follow_study(study: UUID, *, by: Actor) -> None:
    """The workitems of a study are of the patient whose the study is now."""
    row = Study.objects.get(id=study)
    rows = Workitem.objects.filter(Q(place=row.place_id) | Q(patient__isnull=False), study_uid=row.uid)
    rows.update(patient=row.patient_id)


def _change(row: Workitem, state: str, by: Actor) -> None:
    before, row.attributes = row.attributes, data.changed(row.attributes, state, now=timezone.now())
    row.state = state
    row.save(update_fields=("state", "transaction_uid", "attributes"))
    emit(WorkitemStateChanged(workitem=row.id, place=row.place_id, patient=row.patient_id, state=state), by=by)
    announce(row, workitem_reports.reports(before, row.attributes))


def _locked(uid: str, by: Actor) -> Workitem:
    found = queries.workitem(uid, viewer=by)
    one_by_one()
    return Workitem.objects.select_for_update(no_key=True).get(id=found.id)


def _columns(dataset: Json) -> dict[str, Any]:
    """What of a data set is kept in columns too."""
    return {
        "priority": data.first(dataset, data.PRIORITY), "label": data.first(dataset, data.LABEL),
        "starts_at": moment(data.first(dataset, data.STARTS)),
    }  # fmt: skip
