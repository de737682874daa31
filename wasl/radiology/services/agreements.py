"""Agreements: drafted, changed, signed by both hospitals, ended early by notice, warned of before they end."""

import datetime
from typing import cast
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.backends.postgresql.psycopg_any import DateRange, NumericRange
from django.db.models import Q
from django.utils import timezone

from wasl.kernel.access import SYSTEM, Actor
from wasl.kernel.errors import NotFound
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb
from wasl.radiology import queries
from wasl.radiology.events import (
    AgreementChanged,
    AgreementDrafted,
    AgreementEnded,
    AgreementEnding,
    AgreementMade,
    AgreementSigned,
    EndWarningRead,
)
from wasl.radiology.models import AgreedExam, Agreement, EndWarning
from wasl.radiology.rules import agreements as rules
from wasl.radiology.rules.agreements import Terms as Terms

DAY = datetime.timedelta(days=1)


@verb
def draft_agreement(*, provider: UUID, beneficiary: UUID, terms: Terms, by: Actor) -> Agreement:
    """Write down what one hospital would read for another; it binds nobody until both have signed."""
    rules.check_parties(provider, beneficiary, by)
    rules.check_terms(terms, today=timezone.localdate())
    agreement = Agreement(provider_id=provider, beneficiary_id=beneficiary)
    _write(agreement, terms, by=by)
    emit(AgreementDrafted(agreement=agreement.id, **_parties(agreement)), by=by)
    return agreement


@verb
def change_agreement(key: UUID, *, terms: Terms, version: int, by: Actor) -> Agreement:
    """Write a draft anew, as it was read in this version; a signature given to what it said before is void."""
    agreement = _locked(key, by=by)
    rules.check_draft(agreement.state, agreement.version, version)
    rules.check_terms(terms, today=timezone.localdate())
    agreement.version += 1
    agreement.provider_signer = agreement.provider_signed_at = None
    agreement.beneficiary_signer = agreement.beneficiary_signed_at = None
    agreement.exams.all().delete()
    _write(agreement, terms, by=by)
    emit(AgreementChanged(agreement=key, version=agreement.version, **_parties(agreement)), by=by)
    return agreement


@verb
def sign_agreement(key: UUID, *, side: str, version: int, by: Actor) -> Agreement:
    """Sign for one of the two hospitals what was read in this version; with the second signature it is in force."""
    agreement = _locked(key, by=by)
    if side not in rules.SIDES:
        raise rules.UnknownSide
    place, other = _sides(agreement, side)
    if not rules.binds(place, by):
        raise rules.NotYourSide
    rules.check_draft(agreement.state, agreement.version, version)
    rules.check_signature(
        signed=getattr(agreement, f"{side}_signer_id"), other=getattr(agreement, f"{other}_signer_id"), person=by.id,
        last_day=agreement.agreed.upper - DAY, today=timezone.localdate(),
    )  # fmt: skip
    setattr(agreement, f"{side}_signer_id", by.id)
    setattr(agreement, f"{side}_signed_at", timezone.now())
    made = getattr(agreement, f"{other}_signer_id") is not None
    if made:
        agreement.state = Agreement.State.SIGNED
    try:
        with transaction.atomic():
            agreement.save()
    except IntegrityError as error:
        raise rules.AgreementOverlaps from error
    parties = _parties(agreement)
    emit(AgreementSigned(agreement=key, place=place, version=version, **parties), by=by)
    if made:
        period = agreement.period
        emit(AgreementMade(agreement=key, since=period.lower, until=period.upper, **parties), by=by)
    return agreement


@verb
def end_agreement(key: UUID, *, last_day: datetime.date, because: str, by: Actor) -> Agreement:
    """Give notice for one of the two hospitals: the agreement is in force until the end of this day, and no longer."""
    agreement = _locked(key, by=by)
    today = timezone.localdate()
    rules.check_notice(
        state=agreement.state, ended=agreement.ended_at is not None, first_day=agreement.period.lower,
        last_day=agreement.period.upper - DAY, wanted=last_day, because=because, today=today,
    )  # fmt: skip
    agreement.period = DateRange(agreement.period.lower, last_day + DAY)
    agreement.ended_at = timezone.now()
    agreement.ended_by_id = by.id
    agreement.ended_because = because.strip()[:300]
    agreement.save(update_fields=("period", "ended_at", "ended_by", "ended_because"))
    emit(AgreementEnded(agreement=key, until=agreement.period.upper, **_parties(agreement)), by=by)
    return agreement


@verb
def warn_of_end(key: UUID, *, by: Actor) -> Agreement:
    """Say once that an agreement ends within thirty days."""
    agreement = _locked(key, by=by)
    if agreement.warned_at is None:
        agreement.warned_at = timezone.now()
        agreement.save(update_fields=("warned_at",))
        emit(AgreementEnding(agreement=key, until=agreement.period.upper, **_parties(agreement)), by=by)
    return agreement


@verb
def tell_of_end(key: UUID, *, by: Actor) -> None:
    """Lay before whoever binds one of the two hospitals that their agreement ends, and when."""
    agreement = _locked(key, by=by)
    people = queries.binding_people(key, viewer=SYSTEM)
    EndWarning.objects.bulk_create(
        (EndWarning(agreement=agreement, person_id=person) for person in people),
        update_conflicts=True, unique_fields=("agreement", "person"), update_fields=("read_at",),
    )  # fmt: skip


@verb
def read_end_warning(key: UUID, *, by: Actor) -> EndWarning:
    """Say that one knows that an agreement ends."""
    warning = EndWarning.objects.select_for_update().filter(id=key, person=by.id).first()
    if warning is None:
        raise NotFound
    if warning.read_at is None:
        warning.read_at = timezone.now()
        warning.save(update_fields=("read_at",))
        emit(EndWarningRead(warning=key, agreement=warning.agreement_id), by=by)
    return warning


def _locked(key: UUID, *, by: Actor) -> Agreement:
    """The agreement that the actor sees, locked with its provider's row: agreements of one pair take turns.

    Rows that a constraint sets against each other, written at once, would deadlock.
    """
    seen = Q(id__in=queries.agreements(viewer=by).values("id"))
    rows = Agreement.objects.select_related("provider").select_for_update(of=("self", "provider"), no_key=True)
    agreement = rows.filter(seen, id=key).first()
    if agreement is None:
        raise NotFound
    return agreement


def _write(agreement: Agreement, terms: Terms, *, by: Actor) -> None:
    agreement.scale = terms.scale.strip()
    agreement.text = terms.text.strip()
    agreement.hours = [NumericRange(start, end) for start, end in terms.hours]
    agreement.agreed = agreement.period = DateRange(terms.since, terms.until + DAY)
    agreement.save()
    exams = [queries.procedure(key, viewer=by) for key in sorted(set(terms.procedures))]
    scope: list[tuple[str, UUID | None]] = [(modality, None) for modality in sorted(set(terms.modalities))]
    scope += [(exam.modality, exam.id) for exam in exams if exam.modality not in terms.modalities]
    AgreedExam.objects.bulk_create(
        AgreedExam(
            agreement=agreement, period=agreement.period, modality=modality, procedure_id=procedure, urgency=urgency,
            minutes=minutes, **{f"{side}_id": key for side, key in _parties(agreement).items()},
        )
        for modality, procedure in scope for urgency, minutes in terms.minutes.items()
    )  # fmt: skip


def _sides(agreement: Agreement, side: str) -> tuple[UUID, str]:
    """The hospital of a side, and the other side."""
    other = next(name for name in rules.SIDES if name != side)
    return cast(UUID, getattr(agreement, f"{side}_id")), other


def _parties(agreement: Agreement) -> dict[str, UUID]:
    return {"provider": agreement.provider_id, "beneficiary": agreement.beneficiary_id}
