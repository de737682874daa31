"""How readers take their cases: the next one, or one picked, and what they pass over; from facts alone."""

import datetime
import json
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.db import connection

from wasl.accounts import queries as accounts
from wasl.kernel.access import Actor
from wasl.radiology.rules import dispatch as rules


@dataclass(frozen=True)
class Profile:
    """A reader's month: how cases were taken, how far down the line the picked ones stood, what was passed over.

    `easy` says how many of a hundred cases were shorter than the usual one of all readers, `easy_of_all` the same of
    all readers' cases together; both are None where there are too few cases to compare.
    """

    reader: UUID
    name: str
    next: int
    picked: int
    out_of_order: int
    rank: float | None  # mean, of the picked ones
    handed_back: int
    skips: Mapping[str, int]
    easy: int | None
    easy_of_all: int | None

    @property
    def taken(self) -> int:
        """All cases taken."""
        return self.next + self.picked

    @property
    def share(self) -> int:
        """How many of a hundred cases taken were the next one."""
        return round(100 * self.next / self.taken) if self.taken else 0


_PROFILES = """
with taken as (
  select (data->>'reader')::uuid as reader, data->>'how' as how, (data->>'rank')::int as rank,
         (data->>'points')::int as points
  from kernel_fact
  where name = 'radiology.ReadingClaimed' and at >= %(first)s::timestamptz and at < %(last)s::timestamptz
    and data->>'how' in ('next', 'picked')
), usual as (
  select percentile_cont(0.5) within group (order by points) as points from taken
), everybody as (
  select count(*) as cases, avg((taken.points < usual.points)::int) as easy from taken, usual
), left_over as (
  select (data->>'reader')::uuid as reader, name, coalesce(data->>'reason', '') as reason, count(*) as cases
  from kernel_fact
  where name in ('radiology.ReadingSkipped', 'radiology.ReadingHandedBack')
    and at >= %(first)s::timestamptz and at < %(last)s::timestamptz
  group by 1, 2, 3
)
select r.reader,
       (select count(*) from taken t where t.reader = r.reader and how = 'next'),
       (select count(*) from taken t where t.reader = r.reader and how = 'picked'),
       (select count(*) from taken t where t.reader = r.reader and how = 'picked' and (rank > 1 or rank is null)),
       (select avg(rank) from taken t where t.reader = r.reader and how = 'picked'),
       (select coalesce(sum(cases), 0) from left_over l
        where l.reader = r.reader and l.name = 'radiology.ReadingHandedBack'),
       (select coalesce(jsonb_object_agg(reason, cases), '{}') from left_over l
        where l.reader = r.reader and l.name = 'radiology.ReadingSkipped')::text,
       (select avg((t.points < usual.points)::int) from taken t, usual where t.reader = r.reader),
       everybody.easy
from unnest(%(readers)s::uuid[]) as r(reader), everybody
"""


def _visible(viewer: Actor) -> dict[UUID, str]:
    """Whose profile the viewer may see: their own, and those of the readers whom they head."""
    people: dict[UUID, str] = {}
    if viewer.id is not None and "radiologist" in viewer.roles:
        people[viewer.id] = viewer.name
    for place in viewer.places("chief"):
        people |= {row.id: row.name for row in accounts.holders("radiologist", place=place, viewer=viewer)}
    return people


def profiles(month: datetime.date, *, viewer: Actor) -> list[Profile]:
    """How those whom the viewer may look at took their cases in a month (named by its first day), by name."""
    people = _visible(viewer)
    if not people:
        return []
    last = (month + datetime.timedelta(days=31)).replace(day=1)
    with connection.cursor() as cursor:
        cursor.execute(
            _PROFILES,
            {
                "first": f"{month} 00:00 {settings.TIME_ZONE}",
                "last": f"{last} 00:00 {settings.TIME_ZONE}",
                "readers": list(people),
            },
        )
        rows = cursor.fetchall()
    found = [_profile(people, *row) for row in rows]
    return sorted(found, key=lambda row: (row.name, str(row.reader)))


def _profile(
    people: Mapping[UUID, str], reader: UUID, taken: int, picked: int, out: int, rank: object, back: int, skips: str,
    easy: object, everybody: object,
) -> Profile:  # fmt: skip
    fair = taken + picked >= rules.FAIR_NUMBER
    return Profile(
        reader=reader, name=people[reader], next=taken, picked=picked, out_of_order=out,
        rank=None if rank is None else float(str(rank)), handed_back=int(back), skips=json.loads(skips),
        easy=round(100 * float(str(easy))) if fair else None,
        easy_of_all=round(100 * float(str(everybody))) if fair else None,
    )  # fmt: skip
