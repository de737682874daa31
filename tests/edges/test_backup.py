"""A backup taken from a running instance is the instance: restored elsewhere, nothing is missing."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.edges.scenes import PATIENCE, Command, data_folder, environment, migrated_folder
from wasl.edges.cli.home import CHECKOUT
from wasl.edges.cli.postgres import Postgres

# a cast, and a real image received for it
STORY = """
import django; django.setup()
from pathlib import Path
from tests.cast import cast
from wasl.archive import services as archive
from wasl.archive.dicom import incoming
from wasl.edges.cli.demo.pictures import folder
stage = cast()
archive.receive([incoming(folder() / "693_J2KR.dcm", place=stage.regional)], by=stage.sami)
"""
COUNTS = (
    "select (select count(*) from kernel_fact), (select count(*) from accounts_person), "
    "(select max(hash) from kernel_fact)"
)


@pytest.fixture(scope="module")
def backed_up() -> Iterator[tuple[dict[str, str], Path]]:
    """An instance with something in it whose database runs, and the backup of it."""
    with migrated_folder() as home, data_folder() as elsewhere:
        env = environment(home)
        postgres = Postgres(home)
        postgres.ensure()
        more = {"DJANGO_SETTINGS_MODULE": "wasl.settings", "PYTHONPATH": str(CHECKOUT), "WASL_DEMO": "1"}
        subprocess.run([sys.executable, "-c", STORY], cwd=CHECKOUT, env={**env, **more}, check=True)
        folder = elsewhere / "first"
        with Command("backup", str(folder), env=env) as backup:
            assert backup.process.wait(PATIENCE) == 0, backup.said
        yield env, folder
        postgres.stop()


def ask(home: Path, query: str) -> list[tuple[object, ...]]:
    postgres = Postgres(home)
    started = postgres.ensure()
    try:
        with psycopg.connect(postgres.dsn) as connection:
            return connection.execute(query.encode()).fetchall()
    finally:
        if started:
            postgres.stop()


def test_what_was_backed_up_is_restored_whole(backed_up: tuple[dict[str, str], Path]) -> None:
    env, folder = backed_up
    here = Path(env["WASL_DATA"])
    with data_folder() as home:
        with Command("restore", str(folder), env={**env, "WASL_DATA": str(home)}) as restore:
            assert restore.process.wait(PATIENCE) == 0, restore.said
        assert ask(home, COUNTS) == ask(here, COUNTS)
        ((path,),) = ask(home, "select path from archive_instance")
        assert (home / "storage" / str(path)).read_bytes() == (here / "storage" / str(path)).read_bytes()
        assert (home / "django.secret").read_text() == (here / "django.secret").read_text()
        assert (home / "django.secret").stat().st_mode & 0o077 == 0
        assert (home / "pg.secret").read_text() != (here / "pg.secret").read_text()
        with Command("migrate", env={**env, "WASL_DATA": str(home)}) as migrate:
            assert migrate.process.wait(PATIENCE) == 0, migrate.said
        assert "migrations" not in migrate.said

        with Command("restore", str(folder), env={**env, "WASL_DATA": str(home)}) as again:
            assert again.process.wait(PATIENCE) == 1
        assert "not empty" in again.said
        assert ask(home, COUNTS) == ask(here, COUNTS)


def test_a_backup_never_writes_over_another(backed_up: tuple[dict[str, str], Path]) -> None:
    env, folder = backed_up
    before = (folder / "manifest.json").read_text()
    with Command("backup", str(folder), env=env) as refused:
        assert refused.process.wait(PATIENCE) == 1
    assert "exists already" in refused.said
    assert (folder / "manifest.json").read_text() == before
    assert folder.stat().st_mode & 0o077 == 0


def test_a_backup_says_what_it_is_and_tells_no_secret(backed_up: tuple[dict[str, str], Path]) -> None:
    env, folder = backed_up
    manifest = json.loads((folder / "manifest.json").read_text())
    assert (manifest["country"], manifest["images"]) == ("TN", 1)
    assert not (folder / "keys/pg.secret").exists()


@pytest.mark.parametrize("damage", ["cut", "no manifest", "another country", "an image is missing"])
def test_a_damaged_backup_is_refused(backed_up: tuple[dict[str, str], Path], damage: str) -> None:
    env, folder = backed_up
    with data_folder() as home:
        copy = home / "copy"
        subprocess.run(["cp", "-a", str(folder), str(copy)], check=True)
        env = {**env, "WASL_DATA": str(home / "data")}
        (home / "data").mkdir(mode=0o711)
        if damage == "cut":
            whole = (copy / "database.dump").read_bytes()
            (copy / "database.dump").write_bytes(whole[: len(whole) // 2])
        elif damage == "no manifest":
            (copy / "manifest.json").unlink()
        elif damage == "another country":
            env["WASL_COUNTRY"] = "DZ"
        else:
            next((copy / "storage").rglob("*.dcm")).unlink()
        with Command("restore", str(copy), env=env) as refused:
            assert refused.process.wait(PATIENCE) == 1, refused.said
        assert "Traceback" not in refused.said
        Postgres(home / "data").stop()
