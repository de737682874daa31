"""What `wasl doctor` asks the database: version, migrations, clock, queue, demo people."""

import datetime
import os
from collections.abc import Iterator
from typing import LiteralString

import psycopg

from wasl.edges.cli.findings import Finding

OLDEST = 15  # PostgreSQL's major version
DRIFT = datetime.timedelta(seconds=2)  # orders and images of one minute must not change places
WAITED_LONG = "5 minutes"

Rows = psycopg.Connection[tuple[object, ...]]


def database_findings(url: str) -> Iterator[Finding]:
    """Look at everything in the database; one finding only when it does not answer."""
    try:
        with psycopg.connect(url, connect_timeout=5, autocommit=True) as connection:
            yield version_finding(connection)
            yield clock_finding(connection)
            yield (migrations := migrations_finding(connection))
            if not migrations.mend:
                yield queue_finding(connection)
                yield failed_finding(connection)
                yield demo_finding(connection)
    except psycopg.OperationalError as error:
        said = str(error).strip().splitlines()[0]
        embedded = not os.environ.get("WASL_DATABASE_URL")
        mend = "Start `wasl up`." if embedded else "Start PostgreSQL, or correct WASL_DATABASE_URL."
        yield Finding("database", f"does not answer: {said}", mend)


def version_finding(connection: Rows) -> Finding:
    """Wasl needs what PostgreSQL 15 brought."""
    version = connection.info.server_version // 10_000
    if version < OLDEST:
        return Finding("database", f"PostgreSQL {version} is too old.", f"Use PostgreSQL {OLDEST} or newer.")
    return Finding("database", f"PostgreSQL {version} answers.")


def clock_finding(connection: Rows) -> Finding:
    """Two clocks that disagree make every turnaround wrong."""
    row = connection.execute("select clock_timestamp()").fetchone()
    there = row[0] if row else None
    assert isinstance(there, datetime.datetime)  # noqa: S101  what this query gives
    apart = abs(there - datetime.datetime.now(datetime.UTC))
    what = f"database and machine are {apart.total_seconds():.1f} s apart."
    return Finding("clock", what, "Set both clocks by NTP." if apart > DRIFT else "")


def migrations_finding(connection: Rows) -> Finding:
    """The tables are those that this version of Wasl knows."""
    from django.db.migrations.loader import MigrationLoader

    known = set(MigrationLoader(None).disk_migrations)
    table = connection.execute("select to_regclass('django_migrations') is not null").fetchone()
    applied: set[object] = set()
    if table and table[0]:
        applied = set(connection.execute("select app, name from django_migrations").fetchall())
    if missing := known - applied:
        return Finding("migrations", f"{len(missing)} are not applied.", "Run `wasl migrate`.")
    return Finding("migrations", "applied.")


def queue_finding(connection: Rows) -> Finding:
    """Jobs are taken soon after they may be."""
    late = _count(
        connection,
        """
        select count(*) from procrastinate_jobs job
        where status = 'todo' and %(long)s::interval < now() - coalesce(scheduled_at, (
            select max(at) from procrastinate_events where job_id = job.id
        ))
        """,
        {"long": WAITED_LONG},
    )
    if late:
        mend = "See that `wasl work` runs and writes no errors; raise WASL_WORKERS or start it on another machine."
        return Finding("queue", f"{late} jobs wait for more than {WAITED_LONG}.", mend)
    return Finding("queue", "no job waits long.")


def failed_finding(connection: Rows) -> Finding:
    """A job that failed for good is work that nobody did."""
    failed = _count(connection, "select count(*) from procrastinate_jobs where status in ('failed', 'aborted')")
    if failed:
        mend = "Read the errors of `wasl work`, mend their cause, and have the jobs done again."
        return Finding("jobs", f"{failed} failed for good.", mend)
    return Finding("jobs", "none failed.")


def demo_finding(connection: Rows) -> Finding:
    """People with published passwords have no business beside real patients."""
    people = _count(connection, "select count(*) from accounts_person where demo")
    if people and os.environ.get("WASL_DEMO") != "1":
        mend = "Work with real patients in a database of its own: set WASL_DATA or WASL_DATABASE_URL to an empty one."
        return Finding("demo", f"{people} demo people are in the database, outside demo mode.", mend)
    return Finding("demo", f"{people} demo people." if people else "no demo people.")


def _count(connection: Rows, query: LiteralString, values: dict[str, str] | None = None) -> int:
    row = connection.execute(query, values).fetchone()
    return int(str(row[0])) if row else 0
