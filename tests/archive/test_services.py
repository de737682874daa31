"""What the archive does with images: received once, kept apart, counted, completed, matched, settled."""

import hashlib
from pathlib import Path

import pytest
from django.conf import settings

from tests import make
from tests.cast import Cast, cast
from wasl.archive.models import Instance, Study
from wasl.kernel.models import Fact

pytestmark = pytest.mark.django_db


@pytest.fixture
def stage() -> Cast:
    return cast()


def told(name: str) -> list[Fact]:
    return list(Fact.objects.filter(name=f"archive.{name}").order_by("seq"))


def files() -> set[str]:
    return {str(path.relative_to(settings.STORAGE)) for path in Path(settings.STORAGE).rglob("*") if path.is_file()}


def test_an_image_is_kept_as_it_came_with_what_its_header_says(stage: Cast) -> None:
    data = make.image(7, AccessionNumber="A-77")
    (outcome,) = make.send(stage, data)
    instance = Instance.objects.get()
    study = Study.objects.get()
    assert (outcome.what, outcome.instance, outcome.study) == ("stored", instance.id, study.id)
    stored = (settings.STORAGE / instance.path).read_bytes()
    sent = make.part10(data)
    assert stored == sent
    assert instance.size == len(sent)
    assert instance.pixel_offset is not None
    assert stored[instance.pixel_offset :][:4] == b"\xe0\x7f\x10\x00"
    start = sent.index(b"\x08\x00\x05\x00")
    assert bytes(instance.sha256) == hashlib.sha256(sent[start:]).digest()
    assert (study.header_name, study.header_name_folded) == (
        "Ben Salah^Salma=بن صالح^سلمى", "ben salah salma بن صالح سلمي",
    )  # fmt: skip
    assert (study.accession, study.modalities, study.body_part, study.flags) == ("A-77", ["CT"], "HEAD", [])
    assert (study.place_id, study.patient_id, study.instance_count, study.series_count) == (stage.regional, None, 1, 1)
    assert study.started_at is not None
    assert study.started_at.isoformat() == "2026-11-10T07:05:00+00:00"  # 8:05 in Tunis
    assert study.size == len(sent)
    (fact,) = told("StudyArrived")
    assert fact.data["accession"] == "A-77"
    assert data.PatientID not in instance.path
