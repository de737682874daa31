"""What vetting refuses, in tables of cases without a database."""

import datetime

import pytest

from wasl.kernel.access import STRANGER, SYSTEM, Actor, Held
from wasl.kernel.errors import Refused
from wasl.radiology.models import Verdict
from wasl.radiology.queries import Share, VettingRate
from wasl.radiology.rules import ordering
from wasl.radiology.rules import vetting as rules

DAY = datetime.date(2026, 11, 1)
REASONS = Verdict.Reason.values


def refused(act: object) -> type[Refused] | None:
    """What the check refuses with, or None."""
    try:
        act()  # type: ignore[operator]
    except Refused as refusal:
        return type(refusal)
    return None


@pytest.mark.parametrize(
    ("state", "refusal"),
    [
        ("vetting", None), ("sent", rules.AlreadyVetted), ("refused", rules.AlreadyVetted),
        ("performed", rules.AlreadyVetted), ("cancelled", ordering.OrderIsCancelled),
    ],
)  # fmt: skip
def test_only_what_waits_is_vetted(state: str, refusal: type[Refused] | None) -> None:
    assert refused(lambda: rules.check_waiting(state)) is refusal


@pytest.mark.parametrize(
    ("instructions", "chosen", "contrast", "with_contrast", "refusal"),
    [
        ("Coupes fines", False, False, False, None), ("", True, False, True, None), ("", True, True, True, None),
        ("", False, False, False, rules.NoProtocol), ("   a ", False, True, True, rules.NoProtocol),
        ("Coupes fines", False, None, True, rules.NoProtocol),
        ("Coupes fines", False, True, False, rules.NotWithContrast),
    ],
)  # fmt: skip
def test_what_a_protocol_is(
    instructions: str, chosen: bool, contrast: bool | None, with_contrast: bool, refusal: type[Refused] | None
) -> None:
    def act() -> None:
        rules.check_protocol(instructions, chosen=chosen, contrast=contrast, with_contrast=with_contrast)

    assert refused(act) is refusal


@pytest.mark.parametrize(
    ("reason", "note", "alternative", "right"),
    [
        ("lately", "Scanner du 3 novembre", "Relire celui-ci", True), ("ugly", "Scanner du 3", "Relire", False),
        ("", "Scanner du 3", "Relire", False), ("lately", "non", "Relire celui-ci", False),
        ("lately", "Scanner du 3", "  ", False),
    ],
)  # fmt: skip
def test_a_refusal_has_a_reason_and_an_alternative(reason: str, note: str, alternative: str, right: bool) -> None:
    found = refused(lambda: rules.check_refusal(reason, REASONS, note=note, alternative=alternative))
    assert found is (None if right else rules.NoRefusalReason)


@pytest.mark.parametrize(
    ("state", "urgency", "because", "refusal"),
    [
        ("vetting", "P0", "arrêt imminent", None), ("vetting", "P1", "arrêt imminent", rules.NotVital),
        ("vetting", "P0", "vite", rules.NoVettingReason), ("sent", "P0", "arrêt imminent", rules.AlreadyVetted),
    ],
)  # fmt: skip
def test_only_the_vital_goes_on_without(state: str, urgency: str, because: str, refusal: type[Refused] | None) -> None:
    assert refused(lambda: rules.check_bypass(state, urgency, because)) is refusal


@pytest.mark.parametrize(
    ("without", "done", "right", "note", "refusal"),
    [
        (True, False, True, "", None), (True, False, False, "Pas vital", None),
        (True, False, False, "", rules.NoVettingReason), (True, True, True, "", rules.AlreadyVetted),
        (False, False, True, "", rules.NotOwedAfterwards),
    ],
)  # fmt: skip
def test_what_is_judged_afterwards(
    without: bool, done: bool, right: bool, note: str, refusal: type[Refused] | None
) -> None:
    assert refused(lambda: rules.check_afterwards(without=without, done=done, right=right, note=note)) is refusal


@pytest.mark.parametrize(
    ("minutes", "since", "current", "right"),
    [(30, DAY, None, True), (0, DAY, None, False), (30, DAY, DAY, False), (43_201, DAY, None, False)],
)
def test_what_a_target_is(minutes: int, since: datetime.date, current: datetime.date | None, right: bool) -> None:
    found = refused(lambda: rules.check_target(minutes, since=since, current=current))
    assert found is (None if right else rules.BadVettingTarget)


def test_what_the_country_sets() -> None:
    here = Actor(kind="person", id=None, name="", held=(Held("planner", DAY),))  # type: ignore[arg-type]
    planner = Actor(kind="person", id=None, name="", held=(Held("planner", None),))
    assert [refused(lambda by=by: rules.check_country(by)) for by in (SYSTEM, planner, here, STRANGER)] == [
        None, None, rules.NotForAll, rules.NotForAll
    ]  # fmt: skip


def test_shares_have_their_own_denominators_and_few_are_not_told() -> None:
    kinds = {"accepted": 6, "changed": 1, "refused": 3, "bypassed": 2, "unasked": 1}
    rate = VettingRate("", kinds, timed=4, in_time=3, right=2)
    assert (rate.share("accepted"), rate.share("refused")) == (Share(6, 10), Share(3, 10))
    assert (rate.share("without"), rate.share("right"), rate.share("in_time")) == (
        Share(3, 13),
        Share(2, 3),
        Share(3, 4),
    )
    assert (Share(3, 10).told, Share(3, 10).percent) == (True, 30)
    assert not Share(3, 4).told
