"""The DIMSE listener and foreign clients (DCMTK) over real sockets."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from tests import make
from tests.cast import Cast, cast
from tests.edges.dicom import client, listening, write
from wasl.archive.models import Conflict, Instance, Study

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Cast:
    monkeypatch.setattr(settings, "STORAGE", tmp_path / "store")
    stage = cast()
    make.source(stage)
    return stage


@pytest.fixture
def port(stage: Cast) -> Iterator[int]:
    with listening() as port:
        yield port


def test_echo(port: int) -> None:
    assert client("echoscu", port).code == 0


def test_a_stranger_and_a_wrong_title_are_rejected(port: int) -> None:
    unknown = client("echoscu", port, me="NOBODY")
    assert unknown.code != 0
    assert "Calling AE Title Not Recognized" in unknown.text
    wrong = client("echoscu", port, us="OTHER")
    assert wrong.code != 0
    assert "Called AE Title Not Recognized" in wrong.text


def test_images_are_stored_once(port: int, stage: Cast, tmp_path: Path) -> None:
    image = make.image(1)
    (path,) = write(tmp_path, image)
    for _ in range(2):
        said = client("storescu", port, path)
        assert said.code == 0, said
    instance = Instance.objects.get()
    assert instance.uid == image.SOPInstanceUID
    assert Study.objects.get().place_id == stage.regional
    assert [p.name for p in (tmp_path / "store").rglob("*.dcm")] == [Path(instance.path).name]
    image.PatientName = "Other^Name"
    (path,) = write(tmp_path, image)
    said = client("storescu", port, "-v", path)
    assert "Warning: CoercionOfDataElements" in said.text or "0xb000" in said.text.lower(), said
    assert Conflict.objects.get().instance == instance
    assert Study.objects.get().header_name.startswith("Ben Salah")
