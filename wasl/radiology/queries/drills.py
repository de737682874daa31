"""What may be asked about drills: the last of each kind, how it went, and which kinds are due again."""

from dataclasses import dataclass, fields

from django.db.models import QuerySet
from django.utils import timezone

from wasl.kernel.access import Actor
from wasl.radiology.models import Drill
from wasl.radiology.rules import drills as rules
from wasl.radiology.rules.drills import Bar as Bar
from wasl.radiology.rules.drills import Score

SEE = frozenset({"chief", "planner"})


def _visible_drills(viewer: Actor) -> QuerySet[Drill]:
    """Who answers for readers sees how outages were rehearsed: no centre's own, all are of invented ones."""
    rows = Drill.objects.select_related("held_by")
    return rows if viewer.is_system or SEE & viewer.roles else rows.none()


@dataclass(frozen=True)
class Rehearsed:
    """A kind of drill: the last one, if any was held, its bars, and whether it is due (`months` ago)."""

    kind: str
    title: str
    last: Drill | None
    bars: list[Bar]
    passed: bool
    months: int
    due: bool


def _score_of(drill: Drill) -> Score:
    """How a drill went."""
    return Score(**{one.name: getattr(drill, one.name) for one in fields(Score)})


def rehearsed(*, viewer: Actor) -> list[Rehearsed]:
    """How each kind of outage was last rehearsed; nothing for who may not see drills."""
    if not (viewer.is_system or SEE & viewer.roles):
        return []
    newest = _visible_drills(viewer).order_by("kind", "-created_at").distinct("kind")
    last = {drill.kind: drill for drill in newest}
    days = {kind: timezone.localdate(drill.created_at) for kind, drill in last.items()}
    today = timezone.localdate()
    return [_rehearsed(kind, last.get(kind), due=rules.is_due(days, kind, today)) for kind in rules.KINDS]


def _rehearsed(kind: str, last: Drill | None, *, due: bool) -> Rehearsed:
    title = str(Drill.Kind(kind).label)
    if last is None:
        return Rehearsed(kind, title, None, [], passed=False, months=0, due=due)
    score = _score_of(last)
    months = rules.months_since(timezone.localdate(last.created_at), timezone.localdate())
    return Rehearsed(kind, title, last, rules.bars(score), rules.is_passed(score), months, due)


def drill_bars(score: Score, *, viewer: Actor) -> tuple[list[Bar], bool]:
    """What a drill that was just held reached, and whether it missed nothing; for who may hold one."""
    allowed = viewer.is_system or bool(SEE & viewer.roles)
    return (rules.bars(score), rules.is_passed(score)) if allowed else ([], False)
