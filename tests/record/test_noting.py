"""What people write in a record by hand, and the page where it stands."""

import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from fhir.resources.R4B import get_fhir_model_class

from tests import make
from tests.cast import Cast
from tests.record.test_views import browser
from wasl.kernel.access import SYSTEM, Actor
from wasl.kernel.errors import NotAllowed, Refused
from wasl.patients import services as patients
from wasl.patients.models import Access
from wasl.record import queries, services
from wasl.record.models import Entry, Version
from wasl.record.rules import kept, noting

pytestmark = pytest.mark.django_db


@pytest.fixture
def salma(stage: Cast) -> UUID:
    """A patient whose record is open to the regional and the university hospital."""
    key = make.patient(stage).id
    for place in (stage.regional, stage.university):
        patients.open_for_care(key, place=place, source=uuid4(), because="tests", by=SYSTEM)
    return key


def shown(actor: Actor, patient: UUID, language: str = "en") -> str:
    answer = browser(actor, language).get(reverse("record:summary", args=[patient]))
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def sent(client: Client, name: str, *args: object, **values: object) -> Any:  # noqa: ANN401
    return client.post(reverse(f"record:{name}", args=args), values)


def body(entry: Entry) -> dict[str, Any]:
    found: dict[str, Any] = queries.read(entry.body)
    get_fhir_model_class(entry.type).model_validate_json(entry.body)  # somebody else's reading of R4
    return found


def test_every_statement_is_a_resource_of_its_author(stage: Cast, salma: UUID) -> None:
    today = timezone.localdate()
    services.note_allergy(salma, text=" Pénicilline ", category="medication", criticality="high",
                          reaction="choc", by=stage.amel)  # fmt: skip
    services.note_problem(salma, text="HTA", since=datetime.date(2020, 5, 1), by=stage.amel)
    services.note_medicine(salma, text="Amlodipine 5 mg", dose="1 le matin", by=stage.leila)
    services.note_vaccine(salma, text="Grippe", day=today, dose=2, lot="A12", by=stage.amel)
    services.note_result(salma, text="Hémoglobine", day=today, value=Decimal("12.50"), unit="g/dL",
                         low=Decimal("12"), high=Decimal("16.0"), by=stage.amel)  # fmt: skip
    said = {entry.type: body(entry) for entry in Entry.objects.filter(type__in=noting.WHEN | {"Observation": ""})}
    assert said["AllergyIntolerance"]["code"] == {"text": "Pénicilline"}
    assert said["AllergyIntolerance"]["recorder"] == {"display": stage.amel.name}
    assert said["Condition"]["onsetDateTime"] == "2020-05-01"
    assert str(said["Observation"]["valueQuantity"]["value"]) == "12.50"
    assert {entry.author for entry in Entry.objects.filter(type="MedicationStatement")} == {str(stage.leila)}
    assert len(said) == 5


@pytest.mark.parametrize(
    ("verb", "values", "refusal"),
    [
        ("note_allergy", {"text": "  "}, noting.NothingSaid),
        ("note_problem", {"text": "HTA", "since": datetime.date(2999, 1, 1)}, noting.NotYet),
        ("note_result", {"text": "TSH", "day": datetime.date(2026, 1, 1)}, noting.NoValue),
        ("note_none", {"section": "documents"}, noting.NotAnswered),
    ],
)
def test_what_says_nothing_is_refused(
    stage: Cast, salma: UUID, verb: str, values: dict[str, object], refusal: type[Refused]
) -> None:
    before = Version.objects.count()
    with pytest.raises(refusal):
        getattr(services, verb)(salma, by=stage.amel, **values)
    assert Version.objects.count() == before


def test_who_may_write(stage: Cast, salma: UUID) -> None:
    with pytest.raises(NotAllowed):
        services.note_allergy(salma, text="Latex", by=stage.nour)  # admits patients, is no doctor
    with pytest.raises(kept.NothingReferred):
        services.note_allergy(salma, text="Latex", by=stage.zied)  # another hospital's doctor, whom nothing lets in


def test_nobody_has_said_and_there_is_none_are_two_things(stage: Cast, salma: UUID) -> None:
    assert shown(stage.amel, salma).count("nobody has said") == 6
    for section in noting.NONE:
        sent(browser(stage.amel), "note_none", salma, section)
    page = shown(stage.amel, salma)
    assert (page.count("nobody has said"), page.count("None: it was asked.")) == (1, 5)
    for entry in Entry.objects.filter(body__contains="no-known-"):
        body(entry)
    services.note_allergy(salma, text="Latex", by=stage.leila)
    assert "One says that there is none, another names one." in shown(stage.amel, salma)


def test_the_form_writes_and_the_page_shows_it(stage: Cast, salma: UUID) -> None:
    client = browser(stage.amel)
    answer = sent(client, "note", salma, "allergies", text="Pénicilline", criticality="high", reaction="choc")
    assert answer.status_code == 302
    page = shown(stage.leila, salma)
    assert "Allergy, high risk:" in page
    assert "Pénicilline" in page
    assert "Oued Zen" in page
    assert Access.objects.filter(what="record.summary", actor=str(stage.leila), ground="care").count() == 1
    assert "Allergie, risque élevé" in shown(stage.leila, salma, "fr")
    assert sent(client, "note", salma, "allergies", text="").status_code == 422
    assert sent(client, "note", salma, "results", text="TSH", day="2026-01-01").status_code == 422
    assert client.get(reverse("record:note", args=[salma, "unicorns"])).status_code == 404


def test_results_over_time_are_drawn(stage: Cast, salma: UUID) -> None:
    for day, value in ((1, "13.1"), (2, "11.0"), (3, "9.4")):
        services.note_result(salma, text="Hémoglobine", day=datetime.date(2026, 3, day), value=Decimal(value),
                             unit="g/dL", low=Decimal("12"), high=Decimal("16"), by=stage.amel)  # fmt: skip
    page = shown(stage.amel, salma)
    assert "3 values since 01/03/2026: from 9.4 to 13.1, last 9.4" in page
    assert "below usual" in page
    assert page.count("<polyline") == 1


def test_a_mistake_is_taken_back_where_it_was_made(stage: Cast, salma: UUID) -> None:
    made = services.note_allergy(salma, text="Latex", by=stage.amel)
    assert "Take it back" in shown(stage.amel, salma)
    assert "Take it back" not in shown(stage.leila, salma)
    address = salma, "AllergyIntolerance", made.key
    assert sent(browser(stage.leila), "withdraw_resource", *address).status_code == 403
    assert sent(browser(stage.amel), "withdraw_resource", *address).status_code == 302
    assert "Latex" not in shown(stage.amel, salma)
    assert Version.objects.filter(resource=made.key).count() == 2


def test_without_a_ground_nothing_is_shown_or_written(stage: Cast, salma: UUID) -> None:
    services.note_allergy(salma, text="Latex", by=stage.amel)
    client = browser(stage.zied)
    closed = client.get(reverse("record:summary", args=[salma]))
    assert closed.status_code == 403
    assert "Latex" not in closed.content.decode()
    before = Version.objects.count()
    assert client.get(reverse("record:note", args=[salma, "allergies"])).status_code == 403
    assert sent(client, "note", salma, "allergies", text="Œuf").status_code == 403
    assert sent(client, "note_none", salma, "allergies").status_code == 403
    assert Version.objects.count() == before
