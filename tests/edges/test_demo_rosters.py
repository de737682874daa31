"""The rosters of the demo country, both months without a gap, and its established posts: made by its people, once."""

import pytest
from django.conf import settings
from django.utils import timezone

from wasl.edges.cli import reference
from wasl.edges.cli.demo import country, rosters
from wasl.kernel.access import SYSTEM
from wasl.kernel.models import Fact
from wasl.workforce import queries

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("code", ["TN", "DZ"])
def test_the_demo_is_on_duty(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    monkeypatch.setattr(settings, "COUNTRY", code)
    reference._load_regions(code)
    reference._load_holidays(code)
    reference._load_catalogue(code)
    there = country.build(code, "x" * 20)
    assert rosters.plan(there) > 100
    assert rosters.plan(there) == 0, "once"
    months = list(queries.rosters(viewer=SYSTEM))
    assert len(months) == 2
    for month in months:
        assert month.state == "published"
        assert queries.gaps_of(month, viewer=SYSTEM) == []
    for hospital in there.hospitals:
        assert queries.on_duty(timezone.now(), viewer=SYSTEM, place=hospital.place).count() == 1
    assert not Fact.objects.filter(name="workforce.RosterPublished", actor="system").exists(), "by people"
    (swap,) = queries.swaps_waiting(viewer=there.readers[0])
    assert swap.against is not None


@pytest.mark.parametrize("code", ["TN", "DZ"])
def test_some_posts_of_the_demo_are_written_down_and_say_that_they_are_invented(
    monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    monkeypatch.setattr(settings, "COUNTRY", code)
    reference._load_regions(code)
    reference._load_holidays(code)
    reference._load_catalogue(code)
    for _ in range(2):
        there = country.build(code, "x" * 20)
    found = queries.staffing(timezone.now(), specialty="radiology", viewer=SYSTEM)
    numbers = [found[key].posts.number if (key := one.place) in found else None for one in there.hospitals]
    assert numbers == list(country.ESTABLISHED)
    assert {one.posts.reference for one in found.values()} == {country.INVENTED}
    assert {str(one.posts.written_by.username) for one in found.values() if one.posts.written_by} == {"hatem"}
    assert [len(found[there.hospitals[where].place].workers) for where in (0, 1, 3, 4)] == [0, 2, 2, 1]
    assert Fact.objects.filter(name="workforce.PostsEstablished").count() == len(found) == 8, "once"
