"""C-MOVE and C-GET to who takes one compression alone: encoded without loss, the same pixels, or named as failed."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.pixels.utils import pixel_array
from pydicom.uid import CTImageStorage, JPEGBaseline8Bit, SecondaryCaptureImageStorage

from tests import make
from tests.cast import Cast
from tests.edges.dicom import client, receiving
from tests.edges.test_dimse_give import counts, getting, packed
from wasl.edges.dicom.callers import Event
from wasl.edges.dicom.transcoded import JPEG_2000, JPEG_LS, LOSSLESS, RLE

pytestmark = pytest.mark.django_db(transaction=True)

# what storescp is told to take: images in one transfer syntax alone
PROFILE = """
[[TransferSyntaxes]]
[Plain]
TransferSyntax1 = LittleEndianImplicit
[Alone]
TransferSyntax1 = {syntax}
[[PresentationContexts]]
[Images]
PresentationContext1 = VerificationSOPClass\\Plain
PresentationContext2 = CTImageStorage\\Alone
PresentationContext3 = SecondaryCaptureImageStorage\\Alone
[[Profiles]]
[Alone]
PresentationContexts = Images
"""
KINDS = (CTImageStorage, SecondaryCaptureImageStorage)


def same(got: dict[str, Dataset], pixels: dict[str, Any], syntax: str) -> bool:
    """Whether these are the images, in this transfer syntax, and with the same pixels once they are decoded."""
    assert got.keys() == pixels.keys()
    for uid, data in got.items():
        assert data.file_meta.TransferSyntaxUID == syntax
        assert np.array_equal(pixel_array(data).ravel(), pixels[uid]), uid
    return True


@pytest.mark.parametrize("syntax", [JPEG_LS, JPEG_2000, RLE])  # DCMTK does not know the others
def test_who_takes_one_compression_alone_is_sent_it(port: int, stage: Cast, tmp_path: Path, syntax: str) -> None:
    study, pixels = packed(stage)
    profile = tmp_path / "profile.cfg"
    profile.write_text(PROFILE.format(syntax=syntax))
    with receiving(tmp_path / "moved", "ALONE", "-xf", str(profile), "Alone") as theirs:
        make.source(stage, ae_title="ALONE", name="Station", port=theirs)
        said = client("movescu", port, "-aem", "ALONE", "-S", "-v", "-k", "QueryRetrieveLevel=STUDY",
                      "-k", f"StudyInstanceUID={study.uid}")  # fmt: skip
    assert said.code == 0, said
    assert same({data.SOPInstanceUID: data for data in map(dcmread, (tmp_path / "moved").iterdir())}, pixels, syntax)


@pytest.mark.parametrize("syntax", LOSSLESS)
def test_who_asks_for_one_compression_alone_gets_it(port: int, stage: Cast, syntax: str) -> None:
    """Also behind one with loss, into which no image is encoded."""
    study, pixels = packed(stage)
    for offered in ([syntax], [JPEGBaseline8Bit, syntax]):
        got: dict[str, Dataset] = {}

        def take(event: Event, got: dict[str, Dataset] = got) -> int:
            data = event.dataset
            got[data.SOPInstanceUID] = data
            return 0x0000

        with getting(port, take, *KINDS, syntaxes=offered) as get:
            status, _ = get(StudyInstanceUID=study.uid)[-1]
        assert (status.Status, counts(status)) == (0x0000, (5, 0, 0))
        assert same(got, pixels, syntax)


def test_what_cannot_be_encoded_is_named(port: int, stage: Cast) -> None:
    study = make.study(stage, images=1)
    deep = make.image(2, StudyInstanceUID=study.uid, BitsAllocated=32, BitsStored=32, HighBit=31)
    deep.PixelData = bytes(16 * 16 * 4)
    make.send(stage, deep)
    with getting(port, lambda event: 0x0000, CTImageStorage, syntaxes=[JPEG_LS]) as get:
        status, identifier = get(StudyInstanceUID=study.uid)[-1]
    assert (status.Status, counts(status)) == (0xB000, (1, 1, 0))
    assert identifier.FailedSOPInstanceUIDList == deep.SOPInstanceUID
    with getting(port, lambda event: 0x0000, CTImageStorage, syntaxes=[JPEGBaseline8Bit]) as get:
        status, _ = get(StudyInstanceUID=study.uid)[-1]
    assert (status.Status, counts(status)) == (0xA702, (0, 2, 0))
