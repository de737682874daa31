"""How a shift goes from one reader to another, and in which order everything about it is locked.

Rosters first, then readers, shifts and swaps, each by key: whoever waits holds nothing that the other waits for.
"""

from collections.abc import Iterable, Sequence
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from wasl.kernel.access import Actor
from wasl.kernel.errors import NotFound
from wasl.kernel.events import emit
from wasl.workforce import queries
from wasl.workforce.events import ShiftHandedOver, SwapOvertaken
from wasl.workforce.models import Roster, Shift, Swap, Worker
from wasl.workforce.rules import rosters as rules
from wasl.workforce.rules.swaps import check_open, check_other


def lock_workers(*keys: UUID) -> dict[UUID, Worker]:
    """Some readers, locked: of shifts that a constraint sets against each other, one at a time is written."""
    rows = Worker.objects.select_for_update(of=("self",), no_key=True).select_related("person")
    found = {row.id: row for row in rows.filter(id__in=keys).order_by("id")}
    if len(found) < len(set(keys)):
        raise NotFound
    return found


def lock_shifts(*keys: UUID, workers: Iterable[UUID] = ()) -> list[Shift]:
    """Some shifts in the order asked, locked after their rosters, their readers, and the readers who may take them."""
    known = {row.id: row for row in Shift.objects.filter(id__in=keys)}
    if len(known) < len(set(keys)):
        raise NotFound
    rosters = {row.roster_id for row in known.values()}
    list(Roster.objects.select_for_update(no_key=True).filter(id__in=rosters).order_by("id"))
    lock_workers(*{row.worker_id for row in known.values()}, *workers)
    rows = Shift.objects.select_for_update(of=("self",), no_key=True).select_related("roster__group", "worker__person")
    locked = {row.id: row for row in rows.filter(id__in=keys).order_by("id")}
    if len(locked) < len(known):  # taken off a draft meanwhile
        raise NotFound
    return [locked[key] for key in keys]


def hand_over(moves: Sequence[tuple[Shift, UUID]], *, by: Actor) -> list[Shift]:
    """Give locked shifts to other readers, all at once; the hours concerned stay covered. Returns the new shifts."""
    now = timezone.now()
    takers = {row.id: row for row in Worker.objects.select_related("person").filter(id__in=[to for _, to in moves])}
    for shift, to in moves:
        check_open(shift.period.lower, shift.replaced_at, now=now)
        check_other(shift.worker_id, to)
        rules.check_specialty(takers[to].specialty, group=shift.roster.group.specialty, name=takers[to].person.name)
    gone = [shift.id for shift, _ in moves]
    Shift.objects.filter(id__in=gone).update(replaced_at=now)
    made = [_take(shift, takers[to]) for shift, to in moves]
    for shift, new in zip((shift for shift, _ in moves), made, strict=True):
        left = queries.gaps_of(shift.roster, viewer=by, within=(shift.period.lower, shift.period.upper))
        rules.check_covered(left)
        emit(ShiftHandedOver(shift=new.id, replaces=shift.id, worker=new.worker_id, before=shift.worker_id), by=by)
    proposed = Swap.objects.select_for_update(no_key=True).filter(state=Swap.State.PROPOSED)
    for swap in proposed.filter(Q(shift__in=gone) | Q(against__in=gone)).order_by("id"):
        swap.state, swap.settled_at = Swap.State.OVERTAKEN, now
        swap.save(update_fields=("state", "settled_at"))
        emit(SwapOvertaken(swap=swap.id, shift=swap.shift_id), by=by)
    return made


def _take(shift: Shift, worker: Worker) -> Shift:
    try:
        with transaction.atomic():
            return Shift.objects.create(
                roster=shift.roster, worker=worker, period=shift.period, kind=shift.kind, replaces=shift
            )
    except IntegrityError as error:
        raise rules.AlreadyOnDuty(name=worker.person.name) from error
