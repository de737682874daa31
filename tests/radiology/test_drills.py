"""Drills that were held are kept as they went, for who answers for readers, and say when they are due again."""

import datetime
from dataclasses import replace

import pytest
from django.db import IntegrityError, connection, transaction
from django.urls import reverse

from tests.browser import browser_of
from tests.cast import Cast, cast
from wasl.accounts.models import Person
from wasl.kernel.access import STRANGER
from wasl.kernel.errors import NotAllowed
from wasl.kernel.models import Fact
from wasl.radiology import queries, services
from wasl.radiology.models import Drill
from wasl.radiology.rules import drills as rules
from wasl.radiology.rules.drills import Score

LIST = reverse("radiology:escalations")
GOOD = Score(cases=9, noticed=15, offered=1, taken=21.5, ahead=12, late=1, lost=0, told=5, steps=3)
TODAY = datetime.date(2026, 11, 30)


@pytest.fixture
def stage() -> Cast:
    return cast()


def hold(stage: Cast, kind: str = "centre", **values: float | None) -> Drill:
    return services.keep_drill(kind, seed=1, score=replace(GOOD, **values), by=stage.karim)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("values", "met", "passed"),
    [
        ({}, [True, True, True], True),
        ({"offered": 2.0, "ahead": 10.0}, [True, True, True], True),
        ({"offered": 2.1}, [False, True, True], False),
        ({"noticed": None, "offered": None}, [False, True, True], False),  # nobody saw it
        ({"ahead": 9.9}, [True, False, True], False),
        ({"ahead": None}, [True, None, True], True),  # nothing came near its deadline
        ({"lost": 1}, [True, True, False], False),
        ({"cases": 0}, [True, True, True], False),  # it struck nothing, and shows nothing
    ],
)
def test_bars(values: dict[str, float | None], met: list[bool | None], passed: bool) -> None:
    score = replace(GOOD, **values)  # type: ignore[arg-type]
    assert [bar.met for bar in rules.bars(score)] == met
    assert rules.is_passed(score) is passed


@pytest.mark.parametrize(
    ("held", "months", "due"),
    [
        (datetime.date(2026, 11, 30), 0, False),
        (datetime.date(2026, 5, 31), 5, False),
        (datetime.date(2026, 5, 30), 6, True),
        (datetime.date(2024, 12, 1), 23, True),
    ],
)
def test_a_drill_is_due_again_after_half_a_year(held: datetime.date, months: int, due: bool) -> None:
    assert rules.months_since(held, TODAY) == months
    assert rules.is_due({"link": held}, "link", TODAY) is due
    assert rules.is_due({"link": held}, "reader", TODAY), "never held is due"


@pytest.mark.django_db
def test_a_drill_is_kept_told_and_never_changed(stage: Cast) -> None:
    drill = hold(stage)
    assert (drill.kind, drill.seed, drill.held_by_id, drill.taken) == ("centre", 1, stage.karim.id, 21.5)
    fact = Fact.objects.get(subject=drill.id)
    assert (fact.name, fact.data["passed"], fact.actor) == ("radiology.DrillHeld", True, str(stage.karim))
    for change in ("update radiology_drill set lost = 0", "delete from radiology_drill"):
        with pytest.raises(IntegrityError, match="never changes"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(change)
    for kind, values in (("city", {}), ("link", {"lost": -1}), ("link", {"noticed": -0.5}), ("link", {"told": 99999})):
        with pytest.raises(rules.BadDrill):
            hold(stage, kind, **values)
    for wrong in ({"kind": "city"}, {"noticed": None}, {"ahead": -1}):
        values = {"kind": "link", "seed": 1, "held_by_id": stage.karim.id, **vars(GOOD), **wrong}
        with pytest.raises(IntegrityError), transaction.atomic():
            Drill.objects.create(**values)
    for nobody in (stage.leila, stage.zied, stage.fatma, STRANGER):
        with pytest.raises(NotAllowed):
            services.keep_drill("centre", seed=1, score=GOOD, by=nobody)
    assert Drill.objects.count() == 1


@pytest.mark.django_db
def test_who_answers_for_readers_sees_the_last_of_each_kind(stage: Cast) -> None:
    hold(stage, lost=2)
    last = hold(stage)
    for viewer in (stage.karim, stage.hatem):
        found = queries.rehearsed(viewer=viewer)
        assert [(row.kind, row.last, row.passed, row.due) for row in found] == [
            ("centre", last, True, False), ("link", None, False, True), ("reader", None, False, True),
        ]  # fmt: skip
        assert queries.drill_bars(GOOD, viewer=viewer)[1]
    for viewer in (stage.leila, stage.zied, STRANGER):
        assert queries.rehearsed(viewer=viewer) == []
        assert queries.drill_bars(GOOD, viewer=viewer) == ([], False)


@pytest.mark.django_db
def test_an_old_drill_is_due(stage: Cast) -> None:
    old = Drill(kind="link", seed=3, held_by=Person.objects.get(username="karim"), **vars(GOOD))
    old.created_at -= datetime.timedelta(days=300)
    old.save()
    row = queries.rehearsed(viewer=stage.hatem)[1]
    assert (row.last, row.due) == (old, True)
    assert row.months in (9, 10)
    text = browser_of(stage.hatem, "en").get(LIST).content.decode()
    assert f"not rehearsed for {row.months} months" in text


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("language", "title"), [("ar", "تمارين الأعطال"), ("fr", "Exercices de panne"), ("en", "Drills")]
)
def test_the_page_says_how_it_went(stage: Cast, language: str, title: str) -> None:
    hold(stage, offered=None, lost=1, ahead=None)
    text = browser_of(stage.karim, language).get(LIST).content.decode()
    assert title in text and "Karim" in text or "كريم" in text
    assert title not in browser_of(stage.leila, language).get(LIST).content.decode()
    if language == "en":
        for said in ("not passed", "never rehearsed", "9 cases were struck", "Noticed after 15 min", "1 case was lost",
                     "Not all cases came before another reader", "No case came near its time"):  # fmt: skip
            assert said in text
