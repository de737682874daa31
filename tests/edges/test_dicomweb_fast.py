"""The quick way to a frame: the same bytes as the service's own, found in one read, to those who may see them."""

import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset, dcmread
from pydicom.encaps import encapsulate, generate_frames
from pydicom.pixels.utils import pixel_array
from pydicom.uid import JPEG2000Lossless
from starlette.types import Send

from tests import make
from tests.cast import Cast, cast
from tests.edges.dicomweb import Service, arrive, forget, image
from tests.edges.test_dicomweb_wado import FRAMES, at, parts
from tests.hear import hear
from wasl.archive import services as archive
from wasl.archive.dicom import incoming
from wasl.archive.models import Conflict, Instance, SeriesMetadata, Study
from wasl.edges import gate
from wasl.edges.dicom import fast
from wasl.kernel.access import SYSTEM
from wasl.patients.models import Patient

pytestmark = pytest.mark.django_db(transaction=True)

ALONE = "application/octet-stream; transfer-syntax=*"


@pytest.fixture
def stage(store: Path) -> Cast:
    return cast()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Which requests were answered the quick way."""
    answered: list[bool] = []
    answer = fast.answer

    async def watched(scope: gate.Scope, send: Send) -> bool:
        answered.append(await answer(scope, send))
        return answered[-1]

    monkeypatch.setattr(fast, "answer", watched)
    return answered


@pytest.mark.parametrize(
    "name",
    ["693_UNCI.dcm", "693_J2KR.dcm", "emri_small_RLE.dcm", "emri_small.dcm", "US1_J2KR.dcm", "MR_small.dcm"],
)
def test_the_quick_way_gives_what_the_other_gives(
    stage: Cast, sami: Service, quick: list[bool], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = arrive(name, by=stage.sami, place=stage.regional)
    count = max(Instance.objects.get().frames, 1)
    addresses = [f"{at(study)}/frames/{number}" for number in {1, count // 2 + 1, count}]
    for accept in (FRAMES, ALONE):
        ours = [sami.get(address, accept) for address in addresses]
        assert len(quick) == len(addresses) and all(quick)
        with monkeypatch.context() as patch:
            patch.setattr(fast, "ADDRESS", re.compile("nothing"))
            theirs = [sami.get(address, accept) for address in addresses]
        quick.clear()
        for one, other in zip(ours, theirs, strict=True):
            assert one.status_code == other.status_code == 200
            if accept == ALONE:
                assert one.content == other.content
                assert one.headers["content-type"] == other.headers["content-type"]
            else:
                assert parts(one) == parts(other)


def test_a_frame_of_several_fragments(stage: Cast, sami: Service, quick: list[bool]) -> None:
    """Half a frame in each fragment, with an offset table and without: the frames are put together."""
    data = dcmread(io.BytesIO(image("emri_small_jpeg_2k_lossless.dcm")))
    frames = pixel_array(data)[:3]
    stored = list(generate_frames(data.PixelData, number_of_frames=10))[:3]
    for has_table in (True, False):
        made = make.image(
            Rows=data.Rows, Columns=data.Columns, NumberOfFrames=3, BitsStored=data.BitsStored, HighBit=data.HighBit,
            PixelRepresentation=0,
        )  # fmt: skip
        made.PixelData = encapsulate(stored, fragments_per_frame=2, has_bot=has_table)
        made["PixelData"].VR = "OB"
        made["PixelData"].is_undefined_length = True
        (outcome,) = archive.receive(
            [incoming(make.part10(made, JPEG2000Lossless), place=stage.regional)], by=stage.sami
        )
        address = at(Study.objects.get(id=outcome.study))
        for number in (1, 2, 3):
            ((_, found),) = parts(sami.get(f"{address}/frames/{number}", FRAMES))
            assert found.rstrip(b"\0") == stored[number - 1].rstrip(b"\0"), (has_table, number)
        assert quick == [True] * 3
        quick.clear()
        plain = sami.get(f"{address}/frames/3", "application/octet-stream")
        assert plain.content == np.ascontiguousarray(frames[2]).tobytes()
        quick.clear()


def test_ranges_and_what_is_known_already(stage: Cast, sami: Service, quick: list[bool]) -> None:
    study = make.study(stage, images=2)
    frame = f"{at(study)}/frames/1"
    whole = sami.get(frame, ALONE)
    size, tag = len(whole.content), whole.headers["etag"]
    for asked, status, content in (
        ("bytes=0-9", 206, whole.content[:10]), ("bytes=-4", 206, whole.content[-4:]),
        (f"bytes={size - 2}-{size * 3}", 206, whole.content[-2:]), (f"bytes={size}-", 416, b""),
        ("bytes=5-2", 416, b""), ("pages=1-2", 200, whole.content), ("bytes=-", 200, whole.content),
    ):  # fmt: skip
        answer = sami.get(frame, ALONE, range=asked)
        assert (answer.status_code, answer.content) == (status, content), asked
    assert sami.get(frame, ALONE, range="bytes=0-9", if_range='"other"').status_code == 200
    assert sami.get(frame, ALONE, range="bytes=0-9", if_range=tag).status_code == 206
    again = sami.get(frame, ALONE, if_none_match=tag)
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert sami.get(frame, FRAMES, if_none_match=tag).status_code == 200, "parts are another representation"
    assert all(quick)


def test_images_stored_before_there_were_tables_get_theirs(stage: Cast, sami: Service, quick: list[bool]) -> None:
    study = arrive("emri_small_RLE.dcm", by=stage.sami, place=stage.regional)
    made = bytes(Instance.objects.get().frame_table or b"")
    for old in (None, b"of another file" * 40):
        Instance.objects.update(frame_table=old)
        forget()
        first, second = (sami.get(f"{at(study)}/frames/4", FRAMES) for _ in range(2))
        assert parts(first) == parts(second)
        assert quick == [False, True], "the first request makes the table"
        assert bytes(Instance.objects.get().frame_table or b"") == made
        quick.clear()


def test_a_series_that_is_viewed_is_not_asked_about_again_and_changes_are_seen_at_once(
    stage: Cast, sami: Service, quick: list[bool]
) -> None:
    study = make.study(stage, images=2)
    frame = f"{at(study)}/frames/1"
    first = [parts(sami.get(frame, FRAMES)) for _ in range(3)]
    uid = Instance.objects.order_by("number")[0].uid
    other = make.image(
        1, StudyInstanceUID=study.uid, SOPInstanceUID=uid, StudyDescription="sent again with other pixels",
    )  # fmt: skip
    other.PixelData = bytes(512)
    make.send(stage, other)
    archive.settle_conflict(Conflict.objects.get().id, replace=True, by=stage.sami)
    for _ in range(2):
        ((_, shown),) = parts(sami.get(frame, FRAMES))
        assert shown == bytes(512) != first[0][0][1]
    assert quick == [True, True, True, False, True], "the table of the other file is made first"


def test_what_is_not_plain_is_left_to_the_service(stage: Cast, sami: Service, quick: list[bool]) -> None:
    study = arrive("693_J2KR.dcm", by=stage.sami, place=stage.regional)
    address = at(study)
    for path, accept, status in (
        (f"{address}/frames/1", "", 200), (f"{address}/frames/1", "image/gif", 406),
        (f"{address}/frames/2", FRAMES, 404), (f"{address}/frames/1,1", FRAMES, 200),
        (f"{address}/frames/0", FRAMES, 404), (f"{address}/frames/1?accept=image/jp2", "", 200),
        (address.replace("/studies/", "/studies/1.") + "/frames/1", FRAMES, 404),
        (address.replace("/series/", "/series/1.") + "/frames/1", FRAMES, 404),
    ):  # fmt: skip
        assert sami.get(path, accept).status_code == status, (path, accept)
    assert not any(quick)


def test_a_file_that_is_away_is_left_to_the_service(stage: Cast, sami: Service, quick: list[bool], store: Path) -> None:
    study = make.study(stage, images=1)
    (store / Instance.objects.get().path).unlink()
    assert sami.get(f"{at(study)}/frames/1", FRAMES).status_code == 503  # no other copy is known
    assert not quick or quick == [False]


def told(sami: Service, study: Study) -> list[dict[str, dict[str, list[object]]]]:
    """The metadata of a study's first series."""
    answer = sami.get(f"{at(study).partition('/instances')[0]}/metadata", accept_encoding="gzip")
    assert answer.status_code == 200
    return list(answer.json())


def test_metadata_of_a_whole_series_are_made_ready(stage: Cast, sami: Service, quick: list[bool]) -> None:
    study = make.study(stage, images=3, PatientID="")  # nobody's, and so it stays
    live = told(sami, study)
    assert not SeriesMetadata.objects.exists(), "not while images come"
    archive.complete_study(study.id, how="quiet", by=SYSTEM)
    hear()
    kept = SeriesMetadata.objects.get()
    assert kept.images == 3
    assert [told(sami, study) for _ in range(3)] == [live] * 3
    assert quick == [False, False, True, True]
    plain = sami.get(f"{at(study).partition('/instances')[0]}/metadata", accept_encoding="identity")
    assert plain.json() == live
    assert "urn:wasl" not in plain.text
    assert live[0]["7FE00010"]["BulkDataURI"] == f"http://localhost/dicom-web{at(study)}/bulkdata/7FE00010"  # type: ignore[comparison-overlap]
    SeriesMetadata.objects.all().delete()
    forget()
    assert told(sami, study) == live, "made when they are asked for"
    assert SeriesMetadata.objects.exists()


def test_who_has_the_metadata_is_told_so_at_once(stage: Cast, sami: Service, quick: list[bool]) -> None:
    study = make.study(stage, images=2)
    archive.complete_study(study.id, how="quiet", by=SYSTEM)
    hear()
    address = f"{at(study).partition('/instances')[0]}/metadata"
    answers = [sami.get(address, accept_encoding="gzip") for _ in range(2)]
    (tag,) = {answer.headers["etag"] for answer in answers}
    answers.append(sami.get(address, accept_encoding="gzip", if_none_match=tag))
    make.send(stage, make.image(3, StudyInstanceUID=study.uid))
    forget()  # as another process does after some seconds
    answers += [sami.get(address, accept_encoding="gzip", if_none_match=tag) for _ in range(2)]
    assert quick == [False, True, True, False, False]
    assert [answer.status_code for answer in answers] == [200, 200, 304, 200, 200]
    assert (answers[2].content, answers[2].headers["etag"]) == (b"", tag)
    assert [len(answer.json()) for answer in answers if answer.content] == [2, 2, 3, 3]


def test_metadata_made_ready_never_outlive_what_they_tell(stage: Cast, sami: Service) -> None:
    study, salma = make.study(stage, images=2), make.patient(stage)
    archive.complete_study(study.id, how="quiet", by=SYSTEM)

    def numbers() -> set[object]:
        return {image["00100020"]["Value"][0] for image in told(sami, study)}

    assert numbers() == {"HZ-1980"}
    archive.match_study(study.id, patient=salma.id, because="test", by=stage.sami)
    assert numbers() == {salma.number}
    hear()
    assert numbers() == {salma.number}
    archive.unmatch_study(study.id, by=stage.sami)
    assert numbers() == {"HZ-1980"}
    make.send(stage, make.image(3, StudyInstanceUID=study.uid))
    forget()  # as another process does after some seconds
    assert len(told(sami, study)) == 3
    archive.complete_study(study.id, how="quiet", by=SYSTEM)
    first = Instance.objects.order_by("number")[0]
    make.send(stage, make.image(1, StudyInstanceUID=study.uid, SOPInstanceUID=first.uid, KVP="120"))
    assert "00180060" not in told(sami, study)[0]
    archive.settle_conflict(Conflict.objects.get().id, replace=True, by=stage.sami)
    assert told(sami, study)[0]["00180060"]["Value"] == [120.0]


def test_a_name_that_is_corrected_is_told(stage: Cast, sami: Service) -> None:
    study, salma = make.study(stage, images=1), make.patient(stage)
    archive.match_study(study.id, patient=salma.id, because="test", by=stage.sami)
    archive.complete_study(study.id, how="quiet", by=SYSTEM)
    hear()
    assert told(sami, study)[0]["00100010"]["Value"] == [{"Alphabetic": "Ben Salah^Salma"}]
    Patient.objects.update(family_name="Ben Salem")
    forget()  # as every process does after some seconds
    assert told(sami, study)[0]["00100010"]["Value"] == [{"Alphabetic": "Ben Salem^Salma"}]


@pytest.mark.parametrize("spacing", [[0, 0.5], [-0.5, 0.5], [0, 0]])
def test_a_spacing_that_is_no_length_reaches_no_viewer(stage: Cast, sami: Service, spacing: list[float]) -> None:
    """At the top, and in the frames of an enhanced image; told by metadata, live and ready, and by a search."""
    measures, group = Dataset(), Dataset()
    measures.PixelSpacing, measures.SliceThickness = spacing, 2
    group.PixelMeasuresSequence = [measures]
    study = make.study(
        stage, images=2, PixelSpacing=spacing, ImagerPixelSpacing=spacing, NominalScannedPixelSpacing=spacing,
        SharedFunctionalGroupsSequence=[group],
    )  # fmt: skip
    texts = [sami.get(f"{at(study)}/metadata").text, sami.get(f"/studies/{study.uid}/metadata").text]
    texts += [sami.get(f"/studies/{study.uid}/instances?includefield={what}").text for what in ("all", "00280030")]
    archive.complete_study(study.id, how="quiet", by=SYSTEM)
    hear()
    texts.append(json.dumps(told(sami, study)))
    for text in texts:
        assert "00280030" not in text and "00181164" not in text and "00182010" not in text
    assert '"00180050"' in texts[0], "what stands beside it is told"
