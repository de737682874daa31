"""DICOMweb and the two stores: a file that left is given all the same, a damaged one never."""

from pathlib import Path

import pytest
from django.conf import settings

from tests import make
from tests.bucket import S3, flip
from tests.cast import Cast, cast
from tests.edges.dicomweb import Service
from tests.edges.test_dicomweb_stow import files, reasons, send
from tests.edges.test_dicomweb_wado import FILES, FRAMES, at, parts
from wasl.archive import queries
from wasl.archive import services as archive
from wasl.archive.models import Copy, Instance, Study
from wasl.kernel.access import SYSTEM

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def stage(store: Path) -> Cast:
    return cast()


@pytest.fixture
def study(stage: Cast, s3: S3) -> Study:
    """A study of two images whose files are in the bucket alone."""
    study = make.study(stage, images=2)
    archive.copy_study(study.id)
    return study


def test_a_study_that_left_is_given_as_it_was(study: Study, sami: Service) -> None:
    before = [sami.get(f"/studies/{study.uid}", FILES), sami.get(f"{at(study)}/frames/1", FRAMES)]
    assert archive.release_files(study.id, idle=0, by=SYSTEM) == study.size
    after = [sami.get(f"{at(study)}/frames/1", FRAMES), sami.get(f"/studies/{study.uid}", FILES)]
    assert [parts(answer) for answer in reversed(after)] == [parts(answer) for answer in before]
    assert sami.get(f"{at(study)}/rendered", "image/png").status_code == 200


def test_an_image_without_a_whole_copy_is_refused_with_a_sentence(study: Study, sami: Service, s3: S3) -> None:
    first = Instance.objects.order_by("number")[0]
    flip(queries.lies_at(first.path))
    for pack in s3.objects():
        pack.unlink()
    archive.scrub_folder(1 << 62)
    for address, accept in ((at(study), "application/dicom"), (at(study), FILES), (f"{at(study)}/frames/1", FRAMES),
                            (f"{at(study)}/rendered", "image/png"), (f"/studies/{study.uid}", FILES)):  # fmt: skip
        answer = sami.get(address, accept)
        assert (answer.status_code, answer.json()["error"]) == (
            410, "Every known copy of this image is damaged: it is not given.",
        ), address  # fmt: skip
    assert sami.get(f"/studies/{study.uid}/metadata").status_code == 200


def test_a_bucket_that_does_not_answer_is_no_damage(study: Study, sami: Service, s3: S3) -> None:
    archive.release_files(study.id, idle=0, by=SYSTEM)
    with s3.away():
        assert sami.get(f"{at(study)}/frames/1", FRAMES).status_code == 503
    assert sami.get(f"{at(study)}/frames/1", FRAMES).status_code == 200


def test_what_is_stored_is_in_the_bucket_before_the_answer(
    stage: Cast, sami: Service, s3: S3, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "S3_BEFORE_ANSWER", True)
    images = [make.part10(make.image(number, StudyInstanceUID="1.2.9.1")) for number in range(1, 6)]
    for _ in range(2):  # a duplicate leaves no copy behind
        assert send(sami, *images).status_code == 200
        copies = set(Copy.objects.filter(folder=None).values_list("path", flat=True))
        assert copies == set(Instance.objects.values_list("path", flat=True)) == files(store)
        assert len(copies) == 5
    assert all(pack.stat().st_size for pack in s3.objects())
    with s3.away():
        refused = send(sami, make.part10(make.image(9)))
    assert (refused.status_code, reasons(refused)) == (409, [0xA700])
    assert Instance.objects.count() == Copy.objects.count() == len(files(store)) == 5
    assert archive.copy_everything().proven == 5
