"""The journal seals itself at commit, in chains, and lets nobody change it."""

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError, connection, transaction

from tests.kernel.test_events import ring
from wasl.kernel import journal
from wasl.kernel.models import Chain, Fact


def seal() -> None:
    """What a commit does."""
    with connection.cursor() as cursor:
        cursor.execute("set constraints all immediate")


@pytest.mark.django_db
def test_facts_are_sealed_and_the_journal_is_whole() -> None:
    for _ in range(3):
        ring(uuid4())
    assert [place.what for place in journal.verify()] == ["this fact was never sealed"] * 3
    seal()
    assert journal.verify() == []
    assert list(Fact.objects.order_by("position").values_list("position", flat=True)) == [1, 2, 3]
    assert sum(Chain.objects.values_list("length", flat=True)) == 3


@pytest.mark.django_db
@pytest.mark.parametrize("change", [
    "update kernel_fact set actor = 'person:x'", "update kernel_fact set data = '{}'", "delete from kernel_fact",
    "update kernel_fact set hash = null",
])  # fmt: skip
def test_the_database_refuses_every_change(change: str) -> None:
    ring(uuid4())
    seal()
    with pytest.raises(IntegrityError, match="only ever added to"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(change)
    assert journal.verify() == []


@pytest.mark.django_db(transaction=True)
def test_many_who_write_at_once_leave_a_whole_journal() -> None:
    def write(number: int) -> None:
        try:
            for _ in range(10):
                ring(uuid4(), times=number)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as sessions:
        for done in [sessions.submit(write, number) for number in range(8)]:
            done.result()
    assert journal.verify() == []
    assert Fact.objects.count() == 80
    assert sum(Chain.objects.values_list("length", flat=True)) == 80


@pytest.mark.django_db
def test_the_story_of_a_subject_or_a_patient() -> None:
    one, other = uuid4(), uuid4()
    first = ring(one)
    for subject in (other, one):
        ring(subject)
    assert [fact.subject for fact in journal.facts()] == [one, other, one]
    assert [fact.subject for fact in journal.facts(subject=one)] == [one, one]
    assert len(list(journal.facts(subject=one, since=first.seq))) == 1
    assert list(journal.facts(patient=UUID(int=7))) == []


@pytest.mark.django_db
def test_no_more_places_are_named_than_asked_for() -> None:
    for _ in range(5):
        ring(uuid4())
    assert len(journal.verify(limit=2)) == 2
