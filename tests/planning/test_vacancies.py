"""Vacant posts beside remote cover: counted from what was written by the month's end, published, shown."""

import datetime
import json
import re
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import override
from fhir.resources.R4B.measurereport import MeasureReport

from tests.browser import browser_of
from tests.cast import Cast, cast
from tests.planning.told import hear, story
from tests.workforce import plan
from wasl.accounts import services as accounts
from wasl.edges.cli.demo.clock import moved
from wasl.kernel.access import SYSTEM
from wasl.kernel.fhir import owned
from wasl.places.models import Place, Region
from wasl.planning import queries, services
from wasl.planning.models import Case, Figure
from wasl.planning.rules.evaluation import month_before, next_month
from wasl.planning.services import papers
from wasl.workforce import services as workforce
from wasl.workforce.models import Group, Membership, Roster, Shift, Worker
from wasl.workforce.rules.posts import PostsTooEarly

pytestmark = pytest.mark.django_db
HOUR = datetime.timedelta(hours=1)


@pytest.fixture
def stage() -> Cast:
    return cast()


def this_month() -> datetime.date:
    return timezone.localdate().replace(day=1)


def noon(month: datetime.date, day: int = 12) -> datetime.datetime:
    return timezone.make_aware(datetime.datetime(month.year, month.month, day, 12))  # noqa: DTZ001  made aware here


def establish(place: UUID, number: int, since: datetime.date) -> None:
    workforce.establish_posts(place, specialty="radiology", number=number, since=since, reference="Arrêté 7", by=SYSTEM)


def vacancies(month: datetime.date) -> dict[str, tuple[float, float | None, str]]:
    """By level and place, what was counted of the vacancies of a month."""
    rows = Figure.objects.filter(month=month, indicator="vacancies", slice="")
    return {f"{row.level} {row.place_id or ''}".strip(): (row.numerator, row.denominator, row.why) for row in rows}


def exams(stage: Cast, month: datetime.date, number: int = 6) -> None:
    """Exams of the regional hospital, read at the university hospital."""
    assert stage.leila.id
    for _ in range(number):
        story(stage.regional, [5, 10, 20], at=noon(month), provider=stage.university, reader=stage.leila.id)
    hear()


def plain(text: str) -> str:
    """Without the marks that keep numbers from left to right."""
    return text.replace("\u2066", "").replace("\u2069", "")


# counted


def test_where_nobody_wrote_down_posts_nothing_is_known(stage: Cast) -> None:
    this = this_month()
    exams(stage, this)
    services.count_month(this, by=SYSTEM)
    unknown = (0, None, "posts")
    assert vacancies(this) == {"country": unknown, "region": unknown, f"place {stage.regional}": unknown}
    establish(stage.university, 4, this)
    services.count_month(this, by=SYSTEM)
    assert vacancies(this) == {
        "country": (3, 4, ""), "region": (3, 4, ""), f"place {stage.regional}": unknown,
        f"place {stage.university}": (3, 4, ""),
    }  # fmt: skip
    assert Figure.objects.get(month=this, indicator="posts_known", level="country").value == 0


def test_a_month_counted_later_has_the_same_vacancies(stage: Cast) -> None:
    """Two months later: other posts, another reader, one gone; the month is over and stays as it was."""
    this = this_month()
    then = month_before(month_before(this))
    with moved(noon(then)):
        reader = plan.reader(stage, 1)
        establish(stage.university, 4, then)
        establish(stage.regional, 2, then)
    exams(stage, then)
    services.count_month(then, by=SYSTEM)
    counted = {
        "country": (5, 6, ""), "region": (5, 6, ""), f"place {stage.regional}": (2, 2, ""),
        f"place {stage.university}": (3, 4, ""),
    }  # fmt: skip
    assert vacancies(then) == counted, "one reader was there; Leila came later"
    establish(stage.university, 9, this)
    with pytest.raises(PostsTooEarly):
        establish(stage.other, 9, then)
    plan.reader(stage, 2, where=stage.regional)
    assert reader.actor.id
    accounts.close_person(reader.actor.id, by=SYSTEM)
    services.count_month(then, by=SYSTEM)
    assert vacancies(then) == counted
    Case.objects.update(month=this)
    services.count_month(this, by=SYSTEM)
    assert vacancies(this)["country"] == (9, 11, ""), "eight of nine, and one of two"


def test_hours_of_remote_cover_are_those_of_readers_of_other_hospitals(stage: Cast) -> None:
    """Leila, of the university hospital, is on duty for two: for one from elsewhere, for the other at home."""
    this = this_month()
    first = timezone.make_aware(datetime.datetime.combine(this, datetime.time()))
    group = Group.objects.create(name_ar="م", name_fr="Jour", name_en="Day", specialty="radiology",
                                 lead_id=stage.university)  # fmt: skip
    for place in (stage.regional, stage.university):
        Membership.objects.create(group=group, place_id=place, specialty="radiology",
                                  created_at=first - datetime.timedelta(days=1))  # fmt: skip
    roster = Roster.objects.create(group=group, month=this, minimum=1, state="published", published_at=first)
    worker = Worker.objects.get(person=stage.leila.id)
    for begins, ends, replaced in ((9, 21, None), (30, 34.5, None), (40, 50, first)):  # 12 hours, 4 whole, and none
        Shift.objects.create(roster=roster, worker=worker, kind="onsite", replaced_at=replaced,
                             period=DateTimeTZRange(first + begins * HOUR, first + ends * HOUR))  # fmt: skip
    hours = {key: place.remote_hours for key, place in queries.known_places(this, viewer=SYSTEM).items()}
    month = (next_month(this) - this).days * 24
    assert hours == {stage.regional: (16, month), stage.university: (0, month), stage.other: (0, month)}


# published


def test_vacancies_are_published_in_every_form(stage: Cast) -> None:
    last = month_before(this_month())
    with moved(noon(last)):
        establish(stage.regional, 2, last)
    exams(stage, last)
    services.count_month(last, by=SYSTEM)
    row = services.release_month(last, by=stage.hatem)
    table = {(line[1], line[3]): line for line in queries.release_table(row, language="fr", viewer=stage.hatem)}
    assert table["", "vacancies"][6:10] == [2, 2, 1.0, "1"] and table["TN-32", "vacancies"][6:8] == [2, 2]
    assert table["", "posts_known"][6:8] == [1, 1] and table["", "remote_hours"][6] == 0
    body = json.loads(json.dumps(owned["MeasureReport"].render(row)))
    MeasureReport.model_validate(body)
    groups = {group["code"]["coding"][0]["code"]: group for group in body["group"]}
    assert groups["vacancies"]["measureScore"]["value"] == 1.0
    assert [one["count"] for one in groups["vacancies"]["population"]] == [2, 2]
    assert groups["vacancies"]["stratifier"][0]["stratum"][0]["measureScore"]["value"] == 1.0
    for language, title in (("ar", "مناصب أطباء الأشعة الشاغرة"), ("fr", "Postes de radiologues vacants")):
        with override(language):
            data: dict[str, Any] = papers._data(row, language)
            made = papers.page(row, language=language)
        assert title in data["cover_heads"] and len(data["cover_heads"]) == 5
        assert [plain(line[1].split("\n")[1]) for line in data["cover_rows"]] == ["2 / 2"]
        assert title in [line[0] for _, rows in data["themes"] for line in rows]
        assert made.startswith(b"%PDF-")


def test_a_release_says_what_is_not_known(stage: Cast) -> None:
    last = month_before(this_month())
    exams(stage, last)
    services.count_month(last, by=SYSTEM)
    row = services.release_month(last, by=stage.hatem)
    groups = {group["code"]["coding"][0]["code"]: group for group in owned["MeasureReport"].render(row)["group"]}
    assert groups["vacancies"]["measureScore"]["extension"][0]["valueCode"] == "unknown"
    with override("fr"):
        data: dict[str, Any] = papers._data(row, "fr")
    assert data["cover_rows"][0][1] == "inconnu"


# shown


@pytest.fixture
def counted(stage: Cast) -> Cast:
    """This month: two posts of the regional hospital are vacant, three of four of the university hospital."""
    this = this_month()
    exams(stage, this)
    story(stage.university, [5, 10, 20], at=noon(this), provider=stage.university, reader=stage.leila.id)
    hear()
    establish(stage.regional, 2, this)
    establish(stage.university, 4, this)
    services.count_month(this, by=SYSTEM)
    return stage


def cover_of(text: str) -> str:
    """The part of a page that shows vacant posts beside remote cover."""
    return plain(text.partition('id="cover"')[2].partition("</section>")[0])


@pytest.mark.parametrize("language", ["ar", "fr", "en"])
def test_vacancies_stand_beside_remote_cover(counted: Cast, language: str) -> None:
    browser = browser_of(counted.hatem, language)
    region = Place.objects.get(id=counted.regional).region_id
    country, one, place = (
        cover_of(browser.get(address).content.decode())
        for address in (
            reverse("planning:country"), reverse("planning:region", args=[region]),
            reverse("planning:hospital", args=[counted.regional]),
        )
    )  # fmt: skip
    assert "5 / 6" in country and "<svg" not in country, "a plane of one region would say nothing"
    assert "2 / 2" in one and "3 / 4" in one
    assert "2 / 2" in place and "<svg" not in place
    # the regional hospital: all posts vacant; what was read remotely is withheld, for the other hospital has one exam
    assert one.count("<circle") == 0
    Figure.objects.filter(indicator="remote").update(withheld=False)
    drawn = cover_of(browser.get(reverse("planning:region", args=[region])).content.decode())
    assert ("Upwards" in drawn) == (language == "en"), "what is said beside the plane is translated"
    assert set(re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)"', drawn)) == {("100.0", "0.0"), ("75.0", "60.0")}


def test_what_is_not_known_is_not_drawn_as_nothing(counted: Cast) -> None:
    this = this_month()
    Figure.objects.filter(indicator="vacancies", place=counted.university).update(
        value=None, numerator=0, denominator=None, why="posts"
    )
    region = Place.objects.get(id=counted.regional).region_id
    Figure.objects.filter(indicator="remote").update(withheld=False)
    address = reverse("planning:region", args=[region]) + f"?month={this:%Y-%m}"
    text = cover_of(browser_of(counted.hatem, "fr").get(address).content.decode())
    assert "inconnu" in text and "<circle" not in text


def test_vacancies_lead_to_the_posts_and_who_fills_them(counted: Cast) -> None:
    browser = browser_of(counted.hatem, "fr")
    text = browser.get(reverse("planning:country") + "?indicator=vacancies").content.decode()
    assert text.count("shade-") >= 2 and 'class="trend"' in text, "the map and the trend"
    (address,) = set(re.findall(r'href="(/workforce/posts/\?[^"]*known=on[^"]*)"', text)) - set(
        re.findall(r'href="(/workforce/posts/\?[^"]*region=[^"]*)"', text)
    )
    behind = browser.get(address.replace("&amp;", "&")).content.decode()
    assert "Leila Haddad" in behind and "Arrêté 7" in behind and behind.count("<tr>") == 3, "a head and two hospitals"
    assert "Postes vacants: <strong>5</strong>" in behind
    place = browser.get(reverse("planning:hospital", args=[counted.regional])).content.decode()
    (address,) = set(re.findall(r'href="(/workforce/posts/\?[^"]*place=[^"]*)"', place))
    behind = browser.get(address.replace("&amp;", "&")).content.decode()
    assert "Leila Haddad" not in behind and behind.count("<tr>") == 2
    karim = browser_of(counted.karim)
    own = karim.get(reverse("planning:hospital", args=[counted.university])).content.decode()
    assert "3 / 4" in cover_of(own) and str(counted.regional) not in own
    assert karim.get(reverse("planning:hospital", args=[counted.regional])).status_code == 404


def test_the_page_says_why_small_numbers_are_not_withheld(counted: Cast) -> None:
    text = browser_of(counted.hatem, "fr").get(reverse("planning:indicators")).content.decode()
    assert "les petits nombres ne sont pas masqués" in text
    Figure.objects.filter(indicator="vacancies").get(place=counted.regional, withheld=False, numerator=2)


def test_cover_asks_the_same_however_many_regions_there_are(counted: Cast) -> None:
    browser = browser_of(counted.hatem)
    where = reverse("planning:country")
    browser.get(where)
    with CaptureQueriesContext(connection) as few:
        browser.get(where)
    for number in range(5):
        region = Region.objects.create(country="TN", code=f"T{number}", kind="governorate", name_ar="ج", name_fr="R",
                                       name_en="R", latitude=35, longitude=9, source="tests")  # fmt: skip
        for code in ("vacancies", "remote", "remote_hours", "posts_known"):
            Figure.objects.create(month=this_month(), level="region", region=region, indicator=code, numerator=7,
                                  denominator=10, value=0.7)  # fmt: skip
    with CaptureQueriesContext(connection) as many:
        text = cover_of(browser.get(where).content.decode())
    assert text.count("<circle") == 2 and ">1, 2, 3, 4, 5</text>" in text, "places at one point share a dot"
    assert len(many) == len(few)
