"""What really came in a month, and who was there to read it: for a simulation of who reads what next."""

import datetime
from collections.abc import Iterable
from uuid import UUID

from django.db import connection
from django.db.backends.postgresql.psycopg_any import DateRange

from wasl.kernel.access import Actor
from wasl.radiology.models import AgreedExam
from wasl.radiology.queries.dispatch import Efforts, efforts
from wasl.radiology.rules.dispatch import Case, Reader
from wasl.workforce import queries as workforce

LONGEST_MINUTES = 240  # a case that was held longer was not read all the time: it counts as its points

_ARRIVALS = """
select f.subject, f.place, p.modality, f.data->>'urgency', p.id, p.region, f.at, (f.data->>'due_at')::timestamptz,
       (select extract(epoch from signed.at - claimed.at)::float8 / 60
        from kernel_fact claimed, radiology_report report, kernel_fact signed
        where claimed.subject = f.subject and claimed.name = 'radiology.ReadingClaimed'
          and report.reading_id = f.subject and report.adds_to_id is null
          and signed.subject = report.id and signed.name = 'radiology.ReportSigned' and signed.at > claimed.at
        order by claimed.at desc, signed.at limit 1)
from kernel_fact f
join radiology_order o on o.id = (f.data->>'order')::uuid
join radiology_procedure p on p.id = o.procedure_id
where f.name = 'radiology.ReadingOpened' and f.at >= %(first)s and f.at < %(last)s
order by f.at
"""


def arrivals(
    first: datetime.datetime, last: datetime.datetime, *, viewer: Actor
) -> list[tuple[Case, float]]:  # fmt: skip
    """The cases that were opened between two moments, each with the minutes that reading it took, or would take."""
    if not viewer.is_system:
        return []
    work = Efforts(efforts(viewer=viewer))
    with connection.cursor() as cursor:
        cursor.execute(_ARRIVALS, {"first": first, "last": last})
        rows = cursor.fetchall()
    found = []
    for key, place, modality, urgency, exam, region, opened, due, took in rows:
        points = work.points(exam, modality)
        case = Case(key, place, modality, urgency, points, opened, due, region)
        found.append((case, took if took and 0 < took <= LONGEST_MINUTES else float(points)))
    return found


def readers_between(
    persons: Iterable[UUID], first: datetime.datetime, last: datetime.datetime, *, kinds: frozenset[str], viewer: Actor
) -> dict[UUID, Reader]:
    """What readers might read some time between two moments: the covers and the agreements of that time."""
    workers = workforce.workers_of(persons, viewer=viewer) if viewer.is_system else {}
    covers = workforce.covers_of(workers, viewer=viewer, at=last - datetime.timedelta(microseconds=1))
    days = DateRange(first.date(), last.date(), "[]")
    agreed = set(
        AgreedExam.objects.filter(state="signed", period__overlap=days)
        .values_list("provider", "beneficiary", "modality")
        .distinct()
    )
    return {
        person: Reader(
            id=person,
            serves=frozenset(
                (cover.place_id, kind) for cover in covers.get(person, ()) for kind in cover.modalities or kinds
                if cover.place_id == worker.place_id or (worker.place_id, cover.place_id, kind) in agreed
            ),
            languages=frozenset(worker.languages),
        )
        for person, worker in workers.items()
    }  # fmt: skip
