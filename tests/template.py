"""The database that the tests' own are copied from: migrated once, and again when a migration changed."""

import hashlib
import importlib.metadata
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
from django.db.migrations.loader import MigrationLoader
from psycopg import sql
from psycopg.conninfo import make_conninfo

from wasl.edges.cli.home import CHECKOUT
from wasl.edges.cli.postgres import Postgres
from wasl.edges.cli.postgres_programs import programs, server_account

FAMILY = "wasl_migrated_"


def template() -> str:
    """The name of a database to which all migrations, as they are now, were applied; Django must be set up."""
    name = FAMILY + hashlib.sha256(b"".join(_migrations())).hexdigest()[:16]
    url = os.environ["WASL_DATABASE_URL"]
    with psycopg.connect(make_conninfo(url, dbname="postgres"), autocommit=True) as server:
        known = [row[0] for row in server.execute("select datname from pg_database where datname ^@ %s", [FAMILY])]
        if name not in known:
            for old in known:
                server.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(old)))
            draft = f"{FAMILY}draft"
            server.execute(sql.SQL("create database {}").format(sql.Identifier(draft)))
            _migrate(make_conninfo(url, dbname=draft))
            server.execute(sql.SQL("alter database {} rename to {}").format(*map(sql.Identifier, (draft, name))))
    if not _dump(name).exists():
        for old in _dump(name).parent.glob(f"{FAMILY}*"):
            old.unlink()
        draft = f"{_dump(name)}.part"
        _run(
            "pg_dump", "--no-owner", "--no-privileges", f"--file={draft}", f"--dbname={make_conninfo(url, dbname=name)}"
        )
        Path(draft).rename(_dump(name))
    return name


def load(server: Postgres) -> None:
    """Fill the empty database of another server with all that this one holds.

    From a file: a database is not copied while somebody looks at it, and the workers copy theirs when they need one.
    """
    file = _dump(os.environ["WASL_TEST_TEMPLATE"])
    _run("psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", f"--file={file}", f"--dbname={server.dsn}")


def _dump(name: str) -> Path:
    return Path(os.environ["WASL_DATA"]) / f"{name}.sql"


def _run(program: str, *words: str) -> None:
    folder = programs(Path(os.environ["WASL_DATA"]), server_account())
    subprocess.run([folder / program, *words], stdout=subprocess.DEVNULL, check=True)


def _migrations() -> Iterator[bytes]:
    """All that a database becomes of: the files of the migrations, and the library whose migrations read others."""
    modules = {migration.__module__ for migration in MigrationLoader(None).disk_migrations.values()}
    for module in sorted(modules):
        yield Path(str(sys.modules[module].__file__)).read_bytes()
    yield importlib.metadata.version("procrastinate").encode()


def _migrate(url: str) -> None:
    """Apply all migrations, in a process of its own: this one is set up for another database."""
    env = {**os.environ, "WASL_DATABASE_URL": url}
    subprocess.run([sys.executable, "-m", "django", "migrate", "--verbosity", "0"], cwd=CHECKOUT, env=env, check=True)
