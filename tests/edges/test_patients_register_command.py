"""`wasl patients civil` and `numbers`: the how-to's own file, bad lines, JSON lines, and blocks from the terminal."""

import csv
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from django.db import transaction

from tests.cast import Cast, cast
from wasl.edges.cli.main import main
from wasl.kernel.access import SYSTEM
from wasl.patients import queries
from wasl.patients.models import CivilAct, CivilStanding, NumberBlock, Patient

pytestmark = pytest.mark.django_db
EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "civil-acts.csv"


@pytest.fixture(autouse=True)
def stage() -> Cast:
    return cast()


def run(*words: str) -> Result:
    return CliRunner().invoke(main, ["patients", *words])


def rows() -> list[dict[str, str]]:
    with EXAMPLE.open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


def ended() -> list[tuple[str, str, str, str]]:
    found = CivilStanding.objects.order_by("act__number").values_list("act__number", "state", "why", "how")
    return [(number, state, why, how) for number, state, why, how in found]


def test_the_example_of_the_how_to_is_taken_in(tmp_path: Path) -> None:
    done = run("civil", str(EXAMPLE))
    assert (done.exit_code, done.output) == (0, "4 acts are done, 1 wait, 1 are annulled.\n")
    salma = Patient.objects.get(given_name="Salma")
    assert (salma.family_name, salma.died_on, salma.level) == ("Gharbi", None, "qualified")
    assert Patient.objects.get(given_name="Ines").mother_name == "Salma Gharbi"
    assert ended()[-1] == ("2026/88", "done", "", "new")
    assert ("2026/4200", "waiting", "nobody", "") in ended()
    end = ended()
    assert run("civil", str(EXAMPLE)).exit_code == 0
    assert (ended(), CivilAct.objects.count(), Patient.objects.count()) == (end, 6, 2)


def test_json_lines_backwards_end_the_same(tmp_path: Path) -> None:
    with transaction.atomic():
        run("civil", str(EXAMPLE))
        end = ended()
        transaction.set_rollback(True)
    lines = [json.dumps({name: text for name, text in row.items() if text}, ensure_ascii=False) for row in rows()]
    file = tmp_path / "acts.ndjson"
    file.write_text("\n".join([*reversed(lines), "", "[]", "{"]), encoding="utf-8")
    said = run("civil", str(file))
    assert said.exit_code == 1
    assert "Line 8" in said.output
    assert "Line 9" in said.output
    assert ended() == end


def test_a_line_that_is_wrong_is_named_and_the_others_are_taken(tmp_path: Path) -> None:
    bad = rows()
    bad[1]["happened_on"] = "yesterday"
    bad[3]["registry"] = ""
    file = tmp_path / "acts.csv"
    with file.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.DictWriter(opened, list(bad[0]))
        writer.writeheader()
        writer.writerows(bad)
    done = run("civil", str(file), "--language", "fr")
    assert done.exit_code == 1
    assert "Ligne 3 : happened_on : un jour, comme 2026-03-12." in done.output
    assert "Ligne 5" in done.output
    assert "2 lignes n’ont pas été prises." in done.output
    assert "Salma" not in done.output
    assert CivilAct.objects.count() == 4
    assert run("civil", str(EXAMPLE)).exit_code == 0
    assert CivilAct.objects.count() == 6


@pytest.mark.parametrize(("text", "said"), [
    ("registry,number,kind,acted_on,happened_on,forename\n", "has a column forename"),
    ("registry,number,kind,acted_on\n", "no column happened_on"),
    ("", "no column registry"),
])  # fmt: skip
def test_a_file_with_other_columns_is_refused_whole(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "acts.csv"
    file.write_text(text)
    done = run("civil", str(file))
    assert done.exit_code == 1
    assert said in done.output


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "acts.csv"
    file.write_bytes("registry,number,kind,acted_on,happened_on\né".encode("latin-1"))
    assert "not UTF-8" in run("civil", str(file)).output


def test_numbers_are_drawn_listed_and_withdrawn(tmp_path: Path) -> None:
    file = tmp_path / "numbers.txt"
    drawn = run("numbers", "--draw", "5", "--place", "oued-zen", "--into", str(file))
    assert drawn.exit_code == 0, drawn.output
    numbers = file.read_text().split()
    block = NumberBlock.objects.get()
    assert numbers == queries.numbers_left(block.id, viewer=SYSTEM)
    assert len(numbers) == 5
    assert f"{block.id}  oued-zen" in run("numbers").output
    assert "0 given, 5 left" in run("numbers").output
    assert run("numbers", "--left", str(block.id)).output.split() == numbers
    assert run("numbers", "--withdraw", str(block.id)).exit_code == 1
    assert run("numbers", "--withdraw", str(block.id), "--because", "The labels were lost.").exit_code == 0
    assert "0 left  withdrawn" in run("numbers").output
    assert run("numbers", "--draw", "5").exit_code == 2
    assert run("numbers", "--draw", "5", "--place", "nowhere").exit_code == 1
