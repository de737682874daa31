"""The shell of the pages: languages, places, themes, refusals, the policy of the browser."""

import pytest
from django.test import Client

from tests.cast import Cast, cast
from wasl.kernel.access import Actor

pytestmark = pytest.mark.django_db


@pytest.fixture
def stage() -> Cast:
    return cast()


def browser_of(actor: Actor) -> Client:
    """A browser in which this person of the demonstration signed in."""
    from wasl.accounts.models import Person

    client = Client()
    client.force_login(Person.objects.get(id=str(actor.id)))
    return client


@pytest.mark.parametrize(("language", "direction"), [("ar", "rtl"), ("fr", "ltr"), ("en", "ltr")])
def test_a_page_speaks_the_language_of_its_person(stage: Cast, language: str, direction: str) -> None:
    browser = browser_of(stage.amel)
    browser.post("/choose/language/", {"language": language, "next": "/"})
    page = browser.get("/").content.decode()
    assert f'<html lang="{language}" dir="{direction}"' in page
