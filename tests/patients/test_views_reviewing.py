"""The pages on which people say who is who: what they show, to whom, in three languages, and what they refuse."""

import re
from uuid import uuid4

import pytest
from django.http import HttpResponseBase
from django.urls import reverse

from tests import make
from tests.browser import browser_of
from tests.cast import Cast, cast
from tests.patients import who
from wasl.accounts import queries as accounts_queries
from wasl.accounts import services as accounts
from wasl.kernel.access import SYSTEM
from wasl.patients import services
from wasl.patients.models import Access, Merge, NotSame, Patient, ReviewCase

pytestmark = pytest.mark.django_db
WHY = {"because": "I saw both cards today."}


@pytest.fixture
def stage() -> Cast:
    return cast()


def text(response: HttpResponseBase) -> str:
    return re.sub(r"\s+", " ", response.content.decode())  # type: ignore[attr-defined]


@pytest.fixture
def pair(stage: Cast) -> tuple[Patient, Patient]:
    one = make.patient(stage, phone="98123456", identities=[("tn_cin", "01234567")])
    other = make.patient(stage, given_name="Sélma", phone="98123456", identities=[("tn_cin", "01234567")])
    return one, other


def case_of(pair: tuple[Patient, Patient]) -> ReviewCase:
    reasons = ["given:2:+3.1", "number:1:+12.0", "born:6:-2.5"]
    case = services.open_review(pair[0].id, pair[1].id, score=8.5, reasons=reasons, by=SYSTEM)
    assert case is not None
    return case


@pytest.mark.parametrize("language", ["ar", "fr", "en"])
def test_every_page_speaks_the_language(stage: Cast, pair: tuple[Patient, Patient], language: str) -> None:
    case = case_of(pair)
    browser = browser_of(stage.nour, language)
    edge = None
    for page in ("reviews", "review", "identity", "ask_review", "merge"):
        if page == "merge":
            edge = who.merge(stage, pair[0].id, pair[1].id)
        keys = {"review": case.id, "merge": edge.id if edge else None}
        args = [] if page == "reviews" else [keys.get(page, pair[0].id)]
        found = browser.get(reverse(f"patients:{page}", args=args))
        assert found.status_code == 200
        assert f'lang="{language}"' in text(found)


def test_a_case_says_what_agrees_and_what_does_not(stage: Cast, pair: tuple[Patient, Patient]) -> None:
    page = text(browser_of(stage.nour).get(reverse("patients:review", args=[case_of(pair).id])))
    assert "01234567" not in page
    assert "spelled otherwise" in page
    assert page.count(">same<") + page.count("same</td>") > 3
    assert "Same national number" in page
    assert "Speaks for two people:" in page
    assert "they speak for one household" in page
    assert Access.objects.filter(what="patients.review", patient__in=pair, ground="none").count() == 2


def test_nobody_waits(stage: Cast) -> None:
    assert "Nobody waits to be told apart." in text(browser_of(stage.nour).get(reverse("patients:reviews")))


def test_one_person(stage: Cast, pair: tuple[Patient, Patient]) -> None:
    browser, case = browser_of(stage.nour), case_of(pair)
    done = browser.post(reverse("patients:judge_review", args=[case.id]), {**WHY, "outcome": "same"})
    edge = Merge.objects.get()
    assert done.headers["location"] == reverse("patients:merge", args=[edge.id])
    led = browser.get(reverse("patients:patient", args=[pair[1].id]), follow=True)
    assert led.redirect_chain == [(reverse("patients:patient", args=[pair[0].id]), 302)]
    assert "This number was retired." in text(led)
    assert "one retired number leads here too" in text(led)
    assert "Said to be one person" in text(browser.get(reverse("patients:identity", args=[pair[0].id])))
    undone = browser.post(reverse("patients:undo_merge", args=[edge.id]), WHY, follow=True)
    assert "Undone: the two files are two people" in text(undone)
    assert browser.get(reverse("patients:patient", args=[pair[1].id])).status_code == 200


def test_an_old_card_opens_the_record(stage: Cast, pair: tuple[Patient, Patient]) -> None:
    who.merge(stage, pair[0].id, pair[1].id)
    browser = browser_of(stage.zied)
    found = text(browser.post("/patients/", {"q": pair[1].number}, headers={"HX-Request": "true"}))
    assert "The card is here: open the record" in found
    assert reverse("patients:present", args=[pair[0].id]) in found
    opened = browser.post(reverse("patients:present", args=[pair[0].id]), {"number": pair[1].number})
    assert opened.headers["location"] == reverse("patients:patient", args=[pair[0].id])


def test_two_people(stage: Cast, pair: tuple[Patient, Patient]) -> None:
    browser, case = browser_of(stage.nour), case_of(pair)
    browser.post(reverse("patients:judge_review", args=[case.id]), {**WHY, "outcome": "different"})
    said = NotSame.objects.get()
    page = reverse("patients:identity", args=[pair[0].id])
    assert "I saw both cards today." in text(browser.get(page))
    browser.post(
        reverse("patients:withdraw_difference", args=[pair[0].id, said.id]), {"because": "Wrong file, it was."}
    )
    assert NotSame.objects.get().withdrawn_by == str(stage.nour)


def test_no_reason_no_answer_and_nothing_is_done(stage: Cast, pair: tuple[Patient, Patient]) -> None:
    browser, case = browser_of(stage.nour), case_of(pair)
    for given in ({"because": "", "outcome": "same"}, {"because": "same", "outcome": "same"}, {**WHY, "outcome": "x"}):
        assert browser.post(reverse("patients:judge_review", args=[case.id]), given).status_code == 422
    assert not Merge.objects.exists()


def test_a_clerk_asks_about_another_file(stage: Cast, pair: tuple[Patient, Patient]) -> None:
    browser = browser_of(stage.nour)
    page = reverse("patients:ask_review", args=[pair[0].id])
    assert str(pair[1].id) in text(browser.post(page, {"q": "ben salah"}))
    asked = browser.post(page, {"other": str(pair[1].id)})
    case = ReviewCase.objects.get()
    assert asked.headers["location"] == reverse("patients:review", args=[case.id])
    assert "asked by a colleague" in text(browser.get(reverse("patients:reviews")))
    assert browser.post(page, {"other": "nobody"}).status_code == 404


def test_whoever_may_not_decide_sees_nothing(stage: Cast, pair: tuple[Patient, Patient]) -> None:
    case, edge = case_of(pair), uuid4()
    for viewer in (stage.amel, stage.leila, stage.hatem, stage.fatma):
        browser = browser_of(viewer)
        for page, args in (("reviews", []), ("review", [case.id]), ("merge", [edge]), ("identity", [pair[0].id]),
                           ("ask_review", [pair[0].id])):  # fmt: skip
            assert browser.get(reverse(f"patients:{page}", args=args)).status_code == 403
        for page, args in (("take_review", [case.id]), ("judge_review", [case.id])):
            assert browser.post(reverse(f"patients:{page}", args=args), {**WHY, "outcome": "same"}).status_code == 403
    assert not ReviewCase.objects.exclude(taken_by="").exists()


def test_a_data_steward_of_the_country_decides_and_sees_no_more(stage: Cast, pair: tuple[Patient, Patient]) -> None:
    person = accounts.add_person(
        username="sonia", password=None, given_name="Sonia", family_name="Khelifi", given_name_ar="سنية",
        family_name_ar="الخليفي", demo=True, by=SYSTEM,
    )  # fmt: skip
    accounts.give_post(person.id, role="steward", place=None, by=SYSTEM)
    sonia, case = accounts_queries.actor_of(person.id, address="192.0.2.9"), case_of(pair)
    browser = browser_of(sonia)
    assert "Look at both" in text(browser.get(reverse("patients:reviews")))
    page = text(browser.get(reverse("patients:review", args=[case.id])))
    assert reverse("patients:patient", args=[pair[0].id]) not in page
    done = browser.post(reverse("patients:judge_review", args=[case.id]), {**WHY, "outcome": "same"}, follow=True)
    assert "Two files of one person" in text(done)
    assert browser.get(reverse("patients:patient", args=[pair[0].id])).status_code == 404


@pytest.mark.parametrize(
    ("language", "badge", "used"),
    [
        ("ar", "يعدّهما مستشفى", "لم يعد"),
        ("fr", "un hôpital y voit", "plus en usage"),
        ("en", "a hospital holds", "no longer"),
    ],
)
def test_what_a_hospitals_system_says_is_told_apart(stage: Cast, language: str, badge: str, used: str) -> None:
    kept = make.patient(stage, identities=[("local", "H-1")])
    make.patient(stage, given_name="Ali", sex="male", identities=[("local", "H-2")])
    said = {"first_lat": "Ali", "last_lat": "Ben Salah"}
    services.replace_number(place=stage.regional, local_id="H-2", survivor="H-1", said=said, by=SYSTEM)
    case = ReviewCase.objects.get()
    browser = browser_of(stage.nour, language)
    assert badge not in text(browser.get(reverse("patients:reviews"))), "Wasl itself is no hospital"
    ReviewCase.objects.update(asked_by=f"client:{case.id}")
    assert badge in text(browser.get(reverse("patients:reviews")))
    assert 'role="note"' in text(browser.get(reverse("patients:review", args=[case.id])))
    who.merge(stage, case.one_id, case.other_id)
    assert used in text(browser.get(reverse("patients:patient", args=[kept.id])))
