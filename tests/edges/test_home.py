"""Where data live, and the secrets among them."""

import os
import stat
import threading
from pathlib import Path

import pytest

from tests.edges.scenes import data_folder
from wasl.edges.cli import home as subject


@pytest.fixture
def checkout(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A checkout below pytest's folder, which is closed to other accounts."""
    monkeypatch.setattr(subject, "CHECKOUT", tmp_path)
    monkeypatch.delenv("WASL_DATA", raising=False)
    tmp_path.joinpath("pyproject.toml").touch()
    return tmp_path


def account(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: number)


def test_the_setting_wins(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WASL_DATA", "/srv/wasl")
    assert subject.data_home() == Path("/srv/wasl")


def test_an_ordinary_account_keeps_data_in_its_checkout(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    account(monkeypatch, 1000)
    assert subject.data_home() == checkout / ".wasl"


def test_root_keeps_data_in_a_checkout_that_others_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    account(monkeypatch, 0)
    with data_folder() as open_folder:
        open_folder.joinpath("pyproject.toml").touch()
        monkeypatch.setattr(subject, "CHECKOUT", open_folder)
        assert subject.place_for(".wasl") == open_folder / ".wasl"


def test_root_keeps_data_of_a_closed_checkout_apart(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    account(monkeypatch, 0)
    checkout.chmod(0o700)
    place = subject.data_home()
    assert place.is_relative_to(subject.SYSTEM_STATE)
    other = checkout / checkout.name
    other.mkdir()
    other.joinpath("pyproject.toml").touch()
    monkeypatch.setattr(subject, "CHECKOUT", other)
    assert subject.data_home() != place


def test_an_installed_wheel_keeps_data_in_a_state_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(subject, "CHECKOUT", tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", "/home/someone/state")
    account(monkeypatch, 1000)
    assert subject.place_for(".wasl") == Path("/home/someone/state/wasl")
    account(monkeypatch, 0)
    assert subject.place_for(".wasl") == subject.SYSTEM_STATE / "wasl"


def test_a_home_is_closed_but_for_the_server_of_root(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for number, mode in ((1000, 0o700), (0, 0o711)):
        account(monkeypatch, number)
        subject.make_home(tmp_path / str(number))
        assert stat.S_IMODE((tmp_path / str(number)).stat().st_mode) == mode


def test_a_secret_is_made_once_and_closed(tmp_path: Path) -> None:
    found: list[str] = []
    makers = [threading.Thread(target=lambda: found.append(subject.secret(tmp_path, "pg"))) for _ in range(8)]
    for maker in makers:
        maker.start()
    for maker in makers:
        maker.join()
    assert len(found) == 8
    assert len(set(found)) == 1
    assert len(found[0]) >= 40
    assert stat.S_IMODE((tmp_path / "pg.secret").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["pg.secret"]


def test_a_given_secret_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WASL_SECRET_KEY", "given")
    assert subject.secret(tmp_path, "django") == "given"
    assert not list(tmp_path.iterdir())


def test_a_given_database_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WASL_DATABASE_URL", "postgresql://elsewhere/wasl")
    assert subject.database_url(tmp_path) == "postgresql://elsewhere/wasl"
