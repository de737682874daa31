"""How good identities are: what the clock counts, what was counted, and which records and pairs are behind a count.

Each condition stands once: what is counted with it is listed with it.
"""

import datetime
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any
from uuid import UUID

from django.db.models import Count, Exists, F, Model, OuterRef, Q, QuerySet
from django.utils import timezone

from wasl.kernel.access import SYSTEM, Actor
from wasl.kernel.errors import NotFound
from wasl.patients.models import (
    Access,
    Merge,
    QualityCount,
    QualityMonth,
    RecordLink,
    RecordVersion,
    ReviewCase,
    SourceIdentity,
    SourceRecord,
    Split,
)
from wasl.patients.models.access import WRONG_NUMBER
from wasl.patients.queries import merging
from wasl.patients.rules import quality as rules

Counted = tuple[UUID | None, str, int, int | None]  # place, measure, numerator, denominator
# seven digits and seventeen are numbers whose first zero a spreadsheet lost (rules.matching.fields)
_READABLE = r"^[^0-9٠-٩۰-۹]*([0-9٠-٩۰-۹][^0-9٠-٩۰-۹]*){7,8}$|^[^0-9٠-٩۰-۹]*([0-9٠-٩۰-۹][^0-9٠-٩۰-۹]*){11}$|" \
            r"^[^0-9٠-٩۰-۹]*([0-9٠-٩۰-۹][^0-9٠-٩۰-۹]*){17,18}$"  # fmt: skip
_NUMBERED = Q(said__has_key="nid")
_MISSING = {
    "scripts": ~Q(said__has_keys=["first_lat", "last_lat", "first_ar", "last_ar"]),
    "mother": ~Q(said__has_key="mother"),
    "maiden": ~Q(said__has_key="mother") | ~Q(said__mother__regex=r"\S\s+\S"),
    "father": ~Q(said__has_key="father"),
    "phone": ~Q(said__has_key="phone"),
    "commune": ~Q(said__has_key="commune"),
    "odd_number": _NUMBERED & ~Q(said__nid__regex=_READABLE),
}
YEARS_APART = 25_000  # of dates as year, month, day in one number: over two years, whatever the days
_OTHER_NUMBER = Q(said__has_key="nid", record__versions__said__has_key="nid") & ~Q(
    said__nid=F("record__versions__said__nid")
)
_OTHER_YEAR = Q(born__gt=0, record__versions__born__gt=0) & (
    Q(born__gt=F("record__versions__born") + YEARS_APART) | Q(born__lt=F("record__versions__born") - YEARS_APART)
)
_KNOWN_NAMES = ~Q(given=0) & ~Q(family=0) & ~Q(record__versions__given=0) & ~Q(record__versions__family=0)
_OTHER_NAMES = (
    _KNOWN_NAMES & ~Q(given=F("record__versions__given")) & ~Q(family=F("record__versions__family"))
    & ~Q(given=F("record__versions__family"), family=F("record__versions__given"))  # exchanged, and put right
)  # fmt: skip


def _visible_counts(viewer: Actor) -> QuerySet[QualityCount]:
    """The figures of the hospitals for which one answers; of all, for a data steward of the country."""
    own = rules.places_to_look_at(viewer)
    return QualityCount.objects.all() if own is None else QualityCount.objects.filter(place__in=own)


def quality_places(*, viewer: Actor) -> frozenset[UUID] | None:
    """The hospitals whose figures the viewer sees; None: all. Raises NotAllowed where there are none."""
    return rules.places_to_look_at(viewer)


def quality_months(*, viewer: Actor) -> list[QualityMonth]:
    """The months that were counted, the newest first."""
    rules.places_to_look_at(viewer)
    return list(QualityMonth.objects.filter(counted_at__isnull=False).order_by("-month"))


def quality_counts(
    *,
    since: datetime.date,
    until: datetime.date,
    viewer: Actor,
    place: UUID | None = None,
    measures: Iterable[str] = (),
) -> QuerySet[QualityCount]:
    """What was counted in some months: of one hospital, or of all that one sees; all measures, or some."""
    rows = _visible_counts(viewer).filter(month__month__gte=since, month__month__lte=until)
    if place is not None:
        rows = rows.filter(place=place)
    if measures:
        rows = rows.filter(measure__in=list(measures))
    return rows.select_related("month", "place").order_by("month__month", "measure")


def quality_months_known(*, viewer: Actor) -> list[datetime.date]:
    """Every month since the first record, for the clock that counts them."""
    first = SourceRecord.objects.order_by("id").values_list("created_at", flat=True).first()
    if first is None or not viewer.is_system:
        return []
    month, last = timezone.localtime(first).date().replace(day=1), timezone.localdate()
    months = []
    while month <= last:
        months.append(month)
        month = _next(month)
    return months


def quality_of(month: datetime.date, *, viewer: Actor) -> list[Counted]:
    """Count the identities of a month, by hospital; for the clock."""
    if not viewer.is_system:
        raise NotFound
    return [*_fields(month), *_levels(month), *_pairs(month), *_collisions(month)]


def _fields(month: datetime.date) -> Iterator[Counted]:
    rows = _said_now(month).values("record__place").annotate(
        records=Count("id"), adults=Count("id", filter=_adult(month)), numbered=Count("id", filter=_NUMBERED),
        numberless=Count("id", filter=_adult(month) & ~_NUMBERED), unborn=Count("id", filter=_BORN),
        **{f"missing_{code}": Count("id", filter=missing) for code, missing in _MISSING.items()},
    )  # fmt: skip
    first = RecordVersion.objects.filter(version=1, **_within("record__created_at", month))
    told = first.exclude(said_by__startswith="person:").values("record__place").annotate(many=Count("id"))
    fed = dict(told.values_list("record__place", "many"))
    row: dict[str, Any]
    for row in rows:  # type: ignore[assignment]
        place, records = row["record__place"], row["records"]
        yield place, "records", records, None
        yield place, "fed", fed.get(place, 0), records
        yield place, "number", row["numberless"], row["adults"]
        yield place, "born", row["unborn"], records
        for code in _MISSING:
            yield place, code, row[f"missing_{code}"], row["numbered"] if code == "odd_number" else records


def _levels(month: datetime.date) -> Iterator[Counted]:
    links = RecordLink.objects.filter(closed_at=None, **_within("record__created_at", month))
    counted = links.values("record__place").annotate(
        all=Count("id"), **{level: Count("id", filter=Q(patient__level=level)) for level in rules.LEVELS}
    )
    row: dict[str, Any]
    for row in counted:  # type: ignore[assignment]
        for level in rules.LEVELS:
            yield row["record__place"], level, row[level], row["all"]


def _pairs(month: datetime.date) -> Iterator[Counted]:
    cases = dict(ReviewCase.objects.filter(**_within("created_at", month)).values_list("id", "created_at"))
    waiting = set(merging.reviews(viewer=SYSTEM).filter(**_within("created_at", month)).values_list("id", flat=True))
    now = timezone.now()
    for place, keys in _known_at(ReviewCase, month).items():
        open_still = keys & waiting
        yield place, "pairs", len(keys), None
        yield place, "waiting", len(open_still), len(keys)
        yield place, "waited", sum((now - cases[key]).days for key in open_still), len(open_still)
    undone = set(
        Merge.objects.filter(undone_at__isnull=False, **_within("created_at", month)).values_list("id", flat=True)
    )
    for place, keys in _known_at(Merge, month).items():
        yield place, "merges", len(keys), None
        yield place, "unmerged", len(keys & undone), len(keys)
    splits = Split.objects.filter(**_within("created_at", month)).values("closed__record__place")
    for row in splits.annotate(all=Count("id"), undone=Count("id", filter=Q(undone_at__isnull=False))):
        yield row["closed__record__place"], "splits", row["all"], None
        yield row["closed__record__place"], "unsplit", row["undone"], row["all"]


def _known_at(model: type[Model], month: datetime.date) -> dict[UUID | None, set[UUID]]:
    """The pairs of a month by the hospitals that have a record of one of the two."""
    found: dict[UUID | None, set[UUID]] = defaultdict(set)
    rows = model._default_manager.filter(**_within("created_at", month))
    for side in ("one", "other"):
        known = rows.filter(**{f"{side}__links__closed_at": None, f"{side}__links__isnull": False})
        for key, place in known.values_list("id", f"{side}__links__record__place"):
            found[place].add(key)
    return found


def _collisions(month: datetime.date) -> Iterator[Counted]:
    again = _said_before(month).values("record__place").annotate(many=Count("record", distinct=True))
    reused = dict(again.filter(_contradicts()).values_list("record__place", "many"))
    for place, many in again.values_list("record__place", "many"):
        yield place, "reused", reused.get(place, 0), many
    known = _numbers(month).filter(patient__links__closed_at=None, patient__links__isnull=False)
    numbers = known.values("patient__links__record__place").annotate(many=Count("id", distinct=True))
    shared = dict(numbers.filter(_shared()).values_list("patient__links__record__place", "many"))
    for place, many in numbers.values_list("patient__links__record__place", "many"):
        yield place, "shared", shared.get(place, 0), many
    wrong = Access.objects.filter(what=WRONG_NUMBER, **_within("created_at", month)).values("place")
    for row in wrong.annotate(many=Count("id")):
        yield row["place"], "wrong", row["many"], None


def records_behind(measure: str, *, month: datetime.date, place: UUID | None, viewer: Actor) -> "QuerySet[RecordLink]":
    """The records of a hospital that a count of a month is about, each with whose it is. Raises NotFound."""
    _check_place(place, viewer)
    rows = RecordLink.objects.filter(closed_at=None, record__place=place).select_related("patient", "record")
    of_month = _within("record__created_at", month)
    if measure in rules.LEVELS:
        return rows.filter(patient__level=measure, **of_month)
    if measure == "reused":
        return rows.filter(Exists(_said_before(month).filter(_contradicts(), record=OuterRef("record"))))
    if measure == "shared":
        return rows.filter(Exists(_numbers(month).filter(_shared(), patient=OuterRef("patient"))))
    conditions = {**_MISSING, "born": _BORN, "number": _adult(month) & ~_NUMBERED}
    if measure not in conditions:
        raise NotFound
    missing = RecordVersion.objects.filter(conditions[measure], record=OuterRef("record"), superseded_at=None)
    return rows.filter(Exists(missing), **of_month)


def pairs_behind(
    measure: str, *, month: datetime.date, place: UUID | None, viewer: Actor
) -> "QuerySet[ReviewCase] | QuerySet[Merge] | QuerySet[Split]":
    """The pairs, merges or splits of a hospital that a count of a month is about, for who decides. Raises NotFound."""
    _check_place(place, viewer)
    of_month = _within("created_at", month)
    if measure in ("splits", "unsplit"):
        splits = Split.objects.filter(closed__record__place=place, **of_month)
        splits = splits.select_related("closed__patient", "opened__patient")
        return splits.filter(undone_at__isnull=False) if measure == "unsplit" else splits
    here = RecordLink.objects.filter(closed_at=None, record__place=place)
    known = Exists(here.filter(patient=OuterRef("one"))) | Exists(here.filter(patient=OuterRef("other")))
    if measure in ("merges", "unmerged"):
        merges = Merge.objects.filter(known, **of_month).select_related("one", "other")
        return merges.filter(undone_at__isnull=False) if measure == "unmerged" else merges
    if measure not in rules.PAIRS:
        raise NotFound
    rows = merging.reviews(viewer=SYSTEM) if measure == "waiting" else ReviewCase.objects.all()
    return rows.filter(known, **of_month).select_related("one", "other")


def _check_place(place: UUID | None, viewer: Actor) -> None:
    own = rules.places_to_look_at(viewer)
    if own is not None and place not in own:
        raise NotFound


def _said_now(month: datetime.date) -> QuerySet[RecordVersion]:
    """What the records that began in a month say now."""
    return RecordVersion.objects.filter(superseded_at=None, **_within("record__created_at", month))


def _said_before(month: datetime.date) -> QuerySet[RecordVersion]:
    """What records with a number of their place said until something else was said in a month, with that."""
    rows = RecordVersion.objects.filter(
        record__versions__version=F("version") + 1, superseded_at__isnull=False, **_within("superseded_at", month)
    )
    return rows.exclude(record__local_id="")


def _contradicts() -> Q:
    """What no person has two of: numbers, birth years, names. The next version is in the same row."""
    return _OTHER_NUMBER | _OTHER_YEAR | _OTHER_NAMES


def _numbers(month: datetime.date) -> QuerySet[SourceIdentity]:
    return SourceIdentity.objects.exclude(kind="local").filter(**_within("created_at", month))


def _shared() -> Exists:
    """Whether somebody who is not the same person has the same national number."""
    others = SourceIdentity.objects.filter(kind=OuterRef("kind"), value=OuterRef("value"))
    return Exists(others.exclude(patient__head=OuterRef("patient__head")))


_BORN = Q(born=0) | Q(born__endswith="00")


def _adult(month: datetime.date) -> Q:
    """Who is of age at the end of a month, as far as a birth date is known."""
    return Q(born__gt=0, born__lte=(month.year - rules.ADULT) * 10_000 + month.month * 100 + 31)


def _within(column: str, month: datetime.date) -> dict[str, datetime.datetime]:
    return {f"{column}__gte": _begin(month), f"{column}__lt": _begin(_next(month))}


def _begin(month: datetime.date) -> datetime.datetime:
    return timezone.make_aware(datetime.datetime.combine(month, datetime.time()), timezone.get_default_timezone())


def _next(month: datetime.date) -> datetime.date:
    return (month + datetime.timedelta(days=31)).replace(day=1)
