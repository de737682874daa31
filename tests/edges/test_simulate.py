"""What the rule does with a month, on simulated time: quicker than first come first served, as fair, nobody starves."""

import datetime
import itertools
import json
from collections.abc import Hashable
from contextlib import nullcontext
from pathlib import Path

import pytest
from click.testing import CliRunner
from django.conf import settings
from django.utils import timezone

from tests import make
from tests.cast import cast
from wasl.edges.cli.main import main
from wasl.edges.cli.simulate.replay import (
    MINUTE,
    Lived,
    Month,
    by_rule,
    first_come,
    live,
    most_urgent,
    quantile,
)
from wasl.edges.cli.simulate.synthetic import synthetic
from wasl.radiology.queries.dispatch import Case, Reader, Weights


@pytest.fixture(autouse=True)
def store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(settings, "STORAGE", tmp_path / "store")


NOW = datetime.datetime(2026, 11, 30, 23, 30, tzinfo=datetime.UTC)
HOUR = datetime.timedelta(hours=1)


def case(name: str, at: int, *, due: int = 60, urgency: str = "P3", points: float = 10) -> tuple[Case, float]:
    """A case that comes so many minutes from now and takes as many as its points."""
    opened = NOW + at * MINUTE
    return Case(name, "R", "CT", urgency, points, opened, opened + due * MINUTE), points


def month(*cases: tuple[Case, float], hours: int = 8, readers: int = 1) -> Month:
    staff: dict[Hashable, Reader] = {
        number: Reader(id=number, serves=frozenset({("R", "CT")})) for number in range(readers)
    }
    return Month(cases, staff, [(key, NOW, NOW + hours * HOUR) for key in staff])


def order(lived: Lived) -> list[object]:
    return [found.id for found, _ in lived.turnaround]


THREE = (case("a", 0), case("b", 1), case("c", 2, urgency="P0", due=30))


def test_rules_read_in_their_order() -> None:
    assert order(live(month(*THREE), first_come)) == ["a", "b", "c"]
    assert order(live(month(*THREE), most_urgent)) == ["a", "c", "b"]
    assert order(live(month(*THREE), by_rule(Weights(horizon=120)))) == ["a", "c", "b"]


def test_turnaround_loads_and_what_stays_unread() -> None:
    lived = live(month(*THREE, case("night", 9 * 60)), first_come)
    assert [minutes for _, minutes in lived.turnaround] == [10, 19, 28]
    assert (lived.unread, lived.late(), lived.late("P0"), lived.loads) == (1, 0, 0, [30 / 8])
    assert (quantile(lived.minutes(), 0.5), quantile(lived.minutes("P0"), 0.9)) == (19, 28)


@pytest.mark.parametrize(("loads", "gini"), [([3, 3, 3], 0), ([0, 0, 6], 2 / 3), ([1, 3], 0.25), ([0, 0], 0)])
def test_how_unequal_loads_are(loads: list[float], gini: float) -> None:
    assert Lived([], 0, loads, 0).gini == pytest.approx(gini)


def test_who_starves_is_counted() -> None:
    old = [case("old", 0, due=15)]
    young = [case(f"young{at}", at, due=9000) for at in range(0, 60, 10)]

    def last_come(cases: list[Case], readers: list[Reader], now: datetime.datetime) -> tuple[Case, object] | None:
        free = next((reader for reader in readers if reader.asking), None)
        return (max(cases, key=lambda case: case.due_at), free.id) if free else None

    assert live(month(*old, *young), last_come).starved == 1  # type: ignore[arg-type]
    assert live(month(*old, *young), first_come).starved == 0


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_rule_is_quicker_than_first_come_as_fair_and_starves_nobody(seed: int) -> None:
    made = synthetic(seed, days=7)
    assert 0.75 < made.load < 0.9
    before, ours = live(made, first_come), live(made, by_rule(Weights()))
    assert quantile(ours.minutes(), 0.9) <= 0.8 * quantile(before.minutes(), 0.9)
    assert quantile(ours.minutes(), 0.5) < quantile(before.minutes(), 0.5)
    for urgency in ("P0", "P1", "P2"):
        assert ours.late(urgency) <= before.late(urgency)
    assert ours.gini <= 0.15
    assert (ours.starved, ours.late("P3")) == (0, before.late("P3"))


def test_a_seed_is_one_month() -> None:
    one, same, other = (synthetic(seed, days=2) for seed in (4, 4, 5))
    assert (one.cases, one.duties) == (same.cases, same.duties) != (other.cases, other.duties)
    assert live(one, by_rule(Weights())) == live(same, by_rule(Weights()))
    for key in one.readers:
        mine = sorted((start, end) for who, start, end in one.duties if who == key)
        assert all(end <= start for (_, end), (start, _) in itertools.pairwise(mine)), "nobody is in two places"


def test_the_command(tmp_path: Path) -> None:
    rule = tmp_path / "rule.json"
    rule.write_text(json.dumps({"give_way": 0}))
    for name in (str(rule), "urgency", "built-in"):
        said = CliRunner().invoke(main, ["simulate", "dispatch", "--rule", name, "--days", "1", "--readers", "6"])
        assert said.exit_code == 0, said.output
        lines = said.output.splitlines()
        assert lines[1].split() == [
            "rule", "class", "cases", "p50", "min", "p90", "min", "late", "longest", "starved", "gini"]  # fmt: skip
        assert [line.split()[0] for line in lines if line.split()[1:2] == ["all"]] == ["fifo", Path(name).stem]
    rule.write_text('{"speed": 1}')
    for wrong in (["--rule", str(rule)], ["--rule", "nowhere.json"], ["--month", "October"]):
        assert CliRunner().invoke(main, ["simulate", "dispatch", *wrong]).exit_code != 0


@pytest.mark.django_db
def test_the_command_over_a_real_month(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wasl.edges.cli.simulate.instance", nullcontext)
    month = f"{timezone.localdate():%Y-%m}"

    def said(*options: str) -> str:
        return CliRunner().invoke(main, ["simulate", "dispatch", "--month", month, *options]).output

    assert "No case was opened in that month." in said()
    make.reading(cast())
    assert "No roster was published for that month" in said()
    assert said("--readers", "4", "--rule", "published").startswith("1 cases, 4 readers")
