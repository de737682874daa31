"""What may be asked about acts."""

import datetime
from dataclasses import dataclass

from django.db.models import Q, QuerySet, Sum
from django.db.models.functions import TruncMonth

from wasl.contracts.models import Act, Part
from wasl.kernel.access import Actor, Held
from wasl.places import queries as places
from wasl.radiology import queries as radiology

PARTS = Part.values  # in which order they are listed: reports first


def _visible(viewer: Actor) -> QuerySet[Act]:
    """A reader's own acts, for a chief those that the hospital gave or received, for the country's planner all.

    Never the act of a report of which the viewer may not know who wrote it, since they read its exam again.
    """
    rows = Act.objects.exclude(reads_blind("reading", viewer=viewer))
    if viewer.is_system or Held("planner", None) in viewer.held:
        return rows
    mine = Q(pk__in=[])
    if viewer.id is not None and "radiologist" in viewer.roles:
        mine |= Q(reader=viewer.id)
    if headed := viewer.places("chief", "planner"):
        mine |= Q(provider__in=headed) | Q(beneficiary__in=headed)
    return rows.filter(mine)


def reads_blind(name: str, *, viewer: Actor) -> Q:
    """The rows, by how they name a reading, that would tell the viewer who wrote what they read unknowing."""
    blind = radiology.blind_readings(viewer=viewer)
    return Q(pk__in=[]) if blind is None else Q(**{f"{name}__in": blind})


def acts(*, viewer: Actor) -> QuerySet[Act]:
    """The lines of acts that the viewer did, that a hospital of theirs gave or received, or all of the country.

    The sum of `number` is how many acts that is: one taken back is a line of its own.
    """
    return _visible(viewer)


@dataclass(frozen=True)
class Line:
    """How many acts of a modality and kind one hospital gave to another in a month."""

    month: datetime.date
    provider: str
    beneficiary: str
    modality: str
    acts: int
    part: str = Part.REPORT

    @property
    def kind(self) -> str:
        """What kind of act it is, where that is not a report."""
        return "" if self.part == Part.REPORT else str(Part(self.part).label)


def lines(*, viewer: Actor, months: int = 12) -> list[Line]:
    """The acts counted by month, pair of hospitals, modality and kind, the newest month first; two queries in all."""
    sums = (
        acts(viewer=viewer)
        .annotate(month=TruncMonth("done_at"))
        .values_list("month", "provider", "beneficiary", "modality", "part")
        .annotate(acts=Sum("number"))
        .exclude(acts=0)
        .order_by("-month", "provider", "beneficiary", "modality")
    )
    newest = sorted({row[0] for row in sums}, reverse=True)[:months]
    rows = [row for row in sums if row[0] in newest]
    names = {p.id: p.name for p in places.places(viewer=viewer, ids={key for row in rows for key in row[1:3]})}
    found = [
        Line(month.date(), names[provider], names[beneficiary], modality, n, part)
        for month, provider, beneficiary, modality, part, n in rows
    ]
    return sorted(
        found,
        key=lambda line: (
            -line.month.toordinal(),
            line.provider,
            line.beneficiary,
            line.modality,
            PARTS.index(line.part),
        ),
    )
