"""The administrator's pages: people, posts, passwords that are shown once."""

import re

import pytest
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext

from tests.cast import Cast, cast
from wasl.accounts import services
from wasl.accounts.models import Person, Post
from wasl.kernel.access import SYSTEM

pytestmark = pytest.mark.django_db


@pytest.fixture
def stage() -> Cast:
    return cast()


@pytest.fixture
def fatma(stage: Cast) -> Browser:
    browser = Browser()
    browser.force_login(Person.objects.get(username="fatma"))
    return browser


def test_an_account_from_its_first_password_to_its_end(stage: Cast, fatma: Browser) -> None:
    form = {"username": "rim", "given_name": "Rim", "family_name": "Chaabane", "language": "ar"}
    page = fatma.post("/accounts/people/new/", form)
    password = re.search(r'id="password"[^>]*>([\w-]+)<', page.content.decode())
    rim = Person.objects.get(username="rim")
    assert password
    assert rim.check_password(password[1])
    address = f"/accounts/people/{rim.id}/"
    assert password[1] not in fatma.get(address).content.decode()

    assert fatma.post(address, {"role": "radiologist", "place": str(stage.university)}).status_code == 302
    post = Post.objects.get(person=rim)
    again = fatma.post(address, {"role": "radiologist", "place": str(stage.university)})
    assert again.status_code == 422
    assert "Cette personne exerce déjà ce rôle" in again.content.decode()

    renewed = fatma.post(f"{address}password/").content.decode()
    rim.refresh_from_db()
    assert not rim.check_password(password[1])
    assert 'id="password"' in renewed
    assert fatma.post(f"{address}posts/{post.id}/end/").status_code == 302
    assert fatma.post(f"{address}close/").status_code == 302
    rim.refresh_from_db()
    assert not rim.is_active


def test_what_is_wrong_is_said_beside_its_field(fatma: Browser) -> None:
    taken = fatma.post(
        "/accounts/people/new/", {"username": "leila", "given_name": "L", "family_name": "H", "language": "fr"}
    )
    assert taken.status_code == 422
    page = taken.content.decode()
    assert "Le nom d’utilisateur leila est déjà pris." in page
    assert re.search(r'<input[^>]*aria-invalid="true"[^>]*aria-describedby="id_username_errors"', page)
    assert fatma.post("/accounts/people/new/", {"username": "a b"}).status_code == 422
    assert Person.objects.count() == 9


def test_people_are_searched_in_both_scripts(fatma: Browser) -> None:
    for asked in ("haddad", "الحداد", "leila"):
        page = fatma.get("/accounts/people/", {"q": asked}).content.decode()
        assert "Leila Haddad" in page
        assert "Zied" not in page
    assert "Personne de ce nom." in fatma.get("/accounts/people/", {"q": "xyz"}).content.decode()


def test_a_list_takes_the_same_number_of_questions_whatever_its_length(stage: Cast, fatma: Browser) -> None:
    asked = []
    for _ in range(3):
        with CaptureQueriesContext(connection) as seen:
            fatma.get("/accounts/people/")
        asked.append(len(seen))
        for n in range(4):
            person = services.add_person(
                username=f"p{len(asked)}{n}", password=None, given_name="P", family_name="N", by=SYSTEM
            )
            services.give_post(person.id, role="requester", place=stage.other, by=SYSTEM)
    assert asked[1] == asked[2]  # the first one also begins the session


@pytest.mark.parametrize("who", ["amel", "karim", "hatem"])
def test_the_pages_are_the_administrators(stage: Cast, who: str) -> None:
    browser = Browser()
    browser.force_login(Person.objects.get(username=who))
    leila = stage.leila.id
    assert browser.get("/accounts/people/").status_code == 403
    assert browser.get("/accounts/people/new/").status_code == 403
    assert browser.get(f"/accounts/people/{leila}/").status_code == 403
    for act in ("password", "close"):
        assert browser.post(f"/accounts/people/{leila}/{act}/").status_code == 403
    assert Person.objects.get(id=str(leila)).is_active
