"""`wasl drill`: a small world fails in three ways, by the verbs and rules of real cases; its score is kept."""

import csv
import datetime
import json
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
from click.testing import CliRunner
from django.conf import settings

from tests.cast import cast
from wasl.edges.cli.drill import apart, world
from wasl.edges.cli.drill.lives import Life, Lived
from wasl.edges.cli.drill.play import plays
from wasl.edges.cli.drill.score import score
from wasl.edges.cli.drill.world import BEGINS, MINUTE, Exam, Rules, Scale
from wasl.edges.cli.main import main
from wasl.kernel.models import Fact
from wasl.places.models import Place
from wasl.radiology.models import Drill
from wasl.radiology.rules import reading as reading_rules
from wasl.radiology.services import Limits, Score

SCALE = Scale(before=2, after=6, cut=3)
SOON = Rules(limits=Limits(silence=3))
GONE, THERE = UUID(int=1), UUID(int=2)
GOOD = Score(cases=9, noticed=15, offered=1, taken=21.5, ahead=12, late=1, lost=0, told=5, steps=3)


def at(minutes: float) -> datetime.datetime:
    return BEGINS + minutes * MINUTE


def exam(number: int, urgency: str, minutes: float, *, reads: float = 2, hospital: int = 0) -> Exam:
    return Exam(number, hospital, "DX", urgency, at(minutes), reads)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Exam]:
    """Three exams, of which two keep both readers of the first centre busy; who is silent is missed after minutes."""
    exams = [exam(0, "P2", 0.5, reads=30), exam(1, "P2", 0.6, reads=30), exam(2, "P0", 1.5)]
    monkeypatch.setattr(settings, "STORAGE", tmp_path / "store")
    monkeypatch.setattr(settings, "LINKS_AUTHORITY", tmp_path / "links-authority.pem")
    monkeypatch.setattr(settings, "LINE_SILENCE", 2 * MINUTE)
    monkeypatch.setattr(world, "exams_of", lambda seed, scale: exams)
    monkeypatch.setattr(reading_rules, "CLAIM_MINUTES", 3)
    return exams


@pytest.mark.django_db
def test_a_world_fails_in_three_ways(small: list[Exam]) -> None:
    before = Place.objects.count(), Fact.objects.count()
    centre, link, reader = plays(("centre", "link", "reader"), 1, SOON, SCALE)
    assert (Place.objects.count(), Fact.objects.count()) == before, "nothing of it stays"
    # dark: what waited and what its readers held is with others; its head, the planner and the others are told
    found = score(centre, centre)
    assert (found.cases, found.noticed, found.offered, found.lost) == (3, 4, 0, 0)
    assert found.told >= 3
    assert centre.lives[2].moved is not None
    assert centre.lives[2].taken and not {reader for _, reader in centre.lives[2].taken} & centre.gone
    # cut in the middle of a study: its administrators and those of the country are told, and it is read once it carries
    found = score(link, link)
    assert (set(link.struck), found.noticed, found.offered, found.lost, found.told) == ({2}, 1, 0, 0, 2)
    assert link.lives[2].opened and link.back and link.lives[2].opened >= link.back > link.lives[2].exam.at
    # gone: what was held is nobody's again, and its reader is told
    found = score(reader, reader)
    assert (set(reader.struck), found.offered, found.lost, found.told) == ({0}, 0, 0, 1)


def life(number: int, *, opened: float = 0, due: float = 60, signed: float | None = None, **moments: float) -> Life:
    told = {name: at(minutes) for name, minutes in moments.items()}
    return Life(
        exam(number, "P1", opened), opened=at(opened), due=at(due), signed=None if signed is None else at(signed),
        found=True, moved=told.get("moved"), stepped=told.get("stepped"),
    )  # fmt: skip


def test_the_score_counts_what_the_outage_did() -> None:
    calm = Lived("", [life(0, signed=10), life(1, signed=70), life(2, signed=20), life(3, signed=30)], at(100))
    taken = [(at(5), GONE), (at(31), THERE)]
    lives = [
        replace(life(0, signed=65, moved=27, stepped=46), taken=taken),  # late by the outage, passed on in time
        life(1, signed=70, stepped=45),  # late in any case
        replace(life(2, moved=26.5), taken=[(at(40), THERE)]),  # late, and nobody passed it on
        replace(life(3, signed=30), found=False),
    ]
    lived = Lived("centre", lives, at(100), at(10), at(25), None, frozenset({GONE}), frozenset({0, 2}), 4, 2)
    assert score(calm, lived) == Score(
        cases=2, noticed=15, offered=2, taken=30, ahead=0, late=2, lost=1, told=4, steps=2
    )  # fmt: skip
    never = replace(lived, lives=[replace(lives[0], moved=None, taken=[]), *lives[1:]])
    assert (score(calm, never).offered, score(calm, never).taken) == (None, None)
    unseen = replace(lived, noticed=None)
    assert (score(calm, unseen).noticed, score(calm, unseen).offered) == (None, None)
    # by a line that was cut the deadline is late too: what was promised counts
    late = replace(life(0, opened=50, due=110, signed=62), taken=[(at(51), THERE)])
    cut = Lived("link", [late, *calm.lives[1:]], at(100), at(10), at(12), at(49), frozenset(), frozenset({0}))
    found = score(calm, cut)
    assert (found.late, found.offered, found.taken, found.noticed) == (1, 1, 41, 2)


def test_a_seed_is_one_world() -> None:
    one, same, other = (world.exams_of(seed, Scale()) for seed in (4, 4, 5))
    assert one == same != other
    assert {exam.hospital for exam in one} == set(range(world.CENTRES))
    assert 20 < len(one) < 90


@pytest.mark.django_db
def test_the_command_keeps_and_writes_the_score(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stage = cast()
    asked = []

    def held(kind: str, seed: int, rules: Rules, *, country: str) -> Score:
        asked.append((kind, seed, rules.limits, country))
        return GOOD if seed == 1 else replace(GOOD, lost=1)

    monkeypatch.setattr("wasl.edges.cli.drill.instance", nullcontext)
    monkeypatch.setattr(apart, "held", held)
    table, sheet = tmp_path / "drill.json", tmp_path / "drill.csv"
    said = CliRunner().invoke(main, ["drill", "link", "--by", "karim", "--result", str(table)])
    assert said.exit_code == 0, said.output
    assert "at most 2  met" in said.output and said.output.endswith("Passed.\n")
    told = json.loads(table.read_text())
    assert (told["kind"], told["passed"], told["score"]["taken"]) == ("link", True, 21.5)
    assert [bar["name"] for bar in told["bars"]] == ["offered", "ahead", "lost"]
    failed = CliRunner().invoke(main, ["drill", "reader", "--by", "hatem", "--seed", "2", "--result", str(sheet)])
    assert failed.exit_code == 1 and "MISSED" in failed.output
    assert ["lost", "1", "0", "False"] in list(csv.reader(sheet.read_text().splitlines()))
    kept = Drill.objects.order_by("created_at").values_list("kind", "seed", "held_by", "lost")
    assert list(kept) == [("link", 1, stage.karim.id, 0), ("reader", 2, stage.hatem.id, 1)]
    assert asked == [("link", 1, Limits(), "TN"), ("reader", 2, Limits(), "TN")]
    for wrong in (["--by", "leila"], ["--by", "nobody"], ["--by", "karim", "--result", "drill.pdf"]):
        assert CliRunner().invoke(main, ["drill", "link", *wrong]).exit_code not in (0, None)
    assert Drill.objects.count() == 2


def test_who_plays_knows_nothing_of_this_instance(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither its database nor its mail server: what the process is given of the environment."""
    monkeypatch.setenv("WASL_DATABASE_URL", "postgresql://live")
    monkeypatch.setenv("WASL_SMTP_HOST", "mail")
    monkeypatch.setenv("WASL_LINE_MINUTES", "7")  # by which it goes, as by the rules
    given = apart.environment(tmp_path, "DZ")
    assert {name: value for name, value in given.items() if name.startswith("WASL_")} == {
        "WASL_DATA": str(tmp_path), "WASL_COUNTRY": "DZ", "WASL_DEMO": "1", "WASL_LINE_MINUTES": "7",
    }  # fmt: skip
