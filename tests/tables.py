"""The tables of the tests' database: emptied after a test that committed, filled with what was written before.

Django's own way truncates every table, which makes the files of each anew and waits for whoever looks at one of them,
and then writes its permissions again: a quarter of a second. Here rows are deleted, and of most tables there are none.
"""

from collections.abc import Mapping
from functools import cache

from django.db import connection, transaction

KEPT = {"auth_permission", "django_content_type"}  # what migrations say of the models; no test changes it
JOBS = {"procrastinate_jobs", "procrastinate_events", "procrastinate_periodic_defers", "procrastinate_workers"}
BY_TRIGGER = {"procrastinate_events"}  # written again with the rows that they are about


def empty_tables() -> None:
    """Delete what tests wrote; numbers already given are not given again."""
    with transaction.atomic(), connection.cursor() as cursor:
        # for this transaction no trigger keeps journal and reports, and no foreign key asks for an order
        cursor.execute("set local session_replication_role = replica")
        cursor.execute("; ".join(f"delete from {name}" for name in _tables()))


def written() -> dict[str, bytes]:
    """All rows that the open transaction sees, by table."""
    return {name: rows for name in _tables() if name not in BY_TRIGGER and (rows := _copy(name))}


def write(rows: Mapping[str, bytes]) -> None:
    """Write rows as they were, in one transaction: constraints and triggers hold as for any others."""
    with transaction.atomic(), connection.cursor() as cursor:
        for name, text in rows.items():
            with cursor.copy(f"copy {name} from stdin") as copy:
                copy.write(text)


def _copy(name: str) -> bytes:
    with connection.cursor() as cursor, cursor.copy(f"copy {name} to stdout") as copy:
        return b"".join(copy)


@cache
def _tables() -> list[str]:
    known = connection.introspection.django_table_names(only_existing=True, include_views=False)
    return sorted({*known, *JOBS} - KEPT)
