"""A reconciled archive carried to other instances: filed, hidden, settled and matched there as it is here."""

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from django.db import connection
from psycopg import sql
from pydicom.uid import generate_uid

from tests import make
from tests.bucket import flip
from tests.cast import Cast
from tests.edges.scenes import Shell, environment, migrated_folder
from tests.edges.test_archive_command import script
from tests.hear import hear
from wasl.archive import listeners, queries
from wasl.archive import services as archive
from wasl.archive.models import Conflict, Instance, Regrouping, Series, Study
from wasl.edges.cli.home import CHECKOUT
from wasl.edges.cli.postgres import Postgres
from wasl.edges.dicom import carrying
from wasl.kernel.access import SYSTEM

pytestmark = pytest.mark.django_db(transaction=True)

# what must be the same in both, asked of the tables themselves
STATE = {
    "images": """select t.uid, e.uid, e.modality, e.description, i.uid, i.rejected, encode(i.sha256, 'hex'), i.size,
        i.transfer_syntax, i.frames, i.pixel_offset, i.number, md5(i.metadata::text)
        from archive_instance i join archive_series e on e.id = i.series_id
        join archive_study t on t.id = e.study_id""",
    "aside": """select i.uid, encode(c.sha256, 'hex'), c.settled_at is null, c.settled_by, c.replaced, s.uid
        from archive_conflict c join archive_instance i on i.id = c.instance_id
        left join archive_instance s on s.id = c.separated_id""",
    "notes": """select r.uid, t.uid, r.reason, array(select unnest(r.instances) order by 1), r.hidden, r.by,
        r.restored_by, r.restored_at is null from archive_rejection r join archive_study t on t.id = r.study_id""",
    "remade": """select i.uid, encode(r.original_sha256, 'hex'), r.original_transfer_syntax, r.original_size,
        encode(r.sha256, 'hex'), r.transfer_syntax, r.codec
        from archive_transcoding r join archive_instance i on i.id = r.instance_id""",
    "moves": """select e.uid, a.uid, b.uid, r.from_uid, f.uid, r.turn, r.act::text, r.by, r.because, r.flags,
        array(select uid from archive_instance where id = any(r.instances) order by 1)
        from archive_regrouping r join archive_series e on e.id = r.series_id
        join archive_study a on a.id = r.from_study_id join archive_study b on b.id = r.to_study_id
        left join archive_series f on f.id = r.from_series_id""",
    "studies": """select t.uid, h.code, p.number, m.because, t.header_id, t.header_name, t.description, t.series_count,
        t.instance_count, t.size, t.rejected_count, t.standing, t.flags, t.modalities, t.complete_by
        from archive_study t left join places_place h on h.id = t.place_id
        left join patients_patient p on p.id = t.patient_id
        left join archive_match m on m.study_id = t.id and m.undone_at is null
        where t.instance_count + t.rejected_count > 0""",
}
# another instance of the same country: it knows the hospitals, and the patient by her number
STAGE = """
import django; django.setup()
from tests import make
from tests.cast import cast
from wasl.patients.models import Patient
stage = cast()
Patient.objects.filter(id=make.patient(stage).id).update(number="{number}")
"""
# dies in the middle: after so many batches were committed, or when so many studies were looked after
DEATH = """
import django, os, signal, sys; django.setup()
from pathlib import Path
from wasl.edges.dicom import carrying
carrying.BATCH, name, left = 4, sys.argv[2], [int(sys.argv[3])]
act = getattr(carrying.services, name)
def dying(*args, **values):
    done = act(*args, **values)
    left[0] -= 1
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
    return done
setattr(carrying.services, name, dying)
carrying.take_all(Path(sys.argv[1]), list)
"""


@dataclass
class Instanced:
    """Another instance: its environment and its database."""

    env: dict[str, str]
    dsn: str

    def state(self) -> dict[str, list[str]]:
        """What its tables say."""
        with psycopg.connect(self.dsn) as asked:
            return {name: sorted(map(str, asked.execute(query.encode()).fetchall())) for name, query in STATE.items()}


def unseen(numbers: Iterator[int]) -> None:
    """Go through all that is done, and tell nobody."""
    for _ in numbers:
        pass


def state_here() -> dict[str, list[str]]:
    """What the tables of the tests' database say."""
    found = {}
    with connection.cursor() as cursor:
        for name, query in STATE.items():
            cursor.execute(query)
            found[name] = sorted(map(str, cursor.fetchall()))
    return found


@pytest.fixture
def reconciled(stage: Cast, monkeypatch: pytest.MonkeyPatch) -> str:
    """An archive in which all was done that people do; the number of its patient."""
    patient = make.patient(stage)
    monkeypatch.setattr(make, "image", partial(make.image, PatientName="X^X"))  # people say whose the images are
    first = make.study(stage)
    archive.match_study(first.id, patient=patient.id, because="The number on the card.", by=stage.sami)
    moved_into(stage, first)
    split(stage)
    separated(stage)
    taken_back(stage)
    aside(stage)
    encoded(stage, monkeypatch)
    archive.complete_study(first.id, how="expected", by=SYSTEM)
    hear()
    return patient.number


def two_series(stage: Cast) -> tuple[Study, Series, list[str]]:
    """A study of two series, its second series, and the UIDs of the images in that."""
    uid = str(generate_uid())
    second = [make.image(n, StudyInstanceUID=uid, SeriesInstanceUID=f"{uid[:56]}.2", SeriesNumber=2) for n in (1, 2)]
    outcomes = make.send(stage, *(make.image(n, StudyInstanceUID=uid) for n in (1, 2)), *second)
    study = queries.study(outcomes[0].study, viewer=SYSTEM)
    return study, Series.objects.get(study=study, number=2), [str(image.SOPInstanceUID) for image in second]


def moved_into(stage: Cast, target: Study) -> None:
    """A series of another study is the target's, and one of its images was taken back before."""
    study, second, uids = two_series(stage)
    archive.reject_images(study.id, reason="113001", instances=uids[:1], by=stage.sami)
    hear()
    archive.move_images(study.id, series=[second.id], into=target.id, because="Made on one day.", by=stage.sami)


def split(stage: Cast) -> None:
    """A series, and single images, are exams of their own."""
    study, second, _ = two_series(stage)
    archive.move_images(study.id, series=[second.id], because="Another exam.", by=stage.sami)
    more = make.study(stage)
    image = Instance.objects.filter(series__study=more).order_by("number").first()
    assert image is not None
    archive.move_images(more.id, instances=[image.id], because="Another knee.", by=stage.sami)


def separated(stage: Cast) -> None:
    """Another patient's image came under known UIDs, and is an exam of its own."""
    (known,) = (data := make.image(1),)
    make.send(stage, known)
    make.send(stage, make.image(1, StudyInstanceUID=data.StudyInstanceUID, SOPInstanceUID=data.SOPInstanceUID,
                                PatientID="ANOTHER"))  # fmt: skip
    conflict = Conflict.objects.get(separated=None, settled_at=None)
    archive.separate_images(conflict.id, because="Same UIDs, another patient.", by=stage.sami)


def taken_back(stage: Cast) -> None:
    """Images taken back by people and by a machine; some were put back, one by one note of two."""
    study = make.study(stage, images=4)
    uids = sorted(Instance.objects.filter(series__study=study).values_list("uid", flat=True))
    make.send(stage, make.rejection_note(study, uids[0]))
    lifted = archive.reject_images(study.id, reason="113037", instances=uids[1:3], by=stage.sami)
    hear()
    archive.restore_images(lifted.id, by=stage.sami)
    archive.reject_images(study.id, reason="113001", instances=uids[2:3], by=stage.sami)


def aside(stage: Cast) -> None:
    """Images that came with other content: one waits for a person, of the other two one takes the first's place."""
    images = [make.image(n) for n in range(3)]
    make.send(stage, *images)
    for data in images:
        data.PatientSex = "M"
        make.send(stage, data)
    for image, replace in zip(images[1:], (True, False), strict=True):
        conflict = Conflict.objects.get(instance__uid=str(image.SOPInstanceUID))
        archive.settle_conflict(conflict.id, replace=replace, by=stage.sami)


def encoded(stage: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """A study is kept as HTJ2K."""
    study = make.study(stage, images=2)
    with monkeypatch.context() as patched:
        patched.setattr(settings, "KEEPING", "htj2k")
        listeners.transcode_study(study=str(study.id))


@pytest.fixture
def others(reconciled: str) -> Iterator[tuple[Instanced, Instanced]]:
    """Two other instances, one copied from the other while it held no image."""
    with migrated_folder() as home:
        postgres = Postgres(home)
        postgres.ensure()
        env = environment(home, WASL_DEMO="1")
        script(env, STAGE.format(number=reconciled))
        with psycopg.connect(postgres.dsn, autocommit=True, dbname="postgres") as asked:
            (name,) = (psycopg.conninfo.conninfo_to_dict(postgres.dsn)["dbname"],)
            asked.execute(sql.SQL("create database second template {}").format(sql.Identifier(str(name))))
        second = psycopg.conninfo.make_conninfo(postgres.dsn, dbname="second")
        more = {"WASL_DATABASE_URL": second, "WASL_STORAGE": str(home / "second")}
        yield Instanced(env, postgres.dsn), Instanced({**env, **more}, second)
        postgres.stop()


def dies(other: Instanced, folder: Path, act: str, times: int) -> None:
    """An import is killed in the middle."""
    env = {**other.env, "DJANGO_SETTINGS_MODULE": "wasl.settings"}
    words = [sys.executable, "-c", DEATH, str(folder), act, str(times)]
    assert subprocess.run(words, cwd=CHECKOUT, env=env).returncode == -signal.SIGKILL


def some_of_it(folder: Path, old: Path) -> None:
    """An export as it was made before what is said of images was written: of a few studies, one with a separation."""
    old.mkdir()
    apart = Conflict.objects.filter(separated__isnull=False).values("instance__series__study")
    moved = Regrouping.objects.values("to_study")
    studies = {*Study.objects.filter(id__in=apart).values_list("uid", flat=True),
               *Study.objects.filter(id__in=moved, patient=None).values_list("uid", flat=True)}  # fmt: skip
    lines = []
    for text in (folder / "manifest.jsonl").read_text().splitlines():
        line = {name: json.loads(text)[name] for name in ("file", "uid", "place", "size", "sha256", "aside")}
        if line["file"].split("/")[0] in studies:
            lines.append(json.dumps(line))
            (old / line["file"]).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(folder / line["file"], old / line["file"])
    (old / "manifest.jsonl").write_text("\n".join(lines) + "\n")


def test_a_reconciled_archive_is_the_same_elsewhere(others: tuple[Instanced, Instanced], tmp_path: Path) -> None:
    folder, (blank, partial) = tmp_path / "carried", others
    said = f"{carrying.write_all(folder, unseen)}"
    assert said == f"{carrying.count_here()}" == f"{carrying.count_folder(folder)}"
    assert "wrong" not in said
    here = state_here()
    assert all(here.values())
    dies(blank, folder, "receive", 3)
    dies(blank, folder, "end_carried", 3)
    some_of_it(folder, tmp_path / "old")
    with Shell(partial.env) as wasl:
        assert "wrong" not in wasl.run("archive", "import", str(tmp_path / "old"))
        nobody_is_matched(wasl, folder, partial)
    with Shell(partial.env) as wasl:  # for the third time: what is here already stays as it is
        assert said in wasl.run("archive", "import", str(folder))
    with Shell(blank.env) as wasl:
        assert said in wasl.run("archive", "import", str(folder))
        assert said in wasl.run("archive", "verify")
    for other in others:
        assert other.state() == here
    is_found(folder, blank)


def nobody_is_matched(wasl: Shell, folder: Path, other: Instanced) -> None:
    """Where the number is another person's, the study is left unmatched, and named."""
    matched = Study.objects.get(patient__isnull=False).uid
    with psycopg.connect(other.dsn) as asked:
        asked.execute("update patients_patient set birth_date = birth_date + 1")
    assert f"left unmatched: {matched}" in wasl.run("archive", "import", str(folder))
    told = wasl.run("archive", "verify", str(folder), "--here", code=1)
    assert [line for line in told.splitlines() if "differs" in line] == [f"differs: {matched} (otherwise here)"]
    with psycopg.connect(other.dsn) as asked:
        asked.execute("update patients_patient set birth_date = birth_date - 1")


def is_found(folder: Path, other: Instanced) -> None:
    """Whatever is not as it was is named: in the folder, and in what was taken in."""
    lines = [json.loads(text) for text in (folder / "manifest.jsonl").read_text().splitlines()]
    flipped, gone, struck, otherwise = (line["file"] for line in lines[:4])
    flip(folder / flipped)
    (folder / gone).unlink()
    (folder / struck).unlink()
    with psycopg.connect(other.dsn) as asked:
        asked.execute("update archive_instance set rejected = not rejected where uid = %s", [lines[3]["uid"]])
    kept = "".join(json.dumps(line) + "\n" for line in lines if line["file"] != struck)
    (folder / "manifest.jsonl").write_text(kept)
    with Shell(other.env) as wasl:
        for words in (("import",), ("verify", "--here")):
            told = wasl.run("archive", *words, str(folder), code=1)
            assert f"wrong: {flipped}\n" in told
            assert f"wrong: {gone}\n" in told
            assert f"wrong: {struck.split('/')[0]} (" in told
        assert f"differs: {otherwise} (otherwise here)" in told


def test_an_export_that_goes_on_says_what_is_so_now(reconciled: str, stage: Cast, tmp_path: Path) -> None:
    folder = tmp_path / "carried"
    before = carrying.write_all(folder, unseen)
    files = {file: file.stat().st_ino for file in folder.glob("*/*/*.dcm")}
    act = Regrouping.objects.filter(from_series=None, to_study__patient=None).values_list("act", flat=True).first()
    assert act
    archive.undo_regrouping(act, by=stage.sami)
    after = carrying.write_all(folder, unseen)
    assert f"{after}" == f"{carrying.count_folder(folder)}" == f"{carrying.count_here()}"
    assert (after.total, len(after.wrong)) == (before.total, 0)
    assert after.said != before.said
    left = {file: file.stat().st_ino for file in folder.glob("*/*/*.dcm")}
    assert len(left) == len(files), "what is elsewhere now is not there twice"
    assert len(set(left.items()) & set(files.items())) == len(files) - 2
