"""`wasl patients link`: DuckDB and Spark find the same pairs, and decide as `match` does; what is missing is said."""

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.population import World, records
from wasl.edges.cli import linking
from wasl.edges.cli.main import main
from wasl.patients.rules.matching.records import COLUMNS
from wasl.patients.rules.matching.sql import FIRST

ROWS = [row for row, _ in records(World(people=600, seed=7321))]
# of a few hundred people: what is compiled for millions, and cut for many machines, is not worth its time
QUICK = """
spark.sql.shuffle.partitions 2
spark.default.parallelism 2
spark.sql.adaptive.enabled false
spark.sql.codegen.wholeStage false
spark.sql.codegen.factoryMode NO_CODEGEN
spark.driver.extraJavaOptions -XX:TieredStopAtLevel=1
"""


def write(folder: Path, rows: list[list[str]]) -> Path:
    path = folder / "records.csv"
    with path.open("w", encoding="utf-8", newline="") as opened:
        csv.writer(opened).writerows([list(COLUMNS), *rows])
    return path


def table(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as opened:
        return list(csv.reader(opened))


def run(folder: Path, *asked: str) -> subprocess.CompletedProcess[str]:
    """The command as somebody runs it, in a folder, where Spark leaves nothing either."""
    home = str(Path(linking.__file__).parents[3])
    given = os.environ | {"SPARK_CONF_DIR": str(folder), "PYTHONPATH": home}
    words = [sys.executable, "-m", "wasl", "patients", *asked]
    return subprocess.run(words, cwd=folder, env=given, capture_output=True, text=True, check=False)


def test_duckdb_and_spark_find_the_same_and_decide_as_match_does(tmp_path: Path) -> None:
    write(tmp_path, ROWS)
    (tmp_path / "spark-defaults.conf").write_text(QUICK)
    done = run(tmp_path, "match", "records.csv", "--result", "result.csv", "--review", "review.csv")
    assert done.returncode == 0, done.stderr
    pairs = {}
    for backend in ("duckdb", "spark"):
        files = ["--pairs", f"p-{backend}.csv", "--result", f"r-{backend}.csv", "--review", f"v-{backend}.csv"]
        more = ["--spark-master", "local[2]"] if backend == "spark" else []
        done = run(tmp_path, "link", "records.csv", *files, "--backend", backend, "--language", "en", *more)
        assert done.returncode == 0, done.stderr
        assert f"{len(ROWS)} records are compared by the database" in done.stderr
        assert table(tmp_path / f"r-{backend}.csv") == table(tmp_path / "result.csv")
        assert table(tmp_path / f"v-{backend}.csv") == table(tmp_path / "review.csv")
        head, *found = table(tmp_path / f"p-{backend}.csv")
        assert head == ["rid_a", "rid_b", "weight", *FIRST]
        pairs[backend] = {(a, b): (float(weight), levels) for a, b, weight, *levels in found}
    assert pairs["duckdb"].keys() == pairs["spark"].keys()
    assert len(pairs["duckdb"]) > 400
    for pair, (weight, levels) in pairs["duckdb"].items():
        assert pairs["spark"][pair][0] == pytest.approx(weight, abs=1e-6)
        assert pairs["spark"][pair][1] == levels
    kinds = {"records", "result", "review", *(f"{kind}-{backend}" for kind in "prv" for backend in pairs)}
    assert {path.name for path in tmp_path.iterdir()} == {f"{kind}.csv" for kind in kinds} | {"spark-defaults.conf"}


@pytest.mark.parametrize("rows", [[], ROWS[:1], ROWS[:2]], ids=["none", "one", "two strangers"])
def test_files_without_a_pair(tmp_path: Path, rows: list[list[str]]) -> None:
    file, pairs, result = write(tmp_path, rows), tmp_path / "pairs.csv", tmp_path / "result.csv"
    asked = ["patients", "link", str(file), "--pairs", str(pairs), "--result", str(result), "--backend", "duckdb"]
    done = CliRunner().invoke(main, asked)
    assert done.exit_code == 0, done.output
    assert table(pairs) == [["rid_a", "rid_b", "weight", *FIRST]]
    assert table(result)[1:] == [[row[0], row[0]] for row in rows]


LOCALES = ("en_GB.UTF-8", "fr_TN.UTF-8", "ar_TN.UTF-8")


def refused(folder: Path, backend: str) -> str:
    file = write(folder, ROWS[:2])
    asked = ["patients", "link", str(file), "--pairs", str(folder / "pairs.csv"), "--backend", backend]
    done = CliRunner().invoke(main, asked)
    assert done.exit_code == 1
    assert not (folder / "pairs.csv").exists()
    return done.output


@pytest.mark.parametrize("backend", ["duckdb", "spark"])
def test_without_the_extra_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, backend: str
) -> None:
    monkeypatch.setitem(linking.NEEDED, backend, ("numpy", "a_library_that_nobody_has"))
    said = set()
    for locale in LOCALES:
        monkeypatch.setenv("LC_ALL", locale)
        output = refused(tmp_path, backend)
        assert "(a_library_that_nobody_has)" in output
        assert "pip install 'wasl[link]'" in output
        said.add(output)
    assert len(said) == len(LOCALES)


@pytest.mark.parametrize("home", [None, "nowhere"], ids=["not in the path", "not where JAVA_HOME says"])
def test_without_java_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: str | None
) -> None:
    if home:
        monkeypatch.setenv("JAVA_HOME", str(tmp_path / home))
    else:
        monkeypatch.delenv("JAVA_HOME", raising=False)
        monkeypatch.setenv("PATH", str(tmp_path))
    said = set()
    for locale in LOCALES:
        monkeypatch.setenv("LC_ALL", locale)
        output = refused(tmp_path, "spark")
        assert "openjdk-17-jre-headless" in output
        said.add(output)
    assert len(said) == len(LOCALES)


def test_a_master_that_is_none_is_told(tmp_path: Path) -> None:
    write(tmp_path, ROWS[:2])
    asked = ["--backend", "spark", "--spark-master", "nothing", "--language", "fr"]
    done = run(tmp_path, "link", "records.csv", "--pairs", "pairs.csv", *asked)
    assert done.returncode == 1
    assert "Spark n’a pas démarré à l’adresse nothing" in done.stderr
    assert "Traceback" not in done.stderr
