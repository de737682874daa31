"""`wasl work`: jobs are done, those of a killed worker too."""

import signal
from collections.abc import Iterator

import psycopg
import pytest

from tests.edges.scenes import Command, data_folder, environment, eventually
from wasl.edges.cli.postgres import Postgres

# a job about a notice that does not exist: it is tried, fails, and is put off; all that is asked here is who tries it
JOB = """
insert into procrastinate_jobs (queue_name, task_name, args, status, worker_id)
values ('facts', 'tell', '{"notice": "00000000-0000-0000-0000-000000000000"}', %s, %s) returning id
"""


@pytest.fixture(scope="module")
def env() -> Iterator[dict[str, str]]:
    with data_folder() as home:
        postgres = Postgres(home)
        postgres.ensure()
        with Command("migrate", env=environment(home)) as migrate:
            assert migrate.process.wait(120) == 0, migrate.said
        yield environment(home, WASL_DATABASE_URL=postgres.dsn)
        postgres.stop()


@pytest.fixture
def database(env: dict[str, str]) -> Iterator[psycopg.Connection[tuple[int]]]:
    with psycopg.connect(env["WASL_DATABASE_URL"], autocommit=True) as connection:
        yield connection


def put(database: psycopg.Connection[tuple[int]], status: str, worker: int | None) -> int:
    row = database.execute(JOB, [status, worker]).fetchone()
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
        later = put(database, "todo", None)
        assert eventually(lambda: tried(database, later)), work.said
        assert work.end(signal.SIGTERM) == 0, work.said


def test_the_job_of_a_killed_worker_is_done_by_another(
    env: dict[str, str], database: psycopg.Connection[tuple[int]]
) -> None:
    with Command("work", env=env) as killed:
        assert eventually(lambda: bool(workers(database)))
        (worker,) = workers(database)
        job = put(database, "doing", worker)
        killed.end(signal.SIGKILL)
    # the sign of life that it gave last grows old
    database.execute("update procrastinate_workers set last_heartbeat = now() - interval '1 minute'")
    with Command("work", env=env) as work:
        assert eventually(lambda: tried(database, job)), work.said


def workers(database: psycopg.Connection[tuple[int]]) -> list[int]:
    return [row[0] for row in database.execute("select id from procrastinate_workers").fetchall()]
