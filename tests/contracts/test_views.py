"""The page of acts counts and names no patient."""

import pytest
from django.test import Client
from django.urls import reverse

from tests import make
from tests.browser import browser_of
from tests.cast import Cast, cast
from tests.contracts.test_services import deliver

pytestmark = pytest.mark.django_db


@pytest.fixture
def stage() -> Cast:
    return cast()


@pytest.mark.parametrize("language", ["ar", "fr", "en"])
def test_acts(stage: Cast, language: str) -> None:
    address = reverse("contracts:acts")
    empty = browser_of(stage.leila, language).get(address)
    assert "<table" not in empty.content.decode()
    make.signed_report(stage)
    deliver()
    for viewer in (stage.leila, stage.karim, stage.hatem):
        page = browser_of(viewer, language).get(address)
        assert page.context["total"] == 1
        text = page.content.decode()
        assert f'<html lang="{language}"' in text
        assert "Salma" not in text
        assert "سلمى" not in text


def test_who_may_not(stage: Cast) -> None:
    address = reverse("contracts:acts")
    assert Client().get(address).status_code == 302
    for other in (stage.amel, stage.sami, stage.zied, stage.fatma):
        assert browser_of(other).get(address).status_code == 403
