"""How critical results go up, what a code is, and who may answer: tables of cases, without a database."""

import datetime
import uuid

import pytest

from wasl.radiology.rules import results as rules

SINCE = datetime.datetime(2026, 1, 31, 23, 30, 12, tzinfo=datetime.UTC)
ANN, BOB, CAN = (uuid.UUID(int=n) for n in (1, 2, 3))


@pytest.mark.parametrize(("level", "minutes"), [(0, 30), (1, 42), (2, 51), (3, None)])
def test_when_it_leaves_a_level(level: int, minutes: int | None) -> None:
    due = SINCE + datetime.timedelta(minutes=60)
    leaves = rules.passes_at(SINCE, due, level=level, shares=rules.HOUSE_SHARES)
    assert leaves == (None if minutes is None else SINCE + datetime.timedelta(minutes=minutes))


@pytest.mark.parametrize(
    ("candidates", "had", "taken"),
    [
        ([], set(), None),
        ([ANN], {ANN}, None),
        ([ANN, BOB], {ANN}, BOB),
        ([ANN, BOB, CAN], set(), ANN),
        ([CAN, BOB], {ANN, CAN}, BOB),
    ],
)
def test_who_takes_it(candidates: list[uuid.UUID], had: set[uuid.UUID], taken: uuid.UUID | None) -> None:
    assert rules.next_holder(candidates, had) == taken


@pytest.mark.parametrize(
    ("asked", "signed", "works_there", "may"),
    [
        (True, False, True, True),
        (True, False, False, True),  # whose post ended since
        (True, True, True, True),  # who asked and read it oneself
        (False, False, True, True),
        (False, True, True, False),
        (False, False, False, False),
    ],
)
def test_who_receives(asked: bool, signed: bool, works_there: bool, may: bool) -> None:
    assert rules.receives(asked=asked, signed=signed, works_there=works_there) is may


@pytest.mark.parametrize(
    ("how", "said", "read_back", "refusal"),
    [
        ("page", "Bleeding", True, rules.UnknownWay),
        ("code", "Bleeding", True, rules.UnknownWay),
        ("pigeon", "Bleeding", True, rules.UnknownWay),
        ("phone", "  ", True, rules.NothingSaid),
        ("phone", "Bleeding", False, rules.NotReadBack),
    ],
)
def test_what_is_no_communication(how: str, said: str, read_back: bool, refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        rules.check_said(how=how, said=said, read_back=read_back)


def test_what_is_one() -> None:
    for how in ("phone", "person", "message"):
        rules.check_said(how=how, said="Bleeding", read_back=True)


@pytest.mark.parametrize(
    ("at", "kept"),
    [
        (SINCE.replace(second=0), SINCE),  # written to the minute
        (SINCE + datetime.timedelta(minutes=5), SINCE + datetime.timedelta(minutes=5)),
        (SINCE - datetime.timedelta(minutes=1), None),
        (SINCE + datetime.timedelta(minutes=31), None),
    ],
)
def test_when_it_was(at: datetime.datetime, kept: datetime.datetime | None) -> None:
    now = SINCE + datetime.timedelta(minutes=30)
    if kept is None:
        with pytest.raises(rules.NotWhenItWas):
            rules.moment(at, since=SINCE, now=now)
    else:
        assert rules.moment(at, since=SINCE, now=now) == kept


@pytest.mark.parametrize("shares", [(0, 50, 70), (50, 50, 70), (70, 50, 80), (50, 70, 101)])
def test_shares_that_do_not_rise(shares: tuple[int, int, int]) -> None:
    with pytest.raises(rules.NotOneAfterAnother):
        rules.check_passing_rule(shares, since=SINCE.date(), current=None)


def test_a_rule_begins_after_the_one_before() -> None:
    rules.check_passing_rule((50, 70, 100), since=SINCE.date(), current=None)
    with pytest.raises(rules.PassingRuleNotLater):
        rules.check_passing_rule((50, 70, 100), since=SINCE.date(), current=SINCE.date())


@pytest.mark.parametrize("category", [0, 4, -1])
def test_there_are_three_categories(category: int) -> None:
    with pytest.raises(rules.UnknownCategory):
        rules.check_category(category)


def test_the_check_letter() -> None:
    assert rules.check_letter("A12425GABC1234002") == "M", "a GRid of the IFPI, which is checked in the same way"


def test_a_code_is_found_again_however_it_is_typed() -> None:
    for _ in range(200):
        code = rules.new_code()
        assert set(code) <= set(rules.CLEAR)
        shown = rules.printed(code)
        for typed in (code, shown, shown.lower(), f" {' '.join(code)} ", shown.replace("0", "O").replace("1", "l")):
            assert rules.code(typed) == code


def test_one_wrong_letter_makes_no_code() -> None:
    code = rules.new_code()
    for place, letter in enumerate(code):
        for other in rules.CLEAR:
            if other != letter:
                assert rules.code(code[:place] + other + code[place + 1 :]) is None


@pytest.mark.parametrize("typed", ["", "A", "AAAAA-AAAAAA", "é" * 10, "ААААА-ААААА", "U" * 10, "\x00" * 10])
def test_what_is_no_code(typed: str) -> None:
    assert rules.code(typed) is None


def test_tries_end() -> None:
    rules.check_tries(rules.WRONG_CODES - 1)
    with pytest.raises(rules.TooManyCodes):
        rules.check_tries(rules.WRONG_CODES)
