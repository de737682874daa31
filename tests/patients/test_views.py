"""The pages of patients: what they show, to whom, in three languages, and what every look leaves in the log."""

import datetime
from collections.abc import Iterator
from html import unescape
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests import make
from tests.browser import browser_of
from tests.cast import Cast, cast
from wasl.kernel.access import SYSTEM
from wasl.kernel.models import Fact
from wasl.patients import queries, services
from wasl.patients.models import Access, CareRelationship, Patient, SourceIdentity

pytestmark = pytest.mark.django_db
KNOWN = {
    "kind": "known", "family_name": "Gharbi", "given_name": "Ali", "family_name_ar": "الغربي", "given_name_ar": "علي",
    "sex": "male", "birth_date": "1986-05-01", "tn_cin": "01234567", "local": "H-9", "phone": "98 123 456",
    "birth_year": "", "region": "",
}  # fmt: skip
HTMX = {"HX-Request": "true"}


@pytest.fixture
def stage() -> Cast:
    return cast()


@pytest.fixture
def salma(stage: Cast) -> Patient:
    return make.patient(stage, identities=[("tn_cin", "07654321"), ("local", "H-1")])


def text(response: Any) -> str:  # noqa: ANN401  # the test client's response has no name
    return unescape(response.content.decode())


def looks(patient: Patient) -> list[tuple[str, str]]:
    return list(Access.objects.filter(patient=patient).order_by("created_at").values_list("what", "ground"))


def pages(patient: Patient) -> Iterator[str]:
    """Every address of the module that can be read."""
    yield from ("/patients/", "/patients/new/")
    yield from (f"/patients/{patient.id}/{page}" for page in ("", "correct/", "card/", "accesses/", "break-glass/"))


def test_strangers_are_sent_to_the_sign_in_page(salma: Patient) -> None:
    for address in [*pages(salma), f"/patients/{salma.id}/present/", f"/patients/{salma.id}/numbers/"]:
        response = Client().get(address)
        assert response.status_code == 302, address
        assert "/account/login" in response["Location"]
    assert not Access.objects.exists()


def test_who_has_no_business_with_patients(stage: Cast, salma: Patient) -> None:
    for actor in (stage.hatem, stage.fatma):
        browser = browser_of(actor)
        for address in pages(salma):
            assert browser.get(address).status_code in (403, 404), address
        for page in ("present", "numbers", "break-glass"):
            assert browser.post(f"/patients/{salma.id}/{page}/", {"number": salma.number, "because": "x" * 20,
                                                                  "kind": "tn_cin", "value": "1" * 8}
                                ).status_code in (403, 404)  # fmt: skip
    assert not Access.objects.exists()
    assert CareRelationship.objects.count() == 1


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "Find a patient"), ("fr", "Trouver un patient"), ("ar", "البحث عن مريض")],
)
def test_pages_in_three_languages(stage: Cast, salma: Patient, language: str, words: str) -> None:
    browser = browser_of(stage.nour, language)
    assert words in text(browser.get("/patients/"))
    for address in pages(salma):
        if "break-glass" not in address:
            response = browser.get(address)
            assert response.status_code == 200, address
            assert f'lang="{language}"' in text(response)


def test_search_shows_who_it_is_and_no_more(stage: Cast, salma: Patient) -> None:
    browser = browser_of(stage.zied)
    shown = text(browser.post("/patients/", {"q": "ben salah 1980"}, headers=HTMX))
    assert "<html" not in shown
    for part in ("Salma Ben Salah", "سلمى بن صالح", "12/03/1980", "Female", salma.number[-4:]):
        assert part in shown
    for part in (salma.number, salma.printed_number, "07654321", "H-1"):
        assert part not in shown
    assert "Nobody answers" in text(browser.post("/patients/", {"q": "trabelsi"}, headers=HTMX))
    assert looks(salma) == []


def test_a_search_is_one_query(stage: Cast, salma: Patient) -> None:
    for _ in range(5):
        make.patient(stage)
    browser = browser_of(stage.zied)
    browser.post("/patients/", {"q": "ben salah"}, headers=HTMX)
    with CaptureQueriesContext(connection) as seen:
        assert text(browser.post("/patients/", {"q": "ben salah"}, headers=HTMX)).count("person-link") == 6
    assert sum("patients_patient" in query["sql"] for query in seen) == 1


def test_enter_opens_the_only_one(stage: Cast, salma: Patient) -> None:
    response = browser_of(stage.zied).post("/patients/", {"q": "salma", "open": "1"})
    assert (response.status_code, response["Location"]) == (302, f"/patients/{salma.id}/")
    make.patient(stage, given_name="Salma")
    assert browser_of(stage.zied).post("/patients/", {"q": "salma", "open": "1"}).status_code == 200


def test_who_scans_the_card_may_open_at_once(stage: Cast, salma: Patient) -> None:
    shown = text(browser_of(stage.zied).post("/patients/", {"q": salma.printed_number}))
    assert f"/patients/{salma.id}/present/" in shown


def test_the_file(stage: Cast, salma: Patient) -> None:
    shown = text(browser_of(stage.amel).get(f"/patients/{salma.id}/"))
    for part in (salma.printed_number, "••••321", "H-1", "card or number was presented here"):
        assert part in shown
    assert "07654321" not in shown
    assert looks(salma) == [("patients.file", "card")]


def test_a_closed_file_says_who_and_how_it_opens(stage: Cast, salma: Patient) -> None:
    shown = text(browser_of(stage.zied).get(f"/patients/{salma.id}/"))
    assert "Salma Ben Salah" in shown
    for part in (salma.printed_number, salma.number, "07654321", "H-1"):
        assert part not in shown
    assert "break-glass" in shown
    assert looks(salma) == [("patients.identity", "none")]
    for page in ("card", "accesses", "correct"):
        response = browser_of(stage.zied).get(f"/patients/{salma.id}/{page}/")
        assert (response.status_code, salma.printed_number in text(response)) == (403, False)


@pytest.mark.parametrize("typed", ["number", "printed", "cin"])
def test_presenting_a_number_opens_the_file(stage: Cast, salma: Patient, typed: str) -> None:
    number = {"number": salma.number, "printed": salma.printed_number, "cin": "0765 4321"}[typed]
    browser = browser_of(stage.zied)
    response = browser.post(f"/patients/{salma.id}/present/", {"number": number}, follow=True)
    assert salma.printed_number in text(response)
    assert queries.ground(salma.id, viewer=stage.zied) == "card"


@pytest.mark.parametrize("typed", ["", "1", "H-1", "100000000000", "07654322"])
def test_another_number_opens_nothing(stage: Cast, salma: Patient, typed: str) -> None:
    response = browser_of(stage.zied).post(f"/patients/{salma.id}/present/", {"number": typed})
    assert response.status_code == 422
    assert "not the number on this person's card" in text(response)
    assert queries.ground(salma.id, viewer=stage.zied) is None


def test_break_glass(stage: Cast, salma: Patient) -> None:
    browser, address = browser_of(stage.leila), f"/patients/{salma.id}/break-glass/"
    assert "Open for one hour" in text(browser.get(address))
    assert "at least ten letters" in text(browser.post(address, {"because": "urgent"}))
    assert queries.ground(salma.id, viewer=stage.leila) is None
    shown = text(browser.post(address, {"because": "unconscious after a fall"}, follow=True))
    assert "open to you for one hour" in shown
    assert "unconscious after a fall" in shown
    assert looks(salma)[-1] == ("patients.file", "break_glass")
    assert browser_of(stage.nour).post(address, {"because": "unconscious after a fall"}).status_code == 403


def test_who_looked(stage: Cast, salma: Patient) -> None:
    services.log_access(salma.id, what="radiology.report", ground="care", by=stage.leila)
    services.log_access(salma.id, what="elsewhere.odd_thing", ground="odd", by=SYSTEM)
    browser = browser_of(stage.amel)
    shown = text(browser.get(f"/patients/{salma.id}/accesses/"))
    for part in ("Leila Haddad", "El Amal University Hospital", "192.0.2.1", "report", "this place cares",
                 "odd thing", "Amel Gharbi"):  # fmt: skip
        assert part in shown
    assert looks(salma)[-1] == ("patients.accesses", "card")
    for _ in range(30):
        services.log_access(salma.id, what="patients.file", ground="card", by=stage.sami)
    with CaptureQueriesContext(connection) as few:
        browser.get(f"/patients/{salma.id}/accesses/?sort=who&page=2")
    assert len(few) < 25


def test_the_card(stage: Cast, salma: Patient) -> None:
    shown = text(browser_of(stage.nour, "ar").get(f"/patients/{salma.id}/card/"))
    for part in ("<svg", "Salma Ben Salah", "سلمى بن صالح", salma.printed_number):
        assert part in shown
    assert "style=" not in shown
    assert looks(salma) == [("patients.card", "card")]


def register(browser: Client, **changes: str) -> HttpResponse:
    return browser.post("/patients/new/", KNOWN | changes, follow=True)  # type: ignore[return-value]


def test_register_a_known_person(stage: Cast) -> None:
    shown = text(register(browser_of(stage.nour)))
    ali = Patient.objects.get()
    assert ali.printed_number in shown
    assert (ali.birth_date, ali.birth_date_about, ali.phone) == (datetime.date(1986, 5, 1), False, "98123456")
    assert set(SourceIdentity.objects.values_list("kind", "value", "place")) == {
        ("tn_cin", "01234567", None), ("local", "H-9", stage.regional),
    }  # fmt: skip


def test_the_year_alone(stage: Cast) -> None:
    register(browser_of(stage.nour), birth_date="", birth_year="1950")
    ali = Patient.objects.get()
    assert (ali.birth_date, ali.birth_date_about) == (datetime.date(1950, 1, 1), True)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"family_name": "", "family_name_ar": ""}, "Write the family name"),
        ({"tn_cin": "123"}, "This number has 8 digits."),
        ({"birth_date": ""}, "Write the birth date"),
        ({"birth_date": "32/13/1980"}, "Enter a valid date."),
        ({"birth_date": "", "birth_year": "19x0"}, "Enter a whole number."),
        ({"given_name": "x" * 200}, "at most 120 characters"),
        ({"family_name_ar": "Gharbi"}, "Write this name in Arabic letters."),
        ({"sex": "robot"}, "Select a valid choice"),
        ({"region": "nowhere"}, "Select a valid choice"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_beside_its_field(stage: Cast, changes: dict[str, str], sentence: str) -> None:
    response = register(browser_of(stage.nour), **changes)
    assert response.status_code == 422
    assert sentence in text(response)
    assert not Patient.objects.exists()


def test_a_hospital_number_that_is_taken(stage: Cast, salma: Patient) -> None:
    response = register(browser_of(stage.nour), local="H-1")
    assert "Another person already has this hospital number here." in text(response)
    assert Patient.objects.count() == 1


def test_likely_doubles_are_shown_before_anybody_is_made(stage: Cast, salma: Patient) -> None:
    again = {"family_name": "Ben Saleh", "given_name": "Selma", "birth_date": "1980-03-12", "tn_cin": "", "local": ""}
    browser = browser_of(stage.nour)
    shown = text(register(browser, **again))
    assert "Is it one of these people?" in shown
    assert f"/patients/{salma.id}/" in shown
    assert Patient.objects.count() == 1
    assert "same birth date" in shown
    register(browser, **again, told_apart=str(uuid4()))
    assert Patient.objects.count() == 1, "whom the clerk was not shown, the clerk did not tell apart"
    register(browser, **again, told_apart=str(salma.id))
    assert Patient.objects.count() == 2


def test_the_same_national_number_is_shown_too(stage: Cast, salma: Patient) -> None:
    assert "Is it one of these people?" in text(register(browser_of(stage.nour), tn_cin="07654321"))


def test_register_an_unknown_person_and_name_them(stage: Cast) -> None:
    browser = browser_of(stage.amel)
    browser.post("/patients/new/", {"kind": "unknown", "description": "man, about 40", "sex": "male"})
    someone = Patient.objects.get()
    assert (someone.kind, someone.birth_date) == ("unknown", None)
    about = {"family_name": "Gharbi", "given_name": "Ali", "sex": "male", "birth_date": "1986-05-01"}
    browser.post(f"/patients/{someone.id}/correct/", about | {"version": "1"})
    someone.refresh_from_db()
    assert (someone.kind, someone.latin_name, someone.version) == ("known", "Ali Gharbi", 2)
    late = browser.post(f"/patients/{someone.id}/correct/", about | {"version": "1"})
    assert "Somebody else corrected this person meanwhile" in text(late)


@pytest.mark.parametrize("by", ["number", "local"])
def test_register_a_newborn(stage: Cast, salma: Patient, by: str) -> None:
    typed = {"kind": "newborn", "mother_number": salma.printed_number if by == "number" else "H-1",
             "birth_date": "2026-11-20", "birth_order": "1", "sex": "female"}  # fmt: skip
    browser = browser_of(stage.nour)
    browser.post("/patients/new/", typed)
    baby = Patient.objects.get(kind="newborn")
    assert (baby.mother_id, baby.birth_order) == (salma.id, 1)
    assert "This newborn is registered already" in text(browser.post("/patients/new/", typed))
    assert "This is not the mother" in text(browser.post("/patients/new/", typed | {"mother_number": "1"}))
    named = {"version": "1", "given_name": "Yasmine", "family_name": "Gharbi", "birth_date": "2026-11-20",
             "birth_order": "1", "sex": "female"}  # fmt: skip
    browser.post(f"/patients/{baby.id}/correct/", named)
    baby.refresh_from_db()
    assert (baby.latin_name, baby.kind) == ("Yasmine Gharbi", "newborn")


def test_correcting_says_what_is_wrong(stage: Cast, salma: Patient) -> None:
    browser = browser_of(stage.nour)
    shown = text(browser.get(f"/patients/{salma.id}/correct/"))
    assert 'value="1980-03-12"' in shown
    response = browser.post(f"/patients/{salma.id}/correct/", {"version": "x", "family_name": "^", "sex": "female"})
    assert response.status_code == 422
    assert not Fact.objects.filter(name="patients.PatientCorrected").exists()


def test_add_a_number(stage: Cast, salma: Patient) -> None:
    browser, address = browser_of(stage.nour), f"/patients/{salma.id}/numbers/"
    assert "The number was added." in text(browser.post(address, {"kind": "local", "value": "H-2"}, follow=True))
    assert SourceIdentity.objects.filter(value="H-2", place=stage.regional).exists()
    assert "This number has 8 digits." in text(browser.post(address, {"kind": "tn_cin", "value": "1"}))
    assert browser_of(stage.zied).post(address, {"kind": "local", "value": "H-3"}).status_code == 403


def test_addresses_that_lead_nowhere(stage: Cast, salma: Patient) -> None:
    browser = browser_of(stage.nour)
    for page in ("", "card/", "accesses/", "correct/"):
        assert browser.get(f"/patients/{uuid4()}/{page}").status_code in (403, 404)
    for page in ("present", "numbers"):
        assert browser.get(f"/patients/{salma.id}/{page}/").status_code == 405
    assert browser.post("/patients/new/", {"kind": "robot"}).status_code == 422


def test_a_provisional_identity_says_why_it_stays_closed(stage: Cast) -> None:
    someone = services.register_patient(place=stage.regional, by=stage.amel, kind="unknown", description="man, tall")
    response = browser_of(stage.zied).post(f"/patients/{someone.id}/present/", {"number": someone.number})
    assert response.status_code == 403
    assert "It is not sure yet who this person is" in text(response)
