"""What may be asked of the evaluation: figures, the cases behind them, what was published."""

import datetime
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from wasl.kernel.access import SYSTEM, Actor, Held
from wasl.kernel.errors import NotAllowed, NotFound
from wasl.places import queries as places
from wasl.planning.models import Case, Disclosure, Figure, Month, Paper, Release
from wasl.planning.rules import evaluation as rules
from wasl.planning.rules.operational import SOLE, Operation, line
from wasl.planning.rules.publishing import table
from wasl.radiology import queries as radiology

TREND = 12  # months
BATCH = 1000  # orders whose facts are read at a time


def _visible(viewer: Actor) -> frozenset[UUID] | None:
    """The hospitals that the viewer evaluates: all (None) for the country's planner, their own for the others."""
    if viewer.is_system or Held("planner", None) in viewer.held:
        return None
    own = viewer.places("planner", "chief")
    if not own:
        raise NotAllowed
    return own


def own_places(*, viewer: Actor) -> frozenset[UUID] | None:
    """The hospitals that the viewer evaluates; None: the whole country."""
    return _visible(viewer)


def _figures(viewer: Actor) -> QuerySet[Figure]:
    own = _visible(viewer)
    rows = Figure.objects.all()
    return rows if own is None else rows.filter(level=Figure.Level.PLACE, place__in=own)


def figures_of(
    month: datetime.date, *, viewer: Actor, region: UUID | None = None, place: UUID | None = None
) -> list[Figure]:
    """The figures of a month for the country, a region or a hospital, whole and by slice. Raises NotFound."""
    if _visible(viewer) is not None and place is None:
        raise NotFound
    rows = _figures(viewer).filter(month=month, level=_level(region, place), place=place)
    return list(rows if place else rows.filter(region=region))


def figures_beside(month: datetime.date, *, viewer: Actor, region: UUID | None = None) -> QuerySet[Figure]:
    """The whole figures of a month for every region, or for every hospital of a region; of what the viewer sees."""
    rows = _figures(viewer).filter(month=month, slice="")
    if region is None:
        return rows.filter(level=Figure.Level.REGION).select_related("region")
    return rows.filter(level=Figure.Level.PLACE, region=region).select_related("place")


def trend(
    indicator: str, *, until: datetime.date, viewer: Actor, region: UUID | None = None, place: UUID | None = None
) -> list[tuple[datetime.date, Figure | None]]:
    """An indicator of the twelve months up to one, the earliest first; None where nothing was counted."""
    months = [until]
    while len(months) < TREND:
        months.append(rules.month_before(months[-1]))
    rows = _figures(viewer).filter(
        indicator=indicator, slice="", level=_level(region, place), place=place, month__in=months
    )
    found = {row.month: row for row in (rows if place else rows.filter(region=region))}
    return [(month, found.get(month)) for month in reversed(months)]


def _level(region: UUID | None, place: UUID | None) -> str:
    return Figure.Level.PLACE if place else Figure.Level.REGION if region else Figure.Level.COUNTRY


def months(*, viewer: Actor) -> list[Month]:
    """The months that were counted, the newest first."""
    _visible(viewer)
    return list(Month.objects.filter(counted_at__isnull=False).order_by("-month"))


def months_over(*, viewer: Actor) -> list[datetime.date]:
    """The months that were counted and are over: those that may be published; the newest first."""
    begun = timezone.localdate().replace(day=1)
    return [row.month for row in months(viewer=viewer) if row.month < begun]


def months_to_count(*, viewer: Actor) -> list[datetime.date]:
    """The months with cases that are not in their figures yet."""
    rows = Case.objects.filter(counted=False) if viewer.is_system else Case.objects.none()
    return sorted(set(rows.order_by("month").values_list("month", flat=True).distinct()))


@dataclass(frozen=True)
class Narrowed:
    """Which cases stand behind a figure: of a month, in a region or a hospital, of a slice."""

    month: datetime.date
    region: UUID | None = None
    place: UUID | None = None
    slice: str = ""


def cases_behind(asked: Narrowed, *, viewer: Actor) -> QuerySet[Case]:
    """The cases behind a figure that the viewer may see, with their hospitals."""
    own = _visible(viewer)
    rows = Case.objects.filter(month=asked.month).select_related("place", "provider")
    rows = rows if own is None else rows.filter(place__in=own)
    if asked.place:
        rows = rows.filter(place=asked.place)
    elif asked.region:
        rows = rows.filter(place__region=asked.region)
    name, _, value = asked.slice.partition(":")
    if name in ("urgency", "modality"):
        return rows.filter(**{name: value})
    return rows.filter(hour=int(value)) if name == "hour" and value.isdecimal() else rows


def case(order: UUID, *, viewer: Actor) -> Case:
    """One case that the viewer may see. Raises NotFound."""
    own = _visible(viewer)
    rows = Case.objects.select_related("place", "provider")
    found = (rows if own is None else rows.filter(place__in=own)).filter(order=order).first()
    if found is None:
        raise NotFound
    return found


def facts_of(order: UUID, *, viewer: Actor) -> list[radiology.Told]:
    """The facts that a case is made of, the oldest first. Raises NotFound."""
    case(order, viewer=viewer)
    return radiology.steps([order], names=SOLE, viewer=SYSTEM)


def operational_log(month: datetime.date, *, viewer: Actor) -> Iterator[str]:
    """The operational events of the cases ordered in a month, a line of syslog each, those of a case together."""
    if _visible(viewer) is not None:
        raise NotAllowed
    return (line(one) for one in _operations(month))


def release_table(found: Release, *, language: str, viewer: Actor) -> Iterator[list[object]]:
    """The figures of a release that the viewer was given, as a table: a head, then a line a figure."""
    return table(found.month, found.figures, language)


def _operations(month: datetime.date) -> Iterator[Operation]:
    codes = dict(places.places(viewer=SYSTEM).values_list("id", "code"))
    orders = Case.objects.filter(month=month).order_by("order").values_list("order", "place")
    batch: dict[UUID, UUID] = {}
    for order, place in orders.iterator(chunk_size=BATCH):
        batch[order] = place
        if len(batch) == BATCH:
            yield from _told(batch, codes)
            batch = {}
    yield from _told(batch, codes)


def _told(batch: dict[UUID, UUID], codes: dict[UUID, str]) -> Iterator[Operation]:
    for told in radiology.steps(batch, names=SOLE, viewer=SYSTEM):
        machine = not told.actor.startswith("person")
        yield Operation(told.name, told.at, told.order, codes[batch[told.order]], machine)


def minimum(*, on: datetime.date, viewer: Actor) -> int:
    """Of how few a figure of a month is withheld; the house's own number where none was set."""
    found = Disclosure.objects.filter(period__contains=on).first()
    return found.minimum if found else rules.HOUSE_MINIMUM


def disclosures(*, viewer: Actor) -> QuerySet[Disclosure]:
    """Every minimum that was set, the newest first."""
    _visible(viewer)
    return Disclosure.objects.order_by("-period")


def releases(*, viewer: Actor) -> QuerySet[Release]:
    """What was published, the newest first; of the whole country, for its planner."""
    if _visible(viewer) is not None:
        raise NotAllowed
    return Release.objects.order_by("-month", "-number")


def release(key: UUID, *, viewer: Actor) -> Release:
    """One release. Raises NotFound."""
    found = releases(viewer=viewer).filter(id=key).first()
    if found is None:
        raise NotFound
    return found


def paper_of(key: UUID, *, language: str, viewer: Actor) -> Paper:
    """The sealed PDF of a release in a language, or in French where it is not printed in that. Raises NotFound."""
    rows = release(key, viewer=viewer).papers.all()
    found = rows.filter(language=language).first() or rows.filter(language="fr").first()
    if found is None:
        raise NotFound
    return found


def months_to_release(*, viewer: Actor) -> list[datetime.date]:
    """The months that are over, were counted, and of which nothing was published yet."""
    if not viewer.is_system:
        return []
    rows = Month.objects.filter(counted_at__isnull=False, month__lt=timezone.localdate().replace(day=1))
    published = Release.objects.values("month")
    return sorted(rows.exclude(month__in=published).values_list("month", flat=True))


def release_for_record(key: UUID) -> Release:
    """One release, for the record."""
    return Release.objects.get(id=key)


def every_release() -> Iterator[UUID]:
    """The key of every release, for the record."""
    return Release.objects.values_list("id", flat=True).iterator()
