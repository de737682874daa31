"""Statements: a month closed once with all its lines, and confirmed by both hospitals."""

import datetime
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import cast
from uuid import UUID

from django.db.backends.postgresql.psycopg_any import DateRange
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from wasl.contracts import queries
from wasl.contracts.events import ClosingRuleSet, StatementClosed, StatementConfirmed
from wasl.contracts.models import Act, Closing, ClosingRule, Entry, Fee, Hold, Line, Statement
from wasl.contracts.rules import statements as rules
from wasl.contracts.rules.sessions import midnight, month_of
from wasl.contracts.services.turns import take_turn
from wasl.kernel.access import Actor
from wasl.kernel.errors import NotAllowed, NotFound
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb

State = Line.State


@verb
def set_closing_rule(*, days: int, since: datetime.date, source: str, by: Actor) -> ClosingRule:
    """Set how many days after its end a month is closed by itself, from a day on; what held before stays known."""
    rules.check_closing_rule(days=days, source=source)
    take_turn("closing rule")
    current = ClosingRule.objects.filter(period__upper_inf=True).first()
    rules.check_closing_later(since, current=current.period.lower if current else None, today=timezone.localdate())
    if current:
        current.period = DateRange(current.period.lower, since)
        current.save(update_fields=("period",))
    rule = ClosingRule.objects.create(days=days, source=source.strip()[:200], period=DateRange(since, None))
    emit(ClosingRuleSet(rule=rule.id, days=days), by=by)
    return rule


@verb
def close_month(provider: UUID, *, month: datetime.date, by: Actor) -> list[Statement]:
    """Write the statements of a provider's month, for each reader and each hospital that was read for; once.

    They take every entry of the ledger that is on no statement yet, of this month or, as a correction, of an earlier
    one; beside them the acts that are still open, and, once, those that are not to be paid.
    """
    rules.check_closes(provider, month, today=timezone.localdate(), by=by)
    take_turn(f"close:{provider}")  # what is settled meanwhile is on the next statement, wholly
    if Closing.objects.filter(provider=provider, month__gte=month).exists():
        raise rules.MonthIsClosed
    lines = _lines(provider, midnight(rules.next_month(month)))
    if not lines:
        raise rules.NothingToClose
    closing = Closing.objects.create(provider_id=provider, month=month)
    made = [
        *_stated(closing, lines, of="reader", whose=lambda line: line.act.reader_id),
        *_stated(closing, lines, of="pair", whose=lambda line: line.act.beneficiary_id),
    ]
    Statement.objects.bulk_create(made)
    Line.objects.bulk_create(lines, batch_size=2000)
    for one in made:
        told = StatementClosed(
            statement=one.id, place=provider, month=month, acts=one.acts, amount=one.amount, reader=one.reader_id,
            beneficiary=one.beneficiary_id,
        )  # fmt: skip
        emit(told, by=by)
    return made


@verb
def confirm_statement(key: UUID, *, side: str, by: Actor) -> Statement:
    """Say for one of the two hospitals that a statement is right; both counts agree, or what differs was settled."""
    found = locked_statement(key, side=side, by=by)
    other = next(name for name in rules.SIDES if name != side)
    rules.check_confirms(
        confirmed=getattr(found, f"{side}_by_id"), other=getattr(found, f"{other}_by_id"), disputed=found.disputed,
        person=by.id,
    )  # fmt: skip
    counts = queries.compared(found, viewer=by)
    given, received = len(counts.given), len(counts.received)
    if not counts.equal:
        raise rules.CountsDiffer(given=given, received=received)
    setattr(found, f"{side}_by_id", by.id)
    setattr(found, f"{side}_at", timezone.now())
    found.save(update_fields=(f"{side}_by", f"{side}_at"))
    told = StatementConfirmed(
        statement=key, place=side_of(found, side), side=side, given=given, received=received
    )  # fmt: skip
    emit(told, by=by)
    return found


def locked_statement(key: UUID, *, side: str, by: Actor) -> Statement:
    """A pair's statement of which the actor speaks for a side; nobody else confirms or disputes it meanwhile."""
    rules.check_side(side)
    seen = queries.statements(viewer=by).filter(id=key)
    rows = Statement.objects.select_related("closing").select_for_update(of=("self",))
    found = rows.filter(id__in=seen.values("id")).first()
    if found is None:
        raise NotFound
    if found.beneficiary_id is None:
        raise rules.NotOfAPair
    if not rules.binds(side_of(found, side), by):
        raise NotAllowed
    return found


def side_of(found: Statement, side: str) -> UUID:
    """The hospital of a side of a pair's statement."""
    return found.closing.provider_id if side == "provider" else cast(UUID, found.beneficiary_id)


def _lines(provider: UUID, until: datetime.datetime) -> list[Line]:
    """What is to be stated of the acts done before a moment, in their order; without statement and number yet."""
    entries = Entry.objects.filter(
        line__isnull=True, fee__act__provider=provider, fee__act__done_at__lt=until
    ).select_related("fee__act", "fee__price")
    lines = [
        _line(entry.fee.act, State.REVERSED if entry.reverses_id else State.PAID, entry=entry) for entry in entries
    ]
    for act in _unpaid(provider, until).select_related("hold"):
        hold: Hold | None = getattr(act, "hold", None)
        if hold and hold.decision == Hold.Decision.REFUSED:
            lines.append(_line(act, State.REFUSED))
        else:
            why = hold.reason if hold and hold.decision == Hold.Decision.OPEN else ""
            lines.append(_line(act, State.OPEN, why=why))
    return sorted(lines, key=lambda line: (line.act.done_at, line.act_id, line.state, str(line.entry_id)))


def _unpaid(provider: UUID, until: datetime.datetime) -> QuerySet[Act]:
    """The acts that count, for another hospital, and are paid nothing; those refused only until a statement said so."""
    later = Act.objects.filter(reading=OuterRef("reading"), turn__gt=OuterRef("turn"))
    fees = Fee.objects.filter(act=OuterRef("pk"))
    said = Line.objects.filter(act=OuterRef("pk"), state=State.REFUSED)
    refused = Q(hold__decision=Hold.Decision.REFUSED)
    return (
        Act.objects.filter(~Exists(later), number=1, provider=provider, done_at__lt=until)
        .exclude(provider=F("beneficiary"))
        .exclude(Exists(fees.filter(taken_back_at__isnull=True)))
        .exclude(refused & (Exists(fees) | Exists(said)))
    )


def _line(act: Act, state: State, *, entry: Entry | None = None, why: str = "") -> Line:
    amount = entry.fee.price.amount if entry else 0
    return Line(
        act=act, entry=entry, month=month_of(act.done_at), state=state, why=why,
        amount=-amount if state == State.REVERSED else amount,
    )  # fmt: skip


def _stated(
    closing: Closing, lines: Iterable[Line], *, of: str, whose: Callable[[Line], UUID]
) -> Iterator[Statement]:  # fmt: skip
    """A statement for each reader or each pair, its lines numbered from 1."""
    groups: dict[UUID, list[Line]] = defaultdict(list)
    for line in lines:
        groups[whose(line)].append(line)
    for key, group in groups.items():
        found = Statement(
            closing=closing, lines=len(group), amount=sum(line.amount for line in group),
            acts=len(rules.standing((line.act.reading, line.state) for line in group if line.month == closing.month)),
            **{"reader_id" if of == "reader" else "beneficiary_id": key},
        )  # fmt: skip
        for number, line in enumerate(group, 1):
            setattr(line, f"of_{of}", found)
            setattr(line, f"{of}_number", number)
        yield found
