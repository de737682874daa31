"""Holidays foreseen, announced, moved, worked again; weekends of both countries; the planner's page."""

import csv
import datetime
from collections import Counter
from functools import partial
from uuid import uuid4

import pytest
from django.conf import settings
from django.urls import reverse

from tests.at_once import at_once
from tests.browser import browser_of
from tests.cast import Cast, cast
from wasl.edges.cli import reference
from wasl.kernel.access import STRANGER, SYSTEM
from wasl.kernel.errors import NotAllowed, NotFound
from wasl.kernel.models import Fact
from wasl.places import queries, rules, services
from wasl.places.models import Holiday

EID = ("عيد الفطر", "Aïd el-Fitr", "Eid al-Fitr")
DAY = datetime.date(2027, 3, 10)  # a Wednesday
NEXT = DAY + datetime.timedelta(days=1)


@pytest.fixture
def stage(db: None) -> Cast:
    return cast()


def told(name: str) -> int:
    return Fact.objects.filter(name=f"places.{name}").count()


def foreseen(day: datetime.date = DAY, *, estimated: bool = True) -> Holiday:
    return services.add_holiday(day, names=EID, estimated=estimated, source="tests", by=SYSTEM)


def off(*days: datetime.date) -> list[bool]:
    return [queries.calendar(day, day, viewer=STRANGER)[0].off for day in days]


def test_add_holiday_once_and_what_people_put_since_stays(stage: Cast) -> None:
    made = foreseen()
    services.confirm_holiday(made.id, by=stage.hatem)
    assert foreseen().id == made.id
    kept = Holiday.objects.get()
    assert (kept.estimated, kept.worked, kept.country) == (False, False, settings.COUNTRY)
    assert told("HolidaySet") == 1
    with pytest.raises(NotAllowed):
        services.add_holiday(DAY, names=EID, estimated=False, source="", by=stage.hatem)


def test_an_announcement_moves_the_day(stage: Cast) -> None:
    made = foreseen()
    assert off(DAY, NEXT) == [True, False]
    moved = services.confirm_holiday(made.id, day=NEXT, by=stage.hatem)
    assert off(DAY, NEXT) == [False, True]
    assert (moved.day, moved.estimated, moved.name_ar) == (NEXT, False, EID[0])
    foreseen()  # reference data that come again
    assert off(DAY, NEXT) == [False, True]
    for key in (made.id, moved.id):
        with pytest.raises(rules.NotEstimated):
            services.confirm_holiday(key, by=stage.hatem)
    assert [told(name) for name in ("HolidayConfirmed", "HolidayRemoved")] == [1, 1]


def test_a_holiday_is_worked_again_and_set_again(stage: Cast) -> None:
    made = foreseen(estimated=False)
    services.remove_holiday(made.id, by=stage.hatem)
    assert off(DAY) == [False]
    with pytest.raises(rules.AlreadyWorked):
        services.remove_holiday(made.id, by=stage.hatem)
    services.set_holiday(DAY, names=EID, estimated=True, source="JORT", by=stage.hatem)
    (row,) = queries.holidays(2027, viewer=stage.hatem)
    assert (row.id, row.estimated, row.worked, row.source) == (made.id, True, False, "JORT")


def test_two_holidays_on_one_day(stage: Cast) -> None:
    first, _ = foreseen(), services.set_holiday(DAY, names=("عيد", "Fête", "Feast"), by=stage.hatem)
    assert len(queries.calendar(DAY, DAY, viewer=STRANGER)[0].holidays) == 2
    services.confirm_holiday(first.id, day=NEXT, by=stage.hatem)
    assert off(DAY, NEXT) == [True, True]


def test_holidays_are_the_countrys(stage: Cast) -> None:
    made = foreseen()
    for other in (stage.karim, stage.fatma, stage.leila):
        for act in (partial(services.set_holiday, DAY, names=EID), partial(services.confirm_holiday, made.id),
                    partial(services.remove_holiday, made.id)):  # fmt: skip
            with pytest.raises(NotAllowed):
                act(by=other)
    for verb in (services.confirm_holiday, services.remove_holiday):
        with pytest.raises(NotFound):
            verb(uuid4(), by=stage.hatem)


def test_a_planner_of_one_place_does_not_decide_for_all(stage: Cast) -> None:
    from dataclasses import replace

    from wasl.kernel.access import Held

    theirs = replace(stage.karim, held=(Held("planner", stage.university),))
    with pytest.raises(rules.NotTheCountrys):
        services.set_holiday(DAY, names=EID, by=theirs)


@pytest.mark.parametrize(("country", "weekend"), [("TN", {5, 6}), ("DZ", {4, 5})])
def test_weekends_are_the_countrys(
    stage: Cast, monkeypatch: pytest.MonkeyPatch, country: str, weekend: set[int]
) -> None:
    foreseen()
    monkeypatch.setattr(settings, "COUNTRY", country)
    days = queries.calendar(datetime.date(2027, 3, 1), datetime.date(2027, 3, 31), viewer=STRANGER)
    assert len(days) == 31
    assert {day.date.weekday() for day in days if day.weekend} == weekend
    assert [day.date for day in days if day.holidays] == ([DAY] if country == "TN" else [])


@pytest.mark.django_db(transaction=True)
def test_announced_by_many_at_once() -> None:
    stage = cast()
    made = foreseen()
    acts = [partial(services.confirm_holiday, made.id, day=day, by=stage.hatem) for day in (DAY, NEXT) * 4]
    assert at_once(*acts) == ["NotEstimated"] * 7
    assert Holiday.objects.filter(worked=False).count() == 1
    assert told("HolidayConfirmed") == 1


@pytest.mark.django_db(transaction=True)
def test_entered_by_many_at_once_it_is_there_once() -> None:
    stage = cast()
    at_once(*[partial(services.set_holiday, DAY, names=EID, by=stage.hatem)] * 8, *[foreseen] * 8)
    assert Holiday.objects.count() == 1


def test_the_reference_data_are_what_the_countries_decreed() -> None:
    with (reference.DATA / "holidays.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    keys = [(row["country"], row["day"], row["name_fr"]) for row in rows]
    assert len(keys) == len(set(keys))
    assert all(row[name] for row in rows for name in ("name_ar", "name_fr", "name_en", "source"))
    for country, length in (("TN", 2), ("DZ", 3)):
        mine = [row for row in rows if row["country"] == country]
        years = Counter(row["day"][:4] for row in mine)
        assert len(years) == 11
        for feast in ("Aïd el-Fitr", "Aïd el-Adha"):
            assert all(row["estimated"] for row in mine if row["name_fr"] == feast)
            days = sorted(datetime.date.fromisoformat(row["day"]) for row in mine if row["name_fr"] == feast)
            begins = [day for day in days if day - datetime.timedelta(days=1) not in days]
            assert len(days) == length * len(begins), "in one piece, and of the length decreed"
    tunisian = {row["day"][5:] for row in rows if row["country"] == "TN" and not row["estimated"]}
    assert "12-17" in tunisian, "décret présidentiel 2021-223"
    assert "01-14" not in tunisian


def test_reference_data_are_loaded_once(stage: Cast) -> None:
    count = reference._load_holidays(settings.COUNTRY)
    assert Holiday.objects.count() == count == reference._load_holidays(settings.COUNTRY)
    assert told("HolidaySet") == count


@pytest.mark.parametrize("language", ["ar", "fr", "en"])
def test_the_page_speaks(stage: Cast, language: str) -> None:
    foreseen()
    page = browser_of(stage.hatem, language).get(reverse("places:holidays"), {"year": "2027"})
    assert f'<html lang="{language}"' in page.content.decode()
    assert {"ar": "عيد الفطر", "fr": "Aïd el-Fitr", "en": "Eid al-Fitr"}[language] in page.content.decode()


def test_the_page(stage: Cast) -> None:
    browser, made = browser_of(stage.hatem), foreseen()
    form = {"day": "2027-05-05", "name_fr": "Fête", "name_ar": "عيد", "name_en": "Feast"}
    assert browser.post(reverse("places:holidays"), form).headers["Location"].endswith("?year=2027")
    assert browser.post(reverse("places:holidays"), {**form, "day": "soon"}).status_code == 422
    confirm = reverse("places:confirm_holiday", args=[made.id])
    assert browser.post(confirm, {"day": NEXT.isoformat()}).status_code == 302
    assert browser.post(confirm, {"day": "soon"}).status_code == 409
    assert off(DAY, NEXT, datetime.date(2027, 5, 5)) == [False, True, True]
    row = Holiday.objects.get(day=NEXT)
    assert browser.post(reverse("places:remove_holiday", args=[row.id])).status_code == 302
    assert off(NEXT) == [False]
    assert browser.get(reverse("places:holidays"), {"year": "99999"}).status_code == 200
    for other in (stage.karim, stage.fatma, stage.zied):
        assert browser_of(other).get(reverse("places:holidays")).status_code == 403
