"""The pages of conflicts and machines: what they show, to whom, and what they do."""

from html import unescape
from typing import Any
from uuid import UUID

import pytest
from django.test import Client

from tests import make
from tests.archive.test_traffic import local_administrator
from tests.browser import browser_of
from tests.cast import Cast, cast
from wasl.archive.models import Conflict, Instance, Source
from wasl.kernel.access import Actor

pytestmark = pytest.mark.django_db


@pytest.fixture
def stage() -> Cast:
    return cast()


@pytest.fixture
def conflict(stage: Cast) -> Conflict:
    data = make.image(1)
    make.send(stage, data)
    data.PatientName = "Trabelsi^Amel"
    make.send(stage, data)
    return Conflict.objects.get()


def text(response: Any) -> str:  # noqa: ANN401  the test client's response has no name
    return unescape(response.content.decode())


def status(person: Actor, page: str, **data: object) -> int:
    browser: Client = browser_of(person, "fr")
    return browser.post(page, data).status_code if data else browser.get(page).status_code


def test_a_conflict_is_shown_with_what_differs_and_settled(stage: Cast, conflict: Conflict) -> None:
    browser = browser_of(stage.sami, "fr")
    page = text(browser.get("/archive/conflicts/"))
    assert "Trabelsi Amel" in page
    assert "Ben Salah Salma · بن صالح سلمى" in page
    assert "Nom dans l’image" in page
    answer = browser.post(f"/archive/conflicts/{conflict.id}/", {"show": "later"})
    assert answer.status_code == 302
    assert Instance.objects.get().metadata["00100010"]["Value"][0]["Alphabetic"] == "Trabelsi^Amel"
    assert "Rien à régler." in text(browser.get("/archive/conflicts/"))
    assert "Trabelsi Amel" in text(browser.get("/archive/conflicts/?state=settled"))
    browser.post(f"/archive/conflicts/{conflict.id}/", {"show": "first"})
    assert Instance.objects.get().metadata["00100010"]["Value"][0]["Alphabetic"] == "Ben Salah^Salma"


def test_conflicts_are_not_for_everyone(stage: Cast, conflict: Conflict) -> None:
    for person in (stage.amel, stage.nour, stage.leila, stage.hatem, stage.fatma):
        assert status(person, "/archive/conflicts/") == 403
        assert status(person, f"/archive/conflicts/{conflict.id}/", show="later") == 403
    assert status(stage.karim, f"/archive/conflicts/{conflict.id}/", show="later") == 403  # of another hospital
    assert "Ben Salah" not in text(browser_of(stage.karim, "fr").get("/archive/conflicts/"))
    assert Client().get("/archive/conflicts/").status_code == 302
    assert Conflict.objects.get().settled_at is None


def machine(place: UUID, **values: object) -> dict[str, object]:
    return {"name": "CT Oued Zen", "place": str(place), "modality": "CT", "ae_title": "CT_OUEDZEN",
            "address": "10.1.2.3", "port": "104"} | values  # fmt: skip


def test_a_machine_is_added_and_closed(stage: Cast) -> None:
    browser = browser_of(stage.fatma, "fr")
    assert "Aucun appareil pour l’instant." in text(browser.get("/archive/sources/"))
    assert browser.post("/archive/sources/", machine(stage.regional)).status_code == 302
    source = Source.objects.get()
    assert (source.ae_title, source.place_id, source.port) == ("CT_OUEDZEN", stage.regional, 104)
    assert "10.1.2.3:104" in text(browser.get("/archive/sources/"))
    assert browser.post(f"/archive/sources/{source.id}/close/").status_code == 302
    assert not Source.objects.get().active


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"address": "nowhere"}, "L’adresse doit être une adresse IP ou un réseau ; avec un port, une seule adresse."),
        ({"address": ""}, "L’adresse doit être une adresse IP ou un réseau ; avec un port, une seule adresse."),
        ({"ae_title": "A\\B"}, "Un titre d’AE compte de 1 à 16 lettres, chiffres ou signes"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field(stage: Cast, wrong: dict[str, object], sentence: str) -> None:
    page = browser_of(stage.fatma, "fr").post("/archive/sources/", machine(stage.regional, **wrong))
    assert sentence in text(page)
    assert not Source.objects.exists()


def test_a_title_is_taken_once(stage: Cast) -> None:
    make.source(stage)
    page = browser_of(stage.fatma, "fr").post("/archive/sources/", machine(stage.other))
    assert "Un autre système porte déjà le titre d’AE CT_OUEDZEN." in text(page)
    assert Source.objects.count() == 1


def test_machines_are_the_administrators(stage: Cast) -> None:
    source = make.source(stage)
    for person in (stage.sami, stage.karim, stage.amel, stage.hatem):
        assert status(person, "/archive/sources/") == 403
        assert status(person, "/archive/sources/", **machine(stage.regional, ae_title="NEW")) == 403
        assert status(person, f"/archive/sources/{source.id}/close/", sure="yes") == 403
    assert Client().get("/archive/sources/").status_code == 302
    assert Source.objects.get().active


@pytest.mark.parametrize("page", ["/archive/sources/", "/accounts/gateways/"])
def test_hospitals_are_offered_to_those_who_administer_them(stage: Cast, page: str) -> None:
    local, national = (text(browser_of(who, "fr").get(page)) for who in (local_administrator(stage), stage.fatma))
    assert str(stage.regional) in local
    assert str(stage.other) not in local
    assert str(stage.other) in national
