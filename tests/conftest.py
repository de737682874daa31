"""What every test stands on: a real database, compiled translations, collected static files.

The database is an embedded PostgreSQL in `.wasl-test`, up before Django's settings are read.

pytest-django reads the settings before any conftest when pytest's own configuration names them, so they are
named here, once the database's address is known; pytest-django then finds Django ready. The workers of
pytest-xdist inherit the address.
"""

import atexit
import os

import django

from wasl.edges.cli.database import collect_static
from wasl.edges.cli.home import place_for
from wasl.edges.cli.postgres import Postgres
from wasl.edges.cli.translations import compile_translations

IN_WORKER = "PYTEST_XDIST_WORKER" in os.environ


def _provide_database() -> None:
    home = place_for(".wasl-test")
    os.environ["WASL_DATA"] = str(home)
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
