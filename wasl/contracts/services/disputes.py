"""Disputes: a hospital says that a line is wrong; the other accepts it or keeps the line; the ministry decides."""

from typing import cast
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from wasl.contracts import queries
from wasl.contracts.events import DisputeAccepted, DisputeSettled, LineDisputed, LineKept
from wasl.contracts.models import Dispute, Line, Statement
from wasl.contracts.rules import statements as rules
from wasl.contracts.rules.sessions import check_reason
from wasl.contracts.services.paying import stop_paying
from wasl.contracts.services.statements import locked_statement, side_of
from wasl.kernel.access import Actor
from wasl.kernel.errors import NotAllowed, NotFound
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb

State = Dispute.State


@verb
def dispute_line(key: UUID, *, reading: UUID, side: str, because: str, by: Actor) -> Dispute:
    """Say for a hospital that a line is wrong, or that a report which was received has none; and why."""
    found = locked_statement(key, side=side, by=by)
    if found.provider_by_id and found.beneficiary_by_id:
        raise rules.StatementAgreed
    try:
        with transaction.atomic():
            dispute = Dispute.objects.create(
                statement=found, reading=reading, line=_disputed(found, reading, by=by), side=side,
                because=check_reason(because), opened_by_id=cast(UUID, by.id),
            )  # fmt: skip
    except IntegrityError as error:
        raise rules.DisputedAlready from error
    emit(LineDisputed(dispute=dispute.id, place=side_of(found, side), **_about(dispute)), by=by)
    return dispute


@verb
def accept_dispute(key: UUID, *, by: Actor) -> None:
    """Say for the other hospital that the dispute is right: the act is corrected in the ledger."""
    dispute, place = _waiting(key, by)
    dispute.state = State.ACCEPTED
    dispute.answered_by_id, dispute.answered_at = by.id, timezone.now()
    dispute.save(update_fields=("state", "answered_by", "answered_at"))
    _correct(dispute, by=by)
    emit(DisputeAccepted(dispute=key, place=place, **_about(dispute)), by=by)


@verb
def keep_line(key: UUID, *, because: str, by: Actor) -> None:
    """Say for the other hospital that the statement is right, and why: the ministry decides."""
    dispute, place = _waiting(key, by)
    dispute.state, dispute.answer = State.KEPT, check_reason(because)
    dispute.answered_by_id, dispute.answered_at = by.id, timezone.now()
    dispute.save(update_fields=("state", "answer", "answered_by", "answered_at"))
    emit(LineKept(dispute=key, place=place, **_about(dispute)), by=by)


@verb
def settle_dispute(key: UUID, *, upheld: bool, because: str, by: Actor) -> None:
    """Decide for the ministry whether the dispute is right, and why."""
    rules.check_settles(by)
    dispute = _locked(key, by)
    if dispute.state != State.KEPT:
        raise rules.DisputeEnded
    if by.id in (dispute.opened_by_id, dispute.answered_by_id):
        raise rules.AnotherMustDecide
    dispute.state, dispute.decision = State.UPHELD if upheld else State.DISMISSED, check_reason(because)
    dispute.settled_by_id, dispute.settled_at = by.id, timezone.now()
    dispute.save(update_fields=("state", "decision", "settled_by", "settled_at"))
    if upheld:
        _correct(dispute, by=by)
    place = dispute.statement.closing.provider_id
    emit(DisputeSettled(dispute=key, place=place, upheld=upheld, **_about(dispute)), by=by)


def _disputed(found: Statement, reading: UUID, *, by: Actor) -> Line | None:
    """The line of a reading that still stands, or None for a report that was received and has none."""
    lines = list(found.pair_lines.filter(act__reading=reading).order_by("pair_number"))
    if not lines:
        if reading not in {one.reading for one in queries.compared(found, viewer=by).only_received}:
            raise NotFound
        return None
    by_state = {line.state: line for line in lines}
    line = by_state.get(Line.State.OPEN) or by_state.get(Line.State.PAID)
    if line is None or not rules.standing((reading, one.state) for one in lines):
        raise rules.NotDisputable
    return line


def _waiting(key: UUID, by: Actor) -> tuple[Dispute, UUID]:
    """A dispute that waits for the actor's hospital, and that hospital."""
    dispute = _locked(key, by)
    place = side_of(dispute.statement, "beneficiary" if dispute.side == "provider" else "provider")
    if not rules.binds(place, by):
        raise NotAllowed
    if dispute.state != State.OPEN:
        raise rules.DisputeEnded
    if by.id == dispute.opened_by_id:
        raise rules.AnotherMustDecide
    return dispute, place


def _locked(key: UUID, by: Actor) -> Dispute:
    """A dispute of a statement that the actor sees; the statement first, as whoever confirms or disputes locks it."""
    seen = Dispute.objects.filter(id=key, statement__in=queries.statements(viewer=by).values("id"))
    Statement.objects.select_for_update().filter(id__in=seen.values("statement")).first()
    dispute = seen.select_related("statement__closing", "line__act").select_for_update(of=("self",)).first()
    if dispute is None:
        raise NotFound
    return dispute


def _correct(dispute: Dispute, *, by: Actor) -> None:
    """What is disputed rightly is paid no more; a report without a line is counted by who hears of it."""
    if dispute.line:
        stop_paying(dispute.reading, because=dispute.because, by=by)


def _about(dispute: Dispute) -> dict[str, UUID]:
    return {"statement": dispute.statement_id, "reading": dispute.reading}
