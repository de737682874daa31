"""Readers are told of their shifts: a month published, a swap offered and answered, a replacement."""

import pytest

from tests.cast import Cast, cast
from tests.hear import hear
from tests.workforce import plan
from tests.workforce.plan import Reader
from wasl.accounts.models import Message
from wasl.kernel.access import Actor
from wasl.kernel.errors import NotFound
from wasl.workforce import queries, services
from wasl.workforce.models import Swap

pytestmark = pytest.mark.django_db


@pytest.fixture
def stage() -> Cast:
    return cast()


@pytest.fixture
def leila(stage: Cast) -> Reader:
    return plan.leila(stage)


@pytest.fixture
def yassine(stage: Cast, leila: Reader) -> Reader:
    other = plan.reader(stage, 1)
    plan.published(stage, leila, other)
    return other


def told(whom: Actor) -> list[str]:
    hear()
    rows = Message.objects.filter(person=whom.id).order_by("created_at")
    return [row.kind.removeprefix("workforce.") for row in rows]


def offered(leila: Reader, to: Reader) -> Swap:
    return services.propose_swap(plan.shift_of(leila, 3).id, colleague=to.worker, by=leila.actor)


def test_a_published_month_is_told_to_who_is_on_duty(stage: Cast, leila: Reader, yassine: Reader) -> None:
    assert told(leila.actor) == told(yassine.actor) == ["roster"]
    assert told(stage.karim) == told(stage.zied) == []


@pytest.mark.parametrize("answer", ["accepted", "declined"])
def test_a_swap_is_told_to_the_other(leila: Reader, yassine: Reader, answer: str) -> None:
    swap = offered(leila, yassine)
    assert told(yassine.actor) == ["roster", "swap"]
    act = services.accept_swap if answer == "accepted" else services.decline_swap
    act(swap.id, by=yassine.actor)
    assert told(leila.actor) == ["roster", f"swap_{answer}"]
    assert told(yassine.actor) == ["roster", "swap"]  # who knows is not told


def test_a_replacement_is_told_to_both(stage: Cast, leila: Reader, yassine: Reader) -> None:
    services.replace_worker(plan.shift_of(leila, 3).id, worker=yassine.worker, by=stage.karim)
    assert told(leila.actor) == told(yassine.actor) == ["roster", "shift"]


def test_a_swap_is_between_two(stage: Cast, leila: Reader, yassine: Reader) -> None:
    swap = offered(leila, yassine)
    assert queries.swap(swap.id, viewer=yassine.actor) == swap
    with pytest.raises(NotFound):
        queries.swap(swap.id, viewer=stage.zied)
