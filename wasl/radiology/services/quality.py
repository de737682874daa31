"""Image quality: a reader rejects a series with its reason, takes that back, and the hospital answers."""

from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from wasl.archive import queries as archive
from wasl.kernel.access import SYSTEM, Actor
from wasl.kernel.errors import NotFound
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb
from wasl.radiology.events import SeriesRejectAnswered, SeriesRejected, SeriesRejectWithdrawn
from wasl.radiology.models import Reject
from wasl.radiology.rules import quality as rules
from wasl.radiology.rules import reading as reading_rules
from wasl.radiology.services.reading import locked_reading

Outcome = Reject.Outcome


@verb
def reject_series(key: UUID, *, series_uid: str, reason: str, again: bool = False, by: Actor) -> Reject:
    """Find a series of a case that one reads not good enough; its hospital sees it at once. The images stay."""
    reading = locked_reading(key)
    reading_rules.check_mine(reading.state, reading.claimed_by_id, by.id)
    rules.check_reason(reason, Reject.Reason.values)
    series = archive.series_of(reading.study_id, viewer=SYSTEM).filter(uid=series_uid).first()
    if series is None:
        raise rules.NotOfThisStudy
    try:
        with transaction.atomic():
            reject = Reject.objects.create(
                reading=reading, place_id=reading.place_id, series_uid=series_uid, series=series.description,
                modality=series.modality, machine=archive.machine_of(series, viewer=SYSTEM), reason=reason,
                again=again, by_id=reading_rules.reader(by),
            )  # fmt: skip
    except IntegrityError as twice:
        raise rules.AlreadyRejected from twice
    told = SeriesRejected(
        reject=reject.id, reading=key, order=reading.order_id, patient=reading.patient_id, place=reading.place_id,
        reason=reason, again=again,
    )  # fmt: skip
    emit(told, by=by)
    return reject


@verb
def withdraw_reject(key: UUID, *, by: Actor) -> Reject:
    """Take back that a series is not good enough, while its hospital has not answered."""
    reject = _locked(key)
    rules.check_withdrawable(reject.by_id, reject.outcome, by=by)
    _settle(reject, Outcome.WITHDRAWN, by=by)
    emit(SeriesRejectWithdrawn(**_about(reject)), by=by)
    return reject


@verb
def answer_reject(key: UUID, *, outcome: str, by: Actor) -> Reject:
    """Say, where the images were made, what was done about a rejected series."""
    reject = _locked(key)
    if reject.place_id not in by.places("radiographer"):
        raise rules.NotMadeHere
    rules.check_answer(outcome, reject.outcome)
    _settle(reject, outcome, by=by)
    emit(SeriesRejectAnswered(outcome=outcome, **_about(reject)), by=by)
    return reject


def _locked(key: UUID) -> Reject:
    reject = Reject.objects.select_for_update(of=("self",)).select_related("reading").filter(id=key).first()
    if reject is None:
        raise NotFound
    return reject


def _settle(reject: Reject, outcome: str, *, by: Actor) -> None:
    reject.outcome, reject.settled_by_id, reject.settled_at = outcome, reading_rules.reader(by), timezone.now()
    reject.save(update_fields=("outcome", "settled_by", "settled_at"))


def _about(reject: Reject) -> dict[str, UUID]:
    return {
        "reject": reject.id, "reading": reject.reading_id, "patient": reject.reading.patient_id,
        "place": reject.place_id,
    }  # fmt: skip
