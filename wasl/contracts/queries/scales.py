"""Scales: the published ones are open to who is paid, pays or plans; drafts to planners."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db.models import Count, QuerySet
from django.utils import timezone

from wasl.contracts.models import Scale
from wasl.contracts.rules import scales as rules
from wasl.kernel.access import Actor
from wasl.kernel.errors import NotFound
from wasl.radiology.queries import OpinionOwed

READERS = frozenset({"radiologist", "chief"})


def _visible(viewer: Actor) -> QuerySet[Scale]:
    rows = Scale.objects.all()
    if viewer.is_system or "planner" in viewer.roles:
        return rows
    return rows.filter(published_at__isnull=False) if READERS & viewer.roles else rows.none()


def scales(*, viewer: Actor) -> QuerySet[Scale]:
    """Every version of every scale, with the number of its prices."""
    return _visible(viewer).annotate(said=Count("prices"))


def scale(key: UUID, *, viewer: Actor) -> Scale:
    """One version of a scale; raises NotFound."""
    found = _visible(viewer).filter(id=key).first()
    if found is None:
        raise NotFound
    return found


def is_act(owed: OpinionOwed, *, viewer: Actor) -> bool:
    """Whether a second reading or an arbitration is an act: the scale of its agreement names such acts on its day."""
    return bool(acts_among([owed], viewer=viewer))


def acts_among(owed: Iterable[OpinionOwed], *, known: datetime | None = None, viewer: Actor) -> list[OpinionOwed]:
    """Those second readings and arbitrations that are acts, by the scales that were published by a moment."""
    owed = list(owed)
    found = Scale.objects.filter(code__in={one.agreement.scale for one in owed}, published_at__isnull=False)
    if known is not None:
        found = found.filter(published_at__lte=known)
    said = [(scale, list(scale.prices.all())) for scale in found.prefetch_related("prices")] if owed else []
    return [
        one
        for one in owed
        if any(
            scale.code == one.agreement.scale
            and timezone.localdate(one.done_at) in scale.period
            and rules.names(rules.Kind(one.procedure, one.modality, one.urgency, part=one.part), prices)
            for scale, prices in said
        )
    ]
