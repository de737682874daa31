"""How the copies of images stand: what may be released, what is damaged, what has no second copy."""

import datetime
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet

from wasl.archive.models import Copy, Folder, Retention
from wasl.archive.queries.files import folder_mark
from wasl.kernel.access import Actor
from wasl.kernel.errors import NotAllowed

ABSENT = datetime.timedelta(days=60)  # without a word, and a folder is asked for nothing more

# what the longest of the rules says that a study meets
LONGEST = """
    select max(r.local_days) as days, max(r.keep_years) as years from archive_retention r
    where r.closed_at is null and (r.modality = '' or r.modality = any(s.modalities))
        and (r.place_id is null or r.place_id = s.place_id)
        and (r.younger_than is null or s.birth_date is null
             or s.birth_date + make_interval(years => r.younger_than) > coalesce(s.started_at, s.created_at))
"""
# studies whose local files may go, with what of them is proven elsewhere
DUE = f"""
select s.id, s.uid, count(*), sum(here.length)::bigint, p.days
from archive_study s
cross join lateral ({LONGEST}) p
join archive_series e on e.study_id = s.id
join archive_instance i on i.series_id = e.id
cross join lateral (
    select i.path union all select k.path from archive_conflict k where k.instance_id = i.id
) f(path)
join archive_copy here on here.path = f.path and here.folder_id = %(folder)s and here.damaged_at is null
join archive_copy there on there.path = f.path and there.folder_id is null and there.proven_at is not null
    and there.damaged_at is null and there.sha256 = here.sha256
where s.complete_at is not null and s.last_arrival_at < now() - make_interval(days => p.days)
group by s.id, p.days
order by s.last_arrival_at
"""  # noqa: S608  text of ours
# place by place: studies of which no text says how long, whose time runs, those of them without a proven second copy,
# and those whose time is over
TERMS = f"""
select s.place_id, count(*) filter (where p.years is null), count(*) filter (where u.until > now()),
    count(*) filter (where u.until > now() and exists (
        select from archive_series e join archive_instance i on i.series_id = e.id where e.study_id = s.id
            and not exists (select from archive_copy c where c.path = i.path and c.folder_id is null
                and c.proven_at is not null and c.damaged_at is null))),
    count(*) filter (where u.until <= now())
from archive_study s
cross join lateral ({LONGEST}) p
cross join lateral (
    select coalesce(s.started_at, s.created_at) + make_interval(years => p.years) as until
) u
where not s.phantom
group by s.place_id
"""  # noqa: S608  text of ours
STATE = """
select count(*) filter (where folder_id is not null), count(*) filter (where folder_id is null),
    coalesce(sum(length) filter (where folder_id is null), 0)::bigint,
    count(*) filter (where damaged_at is not null and folder_id is not null),
    count(*) filter (where damaged_at is not null and folder_id is null),
    count(*) filter (where folder_id is null and proven_at is null), min(checked_at),
    coalesce(sum(length) filter (where folder_id is not null), 0)::bigint,
    count(*) filter (where checked_at > now() - interval '90 days'), max(checked_at)
from archive_copy
"""
LOST = """
select count(*) from (
    select path from archive_copy where path in (select path from archive_copy where damaged_at is not null)
    group by path having bool_and(damaged_at is not null)
) lost
"""
ALONE = """
select count(*) from archive_study s where s.complete_at between now() - interval '30 days' and now() - interval '1 day'
    and exists (
    select from archive_series e join archive_instance i on i.series_id = e.id where e.study_id = s.id
        and not exists (select from archive_copy c where c.path = i.path and c.folder_id is null))
"""


@dataclass(frozen=True)
class Due:
    """A study whose files in a folder may go: how many, how many bytes, and the days that the longest rule says."""

    study: UUID
    uid: str
    files: int
    size: int
    days: int


@dataclass(frozen=True)
class Terms:
    """For how many of a place's studies no rule names a legal time, it runs, or it is over."""

    place: UUID | None
    unsaid: int
    running: int
    alone: int  # of those whose time runs: without a proven second copy
    over: int


@dataclass(frozen=True)
class ScrubState:
    """How the copies stand: how many, how many of them damaged, unproven, and when the oldest look was."""

    in_folders: int
    in_bucket: int
    bucket_size: int  # bytes
    damaged_in_folders: int
    damaged_in_bucket: int
    unproven: int
    oldest_look: datetime.datetime | None
    lost: int  # files of which no copy is whole
    folders_size: int  # bytes
    seen: int  # copies looked at within the time in which each should be
    last_look: datetime.datetime | None

    @property
    def damaged(self) -> int:
        """How many copies are damaged, wherever they lie."""
        return self.damaged_in_folders + self.damaged_in_bucket

    @property
    def coverage(self) -> int | None:
        """Which part of the copies was looked at when it should be, in percent; None while there is no copy."""
        copies = self.in_folders + self.in_bucket
        return 100 * self.seen // copies if copies else None


def _visible_copies(viewer: Actor) -> QuerySet[Copy]:
    """Copies say nothing of patients, but of machines: the system and the administrators see them."""
    rows = Copy.objects.all()
    return rows if viewer.is_system or viewer.holds("administrator") else rows.none()


def folders(*, viewer: Actor) -> QuerySet[Folder]:
    """The folders of stored files that were heard of lately."""
    since = datetime.datetime.now(datetime.UTC) - ABSENT
    rows = Folder.objects.filter(seen_at__gte=since).order_by("created_at")
    return rows if viewer.is_system or viewer.holds("administrator") else rows.none()


def retentions(*, viewer: Actor) -> QuerySet[Retention]:
    """The rules about how long images stay, those that hold."""
    rows = Retention.objects.filter(closed_at=None).select_related("place").order_by("created_at")
    return rows if viewer.is_system or viewer.holds("administrator") else rows.none()


def due(*, viewer: Actor, folder: UUID | None = None) -> Iterator[Due]:
    """The studies whose files in a folder, this machine's unless named, may go by the rules; oldest first."""
    here = folder or folder_mark()
    if here is None or not (viewer.is_system or viewer.holds("administrator")):
        return
    with connection.cursor() as cursor:
        cursor.execute(DUE, {"folder": here})
        rows = cursor.fetchall()
    yield from (Due(*row) for row in rows)


def terms(*, viewer: Actor) -> list[Terms]:
    """How the legal times stand, place by place, for the system; nothing is ever destroyed because one is over."""
    if not viewer.is_system:
        raise NotAllowed
    with connection.cursor() as cursor:
        cursor.execute(TERMS)
        return [Terms(*row) for row in cursor.fetchall()]


def damaged(*, viewer: Actor) -> QuerySet[Copy]:
    """Copies that are damaged now, longest first."""
    return _visible_copies(viewer).filter(damaged_at__isnull=False).select_related("folder").order_by("damaged_at")


def scrub_state(*, viewer: Actor) -> ScrubState:
    """How the copies stand. Raises NotAllowed for who has nothing to do with machines."""
    if not (viewer.is_system or viewer.holds("administrator")):
        raise NotAllowed
    with connection.cursor() as cursor:
        cursor.execute(STATE)
        ((here, there, size, local, remote, unproven, oldest, folders, seen, last),) = cursor.fetchall()
        cursor.execute(LOST)
        ((lost,),) = cursor.fetchall()
    return ScrubState(here, there, size, local, remote, unproven, oldest, lost, folders, seen, last)


def alone(*, viewer: Actor) -> int:
    """How many studies, complete for a day, for a month at most, have an image that is not in the bucket."""
    if not (viewer.is_system or viewer.holds("administrator")):
        return 0
    with connection.cursor() as cursor:
        cursor.execute(ALONE)
        ((number,),) = cursor.fetchall()
    return int(number)
