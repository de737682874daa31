"""DICOMweb as foreign clients see it: dicomweb-client over real HTTP, with a token that the server gave."""

from collections.abc import Iterator

import httpx
import numpy as np
import pytest
import requests
from dicomweb_client.api import DICOMwebClient
from pydicom.pixels.utils import pixel_array

from tests import make
from tests.cast import Cast, cast
from tests.edges.dicomweb import arrive, dataset
from tests.edges.scenes import PATIENCE
from wasl.accounts import services as accounts
from wasl.archive.models import Instance, Study
from wasl.edges.dicom.multipart import Writer
from wasl.kernel.access import SYSTEM

J2K = "1.2.840.10008.1.2.4.90"


def machine(server: str, stage: Cast, *scopes: str) -> requests.Session:
    """A machine of the regional hospital that has asked the server for a token."""
    name = f"pacs {' '.join(scopes)}"
    _, client, secret = accounts.add_client(name=name, scopes=scopes, place=stage.regional, by=SYSTEM)
    asked = {"grant_type": "client_credentials", "scope": " ".join(scopes)}
    token = requests.post(f"{server}/oauth/token/", asked, auth=(client, secret), timeout=PATIENCE).json()[
        "access_token"
    ]
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {token}"
    return session


def test_a_foreign_client_finds_gets_and_stores(server: str) -> None:
    stage = cast()
    client = DICOMwebClient(f"{server}/dicom-web", session=machine(server, stage, "dicomweb.read", "dicomweb.write"))
    sent = [dataset(name) for name in ("693_J2KR.dcm", "emri_small_RLE.dcm")]
    stored = client.store_instances(sent)
    assert len(stored.ReferencedSOPSequence) == 2
    assert len(client.store_instances(sent).ReferencedSOPSequence) == 2
    assert Instance.objects.count() == 2
    assert set(Study.objects.values_list("place", flat=True)) == {stage.regional}
    ct, mr = sent
    at = (mr.StudyInstanceUID, mr.SeriesInstanceUID, mr.SOPInstanceUID)

    found = client.search_for_studies(search_filters={"StudyInstanceUID": mr.StudyInstanceUID})
    assert [study["0020000D"]["Value"] for study in found] == [[mr.StudyInstanceUID]]
    assert len(client.search_for_series(mr.StudyInstanceUID)) == 1
    assert len(client.search_for_instances(fields=["NumberOfFrames"], limit=1)) == 1

    (series,) = client.retrieve_series_metadata(*at[:2])
    assert series["00280008"]["Value"] == [mr.NumberOfFrames]
    got = client.retrieve_instance(*at)
    assert np.array_equal(pixel_array(got), pixel_array(mr))
    kept = client.retrieve_instance(ct.StudyInstanceUID, ct.SeriesInstanceUID, ct.SOPInstanceUID,
                                    media_types=(("application/dicom", J2K),))  # fmt: skip
    assert kept.PixelData == ct.PixelData
    (whole,) = client.retrieve_study(mr.StudyInstanceUID)
    assert whole.SOPInstanceUID == mr.SOPInstanceUID
    first, third = client.retrieve_instance_frames(*at, frame_numbers=[1, 3])
    assert (first, third) == tuple(pixel_array(mr)[number].tobytes() for number in (0, 2))
    (packed,) = client.retrieve_instance_frames(
        ct.StudyInstanceUID, ct.SeriesInstanceUID, ct.SOPInstanceUID, frame_numbers=[1],
        media_types=(("image/jp2", J2K),),
    )  # fmt: skip
    assert packed.startswith(b"\xff\x4f")
    assert client.retrieve_instance_rendered(*at, media_types=("image/png",)).startswith(b"\x89PNG")
    (value,) = client.retrieve_bulkdata(
        f"{server}/dicom-web/studies/{at[0]}/series/{at[1]}/instances/{at[2]}/bulkdata/7FE00010"
    )[:1]
    assert value == pixel_array(mr)[0].tobytes()
    weasis(server, client._session, ct.StudyInstanceUID)


def weasis(server: str, session: requests.Session, study: str) -> None:
    """What Weasis asks, one by one, when it opens a study (`$dicom:rs -r "studyUID=…"`)."""
    fields = ("00080020,00080030,00080050,00080061,00080090,00081030,00100010,00100020,00100021,00100030,00100040,"
              "0020000D,00200010")  # fmt: skip
    base = f"{server}/dicom-web"
    (told,) = session.get(f"{base}/studies?0020000D={study}&includefield={fields}", timeout=PATIENCE).json()
    assert {"00100010", "00100020", "0020000D", "00080020"} <= told.keys()
    (series,) = session.get(
        f"{base}/studies/{study}/series?includefield=0008103E,00080060,0020000E,00200011,00081190", timeout=PATIENCE
    ).json()
    (retrieve,) = series["00081190"]["Value"]
    (image,) = session.get(f"{retrieve}/instances?includefield=00080018,00200013,00081190", timeout=PATIENCE).json()
    take = {"accept": 'multipart/related;type="application/dicom";transfer-syntax=*'}
    answer = session.get(image["00081190"]["Value"][0], headers=take, timeout=PATIENCE)
    assert answer.status_code == 200
    assert f"transfer-syntax={J2K}".encode() in answer.content[:400]
    assert image["00080018"]["Value"][0].encode() in answer.content


def test_a_token_opens_what_its_scopes_say_and_no_more(server: str) -> None:
    stage = cast()
    study = arrive("693_J2KR.dcm", by=stage.sami, place=stage.regional)
    reads, writes, other = (machine(server, stage, scope) for scope in ("dicomweb.read", "dicomweb.write", "fhir.read"))
    address = f"{server}/dicom-web/studies"
    writer = Writer("application/dicom")
    body = b"".join(writer.part("application/dicom", [make.part10(make.image())])) + writer.end()
    asked = {"data": body, "headers": {"content-type": writer.media_type}, "timeout": 30}
    assert [s.get(f"{address}/{study.uid}/series", timeout=PATIENCE).status_code for s in (reads, writes, other)] == [
        200,
        403,
        403,
    ]
    assert [s.post(address, **asked).status_code for s in (reads, writes, other)] == [403, 200, 403]  # type: ignore[arg-type]
    assert requests.get(address, headers={"authorization": "Bearer nonsense"}, timeout=PATIENCE).status_code == 401


def test_a_long_body_streams_through(server: str) -> None:
    """Five hundred instances in one request, sent piece by piece without a length, and read back as a stream."""
    stage = cast()
    sender = machine(server, stage, "dicomweb.read", "dicomweb.write")
    writer = Writer("application/dicom")
    first = make.image(1)
    files = 500

    def body() -> Iterator[bytes]:
        for number in range(1, files + 1):
            data = make.image(number, StudyInstanceUID=first.StudyInstanceUID)
            yield from writer.part("application/dicom", [make.part10(data)])
        yield writer.end()

    headers = {"content-type": writer.media_type, "authorization": str(sender.headers["Authorization"])}
    with httpx.Client(timeout=PATIENCE) as client:
        answer = client.post(f"{server}/dicom-web/studies", content=body(), headers=headers)
        assert answer.status_code == 200
        assert len(answer.json()["00081199"]["Value"]) == files
        at = f"{server}/dicom-web/studies/{first.StudyInstanceUID}"
        with client.stream("GET", at, headers=headers) as given:
            assert "content-length" not in given.headers
            received = sum(piece.count(b"Content-Location") for piece in given.iter_bytes(1 << 22))
    assert files - 10 <= received <= files  # a field may lie across two pieces
    assert Study.objects.get().instance_count == files


def test_a_connection_cut_in_the_middle_stores_nothing_half(server: str) -> None:
    stage = cast()
    sender = machine(server, stage, "dicomweb.write")
    writer = Writer("application/dicom")

    def body() -> Iterator[bytes]:
        yield from writer.part("application/dicom", [make.part10(make.image())])
        yield from writer.part("application/dicom", [make.part10(make.image())[:2000]])
        raise ConnectionError("the cable is pulled")

    headers = {"content-type": writer.media_type, "authorization": str(sender.headers["Authorization"])}
    for _ in range(5):
        with pytest.raises(ConnectionError), httpx.Client() as client:
            client.post(f"{server}/dicom-web/studies", content=body(), headers=headers)
    whole = make.part10(make.image())
    assert all(stored.size >= len(whole) - 50 for stored in Instance.objects.all())
    with httpx.Client(timeout=PATIENCE) as client:  # the server goes on
        assert client.get(f"{server}/dicom-web/studies", headers=headers).status_code == 403
