"""Statements: a reader's own, a hospital's given or received for who binds it, all for the country's planner."""

import datetime
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Case, CharField, F, Q, QuerySet, Value, When
from django.utils import timezone

from wasl.contracts.models import Closing, ClosingRule, Dispute, Line, Paper, Statement
from wasl.contracts.queries.acts import acts, reads_blind
from wasl.contracts.queries.scales import acts_among
from wasl.contracts.rules import statements as rules
from wasl.contracts.rules.scales import EXPERTISE
from wasl.contracts.rules.sessions import midnight, month_of
from wasl.kernel.access import SYSTEM, Actor, Held
from wasl.kernel.errors import NotFound
from wasl.radiology import queries as radiology
from wasl.radiology.queries import OpinionOwed, Received
from wasl.workforce import queries as workforce

WITHOUT_END = (Dispute.State.OPEN, Dispute.State.KEPT)


def _visible(viewer: Actor) -> QuerySet[Statement]:
    rows = Statement.objects.select_related("closing__provider", "reader", "beneficiary").annotate(
        stage=Case(
            When(reader__isnull=False, then=Value("reader")),
            When(disputed__gt=0, then=Value("disputed")),
            When(provider_by__isnull=False, beneficiary_by__isnull=False, then=Value("agreed")),
            default=Value("waiting"),
            output_field=CharField(),
        )
    )
    if viewer.is_system or Held("planner", None) in viewer.held:
        return rows
    bound = viewer.places(*rules.BINDING)
    mine = Q(closing__provider__in=bound) | Q(beneficiary__in=bound)
    if viewer.id is not None and "radiologist" in viewer.roles:
        mine |= Q(reader=viewer.id)
    return rows.filter(mine)


def statements(*, viewer: Actor) -> QuerySet[Statement]:
    """The statements that the viewer may see, each with its `stage`: reader, waiting, disputed or agreed."""
    return _visible(viewer)


def statement(key: UUID, *, viewer: Actor) -> Statement:
    """One statement; raises NotFound."""
    found = _visible(viewer).filter(id=key).first()
    if found is None:
        raise NotFound
    return found


def statements_waiting(*, viewer: Actor) -> QuerySet[Statement]:
    """The statements that wait to be confirmed for the viewer's hospitals, or whose disputes wait for the viewer."""
    bound = viewer.places(*rules.BINDING)
    waits = Q(closing__provider__in=bound, provider_by__isnull=True)
    waits |= Q(beneficiary__in=bound, beneficiary_by__isnull=True)
    to_confirm = Q(waits, beneficiary__isnull=False, disputed=0)
    return _visible(viewer).filter(to_confirm | Q(id__in=disputes_to_answer(viewer=viewer).values("statement")))


def lines_of(found: Statement, *, viewer: Actor) -> QuerySet[Line]:
    """The lines of a statement that the viewer was given, with all that they rest on, in the order of their numbers.

    Without those that would tell who wrote what the viewer reads unknowing.
    """
    rows = Line.objects.filter(**{"of_reader" if found.reader_id else "of_pair": found.id})
    if not _visible(viewer).filter(id=found.id).exists():
        return rows.none()
    number = F("reader_number" if found.reader_id else "pair_number")
    paid_by = "entry__fee__price__scale", "entry__fee__session", "entry__fee__agreement"
    return (
        rows.exclude(reads_blind("act__reading", viewer=viewer))
        .select_related("act__reader", "act__provider", "act__beneficiary", *paid_by)
        .annotate(number=number)
        .order_by("number")
    )


@dataclass(frozen=True)
class Comparison:
    """The acts of a month as the provider counts them, and the reports that the beneficiary received of it.

    A reading that only one of the two has is a difference, until its dispute ended.
    """

    given: frozenset[UUID]
    received: frozenset[UUID]
    only_given: frozenset[UUID]
    only_received: tuple[Received, ...]
    explained: frozenset[UUID]  # whose dispute ended

    @property
    def equal(self) -> bool:
        """Whether nothing differs that nobody spoke of."""
        differ = self.only_given | {one.reading for one in self.only_received}
        return differ <= self.explained


def compared(found: Statement, *, viewer: Actor) -> Comparison:
    """What both hospitals of a pair count for its month, reading by reading.

    The provider's count is the lines of the statement, the beneficiary's the reports that lie before its doctors, and
    the opinions that it had, and the second readings of its exams that were over and acts by the scale at the closing.
    What is over later is a correction on a later statement.
    """
    closing = found.closing
    seen = statements(viewer=viewer).filter(id=found.id).exists()
    lines = lines_of(found, viewer=SYSTEM if seen else viewer).filter(month=closing.month)
    given = rules.standing((reading, state) for reading, state in lines.values_list("act__reading", "state"))
    since, until = midnight(closing.month), midnight(rules.next_month(closing.month))
    place, reports, again = found.beneficiary_id, [], []
    if place and seen:
        reports = radiology.received_reports(place, since=since, until=until, viewer=SYSTEM)
        reports += radiology.received_expertises(
            place, since=since, until=until, procedure=EXPERTISE, viewer=SYSTEM
        )  # fmt: skip
        again = radiology.opinions_owed(place=place, since=since, until=until, viewer=SYSTEM)
    authors = workforce.workers_of({one.author for one in reports}, viewer=SYSTEM)
    theirs = {
        one.reading: one
        for one in reports
        if one.reading in given or (one.author in authors and authors[one.author].place_id == closing.provider_id)
    }
    theirs |= {one.opinion: one.received for one in _acts_received(again, given, closing)}
    ended = found.disputes.exclude(state__in=WITHOUT_END).values_list("reading", flat=True)
    return Comparison(
        given=frozenset(given), received=frozenset(theirs), only_given=frozenset(given - theirs.keys()),
        only_received=tuple(one for key, one in theirs.items() if key not in given), explained=frozenset(ended),
    )  # fmt: skip


def _acts_received(again: list[OpinionOwed], given: set[UUID], closing: Closing) -> list[OpinionOwed]:
    """The second readings and arbitrations by the provider that are acts, as it was known when the month was closed."""
    known = closing.created_at
    theirs = [one for one in again if one.centre == closing.provider_id and one.closed_at <= known]
    named = {one.opinion for one in acts_among(theirs, known=known, viewer=SYSTEM)}
    return [one for one in theirs if one.opinion in given or one.opinion in named]


def disputes_of(found: Statement, *, viewer: Actor) -> QuerySet[Dispute]:
    """The disputes of a statement that the viewer was given, the oldest first."""
    return _visible_disputes(viewer).filter(statement=found).order_by("created_at")


def disputes_to_answer(*, viewer: Actor) -> QuerySet[Dispute]:
    """The disputes that wait for a hospital which the viewer speaks for, or for the ministry that the viewer is."""
    bound = viewer.places(*rules.BINDING)
    waits = Q(side="beneficiary", statement__closing__provider__in=bound)
    waits |= Q(side="provider", statement__beneficiary__in=bound)
    mine = Q(waits, state=Dispute.State.OPEN)
    if Held("planner", None) in viewer.held:
        mine |= Q(state=Dispute.State.KEPT)
    return _visible_disputes(viewer).filter(mine).exclude(opened_by=viewer.id)


def statement_of_dispute(key: UUID, *, viewer: Actor) -> UUID | None:
    """Of which statement a dispute is, when the viewer sees it."""
    return _visible_disputes(viewer).filter(id=key).values_list("statement", flat=True).first()


def _visible_disputes(viewer: Actor) -> QuerySet[Dispute]:
    rows = Dispute.objects.filter(statement__in=_visible(viewer).values("id"))
    return rows.select_related(
        "line__act", "opened_by", "answered_by", "settled_by", "statement__closing__provider", "statement__beneficiary"
    )


@dataclass(frozen=True)
class Due:
    """A month of a provider that is over and not closed."""

    provider: UUID
    month: datetime.date


def months_to_close(*, viewer: Actor) -> list[Due]:
    """The months, the oldest first, that the viewer may close now: a chief once they are over, Wasl once it is time."""
    today = timezone.localdate()
    rows = acts(viewer=viewer).exclude(provider=F("beneficiary"))
    if not viewer.is_system:
        rows = rows.filter(provider__in=viewer.places("chief"))
    last = dict(Closing.objects.order_by("provider", "month").values_list("provider", "month"))
    found = {Due(key, month_of(at)) for key, at in rows.filter(lines__isnull=True).values_list("provider", "done_at")}
    days = closing_days(today, viewer=viewer) if viewer.is_system else 0
    ready = (due for due in found if due.month > last.get(due.provider, datetime.date.min))
    return sorted(
        (due for due in ready if rules.closes_on(due.month, days=days) <= today),
        key=lambda due: (due.month, due.provider),
    )


def closing_rule(day: datetime.date, *, viewer: Actor) -> ClosingRule | None:
    """The rule of closing that holds on a day, if one was set."""
    return ClosingRule.objects.filter(period__contains=day).first() if viewer.held else None


def closing_days(day: datetime.date, *, viewer: Actor) -> int:
    """How many days after its end a month is closed by itself, as it holds on a day."""
    rule = closing_rule(day, viewer=viewer)
    return rule.days if rule else rules.HOUSE_DAYS


def paper_of(key: UUID, *, language: str, viewer: Actor) -> Paper:
    """The sealed PDF of a statement in a language, else in French; raises NotFound while it is not made.

    Raises NamesWhoIsHidden while it would tell who wrote what the viewer reads unknowing.
    """
    found = statement(key, viewer=viewer)
    whole = Line.objects.filter(Q(of_reader=found) | Q(of_pair=found))
    if whole.filter(reads_blind("act__reading", viewer=viewer)).exists():
        raise rules.NamesWhoIsHidden
    papers = {one.language: one for one in Paper.objects.filter(statement=found)}
    paper = papers.get(language) or papers.get("fr")
    if paper is None:
        raise NotFound
    return paper
