"""`wasl patients match`: a file in, two out; resumed where it stopped; bad files refused in the user's language."""

import csv
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bench.population import World, records
from wasl.edges.cli.main import main
from wasl.patients.rules.matching import batch
from wasl.patients.rules.matching.batch import Arrays
from wasl.patients.rules.matching.records import COLUMNS

ROWS = [row for row, _ in records(World(people=700, seed=41))]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write(tmp_path / "records.csv", [list(COLUMNS), *ROWS])


def write(path: Path, rows: list[list[str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as opened:
        csv.writer(opened).writerows(rows)
    return path


def run(file: Path, *more: str) -> Result:
    folder = file.parent
    files = ("--result", str(folder / "result.csv"), "--review", str(folder / "review.csv"))
    return CliRunner().invoke(main, ["patients", "match", str(file), *files, *more])


def table(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as opened:
        return list(csv.reader(opened))


def test_every_record_has_a_person_and_pairs_for_review_are_of_two(file: Path, tmp_path: Path) -> None:
    done = run(file)
    assert done.exit_code == 0, done.output
    head, *result = table(tmp_path / "result.csv")
    assert head == ["rid", "person"]
    assert [rid for rid, _ in result] == [row[0] for row in ROWS]
    person = dict(result)
    assert len(set(person.values())) < len(ROWS)
    head, *review = table(tmp_path / "review.csv")
    assert head == ["rid_a", "rid_b"]
    assert review
    assert all(person[a] != person[b] for a, b in review)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["records.csv", "result.csv", "review.csv"]


def test_columns_in_another_order_and_columns_of_others_change_nothing(file: Path, tmp_path: Path) -> None:
    run(file)
    first = table(tmp_path / "result.csv"), table(tmp_path / "review.csv")
    turned = [[*reversed(row), "more"] for row in [list(COLUMNS), *ROWS]]
    run(write(file, turned))
    assert (table(tmp_path / "result.csv"), table(tmp_path / "review.csv")) == first


@pytest.mark.parametrize(("language", "word"), [("en", "linked"), ("fr", "lié"), ("ar", "مرتبط")])
def test_reasons_are_told_in_words(file: Path, tmp_path: Path, language: str, word: str) -> None:
    done = run(file, "--reasons", str(tmp_path / "reasons.csv"), "--language", language)
    assert done.exit_code == 0, done.output
    head, *reasons = table(tmp_path / "reasons.csv")
    assert head == ["rid_a", "rid_b", "decision", "bits", "why"]
    assert {decision for _, _, decision, _, _ in reasons} > {word}
    assert all(";" in why for *_, why in reasons)


def test_what_was_interrupted_goes_on(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(file)
    whole = (tmp_path / "result.csv").read_bytes(), (tmp_path / "review.csv").read_bytes()
    for name in ("result.csv", "review.csv"):
        (tmp_path / name).unlink()
    monkeypatch.setattr(batch, "PIECE", 100)
    monkeypatch.setattr(batch, "AT_ONCE", 1)
    compared: list[int] = []
    work: Callable[..., Arrays] = batch._compared

    def three_pieces(*given: object) -> Arrays:
        if len(compared) == 3:
            raise KeyboardInterrupt
        compared.append(1)
        return work(*given)

    monkeypatch.setattr(batch, "_compared", three_pieces)
    assert run(file).exit_code == 1
    assert not (tmp_path / "result.csv").exists()
    kept = {path.name for path in (tmp_path / "result.csv.part").glob("*.npz")}
    assert len(kept) == 3
    again: list[int] = []

    def counted(*given: object) -> Arrays:
        again.append(1)
        return work(*given)

    monkeypatch.setattr(batch, "_compared", counted)
    assert run(file).exit_code == 0
    monkeypatch.setattr(batch, "_compared", work)
    pieces = len(range(0, sum(1 for _ in _pairs()), 100))
    assert len(again) == pieces - 3
    assert ((tmp_path / "result.csv").read_bytes(), (tmp_path / "review.csv").read_bytes()) == whole


def _pairs() -> Iterator[int]:
    from wasl.patients.rules.matching import blocking
    from wasl.patients.rules.matching.records import read

    yield from blocking.pairs(read(ROWS)).tolist()


def test_what_was_kept_of_another_file_is_not_used(file: Path, tmp_path: Path) -> None:
    part = tmp_path / "result.csv.part"
    part.mkdir()
    (part / "of").write_text("another file")
    (part / "0.npz").write_bytes(b"nonsense")
    assert run(file).exit_code == 0


BAD: dict[str, tuple[bytes, str, str]] = {
    "no column": (b"rid,src\n1,h1\n", "pas de colonne local_id", "لا يوجد في الملف عمود local_id"),
    "empty": (b"", "pas de colonne rid", "لا يوجد في الملف عمود rid"),
    "rid twice": (",".join(COLUMNS).encode() + b"\n" + (b"1" + b"," * 16 + b"\n") * 2, "ligne 3", "السطر 3"),
    "no rid": (",".join(COLUMNS).encode() + b"\n" + b"," * 16 + b"\n", "ligne 2", "السطر 2"),
    "short": (",".join(COLUMNS).encode() + b"\n1,2\n", "2 champs", "2 من الحقول"),
    "not UTF-8": (",".join(COLUMNS).encode() + b"\n1,h1,\xe9" + b"," * 14 + b"\n", "UTF-8", "UTF-8"),
    "a field without end": (",".join(COLUMNS).encode() + b'\n"' + b"a" * 200_000, "CSV", "CSV"),
}


@pytest.mark.parametrize(("data", "french", "arabic"), BAD.values(), ids=BAD)
def test_bad_files_are_refused_in_the_users_language(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes, french: str, arabic: str
) -> None:
    path = tmp_path / "bad.csv"
    path.write_bytes(data)
    for locale, words in (("fr_TN.UTF-8", french), ("ar_TN.UTF-8", arabic)):
        monkeypatch.setenv("LC_ALL", locale)
        done = run(path)
        assert done.exit_code == 1
        assert words in done.output
        assert not (tmp_path / "result.csv").exists()


@pytest.mark.django_db
def test_persons_are_entered_as_patients_once(tmp_path: Path) -> None:
    from tests.cast import cast
    from wasl.kernel.access import SYSTEM
    from wasl.patients.models import Patient, RecordLink
    from wasl.places import queries as places

    stage = cast()
    codes = [places.place(key, viewer=SYSTEM).code for key in (stage.regional, stage.other)]
    rows = [[row[0], codes[at % 2], f"N-{at}", *row[3:]] for at, row in enumerate(ROWS[:300])]
    done = run(write(tmp_path / "records.csv", [list(COLUMNS), *rows]), "--load", "--language", "en")
    assert done.exit_code == 0, done.output
    persons = len({person for _, person in table(tmp_path / "result.csv")[1:]})
    assert f"{persons} patients entered." in done.output
    assert (Patient.objects.count(), RecordLink.objects.count()) == (persons, 300)
    again = run(tmp_path / "records.csv", "--load", "--language", "en")
    assert "0 patients entered." in again.output
    nowhere = [[row[0], "nowhere", *row[2:]] for row in rows[:2]]
    refused = run(write(tmp_path / "records.csv", [list(COLUMNS), *nowhere]), "--load", "--language", "en")
    assert refused.exit_code == 1
    assert Patient.objects.count() == persons
