"""When a case is about to be late, which step is next, where cases go, when a centre is dark: no database."""

import datetime
from typing import Any

import pytest

from wasl.kernel.access import SYSTEM, Actor, Held
from wasl.kernel.errors import Refused
from wasl.radiology.rules import escalation as rules
from wasl.radiology.rules.dispatch import Case, Reader, Weights
from wasl.radiology.rules.escalation import Centre, Done, Limits, Lost, Open, Waiting

NOW = datetime.datetime(2026, 11, 30, 23, 30, tzinfo=datetime.UTC)
MINUTE = datetime.timedelta(minutes=1)
CT, MR = ("R", "CT"), ("R", "MR")
DAY = datetime.date(2026, 11, 30)


def case(name: str = "one", *, left: float = 60, points: float = 10, waited: float = 0, kind: str = "CT") -> Case:
    return Case(name, "R", kind, "P1", points, NOW - waited * MINUTE, NOW + left * MINUTE)


def held(name: str = "one", *, left: float = 60, since: float = 0, by: str = "leila", points: float = 10) -> Open:
    return Open(case(name, left=left, points=points), by, NOW - since * MINUTE)


def reader(name: str, *pairs: tuple[str, str], **values: Any) -> Reader:  # noqa: ANN401
    return Reader(id=name, serves=frozenset(pairs or (CT,)), **values)


def minutes(found: dict[Any, datetime.datetime | None]) -> dict[Any, float | None]:
    return {key: None if at is None else (at - NOW) / MINUTE for key, at in found.items()}


@pytest.mark.parametrize(
    ("cases", "readers", "expected"),
    [
        ([Open(case())], [reader("leila")], {"one": 10}),
        ([Open(case())], [], {"one": None}),
        ([Open(case(kind="MR"))], [reader("leila")], {"one": None}),
        # two before one reader, one after the other; before two readers at once
        ([Open(case("a", left=20)), Open(case("b", left=30))], [reader("leila")], {"a": 10, "b": 20}),
        ([Open(case("a", left=20)), Open(case("b", left=30))], [reader("l"), reader("m")], {"a": 10, "b": 10}),
        # who reads is free when that is done: what was begun four minutes ago takes six more
        ([held("h", since=4), Open(case("b"))], [reader("leila")], {"h": 6, "b": 16}),
        ([held("h", since=40), Open(case("b"))], [reader("leila")], {"h": 0, "b": 10}),
        # the one who may read both is not kept from what only they may read
        (
            [Open(case("ct", left=20)), Open(case("mr", left=30, kind="MR"))],
            [reader("both", CT, MR), reader("ct only")],
            {"ct": 10, "mr": 20},
        ),
        # what is open to the reader's centre counts, what went from it does not
        ([Open(case())], [reader("other", ("O", "CT"), opened=frozenset({"one"}))], {"one": 10}),
        ([Open(case())], [reader("leila", put_off=frozenset({"one"}))], {"one": None}),
        ([Open(case())], [reader("leila", hours_left=0)], {"one": None}),
    ],
)
def test_when_a_case_will_be_read(cases: list[Open], readers: list[Reader], expected: dict[str, float | None]) -> None:
    assert minutes(rules.foresee(cases, readers, Weights(give_way=0, scarce=0), NOW)) == expected


@pytest.mark.parametrize(
    ("one", "finish", "late"),
    [
        # nobody is known to be on duty: the time left decides, work and ten minutes
        (Open(case(left=21)), None, False),
        (Open(case(left=20)), None, True),
        (Open(case(left=60, points=50)), None, True),
        (Open(case(left=61, points=50)), None, False),
        (Open(case(left=-5)), None, True),
        # the line is too long: foreseen as soon as deadlines press, two hours before
        (Open(case(left=119)), 130, True),
        (Open(case(left=121)), 130, False),
        (Open(case(left=100)), 100, False),
        (Open(case(left=100)), 101, True),
        # who reads it has so much left of the work
        (held(left=30, since=0), 10, False),
        (held(left=18, since=2), 8, True),
        (held(left=18, since=3), 7, False),
        (held(left=12, since=30), 0, False),
        (held(left=11, since=30), 0, True),
    ],
)
def test_about_to_be_late(one: Open, finish: float | None, late: bool) -> None:
    at = None if finish is None else NOW + finish * MINUTE
    assert rules.will_be_late(one, at, now=NOW, ahead=10, horizon=120) is late


@pytest.mark.parametrize("points", [1, 5, 10, 25, 60])
@pytest.mark.parametrize("began", [None, 0, 3, 90])
def test_every_breach_is_foreseen_ten_minutes_ahead(points: int, began: int | None) -> None:
    """A case that nobody finishes, looked at every minute: the first look that says so comes ten minutes before."""
    due = NOW + 200 * MINUTE
    one = Case("one", "R", "CT", "P1", points, NOW, due)
    since = None if began is None else NOW - began * MINUTE
    for minute in range(200):
        now = NOW + minute * MINUTE
        if rules.will_be_late(Open(one, since and "leila", since), None, now=now, ahead=10, horizon=120):
            assert due - now >= 10 * MINUTE
            return
    pytest.fail("nobody foresaw it")


@pytest.mark.parametrize(
    ("done", "held", "step"),
    [
        ([], False, 1),
        ([], True, 1),
        ([Done(1, NOW - 2 * MINUTE)], False, None),
        ([Done(1, NOW - 3 * MINUTE)], False, 2),
        ([Done(1, NOW, nobody=True)], False, 2),
        ([Done(2, NOW - 3 * MINUTE), Done(1, NOW - 6 * MINUTE)], False, 3),
        ([Done(2, NOW - 9 * MINUTE)], True, None),
        ([Done(1, NOW - 9 * MINUTE)], True, 2),
        ([Done(3, NOW - 3 * MINUTE)], False, 4),
        ([Done(4, NOW - 99 * MINUTE)], False, None),
    ],
)
def test_steps_come_one_after_another(done: list[Done], held: bool, step: int | None) -> None:
    assert rules.next_step(done, now=NOW, between=3, held=held) == step


def lost(name: str, *, urgency: str = "P2", due: float = 60, points: float = 10, region: str = "west") -> Lost:
    return Lost(name, urgency, NOW + due * MINUTE, points, region)


def centre(name: str, *cases: str, region: str = "west", load: float = 0, readers: int = 1) -> Centre:
    return Centre(name, region, frozenset(cases), load, readers)


@pytest.mark.parametrize(
    ("cases", "centres", "expected"),
    [
        ([lost("a")], [], {}),
        ([lost("a")], [centre("x", "b")], {}),
        # its own region first, however much waits there; then any other
        ([lost("a")], [centre("far", "a", region="east"), centre("near", "a", load=500)], {"a": "near"}),
        ([lost("a")], [centre("far", "a", region="east")], {"a": "far"}),
        ([lost("a")], [centre("x", "a", load=20), centre("y", "a", load=10)], {"a": "y"}),
        # the urgent is placed first, where least waits
        (
            [lost("a"), lost("v", urgency="P0", points=30)],
            [centre("x", "a", "v"), centre("y", "a", "v", load=1)],
            {"v": "x", "a": "y"},
        ),
        # who has more readers takes more
        (
            [lost("a"), lost("b"), lost("c")],
            [centre("x", "a", "b", "c", readers=2), centre("y", "a", "b", "c")],
            {"a": "x", "b": "y", "c": "x"},
        ),
    ],
)
def test_where_cases_go(cases: list[Lost], centres: list[Centre], expected: dict[str, str]) -> None:
    assert rules.spread(cases, centres) == expected


def ago(minutes: float) -> datetime.datetime:
    return NOW - minutes * MINUTE


def waits(urgency: str, waited: float, *, target: float = 240) -> Waiting:
    return Waiting(urgency, ago(waited), ago(waited - target))


@pytest.mark.parametrize(
    ("seen", "since", "last"),
    [
        ({}, {}, None),  # nobody is on duty: silence says nothing
        ({"leila": 20}, {"leila": 60}, 20),
        ({}, {"leila": 60}, 60),  # never seen
        ({}, {"leila": 14}, 14),  # has just begun
        ({"leila": 90}, {"leila": 14}, 14),  # seen yesterday
        ({"leila": 20, "mounir": 1}, {"leila": 60, "mounir": 60}, 1),
        ({"leila": 20, "mounir": 1}, {"leila": 60}, 20),  # a colleague who is not on duty is another matter
    ],
)
def test_how_long_a_centre_is_silent(seen: dict[Any, float], since: dict[Any, float], last: float | None) -> None:
    found = rules.silent_since({key: ago(at) for key, at in seen.items()}, {key: ago(at) for key, at in since.items()})
    assert found == (None if last is None else ago(last))


@pytest.mark.parametrize(
    ("silent", "waiting", "dark"),
    [
        (None, [waits("P0", 60)], False),
        (60, [], False),  # nothing waits
        # urgent: a quarter of an hour
        (60, [waits("P1", 14)], False),
        (60, [waits("P1", 15)], True),
        (14, [waits("P0", 60)], False),
        (15, [waits("P0", 60)], True),
        # a lunch break with routine exams, and longer than one
        (44, [waits("P2", 60), waits("P3", 200, target=2880)], False),
        (45, [waits("P2", 44), waits("P3", 30, target=2880)], False),
        (45, [waits("P3", 45, target=2880)], True),
        (20, [waits("P2", 60), waits("P1", 15)], True),
        # no longer than the whole time in which it is due, and never after a mere moment
        (20, [waits("P2", 20, target=20)], True),
        (19, [waits("P2", 20, target=20)], False),
        (10, [waits("P1", 10, target=10)], True),
        (5, [waits("P0", 30, target=-20)], True),
        (4, [waits("P0", 30, target=-20)], False),
    ],
)
def test_when_a_centre_is_dark(silent: float | None, waiting: list[Waiting], dark: bool) -> None:
    last = None if silent is None else ago(silent)
    assert rules.is_dark(waiting, Limits(), now=NOW, silent=last, silent_at_work=last) is dark


def test_who_is_on_call_at_home_is_silent_but_for_what_is_urgent() -> None:
    about: dict[str, Any] = {"now": NOW, "silent": ago(300), "silent_at_work": None}
    assert not rules.is_dark([waits("P2", 300), waits("P3", 300)], Limits(), **about)
    assert rules.is_dark([waits("P2", 300), waits("P1", 16)], Limits(), **about)


@pytest.mark.parametrize(
    ("limits", "current", "refused"),
    [
        (Limits(), None, ""),
        (Limits(ahead=30, between=10, silence=5), DAY - datetime.timedelta(days=1), ""),
        (Limits(ahead=9, between=3), None, "BadEscalationRule"),
        (Limits(ahead=10, between=4), None, "BadEscalationRule"),
        (Limits(between=0), None, "BadEscalationRule"),
        (Limits(silence=0), None, "BadEscalationRule"),
        (Limits(silence=45), None, ""),
        (Limits(silence=46), None, "BadEscalationRule"),
        (Limits(), DAY, "EscalationRuleNotLater"),
    ],
)
def test_a_rule_leaves_time_for_every_step(limits: Limits, current: datetime.date | None, refused: str) -> None:
    try:
        rules.check_rule(limits, since=DAY, current=current)
    except Refused as refusal:
        assert refusal.code == refused
    else:
        assert not refused


@pytest.mark.parametrize(
    ("role", "place", "answers"),
    [("chief", "U", True), ("planner", "U", True), ("planner", None, True), ("chief", "O", False),
     ("radiologist", "U", False)],
)  # fmt: skip
def test_who_answers_for_a_centre(role: str, place: Any, answers: bool) -> None:  # noqa: ANN401
    assert rules.answers_for("U", Actor("person", None, "", held=(Held(role, place),))) is answers
    assert not rules.answers_for("U", SYSTEM)
