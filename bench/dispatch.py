"""How long does the next case take, with 20,000 open readings and 300 readers on duty? And what does the rule win?

On a database of its own: the pure function alone, the line of one reader with all that it asks the tables, and the verb
that takes the case. Then made-up months under the built-in rule beside first come first served. Nothing is asserted.
"""

import datetime
import json
import os
import statistics
import subprocess
import sys
import time
import uuid
from collections.abc import Callable

from bench.blank import blank
from bench.figures import note

READINGS, READERS, PATIENTS, TAKEN, SEEDS = 20_000, 300, 100, 10, (1, 2, 3)
STAGE = """
import json, sys, django
django.setup()
from bench import dispatch
print(json.dumps(dispatch.measure(int(sys.argv[1]), int(sys.argv[2]))))
"""


def main() -> None:
    """Measure, print, and keep the figures."""
    readings = int(os.environ.get("BENCH_READINGS", READINGS))
    with blank() as env:
        command = [sys.executable, "-c", STAGE, str(readings), str(READERS)]
        said = subprocess.run(command, env=env, check=True, stdout=subprocess.PIPE, text=True)
    for name, milliseconds in json.loads(said.stdout.splitlines()[-1]).items():
        print(f"{readings} open readings, {READERS} readers, {name}: {milliseconds:.0f} ms")
        note(f"dispatch {name}", milliseconds, size=readings)
    for seed in SEEDS:
        command = [sys.executable, "-m", "wasl", "simulate", "dispatch", "--synthetic", str(seed)]
        print(f"seed {seed}", subprocess.run(command, env=env, check=True, stdout=subprocess.PIPE, text=True).stdout)


def measure(readings: int, readers: int) -> dict[str, float]:
    """Median milliseconds of one proposal, of one reader's line, and of taking the next case."""
    from django.db import connection
    from django.utils import timezone

    from tests.cast import cast
    from wasl.radiology import queries, services
    from wasl.radiology.queries.dispatch import Case, Reader, Weights, propose

    stage = cast()
    _open(stage.regional, stage.amel.id, readings)
    _on_duty(stage.university, stage.regional, readers)
    with connection.cursor() as cursor:
        cursor.execute("analyze")  # as autovacuum does, in time
    now = timezone.now()
    late = datetime.timedelta(hours=4)
    cases = [
        Case(at, "R", "CT", "P2", 3 + at % 20, now - datetime.timedelta(seconds=at), now + late, str(at % 9), "fr")
        for at in range(readings)
    ]
    serves = frozenset({("R", "CT")})
    staff = [Reader(id=at, serves=serves, hour_points=at % 60, asking=at == 0) for at in range(readers)]
    return {
        "one proposal": _median(lambda: propose(cases, staff, Weights(), now)),
        "one line": _median(lambda: queries.line(viewer=stage.leila)),
        "next case taken": _median(lambda: services.take_next_reading(by=stage.leila)),
    }


def _median(act: Callable[[], object]) -> float:
    times = []
    for _ in range(TAKEN):
        begun = time.perf_counter()
        act()
        times.append((time.perf_counter() - begun) * 1000)
    return statistics.median(times)


def _open(place: uuid.UUID, requester: uuid.UUID | None, number: int) -> None:
    """Readings that wait, written past the verbs: how they came to be is measured elsewhere."""
    from django.utils import timezone

    from tests import make
    from wasl.archive.models import Study
    from wasl.kernel.access import SYSTEM
    from wasl.patients import services as patients
    from wasl.radiology.models import Order, Reading

    now, exam = timezone.now(), make.procedure()
    people = [
        patients.register_patient(
            given_name="Salma", family_name="Ben Salah", given_name_ar="سلمى", family_name_ar="بن صالح",
            sex="female", birth_date=datetime.date(1980, 3, 12), place=place, by=SYSTEM,
        ).id
        for _ in range(PATIENTS)
    ]  # fmt: skip
    whose: dict[int, dict[str, object]] = {
        at: {"patient_id": people[at % PATIENTS], "place_id": place} for at in range(number)
    }  # fmt: skip
    studies = Study.objects.bulk_create(
        [
            Study(uid=f"2.25.{at}", complete_at=now, complete_by="quiet", last_arrival_at=now, **about)
            for at, about in whose.items()
        ]
    )
    orders = Order.objects.bulk_create(
        [
            Order(
                accession=f"B{at}", study_uid=f"2.25.{at}", requester_id=requester, procedure=exam,
                urgency=f"P{at % 4}", question="Question de mesure", scheduled_for=now, **about,
            )
            for at, about in whose.items()
        ]
    )  # fmt: skip
    Reading.objects.bulk_create(
        [
            Reading(
                order=orders[at], study=studies[at], modality="CT", urgency=orders[at].urgency,
                due_at=now + datetime.timedelta(minutes=at % 3000), **about,
            )
            for at, about in whose.items()
        ]
    )  # fmt: skip


def _on_duty(home: uuid.UUID, place: uuid.UUID, number: int) -> None:
    from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
    from django.utils import timezone

    from wasl.accounts.models import Person
    from wasl.workforce.models import Cover, Group, Roster, Shift, Worker

    now, hours = timezone.now(), datetime.timedelta(hours=4)
    people = Person.objects.bulk_create(
        [Person(username=f"bench{at}", given_name="B", family_name=str(at), demo=True) for at in range(number)]
    )
    workers = Worker.objects.bulk_create(
        [Worker(person=one, place_id=home, specialty="radiology", licence=one.username) for one in people]
    )
    period = DateTimeTZRange(now - hours, now + hours)
    Cover.objects.bulk_create([Cover(worker=one, place_id=place, period=period) for one in workers])
    group = Group.objects.create(name_ar="", name_fr="Bench", name_en="", specialty="radiology", lead_id=home)
    roster = Roster.objects.create(
        group=group, month=timezone.localdate(now).replace(day=1), minimum=1, state="published", published_at=now
    )
    Shift.objects.bulk_create([Shift(roster=roster, worker=one, period=period, kind="remote") for one in workers])


if __name__ == "__main__":
    main()
