"""A real month for the simulator: its cases from the journal, its readers from the rosters, and nobody else may ask."""

import datetime

import pytest
from django.utils import timezone

from tests import make
from tests.cast import Cast, cast
from tests.workforce import plan
from wasl.edges.cli.simulate.replay import Month, by_rule, first_come, live
from wasl.edges.cli.simulate.synthetic import staff_of
from wasl.kernel.access import STRANGER, SYSTEM
from wasl.radiology import queries, services
from wasl.radiology.queries.dispatch import Weights
from wasl.workforce import queries as workforce

pytestmark = pytest.mark.django_db
DAY = datetime.timedelta(days=1)


@pytest.fixture
def stage() -> Cast:
    return cast()


def test_the_cases_of_a_month(stage: Cast) -> None:
    services.set_effort("CT", points=12, since=timezone.localdate(), by=SYSTEM)
    waiting, read = make.reading(stage, urgency="P3"), make.reading(stage, urgency="P1")
    make.signed_report(stage, case=read.id)
    now = timezone.now()
    found = queries.arrivals(now - DAY, now + DAY, viewer=SYSTEM)
    assert [case.id for case, _ in found] == [waiting.id, read.id]
    (first, minutes), (second, took) = found
    assert (first.urgency, first.modality, first.place, first.points) == ("P3", "CT", stage.regional, 12)
    assert (first.due_at, minutes) == (waiting.due_at, 12)
    assert 0 < took < 12, "what was read took as long as it took"
    assert second.opened_at < now
    assert queries.arrivals(now + DAY, now + 2 * DAY, viewer=SYSTEM) == []
    for stranger in (stage.leila, stage.hatem, stage.zied, STRANGER):
        assert queries.arrivals(now - DAY, now + DAY, viewer=stranger) == []


def test_the_readers_of_a_month(stage: Cast) -> None:
    assert stage.leila.id
    now = timezone.now()
    people, kinds = [stage.leila.id], frozenset({"CT", "MR"})
    staff = queries.readers_between(people, now - DAY, now, kinds=kinds, viewer=SYSTEM)
    assert staff[stage.leila.id].serves == {(stage.regional, "CT"), (stage.regional, "MR")}
    for stranger in (stage.leila, stage.zied, STRANGER):
        assert queries.readers_between(people, now - DAY, now, kinds=kinds, viewer=stranger) == {}


def test_who_was_on_duty(stage: Cast) -> None:
    leila, other = plan.leila(stage), plan.reader(stage, 1)
    roster = plan.published(stage, leila, other)
    first = plan.first_hour(roster.month)
    at = first + datetime.timedelta(days=3, hours=12)
    duties = workforce.duties_between(at, at + DAY, viewer=SYSTEM)
    assert {person for person, _, _ in duties} == {leila.actor.id, other.actor.id}
    assert min(start for _, start, _ in duties) == at
    assert max(end for _, _, end in duties) == at + DAY
    assert sum((end - start for _, start, end in duties), datetime.timedelta()) == DAY
    ((person, since),) = workforce.on_duty_since(at, viewer=stage.leila).items()
    assert timezone.localtime(since).hour == 8
    assert person in (leila.actor.id, other.actor.id)
    # the short shift of the first night and the day that follows it are one duty
    ((person, since),) = workforce.on_duty_since(first + datetime.timedelta(hours=7), viewer=stage.leila).items()
    assert (person, since) == (other.actor.id, first)
    covers = workforce.covers_of([leila.actor.id, other.actor.id], viewer=stage.leila)  # type: ignore[list-item]
    assert [(person, [cover.place_id for cover in rows]) for person, rows in covers.items()] == [
        (leila.actor.id, [stage.regional])]  # fmt: skip
    for stranger in (stage.zied, STRANGER):
        assert workforce.duties_between(at, at + DAY, viewer=stranger) == []
    assert workforce.on_duty_since(at, viewer=STRANGER) == {}
    assert workforce.covers_of([leila.actor.id], viewer=STRANGER) == {}  # type: ignore[list-item]


def test_a_real_month_is_lived_through_with_made_up_readers(stage: Cast) -> None:
    for urgency in ("P3", "P0"):
        make.reading(stage, urgency=urgency)
    now = timezone.now()
    cases = queries.arrivals(now - DAY, now + DAY, viewer=SYSTEM)
    days = [timezone.localdate(now) + number * DAY for number in range(-1, 3)]
    staff = staff_of(1, 6, [stage.regional], ["CT"], days)
    for choose in (first_come, by_rule(Weights())):
        lived = live(Month(cases, staff.readers, staff.duties), choose)
        assert (len(lived.turnaround), lived.unread) == (2, 0)
