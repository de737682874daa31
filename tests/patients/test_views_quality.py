"""The pages on how good identities are: to whom they speak, in three languages, what they draw, sort and list."""

import re
from dataclasses import replace

import pytest
from django.db import connection
from django.http import HttpResponseBase
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from tests import make
from tests.browser import browser_of
from tests.cast import Cast, cast
from tests.patients import who
from tests.patients.stewards import steward
from tests.patients.test_live import SALMA, machine
from wasl.accounts import services as accounts
from wasl.kernel.access import SYSTEM, Held
from wasl.patients import services
from wasl.patients.models import Access, Patient, QualityCount, QualityMonth
from wasl.patients.rules.quality import GROUPS
from wasl.patients.views.figures import months_until

pytestmark = pytest.mark.django_db
PAGE = "/patients/quality/"


@pytest.fixture
def stage() -> Cast:
    return cast()


def text(response: HttpResponseBase) -> str:
    body = b"".join(response) if response.streaming else response.content  # type: ignore[attr-defined]
    return re.sub(r"\s+", " ", body.decode())


def month() -> str:
    return f"{timezone.localdate():%Y-%m}"


def counted(stage: Cast) -> None:
    """Two women at the regional hospital, one with a phone; one at the other, told by its system, without a phone."""
    one, other = make.patient(stage, phone="98123456"), make.patient(stage, given_name="Sonia")
    who.waiting(one.id, other.id)
    said = {name: text for name, text in SALMA.items() if name not in ("phone", "nid")}
    services.receive_record(place=stage.other, local_id="N-1", said={**said, "dob": "1951"}, by=machine(stage))
    services.count_quality(timezone.localdate().replace(day=1), by=SYSTEM)


@pytest.mark.parametrize("language", ["ar", "fr", "en"])
def test_every_page_speaks_the_language(stage: Cast, language: str) -> None:
    counted(stage)
    browser = browser_of(steward(stage), language)
    behind = f"{PAGE}behind/?month={month()}&place={stage.regional}&measure="
    for address in (
        PAGE, f"{PAGE}?sort=-phone", f"{PAGE}{stage.regional}/", f"{behind}phone", f"{behind}pairs",
        *(f"{PAGE}?group={group}" for group in GROUPS), *(f"{PAGE}{stage.regional}/?group={group}" for group in GROUPS),
    ):  # fmt: skip
        found = browser.get(address)
        assert found.status_code == 200, address
        assert f'lang="{language}"' in text(found)


def test_nothing_was_counted(stage: Cast) -> None:
    monia = browser_of(steward(stage))
    assert "Nothing was counted yet." in text(monia.get(PAGE))
    assert "Nothing was counted yet." in text(monia.get(f"{PAGE}{stage.regional}/"))
    services.count_quality(timezone.localdate().replace(day=1), by=SYSTEM)
    assert "No record began here in these months." in text(monia.get(PAGE))
    assert monia.get(f"{PAGE}table.csv").status_code == 200


def test_shares_are_shown_with_their_numbers_and_lead_to_the_records(stage: Cast) -> None:
    counted(stage)
    page = text(browser_of(steward(stage)).get(PAGE))
    assert "50.0 %" in page
    assert '<bdi dir="ltr">1/2</bdi>' in page
    behind = f"{PAGE}behind/?measure=phone&amp;month={month()}&amp;place={stage.regional}"
    assert behind in page
    listed = text(browser_of(steward(stage)).get(behind.replace("&amp;", "&")))
    assert "Sonia Ben Salah" in listed
    assert "Salma Ben Salah" not in listed
    assert Access.objects.filter(what="patients.quality", ground="none").count() == 1


@pytest.mark.parametrize(("sort", "first"), [("phone", "Oued Zen"), ("-phone", "El Nakhil"), ("title", "El Nakhil"),
                                             ("-title", "Oued Zen"), ("unknown", "El Nakhil")])  # fmt: skip
def test_the_table_sorts(stage: Cast, sort: str, first: str) -> None:
    counted(stage)
    page = text(browser_of(steward(stage)).get(f"{PAGE}?sort={sort}"))
    rows = re.findall(r'<th scope="row"><a href="[^"]+">([^<]+)</a>', page)
    assert sorted(rows) == ["El Nakhil", "Oued Zen"]
    assert rows[0] == first
    assert ("aria-sort" in page) == (sort != "unknown")


def test_the_worst_field_is_drawn_unless_another_is_asked_for(stage: Cast) -> None:
    counted(stage)
    browser = browser_of(steward(stage))
    drawn = re.compile(r'id="drawing">([^<]+) <')
    assert drawn.search(text(browser.get(PAGE)))[1] == "No national number"  # type: ignore[index]
    asked = text(browser.get(f"{PAGE}?drawn=wrong"))
    assert drawn.search(asked)[1] == "Wrong numbers"  # type: ignore[index]
    assert "Nothing to draw." in asked


def test_a_line_is_drawn_through_the_months(stage: Cast) -> None:
    counted(stage)
    now = timezone.localdate().replace(day=1)
    for many, day in enumerate(months_until(now)[:-1]):
        before = QualityMonth.objects.create(month=day, counted_at=timezone.now())
        QualityCount.objects.create(
            month=before, place_id=stage.regional, measure="phone", numerator=many, denominator=20
        )
    page = text(browser_of(steward(stage)).get(f"{PAGE}?drawn=phone"))
    (line,) = (found for found in re.findall(r'<polyline points="([^"]*)"', page) if found.count(",") == 12)
    tops = [float(point.split(",")[1]) for point in line.split()]
    assert tops == sorted(tops, reverse=True)  # ever higher, the largest share last
    assert (tops[0], tops[-1]) == (37.0, 20.0)  # no share lies on the floor, half of the other hospital's all half way


def test_as_csv(stage: Cast) -> None:
    counted(stage)
    monia = browser_of(steward(stage))
    whole = text(monia.get(f"{PAGE}table.csv"))
    assert f"{month()},Oued Zen,phone,No phone,1,2" in whole
    assert f"{month()},El Nakhil,records," in whole
    own = text(monia.get(f"{PAGE}table.csv?place={stage.regional}"))
    assert "Oued Zen" in own
    assert "El Nakhil" not in own


def test_pairs_open_for_who_decides(stage: Cast) -> None:
    counted(stage)
    address = f"{PAGE}behind/?month={month()}&place={stage.regional}&measure=waiting"
    assert "/patients/reviews/" in text(browser_of(steward(stage)).get(address))
    accounts.give_post(stage.nour.id, role="chief", place=stage.university, by=SYSTEM)  # type: ignore[arg-type]
    assert browser_of(stage.nour).get(address).status_code == 404


def test_a_head_is_led_to_the_own_hospital(stage: Cast) -> None:
    counted(stage)
    karim = browser_of(stage.karim)
    led = karim.get(PAGE)
    assert led.headers["location"] == reverse("patients:quality_place", args=[stage.university])
    assert karim.get(led.headers["location"]).status_code == 200
    assert karim.get(f"{PAGE}{stage.regional}/").status_code == 404
    assert karim.get(f"{PAGE}table.csv?place={stage.regional}").status_code == 404
    assert "Oued Zen" not in text(karim.get(f"{PAGE}table.csv"))
    assert karim.get(f"{PAGE}behind/?month={month()}&place={stage.regional}&measure=phone").status_code == 404


def test_a_head_sees_the_people_and_opens_no_file(stage: Cast) -> None:
    accounts.give_post(stage.karim.id, role="chief", place=stage.other, by=SYSTEM)  # type: ignore[arg-type]
    counted(stage)
    karim = browser_of(stage.karim)
    listed = text(karim.get(f"{PAGE}behind/?month={month()}&place={stage.other}&measure=phone"))
    (file,) = set(re.findall(r"/patients/([0-9a-f-]{36})/", listed))
    told = Patient.objects.get(id=file)
    assert told.printed_number not in listed
    opened = text(karim.get(f"/patients/{file}/"))  # nothing but the system's word links the hospital to the person
    assert f"/patients/{file}/break-glass/" in opened
    assert told.printed_number not in opened


@pytest.mark.parametrize(
    "address",
    [
        "behind/", "behind/?measure=phone", "behind/?measure=records&month=2026-01",
        "behind/?measure=phone&month=2026-01&place=nowhere", "table.csv?place=x",
    ],
)  # fmt: skip
def test_what_is_nowhere(stage: Cast, address: str) -> None:
    assert browser_of(steward(stage)).get(PAGE + address).status_code == 404


def test_whoever_does_not_answer_for_identities_is_refused(stage: Cast) -> None:
    for viewer in (stage.amel, stage.nour, stage.leila, stage.hatem, stage.fatma, stage.zied):
        for page in ("", f"{stage.regional}/", "table.csv", f"behind/?measure=phone&month={month()}"):
            assert browser_of(viewer).get(PAGE + page).status_code == 403


def test_more_records_ask_the_database_no_more(stage: Cast) -> None:
    counted(stage)
    browser = browser_of(steward(stage))
    behind = f"{PAGE}behind/?month={month()}&place={stage.regional}&measure=father"

    def asked(address: str) -> int:
        browser.get(address)
        with CaptureQueriesContext(connection) as seen:
            assert browser.get(address).status_code == 200
        return len(seen)

    few = [asked(PAGE), asked(behind)]
    for _ in range(8):
        make.patient(stage)
    at = replace(machine(stage), held=(Held("client", stage.university),))
    services.receive_record(place=stage.university, local_id="N-1", said={**SALMA, "dob": "1931"}, by=at)
    services.count_quality(timezone.localdate().replace(day=1), by=SYSTEM)
    assert [asked(PAGE), asked(behind)] == few
