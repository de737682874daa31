"""Pixels encoded anew for who asks: bit for bit those that are given without compression, read by another codec."""

import io
from collections.abc import Callable
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from PIL import Image, ImageSequence
from pydicom import dcmread
from pydicom.encaps import generate_frames
from pydicom.pixels.utils import pixel_array

from tests import make
from tests.cast import cast
from tests.edges.dicomweb import arrive, file_of, service
from tests.edges.test_dicomweb_pixels import pixels_of, whole
from tests.edges.test_dicomweb_wado import FILES, at, parts
from tests.make import part10
from tests.pixels import grey, rgb
from wasl.archive.models import Study
from wasl.edges.dicom.pixels import Undecodable, uncompressed
from wasl.edges.dicom.transcoded import (
    HTJ2K,
    JPEG,
    JPEG_2000,
    JPEG_LS,
    LOSSLESS,
    RLE,
    coded,
    encodable,
    encoded_file,
)  # fmt: skip
from wasl.edges.dicom.ways import KINDS

SOURCES: dict[str, Callable[[], bytes]] = {
    "unsigned 12 bits": lambda: part10(grey(12, 0, frames=2)),
    "signed 16 bits": lambda: part10(grey(16, 1)),
    "unsigned 8 bits": lambda: part10(grey(8, 0, columns=129)),
    "colours by plane": lambda: part10(rgb(frames=2, planar=1)),
    "JPEG 2000": lambda: file_of("693_J2KR.dcm").read_bytes(),
    "colours in RLE": lambda: file_of("SC_rgb_rle_2frame.dcm").read_bytes(),
    "big endian": lambda: file_of("liver_expb.dcm").read_bytes(),
    "palette": lambda: file_of("examples_palette.dcm").read_bytes(),
}
OTHERS = {HTJ2K: imagecodecs.jpeg2k_decode, JPEG_LS: imagecodecs.jpegls_decode, JPEG_2000: imagecodecs.jpeg2k_decode}


@pytest.mark.parametrize("source", SOURCES)
def test_what_is_encoded_without_loss_is_what_is_stored(source: str, tmp_path: Path) -> None:
    path = tmp_path / "image"
    path.write_bytes(SOURCES[source]())
    pixels = pixels_of(path)
    before = pixel_array(dcmread(path))
    if source == "big endian":  # single bits
        assert not any(encodable(pixels, syntax) for syntax in LOSSLESS)
        return
    for syntax in LOSSLESS:
        assert encodable(pixels, syntax)
        again = dcmread(io.BytesIO(b"".join(encoded_file(pixels, whole(path), syntax))))
        assert again.file_meta.TransferSyntaxUID == syntax
        assert again.SOPInstanceUID == dcmread(path, stop_before_pixels=True).SOPInstanceUID
        assert np.array_equal(pixel_array(again), before), syntax
        codes = list(generate_frames(again.PixelData, number_of_frames=pixels.frames))
        assert codes[0].rstrip(b"\0") == coded(pixels, 1, syntax).rstrip(b"\0")
        if other := OTHERS.get(syntax):
            first = before[0] if pixels.frames > 1 else before
            assert other(codes[0]).astype(first.dtype).tobytes() == first.tobytes(), syntax


def test_what_cannot_be_encoded_is_refused(tmp_path: Path) -> None:
    data = grey(12, 0)
    data.PixelData = b"\xff\xff" + data.PixelData[2:]  # bits that the header does not call stored
    path = tmp_path / "image"
    path.write_bytes(part10(data))
    for syntax in (HTJ2K, JPEG_2000):
        with pytest.raises(Undecodable):
            coded(pixels_of(path), 1, syntax)
    assert not encodable(pixels_of(path), JPEG)
    for side in (31, 32):
        small = tmp_path / f"small {side}"
        small.write_bytes(part10(grey(12, 0, rows=side, columns=90)))
        assert encodable(pixels_of(small), JPEG_2000) is (side == 32)
        assert all(coded(pixels_of(small), 1, syntax) for syntax in LOSSLESS if encodable(pixels_of(small), syntax))
    assert not encodable(pixels_of(path), "1.2.840.10008.1.2.4.91")


@pytest.mark.django_db(transaction=True)
def test_frames_and_files_as_the_client_takes_them(store: Path) -> None:
    stage = cast()
    study = Study.objects.get(id=make.send(stage, grey(12, 0, frames=2))[0].study)
    deep, plain = at(study), pixel_array(dcmread(io.BytesIO(part10(grey(12, 0, frames=2)))))
    text = make.image(7, StudyInstanceUID=study.uid)
    del text.PixelData
    make.send(stage, text)
    with service(stage.sami) as sami:
        for syntax in LOSSLESS:
            own = KINDS[syntax]
            for kind in (own, "application/octet-stream"):
                asked = f'multipart/related; type="{kind}"; transfer-syntax={syntax}'
                ((told, code),) = parts(sami.get(f"{deep}/frames/2", asked))
                assert told == f"{kind}; transfer-syntax={syntax}"
            if syntax in OTHERS:
                assert np.array_equal(OTHERS[syntax](code), plain[1])
            found = [dcmread(io.BytesIO(file)) for _, file in parts(sami.get(
                f"/studies/{study.uid}", f"{FILES}; transfer-syntax={syntax}"))]  # fmt: skip
            assert {one.file_meta.TransferSyntaxUID for one in found if "PixelData" in one} == {syntax}
            assert {one.file_meta.TransferSyntaxUID for one in found if "PixelData" not in one} <= {
                "1.2.840.10008.1.2.1"
            }
            assert any(np.array_equal(pixel_array(one), plain) for one in found if one.get("NumberOfFrames"))
        for asked, kind in {
            "image/jls": f"image/jls; transfer-syntax={JPEG_LS}",
            "image/x-dicom-rle": f"image/dicom-rle; transfer-syntax={RLE}",
            "image/jp2; q=0.2, image/jphc; q=0.9": f"image/jphc; transfer-syntax={HTJ2K}",
        }.items():
            assert sami.get(f"{deep}/frames/1", asked).headers["content-type"] == kind
        refused = {
            f"{deep}/frames/1": f"image/jpeg; transfer-syntax={JPEG}",  # more than eight bits
            deep: f"application/dicom; transfer-syntax={JPEG}",  # an image that lost something is another
            f"/studies/{study.uid}": f"{FILES}; transfer-syntax={JPEG}",
        }
        for address, asked in refused.items():
            assert sami.get(address, asked).status_code == 406, address


@pytest.mark.django_db(transaction=True)
def test_a_frame_of_eight_bits_as_jpeg(store: Path) -> None:
    stage = cast()
    study = arrive("US1_J2KR.dcm", by=stage.sami, place=stage.regional)
    with service(stage.sami) as sami:
        answer = sami.get(f"{at(study)}/frames/1", f"image/jpeg; transfer-syntax={JPEG}")
        assert answer.headers["content-type"] == f"image/jpeg; transfer-syntax={JPEG}"
        shown = np.asarray(Image.open(io.BytesIO(answer.content)), np.int16)
        true = np.frombuffer(uncompressed(pixels_of(file_of("US1_J2KR.dcm")), 1), "u1").reshape(shown.shape)
        assert np.abs(shown - true).mean() < 4


def frames_of(film: Image.Image) -> int:
    """How many frames a moving picture has."""
    return sum(1 for _ in ImageSequence.Iterator(film))


def query(study: Study, **more: object) -> str:
    """The address of a study's first instance as WADO-URI has it."""
    _, _, uid, _, series, _, instance = at(study).split("/")
    asked = {"requestType": "WADO", "studyUID": uid, "seriesUID": series, "objectUID": instance, **more}
    return "/wado?" + "&".join(f"{name}={value}" for name, value in asked.items() if value is not None)


@pytest.mark.django_db(transaction=True)
def test_wado_uri(store: Path) -> None:
    stage = cast()
    data = grey(12, 0, rows=100, columns=200, frames=3)
    study = Study.objects.get(id=make.send(stage, data)[0].study)
    with service(stage.sami) as sami:
        plain = sami.get(query(study))
        assert plain.headers["content-type"] == "application/dicom; transfer-syntax=1.2.840.10008.1.2.1"
        assert np.array_equal(pixel_array(dcmread(io.BytesIO(plain.content))), data.pixel_array)
        assert plain.content == sami.get(at(study), "application/dicom").content
        packed = sami.get(query(study, contentType="application/dicom", transferSyntax=JPEG_LS))
        assert dcmread(io.BytesIO(packed.content)).file_meta.TransferSyntaxUID == JPEG_LS
        for kind, form in {"image/jpeg": "JPEG", "image/png": "PNG", "image/gif": "GIF"}.items():
            picture = sami.get(query(study, contentType=kind, frameNumber=2))
            assert (picture.headers["content-type"], Image.open(io.BytesIO(picture.content)).format) == (kind, form)
        film = Image.open(io.BytesIO(sami.get(query(study, contentType="image/gif")).content))
        assert (frames_of(film), film.size) == (3, (512, 256))
        sizes: dict[tuple[int, int], dict[str, object]] = {
            (100, 50): {"columns": 100}, (20, 10): {"rows": 10}, (60, 30): {"rows": 30, "columns": 400},
            (100, 100): {"region": "0.5,0,1,1"}, (50, 50): {"region": "0.5,0,1,1", "rows": 50},
        }  # fmt: skip
        for size, asked in sizes.items():
            made = sami.get(query(study, contentType="image/png", windowCenter=2000, windowWidth=9, **asked))
            assert Image.open(io.BytesIO(made.content)).size == size, asked
        cut = Image.open(io.BytesIO(sami.get(query(study, contentType="image/png", region="0.5,0,1,1")).content))
        full = Image.open(io.BytesIO(sami.get(query(study, contentType="image/png")).content))
        assert cut.tobytes() == full.crop((100, 0, 200, 100)).tobytes()
        wrong: dict[int, list[dict[str, object]]] = {
            400: [{"requestType": "WADOX"}, {"studyUID": None}, {"objectUID": None}, {"frameNumber": "x"},
                  {"contentType": "image/png", "windowCenter": 1}, {"contentType": "image/png", "region": "0,0,2,1"},
                  {"contentType": "image/png", "region": "a"}, {"contentType": "image/png", "imageQuality": 0},
                  {"contentType": "image/png", "rows": 0}, {"contentType": "application/dicom", "rows": 5},
                  {"presentationUID": "1.2"}, {"contentType": "image/png", "anonymize": "yes"}],
            404: [{"studyUID": "1.2.3"}, {"seriesUID": "1.2.3"}, {"objectUID": "1.2.3"}, {"frameNumber": 4}],
            406: [{"contentType": "text/html"}, {"anonymize": "yes"}, {"transferSyntax": JPEG}],
        }  # fmt: skip
        for status, each in wrong.items():
            for asked in each:
                assert sami.get(query(study, **asked)).status_code == status, asked


@pytest.mark.django_db(transaction=True)
def test_pictures_of_studies_and_parts_of_images(store: Path) -> None:
    stage = cast()
    study = Study.objects.get(id=make.send(stage, grey(12, 0, rows=100, columns=200, frames=3))[0].study)
    series = at(study).split("/")[4]
    make.send(stage, make.image(2, StudyInstanceUID=study.uid, SeriesInstanceUID=series))
    with service(stage.sami) as sami:
        for address in (f"/studies/{study.uid}", at(study).partition("/instances")[0]):
            made = parts(sami.get(f"{address}/rendered?viewport=64,64", "image/png"))
            assert [kind for kind, _ in made] == ["image/png"] * 4
            assert {Image.open(io.BytesIO(content)).size for _, content in made[:3]} == {(64, 32)}
        assert len(parts(sami.get(f"{at(study)}/rendered", 'multipart/related; type="image/jpeg"'))) == 3
        assert frames_of(Image.open(io.BytesIO(sami.get(f"{at(study)}/rendered", "image/gif").content))) == 3

        def drawn(viewport: str) -> np.ndarray:
            answer = sami.get(f"{at(study)}/frames/1/rendered?viewport={viewport}", "image/png")
            return np.asarray(Image.open(io.BytesIO(answer.content)))

        full = drawn("200,100")
        assert np.array_equal(drawn("50,40,20,30,50,40"), full[30:70, 20:70])
        assert np.array_equal(drawn("50,40,20,30,-50,40"), full[30:70, 20:70][:, ::-1])
        assert np.array_equal(drawn("200,100,,,200,-100"), full[::-1])
        for function in ("linear", "linear-exact", "sigmoid"):
            assert sami.get(f"{at(study)}/rendered?window=2000,800,{function}").status_code == 200
        noted = sami.get(f"{at(study)}/rendered?annotation=patient")
        assert "No annotations" in noted.headers["warning"]
        for wrong in ("viewport=10,10,900,0", "viewport=10,10,x,y", "viewport=10,10,1", "window=1,2,cubic"):
            assert sami.get(f"{at(study)}/rendered?{wrong}").status_code == 400, wrong
    document = make.image(3, StudyInstanceUID="1.2.826.0.1.99", SeriesInstanceUID="1.2.826.0.1.99.2",
                          EncapsulatedDocument=b"%PDF-1.7 x")  # fmt: skip
    document.MIMETypeOfEncapsulatedDocument = "application/pdf"
    del document.PixelData, document.Rows, document.Columns
    other = Study.objects.get(id=make.send(stage, document)[0].study)
    with service(stage.sami) as sami:
        for address in (f"{at(other)}/rendered", query(other, contentType="application/pdf")):
            answer = sami.get(address)
            assert (answer.headers["content-type"], answer.content) == ("application/pdf", b"%PDF-1.7 x")
        assert sami.get(f"{at(other)}/rendered", "image/png").status_code == 406
        assert sami.get(query(other, contentType="application/dicom")).content[128:132] == b"DICM"
