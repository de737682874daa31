"""`wasl work`: jobs are done, those of a killed worker too."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from tests.edges.scenes import PATIENCE, Command, environment, eventually, migrated_folder
from wasl.archive.services import SLOW
from wasl.edges.cli.home import CHECKOUT
from wasl.edges.cli.postgres import Postgres

# a job about a notice that does not exist: it is tried, fails, and is put off; all that is asked here is who tries it
JOB = """
insert into procrastinate_jobs (queue_name, task_name, args, status, worker_id)
values (%s, 'tell', '{"notice": "00000000-0000-0000-0000-000000000000"}', %s, %s) returning id
"""


@pytest.fixture(scope="module")
def env() -> Iterator[dict[str, str]]:
    with migrated_folder() as home:
        postgres = Postgres(home)
        postgres.ensure()
        yield environment(home, WASL_DATABASE_URL=postgres.dsn)
        postgres.stop()


@pytest.fixture
def database(env: dict[str, str]) -> Iterator[psycopg.Connection[tuple[int]]]:
    with psycopg.connect(env["WASL_DATABASE_URL"], autocommit=True) as connection:
        yield connection


def put(database: psycopg.Connection[tuple[int]], status: str, worker: int | None, queue: str = "facts") -> int:
    row = database.execute(JOB, [queue, status, worker]).fetchone()
    assert row is not None
    return row[0]


def tried(database: psycopg.Connection[tuple[int]], job: int) -> bool:
    row = database.execute("select attempts from procrastinate_jobs where id = %s", [job]).fetchone()
    return row is not None and row[0] > 0


def test_a_waiting_job_is_done_and_the_worker_stops_when_asked(
    env: dict[str, str], database: psycopg.Connection[tuple[int]]
) -> None:
    job = put(database, "todo", None)
    with Command("work", env=env) as work:
        assert eventually(lambda: tried(database, job)), work.said
        later = put(database, "todo", None, "dicom")  # of the edge's errands, which no module names
        assert eventually(lambda: tried(database, later)), work.said
        assert work.end(signal.SIGTERM) == 0, work.said


def test_the_job_of_a_killed_worker_is_done_by_another(
    env: dict[str, str], database: psycopg.Connection[tuple[int]]
) -> None:
    with Command("work", env=env) as killed:
        assert eventually(lambda: bool(workers(database)))
        worker, *_ = workers(database)
        job = put(database, "doing", worker)
        killed.end(signal.SIGKILL)
    # the sign of life that it gave last grows old
    database.execute("update procrastinate_workers set last_heartbeat = now() - interval '1 minute'")
    with Command("work", env=env) as work:
        assert eventually(lambda: tried(database, job)), work.said


IMPATIENT = """
import django
from wasl.edges.cli import work
work.HEARTBEAT, work.LOST_AFTER, work.GRACE = 0.1, 2.0, 4.0
django.setup()
work.do_jobs()
"""


@contextmanager
def impatient(env: dict[str, str], program: str = IMPATIENT) -> Iterator["subprocess.Popen[str]"]:
    """A worker that thinks of others and of itself sooner that they are lost, or another one."""
    asked = {**env, "DJANGO_SETTINGS_MODULE": "wasl.settings"}
    with subprocess.Popen(
        [sys.executable, "-c", program], cwd=CHECKOUT, env=asked, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True,
    ) as work:  # fmt: skip
        try:
            yield work
        finally:
            work.terminate()


def test_a_job_that_its_living_worker_does_not_know_of_is_done(
    env: dict[str, str], database: psycopg.Connection[tuple[int]]
) -> None:
    database.execute("delete from procrastinate_workers")
    known = put(database, "todo", None)
    with impatient(env):
        assert eventually(lambda: tried(database, known))
        # as when the database took the question for a job, and died before its answer was heard; of the two workers of
        # the process, the one that did a job before knows itself
        lost = [put(database, "doing", worker) for worker in workers(database)]
        assert eventually(lambda: any(tried(database, job) for job in lost))


def test_a_worker_that_gives_no_sign_of_life_ends(
    env: dict[str, str], database: psycopg.Connection[tuple[int]]
) -> None:
    (row,) = database.execute(
        "select pg_get_functiondef(oid) from pg_proc where proname like 'procrastinate_update_heartbeat%'"
    ).fetchall()
    body = str(row[0])
    head = body[: body.index("$function$")]
    job = put(database, "todo", None)
    with impatient(env) as work:
        assert eventually(lambda: tried(database, job))
        try:
            database.execute(f"{head} $function$ begin end $function$".encode())  # as if it had lost its voice
            said, _ = work.communicate(timeout=PATIENCE)
        finally:
            database.execute(body.encode())
    assert work.returncode == 1, said
    assert "gives no sign of life" in said


HALF_WAY = """
import django
django.setup()
from django.db import transaction
from procrastinate.contrib.django import app as jobs
from wasl.edges.cli import work
from wasl.kernel.events import tell

@jobs.task(name="half_way", queue="facts")
def half_way():
    with transaction.atomic():
        tell.configure(lock="half way").defer(notice="00000000-0000-0000-0000-000000000000")
        raise RuntimeError("half way")

work.do_jobs()
"""


def test_what_a_job_defers_is_undone_with_what_it_does(
    env: dict[str, str], database: psycopg.Connection[tuple[int]]
) -> None:
    job = database.execute(
        "insert into procrastinate_jobs (queue_name, task_name, args) values ('facts', 'half_way', '{}') returning id"
    ).fetchone()
    with impatient(env, HALF_WAY):
        failed = "select id from procrastinate_jobs where id = %s and status = 'failed'"
        assert eventually(lambda: database.execute(failed, job).fetchone() is not None)
    assert database.execute("select id from procrastinate_jobs where lock = 'half way'").fetchall() == []


UNHURRIED = """
import time
import django
django.setup()
from procrastinate.contrib.django import app as jobs
from wasl.archive.services import SLOW
from wasl.edges.cli import work

@jobs.task(name="unhurried", queue=SLOW)
def unhurried():
    time.sleep(3)

work.do_jobs()
"""


def test_who_is_asked_to_stop_ends_what_is_under_way(
    env: dict[str, str], database: psycopg.Connection[tuple[int]]
) -> None:
    database.execute("delete from procrastinate_workers")
    database.execute(
        "insert into procrastinate_jobs (queue_name, task_name, args) values (%s, 'unhurried', '{}')", [SLOW]
    )
    left = "select id from procrastinate_jobs where task_name = 'unhurried'"
    doing = f"{left} and status = 'doing'"
    with impatient(env, UNHURRIED) as work:
        assert eventually(lambda: database.execute(doing.encode()).fetchall() != [])
        work.terminate()  # the crews that have nothing to do end at once, and do not hurry this one
        said, _ = work.communicate(timeout=PATIENCE)
    assert work.returncode == 0, said
    assert database.execute(left.encode()).fetchall() == []
    assert workers(database) == []


def test_a_lost_job_of_the_clock_is_not_done_beside_the_one_that_waits(
    env: dict[str, str], database: psycopg.Connection[tuple[int]]
) -> None:
    database.execute("delete from procrastinate_workers")
    put_one = (
        "insert into procrastinate_jobs (queue_name, task_name, args, status, queueing_lock, scheduled_at) "
        "values ('clock', 'tell', '{}', %s, 'of the clock', now() + interval '1 day') returning id"
    )
    lost, waiting = (database.execute(put_one, [status]).fetchone() for status in ("doing", "todo"))
    other = put(database, "doing", None)
    with impatient(env):
        left = "select id from procrastinate_jobs where queueing_lock = 'of the clock'"
        assert eventually(lambda: database.execute(left).fetchall() == [waiting])
        assert eventually(lambda: tried(database, other))  # what stands behind it is not held up
    assert lost != waiting


def workers(database: psycopg.Connection[tuple[int]]) -> list[int]:
    return [row[0] for row in database.execute("select id from procrastinate_workers").fetchall()]
