"""An instance for one bench: a folder and a migrated database of its own, gone afterwards."""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import django

DJANGO = {"DJANGO_SETTINGS_MODULE": "wasl.settings"}


@contextlib.contextmanager
def blank() -> Iterator[dict[str, str]]:
    """The environment of processes that use it, untouched by that of the machine's own instance."""
    from wasl.edges.cli.postgres import Postgres

    home = Path(tempfile.mkdtemp(prefix="wasl-bench-"))
    home.chmod(0o711)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WASL_")}
    env = {**kept, "WASL_DATA": str(home), "WASL_DEMO": "1", **DJANGO}
    database = Postgres(home, durable=False)
    database.ensure()
    try:
        subprocess.run([sys.executable, "-m", "wasl", "migrate"], env=env, check=True, stdout=subprocess.DEVNULL)
        yield env
    finally:
        database.stop()
        shutil.rmtree(home, ignore_errors=True)


@contextlib.contextmanager
def scenes() -> Iterator[Path]:
    """A folder for a bench of real processes: Django at work in it, and the migrated database that they begin with."""
    with tempfile.TemporaryDirectory() as name, mock.patch.dict(os.environ, WASL_DATA=name, **DJANGO):
        django.setup()
        folder = Path(name)
        _migrate_for_scenes(folder)
        yield folder


def _migrate_for_scenes(folder: Path) -> None:
    """Make the migrated data folder of which the scenes of real processes begin as copies; WASL_DATA is `folder`."""
    from tests.edges.scenes import MIGRATED
    from wasl.edges.cli.postgres import Postgres

    folder.chmod(0o711)  # PostgreSQL's account reaches what is below
    home = folder / MIGRATED
    home.mkdir(mode=0o711)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WASL_")}
    database = Postgres(home)
    database.ensure()
    try:
        command = [sys.executable, "-m", "wasl", "migrate"]
        subprocess.run(command, env={**kept, "WASL_DATA": str(home)}, check=True, stdout=subprocess.DEVNULL)
    finally:
        database.stop()
