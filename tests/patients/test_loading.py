"""People of lists that were matched: entered once, found by what is said of them."""

import pytest

from tests.cast import Cast, cast
from tests.patients.invariants import broken
from wasl.kernel.access import SYSTEM
from wasl.kernel.models import Fact
from wasl.patients import queries, rules, services
from wasl.patients.models import Patient, RecordLink, SourceIdentity
from wasl.patients.services import Saying

pytestmark = pytest.mark.django_db
SALMA = {"first_lat": "Salma", "last_lat": "Ben Salah", "sex": "F", "dob": "1980-03-12", "nid": "09417263"}
ALI = {"first_ar": "علي", "last_ar": "الغربي", "sex": "M", "dob": "1950", "phone": "22 333 444"}


@pytest.fixture
def stage() -> Cast:
    return cast()


def people(stage: Cast) -> list[list[Saying]]:
    there = Saying({**SALMA, "nid": "", "mother": "Zohra"} | {"first_lat": "Selma"}, stage.other, "7")
    return [[Saying(SALMA, stage.regional, "H-1"), there], [Saying(ALI, stage.regional, "H-2")]]


def test_people_are_entered_with_all_that_is_said_of_them(stage: Cast) -> None:
    assert services.load_patients(people(stage), by=SYSTEM) == 2
    salma = Patient.objects.get(given_name="Salma")
    assert (salma.mother_name, salma.level, salma.folded) == ("Zohra", "declared", "salma ben salah")
    assert rules.is_wasl_number(salma.number)
    ali = Patient.objects.get(given_name_ar="علي")
    assert (ali.birth_date_about, ali.phone, ali.sex) == (True, "22333444", "male")
    assert set(SourceIdentity.objects.filter(patient=salma).values_list("kind", "value", "place")) == {
        ("tn_cin", "09417263", None), ("local", "H-1", stage.regional), ("local", "7", stage.other),
    }  # fmt: skip
    found = queries.match(SALMA, viewer=SYSTEM).certain
    assert found
    assert found.patient == salma
    assert RecordLink.objects.filter(patient=salma, state="auto").count() == 2
    assert Fact.objects.get(name="patients.PatientsLoaded").data["records"] == 3
    assert broken() == []


def test_loaded_twice_they_are_there_once(stage: Cast) -> None:
    services.load_patients(people(stage), by=SYSTEM)
    more = [*people(stage), [Saying(ALI, stage.other, "8"), Saying(ALI, stage.regional, "H-2")]]
    assert services.load_patients(more, by=SYSTEM) == 0
    assert (Patient.objects.count(), SourceIdentity.objects.filter(kind="local").count()) == (2, 4)
    twice = [[Saying(ALI, stage.university, "1"), Saying(ALI, stage.university, "1")]]
    assert services.load_patients(twice, by=SYSTEM) == 1
    assert broken() == []


def test_a_record_without_a_number_is_refused(stage: Cast) -> None:
    with pytest.raises(rules.NothingSaid):
        services.load_patients([[Saying(ALI, stage.regional, "")]], by=SYSTEM)
    assert not Patient.objects.exists()
