"""Prices are a pure function of the act and the scale; sessions have a free number or none."""

import datetime
from dataclasses import dataclass

import pytest

from wasl.contracts.rules import scales, sessions
from wasl.contracts.rules.scales import KIND, Kind


@dataclass(frozen=True)
class Said:
    """A price as a scale holds it."""

    procedure: str = ""
    modality: str = ""
    urgency: str = ""
    mode: str = ""
    hours: str = ""
    amount: int = 0
    part: str = "report"


SCALE = (
    Said(amount=1),
    Said(modality="CT", amount=20),
    Said(modality="CT", hours="outside", amount=21),
    Said(modality="CT", mode="urgent", amount=22),
    Said(modality="CT", urgency="P0", amount=23),
    Said(procedure="CT-HEAD", amount=30),
    Said(procedure="CT-HEAD", modality="CT", urgency="P0", mode="urgent", hours="outside", amount=31),
)


@pytest.mark.parametrize(
    ("act", "amount"),
    [
        (Kind("MR-HEAD", "MR", "P2", "scheduled", "official"), 1),
        (Kind("CT-CHEST", "CT", "P2", "scheduled", "official"), 20),
        (Kind("CT-CHEST", "CT", "P2", "scheduled", "outside"), 21),
        (Kind("CT-CHEST", "CT", "P2", "urgent", "outside"), 22),  # how it comes weighs more than when
        (Kind("CT-CHEST", "CT", "P0", "urgent", "outside"), 23),  # its urgency more than either
        (Kind("CT-HEAD", "CT", "P2", "urgent", "official"), 30),  # the exam itself more than all
        (Kind("CT-HEAD", "CT", "P0", "urgent", "outside"), 31),
    ],
)
def test_the_most_exact_price_counts(act: Kind, amount: int) -> None:
    found = scales.price(act, SCALE)
    assert found is not None
    assert found.amount == amount
    assert scales.price(act, SCALE[::-1]) == found  # in whatever order they are written


@pytest.mark.parametrize(
    ("act", "amount"),
    [
        (Kind("CT-CHEST", "CT", "P2", "scheduled", "official", "second"), 8),
        (Kind("CT-CHEST", "CT", "P2", "scheduled", "outside", "second"), 9),
        (Kind("CT-CHEST", "CT", "P2", "scheduled", "outside", "arbiter"), 4),
        (Kind("MR-HEAD", "MR", "P2", "scheduled", "official", "arbiter"), 4),
        (Kind("CT-CHEST", "CT", "P2", "scheduled", "official"), 20),  # what is paid for a report stays what it was
        (Kind("MR-HEAD", "MR", "P2", "scheduled", "official", "second"), None),  # and pays nobody who reads it again
    ],
)
def test_each_kind_of_act_has_its_own_prices(act: Kind, amount: int | None) -> None:
    again = (
        Said(modality="CT", part="second", amount=8), Said(modality="CT", part="second", hours="outside", amount=9),
        Said(part="arbiter", amount=4),
    )  # fmt: skip
    found = scales.price(act, (*SCALE, *again))
    assert (found.amount if found else None) == amount


def test_a_scale_names_an_act_before_its_session_and_hours_are_known() -> None:
    night = (Said(modality="CT", part="second", mode="urgent", hours="outside", amount=9),)
    assert scales.names(Kind("CT-CHEST", "CT", "P2", part="second"), night)
    for act in (Kind("MR-HEAD", "MR", "P2", part="second"), Kind("CT-CHEST", "CT", "P2", part="arbiter"), Kind()):
        assert not scales.names(act, night)


def test_a_scale_may_say_nothing() -> None:
    assert scales.price(Kind("MR-HEAD", "MR", "P2", "scheduled", "official"), SCALE[1:]) is None
    assert scales.price(Kind("MR-HEAD", "MR", "P2", "scheduled", "official"), ()) is None


@pytest.mark.parametrize(
    ("prices", "refusal"),
    [
        ([], scales.NoPrices),
        ([(Kind(), 0)], scales.BadPrice),
        ([(Kind(), -5)], scales.BadPrice),
        ([(Kind(), 10**12 + 1)], scales.BadPrice),
        ([(Kind(mode="sometimes"), 5)], scales.BadKind),
        ([(Kind(hours="night"), 5)], scales.BadKind),
        ([(Kind(part="third"), 5)], scales.BadKind),
        ([(Kind(modality="CT"), 5), (Kind(modality="CT"), 6)], scales.PriceTwice),
        ([(Kind(procedure=f"E{n}"), 5) for n in range(2001)], scales.TooManyPrices),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
def test_prices_that_are_none(prices: list[tuple[Kind, int]], refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        scales.check_prices(prices, unit="TND", places=3)


def test_prices_that_are_some() -> None:
    scales.check_prices([(Kind(), 1), (Kind(mode="urgent", hours="outside"), 10**12)], unit="TND", places=3)
    assert KIND[0] == "procedure"


@pytest.mark.parametrize(
    ("code", "source", "invented", "refusal"),
    [
        ("Barème", "décret", False, scales.BadScaleCode),
        ("a", "décret", False, scales.BadScaleCode),
        ("a" * 41, "décret", False, scales.BadScaleCode),
        ("bareme", " ", False, scales.SourceMissing),
    ],
)
def test_scales_that_are_none(code: str, source: str, invented: bool, refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        scales.check_scale(code=code, source=source, invented=invented)


def test_scales_that_are_some() -> None:
    scales.check_scale(code="bareme-1", source="décret", invented=False)
    scales.check_scale(code="bareme-1", source="", invented=True)


@pytest.mark.parametrize(
    ("hour", "day_off", "official"),
    [(7, False, False), (8, False, True), (16, False, True), (17, False, False), (10, True, False)],
)
def test_official_hours(hour: int, day_off: bool, official: bool) -> None:
    at = datetime.datetime(2026, 11, 24, hour)  # noqa: DTZ001  as the clock on the wall says
    opens, closes = datetime.time(8), datetime.time(17)
    assert scales.is_official(at, opens=opens, closes=closes, day_off=day_off) is official


def test_numbers_of_a_month() -> None:
    assert sessions.free_number(set(), most=10) == 1
    assert sessions.free_number({1, 2, 4}, most=10) == 3
    assert sessions.free_number(set(range(1, 10)), most=10) == 10
    with pytest.raises(sessions.MonthIsFull):
        sessions.free_number(set(range(1, 11)), most=10)
