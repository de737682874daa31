"""What many parts of a page ask is asked once, and again after something was written."""

import pytest

from tests import make
from tests.browser import browser_of
from tests.cast import cast
from wasl.kernel.access import SYSTEM, acting, once, remembering
from wasl.workforce import queries, services


class Question:
    """Counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self) -> int:
        self.asked += 1
        return self.asked


def test_outside_a_page_nothing_is_remembered() -> None:
    ask = Question()
    assert [once("it", ask), once("it", ask)] == [1, 2]


def test_in_a_page_each_question_is_asked_once() -> None:
    ask, other = Question(), Question()
    with remembering():
        assert [once("it", ask), once("it", ask), once("other", other)] == [1, 1, 1]
    assert once("it", ask) == 2


def test_no_answer_is_an_answer() -> None:
    asked = []
    with remembering():
        for _ in range(2):
            assert once("nobody", lambda: asked.append(1)) is None
    assert asked == [1]


def test_while_a_verb_is_done_nothing_is_remembered_and_after_it_all_is_asked_again() -> None:
    ask = Question()
    with remembering():
        assert once("it", ask) == 1
        with acting():
            assert [once("it", ask), once("it", ask)] == [2, 3]
        assert [once("it", ask), once("it", ask)] == [4, 4]


def test_a_verb_that_is_refused_forgets_too() -> None:
    ask = Question()
    with remembering():
        once("it", ask)
        with pytest.raises(LookupError), acting():
            raise LookupError
        assert once("it", ask) == 2


@pytest.mark.django_db
def test_what_a_reader_may_see_follows_from_one_request_to_the_next() -> None:
    stage = cast()
    case, leila = make.reading(stage), browser_of(stage.leila)
    where = f"/radiology/readings/{case.id}/"
    assert leila.get(where).status_code == 200
    assert stage.leila.id
    for cover in queries.covers(stage.leila.id, viewer=stage.leila):
        services.end_cover(cover.id, by=SYSTEM)
    assert leila.get(where).status_code == 404
