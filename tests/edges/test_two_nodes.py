"""Several machines on one database, each with a folder of its own, and one bucket."""

import os
import shutil
import signal
from functools import partial
from pathlib import Path

import httpx
import pytest
from django.conf import settings
from django.db import connection
from psycopg.conninfo import make_conninfo
from pydicom import dcmread
from pydicom.uid import generate_uid

from tests import make
from tests.bucket import S3
from tests.cast import cast
from tests.edges.dicom import client
from tests.edges.dicomweb import cookies
from tests.edges.scenes import PATIENCE, Command, environment, eventually, free_port
from tests.edges.test_dimse_breaks import ROOT, Sender, answers
from wasl.archive import queries
from wasl.archive import services as archive
from wasl.archive.models import Copy, Instance, Study
from wasl.kernel.access import SYSTEM

pytestmark = pytest.mark.django_db(transaction=True)


def node(home: Path, port: int, bucket: dict[str, str]) -> dict[str, str]:
    """The environment of a machine with a folder of its own."""
    url = make_conninfo(os.environ["WASL_DATABASE_URL"], dbname=connection.settings_dict["NAME"])
    return environment(
        home, WASL_DATABASE_URL=url, WASL_DICOM_PORT=str(port), WASL_S3_BEFORE_ANSWER="1",
        WASL_SECRET_KEY=settings.SECRET_KEY, **bucket,
    )  # fmt: skip


def test_two_machines_take_one_study_and_its_readers_outlive_one_of_them(tmp_path: Path, s3: S3) -> None:
    stage, study = cast(), str(generate_uid())
    make.source(stage)
    image = make.image(1, StudyInstanceUID=study, SOPInstanceUID=f"{ROOT}.1.1", Rows=128)
    template, (first, second, web) = make.part10(image), (free_port() for _ in range(3))
    more = {"WASL_HTTP_PORT": str(web), "WASL_HTTP_WORKERS": "1", "WASL_DEMO": "1"}
    here = node(tmp_path / "second", second, s3.settings) | more
    with (
        Command("dicom", env=node(tmp_path / "first", first, s3.settings)) as killed,
        Command("dicom", env=here) as other,
        Command("serve", env=here) as door,
        httpx.Client(
            base_url=f"http://127.0.0.1:{web}/dicom-web/studies/{study}",
            cookies=cookies(stage.sami),
            timeout=PATIENCE,
        ) as reader,
    ):
        for port, command in ((first, killed), (second, other), (web, door)):
            assert eventually(partial(answers, port)), command.said
        sent, sent_here = (Sender(port, tmp_path / f"to-{port}", template, port) for port in (first, second))
        assert eventually(lambda: len(sent.acknowledged) >= 20 and len(sent_here.acknowledged) >= 20), killed.said
        assert pixels_of(reader, sent.acknowledged[0]) == image.PixelData  # lies in the other's folder
        killed.end(signal.SIGKILL)
        sent.wait()
        shutil.rmtree(tmp_path / "first")
        for uid in sent.acknowledged:
            assert pixels_of(reader, uid) == image.PixelData
        packs = Copy.objects.filter(folder=None).values("key").distinct().count()
        assert 0 < packs <= len(s3.objects())  # what was put there as it died is known to no row
        sent_here.wait()
        assert sent_here.acknowledged == sent_here.uids
        again = Sender(second, tmp_path / "again", template, first)  # what the scanner does next
        again.wait()
        assert again.acknowledged == again.uids == sent.uids
        everything = {*sent.uids, *sent_here.uids}
        told = reader.get("/instances", params={"limit": "500"}).json()
        assert {one["00080018"]["Value"][0] for one in told} == everything
        (got := tmp_path / "got").mkdir()
        said = client(
            "getscu", second, "-S", "-od", got, "-k", "QueryRetrieveLevel=STUDY", "-k", f"StudyInstanceUID={study}"
        )
        assert said.code == 0, said
        assert {str(data.SOPInstanceUID): data.PixelData for data in map(dcmread, got.iterdir())} == dict.fromkeys(
            everything, image.PixelData
        )
        row = Study.objects.get()
        assert row.instance_count == Instance.objects.count() == len(everything)
        archive.reject_images(row.id, instances=[sent.uids[0]], reason="113001", by=stage.sami)  # at a third machine
        assert eventually(lambda: pixels_of(reader, sent.uids[0]) is None)
        assert pixels_of(reader, sent.uids[1]) == image.PixelData


def pixels_of(reader: httpx.Client, uid: str) -> bytes | None:
    """The frame of an image of the study, of its one series; None where it is not given."""
    series = f"{str(reader.base_url).rstrip('/').rpartition('/')[2][:56]}.1"
    given = reader.get(f"/series/{series}/instances/{uid}/frames/1", headers={"accept": "application/octet-stream"})
    return given.content if given.status_code == 200 else None


def test_what_the_bucket_does_not_take_is_not_acknowledged(tmp_path: Path, s3: S3) -> None:
    make.source(cast())
    port = free_port()
    file = tmp_path / "image.dcm"
    file.write_bytes(make.part10(make.image(1)))
    with Command("dicom", env=node(tmp_path / "home", port, {**s3.settings, "WASL_S3_SECRET": "guessed"})) as listener:
        assert eventually(lambda: answers(port)), listener.said
        said = client("storescu", port, "-v", file)
        assert "Success" not in said.text.partition("Received Store Response")[2], said
        assert not Instance.objects.exists()
        assert not list((tmp_path / "home").rglob("*.dcm"))
        assert "guessed" not in listener.said


def test_files_received_elsewhere_are_not_thought_lost_or_swept(
    tmp_path: Path, s3: S3, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage, all_of_them = cast(), 1 << 62
    monkeypatch.setattr(settings, "STORAGE", tmp_path / "first")
    study = make.study(stage, images=2)
    archive.copy_study(study.id)
    (late,) = make.send(stage, make.image(7, StudyInstanceUID=str(generate_uid())))  # not yet copied anywhere
    monkeypatch.setattr(settings, "STORAGE", tmp_path / "second")
    archive.register_folder(name="second", by=SYSTEM)
    assert queries.folders(viewer=SYSTEM).count() == 2
    assert archive.sweep(days=None) == 0
    assert archive.scrub_folder(all_of_them).damaged == 0
    assert archive.copy_everything() == archive.Copied()  # nothing of that lies here
    assert not queries.damaged(viewer=SYSTEM)
    with queries.opened(queries.lies_at(Instance.objects.filter(series__study=study)[0].path)) as file:
        assert file.read(132)[128:] == b"DICM"
    monkeypatch.setattr(settings, "STORAGE", tmp_path / "first")
    assert archive.copy_everything().put == 1
    monkeypatch.setattr(settings, "STORAGE", tmp_path / "second")
    assert queries.path_of(late.instance, viewer=SYSTEM).is_file()


def test_two_machines_with_one_folder_have_one_mark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "STORAGE", tmp_path / "shared")
    keys = {archive.register_folder(name=name, by=SYSTEM).id for name in ("one", "two")}
    assert len(keys) == 1
    assert queries.folders(viewer=SYSTEM).get().name == "two"
