"""What came from where and how fast, who is silent, and how the hourly phantoms fared; never anything of a patient."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.db.models import OuterRef, QuerySet, Subquery
from django.utils import timezone

from wasl.archive.models import PhantomRun, Source, Study
from wasl.archive.queries.keeping import ScrubState, alone, scrub_state
from wasl.archive.rules import traffic as rules
from wasl.kernel.access import SYSTEM, Actor, Held
from wasl.kernel.errors import NotAllowed
from wasl.places import queries as places

HOURS = 168  # of the chart: a week
COPIES_FOR = 300  # seconds; to count every copy takes a while where there are many
Key = tuple[UUID | None, UUID]  # a machine, and its place; no machine for what people and other Wasls send

FLOWS = """
select t.source_id, t.place_id, max(t.last_at),
    coalesce(sum(images) filter (where hour > %(now)s - interval '1 hour'), 0),
    coalesce(sum(size) filter (where hour > %(now)s - interval '1 hour'), 0),
    coalesce(sum(images) filter (where hour > %(now)s - interval '24 hours'), 0),
    coalesce(sum(size) filter (where hour > %(now)s - interval '24 hours'), 0),
    coalesce(sum(images) filter (where hour > %(now)s - interval '7 days'), 0),
    coalesce(sum(size) filter (where hour > %(now)s - interval '7 days'), 0),
    coalesce(sum(refused) filter (where hour > %(now)s - interval '7 days'), 0),
    coalesce(sum(conflicts) filter (where hour > %(now)s - interval '7 days'), 0)
from archive_traffic t where hour > %(now)s - interval '7 days' and (t.place_id = any(%(places)s) or %(all)s)
group by 1, 2
"""
# of each machine, by the index of its hours: whatever was counted before need not be read
LAST = """
select c.id, t.last_at from archive_source c cross join lateral (select last_at from archive_traffic
    where source_id = c.id and place_id = c.place_id and images > 0 order by hour desc limit 1) t
where c.active and not c.phantom
"""
BUSY = """
select t.source_id, array_agg(t.hour) from archive_traffic t
join (select source_id, max(hour) as hour from archive_traffic where images > 0 and source_id = any(%(sources)s)
    group by 1) last on last.source_id = t.source_id
where t.images > 0 and t.hour > last.hour - interval '28 days' group by 1
"""
CHART = """
select source_id, place_id, array_agg(hour), array_agg(images) from archive_traffic
where hour > %(now)s - interval '7 days' and images > 0 and place_id = any(%(places)s) group by 1, 2
"""
COUNTED = """
select source_id, place_id, sum(images), sum(size), sum(refused), sum(conflicts)
from archive_traffic group by 1, 2
"""
# steps of which their modality says nothing more, of studies that nobody read meanwhile
ABANDONED = """
select p.source_id, coalesce(c.ae_title, ''), coalesce(c.name, ''), p.place_id, count(*), min(p.heard_at)
from archive_performedstep p left join archive_source c on c.id = p.source_id
where p.state = 'in progress' and p.read_at is null and p.heard_at <= %(before)s
    and p.place_id is not null and c.active is not false
    and (p.place_id = any(%(places)s) or %(all)s)
group by 1, 2, 3, 4 order by 6
"""
# since when each waiting job may be done
JOBS = """
select count(*) filter (where status = 'todo' and since <= now()), count(*) filter (where status = 'doing'),
    count(*) filter (where status in ('failed', 'aborted')),
    extract(epoch from now() - min(since) filter (where status = 'todo' and since <= now()))::float
from (select status, coalesce(scheduled_at, (
        select max(at) from procrastinate_events where job_id = job.id and status = 'todo'
    ), now()) as since from procrastinate_jobs job where status in ('todo', 'doing', 'failed', 'aborted')) jobs
"""


@dataclass(frozen=True)
class Amount:
    """How many images, and how many bytes."""

    images: int
    size: int


@dataclass(frozen=True)
class Flow:
    """What came from a machine, or to a place by other ways; `hours` are the images of each hour of a week."""

    source: Source | None
    place_name: str
    place_code: str
    last_at: datetime | None
    silent: bool
    hour: Amount
    day: Amount
    week: Amount
    refused: int  # in the week
    conflicts: int
    key: Key


@dataclass(frozen=True)
class Abandoned:
    """Exams that a machine began and never ended, nor said more of: how many, and since when of the oldest."""

    ae_title: str  # empty where another Wasl told of it
    name: str
    place_name: str
    place_code: str
    steps: int
    since: datetime


@dataclass(frozen=True)
class Jobs:
    """The jobs of this instance: how many wait, are done now, and failed for good; seconds that the oldest waits."""

    waiting: int
    doing: int
    failed: int
    oldest: float | None


@dataclass(frozen=True)
class Counted:
    """All that was ever counted of a machine, or of a place's other ways."""

    ae_title: str  # empty for other ways
    place: str  # its code
    images: int
    size: int
    refused: int
    conflicts: int


@dataclass(frozen=True)
class Phantoms:
    """How the phantoms of a site fared: the last one, the last that came all the way, and whether one is overdue."""

    place_name: str
    place_code: str
    last: PhantomRun
    success_at: datetime | None
    seconds: float | None  # from the clock to the sealed report
    late: bool


def _visible_places(viewer: Actor) -> frozenset[UUID] | None:
    """The places whose machines the viewer looks after; None for all. Raises NotAllowed for who looks after none."""
    if viewer.is_system or Held("administrator", None) in viewer.held:
        return None
    mine = viewer.places("administrator")
    if not mine:
        raise NotAllowed
    return mine


def flows(*, viewer: Actor) -> list[Flow]:
    """What came from every machine in use, and to every place by other ways: the silent first, then by place."""
    mine, now = _visible_places(viewer), timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(FLOWS, {"now": now, "places": list(mine or ()), "all": mine is None})
        figures = {(source, place): rest for source, place, *rest in cursor.fetchall()}
        cursor.execute(LAST)
        last = dict(cursor.fetchall())
    sources = Source.objects.filter(active=True, phantom=False).select_related("place")
    if mine is not None:
        sources = sources.filter(place__in=mine)
    known = {(row.id, row.place_id): row for row in sources}
    silent = _silent({row.id: last[row.id] for row in known.values() if row.id in last}, now)
    others = {key for key in figures if key[0] is None and figures[key][5]}
    names = _names({place for _, place in others})
    rows = [
        _flow(key, known.get(key), names.get(key[1], ("", "")), figures.get(key), last.get(key[0]), key[0] in silent)
        for key in [*known, *others]
    ]
    return sorted(rows, key=lambda row: (not row.silent, row.place_name, row.source is None,
                                         row.source.name if row.source else ""))  # fmt: skip


def _flow(
    key: Key, source: Source | None, named: tuple[str, str], found: Sequence[Any] | None, last: datetime | None,
    silent: bool,
) -> Flow:  # fmt: skip
    in_week, *sums = found or (None, *[0] * 8)
    hour, day, week = (Amount(int(sums[at]), int(sums[at + 1])) for at in (0, 2, 4))
    name, code = (str(source.place.name), source.place.code) if source else named
    return Flow(source, name, code, last or in_week, silent, hour, day, week, int(sums[6]), int(sums[7]), key)


def _silent(last: Mapping[UUID, datetime], now: datetime) -> set[UUID]:
    """Those of some machines that are silent though they usually are not; the rule says when."""
    quiet = [key for key, at in last.items() if now - at > rules.MISSED * rules.HOUR]
    with connection.cursor() as cursor:
        cursor.execute(BUSY, {"sources": quiet})
        busy = dict(cursor.fetchall())
    zone, found = timezone.get_default_timezone(), set()
    for key in quiet:
        at = last[key]
        if rules.is_silent(at, now, rules.usual_hours(busy.get(key, ()), at, zone), zone):
            found.add(key)
    return found


def _names(keys: Iterable[UUID]) -> dict[UUID, tuple[str, str]]:
    """Places' names and codes by their keys."""
    return {row.id: (str(row.name), row.code) for row in places.places(viewer=SYSTEM, ids=keys)}


def abandoned(*, viewer: Actor) -> list[Abandoned]:
    """The machines with exams that they seem to have forgotten to end, the longest ago first."""
    mine = _visible_places(viewer)
    before = timezone.now() - timedelta(hours=settings.STEP_HOURS)
    with connection.cursor() as cursor:
        cursor.execute(ABANDONED, {"before": before, "places": list(mine or ()), "all": mine is None})
        rows = cursor.fetchall()
    names = _names({row[3] for row in rows})
    return [Abandoned(title, name, *names[place], steps, since) for _, title, name, place, steps, since in rows]


def charts(keys: Iterable[Key], *, viewer: Actor) -> dict[Key, list[int]]:
    """The images of each hour of the last week, the oldest first, of some flows that the viewer sees."""
    mine, asked = _visible_places(viewer), set(keys)
    seen = {place for _, place in asked if mine is None or place in mine}
    now = timezone.now()
    this = now.replace(minute=0, second=0, microsecond=0)
    found: dict[Key, list[int]] = {key: [0] * HOURS for key in asked if key[1] in seen}
    with connection.cursor() as cursor:
        cursor.execute(CHART, {"now": now, "places": list(seen)})
        for source, place, hours, images in cursor.fetchall():
            if (source, place) in found:
                for hour, number in zip(hours, images, strict=True):
                    ago = int((this - hour) / rules.HOUR)
                    if 0 <= ago < HOURS:
                        found[source, place][HOURS - 1 - ago] = number
    return found


def counted(*, viewer: Actor) -> list[Counted]:
    """All that was ever counted, for machines that watch over this one; for the system alone."""
    if not viewer.is_system:
        raise NotAllowed
    with connection.cursor() as cursor:
        cursor.execute(COUNTED)
        rows = cursor.fetchall()
    titles = dict(Source.objects.filter(phantom=False).values_list("id", "ae_title"))
    names = _names({row[1] for row in rows})
    return [
        Counted(titles.get(source, ""), names[place][1], *map(int, rest))
        for source, place, *rest in rows
        if source is None or source in titles
    ]


def jobs(*, viewer: Actor) -> Jobs:
    """How the jobs of this instance stand."""
    _visible_places(viewer)
    with connection.cursor() as cursor:
        cursor.execute(JOBS)
        ((waiting, doing, failed, oldest),) = cursor.fetchall()
    return Jobs(waiting, doing, failed, oldest)


def copies_lately(*, viewer: Actor) -> tuple[ScrubState, int | None]:
    """How the copies stood some minutes ago at most; and how many studies lack one in the bucket, if there is one."""
    _visible_places(viewer)

    def ask() -> tuple[ScrubState, int | None]:
        return scrub_state(viewer=viewer), alone(viewer=viewer) if settings.S3_URL else None

    key = f"archive.copies_lately.{settings.S3_URL}"
    return cast(tuple[ScrubState, int | None], cache.get_or_set(key, ask, COPIES_FOR))


def phantoms(*, viewer: Actor) -> list[Phantoms]:
    """How the phantoms of every site fared that had one in the last day, the late ones first."""
    mine, now = _visible_places(viewer), timezone.now()
    since = now - timedelta(days=1)
    rows = PhantomRun.objects.filter(started_at__gt=now - rules.WEEK)
    if mine is not None:
        rows = rows.filter(place__in=mine)
    came = PhantomRun.objects.filter(place=OuterRef("place"), stored_at__isnull=False, read_at__isnull=False, failed="")
    came = came.filter(started_at__gt=now - rules.WEEK).order_by("-started_at")
    first = PhantomRun.objects.filter(place=OuterRef("place"), started_at__gt=since).order_by("started_at")
    latest = (
        rows.order_by("place", "-hour").distinct("place").select_related("place")
        .annotate(
            came_started=Subquery(came.values("started_at")[:1]), came_at=Subquery(came.values("read_at")[:1]),
            first_at=Subquery(first.values("started_at")[:1]),
        )
    )  # fmt: skip
    found = [_phantoms(run, now) for run in latest]
    return sorted(found, key=lambda row: (not row.late, row.place_name))


def _phantoms(run: Any, now: datetime) -> Phantoms:  # noqa: ANN401  a run, annotated
    seconds = (run.came_at - run.came_started).total_seconds() if run.came_at else None
    late = rules.is_phantom_late(run.came_at, run.first_at or run.started_at, now)
    return Phantoms(str(run.place.name), run.place.code, run, run.came_at, seconds, late)


def phantom_run(key: UUID, *, viewer: Actor) -> PhantomRun:
    """One run with its sender and its place, for the system, which sends it."""
    rows = PhantomRun.objects.select_related("source", "place")
    return (rows if viewer.is_system else rows.none()).get(id=key)


def is_phantom(study: UUID, *, viewer: Actor) -> bool:
    """Whether a study was made to be timed; for the system, nobody else knows of one."""
    return viewer.is_system and Study.objects.filter(id=study, phantom=True).exists()


def phantom_runs(*, viewer: Actor) -> QuerySet[PhantomRun]:
    """Every run of the viewer's places, the latest first."""
    mine = _visible_places(viewer)
    rows = PhantomRun.objects.select_related("place").order_by("-hour", "place")
    return rows if mine is None else rows.filter(place__in=mine)
