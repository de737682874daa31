"""The page of the dictionary of given names: looked up, changed, refused; in three languages."""

import re

import pytest
from django.http import HttpResponseBase
from django.urls import reverse

from tests.browser import browser_of
from tests.cast import Cast, cast
from tests.patients.stewards import steward
from wasl.patients.models import KnownName, NameVersion, NameWord, Spelling

pytestmark = pytest.mark.django_db
PAGE = "/patients/names/"
WHY = {"because": "Heard at the desk of Jendouba."}
FATMA = "f:فاطمة"


@pytest.fixture
def stage() -> Cast:
    return cast()


def text(response: HttpResponseBase) -> str:
    return re.sub(r"\s+", " ", response.content.decode())  # type: ignore[attr-defined]


@pytest.mark.parametrize("language", ["ar", "fr", "en"])
def test_the_page_speaks_the_language(stage: Cast, language: str) -> None:
    browser = browser_of(steward(stage), language)
    browser.post(f"{PAGE}spell/", {**WHY, "key": FATMA, "written": "Titi"})
    for address in (PAGE, f"{PAGE}?name=fatma", f"{PAGE}?name=Xqzt"):
        found = browser.get(address)
        assert found.status_code == 200
        assert f'lang="{language}"' in text(found)


def test_a_name_is_looked_up_and_changed(stage: Cast) -> None:
    browser = browser_of(steward(stage))
    assert "Nobody changed the dictionary yet." in text(browser.get(PAGE))
    assert "does not know this name" in text(browser.get(f"{PAGE}?name=Titi"))
    done = text(browser.post(f"{PAGE}spell/", {**WHY, "key": FATMA, "written": "Titi"}, follow=True))
    assert "The matcher reads it so from now on" in done
    assert "+ Titi" in done
    assert "stored records are being read again" in done
    assert "فاطمة" in text(browser.get(f"{PAGE}?name=Titi"))
    row = Spelling.objects.get()
    browser.post(reverse("patients:withdraw_spelling", args=[row.id]), WHY)
    assert "− Titi" in text(browser.get(PAGE))
    browser.post(f"{PAGE}add/", {**WHY, "arabic": "تبر", "sex": "f", "spellings": "Tabr، Tebr, "})
    assert KnownName.objects.get().arabic == "تبر"
    assert set(Spelling.objects.filter(until=None).values_list("written", flat=True)) == {"تبر", "Tabr", "Tebr"}
    browser.post(f"{PAGE}relate/", {**WHY, "key": FATMA, "other": "تبر", "says": "different"})
    assert NameWord.objects.get().says == "different"
    assert "Another name than" in text(browser.get(f"{PAGE}?name=Fatma"))
    assert NameVersion.objects.count() == 4


@pytest.mark.parametrize(
    ("page", "sent", "said"),
    [
        ("spell/", {"key": FATMA, "written": "Mohamed", **WHY}, "This is a spelling of another name: محمد"),
        ("spell/", {"key": FATMA, "written": "Titi"}, "Say why, in at least ten letters"),
        ("spell/", {"key": FATMA, "written": "T1", **WHY}, "A name is made of letters"),
        ("relate/", {"key": FATMA, "other": "Xqzt", "says": "same", **WHY}, "of one other name alone"),
        ("relate/", {"key": FATMA, "other": "محمد", "says": "x", **WHY}, "Choose one of the answers."),
        ("add/", {"arabic": "Titi", "sex": "f", **WHY}, "Write this name in Arabic letters."),
        ("add/", {"arabic": "تبر", "sex": "x", **WHY}, "Choose one of the answers."),
    ],
)
def test_what_is_refused_is_said_and_nothing_is_done(stage: Cast, page: str, sent: dict[str, str], said: str) -> None:
    assert said in text(browser_of(steward(stage)).post(PAGE + page, sent, follow=True))
    assert not NameVersion.objects.exists()


def test_a_name_that_is_none_is_nowhere(stage: Cast) -> None:
    browser = browser_of(steward(stage))
    assert browser.post(f"{PAGE}spell/", {**WHY, "key": "f:x", "written": "Titi"}).status_code == 404
    assert browser.post(f"{PAGE}relate/", {**WHY, "key": "f:x", "other": "محمد", "says": "same"}).status_code == 404


def test_who_decides_at_one_hospital_looks_up_and_changes_nothing(stage: Cast) -> None:
    for viewer in (stage.nour, steward(stage, stage.regional, "rim")):
        browser = browser_of(viewer)
        page = text(browser.get(f"{PAGE}?name=fatma"))
        assert "فاطمة" in page
        assert "Add a name" not in page
        assert browser.post(f"{PAGE}spell/", {**WHY, "key": FATMA, "written": "Titi"}).status_code == 403
    for viewer in (stage.amel, stage.leila, stage.hatem, stage.fatma):
        browser = browser_of(viewer)
        assert browser.get(PAGE).status_code == 403
        for page in ("spell/", "add/", "relate/"):
            assert browser.post(PAGE + page, {**WHY, "key": FATMA, "other": "محمد"}).status_code == 403
