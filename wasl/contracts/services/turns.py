"""One after the other: what two people at once could do wrongly, or would deadlock over in a constraint."""

from django.db import connection


def take_turn(what: str) -> None:
    """Wait until nobody else is at work on this, and keep it until the transaction ends."""
    _lock("pg_advisory_xact_lock", what)


def share_turn(what: str) -> None:
    """Wait until nobody has this for themselves; others may share it until the transaction ends."""
    _lock("pg_advisory_xact_lock_shared", what)


def _lock(how: str, what: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"select {how}(hashtextextended(%s, 0))", [f"contracts:{what}"])
