"""How many bytes the database needs for a study, a series, an image, and for all else that a reported exam writes.

A real CT image (its header as a scanner wrote it) is received, and its rows are copied (size.sql) into an index of
BENCH_INDEXED studies (100,000) of two series with BENCH_IMAGES images each (2); the sizes are those that PostgreSQL
tells, indexes and long values included. Then 300 images are taken in, and BENCH_CASES exams (40) are ordered,
received, read and signed by the real verbs; what all other tables grew by is shared out among these, and the log (WAL)
that was written among images and exams. Last, the whole is backed up. The figures stand in
docs/reference/size-plan.md. Nothing is asserted.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psycopg

from bench.blank import blank
from wasl.edges.cli.postgres import Postgres

STUDIES = int(os.environ.get("BENCH_INDEXED", "100000"))
IMAGES, CASES = int(os.environ.get("BENCH_IMAGES", "2")), int(os.environ.get("BENCH_CASES", "40"))
TAKEN = 300  # images taken in while the log is measured
INDEXED = ("archive_study", "archive_series", "archive_instance", "archive_seriesmetadata")
ONE = """
import django
django.setup()
from pydicom import Dataset
from pydicom.uid import generate_uid
from tests import make
from tests.cast import cast
from tests.journeys.machine import pictures
from wasl.archive import services as archive
from wasl.archive.dicom import incoming
from wasl.edges.cli.demo.pictures import part10
stage, item = cast(), Dataset()
item.PatientName, item.PatientID, item.AccessionNumber, item.StudyInstanceUID = "Bench^Mark", "1", "B1", generate_uid()
items = [incoming(part10(image), place=stage.regional) for image in pictures(item, 5)]
study = archive.receive(items, by=stage.sami)[0].study
archive.complete_study(study, how="quiet", by=stage.sami)
archive.prepare_metadata(study)
"""
RECEIVED = """
import sys
import django
django.setup()
from pydicom import Dataset
from pydicom.uid import generate_uid
from tests.journeys.machine import pictures
from wasl.archive import services as archive
from wasl.archive.dicom import incoming
from wasl.edges.cli.demo.pictures import part10
from wasl.kernel.access import SYSTEM
from wasl.places import queries as places
item, place = Dataset(), places.place_by_code("oued-zen", viewer=SYSTEM).id
item.PatientName, item.PatientID, item.AccessionNumber, item.StudyInstanceUID = "Bench^Mark", "2", "B2", generate_uid()
images = pictures(item, int(sys.argv[1]))
for begin in range(0, len(images), 50):
    got = archive.receive([incoming(part10(one), place=place) for one in images[begin : begin + 50]], by=SYSTEM)
archive.complete_study(got[0].study, how="quiet", by=SYSTEM)
archive.prepare_metadata(got[0].study)
"""
CASES_OF = """
import sys
import django
django.setup()
from tests import make
from tests.cast import PARTS, Cast
from tests.hear import hear
from wasl.accounts import queries as accounts
from wasl.accounts.models import Person
from wasl.kernel.access import SYSTEM
from wasl.places import queries as places
people = dict(Person.objects.filter(username__in=PARTS).values_list("username", "id"))
stage = Cast(
    **{name: places.place_by_code(code, viewer=SYSTEM).id
       for name, code in (("regional", "oued-zen"), ("university", "el-amal"), ("other", "el-nakhil"))},
    **{name: accounts.actor_of(key, address="192.0.2.1") for name, key in people.items()})
for _ in range(int(sys.argv[1])):
    make.signed_report(stage)
    hear()
"""
COPIES = Path(__file__).with_name("size.sql")
LOG = "select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')"
OTHERS = """
select sum(pg_total_relation_size(c.oid)) from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = 'public' and c.relkind = 'r' and c.relname <> all(%s)
"""
# as an instance runs: a page is written whole to the log after each checkpoint
LOGGED = ("alter system set full_page_writes = on", "select pg_reload_conf()", "checkpoint")


def main() -> None:
    """Fill the index, work on it, back it up; print what each cost."""
    with blank() as env:
        home = Path(env["WASL_DATA"])
        python(env, ONE)
        with psycopg.connect(Postgres(home).dsn, autocommit=True) as connection:
            begun = time.monotonic()
            connection.execute(COPIES.read_text().format(studies=STUDIES, images=IMAGES).encode())
            connection.execute("vacuum analyze")
            print(f"An index of {STUDIES:,} studies, made in {time.monotonic() - begun:.0f} s:")
            for name in INDEXED:
                tell(connection, name)
            for words in LOGGED:
                connection.execute(words.encode())
            received(env, connection)
            reported(env, connection)
        backed_up(env, home)


def tell(connection: psycopg.Connection, name: str) -> None:
    """Bytes of a row of a table, all, and of them its indexes."""
    count = number(connection, "select reltuples::bigint from pg_class where oid = %s::regclass", name)
    total = number(connection, "select pg_total_relation_size(%s::regclass)", name)
    indexes = number(connection, "select pg_indexes_size(%s::regclass)", name)
    print(f"  {name}: {total / count:,.0f} bytes a row, {indexes / count:,.0f} of them indexes ({count:,} rows)")


def number(connection: psycopg.Connection, query: str, *values: object) -> int:
    """The one number that a query answers."""
    row = connection.execute(query.encode(), values or None).fetchone()
    assert row is not None  # noqa: S101
    return int(row[0])


def received(env: dict[str, str], connection: psycopg.Connection) -> None:
    """What the log holds of an image that is taken in."""
    begun = number(connection, LOG)
    python(env, RECEIVED, str(TAKEN))
    print(f"{TAKEN} images taken in: {(number(connection, LOG) - begun) / TAKEN:,.0f} bytes of log each")
    ready = number(connection, "select max(length(content)) from archive_seriesmetadata")
    print(f"  their metadata, made ready: {ready / TAKEN:,.0f} bytes an image")


def reported(env: dict[str, str], connection: psycopg.Connection) -> None:
    """What exams write beside the index from the order to the signed report, and the log of it all."""
    before, begun = number(connection, OTHERS, list(INDEXED)), number(connection, LOG)
    python(env, CASES_OF, str(CASES))
    wrote = number(connection, LOG) - begun
    connection.execute("vacuum analyze")
    grown = number(connection, OTHERS, list(INDEXED)) - before
    print(f"{CASES} exams of one image, from the order to the signed report:")
    print(f"  {grown / CASES / 1024:,.0f} kB each in all other tables, {wrote / CASES / 1024:,.0f} kB of log each")


def backed_up(env: dict[str, str], home: Path) -> None:
    """How long a copy of one moment takes."""
    with tempfile.TemporaryDirectory() as folder:
        begun = time.monotonic()
        command = [sys.executable, "-m", "wasl", "backup", f"{folder}/copy"]
        subprocess.run(command, env=env, check=True, stdout=subprocess.DEVNULL)
        seconds = time.monotonic() - begun
        size = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
    with psycopg.connect(Postgres(home).dsn, autocommit=True) as connection:
        whole = number(connection, "select pg_database_size(current_database())")
    print(f"`wasl backup` of a database of {whole / 1e6:,.0f} MB: {seconds:.0f} s, {size / 1e6:,.0f} MB written")


def python(env: dict[str, str], code: str, *words: str) -> None:
    """Run some lines with its Django."""
    subprocess.run([sys.executable, "-c", code, *words], env=env, check=True)


if __name__ == "__main__":
    main()
