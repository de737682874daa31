"""The rules of double reading, and what each of them brings: discrepancies and changed readings per hundred."""

from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count, F, Q, QuerySet

from wasl.kernel.access import Actor
from wasl.radiology.models import DoubleRule, Opinion, Reading
from wasl.radiology.rules import double as rules
from wasl.radiology.rules.review import interval


def ruled_centres(*, viewer: Actor) -> frozenset[UUID] | None:
    """The centres whose readers' rules the viewer sets; None: all, and the country's."""
    if viewer.is_system or any(held.role == "planner" and held.place is None for held in viewer.held):
        return None
    return viewer.places(*rules.SEES_RULES)


def _visible(viewer: Actor) -> QuerySet[DoubleRule]:
    """All rules for who plans the country; for who heads a centre its own, and the country's."""
    at = ruled_centres(viewer=viewer)
    if at is None:
        return DoubleRule.objects.all()
    own = Q(centre__in=at) | Q(centre__isnull=True)
    return DoubleRule.objects.filter(own) if rules.SEES_RULES & viewer.roles else DoubleRule.objects.none()


@dataclass(frozen=True)
class Yield:
    """What a rule asked for, and what came of it; no share is said of few, nor of one reader alone."""

    rule: DoubleRule
    opened: int
    closed: int
    minor: int
    major: int
    upheld: int
    readers: int

    @property
    def shown(self) -> bool:
        """Whether more than how many there are may be said."""
        return self.closed >= rules.FEWEST and self.readers > 1

    @property
    def per_hundred(self) -> float:
        """In how many of a hundred second readings the second one stands."""
        return 100 * self.upheld / self.closed

    @property
    def ends(self) -> tuple[float, float]:
        """The interval of 95 % of that (Wilson)."""
        low, high = interval(self.upheld, self.closed)
        return 100 * low, 100 * high


def double_yields(*, viewer: Actor) -> list[Yield]:
    """Each version of each rule that the viewer sees, with what it brought in the centres that the viewer answers for.

    What counts is closed: agreed, or decided by an arbiter. A report that several rules ask for counts for each.
    """
    counted = Q(causes__double__report__reading__state=Reading.State.SIGNED)
    at = ruled_centres(viewer=viewer)
    if at is not None:
        counted &= Q(causes__double__centre__in=at)
    closed = counted & Q(causes__double__closed_at__isnull=False)
    said = {verdict: closed & Q(causes__double__opinions__verdict=verdict) for verdict in Opinion.DISCREPANCIES}
    rows = _visible(viewer).select_related("procedure", "centre").annotate(
        opened=Count("causes", filter=counted, distinct=True), closed=Count("causes", filter=closed, distinct=True),
        minor=Count("causes", filter=said[Opinion.Verdict.MINOR], distinct=True),
        major=Count("causes", filter=said[Opinion.Verdict.MAJOR], distinct=True),
        upheld=Count("causes", filter=closed & Q(causes__double__stands="second"), distinct=True),
        readers=Count("causes__double__report__author", filter=closed, distinct=True),
    )  # fmt: skip
    ordered = rows.order_by(F("period").desc(), "name", "id")
    return [Yield(row, row.opened, row.closed, row.minor, row.major, row.upheld, row.readers) for row in ordered]
