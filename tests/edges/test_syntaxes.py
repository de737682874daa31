"""Every transfer syntax: taken by C-STORE and by STOW, kept byte for byte, and decoded where a codec exists."""

import io
from pathlib import Path

import httpx
import imagecodecs
import numpy as np
import pytest
from django.conf import settings
from pydicom import dcmread
from pydicom.encaps import encapsulate, generate_frames
from pynetdicom import AE, build_context

from tests import make, pixels
from tests.cast import cast
from tests.edges.dicom import listening
from tests.edges.dicomweb import service
from tests.edges.syntaxes import ALL, BYTES, KEPT, LOSSY, NATIVE, SIZE, TRUTH, deflate, image_in
from wasl.archive import rules
from wasl.archive import services as archive
from wasl.archive.dicom import DECODED, incoming, read
from wasl.archive.models import Instance
from wasl.edges.dicom import stow
from wasl.edges.dicom.frames import Pixels, frame
from wasl.edges.dicom.multipart import Reader, Writer
from wasl.edges.dicom.pixels import Picture, picture, uncompressed

FRAMES = "multipart/related; type=application/octet-stream; transfer-syntax={}"
EXPLICIT = "1.2.840.10008.1.2.1"


def _stored(uid: str) -> tuple[Instance, bytes]:
    row = Instance.objects.get(uid=uid)
    return row, (settings.STORAGE / row.path).read_bytes()


def _pixels(row: Instance) -> Pixels:
    bits = 8 if row.transfer_syntax in LOSSY else 16
    return Pixels(
        settings.STORAGE / row.path, row.transfer_syntax, row.pixel_offset or 0, 1, SIZE, SIZE, 1, bits, "MONOCHROME2"
    )


@pytest.mark.django_db(transaction=True)
def test_stow_keeps_them_and_they_decode(store: Path) -> None:
    stage = cast()
    files = {syntax: image_in(syntax) for syntax in ALL}
    body = Writer("application/dicom")
    pieces = [piece for sent in files.values() for piece in body.part("application/dicom", [sent])]
    boundary = body.media_type.rpartition("boundary=")[2]
    receipt = stow.store([*pieces, body.end()], boundary, study=None, place=stage.regional, base="", by=stage.sami)
    assert receipt.status == 200, receipt
    for syntax, sent in files.items():
        row, kept = _stored(str(dcmread(io.BytesIO(sent), stop_before_pixels=True).SOPInstanceUID))
        assert kept == sent, syntax
        assert row.transfer_syntax == syntax
        if syntax in KEPT:
            continue
        decoded = uncompressed(_pixels(row), 1)
        if syntax in LOSSY:
            assert np.abs(np.frombuffer(decoded, "uint8").astype(int) - BYTES.ravel()).mean() < 12, syntax
        else:
            assert decoded == TRUTH.tobytes(), syntax
        assert picture(_pixels(row), 1, Picture()).startswith(b"\xff\xd8"), syntax


@pytest.mark.django_db(transaction=True)
def test_c_store_keeps_them(store: Path) -> None:
    make.source(cast())
    class_uid = "1.2.840.10008.5.1.4.1.1.2"
    with listening() as port:
        association = AE("CT_OUEDZEN").associate(
            "127.0.0.1", port, [build_context(class_uid, syntax) for syntax in ALL], ae_title="WASL"
        )
        for syntax in ALL:
            sent = image_in(syntax)
            data = dcmread(io.BytesIO(sent))
            assert association.send_c_store(data).Status == 0, syntax
            row, kept = _stored(str(data.SOPInstanceUID))
            assert row.transfer_syntax == syntax
            assert kept[read(memoryview(kept)).start :] == sent[read(memoryview(sent)).start :], syntax
        association.release()


@pytest.mark.parametrize("number", ["94", "95", "204", "205"])
def test_pixels_that_stay_with_their_sender_are_refused(number: str) -> None:
    with pytest.raises(rules.PixelsElsewhere):
        incoming(image_in(f"1.2.840.10008.1.2.4.{number}"))


@pytest.mark.django_db(transaction=True)
def test_a_viewer_gets_what_its_codecs_decode(store: Path) -> None:
    """Asked as OHIF asks: as stored where it decodes that, else in little endian; what was given is told."""
    stage = cast()
    with service(stage.sami) as sami:
        for syntax in ALL:
            sent = image_in(syntax)
            archive.receive([incoming(sent, place=stage.regional)], by=stage.sami)
            row, _ = _stored(str(dcmread(io.BytesIO(sent), stop_before_pixels=True).SOPInstanceUID))
            at = f"/studies/{row.series.study.uid}/series/{row.series.uid}/instances/{row.uid}/frames/1"
            answer = sami.get(at, FRAMES.format("*"))
            if syntax in KEPT:
                assert answer.status_code == 406, syntax
                assert "cannot be decoded" in answer.text
            else:
                given, content = _part(answer)
                assert given == (syntax if syntax in DECODED and syntax not in NATIVE else EXPLICIT), syntax
                assert content == _expected(row, sent), syntax
            named, content = _part(sami.get(at, FRAMES.format(syntax)))
            assert named == (EXPLICIT if syntax in NATIVE else syntax), "who names the stored syntax gets it"
            assert content == frame(_pixels(row), 1), syntax


def _part(answer: httpx.Response) -> tuple[str, bytes]:
    """The transfer syntax that the only part of an answer names, and its content; the whole names the same."""
    assert answer.status_code == 200, answer.text
    whole, _, boundary = answer.headers["content-type"].rpartition("; boundary=")
    ((kind, content),) = [
        (part.head["content-type"], b"".join(part.content)) for part in Reader([answer.content], boundary).parts()
    ]
    assert kind.partition("; ")[2] == whole.partition('"; ')[2]
    return kind.partition("transfer-syntax=")[2], content


def _expected(row: Instance, sent: bytes) -> bytes:
    """What a viewer is given of an image: its code as it was sent where it decodes that, else its pixels."""
    if row.transfer_syntax in NATIVE or row.transfer_syntax not in DECODED:
        return uncompressed(_pixels(row), 1) if row.transfer_syntax in LOSSY else TRUTH.tobytes()
    return next(iter(generate_frames(dcmread(io.BytesIO(sent)).PixelData, number_of_frames=1)))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.4.110", "1.2.840.10008.1.2.8.1"])
def test_colours_that_are_given_decoded_are_told_as_they_are_given(store: Path, syntax: str) -> None:
    stage = cast()
    data = pixels.rgb(planar=1)
    planes = np.frombuffer(data.PixelData, "u1").reshape(3, 64, 50)
    truth = np.ascontiguousarray(np.moveaxis(planes, 0, 2))
    code = deflate(planes) if syntax == "1.2.840.10008.1.2.8.1" else imagecodecs.jpegxl_encode(truth, lossless=True)
    data.PhotometricInterpretation = "RGB" if syntax == "1.2.840.10008.1.2.8.1" else "XYB"
    data.PixelData = encapsulate([bytes(code)])
    data["PixelData"].VR = "OB"
    archive.receive([incoming(make.part10(data, syntax), place=stage.regional)], by=stage.sami)
    with service(stage.sami) as sami:
        series = f"/studies/{data.StudyInstanceUID}/series/{data.SeriesInstanceUID}"
        (told,) = sami.get(f"{series}/metadata").json()
        assert (told["00280004"]["Value"], told["00280006"]["Value"]) == (["RGB"], [0])
        assert _part(sami.get(f"{series}/instances/{data.SOPInstanceUID}/frames/1", FRAMES.format("*"))) == (
            EXPLICIT,
            truth.tobytes(),
        )
        kind = f'multipart/related; type="application/dicom"; transfer-syntax={EXPLICIT}'
        _, whole = _part(sami.get(f"{series}/instances/{data.SOPInstanceUID}", kind))
        given = dcmread(io.BytesIO(whole))
        assert (given.PhotometricInterpretation, given.PixelData) == ("RGB", truth.tobytes())


@pytest.mark.django_db(transaction=True)
def test_the_pixels_of_a_deflated_data_set_are_told_as_those_of_others(store: Path) -> None:
    stage = cast()
    sent = image_in("1.2.840.10008.1.2.1.99")
    archive.receive([incoming(sent, place=stage.regional)], by=stage.sami)
    row, _ = _stored(str(dcmread(io.BytesIO(sent), stop_before_pixels=True).SOPInstanceUID))
    with service(stage.sami) as sami:
        (told,) = sami.get(f"/studies/{row.series.study.uid}/metadata").json()
        at = told["7FE00010"]["BulkDataURI"].partition("/dicom-web")[2]
        assert sami.get(at, "application/octet-stream").content == TRUTH.tobytes()
