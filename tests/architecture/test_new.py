"""A new module is copied files and its name in the lists; the checks say which list was forgotten."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from psycopg.conninfo import make_conninfo

from tests.architecture.house import HERE
from wasl.edges.cli.new import write_module

CHECKOUT = HERE.parent


def copy_of_the_house(to: Path) -> Path:
    """The package, its tests' tools and its settings, without data and assets."""
    for folder in ("wasl", "tests"):
        shutil.copytree(CHECKOUT / folder, to / folder, ignore=shutil.ignore_patterns("vendor", "__pycache__"))
    shutil.copy(CHECKOUT / "pyproject.toml", to)
    return to


def run(house: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    """Run Python in the copied house, with its own code."""
    database = make_conninfo(os.environ["WASL_DATABASE_URL"], dbname="wasl_of_the_copied_house")
    # its pytest is nobody's worker, and reads its settings when its own conftest has named the database
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "DJANGO_"))}
    environment = {**ours, "PYTHONPATH": str(house), "WASL_TEST_DATABASE_URL": database}
    return subprocess.run([sys.executable, *words], cwd=house, env=environment, capture_output=True, text=True)


def put(path: Path, old: str, new: str) -> None:
    """Change a line of a list."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_a_new_module_runs_and_the_checks_name_a_forgotten_list(tmp_path: Path) -> None:
    house = copy_of_the_house(tmp_path)
    write_module("beds", "bed", house)
    floors = run(house, "-m", "pytest", "-q", "tests/architecture/test_floors.py")
    assert floors.returncode == 1
    assert "test_every_folder_stands_on_a_floor" in floors.stdout

    put(house / "wasl/floors.py", '("radiology",)', '("radiology", "beds")')
    put(house / "wasl/floors.py", '    "contracts": (', '    "beds": (),\n    "contracts": (')
    put(house / "pyproject.toml", '  "radiology",\n', '  "radiology | beds",\n')
    put(house / "pyproject.toml", '"wasl.contracts", ', '"wasl.beds", "wasl.contracts", ')
    made = run(house, "-m", "wasl", "migrate", "--make")
    assert made.returncode == 0, made.stderr
    checks = run(house, "-m", "pytest", "-q", "-k", "not words and not docs", "tests/architecture", "tests/beds",
                 "--ignore=tests/architecture/test_new.py")  # fmt: skip
    assert checks.returncode == 0, checks.stdout
