"""How long do the ministry's pages take over five years of readings, and does that grow with their number?

On a database of its own: 200 hospitals of 24 regions and five years of cases, of which the last month is counted by the
verb and the months before it stand with the same figures. The pages are asked at 1, 4 and 16 times the cases, beside
the first of them; what counting a month takes is measured too, for it is done at night. Nothing is asserted.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator

from bench.blank import blank
from bench.figures import note

CASES, TIMES, MONTHS, REGIONS, HOSPITALS, ASKED = 20_000, (1, 4, 16), 60, 24, 200, 40
STAGE = """
import json, sys, django
django.setup()
from bench import evaluation
for said in evaluation.measured(int(sys.argv[1])):
    print(json.dumps(said), flush=True)
"""
# cases as the journal would have them, scattered over hospitals, hours, modalities and urgencies
MORE = """
insert into planning_case (id, created_at, "order", reading, place_id, provider_id, modality, urgency, month, hour,
                           ordered_at, performed_at, complete_at, reported_at, signed_at, due_at, noted_at, counted)
select gen_random_uuid(), now(), gen_random_uuid(), gen_random_uuid(), places[1 + dice / 24 %% %(hospitals)s],
       places[1 + dice / 96000 %% 8], (array['CT', 'DX', 'MR', 'US', 'MG'])[1 + dice / 4800 %% 5],
       'P' || dice / 24000 %% 4, month, hour, at, at + '10 min', at + '15 min', at + turn, at + turn, at + '6 hours',
       now(), true
from (select dice, month, hour, month + hour * interval '1 hour' + dice %% 28 * interval '1 day' as at,
             (20 + dice %% 400) * interval '1 min' as turn
      from (select abs(hashint4(n)::bigint) as dice, abs(hashint4(n)::bigint) %% 24 as hour,
                   (%(last)s - n %% %(months)s * interval '1 month')::date as month
            from generate_series(%(least)s, %(most)s - 1) n) numbers) cases,
     (select array_agg(id order by code) as places from places_place) known
"""
# the months before the one that was counted
BEFORE = """
insert into planning_figure (id, created_at, month, level, region_id, place_id, indicator, slice, numerator,
                             denominator, value, low, high, why, withheld)
select gen_random_uuid(), now(), (month - n * interval '1 month')::date, level, region_id, place_id, indicator, slice,
       numerator, denominator, value, low, high, why, withheld
from planning_figure, generate_series(1, %(before)s) n where month = %(last)s
"""
COUNTED = """
insert into planning_month (id, created_at, month, counted_at)
select gen_random_uuid(), now(), (%(last)s - n * interval '1 month')::date, now()
from generate_series(1, %(before)s) n
"""


def main() -> None:
    """Measure, print, and keep the figures."""
    first = int(os.environ.get("BENCH_CASES", CASES))
    with blank() as env:
        command = [sys.executable, "-c", STAGE, str(first)]
        smallest: dict[str, float] = {}
        with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as stage:
            for size, name, late, queries in map(json.loads, stage.stdout or ()):
                ratio = late / smallest.setdefault(name, late)
                print(
                    f"{size} readings, {name}: p95 {late:.0f} ms, {ratio:.2f} x the first, {queries} queries",
                    flush=True,
                )
                note(f"evaluation {name}", late, size=size, others={"the first": smallest[name]})
        if stage.returncode:
            raise RuntimeError("the stage failed")


def measured(first: int) -> Iterator[tuple[int, str, float, int]]:
    """Per size and page: how many cases there are, what was asked, p95 in milliseconds, and how many queries."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext
    from django.urls import reverse
    from django.utils import timezone

    from tests.browser import browser_of
    from tests.cast import cast
    from wasl.kernel.access import SYSTEM
    from wasl.planning import services
    from wasl.planning.models import Figure

    stage = cast()
    region, place = _country()
    last = timezone.localdate().replace(day=1)
    hatem, made = browser_of(stage.hatem, "fr"), 0
    pages = {
        "country": reverse("planning:country"),
        "region": reverse("planning:region", args=(region,)),
        "hospital": reverse("planning:hospital", args=(place,)),
        "cases behind a figure": reverse("planning:cases"),
    }
    for size in (first * times for times in TIMES):
        about = {"hospitals": HOSPITALS, "months": MONTHS, "last": last, "before": MONTHS - 1}
        with connection.cursor() as cursor:
            cursor.execute(MORE, {**about, "least": made, "most": size})
        made = size
        begun = time.perf_counter()
        with CaptureQueriesContext(connection) as asked:
            services.count_month(last, by=SYSTEM)
        yield size, "a month counted", (time.perf_counter() - begun) * 1000, len(asked)
        with connection.cursor() as cursor:
            if size == first:
                cursor.execute(COUNTED, about)
            Figure.objects.exclude(month=last).delete()
            cursor.execute(BEFORE, about)
            cursor.execute("analyze")  # as autovacuum does, in time
        for name, address in pages.items():
            times = []
            for _ in range(ASKED):
                begun = time.perf_counter()
                with CaptureQueriesContext(connection) as asked:
                    answer = hatem.get(address, headers={"host": "127.0.0.1"})
                times.append((time.perf_counter() - begun) * 1000)
            if answer.status_code != 200:
                raise RuntimeError(f"{name}: {answer.status_code}")
            yield size, name, statistics.quantiles(times, n=20)[-1], len(asked)


def _country() -> tuple[object, object]:
    """Regions with hospitals, the cast's own among them; a region and a hospital."""
    from wasl.kernel.access import SYSTEM
    from wasl.places import services as places
    from wasl.places.models import Place

    regions = [
        places.add_region(
            country="TN", code=f"TN-B{at}", kind="governorate", name_ar="ولاية", name_fr=f"Région {at}",
            name_en=f"Region {at}", latitude=36.0, longitude=9.0, source="bench", by=SYSTEM,
        ).id
        for at in range(REGIONS)
    ]  # fmt: skip
    for at in range(HOSPITALS - Place.objects.count()):
        names = ("مستشفى", f"Hôpital {at}", f"Hospital {at}")
        found = places.add_place(
            code=f"bench-{at}", names=names, region=regions[at % REGIONS], kind="tn_hr", by=SYSTEM, invented=True
        )
    return regions[0], found.id


if __name__ == "__main__":
    main()
