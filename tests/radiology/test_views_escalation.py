"""What is about to be late, one such case, and the centres that are dark, as people see them on a phone."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests import make
from tests.browser import browser_of
from tests.cast import Cast, cast
from tests.radiology.escalating import WHY, due_in, neighbour, on_duty
from wasl.kernel.access import SYSTEM
from wasl.radiology import services
from wasl.radiology.models import EscalationStep, Outage, Presence

pytestmark = pytest.mark.django_db
LIST, READINGS = reverse("radiology:escalations"), reverse("radiology:readings")


@pytest.fixture
def stage() -> Cast:
    return cast()


@pytest.mark.parametrize("language", ["ar", "fr", "en"])
def test_the_pages_speak_and_name_no_patient(stage: Cast, language: str) -> None:
    on_duty(stage.leila)
    case = due_in(make.reading(stage, urgency="P1"), 15)
    services.pass_on_reading(case.id, by=SYSTEM)
    services.declare_centre_dark(stage.university, because=WHY, by=stage.karim)
    for who in (stage.karim, stage.hatem):
        for address in (LIST, reverse("radiology:escalation", args=[case.id])):
            page = browser_of(who, language).get(address)
            text = page.content.decode()
            assert page.status_code == 200
            assert f'<html lang="{language}"' in text
            for secret in ("Salma", "سلمى", "Ben Salah", case.order.question, case.order.accession):
                assert secret not in text


def test_the_list_and_the_worklist_say_to_whom_it_went(stage: Cast) -> None:
    on_duty(stage.leila)
    browser = browser_of(stage.leila, "en")
    assert "Nothing is about to be late." in browser.get(LIST).content.decode()
    case = due_in(make.reading(stage, urgency="P1"), 15)
    services.pass_on_reading(case.id, by=SYSTEM)
    text = browser.get(LIST).content.decode()
    assert "about to be late" in text and "next reader" in text
    assert "foreseen to be read by" in text
    assert "passed on to Leila Haddad at" in browser.get(READINGS).content.decode()
    assert Presence.objects.filter(person=stage.leila.id).exists()
    fragment = browser.get(LIST, headers={"HX-Request": "true", "HX-Target": "escalations"}).content.decode()
    assert fragment.startswith('<div id="escalations">')
    assert browser_of(stage.amel).get(LIST).status_code == 403


def test_the_list_asks_no_more_for_more_cases(stage: Cast) -> None:
    browser, counts = browser_of(stage.karim, "en"), []
    browser.get(LIST)  # what is asked of a session once
    for _ in range(2):
        for _ in range(2):
            services.pass_on_reading(due_in(make.reading(stage, urgency="P1"), 15).id, by=SYSTEM)
        with CaptureQueriesContext(connection) as asked:
            assert browser.get(LIST).status_code == 200
        counts.append(len(asked))
    assert counts[0] == counts[1]


def test_a_chief_passes_on_and_has_in_hand(stage: Cast) -> None:
    near = neighbour(stage)
    case = make.reading(stage, urgency="P1")
    here, act = reverse("radiology:escalation", args=[case.id]), reverse("radiology:escalate_reading", args=[case.id])
    browser = browser_of(stage.karim, "en")
    assert "Not passed on yet." in browser.get(here).content.decode()
    refused = browser.post(act, {"reason": "short"})
    assert refused.status_code == 422
    assert "Say why in at least ten letters." in refused.content.decode()
    assert 'value="short"' in refused.content.decode()
    answer = browser.post(act, {"reason": WHY}, follow=True).content.decode()
    assert "Passed on: Karim Ayari." in answer
    step = EscalationStep.objects.get(number=2)
    noted = browser.post(reverse("radiology:acknowledge_step", args=[step.id]), follow=True).content.decode()
    assert "Noted: you have it in hand." in noted and "Karim Ayari has it in hand" in noted
    assert "I have it in hand" not in noted
    for _ in range(2):
        answer = browser.post(act, {"reason": WHY}, follow=True).content.decode()
    assert "There is nobody else to pass it on to: phone somebody." in answer
    over = browser.post(act, {"reason": WHY})
    assert over.status_code == 409 and "as far as it goes" in over.content.decode()
    # the neighbour's reader takes it from there
    page = browser_of(near.reader, "en").get(here).content.decode()
    assert reverse("radiology:claim_reading", args=[case.id]) in page
    assert browser.get(act).status_code == 405
    assert browser_of(stage.zied).post(act, {"reason": WHY}).status_code in (403, 404)


def test_a_centre_is_declared_dark_and_back(stage: Cast) -> None:
    dark, back = (
        reverse(f"radiology:declare_centre_{how}", args=[stage.university]) for how in ("dark", "back")
    )  # fmt: skip
    browser = browser_of(stage.karim, "en")
    refused = browser.post(dark, {"because": "no"})
    assert refused.status_code == 422 and not Outage.objects.exists()
    assert (
        "It is dark: its cases go to other centres."
        in browser.post(dark, {"because": WHY}, follow=True).content.decode()
    )
    assert WHY in browser.get(LIST).content.decode()
    assert browser.post(dark, {"because": WHY}).status_code == 409
    assert "It reads again from now on." in browser.post(back, {"because": WHY}, follow=True).content.decode()
    assert Outage.objects.get().period.upper is not None
    # who reads there does not answer for it, and is shown no button
    reader = browser_of(stage.leila, "en")
    assert dark not in reader.get(LIST).content.decode()
    assert reader.post(dark, {"because": WHY}).status_code == 403
