"""Conversations about cases: words and phone calls, kept in their order for good, and who saw them when."""

import hashlib
from uuid import UUID

from wasl.kernel.access import Actor
from wasl.kernel.errors import NotFound
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb
from wasl.radiology import queries
from wasl.radiology.events import CallLogged, RemarksSeen, RemarkWritten
from wasl.radiology.models import Order, Remark, RemarkSeen
from wasl.radiology.rules import conversation as rules


@verb
def write_remark(order: UUID, *, text: str, by: Actor) -> Remark:
    """Write to the other doctors of a case; it can no longer be changed."""
    said = rules.words(text)
    about, author = _opened(order, by=by)
    remark = Remark.objects.create(
        order=about, number=_next(about, by=by), author_id=author, kind=Remark.Kind.TEXT, text=said
    )
    digest = hashlib.sha256(said.encode()).hexdigest()
    emit(RemarkWritten(remark=remark.id, **_about(about), number=remark.number, digest=digest), by=by)
    return remark


@verb
def log_call(order: UUID, *, callee: UUID, reached: bool, by: Actor) -> Remark:
    """Say that one just called another doctor of the case, and whether they were reached."""
    about, author = _opened(order, by=by)
    rules.check_callee(callee, set(queries.may_be_called(order, viewer=by)))
    remark = Remark.objects.create(
        order=about, number=_next(about, by=by), author_id=author, kind=Remark.Kind.CALL, callee_id=callee,
        reached=reached,
    )  # fmt: skip
    fact = CallLogged(
        remark=remark.id, **_about(about), number=remark.number, callee=callee, reached=reached
    )  # fmt: skip
    emit(fact, by=by)
    return remark


@verb
def see_remarks(order: UUID, *, upto: int, by: Actor) -> RemarkSeen | None:
    """Note that one saw a conversation up to one of its remarks; seen again, nothing is noted."""
    about = queries.talked_of(order, viewer=by)
    upto = min(upto, queries.last_remark(order, viewer=by))
    if by.id is None or upto < 1 or RemarkSeen.objects.filter(order=about, person=by.id, upto__gte=upto).exists():
        return None
    seen, made = RemarkSeen.objects.get_or_create(order=about, person_id=by.id, upto=upto)
    if made:
        emit(RemarksSeen(seen=seen.id, **_about(about), upto=upto), by=by)
    return seen


def _opened(key: UUID, *, by: Actor) -> tuple[Order, UUID]:
    """The order and who speaks; the order is locked, so that two who speak at once do so one after the other."""
    queries.talked_of(key, viewer=by)
    if by.id is None:
        raise NotFound
    return Order.objects.select_for_update(no_key=True).get(id=key), by.id


def _next(order: Order, *, by: Actor) -> int:
    return queries.last_remark(order.id, viewer=by) + 1


def _about(order: Order) -> dict[str, UUID]:
    return {"order": order.id, "patient": order.patient_id, "place": order.place_id}
