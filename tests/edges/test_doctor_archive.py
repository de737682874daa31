"""What `wasl doctor` finds wrong with the copies of images."""

import datetime
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import timezone

from tests import make
from tests.bucket import S3, flip
from tests.cast import cast
from wasl.archive import queries
from wasl.archive import services as archive
from wasl.archive.models import Instance, Study
from wasl.edges.cli.doctor_archive import bucket_finding, damage_finding
from wasl.kernel.access import SYSTEM

pytestmark = pytest.mark.django_db


def test_a_bucket_that_takes_and_gives(store: Path, s3: S3) -> None:
    assert not bucket_finding().mend
    study = make.study(cast(), images=1)
    archive.complete_study(study.id, how="quiet", by=SYSTEM)
    Study.objects.update(complete_at=timezone.now() - datetime.timedelta(days=2))
    assert "1 studies" in bucket_finding().what
    archive.copy_everything()
    assert not bucket_finding().mend


def test_a_bucket_with_wrong_keys(s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "S3_SECRET", "guessed")
    found = bucket_finding()
    assert "WASL_S3_KEY" in found.mend
    assert "guessed" not in str(found)


def test_no_bucket_is_nothing_wrong() -> None:
    assert not bucket_finding().mend


def test_damage_is_said_until_it_is_mended(store: Path) -> None:
    study = make.study(cast(), images=2)
    archive.copy_study(study.id)
    assert not damage_finding().mend
    place = queries.lies_at(Instance.objects.all()[0].path)
    flip(place)
    for _ in range(2):
        archive.scrub_folder()
        assert "1 copies are damaged; of 1 files no copy is whole." in damage_finding().what
    (store / "damaged" / place.name).rename(place)
    flip(place)
    archive.scrub_folder()
    assert not damage_finding().mend
