"""Every file that is written anew, judged by dciodvfy: nothing is wrong with it that was not wrong with its source."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import timezone

from tests import make
from tests.cast import Cast, cast
from tests.edges.dicomweb import file_of, service
from tests.edges.test_dicomweb_pixels import pixels_of, whole
from tests.edges.test_dicomweb_wado import at
from tests.hear import hear
from tests.valid import errors, errors_in
from wasl.archive import listeners, queries
from wasl.archive import services as archive
from wasl.archive.dicom import Alias, incoming
from wasl.archive.models import Instance, PhantomRun, Rejection, Study
from wasl.edges.dicom import phantom
from wasl.edges.dicom.burned import Box
from wasl.edges.dicom.copies import copied
from wasl.edges.dicom.pixels import explicit_file
from wasl.edges.dicom.transcoded import LOSSLESS, encodable, encoded_file
from wasl.kernel.access import SYSTEM
from wasl.kernel.models import uuid7

# real files: grey and colours, one frame and many, plain and compressed
FILES = (
    "693_UNCI.dcm", "693_J2KR.dcm", "US1_J2KR.dcm", "MR_small_jpeg_ls_lossless.dcm", "emri_small_RLE.dcm",
    "examples_palette.dcm", "SC_rgb_rle_2frame.dcm", "RG1_UNCR.dcm",
)  # fmt: skip
# a date that some information objects must have, and that a copy tells to nobody unless it is asked for (decision 23)
EMPTY_DATE = re.compile(r"empty .* Element=<\w*(Date|Time)>", re.IGNORECASE)
NOBODY = Alias("P7KQ3M2X", b"s" * 32, "patient:1")


@pytest.fixture
def stage(store: Path) -> Cast:
    return cast()


@pytest.mark.parametrize("name", FILES)
def test_files_written_on_request(name: str, tmp_path: Path) -> None:
    path = file_of(name)
    pixels, wrong = pixels_of(path), errors(path)
    assert errors_in(tmp_path, explicit_file(pixels, whole(path))) <= wrong
    for syntax in LOSSLESS:
        assert encodable(pixels, syntax)
        assert errors_in(tmp_path, encoded_file(pixels, whole(path), syntax)) <= wrong, syntax


@pytest.mark.parametrize("name", FILES)
def test_copies_without_names(name: str, tmp_path: Path) -> None:
    path = file_of(name)
    for boxes in (None, [Box(2, 2, 9, 9, 1.0)]):
        for options in (frozenset[str](), frozenset(("shifted-dates",))):
            made = errors_in(tmp_path, copied(pixels_of(path), NOBODY, options=options, boxes=boxes))
            new = {line for line in made - errors(path) if options or not EMPTY_DATE.search(line)}
            assert new == set(), (boxes, options)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", FILES)
def test_files_kept_as_htj2k_and_given_as_whose_and_where_they_are(
    stage: Cast, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = file_of(name)
    wrong = errors(path)
    (outcome,) = archive.receive([incoming(path.read_bytes(), place=stage.regional)], by=stage.sami)
    image = Instance.objects.get()
    make.send(stage, make.image(900, StudyInstanceUID=image.series.study.uid))  # so that not all of it is moved
    monkeypatch.setattr(settings, "KEEPING", "htj2k")
    archive.complete_study(outcome.study, how="quiet", by=SYSTEM)
    listeners.transcode_study(study=str(outcome.study))
    image.refresh_from_db()
    assert errors(queries.lies_at(image.path)) <= wrong
    archive.move_images(outcome.study, instances=[image.id], because="another exam", by=stage.sami)
    moved = Study.objects.exclude(id=outcome.study).get()
    archive.match_study(moved.id, patient=make.patient(stage).id, because="test", by=stage.sami)
    with service(stage.sami) as sami:
        for syntax in ("*", "1.2.840.10008.1.2.1"):
            given = sami.get(at(moved), f"application/dicom; transfer-syntax={syntax}")
            assert given.status_code == 200
            assert moved.uid.encode() in given.content
            assert errors_in(tmp_path, given.content) <= wrong, syntax


@pytest.mark.django_db
def test_what_we_make_ourselves_is_right_altogether(stage: Cast, tmp_path: Path) -> None:
    """Notes that take images back, and phantoms; a signed report's objects are judged where they are made."""
    study = make.study(stage, images=2)
    uids = list(Instance.objects.values_list("uid", flat=True))
    archive.reject_images(study.id, instances=uids, reason="113001", by=stage.sami)
    hear()
    note = queries.note(Rejection.objects.get().id, viewer=SYSTEM)
    assert note is not None
    assert errors(note.path) == set()
    run = PhantomRun(study=uuid7(), started_at=timezone.now())
    for number in (1, 2, 3):
        assert errors_in(tmp_path, make.part10(phantom.image(run, number))) == set()
