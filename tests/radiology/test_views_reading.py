"""The reading room in a browser's words: the worklist, the case, the editor's JSON, in three languages."""

import json
import uuid
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from tests import make
from tests.browser import browser_of
from tests.cast import Cast, cast
from tests.radiology.test_reading import second_reader
from wasl.archive import queries as archive
from wasl.kernel.access import SYSTEM
from wasl.patients.models import Access
from wasl.radiology import services
from wasl.radiology.models import KeyImage, Reading, Report

pytestmark = pytest.mark.django_db


@pytest.fixture
def stage() -> Cast:
    return cast()


@pytest.fixture
def case(stage: Cast) -> Reading:
    """A case that Leila holds."""
    return services.claim_reading(make.reading(stage).id, by=stage.leila)


def send(browser: Client, name: str, key: uuid.UUID, body: object) -> tuple[int, dict[str, Any]]:
    answer = browser.post(reverse(f"radiology:{name}", args=[key]), json.dumps(body), content_type="application/json")
    return answer.status_code, answer.json()


BODY = {"revision": 0, "language": "ar", "critical": False, "critical_what": "",
        "sections": {"title": "مفراس", "findings": "لا يوجد نزف.", "conclusion": "فحص عادي."}}  # fmt: skip


def test_the_worklist(stage: Cast) -> None:
    make.reading(stage, urgency="P3")
    vital = make.reading(stage, urgency="P0")
    page = browser_of(stage.leila).get(reverse("radiology:readings"))
    text = page.content.decode()
    assert page.status_code == 200
    assert text.count('class="list-group-item case-line') == 2
    assert text.index("urgency-P0") < text.index("urgency-P3")
    assert reverse("radiology:claim_reading", args=[vital.id]) in text
    assert "/live/?topics=readings" in text


@pytest.mark.parametrize("language", ["ar", "fr", "en"])
def test_the_pages_speak(stage: Cast, case: Reading, language: str) -> None:
    browser = browser_of(stage.leila, language)
    for address in (reverse("radiology:readings"), reverse("radiology:reading", args=[case.id])):
        page = browser.get(address)
        assert page.status_code == 200
        direction = "rtl" if language == "ar" else "ltr"
        assert f'<html lang="{language}" dir="{direction}"' in page.content.decode()


def test_filters_in_the_address(stage: Cast, case: Reading) -> None:
    browser = browser_of(stage.leila)
    address = reverse("radiology:readings")
    other = make.reading(stage, urgency="P1")

    def shown(**asked: str) -> list[str]:
        rows = browser.get(address, asked).context["rows"]
        return [row["reading"].id for row in rows]

    assert shown(urgency="P1") == [other.id]
    assert shown(holder="me") == [case.id]
    assert shown(holder="nobody") == [other.id]
    assert shown(modality="CT", place=str(stage.regional)) == [other.id, case.id]
    assert shown(urgency="P9", modality="<x>", place="nonsense") == [other.id, case.id]
    assert shown(sort="-due_at")[0] in (other.id, case.id)


def test_a_fragment_for_the_live_page(stage: Cast, case: Reading) -> None:
    page = browser_of(stage.leila).get(
        reverse("radiology:readings"), headers={"HX-Request": "true", "HX-Target": "readings"}
    )
    assert page.content.decode().lstrip().startswith('<div id="readings">')


def test_the_worklist_asks_no_more_for_more_cases(stage: Cast) -> None:
    browser = browser_of(stage.leila)

    def asked() -> int:
        with CaptureQueriesContext(connection) as seen:
            browser.get(reverse("radiology:readings"))
        return len(seen)

    make.reading(stage)
    asked()
    one = asked()
    for _ in range(3):
        make.reading(stage)
    assert asked() == one


def test_strangers_and_others_are_refused(stage: Cast, case: Reading) -> None:
    addresses = [reverse("radiology:readings"), reverse("radiology:reading", args=[case.id]),
                 reverse("radiology:save_draft", args=[case.id])]  # fmt: skip
    for address in addresses:
        assert Client().get(address).status_code == 302
        for other in (stage.amel, stage.zied, stage.hatem):
            assert browser_of(other).get(address).status_code in (403, 404)
    assert not Access.objects.filter(what="radiology.reading").exists()


def test_claiming(stage: Cast) -> None:
    waiting = make.reading(stage)
    here = reverse("radiology:reading", args=[waiting.id])
    browser = browser_of(stage.leila)
    page = browser.get(here)
    assert "<textarea" not in page.content.decode()
    assert "Hémiparésie" in page.content.decode()
    answer = browser.post(reverse("radiology:claim_reading", args=[waiting.id]))
    assert (answer.status_code, answer["Location"]) == (302, here)
    text = browser.get(here).content.decode()
    assert f'src="/viewer/viewer?StudyInstanceUIDs={waiting.study.uid}"' in text
    assert 'id="section-findings"' in text
    late = browser_of(second_reader(stage)).post(reverse("radiology:claim_reading", args=[waiting.id]), follow=True)
    assert "Leila Haddad" in late.content.decode()
    assert browser.get(reverse("radiology:claim_reading", args=[waiting.id])).status_code == 405


def test_the_first_text(stage: Cast, case: Reading) -> None:
    page = browser_of(stage.leila, "fr").get(reverse("radiology:reading", args=[case.id]))
    fields = {name: text for name, _title, text, _rows in page.context["fields"]}
    assert fields["title"] == "Scanner cérébral"
    assert fields["indication"] == "Hémiparésie droite depuis deux heures ?"
    assert page.context["words"]["ar"]["title"] == "مفراس الدماغ"


def test_every_look_is_written_with_its_ground(stage: Cast, case: Reading) -> None:
    browser_of(stage.leila).get(reverse("radiology:reading", args=[case.id]))
    waiting = make.reading(stage)
    browser_of(stage.leila).get(reverse("radiology:reading", args=[waiting.id]))
    seen = Access.objects.filter(what="radiology.reading").values_list("subject", "ground")
    assert set(seen) == {(case.id, "care"), (waiting.id, "worklist")}


def test_earlier_exams_of_the_patient_stand_beside(stage: Cast) -> None:
    patient = make.patient(stage)
    before = make.signed_report(stage, case=make.reading(stage, order=make.order(stage, patient=patient.id)).id)
    now = services.claim_reading(make.reading(stage, order=make.order(stage, patient=patient.id)).id, by=stage.leila)
    text = browser_of(stage.leila).get(reverse("radiology:reading", args=[now.id])).content.decode()
    assert reverse("radiology:report", args=[before.id]) in text
    assert f"StudyInstanceUIDs={now.study.uid},{before.reading.study.uid}" in text


def test_saving(stage: Cast, case: Reading) -> None:
    browser = browser_of(stage.leila)
    status, answer = send(browser, "save_draft", case.id, BODY)
    assert (status, answer["revision"]) == (200, 1)
    draft = Report.objects.get()
    assert (draft.language, draft.sections["findings"]) == ("ar", "لا يوجد نزف.")
    assert answer["sign"] == reverse("radiology:sign_report", args=[draft.id])
    status, answer = send(browser, "save_draft", case.id, {**BODY, "sections": {"findings": "autre"}})
    assert (status, answer["refusal"]) == (409, "DraftChanged")
    assert answer["sentence"]
    current = browser.get(reverse("radiology:save_draft", args=[case.id])).json()
    assert (current["revision"], current["sections"]["conclusion"]) == (1, "فحص عادي.")


@pytest.mark.parametrize(
    "body",
    [
        [], "text", {**BODY, "revision": "1"}, {**BODY, "revision": True}, {**BODY, "sections": {"findings": 3}},
        {**BODY, "sections": None}, {**BODY, "language": "xx"}, {**BODY, "sections": {"secret": "x"}},
        {**BODY, "sections": {"findings": "x" * 500_000}},
    ],
)  # fmt: skip
def test_what_cannot_be_saved(stage: Cast, case: Reading, body: object) -> None:
    status, answer = send(browser_of(stage.leila), "save_draft", case.id, body)
    assert status == 422
    assert answer["sentence"]
    assert not Report.objects.exists()


def test_broken_json_is_refused(stage: Cast, case: Reading) -> None:
    answer = browser_of(stage.leila).post(
        reverse("radiology:save_draft", args=[case.id]), b"{", content_type="application/json"
    )
    assert answer.status_code == 422


def test_an_expired_session_saves_nothing_and_says_so(stage: Cast, case: Reading) -> None:
    answer = Client().post(
        reverse("radiology:save_draft", args=[case.id]), json.dumps(BODY), content_type="application/json"
    )
    assert answer.status_code == 302, "the editor's script takes a redirect for a sign-out, and keeps the text"
    assert not Report.objects.exists()


def test_signs_of_life(stage: Cast, case: Reading) -> None:
    browser = browser_of(stage.leila)
    assert send(browser, "keep_reading", case.id, {})[0] == 200
    Reading.objects.filter(id=case.id).update(claimed_until=timezone.now())
    services.time_out_reading(case.id, by=SYSTEM)
    status, answer = send(browser, "keep_reading", case.id, {})
    assert (status, answer["refusal"]) == (409, "NotYourReading")


def test_signing(stage: Cast, case: Reading) -> None:
    browser = browser_of(stage.leila)
    _, saved = send(browser, "save_draft", case.id, {**BODY, "sections": {"findings": "x"}})
    report = Report.objects.get()
    status, answer = send(browser, "sign_report", report.id, {"revision": saved["revision"]})
    assert status == 422
    assert list(answer["fields"]) == ["conclusion"]
    _, saved = send(browser, "save_draft", case.id, {**BODY, "revision": 1})
    status, answer = send(browser, "sign_report", report.id, {"revision": saved["revision"]})
    assert (status, answer) == (200, {"address": reverse("radiology:report", args=[report.id])})
    status, answer = send(browser, "sign_report", report.id, {"revision": saved["revision"]})
    assert (status, answer["refusal"]) == (409, "AlreadySigned")
    moved = browser.get(reverse("radiology:reading", args=[case.id]))
    assert moved["Location"] == reverse("radiology:report", args=[report.id])


def test_handing_back(stage: Cast, case: Reading) -> None:
    answer = browser_of(stage.leila).post(reverse("radiology:hand_back_reading", args=[case.id]))
    assert answer["Location"] == reverse("radiology:readings")
    case.refresh_from_db()
    assert case.state == "waiting"


def test_key_images_are_marked_and_taken_back(stage: Cast, case: Reading) -> None:
    browser = browser_of(stage.leila)
    image = archive.instances_of(case.study_id, viewer=SYSTEM)[0]
    address = reverse("radiology:mark_key_image", args=[case.id])
    text = browser.post(address, {"instance": image.uid, "language": "ar"}).content.decode()
    marked = KeyImage.objects.get()
    assert f'value="{marked.id}"' in text
    assert 'data-revision="1"' in text
    assert f"/instances/{image.uid}/frames/1/rendered" in text
    assert browser.post(address, {"instance": "1.2.3"}).status_code == 422
    assert browser.post(address, {"unmark": "nonsense"}).status_code == 422
    browser.post(address, {"unmark": str(marked.id)})
    assert not KeyImage.objects.exists()


def test_an_addendum_is_written_at_the_same_desk(stage: Cast) -> None:
    report = make.signed_report(stage)
    browser = browser_of(stage.leila)
    begun = browser.post(reverse("radiology:begin_addendum", args=[report.id]))
    page = browser.get(begun["Location"])
    assert page.context["adding"]
    draft = Report.objects.get(state="draft")
    _, saved = send(browser, "save_draft", report.reading_id, {**BODY, "revision": draft.revision})
    status, answer = send(browser, "sign_report", draft.id, {"revision": saved["revision"]})
    assert status == 200
    assert "فحص عادي." in browser.get(answer["address"]).content.decode()


def test_a_withdrawn_case_says_so(stage: Cast, case: Reading) -> None:
    services.withdraw_reading(case.id, by=SYSTEM)
    page = browser_of(stage.leila).get(reverse("radiology:reading", args=[case.id]))
    assert page.status_code == 200
    assert "alert-warning" in page.content.decode()
    assert "<textarea" not in page.content.decode()
