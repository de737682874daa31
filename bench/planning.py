"""How long does the ministry's page take over five million readings, and how many queries does it ask?

On a database of its own: made-up cases of five years in the regions of Tunisia, their months counted as the clock
counts them, then the page asked again and again. Nothing is asserted; BENCH_CASES says how many cases there are.
"""

import datetime
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.figures import note

CASES, MONTHS, TIMES = 5_000_000, 60, 40
STAGE = """
import json, sys, django
django.setup()
from bench import planning
print(json.dumps(planning.measure(int(sys.argv[1]))))
"""
# of every hospital, in every month, at every hour; reported after half a minute to five hours
SEED = """
insert into planning_case (id, created_at, "order", reading, place_id, provider_id, modality, urgency, month, hour,
    ordered_at, performed_at, complete_at, reported_at, signed_at, due_at, noted_at, counted)
select gen_random_uuid(), now(), gen_random_uuid(), gen_random_uuid(), places[1 + n %% %(places)s],
    places[1 + (n / 7) %% %(places)s], (array['CT', 'DX', 'MR'])[1 + n %% 3], 'P' || n %% 4,
    date_trunc('month', at at time zone 'Africa/Tunis')::date,
    extract(hour from at at time zone 'Africa/Tunis')::int, at, at + interval '20 minutes',
    at + interval '30 minutes', at + interval '30 minutes' + make_interval(secs => 30 + (n * 7919) %% 18000),
    at + interval '30 minutes' + make_interval(secs => 30 + (n * 7919) %% 18000), at + interval '3 hours', now(), false
from generate_series(1, %(cases)s) n,
    lateral (select %(first)s::timestamptz + make_interval(secs => n * %(step)s::float8) as at) moment,
    (select array_agg(id order by code) as places from places_place where code like 'bench-%%') hospitals
"""


def main() -> None:
    """Measure, print, and keep the figures."""
    from wasl.edges.cli.postgres import Postgres

    cases = int(os.environ.get("BENCH_CASES", CASES))
    home = Path(tempfile.mkdtemp(prefix="wasl-bench-"))
    home.chmod(0o711)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WASL_")}
    env = {**kept, "WASL_DATA": str(home), "WASL_DEMO": "1", "DJANGO_SETTINGS_MODULE": "wasl.settings"}
    database = Postgres(home, durable=False)
    database.ensure()
    try:
        subprocess.run([sys.executable, "-m", "wasl", "migrate"], env=env, check=True, stdout=subprocess.DEVNULL)
        command = [sys.executable, "-c", STAGE, str(cases)]
        said = subprocess.run(command, env=env, check=True, stdout=subprocess.PIPE, text=True)
    finally:
        database.stop()
        shutil.rmtree(home, ignore_errors=True)
    for name, value in json.loads(said.stdout.splitlines()[-1]).items():
        print(f"{cases} cases, {name}: {value:.0f}")
        note(f"planning {name}", value, size=cases)


def measure(cases: int) -> dict[str, float]:
    """Milliseconds of the ministry's page (p50 and p95), its queries, and the seconds that counting a month takes."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext
    from django.urls import reverse

    from tests.browser import browser_of
    from tests.cast import cast
    from wasl.kernel.access import SYSTEM
    from wasl.places import queries as places
    from wasl.places import services
    from wasl.planning import queries
    from wasl.planning import services as planning

    stage = cast()
    for number, region in enumerate(list(places.regions(viewer=SYSTEM)) * 6):
        services.add_place(code=f"bench-{number:03d}", names=("م", f"Hôpital {number}", f"Hospital {number}"),
                           region=region.id, kind="tn_hr", invented=True, by=SYSTEM)  # fmt: skip
    hospitals = places.places(viewer=SYSTEM).filter(code__startswith="bench-").count()
    first = datetime.datetime(2021, 10, 1, tzinfo=datetime.UTC)
    step = MONTHS * 30.4 * 86400 / cases
    with connection.cursor() as cursor:
        cursor.execute(SEED, {"places": hospitals, "cases": cases, "first": first, "step": step})
        cursor.execute("analyze planning_case")
    took = []
    for month in queries.months_to_count(viewer=SYSTEM):
        began = time.perf_counter()
        planning.count_month(month, by=SYSTEM)
        took.append(time.perf_counter() - began)
    browser, where = browser_of(stage.hatem), reverse("planning:country")
    with CaptureQueriesContext(connection) as seen:
        browser.get(where)
    spans = []
    for _ in range(TIMES):
        began = time.perf_counter()
        answer = browser.get(where)
        spans.append(1000 * (time.perf_counter() - began))
        if answer.status_code != 200:
            raise RuntimeError(answer.status_code)
    return {
        "page ms p50": statistics.median(spans),
        "page ms p95": statistics.quantiles(spans, n=20)[-1],
        "page queries": float(len(seen)),
        "counting a month s": statistics.median(took),
    }


if __name__ == "__main__":
    main()
