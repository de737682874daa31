"""The pages of members and messages: what administrators and data stewards see, in three languages, and decide."""

import pytest

from tests.browser import browser_of
from tests.cast import Cast, cast
from tests.exchange.adt import adt, member
from tests.exchange.test_services import removed, send
from tests.patients.stewards import steward
from wasl.exchange.models import Member, Message
from wasl.kernel.models import Fact

LIST = "/exchange/members/"
NEW = {"name": "HIS Oued Zen", "kind": "his", "application": "HIS", "facility": "OZ", "authority": "",
       "addresses": "127.0.0.1, 10.0.0.0/8", "charset": "8859/6"}  # fmt: skip
SECRETS = ("Salma", "سلمى", "19800312", "1980-03-12", "P-1", "Gharbi")


@pytest.fixture
def stage(db: None) -> Cast:
    return cast()


def test_an_administrator_lets_a_system_in_and_revokes_it(stage: Cast) -> None:
    browser = browser_of(stage.fatma)
    assert "No system yet." in browser.get(LIST).content.decode()
    wrong = browser.post(LIST, NEW | {"place": stage.regional, "addresses": "somewhere"})
    assert (wrong.status_code, b"Write one to eight IP addresses" in wrong.content) == (422, True)
    added = browser.post(LIST, NEW | {"place": stage.regional})
    made = Member.objects.get()
    assert (added.status_code, added.headers["location"]) == (302, f"{LIST}{made.id}/")
    assert (made.addresses, made.charset, made.place_id) == (["127.0.0.1", "10.0.0.0/8"], "8859/6", stage.regional)
    page = browser.get(f"{LIST}{made.id}/").content.decode()
    assert "10.0.0.0/8" in page
    assert "The system may send from now on." in page
    assert browser.post(LIST, NEW | {"place": stage.regional}).status_code == 422
    assert browser.post(f"{LIST}{made.id}/revoke/").status_code == 302
    assert "revoked" in browser.get(LIST).content.decode()


@pytest.mark.parametrize("language", ["ar", "fr", "en"])
def test_what_is_parked_is_seen_and_nothing_of_a_patient(stage: Cast, language: str) -> None:
    made, parked = removed(stage), Message.objects.get(state="parked")
    browser = browser_of(stage.fatma, language)
    pages = (LIST, f"{LIST}{made.id}/", f"{LIST}{made.id}/?state=parked", f"/exchange/messages/{parked.id}/")
    texts = [browser.get(page).content.decode() for page in pages]
    assert all(secret not in text for text in texts for secret in SECRETS)
    assert f'lang="{language}"' in texts[0]
    assert texts[2].count("ADT^A08") == 1
    reason = {"ar": "المستشفى", "fr": "L’hôpital a supprimé", "en": "The hospital removed"}[language]
    assert reason in texts[2]
    assert reason in texts[3]
    assert f"/messages/{parked.id}/shown/" not in texts[3], "an administrator reads nothing of patients"


def test_people_decide_about_what_is_parked(stage: Cast) -> None:
    made, parked = removed(stage), Message.objects.get(state="parked")
    here = browser_of(steward(stage, stage.regional))
    where = f"/exchange/messages/{parked.id}/"
    assert "Show it" in here.get(where).content.decode()
    shown = here.post(f"{where}shown/").content.decode()
    assert "PID|1||P-1^^^^MR||Gharbi^Ali" in shown
    assert Fact.objects.filter(name="exchange.MessageShown", subject=parked.id).count() == 1
    again = here.post(f"{where}retry/", follow=True).content.decode()
    assert "The message was refused again, and stays parked." in again
    assert "Say in at least ten letters" in here.post(f"{where}aside/", {"because": "no"}, follow=True).content.decode()
    aside = here.post(f"{where}aside/", {"because": "The number is nobody's."}, follow=True).content.decode()
    assert "The message was set aside" in aside
    assert "The number is nobody&#x27;s." in aside
    assert here.post(f"{where}aside/", {"because": "The number is nobody's."}).status_code == 409
    assert Message.objects.get(id=parked.id).member_id == made.id
    assert browser_of(steward(stage, stage.other, "there")).get(where).status_code == 404
    assert browser_of(stage.nour).get(LIST).status_code == 403


def test_how_messages_fare_is_counted(stage: Cast) -> None:
    made = member(stage)
    send(adt())
    page = browser_of(stage.fatma).get(f"{LIST}{made.id}/").content.decode()
    assert "19 of 20 of them within" in page
    assert "Done in the last 24 hours" in page
