"""Whose reader read a case: what an evaluation asks of acts."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from django.db.models import Sum

from wasl.contracts.queries.acts import acts
from wasl.kernel.access import Actor


def providers_of(readings: Iterable[UUID], *, viewer: Actor) -> Mapping[UUID, UUID]:
    """The hospital of the reader of each of some readings whose act is counted, and not taken back."""
    rows = acts(viewer=viewer).filter(reading__in=list(readings))
    counted = rows.values_list("reading", "provider").annotate(sum=Sum("number")).filter(sum__gt=0)
    return {reading: provider for reading, provider, _ in counted}
