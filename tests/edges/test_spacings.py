"""A spacing of pixels that cannot be is given to nobody who looks; what came stays as it came, and is carried so."""

import io
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from pydicom import Dataset, dcmread
from pydicom.uid import generate_uid

from tests import make
from tests.archive.test_correcting import unmeasurable
from tests.cast import Cast
from tests.edges.dicom import client, receiving
from tests.edges.dicomweb import Service
from tests.edges.test_dimse_find import ask, told
from wasl.archive import services as archive
from wasl.archive.dicom import correcting, incoming
from wasl.archive.models import Conflict, Instance, Study
from wasl.archive.rules.viewing import SPACINGS, is_spacing
from wasl.edges.dicom import carrying
from wasl.edges.dicom.multipart import Reader

pytestmark = pytest.mark.django_db(transaction=True)

EXPLICIT, HTJ2K = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.4.201"
FOUND: dict[str, Any] = dict.fromkeys(["PixelSpacing", "ImagerPixelSpacing", "PerFrameFunctionalGroupsSequence"], "")


@pytest.fixture
def study(stage: Cast) -> Study:
    """One image with spacings that cannot be, at the top and in its functional groups."""
    return sent(stage, unmeasurable([0, -0.5]))


def sent(stage: Cast, data: Dataset) -> Study:
    (outcome,) = archive.receive([incoming(make.part10(data), place=stage.regional)], by=stage.sami)
    return Study.objects.get(id=outcome.study)


def stored(study: Study) -> bytes:
    row = Instance.objects.get(series__study=study)
    return (settings.STORAGE / row.path).read_bytes()


def is_given_well(data: Dataset) -> bool:
    """Whether nothing in a data set is a spacing that cannot be, and the others are there."""
    spacings = [element for element in data.iterall() if element.tag in SPACINGS]
    assert all(is_spacing(element.value) for element in spacings)
    return {element.keyword for element in spacings} == {"PixelSpacing", "ImagerPixelSpacing"}


def test_whole_files_of_the_web(stage: Cast, sami: Service, study: Study) -> None:
    """As stored, in little endian, encoded anew; in parts, alone, by ranges, by WADO-URI."""
    before = stored(study)
    row = Instance.objects.select_related("series").get(series__study=study)
    at = f"/studies/{study.uid}/series/{row.series.uid}/instances/{row.uid}"
    for syntax in ("*", EXPLICIT, HTJ2K):
        for address in (f"/studies/{study.uid}", at):
            answer = sami.get(address, f'multipart/related; type="application/dicom"; transfer-syntax={syntax}')
            boundary = answer.headers["content-type"].rpartition("boundary=")[2]
            (content,) = [b"".join(part.content) for part in Reader([answer.content], boundary).parts()]
            assert is_given_well(dcmread(io.BytesIO(content))), (syntax, address)
    whole = sami.get(at, "application/dicom")
    assert is_given_well(dcmread(io.BytesIO(whole.content)))
    assert sami.get(at, "application/dicom", range="bytes=900-1500").content == whole.content[900:1501]
    named = f"requestType=WADO&studyUID={study.uid}&seriesUID={row.series.uid}&objectUID={row.uid}"
    asked = sami.get(f"/wado?{named}&contentType=application/dicom")
    assert is_given_well(dcmread(io.BytesIO(asked.content)))
    assert stored(study) == before
    assert dcmread(io.BytesIO(before)).PixelSpacing == [0, -0.5]


def test_what_is_told_of_it(stage: Cast, sami: Service, port: int, study: Study) -> None:
    """By metadata, by a search of the web, and by C-FIND."""
    for address in ("metadata", "instances?includefield=all", "instances?includefield=00280030"):
        (found,) = sami.get(f"/studies/{study.uid}/{address}", "application/dicom+json").json()
        assert "00280030" not in found and "00189404" not in found, address
    (found,) = sami.get(f"/studies/{study.uid}/metadata", "application/dicom+json").json()
    assert is_given_well(Dataset.from_json(found, bulk_data_uri_handler=lambda *_: b""))
    series = Instance.objects.get(series__study=study).series.uid
    (data,) = told(ask(port, "IMAGE", StudyInstanceUID=study.uid, SeriesInstanceUID=series, **FOUND))
    assert data.PixelSpacing is None
    assert data.ImagerPixelSpacing == [0.2, 0.2]
    first, second = data.PerFrameFunctionalGroupsSequence
    assert first.PixelMeasuresSequence[0].PixelSpacing == [0.5, 0.5]
    assert "PixelSpacing" not in second.PixelMeasuresSequence[0]


def test_images_that_are_sent(port: int, stage: Cast, study: Study, tmp_path: Path) -> None:
    """By C-GET and by C-MOVE."""
    keys = ("-S", "-k", "QueryRetrieveLevel=STUDY", "-k", f"StudyInstanceUID={study.uid}")
    (tmp_path / "got").mkdir()
    said = client("getscu", port, "-od", tmp_path / "got", *keys)
    assert said.code == 0, said
    with receiving(tmp_path / "moved", "WORKSTATION") as theirs:
        make.source(stage, ae_title="WORKSTATION", name="Station", port=theirs)
        said = client("movescu", port, "-aem", "WORKSTATION", *keys)
        assert said.code == 0, said
    for folder in ("got", "moved"):
        (file,) = (tmp_path / folder).iterdir()
        assert is_given_well(dcmread(file)), folder


def test_what_is_carried_elsewhere_is_what_came(stage: Cast, study: Study, tmp_path: Path) -> None:
    def progress(each: Iterator[int]) -> None:
        list(each)

    counted = carrying.write_all(tmp_path / "out", progress)
    (file,) = (tmp_path / "out").rglob("*.dcm")
    assert (counted.images, counted.wrong) == (1, [])
    assert file.read_bytes() == stored(study)


@pytest.mark.parametrize("settle", ["replaced", "separated"])
def test_images_kept_aside_bring_their_flag_when_they_are_shown(stage: Cast, sami: Service, settle: str) -> None:
    """The spacings of frames are looked for in studies that have the flag alone."""
    data = unmeasurable([0.5, 0.5])
    study = sent(stage, data)
    assert study.flags == []
    data = unmeasurable([0.5, 0.5])
    data.StudyInstanceUID, data.SeriesInstanceUID = study.uid, Instance.objects.get().series.uid
    data.SOPInstanceUID = Instance.objects.get().uid
    data.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].PixelSpacing = [0, 0]
    archive.receive([incoming(make.part10(data), place=stage.regional)], by=stage.sami)
    acts: dict[str, Callable[[], object]] = {
        "replaced": partial(archive.settle_conflict, Conflict.objects.get().id, replace=True, by=stage.sami),
        "separated": partial(archive.separate_images, Conflict.objects.get().id, because="another", by=stage.sami),
    }
    acts[settle]()
    shown = Study.objects.get(id=study.id) if settle == "replaced" else Study.objects.exclude(id=study.id).get()
    assert shown.flags == ["spacing"]
    row = Instance.objects.select_related("series").get(series__study=shown)
    at = f"/studies/{shown.uid}/series/{row.series.uid}/instances/{row.uid}"
    given = dcmread(io.BytesIO(sami.get(at, "application/dicom").content))
    assert "PixelSpacing" not in given.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]


def test_images_without_the_flag_are_given_as_they_came(
    stage: Cast, sami: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Byte for byte, and without a header being written anew."""
    data = unmeasurable([0.5, 0.5])
    data.StudyInstanceUID = generate_uid()
    study = sent(stage, data)
    monkeypatch.setattr(correcting._Writer, "copied", lambda *_: pytest.fail("a header was written anew"))
    row = Instance.objects.select_related("series").get(series__study=study)
    at = f"/studies/{study.uid}/series/{row.series.uid}/instances/{row.uid}"
    assert sami.get(at, "application/dicom; transfer-syntax=*").content == stored(study)
