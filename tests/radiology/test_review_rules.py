"""Which reports fall to be reviewed, what a score needs, whose names are painted over, and how sure a share is."""

import datetime
import math
import uuid

import pytest

from wasl.kernel.errors import Refused
from wasl.radiology.rules import review as rules
from wasl.radiology.rules.blinding import HIDDEN, masked

SECRET = bytes(range(32))
DAY = datetime.date(2026, 11, 1)


@pytest.mark.parametrize(
    ("one_in", "bands", "days", "fewest", "refused"),
    [
        (25, [8, 20], 7, 30, None), (20, [0], 1, 30, None), (33, [0, 6, 12, 18], 7, 100, None),
        (19, [8], 7, 30, rules.NotAReviewRule), (34, [8], 7, 30, rules.NotAReviewRule),
        (25, [], 7, 30, rules.NotAReviewRule), (25, [24], 7, 30, rules.NotAReviewRule),
        (25, [8], 8, 30, rules.NotAReviewRule), (25, [8], 0, 30, rules.NotAReviewRule),
        (25, [8], 7, 5, rules.NotAReviewRule),
    ],
)  # fmt: skip
def test_a_rule(one_in: int, bands: list[int], days: int, fewest: int, refused: type[Refused] | None) -> None:
    if refused is None:
        rules.check_rule(one_in, bands, days, fewest, since=DAY, current=None)
        with pytest.raises(rules.ReviewRuleNotLater):
            rules.check_rule(one_in, bands, days, fewest, since=DAY, current=DAY)
    else:
        with pytest.raises(refused):
            rules.check_rule(one_in, bands, days, fewest, since=DAY, current=None)


@pytest.mark.parametrize(("hour", "band"), [(8, 8), (19, 8), (20, 20), (23, 20), (0, 20), (7, 20)])
def test_the_part_of_the_day(hour: int, band: int) -> None:
    assert rules.band_of(hour, [8, 20]) == band


def drawn(name: str, reports: int, one_in: int, secret: bytes = SECRET) -> list[int]:
    return [n for n in range(1, reports + 1) if rules.is_drawn(secret, stratum=name, number=n, one_in=one_in)]


def test_over_a_month_each_stratum_keeps_its_share() -> None:
    """Of 20 strata with 100 to 860 reports, each is reviewed to 3–5 %, and all together to 4 %."""
    signed = {f"stratum {n}": 100 + 40 * n for n in range(20)}
    picked = {name: drawn(name, reports, 25) for name, reports in signed.items()}
    for name, reports in signed.items():
        assert 3 <= 100 * len(picked[name]) / reports <= 5, (name, reports, picked[name])
        assert abs(len(picked[name]) - reports / 25) < 1
    assert 3.9 < 100 * sum(map(len, picked.values())) / sum(signed.values()) < 4.1
    # no place in the row is spared, and where one falls says nothing of where the next does
    places = {(n - 1) % 25 for numbers in picked.values() for n in numbers}
    assert places == set(range(25))


def test_one_of_each_row_falls_and_the_key_alone_says_which() -> None:
    first, again = drawn("a", 250, 25), drawn("a", 250, 25)
    assert first == again
    assert [(n - 1) // 25 for n in first] == list(range(10))
    assert first != drawn("b", 250, 25)
    assert first != drawn("a", 250, 25, secret=bytes(32))


@pytest.mark.parametrize(
    ("score", "matters", "reasons", "text", "refused"),
    [
        (1, False, [], "", None), (2, False, ["missed"], "x", None), (3, True, ["missed", "place"], "x", None),
        (1, True, [], "", rules.NotAScore), (0, False, [], "", rules.NotAScore), (4, False, [], "", rules.NotAScore),
        (2, False, ["missed"], " ", rules.ScoreWithoutReason), (2, False, [], "x", rules.ScoreWithoutReason),
        (3, True, ["nonsense"], "x", rules.ScoreWithoutReason),
    ],
)  # fmt: skip
def test_a_score(score: int, matters: bool, reasons: list[str], text: str, refused: type[Refused] | None) -> None:
    known = ["missed", "place"]
    if refused is None:
        rules.check_score(score, matters=matters, reasons=reasons, text=text, known=known)
    else:
        with pytest.raises(refused):
            rules.check_score(score, matters=matters, reasons=reasons, text=text, known=known)


@pytest.mark.parametrize(
    ("answer", "text", "scored", "answered", "refused"),
    [
        ("accepts", "", True, False, None), ("disagrees", "no", True, False, None),
        ("disagrees", " ", True, False, rules.NotAnAnswer), ("", "", True, False, rules.NotAnAnswer),
        ("accepts", "", False, False, rules.NotScored), ("accepts", "", True, True, rules.AlreadyAnswered),
    ],
)  # fmt: skip
def test_an_answer(answer: str, text: str, scored: bool, answered: bool, refused: type[Refused] | None) -> None:
    if refused is None:
        rules.check_answer(answer, text, scored=scored, answered=answered)
    else:
        with pytest.raises(refused):
            rules.check_answer(answer, text, scored=scored, answered=answered)


@pytest.mark.parametrize(
    ("text", "names", "shown"),
    [
        ("Dr Haddad, CHU", ["Haddad"], f"Dr {HIDDEN}, CHU"), ("dr HADDAD", ["Haddad"], f"dr {HIDDEN}"),
        ("Haddadi", ["Haddad"], "Haddadi"), ("د. الحداد", ["الحداد"], f"د. {HIDDEN}"), ("a b", ["a", ""], "a b"),
        ("Ben Salah et Salah", ["Salah", "Ben Salah"], f"{HIDDEN} et {HIDDEN}"),
    ],
)  # fmt: skip
def test_names_are_painted_over(text: str, names: list[str], shown: str) -> None:
    assert masked(text, names) == shown


def test_a_lesson_says_something_and_names_nobody() -> None:
    rules.check_lesson("Un piège", "Toujours regarder la charnière cervicale.", names=["Salah"])
    for title, points in (("", "x" * 30), ("x", "short")):
        with pytest.raises(rules.LessonTooShort):
            rules.check_lesson(title, points, names=[])
    with pytest.raises(rules.LessonNames):
        rules.check_lesson("Un piège", "Le scanner de Mme Salah était normal.", names=["Salah"])


@pytest.mark.parametrize(("hits", "total"), [(0, 10), (10, 10), (30, 40), (1, 1), (950, 1000)])
def test_an_interval_ends_where_what_was_found_is_just_believable(hits: int, total: int) -> None:
    """Wilson's ends are the shares from which what was found is 1.96 standard errors away, in the same formula."""
    share = hits / total
    low, high = rules.interval(hits, total)
    assert 0 <= low <= share <= high <= 1
    for end in (low, high):
        if 1e-9 < end < 1 - 1e-9:
            assert abs(share - end) == pytest.approx(1.959964 * math.sqrt(end * (1 - end) / total), abs=1e-9)
    assert rules.interval(0, 0) == (0, 1)


def test_whose_turn_it_is_no_person_chooses() -> None:
    one, other, review = uuid.UUID(int=1), uuid.UUID(int=2), uuid.UUID(int=3)
    assert rules.turn(SECRET, review, one) == rules.turn(SECRET, review, one) != rules.turn(SECRET, review, other)
