"""Who may ask what of the record."""

from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests import make
from tests import shelf as notes
from tests.cast import Cast
from wasl.kernel.access import STRANGER, SYSTEM
from wasl.kernel.errors import NotAllowed, NotFound
from wasl.patients import services as patients
from wasl.record import queries

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("shelf")]


@pytest.fixture
def salma(stage: Cast) -> UUID:
    """A patient whose record is open to the regional hospital."""
    key = make.patient(stage).id
    patients.open_for_care(key, place=stage.regional, source=uuid4(), because="tests", by=SYSTEM)
    return key


def test_a_timeline_is_newest_first_from_every_hospital(stage: Cast, salma: UUID) -> None:
    later = notes.write(patient=salma, at=notes.MORNING.replace(year=2026, month=11, day=20), place=stage.university)
    early = notes.write(patient=salma, at=notes.MORNING, place=stage.regional)
    notes.write(patient=make.patient(stage, given_name="Rim").id)
    notes.take(notes.write(patient=salma))
    found = queries.timeline(salma, viewer=stage.amel).order_by("-date")
    assert [entry.id for entry in found] == [later, early]
    assert [entry.place for entry in found] == [stage.university, stage.regional]


def test_types_are_counted_and_chosen(stage: Cast, salma: UUID) -> None:
    notes.write(patient=salma)
    make.order(stage, patient=salma)
    assert queries.types(salma, viewer=stage.amel) == {"Observation": 1, "ServiceRequest": 1}
    assert [e.type for e in queries.timeline(salma, viewer=stage.amel, type="Observation")] == ["Observation"]


def test_without_a_ground_nothing_is_told(stage: Cast, salma: UUID) -> None:
    key = notes.write(patient=salma)
    for viewer in (STRANGER, stage.zied, stage.hatem, stage.fatma):
        with pytest.raises(NotAllowed):
            queries.timeline(salma, viewer=viewer)
        with pytest.raises(NotAllowed):
            queries.types(salma, viewer=viewer)
        with pytest.raises(NotFound):
            queries.entry("Observation", key, viewer=viewer)
        with pytest.raises(NotFound):
            queries.versions("Observation", key, viewer=viewer)


def test_with_a_ground_a_resource_and_its_versions(stage: Cast, salma: UUID) -> None:
    key = notes.write(patient=salma, words="one")
    notes.write(key, patient=salma, words="two")
    for viewer in (stage.amel, stage.sami, SYSTEM):
        assert queries.entry("Observation", key, viewer=viewer).version == 2
        assert [v.version for v in queries.versions("Observation", key, viewer=viewer)] == [2, 1]
    notes.take(key)
    with pytest.raises(NotFound):
        queries.entry("Observation", key, viewer=stage.amel)


def test_what_is_nobodys_is_everybodys_who_holds_a_post(stage: Cast) -> None:
    assert queries.entry("Organization", stage.other, viewer=stage.zied).type == "Organization"
    with pytest.raises(NotFound):
        queries.entry("Organization", stage.other, viewer=STRANGER)


def test_what_names_no_patient_yet_is_shown_to_nobody(stage: Cast) -> None:
    key = notes.write(patient=None)
    with pytest.raises(NotFound):
        queries.entry("Observation", key, viewer=stage.amel)


def test_a_timeline_costs_the_same_whatever_its_length(stage: Cast, salma: UUID) -> None:
    for number in range(12):
        notes.write(patient=salma, number=str(number))
    with CaptureQueriesContext(connection) as seen:
        assert len(queries.timeline(salma, viewer=stage.amel)) == 12
    assert len(seen) == 3
