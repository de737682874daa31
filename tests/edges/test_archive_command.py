"""`wasl archive`: everything carried to a blank instance and found there again; damage said by an exit code."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bucket import S3, flip
from tests.edges.scenes import PATIENCE, Command, Shell, data_folder, environment, migrated_folder
from wasl.edges.cli.home import CHECKOUT
from wasl.edges.cli.postgres import Postgres

# two studies, one of them with an image that came again with other content
STORY = """
import django; django.setup()
from tests import make
from tests.cast import cast
stage = cast()
make.study(stage, images=3)
data = make.image(1)
make.send(stage, data)
make.send(stage, make.image(2, SOPInstanceUID=data.SOPInstanceUID, StudyInstanceUID=data.StudyInstanceUID))
"""


# what the night does when the rules say so, without waiting for a day
RELEASE = """
import django; django.setup()
from wasl.archive import queries, services
from wasl.kernel.access import SYSTEM
for study in queries.studies(viewer=SYSTEM):
    services.release_files(study.id, idle=0, by=SYSTEM)
"""


def script(env: dict[str, str], text: str) -> None:
    more = {"DJANGO_SETTINGS_MODULE": "wasl.settings", "PYTHONPATH": str(CHECKOUT)}
    subprocess.run([sys.executable, "-c", text], cwd=CHECKOUT, env={**env, **more}, check=True)


def run(env: dict[str, str], *words: str, code: int = 0) -> str:
    with Command(*words, env=env) as command:
        assert command.process.wait(PATIENCE) == code, command.said
    return command.said


def facts_of(said: str) -> list[str]:
    return [line for line in said.splitlines() if "studies" in line or "hash of all" in line]


@pytest.fixture(scope="module")
def source() -> Iterator[dict[str, str]]:
    with migrated_folder() as home:
        env = environment(home, WASL_DEMO="1")
        postgres = Postgres(home)
        postgres.ensure()
        script(env, STORY)
        yield env
        postgres.stop()


def test_everything_is_carried_to_a_blank_instance_and_is_the_same_there(
    source: dict[str, str], tmp_path: Path
) -> None:
    with Shell(source) as wasl:
        folder = tmp_path / "carried"
        here = is_carried(wasl, folder)
        with migrated_folder() as home:
            postgres = Postgres(home)
            postgres.ensure()
            with Shell(environment(home)) as blank:
                for _ in range(2):  # what is here already stays as it is
                    assert facts_of(blank.run("archive", "import", str(folder))) == here
                assert facts_of(blank.run("archive", "verify")) == here
                file = sorted(folder.rglob("*.dcm"))[2]
                flip(file)
                assert f"wrong: {file.relative_to(folder)}" in blank.run("archive", "verify", str(folder), code=1)
                flip(next((home / "storage").glob("*/*/*.dcm")))
                assert "wrong: " in blank.run("archive", "verify", code=1)
            postgres.stop()


def is_carried(wasl: Shell, folder: Path) -> list[str]:
    """Everything goes into the folder, once; what is there then."""
    here = facts_of(wasl.run("archive", "verify"))
    assert here[0].startswith("2 studies, 2 series, 4 images, 1 kept aside, ")
    assert facts_of(wasl.run("archive", "export", str(folder))) == here
    assert facts_of(wasl.run("archive", "verify", str(folder))) == here
    # a file that was lost and a line that was cut are written again, what is there stays
    files = sorted(folder.rglob("*.dcm"))
    kept = files[1].stat().st_ino
    files[0].unlink()
    manifest = folder / "manifest.jsonl"
    manifest.write_bytes(manifest.read_bytes()[:-9])
    assert facts_of(wasl.run("archive", "export", str(folder))) == here
    assert files[1].stat().st_ino == kept
    return here


def test_copies_tiers_and_damage_by_command(source: dict[str, str], s3: S3) -> None:
    env = {**source, **s3.settings}
    folder = Path(source["WASL_DATA"]) / "storage"
    with Shell(env) as wasl:
        assert "5 put into the bucket, 5 proven" in wasl.run("archive", "copy")
        assert "0 studies, 0.0 MB would go." in wasl.run("archive", "tiers", "--dry-run")
        key = wasl.run("archive", "rule", "after a year", "--local-days", "365").split()[-1]
        assert f"{key}  after a year: everything" in wasl.run("archive", "rules")
        wasl.run("archive", "end-rule", key)
        wasl.run("archive", "rule", "of no text", "--keep-years", "10", code=1)
        assert "0 studies must be kept" in wasl.run("archive", "terms")
        wasl.run("archive", "rule", "by law", "--keep-years", "10", "--basis", "a decree")
        assert "2 studies must be kept, 0 of them without a proven second copy" in wasl.run("archive", "terms")
        is_damaged_and_mended(wasl, folder, s3)
        whole = facts_of(wasl.run("archive", "verify"))
        script(env, RELEASE)
        assert not list(folder.glob("??????/*/*.dcm"))
        assert facts_of(wasl.run("archive", "verify")) == whole
    # a backup names what it does not hold, and what is restored from it finds it in the bucket
    with data_folder() as home:
        said = run(env, "backup", str(home / "backup"))
        assert "with 0 images." in said
        assert "5 more lie in the bucket alone" in said
        (home / "data").mkdir(mode=0o711)
        restored = {**env, "WASL_DATA": str(home / "data")}
        assert "5 images lie in the bucket" in run(restored, "restore", str(home / "backup"))
        assert facts_of(run(restored, "archive", "verify")) == whole
        Postgres(home / "data").stop()


def is_damaged_and_mended(wasl: Shell, folder: Path, s3: S3) -> None:
    """A flipped bit while the bucket is empty is said; what is right again is copied again."""
    assert "bucket: 5 copies looked at, 0 damaged." in wasl.run("archive", "scrub", "--all")
    file = next(folder.glob("*/*/*.dcm"))
    flip(file)
    for pack in s3.objects():
        pack.unlink()
    # the other four are put there anew, this one is nowhere
    assert f"damaged: {file.relative_to(folder)} in the bucket" in wasl.run("archive", "scrub", "--all", code=1)
    assert wasl.run("archive", "verify", code=1).count("wrong: ") == 1
    (folder / "damaged" / file.name).rename(file)
    flip(file)
    wasl.run("archive", "scrub", "--all")


def test_a_folder_that_is_no_export_is_refused(source: dict[str, str], tmp_path: Path) -> None:
    with Shell(source) as wasl:
        for words in (("import", str(tmp_path)), ("verify", str(tmp_path))):
            said = wasl.run("archive", *words, code=1)
            assert "is not an export" in said
            assert "Traceback" not in said
