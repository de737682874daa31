"""An instance's database and Django, ready for a command that runs once."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import click

from wasl.edges.cli.home import data_home
from wasl.edges.cli.postgres import Postgres, PostgresFailed


@contextlib.contextmanager
def instance() -> Iterator[Path]:
    """Django, set up on a database that answers; yields the data folder.

    An embedded PostgreSQL that was down is started, and stopped at the end. Raises click.ClickException.
    """
    home = data_home()
    if os.environ.get("WASL_DATABASE_URL"):
        _set_up()
        yield home
        return
    postgres = Postgres(home)
    try:
        started = postgres.ensure()
    except PostgresFailed as error:
        raise click.ClickException(str(error)) from error
    try:
        _set_up()
        yield home
    finally:
        if started:
            _close()
            postgres.stop()


def _set_up() -> None:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "wasl.settings")
    django.setup()
    from django.db import OperationalError, connection

    try:
        connection.ensure_connection()
    except OperationalError as error:
        raise click.ClickException(f"The database does not answer ({error}). Is WASL_DATABASE_URL right?") from error


def _close() -> None:
    """Give the connections back before the server stops: a pool would complain about each."""
    from django.db import connections

    connections.close_all()
    for connection in connections.all():
        close_pool = getattr(connection, "close_pool", None)
        if close_pool:
            close_pool()
