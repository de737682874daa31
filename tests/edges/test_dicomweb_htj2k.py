"""One stored HTJ2K file serves the small picture, the whole one, and those who do not know HTJ2K."""

import io
from collections.abc import Callable
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from django.conf import settings
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.encaps import generate_frames

from tests.cast import cast
from tests.edges.dicomweb import service
from tests.edges.test_dicomweb_wado import parts
from tests.make import part10
from tests.pixels import grey, rgb
from wasl.archive import listeners
from wasl.archive import services as archive
from wasl.archive.dicom import incoming
from wasl.archive.dicom.encoding import RPCL
from wasl.archive.models import Instance

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("store")]
KINDS: dict[str, Callable[[], Dataset]] = {
    "unsigned 12 bits": lambda: grey(12, 0, rows=300, columns=260, frames=2),
    "signed 16 bits": lambda: grey(16, 1),
    "unsigned 8 bits": lambda: grey(8, 0),
    "colours": lambda: rgb(frames=2),
}
STORED = f"application/octet-stream; transfer-syntax={RPCL}"
OWN = f"image/jphc; transfer-syntax={RPCL}"
PLAIN = "application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1"


@pytest.mark.parametrize("kind", KINDS)
def test_one_stored_file_serves_everybody(kind: str, store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stage, data = cast(), KINDS[kind]()
    monkeypatch.setattr(settings, "KEEPING", "htj2k")
    content = part10(data)
    (outcome,) = archive.receive([incoming(content, place=stage.regional)], by=stage.sami)
    listeners.transcode_study(study=str(outcome.study))
    image = Instance.objects.get()
    assert image.transfer_syntax == RPCL
    before = dcmread(io.BytesIO(content)).pixel_array
    frames = before if "NumberOfFrames" in data else before[np.newaxis]
    codes = generate_frames(dcmread(store / image.path).PixelData, number_of_frames=len(frames))
    at = f"/studies/{data.StudyInstanceUID}/series/{data.SeriesInstanceUID}/instances/{image.uid}"
    with service(stage.sami) as sami:
        for number, (frame, code) in enumerate(zip(frames, codes, strict=True), 1):
            address = f"{at}/frames/{number}"
            whole = sami.get(address, STORED)
            assert (whole.status_code, whole.content, whole.headers["content-type"]) == (200, code, STORED)
            assert np.array_equal(imagecodecs.htj2k_decode(whole.content), frame)
            assert sami.get(address, OWN).headers["content-type"] == OWN
            head = sami.get(address, STORED, range="bytes=0-999")
            assert (head.status_code, head.content) == (206, code[:1000])
            assert head.headers["content-range"] == f"bytes 0-999/{len(code)}"
            ((_, plain),) = parts(sami.get(address, 'multipart/related; type="application/octet-stream"'))
            assert plain == np.ascontiguousarray(frame).tobytes()
            assert sami.get(address, PLAIN).content == plain
        given = dcmread(io.BytesIO(sami.get(at, "application/dicom").content))
        assert given.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1"
        assert np.array_equal(given.pixel_array, before)
        assert sami.get(f"{at}/rendered", "image/png").status_code == 200
