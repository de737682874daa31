"""`wasl planning`, and the clock's jobs: counted again, published once, written in every form."""

from contextlib import nullcontext
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.cast import Cast, cast
from tests.planning.told import MONTH, hear, story
from wasl.edges.cli import planning as command
from wasl.planning import listeners
from wasl.planning.models import Case, Figure, Month, Release
from wasl.planning.services import papers
from wasl.radiology import services as radiology

pytestmark = pytest.mark.django_db


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Cast:
    """Six exams, and papers that are quickly made."""
    monkeypatch.setattr(papers, "page", lambda *_, language: b"%PDF-" + language.encode())
    monkeypatch.setattr(radiology, "seal", lambda pdf, **_: pdf)
    monkeypatch.setattr(command, "instance", nullcontext)
    stage = cast()
    for number in range(6):
        story(stage.regional, [5, 10, 20 + number])
    hear()
    return stage


def test_the_clock_counts_and_publishes(stage: Cast) -> None:
    listeners.count_months(timestamp=0)
    assert Month.objects.get().month == MONTH and not Case.objects.filter(counted=False).exists()
    before = Figure.objects.count()
    listeners.count_again(timestamp=0)
    assert Figure.objects.count() == before
    for _ in range(2):
        listeners.release_months(timestamp=0)
    assert Release.objects.get().month == MONTH


def test_a_month_is_written_in_every_form(stage: Cast, tmp_path: Path) -> None:
    run = CliRunner()
    for _ in range(2):
        done = run.invoke(command.planning, ["report", "--month", "2026-09", "--into", str(tmp_path / "out")])
        assert done.exit_code == 0, done.output
    assert Release.objects.count() == 1, "nothing came in since"
    written = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    name = "wasl-evaluation-2026-09"
    assert set(written) == {
        f"{name}-ar.pdf", f"{name}-fr.pdf", f"{name}.csv", f"{name}.json", "wasl-events-2026-09.log",
    }  # fmt: skip
    assert written[f"{name}-ar.pdf"] == b"%PDF-ar"
    assert b'"resourceType": "MeasureReport"' in written[f"{name}.json"]
    assert written["wasl-events-2026-09.log"].count(b"SOLE101") == 6
    assert len(written[f"{name}.csv"].splitlines()) == 1 + len(Release.objects.get().figures)


def test_what_is_wrong_is_said(stage: Cast, tmp_path: Path) -> None:
    run = CliRunner()
    for month in ("soon", "2026-13"):
        assert run.invoke(command.planning, ["report", "--month", month]).exit_code == 2
    empty = run.invoke(command.planning, ["report", "--month", "2020-01", "--into", str(tmp_path / "none")])
    assert empty.exit_code == 1 and not (tmp_path / "none").exists()


def test_rebuild_says_what_it_did(stage: Cast) -> None:
    done = CliRunner().invoke(command.planning, ["rebuild"])
    assert done.output == "6 cases noted, 1 months counted.\n"
