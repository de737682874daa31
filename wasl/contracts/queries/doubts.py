"""Doubts: those of a provider's acts for its chief, all for the country's planner; a reader sees what is held."""

import datetime
from uuid import UUID

from django.db.models import Q, QuerySet

from wasl.contracts.models import Doubt, DoubtRule
from wasl.contracts.queries.acts import reads_blind
from wasl.kernel.access import Actor, Held


def _visible(viewer: Actor) -> QuerySet[Doubt]:
    rows = Doubt.objects.select_related("act__reader", "act__provider", "act__beneficiary", "rule", "cleared_by")
    rows = rows.exclude(reads_blind("act__reading", viewer=viewer))
    if viewer.is_system or Held("planner", None) in viewer.held:
        return rows
    return rows.filter(act__provider__in=viewer.places("chief", "planner"))


def doubts(*, viewer: Actor, cleared: bool = False) -> QuerySet[Doubt]:
    """The doubts that nobody cleared yet, or those that somebody did."""
    return _visible(viewer).filter(cleared_at__isnull=not cleared)


def doubts_to_clear(*, viewer: Actor) -> QuerySet[Doubt]:
    """The doubts that wait for this chief."""
    return doubts(viewer=viewer).filter(act__provider__in=viewer.places("chief")).exclude(act__reader=viewer.id)


def in_doubt(act: UUID, *, viewer: Actor) -> bool:
    """Whether an act is held because of a doubt that nobody cleared."""
    return doubts(viewer=viewer).filter(act=act, holds=True).exists()


def doubt_rules(*, on: datetime.date, viewer: Actor) -> QuerySet[DoubtRule]:
    """The rules that hold on a day or later, for who may see doubts."""
    now = Q(period__upper_inf=True) | Q(period__endswith__gt=on)
    rows = DoubtRule.objects.filter(now).order_by("kind", "modality", "period")
    return rows if viewer.is_system or viewer.roles & {"chief", "planner"} else rows.none()
