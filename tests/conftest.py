"""What every test stands on: a real database, compiled translations, collected static files.

The database is an embedded PostgreSQL in `.wasl-test`, up before Django's settings are read; it keeps a migrated
database, of which each worker's own is a copy.

pytest-django reads the settings before any conftest when pytest's own configuration names them, so they are
named here, once the database's address is known; pytest-django then finds Django ready. The workers of
pytest-xdist inherit the address.
"""

import atexit
import os
import shutil
import sys
from collections.abc import Iterator

import django
import pytest
from django.contrib.auth.hashers import ScryptPasswordHasher
from django.db import connection
from django.test import TransactionTestCase
from django.utils import translation
from pytest_django.plugin import DjangoDbBlocker
from xdist.scheduler import LoadFileScheduling

from tests.tables import empty_tables
from tests.template import template
from wasl.edges.cli.database import collect_static
from wasl.edges.cli.home import place_for
from wasl.edges.cli.postgres import Postgres
from wasl.edges.cli.translations import compile_translations

IN_WORKER = "PYTEST_XDIST_WORKER" in os.environ
LONG = ("journeys", "architecture", "edges")  # folders whose tests start servers, browsers, instances


# or each of hundreds of processes would compile the whole of Wasl, where the environment says that nothing is kept
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False


def _provide_database() -> None:
    home = place_for(".wasl-test")
    os.environ["WASL_DATA"] = str(home)
    shutil.rmtree(home / "migrated", ignore_errors=True)  # of an earlier run: tests/edges/scenes.py makes it anew
    if given := os.environ.get("WASL_TEST_DATABASE_URL"):
        os.environ["WASL_DATABASE_URL"] = given
        return
    # nobody misses this data after a power cut, and the tests are faster without waiting for the disk
    postgres = Postgres(home, durable=False)
    if postgres.ensure():
        atexit.register(postgres.stop)
    os.environ["WASL_DATABASE_URL"] = postgres.dsn


if not IN_WORKER:
    _provide_database()
    compile_translations()
os.environ["DJANGO_SETTINGS_MODULE"] = "wasl.settings"
os.environ.setdefault("WASL_DEMO", "1")  # the cast are people of the demonstration
django.setup()
if not IN_WORKER:
    collect_static()
    # a house copied from this one, with a module more, begins with what is here, and drops nothing
    os.environ["WASL_TEST_TEMPLATE"] = os.environ.get("WASL_TEST_TEMPLATE") or template()
connection.settings_dict["TEST"]["TEMPLATE"] = os.environ["WASL_TEST_TEMPLATE"]
TransactionTestCase._fixture_teardown = lambda test: empty_tables()  # type: ignore[attr-defined]
# what is hashed says itself how much work it was: a server on the tests' database knows it again
ScryptPasswordHasher.work_factor, ScryptPasswordHasher.parallelism = 2, 1


class Together(LoadFileScheduling):  # type: ignore[misc]
    """The tests of a file go to one worker, and so do the journeys, which share an instance; the order stays."""

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        return "journeys" if "/journeys/" in file else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> Together:
    """Share the tests out, in their order: not the file of most tests first, which is seldom the longest."""
    config.option.loadscopereorder = False
    return Together(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes long comes first: a long file begun last would leave the other core idle."""
    items.sort(key=lambda item: LONG.index(item.path.parent.name) if item.path.parent.name in LONG else len(LONG))


@pytest.fixture(autouse=True)
def own_language() -> Iterator[None]:
    """The language of the instance again, whatever language the last page spoke."""
    yield
    translation.deactivate()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The tests' database, and the cast rehearsed in it; in the end who of a test is slow to leave it is made to."""
    from tests.cast import rehearse

    with django_db_blocker.unblock():
        rehearse()
    yield
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity "
            "where datname = current_database() and pid <> pg_backend_pid()"
        )
