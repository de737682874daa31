"""The table at the end of `make bench`: each goal beside what was measured, and judged only at its own size."""

from pathlib import Path

import pytest

from bench.figures import Figure, note, noted
from bench.goals import GOALS, Goal, main, row

RATIO = Goal("work", "figure", 300, 3, "Orthanc")
BOUND = Goal("work", "figure", 300, 400, most=True, unit="MB")


@pytest.mark.parametrize(
    ("goal", "figure", "told"),
    [
        (RATIO, Figure("figure", 600, 300, {"Orthanc on SQLite": 200, "Orthanc on PostgreSQL": 100, "nginx": 900}),
         ("600/s (Orthanc on SQLite 200, Orthanc on PostgreSQL 100)", "3", "yes")),
        (RATIO, Figure("figure", 600, 300, {"Orthanc on SQLite": 100, "Orthanc on PostgreSQL": 240}),
         ("600/s (Orthanc on SQLite 100, Orthanc on PostgreSQL 240)", "2.5", "NO")),
        (RATIO, Figure("figure", 600, 8, {"Orthanc on SQLite": 100}),
         ("600/s (Orthanc on SQLite 100)", "6", "not at this size (8, not 300)")),
        (RATIO, Figure("figure", 600, 300, {"nginx": 900}), ("600/s", "nothing beside it", "")),
        (RATIO, None, ("not measured", "", "")),
        (BOUND, Figure("figure", 400, 300), ("400 MB", "", "yes")),
        (BOUND, Figure("figure", 401, 300), ("401 MB", "", "NO")),
    ],
)  # fmt: skip
def test_a_goal_is_met_by_the_ratio_to_the_faster(goal: Goal, figure: Figure | None, told: tuple[str, ...]) -> None:
    assert row(goal, figure)[2:] == told


def test_what_scripts_note_stands_in_the_table(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BENCH_FIGURES", str(tmp_path / "figures"))
    note("C-STORE 1", 700, size=300, others={"Orthanc on SQLite": 176.5})
    note("C-STORE 1", 800, size=300, others={"Orthanc on SQLite": 200})
    assert len(list(noted())) == 2
    main()
    head, first, *others = capsys.readouterr().out.splitlines()
    assert head.split() == ["work", "goal", "measured", "ratio", "met"]
    assert first.split()[-3:] == ["200)", "4", "yes"], "what was measured last counts"
    assert len(others) == len(GOALS) - 1
    assert all("not measured" in line for line in others)
