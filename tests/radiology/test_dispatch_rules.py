"""Who reads what next, as cases of a table: no database."""

import datetime
from dataclasses import replace
from typing import Any

import pytest

from wasl.kernel.errors import Refused
from wasl.radiology.models import Skip
from wasl.radiology.rules import dispatch as rules
from wasl.radiology.rules.dispatch import Case, Reader, Weights

NOW = datetime.datetime(2026, 11, 30, 23, 30, tzinfo=datetime.UTC)
PLAIN = Weights(scarce=0, focus=0, language=0, balance=0, give_way=0)
GIVE = replace(PLAIN, give_way=30)
PROTECT = replace(PLAIN, protect_after=8, protect=5)
HEAD, FRENCH = frozenset({"head"}), frozenset({"fr"})
CT, MR = ("R", "CT"), ("R", "MR")


def case(name: str, *, waited: float = 0, left: float = 60, **values: Any) -> Case:  # noqa: ANN401
    """A CT of the regional hospital that waits for some minutes, and is due in some."""
    about: dict[str, Any] = {"place": "R", "modality": "CT", "urgency": "P2", "points": 10, **values}
    minutes = [datetime.timedelta(minutes=number) for number in (waited, left)]
    return Case(id=name, opened_at=NOW - minutes[0], due_at=NOW + minutes[1], **about)


def reader(
    name: str = "leila", *, asking: bool = True, serves: frozenset[Any] = frozenset({CT}), **values: Any  # noqa: ANN401
) -> Reader:  # fmt: skip
    return Reader(id=name, serves=serves, asking=asking, **values)


ME = reader()
BUSY = reader("mounir", asking=False, serves=frozenset({CT, MR}))


def order(cases: list[Case], *readers: Reader, rule: Weights = PLAIN) -> list[tuple[object, object]]:
    line = rules.propose(cases, readers, rule, NOW)
    assert [found.rank for found in line] == list(range(1, len(line) + 1))
    return [(found.case.id, found.reader.id) for found in line]


@pytest.mark.parametrize(
    ("rule", "first", "second", "me"),
    [
        (PLAIN, case("soon", left=10), case("later", left=90), ME),
        # before the horizon nobody is pressed: who came first goes first, whatever the class
        (PLAIN, case("routine", left=2000, waited=50), case("urgent", left=200, waited=10, urgency="P1"), ME),
        (replace(PLAIN, horizon=300), case("urgent", left=200, waited=10), case("routine", left=2000, waited=50), ME),
        # what is past its time presses ever more
        (PLAIN, case("late", left=-500), case("soon", left=1), ME),
        (GIVE, case("short", left=2000, points=3), case("long", left=2000, points=20), ME),
        # a long case no longer gives way when its time is running out
        (GIVE, case("long", left=5, points=20), case("short", left=2000, points=3), ME),
        # and never for ever
        (GIVE, case("long", left=2000, points=20, waited=700), case("short", left=2000, points=3), ME),
        (replace(PLAIN, focus=20), case("head", region="head"), case("knee", left=50), reader(focus=HEAD)),
        (replace(PLAIN, language=20), case("fr", language="fr"), case("en", left=50), reader(languages=FRENCH)),
        # long on duty: the long case goes to others, when the rule says so
        (PROTECT, case("short", points=3), case("long", points=20, left=50), reader(hours=9)),
        (PROTECT, case("long", points=20, left=50), case("short", points=3), reader(hours=7)),
        (PLAIN, case("older", waited=9, left=51), case("younger", waited=8, left=50), ME),
    ],
)  # fmt: skip
def test_which_comes_first(rule: Weights, first: Case, second: Case, me: Reader) -> None:
    for cases in ([first, second], [second, first]):
        assert order(cases, me, BUSY, rule=rule) == [(first.id, me.id), (second.id, me.id)]


@pytest.mark.parametrize(
    ("waiting", "me", "proposed"),
    [
        (case("mine"), ME, True),
        (case("other kind", modality="MR"), ME, False),
        (case("other hospital", place="O"), ME, False),
        (case("skipped"), reader(put_off=frozenset({"skipped"})), False),
        (case("other skipped"), reader(put_off=frozenset({"skipped"})), True),
        (case("in session"), reader(hours=23, hours_left=1), True),
        (case("over session"), reader(hours=24, hours_left=0), False),
        (case("nobody asks"), reader(asking=False), False),
    ],
)
def test_what_is_never_proposed(waiting: Case, me: Reader, proposed: bool) -> None:
    assert bool(order([waiting], me, rule=Weights())) is proposed


def test_what_only_one_reads_is_kept_for_them() -> None:
    both = reader("both", serves=frozenset({CT, MR}))
    cases = [case("ct", waited=5), case("mr", modality="MR")]
    assert order(cases, both, ME)[0] == ("ct", "both")
    assert order(cases, both, ME, rule=replace(PLAIN, scarce=100))[0] == ("mr", "both")


def test_the_lighter_hour_gets_the_case() -> None:
    light, heavy = reader("light", hour_points=10), reader("heavy", hour_points=50)
    rule = replace(PLAIN, balance=60)
    assert order([case("ct")], heavy, light, rule=rule) == [("ct", "light"), ("ct", "heavy")]
    # and who had the heavier hour the shorter case
    cases = [case("long", points=20, waited=10), case("short", points=3)]
    assert order(cases, heavy, replace(light, asking=False), rule=rule)[0] == ("short", "heavy")
    assert order(cases, light, replace(heavy, asking=False), rule=rule)[0] == ("long", "light")


def why(cases: list[Case], *readers: Reader, rule: Weights = PLAIN) -> list[str]:
    line = rules.propose(cases, readers, rule, NOW)
    assert not any(found.reasons for found in line[1:])
    return [reason.name for reason in line[0].reasons]


def test_the_reasons_are_what_decided() -> None:
    assert why([case("alone")], ME) == ["only"]
    assert why([case("soon", left=5), case("old", waited=30)], ME, BUSY) == ["deadline"]
    assert why([case("soon"), case("old", waited=30)], ME, BUSY) == ["deadline", "waited"]
    rare = [case("mr", modality="MR"), case("ct", left=40)]
    both = reader("both", serves=frozenset({CT, MR}))
    assert why(rare, both, reader("b", asking=False), rule=replace(PLAIN, scarce=100)) == ["waited", "scarce"]
    short = [case("long", left=1999, points=30, waited=1), case("short", left=2000, points=3)]
    assert why(short, ME, BUSY, rule=GIVE) == ["short"]
    mine = reader(focus=frozenset({"head"}), languages=frozenset({"fr"}))
    cases = [case("head", region="head", language="fr"), case("knee", left=50, waited=1)]
    assert why(cases, mine, BUSY, rule=Weights()) == ["focus", "language"]
    loaded = replace(BUSY, hour_points=40)
    assert why([case("a", left=5), case("b", waited=1)], ME, loaded) == ["deadline", "light"]
    spread = [case("a", left=50, waited=5), case("b", left=49), case("c", left=55, waited=6)]
    assert why(spread, ME, BUSY) == ["balance"]
    numbers = rules.propose([case("soon", left=5), case("old", waited=30)], [ME, BUSY], PLAIN, NOW)[0].reasons
    assert [reason.number for reason in numbers] == [2]


@pytest.mark.parametrize(
    "given", [{"horizons": 3}, {"horizon": "3"}, {"horizon": -1}, {"horizon": True}, {"waiting": 10_001}]
)
def test_weights_that_are_none(given: dict[str, object]) -> None:
    with pytest.raises(rules.UnknownWeight):
        rules.weights(given)


def test_weights_not_named_are_as_built_in() -> None:
    assert rules.weights({}) == Weights()
    assert rules.weights({"horizon": 90, "waiting": 0.5}) == Weights(horizon=90, waiting=0.5)


def test_the_reasons_to_skip_are_those_of_the_table() -> None:
    assert tuple(Skip.Reason.values) == rules.SKIP_REASONS


@pytest.mark.parametrize(
    ("reason", "note", "fits"),
    [("images", "", True), ("other", "reprise du poste", True), ("other", " – ", False), ("", "x" * 9, False)],
)
def test_a_skip_says_why(reason: str, note: str, fits: bool) -> None:
    try:
        rules.check_skip(reason, note)
    except Refused:
        assert not fits
    else:
        assert fits


@pytest.mark.parametrize(
    ("points", "since", "current", "fits"),
    [(5, "2026-12-01", None, True), (5, "2026-12-01", "2026-11-30", True), (5, "2026-12-01", "2026-12-01", False),
     (0, "2026-12-01", None, False), (601, "2026-12-01", None, False)],
)  # fmt: skip
def test_an_effort(points: int, since: str, current: str | None, fits: bool) -> None:
    day = datetime.date.fromisoformat
    try:
        rules.check_effort(points, since=day(since), current=day(current) if current else None)
    except rules.BadEffort:
        assert not fits
    else:
        assert fits
