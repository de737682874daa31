"""Which signed reports rules of double reading ask for, what a rule must be, and when readings differ."""

import datetime
import uuid
from dataclasses import replace
from typing import Any

import pytest

from wasl.kernel.errors import Refused
from wasl.radiology.models import DoubleRule
from wasl.radiology.rules import double as rules

DAY = datetime.date(2026, 11, 1)
CENTRE, EXAM = uuid.UUID(int=1), uuid.UUID(int=2)
SIGNED = rules.Signing(
    centre=CENTRE, modality="CT", procedure=EXAM, urgency="P1", hour=3, on_duty=datetime.timedelta(hours=11),
    number=40, digest="ab" * 32,
)  # fmt: skip


@pytest.mark.parametrize(
    ("about", "asked"),
    [
        ({}, True), ({"centre_id": CENTRE}, True), ({"centre_id": EXAM}, False),
        ({"modality": "CT"}, True), ({"modality": "MG"}, False),
        ({"procedure_id": EXAM}, True), ({"procedure_id": CENTRE}, False),
        ({"urgencies": ["P0", "P1"]}, True), ({"urgencies": ["P3"]}, False),
        ({"night_from": 22, "night_until": 6}, True), ({"night_from": 8, "night_until": 20}, False),
        ({"night_from": 0, "night_until": 3}, False),
        ({"duty_hours": 11}, True), ({"duty_hours": 12}, False),
        ({"first_reports": 40}, True), ({"first_reports": 39}, False),
        ({"modality": "CT", "urgencies": ["P3"]}, False),
    ],
)  # fmt: skip
def test_a_rule_asks_for_what_meets_all_of_it(about: dict[str, Any], asked: bool) -> None:
    assert rules.asks(DoubleRule(**about), SIGNED) is asked


def test_without_a_roster_no_duty_is_long() -> None:
    assert not rules.asks(DoubleRule(duty_hours=1), replace(SIGNED, on_duty=None))


def test_the_share_is_told_by_the_digest_and_can_be_computed_again() -> None:
    rule = uuid.UUID(int=7)
    fell = [n for n in range(2000) if rules.falls(rule, f"{n:064x}", one_in=4)]
    assert fell == [n for n in range(2000) if rules.falls(rule, f"{n:064x}", one_in=4)]
    assert 430 < len(fell) < 570
    assert fell != [n for n in range(2000) if rules.falls(uuid.UUID(int=8), f"{n:064x}", one_in=4)]


@pytest.mark.parametrize(
    ("name", "about", "refused"),
    [
        ("Nuit", {"night": (22, 6)}, None), ("Part", {"one_in": 20}, None), ("MG", {"modality": "MG"}, None),
        ("Tout", {}, rules.NotADoubleRule), (" ", {"modality": "MG"}, rules.NotADoubleRule),
        ("Nuit", {"night": (6, 6)}, rules.NotADoubleRule), ("Nuit", {"night": (22, 24)}, rules.NotADoubleRule),
        ("Garde", {"duty_hours": 49}, rules.NotADoubleRule),
        ("Tard", {"modality": "MG", "within": 0}, rules.NotADoubleRule),
    ],
)  # fmt: skip
def test_a_rule_looks_at_something(name: str, about: dict[str, Any], refused: type[Refused] | None) -> None:
    asked = rules.Asked(**about)
    if refused is not None:
        with pytest.raises(refused):
            rules.check_rule(name, asked, since=DAY, current=None)
        return
    rules.check_rule(name, asked, since=DAY, current=None)
    with pytest.raises(rules.DoubleRuleNotLater):
        rules.check_rule(name, asked, since=DAY, current=DAY)


@pytest.mark.parametrize(
    ("verdict", "reason", "critical", "refused"),
    [
        ("agrees", "", (True, True), None), ("minor", "x", (False, False), None), ("major", "x", (False, True), None),
        ("agrees", "", (False, True), rules.CriticalDiffers), ("minor", "x", (True, False), rules.CriticalDiffers),
        ("minor", " ", (False, False), rules.NotAComparison), ("", "x", (False, False), rules.NotAComparison),
    ],
)  # fmt: skip
def test_a_comparison(verdict: str, reason: str, critical: tuple[bool, bool], refused: type[Refused] | None) -> None:
    if refused is None:
        rules.check_verdict(verdict, reason, critical=critical)
    else:
        with pytest.raises(refused):
            rules.check_verdict(verdict, reason, critical=critical)
