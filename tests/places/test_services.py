"""Regions, hospitals, their kinds over time and their units."""

import datetime
from functools import partial
from uuid import UUID, uuid4

import pytest

from tests.at_once import at_once
from tests.cast import Cast, cast
from wasl.kernel.access import STRANGER, SYSTEM
from wasl.kernel.errors import NotAllowed, NotFound
from wasl.kernel.models import Fact
from wasl.places import queries, rules, services
from wasl.places.models import Place, Region, Standing, Unit

TODAY = datetime.date(2026, 11, 27)
NAMES = ("المستشفى", "Hôpital", "Hospital")


@pytest.fixture
def stage(db: None) -> Cast:
    return cast()


def told(name: str) -> int:
    return Fact.objects.filter(name=f"places.{name}").count()


def region() -> UUID:
    return Region.objects.get().id


def test_a_region_entered_twice_stays_one(stage: Cast) -> None:
    again = services.add_region(
        country="TN", code="TN-32", kind="governorate", name_ar="x", name_fr="x", name_en="x", latitude=0, longitude=0,
        source="tests", by=SYSTEM,
    )  # fmt: skip
    assert again.name_fr == "Jendouba"
    assert Region.objects.count() == told("RegionAdded") == 1
    with pytest.raises(NotAllowed):
        services.add_region(country="TN", code="TN-33", by=stage.fatma)


def test_add_place(stage: Cast) -> None:
    made = services.add_place(
        code="tabarka", names=NAMES, region=region(), kind="tn_hc", point=(36.95, 8.76), by=stage.fatma
    )
    kept = Place.objects.get(code="tabarka")
    assert (kept.id, kept.latitude, kept.invented) == (made.id, 36.95, False)
    assert queries.kinds(viewer=STRANGER)[made.id] == "tn_hc"
    assert Fact.objects.filter(name="places.PlaceAdded", subject=made.id).count() == 1


def test_a_code_is_used_once_and_a_region_is_known(stage: Cast) -> None:
    with pytest.raises(rules.PlaceCodeTaken) as refusal:
        services.add_place(code="oued-zen", names=NAMES, region=region(), kind="tn_hr", by=stage.fatma)
    assert "oued-zen" in refusal.value.sentence
    with pytest.raises(rules.UnknownRegion):
        services.add_place(code="tabarka", names=NAMES, region=uuid4(), kind="tn_hr", by=stage.fatma)
    with pytest.raises(NotAllowed):
        services.add_place(code="tabarka", names=NAMES, region=region(), kind="tn_hr", by=stage.amel)
    assert Place.objects.count() == told("PlaceAdded") == 3


def test_a_place_becomes_another_kind_and_what_it_was_stays_known(stage: Cast) -> None:
    since = datetime.date(2026, 8, 1)
    services.change_standing(stage.regional, kind="tn_chu", since=since, by=stage.fatma)
    before = since - datetime.timedelta(days=1)
    assert queries.kinds(viewer=STRANGER, on=before)[stage.regional] == "tn_hr"
    assert queries.kinds(viewer=STRANGER, on=since)[stage.regional] == "tn_chu"
    for earlier in (since, before):
        with pytest.raises(rules.StandingNotLater) as refusal:
            services.change_standing(stage.regional, kind="tn_hc", since=earlier, by=stage.fatma)
        assert "2026-08-01" in refusal.value.sentence
    assert told("StandingChanged") == 1
    with pytest.raises(NotFound):
        services.change_standing(uuid4(), kind="tn_hc", since=TODAY, by=stage.fatma)
    with pytest.raises(NotAllowed):
        services.change_standing(stage.regional, kind="tn_hc", since=TODAY, by=stage.karim)


def test_add_unit(stage: Cast) -> None:
    unit = services.add_unit(stage.regional, kind="imaging", names=NAMES, by=stage.fatma)
    assert Unit.objects.get() == unit
    assert told("UnitAdded") == 1
    with pytest.raises(NotFound):
        services.add_unit(uuid4(), kind="imaging", names=NAMES, by=stage.fatma)
    with pytest.raises(NotAllowed):
        services.add_unit(stage.regional, kind="imaging", names=NAMES, by=stage.amel)


@pytest.mark.django_db(transaction=True)
def test_a_place_is_of_one_kind_at_a_time() -> None:
    stage = cast()
    acts = [partial(services.change_standing, stage.regional, kind=kind, since=datetime.date(2026, 8, day),
                    by=stage.fatma)
            for kind, day in (("tn_chu", 1), ("tn_hc", 1), ("tn_csb", 2), ("tn_hc", 3))]  # fmt: skip
    refused = at_once(*acts)
    made = Standing.objects.filter(place=stage.regional)
    assert set(refused) <= {"StandingChangedMeanwhile", "StandingNotLater"}
    assert made.count() == 1 + 4 - len(refused) == 1 + told("StandingChanged")
    assert made.filter(period__upper_inf=True).count() == 1
    days = [made.filter(period__contains=datetime.date(2026, 7, 30) + datetime.timedelta(n)).count() for n in range(9)]
    assert days == [1] * 9


@pytest.mark.django_db(transaction=True)
def test_a_code_raced_for_is_given_once() -> None:
    stage = cast()
    act = partial(services.add_place, code="tabarka", names=NAMES, region=region(), kind="tn_hc", by=stage.fatma)
    assert at_once(*[act] * 4) == ["PlaceCodeTaken"] * 3
    assert Place.objects.filter(code="tabarka").count() == 1
    assert Standing.objects.filter(place__code="tabarka").count() == 1
