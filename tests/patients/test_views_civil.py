"""The page of the civil register: what waits and why, what is done, in three languages, for stewards alone."""

import re

import pytest
from django.http import HttpResponseBase
from django.urls import reverse

from tests import make
from tests.browser import browser_of
from tests.cast import Cast, cast
from tests.patients import civil
from wasl.kernel.access import Actor
from wasl.patients.models import Access, CivilStanding, Patient

pytestmark = pytest.mark.django_db
WHY = "I asked the registry by telephone."


@pytest.fixture
def stage() -> Cast:
    return cast()


@pytest.fixture
def houda(stage: Cast) -> Actor:
    return civil.steward()


def text(response: HttpResponseBase) -> str:
    return re.sub(r"\s+", " ", response.content.decode())  # type: ignore[attr-defined]


def unsure(stage: Cast) -> tuple[CivilStanding, Patient, Patient]:
    """A death that two people may be meant by."""
    one, other = make.patient(stage), make.patient(stage, commune="Tabarka", phone="98765432")
    return civil.death(father="", mother=""), one, other


def page(standing: CivilStanding, what: str = "civil_act") -> str:
    return reverse(f"patients:{what}", args=[standing.act_id])


@pytest.mark.parametrize("language", ["ar", "fr", "en"])
def test_every_page_speaks_the_language(stage: Cast, houda: Actor, language: str) -> None:
    standing, _, _ = unsure(stage)
    browser = browser_of(houda, language)
    for address in (reverse("patients:civil"), page(standing)):
        found = browser.get(address)
        assert found.status_code == 200
        assert f'lang="{language}"' in text(found)


def test_what_waits_is_listed_with_its_reason_and_what_is_done_too(stage: Cast, houda: Actor) -> None:
    browser = browser_of(houda)
    empty = text(browser.get(reverse("patients:civil")))
    assert "No act waits." in empty
    assert "Nothing came yet." in empty
    unsure(stage)
    civil.birth(first_lat="Omar", last_lat="Gharbi", first_ar="", last_ar="", sex="M", nid="01234567", dob="1970-01-02")
    civil.annul("death", "never came")
    listed = text(browser.get(reverse("patients:civil")))
    assert "two or more match" in listed
    assert "the act that it names has not come" in listed
    assert "nobody was known: a new number was given" in listed
    assert "09417263" not in listed
    assert "01234567" not in listed


def test_the_list_is_narrowed_by_kind_and_by_reason(stage: Cast, houda: Actor) -> None:
    unsure(stage)
    civil.annul("death", "never came")
    browser = browser_of(houda)

    def listed(asked: str) -> tuple[bool, bool]:
        found = text(browser.get(reverse("patients:civil") + asked))
        return ">26/9<" in found, ">A-never came<" in found

    assert listed("") == listed("?kind=nonsense&why=nonsense") == (True, True)
    assert listed("?kind=death") == listed("?why=several") == (True, False)
    assert listed("?why=no_act") == (False, True)
    assert listed("?kind=birth") == (False, False)


def test_a_steward_says_whose_it_is(stage: Cast, houda: Actor) -> None:
    standing, one, other = unsure(stage)
    browser = browser_of(houda)
    shown = text(browser.get(page(standing)))
    assert "••••263" in shown
    assert "09417263" not in shown
    assert str(one.id) in shown
    assert Access.objects.filter(what="patients.civil_act", patient__in=(one, other), ground="none").count() == 2
    decide = page(standing, "decide_act")
    assert browser.post(decide, {"patient": str(other.id)}).status_code == 422
    assert browser.post(decide, {"patient": "nonsense", "because": WHY}).status_code == 422
    assert browser.post(decide, {"because": WHY}).status_code == 422
    assert not Patient.objects.exclude(died_on=None).exists()
    assert browser.post(decide, {"patient": str(other.id), "because": WHY}).status_code == 302
    assert Patient.objects.exclude(died_on=None).get() == other
    again = browser.post(decide, {"patient": str(one.id), "because": WHY})
    assert again.status_code == 409
    assert "does not wait any more" in text(again)
    done = text(browser.get(page(standing)))
    assert "a data steward said so" in done
    assert WHY in done
    undo = page(standing, "undo_act")
    assert browser.post(undo, {}).status_code == 422
    assert browser.post(undo, {"because": WHY}).status_code == 302
    assert not Patient.objects.exclude(died_on=None).exists()
    assert browser.post(undo, {"because": WHY}).status_code == 409


def test_a_birth_is_of_somebody_new_only_if_that_is_said(stage: Cast, houda: Actor) -> None:
    civil.birth()
    twice = civil.birth(registry="TN-TUN")
    browser, decide = browser_of(houda), page(twice, "decide_act")
    assert "None of them: somebody new" in text(browser.get(page(twice)))
    forgotten = browser.post(decide, {"because": WHY})
    assert forgotten.status_code == 422
    assert "Choose whose act this is." in text(forgotten)
    assert Patient.objects.count() == 1
    assert browser.post(decide, {"patient": "new", "because": WHY}).status_code == 302
    assert Patient.objects.count() == 2


def test_others_have_no_such_page(stage: Cast, houda: Actor) -> None:
    standing, one, _ = unsure(stage)
    for viewer in (stage.nour, stage.leila, stage.fatma):
        browser = browser_of(viewer)
        assert browser.get(reverse("patients:civil")).status_code == 403
        assert browser.get(page(standing)).status_code == 403
        assert browser.post(page(standing, "decide_act"), {"patient": str(one.id), "because": WHY}).status_code == 403
