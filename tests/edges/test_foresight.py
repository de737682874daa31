"""A day of orders in simulated time: the earlier exams that matter are there before the new one is whole."""

import pytest

from tests import foresight
from wasl.archive.models import Bringing


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("store")
def test_the_most_relevant_exams_are_there_before_the_new_one_is_whole() -> None:
    given = foresight.live(20, seed=3)
    said = "\n".join(foresight.told(given))
    assert foresight.in_time(given) >= 0.9, said  # the bar of 95 % is for hundreds: make bench
    assert sum(case.kind == "emergency" and bool(case.exams) for case in given) > 3, said
    assert any(exam.at != case.line for case in given for exam in case.best if exam.came), said
    assert not Bringing.objects.filter(ended_at__isnull=True).exists()
