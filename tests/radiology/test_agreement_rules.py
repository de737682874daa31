"""Who may bind a hospital, what an agreement says, its week, and every no."""

import datetime
from typing import Any
from uuid import UUID

import pytest

from wasl.kernel.access import Actor, Held
from wasl.kernel.errors import NotAllowed, Refused
from wasl.radiology.rules import agreements as rules

TODAY = datetime.date(2026, 11, 29)
DAY = datetime.timedelta(days=1)
HERE, THERE = UUID(int=1), UUID(int=2)
ANNE, BILAL = UUID(int=11), UUID(int=12)
HOUR = 60


def at(day: int, hour: int, minute: int = 0) -> int:
    """Minutes since Monday 0:00."""
    return day * rules.DAY + hour * HOUR + minute


def who(*held: Held) -> Actor:
    return Actor(kind="person", id=ANNE, name="Anne", held=held)


def terms(**values: object) -> rules.Terms:
    about: dict[str, Any] = {
        "modalities": ("CT",), "minutes": {"P1": 60, "P3": None}, "since": TODAY, "until": TODAY + 30 * DAY,
        "scale": "S1",
    }  # fmt: skip
    return rules.Terms(**{**about, **values})


@pytest.mark.parametrize(
    ("held", "bound"),
    [
        (Held("chief", HERE), True),
        (Held("planner", HERE), True),
        (Held("planner", None), True),
        (Held("chief", THERE), False),
        (Held("radiologist", HERE), False),
        (Held("administrator", None), False),
    ],
)
def test_who_binds_a_hospital(held: Held, bound: bool) -> None:
    assert rules.binds(HERE, who(held)) is bound


@pytest.mark.parametrize(
    ("provider", "beneficiary", "held", "refusal"),
    [
        (HERE, THERE, Held("chief", HERE), None),
        (THERE, HERE, Held("chief", HERE), None),
        (HERE, HERE, Held("chief", HERE), rules.SameHospital),
        (HERE, THERE, Held("chief", UUID(int=3)), rules.NotYourSide),
    ],
)
def test_parties(provider: UUID, beneficiary: UUID, held: Held, refusal: type[Refused] | None) -> None:
    if refusal is None:
        rules.check_parties(provider, beneficiary, who(held))
        return
    with pytest.raises(refusal):
        rules.check_parties(provider, beneficiary, who(held))


def test_terms_that_say_all() -> None:
    rules.check_terms(terms(), today=TODAY)
    rules.check_terms(terms(modalities=(), procedures=(UUID(int=5),)), today=TODAY)
    rules.check_terms(terms(until=TODAY, since=TODAY), today=TODAY)


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("modalities", {"modalities": ()}),
        ("urgencies", {"minutes": {}}),
        ("urgencies", {"minutes": {"P9": 5}}),
        ("urgencies", {"minutes": {"P1": 0}}),
        ("urgencies", {"minutes": {"P1": rules.MOST_MINUTES + 1}}),
        ("hours", {"hours": ((60, 60),)}),
        ("hours", {"hours": ((60, 120), (90, 180))}),
        ("hours", {"hours": ((0, rules.WEEK),)}),
        ("until", {"until": TODAY - DAY}),
        ("until", {"since": TODAY + 31 * DAY}),
        ("scale", {"scale": " "}),
    ],
)
def test_terms_that_lack_something(field: str, values: dict[str, object]) -> None:
    with pytest.raises(rules.AgreementIncomplete) as refused:
        rules.check_terms(terms(**values), today=TODAY)
    assert list(refused.value.fields) == [field]


@pytest.mark.parametrize(
    ("spans", "hours"),
    [
        ([], ()),
        ([(at(0, 8), at(0, 14))], ((at(0, 8), at(0, 14)),)),
        ([(at(1, 8), at(1, 12)), (at(0, 8), at(0, 12))], ((at(0, 8), at(0, 12)), (at(1, 8), at(1, 12)))),
        ([(at(0, 18), at(1, 8)), (at(1, 8), at(1, 9))], ((at(0, 18), at(1, 9)),)),
        ([(at(0, 8), at(0, 8)), (at(0, 9), at(0, 8))], ()),
        # Sunday night goes round to Monday morning
        ([(at(6, 18), at(7, 8))], ((0, at(0, 8)), (at(6, 18), rules.WEEK))),
        ([(at(day, 0), at(day + 1, 0)) for day in range(7)], ()),
    ],
)
def test_hours_of_the_week(spans: list[tuple[int, int]], hours: tuple[tuple[int, int], ...]) -> None:
    assert rules.in_week(spans) == hours


@pytest.mark.parametrize(
    ("hours", "days"),
    [
        ((), []),
        (((at(0, 8), at(0, 14)),), [(0, 480, 360)]),
        (((at(4, 18), at(7, 0)),), [(4, 1080, 1440), (5, 1080, 1440), (6, 1080, 360)]),
        (((0, at(0, 8)), (at(6, 18), rules.WEEK)), [(6, 1080, 840)]),
    ],
)
def test_hours_as_people_say_them(hours: tuple[tuple[int, int], ...], days: list[tuple[int, int, int]]) -> None:
    assert rules.by_day(hours) == days
    said = [(day * rules.DAY + start, day * rules.DAY + start + long) for day, start, long in days]
    assert rules.in_week(said) == hours


def test_the_minute_of_the_week() -> None:
    assert rules.minute_of_week(datetime.datetime(2026, 11, 30)) == 0  # noqa: DTZ001  a Monday, by whatever clock
    assert rules.minute_of_week(datetime.datetime(2026, 12, 6, 23, 59, 59)) == rules.WEEK - 1  # noqa: DTZ001


def test_only_a_draft_as_it_was_read() -> None:
    rules.check_draft("draft", 3, 3)
    with pytest.raises(rules.AgreementIsSigned):
        rules.check_draft("signed", 3, 3)
    with pytest.raises(rules.DraftMovedOn):
        rules.check_draft("draft", 3, 2)


@pytest.mark.parametrize(
    ("signed", "other", "person", "last_day", "refusal"),
    [
        (None, None, ANNE, TODAY, None),
        (None, BILAL, ANNE, TODAY + DAY, None),
        (BILAL, None, ANNE, TODAY + DAY, rules.SideHasSigned),
        (None, ANNE, ANNE, TODAY + DAY, rules.TwoMustSign),
        (None, None, ANNE, TODAY - DAY, rules.AgreementIsOver),
        (None, None, None, TODAY + DAY, NotAllowed),
    ],
)
def test_signatures(
    signed: UUID | None, other: UUID | None, person: UUID | None, last_day: datetime.date,
    refusal: type[Refused] | None,
) -> None:  # fmt: skip
    about: dict[str, Any] = {
        "signed": signed, "other": other, "person": person, "last_day": last_day, "today": TODAY
    }  # fmt: skip
    if refusal is None:
        rules.check_signature(**about)
        return
    with pytest.raises(refusal):
        rules.check_signature(**about)


@pytest.mark.parametrize(
    ("values", "refusal"),
    [
        ({}, None),
        ({"wanted": TODAY}, None),
        ({"state": "draft"}, rules.NotAgreedYet),
        ({"ended": True}, rules.NoticeWasGiven),
        ({"last_day": TODAY - DAY}, rules.AgreementIsOver),
        ({"wanted": TODAY - DAY}, rules.BadNotice),
        ({"wanted": TODAY + 20 * DAY}, rules.BadNotice),
        ({"first_day": TODAY + 10 * DAY}, rules.BadNotice),
        ({"because": "  too few  "}, rules.NoNoticeReason),
    ],
)
def test_notice(values: dict[str, object], refusal: type[Refused] | None) -> None:
    about: dict[str, Any] = {
        "state": "signed", "ended": False, "first_day": TODAY - 5 * DAY, "last_day": TODAY + 20 * DAY,
        "wanted": TODAY + 5 * DAY, "because": "A reader of our own.", "today": TODAY, **values,
    }  # fmt: skip
    if refusal is None:
        rules.check_notice(**about)
        return
    with pytest.raises(refusal):
        rules.check_notice(**about)
