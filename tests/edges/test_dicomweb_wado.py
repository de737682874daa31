"""WADO-RS: what is stored is given as it is, or as the client takes it; what may not be seen does not exist."""

import gzip
import io
import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image
from pydicom import Dataset, dcmread
from pydicom.pixels.utils import pixel_array

from tests import make
from tests.cast import Cast, cast
from tests.edges.dicomweb import Service, arrive, image, service
from wasl.archive import services as archive
from wasl.archive.models import Instance, Study
from wasl.edges.dicom.multipart import Reader
from wasl.kernel.access import SYSTEM
from wasl.patients import services as patients
from wasl.patients.models import Access

pytestmark = pytest.mark.django_db(transaction=True)

J2K = "1.2.840.10008.1.2.4.90"
EXPLICIT = "1.2.840.10008.1.2.1"
FRAMES = "multipart/related; type=application/octet-stream; transfer-syntax=*"  # as OHIF asks
FILES = 'multipart/related; type="application/dicom"'


@pytest.fixture
def stage(store: Path) -> Cast:
    return cast()


def parts(answer: httpx.Response) -> list[tuple[str, bytes]]:
    """The parts of an answer: media type and content."""
    assert answer.status_code == 200, answer.text
    boundary = answer.headers["content-type"].rpartition("boundary=")[2]
    return [(p.head["content-type"], b"".join(p.content)) for p in Reader([answer.content], boundary).parts()]


def at(study: Study) -> str:
    """The address of a study's first instance."""
    one = Instance.objects.filter(series__study=study).select_related("series").order_by("number")[0]
    return f"/studies/{study.uid}/series/{one.series.uid}/instances/{one.uid}"


def test_files_are_given_as_they_came(stage: Cast, sami: Service) -> None:
    study = arrive("693_J2KR.dcm", by=stage.sami, place=stage.regional)
    for address in (f"/studies/{study.uid}", at(study).partition("/instances")[0], at(study)):
        ((kind, content),) = parts(sami.get(address, f"{FILES}; transfer-syntax=*"))
        assert kind == f"application/dicom; transfer-syntax={J2K}"
        assert content[128:] == image("693_J2KR.dcm")[128:], "the preamble alone is made empty"
        assert parts(sami.get(address, f"{FILES}; transfer-syntax={J2K}"))[0][1] == content


@pytest.mark.parametrize(
    "name", ["693_J2KR.dcm", "liver_expb.dcm", "emri_small_RLE.dcm", "US1_J2KR.dcm", "image_dfl.dcm"]
)
def test_files_are_unpacked_for_who_does_not_say_otherwise(stage: Cast, sami: Service, name: str) -> None:
    study = arrive(name, by=stage.sami, place=stage.regional)
    for accept in ("", "*/*", FILES, f"{FILES}; transfer-syntax={EXPLICIT}"):
        ((kind, content),) = parts(sami.get(f"/studies/{study.uid}", accept))
        assert kind == f"application/dicom; transfer-syntax={EXPLICIT}"
        given = dcmread(io.BytesIO(content))
    assert given.file_meta.TransferSyntaxUID == EXPLICIT
    assert np.array_equal(pixel_array(given), pixel_array(dcmread(io.BytesIO(image(name)))))
    assert sami.get(f"{at(study)}/frames/1").status_code == 200
    assert sami.get(f"{at(study)}/thumbnail").status_code == 200


def test_a_single_file_and_its_ranges(stage: Cast, sami: Service) -> None:
    study = make.study(stage, images=1)
    whole = sami.get(at(study), "application/dicom")
    assert whole.headers["content-type"] == f"application/dicom; transfer-syntax={EXPLICIT}"
    assert dcmread(io.BytesIO(whole.content)).StudyInstanceUID == study.uid
    size = len(whole.content)
    for asked, expected in {
        "bytes=0-127": (206, b"\0" * 128), "bytes=128-131": (206, b"DICM"), "bytes=-4": (206, whole.content[-4:]),
        f"bytes={size - 2}-": (206, whole.content[-2:]), f"bytes=128-{size * 2}": (206, whole.content[128:]),
        f"bytes={size}-": (416, b""), "bytes=9-3": (416, b""), "pages=1-2": (200, whole.content),
    }.items():  # fmt: skip
        answer = sami.get(at(study), "application/dicom", range=asked)
        assert (answer.status_code, answer.content) == expected, asked
    assert sami.get(at(study), "application/dicom", range="bytes=5-9").headers["content-range"] == f"bytes 5-9/{size}"


def test_images_are_given_as_whose_and_where_they_are_now(stage: Cast, sami: Service) -> None:
    salma, study = make.patient(stage), make.study(stage, images=2, PatientID="HZ-9", PatientName="Wrong^Name")
    image = Instance.objects.get(series__study=study.id, number=2)
    archive.match_study(study.id, patient=salma.id, because="her own exam", by=stage.sami)
    archive.move_images(study.id, instances=[image.id], because="another exam", by=stage.sami)
    new = Study.objects.exclude(id=study.id).get()
    archive.match_study(new.id, patient=salma.id, because="her own exam", by=stage.sami)
    assert [given.InstanceNumber for given in _datasets(sami, study)] == [1]
    (data,) = _datasets(sami, new)
    assert (data.StudyInstanceUID, data.PatientID, data.IssuerOfPatientID) == (new.uid, salma.number, "WASL")
    assert str(data.PatientName) == "Ben Salah^Salma=بن صالح^سلمى"
    former = data.OriginalAttributesSequence[0].ModifiedAttributesSequence[0]
    assert (former.StudyInstanceUID, former.PatientID) == (study.uid, "HZ-9")
    assert data.PixelData == make.image(2).PixelData
    (told,) = sami.get(f"/studies/{new.uid}/metadata", "application/dicom+json").json()
    (found,) = sami.get(f"/studies/{new.uid}/instances", "application/dicom+json").json()
    for one in (told, found):
        assert one["0020000D"]["Value"] == [new.uid]
        assert one["0020000E"]["Value"] == [data.SeriesInstanceUID]
    single = sami.get(at(new), "application/dicom")
    part = sami.get(at(new), "application/dicom", range="bytes=900-2000")
    assert part.content == single.content[900:2001]


def _datasets(sami: Service, study: Study) -> list[Dataset]:
    return [dcmread(io.BytesIO(content)) for _, content in parts(sami.get(f"/studies/{study.uid}", FILES))]


def test_many_files_of_a_study(stage: Cast, sami: Service) -> None:
    study = make.study(stage, images=25)
    found = [dcmread(io.BytesIO(content)) for _, content in parts(sami.get(f"/studies/{study.uid}", FILES))]
    assert [data.InstanceNumber for data in found] == list(range(1, 26))


@pytest.mark.parametrize("name", ["693_J2KR.dcm", "US1_J2KR.dcm"])
def test_frames_as_the_client_takes_them(stage: Cast, sami: Service, name: str) -> None:
    study = arrive(name, by=stage.sami, place=stage.regional)
    frame = f"{at(study)}/frames/1"
    ((kind, stored),) = parts(sami.get(frame, FRAMES))
    assert kind == f"application/octet-stream; transfer-syntax={J2K}"
    assert stored.startswith(b"\xff\x4f")
    for accept in (
        f'multipart/related; type="image/jp2"; transfer-syntax={J2K}',
        'multipart/related; type="image/jp2"',
    ):
        assert parts(sami.get(frame, accept)) == [(f"image/jp2; transfer-syntax={J2K}", stored)]
    for accept in ("", 'multipart/related; type="application/octet-stream"'):
        ((kind, plain),) = parts(sami.get(frame, accept))
        assert kind == f"application/octet-stream; transfer-syntax={EXPLICIT}"
        assert plain == pixel_array(dcmread(io.BytesIO(image(name)))).tobytes()
    single = sami.get(frame, "application/octet-stream", range="bytes=0-9")
    assert (single.status_code, single.content) == (206, plain[:10])
    assert sami.get(frame, "image/gif").status_code == 406
    assert sami.get(frame, 'multipart/related; type="image/jpeg"').status_code == 406


def test_lists_of_frames(stage: Cast, sami: Service) -> None:
    study = arrive("emri_small_RLE.dcm", by=stage.sami, place=stage.regional)
    frames = pixel_array(dcmread(io.BytesIO(image("emri_small_RLE.dcm"))))
    found = parts(sami.get(f"{at(study)}/frames/3,1,10"))
    assert [content for _, content in found] == [frames[number].tobytes() for number in (2, 0, 9)]
    for wrong, status in {"0": 404, "11": 404, "1,99": 404, "x": 400, "1,,2": 400, "-1": 404}.items():
        assert sami.get(f"{at(study)}/frames/{wrong}", FRAMES).status_code == status


def test_metadata_without_bulk_and_without_lengths_that_are_none(stage: Cast, sami: Service) -> None:
    study = arrive("RG1_UNCR.dcm", by=stage.sami, place=stage.regional)
    assert 0.0 in dcmread(io.BytesIO(image("RG1_UNCR.dcm"))).PixelSpacing
    (told,) = sami.get(f"{at(study)}/metadata").json()
    assert "00280030" not in told, "viewers show nothing when the spacing is no length"
    assert told["00280010"]["Value"] == [dcmread(io.BytesIO(image("RG1_UNCR.dcm"))).Rows]
    assert "spacing" in study.flags
    uri = told["7FE00010"]["BulkDataURI"]
    assert uri == f"http://localhost/dicom-web{at(study)}/bulkdata/7FE00010"
    Dataset.from_json(json.dumps({tag: value for tag, value in told.items() if tag != "7FE00010"}))


def test_metadata_of_a_long_study_comes_packed(stage: Cast, sami: Service) -> None:
    study = make.study(stage, images=230)
    answer = sami.get(f"/studies/{study.uid}/metadata", accept_encoding="gzip")
    assert answer.headers["content-encoding"] == "gzip"
    assert [one["00200013"]["Value"][0] for one in answer.json()] == list(range(1, 231))
    plain = sami.get(f"/studies/{study.uid}/metadata", accept_encoding="identity")
    assert "content-encoding" not in plain.headers
    assert len(gzip.compress(plain.content)) < len(plain.content) / 10
    assert sami.get(f"/studies/{study.uid}/metadata", "text/xml").status_code == 406


def test_bulk_data(stage: Cast, sami: Service) -> None:
    study = arrive("693_UNCI.dcm", by=stage.sami, place=stage.regional)
    value = dcmread(io.BytesIO(image("693_UNCI.dcm"))).PixelData
    bulk = f"{at(study)}/bulkdata/7FE00010"
    assert sami.get(bulk, "application/octet-stream").content == value
    assert sami.get(bulk, "application/octet-stream", range="bytes=1000-1999").content == value[1000:2000]
    assert parts(sami.get(bulk)) == [("application/octet-stream", value)]
    for missing in ("00420011", "00100010", "xyz", "00082112/0/00081150", "00082112/9/00081150", "00082112/0"):
        assert sami.get(f"{at(study)}/bulkdata/{missing}", "application/octet-stream").status_code == 404, missing


def test_long_values_are_named_in_the_metadata_and_given(stage: Cast, sami: Service) -> None:
    item = Dataset()
    item.add_new(0x00420011, "OB", bytes(range(256)) * 64)
    data = make.image(EncapsulatedDocument=bytes(20_000), ReferencedSeriesSequence=[item])
    study = Study.objects.get(id=make.send(stage, data)[0].study)
    (told,) = sami.get(f"{at(study)}/metadata").json()
    for found, expected in {
        told["00420011"]["BulkDataURI"]: bytes(20_000),
        told["00081115"]["Value"][0]["00420011"]["BulkDataURI"]: bytes(range(256)) * 64,
    }.items():
        address = found.removeprefix("http://localhost/dicom-web")
        assert sami.get(address, "application/octet-stream").content == expected


def test_pictures(stage: Cast, sami: Service) -> None:
    study = arrive("693_UNCI.dcm", by=stage.sami, place=stage.regional)
    for address in (f"{at(study)}/rendered", f"{at(study)}/frames/1/rendered"):
        shown = Image.open(io.BytesIO(sami.get(address, "image/png").content))
        assert (shown.format, shown.size) == ("PNG", (512, 512))
    small = sami.get(f"{at(study)}/rendered?viewport=100,50&quality=40&window=40,400,linear")
    assert small.headers["content-type"] == "image/jpeg"
    assert Image.open(io.BytesIO(small.content)).size == (50, 50)
    for address in (f"/studies/{study.uid}", at(study).partition("/instances")[0], at(study)):
        thumb = sami.get(f"{address}/thumbnail", "image/*,*/*")
        assert max(Image.open(io.BytesIO(thumb.content)).size) == 128
    for wrong in ("viewport=0,10", "viewport=9999999,1", "viewport=5", "window=1", "window=1,0", "window=a,b",
                  "window=1,2,cubic", "window=nan,nan", "quality=0", "quality=x"):  # fmt: skip
        assert sami.get(f"{at(study)}/rendered?{wrong}").status_code == 400, wrong
    assert sami.get(f"{at(study)}/rendered", "text/html").status_code == 406


def test_what_has_no_pixels(stage: Cast, sami: Service) -> None:
    data = make.image()
    del data.PixelData
    study = Study.objects.get(id=make.send(stage, data)[0].study)
    ((_, content),) = parts(sami.get(at(study)))
    assert dcmread(io.BytesIO(content)).StudyInstanceUID == study.uid
    assert sami.get(f"{at(study)}/frames/1").status_code == 404
    assert sami.get(f"{at(study)}/rendered").status_code == 406
    assert sami.get(f"{at(study)}/thumbnail").status_code == 404
    assert "7FE00010" not in sami.get(f"{at(study)}/metadata").json()[0]


def addresses(study: Study) -> Iterator[str]:
    """Every address of a study and below it."""
    instance, series = at(study), at(study).partition("/instances")[0]
    for level in (f"/studies/{study.uid}", series, instance):
        yield from (f"{level}{below}" for below in ("", "/metadata", "/thumbnail", "/rendered"))
    uids = dict(zip(("studyUID", "seriesUID", "objectUID"), instance.split("/")[2::2], strict=True))
    yield "/wado?" + "&".join(f"{name}={value}" for name, value in {"requestType": "WADO", **uids}.items())
    yield from (f"/studies/{study.uid}/series", f"/studies/{study.uid}/instances", f"{series}/instances")
    yield from (f"{instance}{below}" for below in ("/frames/1", "/frames/1/rendered", "/bulkdata/7FE00010"))


def test_strangers_and_other_hospitals_see_nothing(stage: Cast) -> None:
    """Each address answers who may not see exactly as it answers for what does not exist."""
    study, salma = make.study(stage, images=1), make.patient(stage)
    archive.match_study(study.id, patient=salma.id, because="test", by=stage.sami)
    missing = [address.replace(study.uid, "1.2.3") for address in addresses(study)]
    with service() as stranger:
        for address in [*addresses(study), *missing, "/studies", "/series", "/instances"]:
            answer = stranger.get(address)
            assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer"), address
    for person in (stage.zied, stage.hatem, stage.fatma, stage.leila):  # no ground opens the record to them
        with service(person) as asked:
            for address, nothing in zip(addresses(study), missing, strict=True):
                assert asked.get(address).status_code == 404, address
                assert asked.get(address).content == asked.get(nothing).content
            assert asked.get("/studies").json() == []
            assert asked.get(f"/instances?StudyInstanceUID={study.uid}").json() == []
    assert not Access.objects.exists()
    patients.open_for_care(salma.id, place=stage.university, source=study.id, because="test", by=SYSTEM)
    with service(stage.leila) as leila:
        for address in addresses(study):
            assert leila.get(address).status_code == 200, address


def test_a_study_that_is_nobodys_is_seen_where_it_was_made(stage: Cast) -> None:
    study = make.study(stage, images=1)
    seen = {}
    for name in ("sami", "amel", "nour", "leila", "zied", "hatem"):
        with service(getattr(stage, name)) as asked:
            seen[name] = (
                {asked.get(address).status_code for address in addresses(study)},
                len(asked.get("/studies").json()),
            )
    assert seen == {"sami": ({200}, 1)} | dict.fromkeys(("amel", "nour", "leila", "zied", "hatem"), ({404}, 0))


def test_looks_are_logged_once_in_ten_minutes(stage: Cast) -> None:
    study, salma = make.study(stage, images=2), make.patient(stage)
    archive.match_study(study.id, patient=salma.id, because="test", by=stage.sami)
    patients.break_glass(salma.id, place=stage.university, because="coma, no relatives", by=stage.leila)
    for _ in range(2):  # the second time a process that remembers nothing of the first
        with service(stage.leila) as leila:
            for address in addresses(study):
                assert leila.get(address).status_code == 200
    (line,) = Access.objects.filter(what="archive.images")
    assert (line.patient_id, line.subject, line.ground) == (salma.id, study.id, "break_glass")
    assert (line.actor_name, line.place) == ("Leila Haddad", stage.university)


def test_only_what_the_protocol_knows_is_answered(stage: Cast, sami: Service) -> None:
    assert sami.get("/nothing").status_code == 404
    assert sami.get("").status_code == 404
    assert sami.ask("DELETE", "/studies").status_code == 405
    assert sami.ask("PUT", "/studies/1.2").status_code == 405
    assert sami.get("/studies/%00/metadata").status_code == 400
    assert sami.get("/studies/..%2f..%2fetc/metadata").status_code == 404
