"""Places are no secret; regions and kinds are those of a date."""

import datetime
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.translation import override

from tests.cast import Cast, cast
from wasl.kernel.access import STRANGER, SYSTEM
from wasl.kernel.errors import NotFound
from wasl.places import queries, services
from wasl.places.rules import StandingNotLater, check_standing

pytestmark = pytest.mark.django_db


@pytest.fixture
def stage() -> Cast:
    return cast()


def test_everybody_may_know_where_hospitals_are(stage: Cast) -> None:
    for viewer in (STRANGER, stage.zied, stage.hatem):
        assert queries.places(viewer=viewer).count() == 3
        assert queries.place(stage.regional, viewer=viewer).code == "oued-zen"
        assert queries.place_by_code("el-amal", viewer=viewer).id == stage.university
        assert queries.kinds(viewer=viewer)[stage.university] == "tn_chu"
    assert [p.id for p in queries.places(viewer=STRANGER, ids=[stage.other])] == [stage.other]
    assert list(queries.places(viewer=STRANGER, ids=[])) == []


def test_what_does_not_exist(stage: Cast) -> None:
    with pytest.raises(NotFound):
        queries.place(uuid4(), viewer=stage.amel)
    with pytest.raises(NotFound):
        queries.place_by_code("nowhere", viewer=stage.amel)


def test_regions_are_those_of_a_date(stage: Cast) -> None:
    services.add_region(
        country="DZ", code="59", kind="wilaya", name_ar="آفلو", name_fr="Aflou", name_en="Aflou", latitude=34.1,
        longitude=2.1, source="tests", valid_from=datetime.date(2027, 1, 1), by=SYSTEM,
    )  # fmt: skip
    on = {day: [r.code for r in queries.regions(viewer=STRANGER, on=day)]
          for day in (datetime.date(2026, 12, 31), datetime.date(2027, 1, 1))}  # fmt: skip
    assert list(on.values()) == [["TN-32"], ["59", "TN-32"]]


@pytest.mark.parametrize(
    ("language", "name"),
    [("ar", "المستشفى الجهوي وادي الزان"), ("fr", "Hôpital régional Oued Zen"), ("en", "Oued Zen"), ("de", None)],
)
def test_a_name_is_in_the_language_in_force(stage: Cast, language: str, name: str | None) -> None:
    with override(language):
        assert str(queries.place(stage.regional, viewer=STRANGER)) == (name or "Hôpital régional Oued Zen")


def test_for_the_record(stage: Cast) -> None:
    assert set(queries.every_place()) == {stage.regional, stage.university, stage.other}
    with CaptureQueriesContext(connection) as seen:
        row = queries.place_for_record(stage.regional)
        assert (row.region.name_fr, len(row.standings.all())) == ("Jendouba", 1)
    assert len(seen) == 2


@pytest.mark.parametrize(("since", "current", "good"), [(2, 1, True), (1, 1, False), (1, 2, False), (1, None, True)])
def test_a_change_of_kind_comes_later(since: int, current: int | None, good: bool) -> None:
    days = (datetime.date(2026, 1, since), datetime.date(2026, 1, current) if current else None)
    if good:
        check_standing(since=days[0], current=days[1])
    else:
        with pytest.raises(StandingNotLater):
            check_standing(since=days[0], current=days[1])
