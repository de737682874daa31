"""Video: its stored stream where browsers play that, and a clear no where they do not."""

import pytest
from pydicom import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import generate_uid

from tests import make
from tests.cast import Cast
from tests.edges.dicomweb import Service
from wasl.archive import services as archive
from wasl.archive.dicom import incoming

pytestmark = pytest.mark.django_db(transaction=True)

ENDOSCOPIC = "1.2.840.10008.5.1.4.1.1.77.1.1.1"
MP4 = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(range(256)) * 8
TRANSPORT = b"\x47\x40\x11\x10" * 64


def filmed(stage: Cast, stream: bytes, syntax: str, *, pieces: int = 1, **values: object) -> str:
    """The address of a video whose stream came in so many fragments."""
    data = make.image(1, SOPClassUID=ENDOSCOPIC, NumberOfFrames=30, SamplesPerPixel=3, BitsAllocated=8, BitsStored=8,
                      HighBit=7, PixelRepresentation=0, PhotometricInterpretation="YBR_PARTIAL_420",
                      PlanarConfiguration=0, Modality="ES", **values)  # fmt: skip
    size = len(stream) // pieces // 2 * 2
    cuts = [stream[at : at + size] for at in range(0, len(stream), size)]
    data.PixelData = encapsulate(cuts, has_bot=False)
    data["PixelData"].VR = "OB"
    data["PixelData"].is_undefined_length = True
    archive.receive([incoming(make.part10(data, syntax), place=stage.regional)], by=stage.sami)
    return at(data)


def at(data: Dataset) -> str:
    return f"/studies/{data.StudyInstanceUID}/series/{data.SeriesInstanceUID}/instances/{data.SOPInstanceUID}"


@pytest.mark.parametrize(("syntax", "pieces"), [("1.2.840.10008.1.2.4.102", 1), ("1.2.840.10008.1.2.4.107", 3)])
def test_a_stream_that_is_an_mp4_file_is_given_as_one(stage: Cast, sami: Service, syntax: str, pieces: int) -> None:
    address = filmed(stage, MP4, syntax, pieces=pieces)
    for accept in ("", "*/*", "video/*", "video/mp4"):
        whole = sami.get(f"{address}/rendered", accept)
        assert (whole.status_code, whole.headers["content-type"]) == (200, "video/mp4"), accept
        assert whole.content == MP4
    part = sami.get(f"{address}/rendered?accept=video/mp4", range="bytes=680-1500")
    assert (part.status_code, part.content) == (206, MP4[680:1501])
    assert sami.get(f"{address}/rendered", "image/jpeg").status_code == 406


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.4.100", "1.2.840.10008.1.2.4.102", "1.2.840.10008.1.2.4.108"])
def test_other_streams_are_a_clear_no(stage: Cast, sami: Service, syntax: str) -> None:
    address = filmed(stage, TRANSPORT, syntax)
    for accept in ("*/*", "video/mp4", "image/jpeg"):
        answer = sami.get(f"{address}/rendered", accept)
        assert answer.status_code == 406
        assert "not stored as an MP4 file" in answer.text
    assert sami.get(f"{address}/frames/1").status_code == 406
    assert sami.get(f"{address}/thumbnail").status_code == 404
    named = f"multipart/related; type=application/octet-stream; transfer-syntax={syntax}"
    assert TRANSPORT in sami.get(f"{address}/frames/1", named).content, "who knows what it is gets it"


def test_a_study_with_a_video_among_its_images_is_drawn(stage: Cast, sami: Service) -> None:
    study = str(generate_uid())
    filmed(stage, MP4, "1.2.840.10008.1.2.4.102", StudyInstanceUID=study)
    make.send(stage, make.image(2, StudyInstanceUID=study))
    drawn = sami.get(f"/studies/{study}/rendered", 'multipart/related; type="image/png"')
    assert drawn.status_code == 200
    assert drawn.content.count(b"\x89PNG") == 1
    assert sami.get(f"/studies/{study}/thumbnail").content.startswith(b"\xff\xd8")
