"""How much came from where, counted hour by hour from the images themselves, beside the way by which they come."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection
from django.utils import timezone

from wasl.archive.rules import traffic as rules
from wasl.kernel.access import Actor
from wasl.kernel.verbs import verb

FIRST = rules.WEEKS * rules.WEEK  # what came before it is not counted when the counting begins
AGAIN = timedelta(minutes=10)  # what is committed late belongs to an hour that is over

# Keys of images are ordered by time (RFC 9562), so that what came since is found by them, without an index of its own.
# An hour counted again never loses images: copies that were given up since came all the same.
COUNT = """
with came as (
    select coalesce(c.place_id, s.place_id) as place, i.source_id as source, date_trunc('hour', i.created_at) as hour,
        count(*) as images, sum(i.size) as size, 0 as conflicts, max(i.created_at) as last
    from archive_instance i left join archive_source c on c.id = i.source_id
        left join archive_series e on i.source_id is null and e.id = i.series_id
        left join archive_study s on s.id = e.study_id
    where i.id >= %(key)s and i.created_at >= %(since)s and c.phantom is not true and s.phantom is not true
    group by 1, 2, 3
    union all
    select c.place_id, k.source_id, date_trunc('hour', k.created_at), 0, 0, count(*), null
    from archive_conflict k join archive_source c on c.id = k.source_id
    where k.id >= %(key)s and k.created_at >= %(since)s and not c.phantom
    group by 1, 2, 3
)
insert into archive_traffic as known (id, created_at, place_id, source_id, hour, images, size, conflicts, last_at)
select gen_random_uuid(), now(), place, source, hour, sum(images), sum(size), sum(conflicts), max(last)
from came where place is not null group by place, source, hour order by hour, place, source
on conflict (source_id, place_id, hour) do update set images = greatest(known.images, excluded.images),
    size = greatest(known.size, excluded.size), conflicts = greatest(known.conflicts, excluded.conflicts),
    last_at = greatest(known.last_at, excluded.last_at)
"""
REFUSED = """
insert into archive_traffic as known (id, created_at, place_id, source_id, hour, images, size, conflicts, refused)
select gen_random_uuid(), now(), place_id, id, date_trunc('hour', now()), 0, 0, 0, 1
from archive_source where id = %s and not phantom
on conflict (source_id, place_id, hour) do update set refused = known.refused + 1
"""


@verb
def count_traffic(*, by: Actor) -> int:
    """Count what came since the last count, hour by hour; done twice, or by two at once, it counts the same."""
    now = timezone.now()
    since = max(_counted_until() or now - FIRST, now - FIRST)
    since = min(since, now - AGAIN).replace(minute=0, second=0, microsecond=0)
    key = UUID(int=int(since.timestamp() * 1000) << 80)
    with connection.cursor() as cursor:
        cursor.execute(COUNT, {"key": key, "since": since})
        return int(cursor.rowcount)


@verb
def note_refusal(*, by: Actor) -> None:
    """Count an image of a machine that was refused; who is not known is not counted."""
    with connection.cursor() as cursor:
        cursor.execute(REFUSED, [by.id])


def _counted_until() -> datetime | None:
    with connection.cursor() as cursor:
        cursor.execute("select max(hour) from archive_traffic where images > 0")
        row: tuple[datetime | None] | None = cursor.fetchone()
    return row[0] if row else None
