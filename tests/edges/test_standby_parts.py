"""What a copy that follows is made of: files taken along once and whole, points, and what the doctor says."""

import datetime
import json
from pathlib import Path
from uuid import UUID

import click
import pytest

from wasl.edges.cli.doctor_standby import standby_findings
from wasl.edges.cli.standby import follow
from wasl.edges.cli.standby_folder import STATUS, Generation, Point, generations
from wasl.edges.cli.standby_images import Images, follow_keys
from wasl.edges.cli.standby_restore import _choose
from wasl.kernel.models import uuid7

NOON = datetime.datetime(2026, 11, 27, 12, tzinfo=datetime.UTC)
OLD = UUID(int=1 << 120 | 7 << 76)  # of years ago


def never() -> bool:
    return False


def put(store: Path, key: UUID, words: bytes = b"image") -> Path:
    """A file in a store, as reception names it."""
    path = store / key.hex[:6] / key.hex[6:8] / f"{key.hex}.dcm"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(words)
    return path


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_files_are_taken_along_as_they_come(tmp_path: Path) -> None:
    store, copy = tmp_path / "store", tmp_path / "copy"
    put(store, OLD)
    put(store, uuid7())
    (store / "folder.id").write_text("here")
    for left in ("arriving", "recalled"):
        (store / left).mkdir()
        (store / left / "draft").touch()
    images = Images(store, copy)
    assert images.follow(never)
    taken = {name for name in files(store) if not name.startswith(("arriving", "recalled"))}
    assert files(copy) == taken

    new, former = put(store, uuid7(), b"new"), put(store, uuid7(), b"former")
    assert not images.follow(lambda: True)  # asked to stop: not all is there
    assert images.follow(never)
    assert (copy / new.relative_to(store)).read_bytes() == b"new"
    former.unlink()
    assert images.follow(never)
    assert (copy / former.relative_to(store)).exists()  # one may go back to when it was there
    assert (copy / new.relative_to(store)).stat().st_mode & 0o077 == 0

    (copy / new.relative_to(store)).unlink()
    half = copy / new.relative_to(store).with_name(f".{new.name}.part")
    half.write_bytes(b"n")  # cut short by a kill
    assert Images(store, copy).follow(never)
    assert files(copy) == taken | {str(path.relative_to(store)) for path in (new, former)}


def test_keys_follow_their_renewal(tmp_path: Path) -> None:
    home, copy = tmp_path / "home", tmp_path / "keys"
    home.mkdir()
    (home / "door.pem").write_text("first")
    (home / "other.txt").touch()
    follow_keys(home, copy)
    (home / "door.pem").write_text("second")
    follow_keys(home, copy)
    assert files(copy) == {"door.pem"}
    assert (copy / "door.pem").read_text() == "second"


def whole(folder: Path, number: int, began: int, until: int) -> None:
    generation = Generation(folder / f"{number:04d}")
    generation.folder.mkdir()
    hour = datetime.timedelta(hours=1)
    generation.reach(Point(NOON + began * hour, NOON + until * hour, f"0/{number}000000"))


def test_the_newest_generation_that_holds_a_moment(tmp_path: Path) -> None:
    with pytest.raises(click.ClickException, match="not yet whole"):
        _choose(tmp_path, None)
    whole(tmp_path, 1, 0, 5)
    whole(tmp_path, 2, 4, 6)
    whole(tmp_path, 3, 8, 9)
    (tmp_path / "0004").mkdir()  # begun
    assert len(generations(tmp_path)) == 4
    chosen = {hours: _choose(tmp_path, NOON + datetime.timedelta(hours=hours))[0].number for hours in (0, 3, 4, 6, 9)}
    assert chosen == {0: 1, 3: 1, 4: 2, 6: 2, 9: 3}
    assert _choose(tmp_path, None)[0].number == 3
    for hours in (-1, 7, 10):
        with pytest.raises(click.ClickException, match="does not hold"):
            _choose(tmp_path, NOON + datetime.timedelta(hours=hours))


def test_a_folder_that_is_no_place_for_a_copy(tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full/letter").touch()
    with pytest.raises(click.ClickException, match="another disk"):
        follow(tmp_path, tmp_path / "inside", hold=4, days=7)
    with pytest.raises(click.ClickException, match="no copy that follows"):
        follow(tmp_path / "home", tmp_path / "full", hold=4, days=7)
    assert files(tmp_path) == {"full/letter"}


def test_the_doctor_misses_a_copy(tmp_path: Path) -> None:
    (none,) = standby_findings(tmp_path, NOON)
    assert not none.mend
    (tmp_path / STATUS).mkdir()
    said = {"folder": "/copies/one", "until": NOON.isoformat(), "behind": 0.5}
    (tmp_path / STATUS / "abcd.json").write_text(json.dumps(said))
    (well,) = standby_findings(tmp_path, NOON + datetime.timedelta(seconds=30))
    assert not well.mend
    (late,) = standby_findings(tmp_path, NOON + datetime.timedelta(minutes=6))
    assert "--follow /copies/one" in late.mend
