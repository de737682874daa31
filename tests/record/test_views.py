"""The timeline as people see it."""

from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests import make
from tests import shelf as notes
from tests.cast import Cast
from tests.record.examples import examples
from wasl.accounts.models import Person
from wasl.archive import services as archive
from wasl.kernel.access import SYSTEM, Actor
from wasl.patients import services as patients
from wasl.patients.models import Access
from wasl.record import queries, services
from wasl.record.rules import wording
from wasl.record.rules.kept import KEPT
from wasl.record.views.timeline import KEPT as NAMED

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("shelf")]


@pytest.fixture
def salma(stage: Cast) -> UUID:
    return make.patient(stage).id


def opened(stage: Cast, patient: UUID) -> None:
    patients.open_for_care(patient, place=stage.regional, source=uuid4(), because="tests", by=SYSTEM)


def browser(actor: Actor, language: str = "en") -> Client:
    client = Client(headers={"accept-language": language})
    person = Person.objects.get(id=str(actor.id))
    person.language = language
    person.save()
    client.force_login(person)
    return client


def page(actor: Actor, patient: UUID, query: str = "", *, status: int = 200, language: str = "en") -> str:
    answer = browser(actor, language).get(reverse("record:timeline", args=[patient]) + query)
    assert answer.status_code == status
    return answer.content.decode()


def test_the_story_of_a_patient(stage: Cast, salma: UUID) -> None:
    order = make.order(stage, patient=salma)
    shown = page(stage.amel, salma)
    assert "Imaging request" in shown
    assert "Hémiparésie droite depuis deux heures ?" in shown
    assert "Oued Zen" in shown
    assert "Amel Gharbi" in shown
    assert "under way" in shown
    assert f'href="{reverse("radiology:order", args=[order.id])}"' in shown


def test_what_others_said_is_told_in_words(stage: Cast, salma: UUID) -> None:
    opened(stage, salma)
    about = {"subject": {"reference": f"Patient/{salma}"}, "code": {"coding": [{"display": "Glycémie"}]}}
    allergy = {"patient": about["subject"], "category": ["food"], "code": {"text": "Arachide"}}
    value = queries.read('{"value":5.40,"unit":"mmol/L"}')
    for kind, body in (("AllergyIntolerance", allergy), ("Condition", about),
                       ("MedicationStatement", {"status": "active", "subject": about["subject"],
                                                "medicationCodeableConcept": {"text": "Metformine"}})):  # fmt: skip
        services.keep_resource({"resourceType": kind, **body}, by=stage.amel)
    shown = page(stage.amel, salma, language="fr")
    for word in ("Allergie ou intolérance", "Arachide", "Problème ou diagnostic", "Glycémie", "Metformine"):
        assert word in shown
    assert wording.detail({**about, "valueQuantity": value}) == "5.40 mmol/L"
    parts = [{"code": {"text": "Systolique"}, "valueQuantity": {"comparator": "<", "value": 120, "unit": "mmHg"}}]
    assert wording.detail({**about, "component": parts}) == "Systolique: < 120 mmHg"
    assert {*NAMED} == {*KEPT}


def test_whatever_may_be_kept_has_a_line() -> None:
    for text in examples().values():
        body = queries.read(text)
        assert all(isinstance(said(body), str) for said in (wording.title, wording.detail)), body["resourceType"]


def test_a_look_is_written_down(stage: Cast, salma: UUID) -> None:
    opened(stage, salma)
    page(stage.amel, salma)
    line = Access.objects.get(what="record.timeline")
    assert (line.patient_id, line.actor, line.ground) == (salma, str(stage.amel), "care")


def test_an_empty_record_says_so(stage: Cast, salma: UUID) -> None:
    opened(stage, salma)
    assert "Nothing is in this record yet." in page(stage.amel, salma)


def test_one_type_at_a_time(stage: Cast, salma: UUID) -> None:
    make.order(stage, patient=salma)
    notes.write(patient=salma, words="seen", code="24725-4")
    both, one = page(stage.amel, salma), page(stage.amel, salma, "?type=ServiceRequest")
    assert (both.count("story-line"), one.count("story-line")) == (2, 1)
    assert page(stage.amel, salma, "?type=Unicorn").count("story-line") == 2


def test_long_stories_have_pages(stage: Cast, salma: UUID) -> None:
    opened(stage, salma)
    for number in range(30):
        notes.write(patient=salma, number=str(number))
    first, second = page(stage.amel, salma), page(stage.amel, salma, "?page=2")
    assert (first.count("story-line"), second.count("story-line")) == (25, 5)


def test_without_a_ground_the_ways_to_open(stage: Cast, salma: UUID) -> None:
    notes.write(patient=salma, words="secret")
    shown = page(stage.zied, salma, status=403)
    assert reverse("patients:present", args=[salma]) in shown
    assert reverse("patients:break_glass", args=[salma]) in shown
    assert "secret" not in shown
    assert "Observation" not in shown
    assert Access.objects.get(what="patients.identity").ground == "none"


def test_who_has_no_business_with_patients_finds_nobody(stage: Cast, salma: UUID) -> None:
    page(stage.hatem, salma, status=404)
    page(stage.amel, uuid4(), status=404)


def test_a_stranger_signs_in_first(salma: UUID) -> None:
    answer = Client().get(reverse("record:timeline", args=[salma]))
    assert answer.status_code == 302
    assert "/account/login/" in answer.headers["location"]


def test_nothing_is_done_by_a_look(stage: Cast, salma: UUID) -> None:
    assert browser(stage.amel).post(reverse("record:timeline", args=[salma])).status_code == 405


@pytest.mark.parametrize(("language", "word", "direction"), [
    ("ar", "طلب فحص", "rtl"), ("fr", "Demande d’examen", "ltr"), ("en", "Imaging request", "ltr"),
])  # fmt: skip
def test_three_languages(stage: Cast, salma: UUID, language: str, word: str, direction: str) -> None:
    make.order(stage, patient=salma)
    shown = page(stage.amel, salma, language=language)
    assert word in shown
    assert f'lang="{language}" dir="{direction}"' in shown


def test_what_others_wrote_is_text(stage: Cast, salma: UUID) -> None:
    make.order(stage, patient=salma, question="<script>alert(1)</script> ?")
    shown = page(stage.amel, salma)
    assert "<script>alert" not in shown
    assert "&lt;script&gt;alert(1)" in shown


def test_the_page_costs_the_same_whatever_its_length(stage: Cast, salma: UUID) -> None:
    opened(stage, salma)
    client, address = browser(stage.amel), reverse("record:timeline", args=[salma])

    def cost() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert client.get(address).status_code == 200
        return len(seen)

    notes.write(patient=salma, place=stage.regional, by=stage.amel)
    client.get(address)
    few = cost()
    for number in range(15):
        notes.write(patient=salma, number=str(number), place=stage.other, by=stage.zied)
    assert cost() == few


def test_images_open_in_the_viewer(stage: Cast, salma: UUID) -> None:
    order = make.order(stage, patient=salma)
    arrived = make.study_of(stage, order)
    archive.match_study(arrived.id, patient=salma, because="tests", by=SYSTEM)
    shown = page(stage.amel, salma)
    assert f'href="/viewer/viewer?StudyInstanceUIDs={order.study_uid}"' in shown
    assert "available" in shown
    assert "CT · 1 image<" in shown
