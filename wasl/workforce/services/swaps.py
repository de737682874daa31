"""Swaps of shifts: offered by who has one, and in effect when the colleague agrees."""

from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from wasl.kernel.access import Actor
from wasl.kernel.errors import NotFound
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb
from wasl.workforce.events import SwapAccepted, SwapDeclined, SwapProposed, SwapWithdrawn
from wasl.workforce.models import Swap
from wasl.workforce.rules import rosters
from wasl.workforce.rules import swaps as rules
from wasl.workforce.services.handing import hand_over, lock_shifts, lock_workers


@verb
def propose_swap(key: UUID, *, colleague: UUID, by: Actor, against: UUID | None = None) -> Swap:
    """Offer a shift of one's own to a colleague: against one of theirs, or as a gift."""
    now = timezone.now()
    shift, *back = lock_shifts(key, *([against] if against else []), workers=(colleague,))
    if shift.worker.person_id != by.id:
        raise NotFound
    taker = lock_workers(colleague)[colleague]  # held already
    rules.check_other(shift.worker_id, colleague)
    for row, whom in ((shift, taker), *((row, shift.worker) for row in back)):
        rosters.check_published(row.roster.state)
        rules.check_open(row.period.lower, row.replaced_at, now=now)
        rosters.check_specialty(whom.specialty, group=row.roster.group.specialty, name=whom.person.name)
    if any(row.worker_id != colleague for row in back):
        raise rules.NotTheirShift
    try:
        with transaction.atomic():
            swap = Swap.objects.create(shift=shift, colleague=taker, against_id=against)
    except IntegrityError as error:
        raise rules.AlreadyProposed from error
    emit(SwapProposed(swap=swap.id, shift=shift.id, colleague=colleague, against=against), by=by)
    return swap


@verb
def accept_swap(key: UUID, *, by: Actor) -> None:
    """Agree to a swap: both shifts change hands at once, or nothing does."""
    asked = Swap.objects.filter(id=key, colleague__person=by.id).select_related("shift").first()
    if asked is None:
        raise NotFound
    keys = [asked.shift_id, *([asked.against_id] if asked.against_id else [])]
    shifts = lock_shifts(*keys, workers=(asked.colleague_id,))
    swap = _settle(key, Swap.State.ACCEPTED)
    hand_over(list(zip(shifts, (asked.colleague_id, asked.shift.worker_id), strict=False)), by=by)
    emit(SwapAccepted(swap=swap.id, shift=swap.shift_id), by=by)


@verb
def decline_swap(key: UUID, *, by: Actor) -> None:
    """Do not agree to a swap."""
    if not Swap.objects.filter(id=key, colleague__person=by.id).exists():
        raise NotFound
    swap = _settle(key, Swap.State.DECLINED)
    emit(SwapDeclined(swap=swap.id, shift=swap.shift_id), by=by)


@verb
def withdraw_swap(key: UUID, *, by: Actor) -> None:
    """Take back the offer of a shift."""
    if not Swap.objects.filter(id=key, shift__worker__person=by.id).exists():
        raise NotFound
    swap = _settle(key, Swap.State.WITHDRAWN)
    emit(SwapWithdrawn(swap=swap.id, shift=swap.shift_id), by=by)


def _settle(key: UUID, state: Swap.State) -> Swap:
    swap = Swap.objects.select_for_update(no_key=True).get(id=key)
    rules.check_proposed(swap.state)
    swap.state, swap.settled_at = state, timezone.now()
    swap.save(update_fields=("state", "settled_at"))
    return swap
