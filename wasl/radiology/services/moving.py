"""A study that is another patient's: one act carries it, its order, its reading and its report; another undoes it."""

from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from wasl.archive import queries as archive
from wasl.archive import services as archive_services
from wasl.kernel.access import Actor
from wasl.kernel.errors import NotFound
from wasl.kernel.events import emit
from wasl.kernel.models import uuid7
from wasl.kernel.verbs import verb
from wasl.patients import queries as patients
from wasl.radiology.events import StudyMoved
from wasl.radiology.models import Link, Move, Order
from wasl.radiology.rules import linking as rules
from wasl.radiology.rules import ordering
from wasl.radiology.services.following import follow, give_up
from wasl.radiology.services.linking import link, unlink
from wasl.radiology.services.ordering import copy_order, drop_copy, order_to_change, set_state

SENT, CANCELLED = Order.State.SENT, Order.State.CANCELLED


@verb
def move_study(
    study: UUID, *, out_of: UUID, because: str, by: Actor, patient: UUID | None = None, order: UUID | None = None
) -> Move:
    """Say that a study of one patient (`out_of`) is another's, or answers another order; of two at once, one wins.

    Without an order, that of the first patient is written again for the right one, since somebody asked for this exam.
    The first order is to be made again, unless other images answer it. A signed report is not changed: it is withdrawn
    from the first patient, follows to the right one with a notice, and everybody who had it is told.
    """
    rules.check_link_reason(because)
    why = because.strip()[:200]
    received = archive.study(study, viewer=by)
    standing = link_of(study)
    former = order_to_change(standing.order_id, *rules.LINKERS, by=by) if standing else None
    target = order_to_change(order, *rules.LINKERS, by=by) if order else None
    owner = target.patient_id if target else patient
    if owner is None or (owner == out_of and (target is None or target == former)):
        raise rules.MovesNowhere
    if target is None:
        patients.patient(owner, viewer=by)
    elif target.state in Order.ENDED:
        ordering.check_in_force(target.state)
    elif received.place_id not in (None, target.place_id):
        raise rules.StudyFromElsewhere
    return carry_study(standing, study, out_of, owner, (former, target), act=uuid7(), because=why, by=by)


def carry_study(
    standing: Link | None, study: UUID, out_of: UUID, owner: UUID, orders: tuple[Order | None, Order | None], *,
    act: UUID, because: str, by: Actor, identified: bool = False,
) -> Move:  # fmt: skip
    """Carry a study from a patient and the order that it answers to another patient and order; part of a verb."""
    former, target = orders
    made = target is None and former is not None
    if made and former is not None:
        target = copy_order(former, patient=owner, by=by)
    move = _next(
        study, from_patient_id=out_of, to_patient_id=owner, from_order=former, to_order=target,
        from_state=former.state if former else "", to_state=target.state if target else "", order_made=made,
        act=act, identified=identified, by=str(by), because=because,
    )  # fmt: skip
    _carry(move, study, standing, (out_of, owner), target, by)
    if former and former.state not in Order.ENDED and not _answered(former):
        set_state(former, SENT, by=by)
    emit(_told(move, study, archive.study(study, viewer=by).place_id, undone=False), by=by)
    return move


def _next(study: UUID, **values: object) -> Move:
    """The next move of a study; a clock that is set back would not say which came later."""
    turn = Move.objects.filter(study=study).count() + 1
    try:
        with transaction.atomic():
            return Move.objects.create(study_id=study, turn=turn, **values)
    except IntegrityError as error:  # somebody else moves it now
        raise rules.ChangedSince from error


@verb
def undo_move(key: UUID, *, by: Actor) -> Move:
    """Move a study back to whom it was moved from; what the move made is given up, what it opened is as it was."""
    move = Move.objects.select_for_update().filter(id=key).first()
    if move is None:
        raise NotFound
    return carry_back(move, by=by)


def carry_back(move: Move, *, by: Actor) -> Move:
    """Undo the locked move of a study; part of a verb."""
    study = move.study_id
    if study is None:
        raise NotFound
    received = archive.study(study, viewer=by)
    later = Move.objects.filter(study=study, undone_at__isnull=True, turn__gt=move.turn)
    standing = link_of(study)
    rules.check_undoable(
        undone=move.undone_at is not None, later=later.exists(),
        stands=(standing.order_id if standing else None) == move.to_order_id,
    )  # fmt: skip
    former = order_to_change(move.from_order_id, *rules.LINKERS, by=by) if move.from_order_id else None
    target = order_to_change(move.to_order_id, *rules.LINKERS, by=by) if move.to_order_id else None
    if former and former.state == CANCELLED != move.from_state:
        raise ordering.OrderIsCancelled
    move.undone_at, move.undone_by = timezone.now(), str(by)
    move.save(update_fields=("undone_at", "undone_by"))
    _carry(move, study, standing, (move.to_patient_id, move.from_patient_id), former, by)
    if former and former.state == SENT:
        set_state(former, move.from_state, by=by)
    if target and move.order_made:
        if _answered(target):
            raise rules.ChangedSince
        drop_copy(target, by=by)
    elif target and target.state not in Order.ENDED and not _answered(target):
        set_state(target, move.to_state, by=by)
    emit(_told(move, study, received.place_id, undone=True), by=by)
    return move


def _carry(
    move: Move, study: UUID, standing: Link | None, patients: tuple[UUID, UUID], order: Order | None, by: Actor
) -> None:
    """A study, its link and its reading, from the first of two patients to the second and an order."""
    out_of, owner = patients
    if standing:
        unlink(standing, by=by)
    if owner != out_of:
        archive_services.rematch_study(study, out_of=out_of, patient=owner, because=move.because, by=by)
    if order:
        link(order, study, because=move.because, by=by)
    if standing and order:
        follow((study, standing.order_id), order, study, move=move, by=by)
    elif standing:
        give_up(study, standing.order_id, by=by)


def link_of(study: UUID) -> Link | None:
    """The link of a study, locked."""
    return Link.objects.select_for_update().filter(study=study, undone_at__isnull=True).first()


def _answered(order: Order) -> bool:
    return Link.objects.filter(order=order, undone_at__isnull=True).exists()


def _told(move: Move, study: UUID, place: UUID | None, *, undone: bool) -> StudyMoved:
    to, out_of = (move.to_patient_id, move.from_patient_id)
    if undone:
        to, out_of = out_of, to
    return StudyMoved(move=move.id, study=study, patient=to, other=out_of, place=place, undone=undone)
