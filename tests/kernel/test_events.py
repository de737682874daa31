"""Facts: told inside verbs only, each once to each listener, in the order of a subject."""

import datetime
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID, uuid4

import pytest
from django.db import transaction
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob
from procrastinate.jobs import Job

from wasl.kernel import events
from wasl.kernel.access import SYSTEM
from wasl.kernel.events import PATIENCE, Event, Told, after, during, emit, tell
from wasl.kernel.models import Fact, Notice


@dataclass(frozen=True, kw_only=True)
class BellRung(Event):
    """A bell rang."""

    bell: UUID
    place: UUID | None = None
    at: datetime.datetime | None = None
    day: datetime.date | None = None
    tones: tuple[str, ...] = ()
    times: int = 1


heard: list[tuple[UUID, int]] = []


@pytest.fixture
def listener(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Somebody who hears bells, for one test."""
    monkeypatch.setattr(events, "_after", dict(events._after))
    monkeypatch.setattr(events, "_listeners", dict(events._listeners))
    heard.clear()

    @after(BellRung)
    def hear(event: BellRung, told: Told) -> None:
        heard.append((event.bell, told.seq))
        Fact.objects.filter(seq=told.seq).exists()
        if event.times < 0:
            raise ValueError("this listener fails")

    yield f"{hear.__module__}.{hear.__name__}"


def ring(bell: UUID, **values: object) -> Told:
    with transaction.atomic():
        return emit(BellRung(bell=bell, **values), by=SYSTEM)  # type: ignore[arg-type]


@pytest.mark.django_db(transaction=True)
def test_a_fact_told_outside_a_transaction_is_refused() -> None:
    with pytest.raises(RuntimeError, match="told outside a verb"):
        emit(BellRung(bell=uuid4()), by=SYSTEM)
    assert not Fact.objects.exists()


@pytest.mark.django_db
def test_a_fact_is_kept_with_its_circumstances() -> None:
    bell, place = uuid4(), uuid4()
    told = ring(bell, place=place, tones=("do", "mi"))
    fact = Fact.objects.get()
    assert (fact.name, fact.subject, fact.place, fact.actor) == ("kernel.BellRung", bell, place, "system")
    assert told == Told(fact.seq, fact.at, "system", place)


@pytest.mark.django_db
def test_a_fact_may_be_earlier_and_never_later_than_now() -> None:
    early = timezone.now() - datetime.timedelta(hours=3)
    with transaction.atomic():
        assert emit(BellRung(bell=uuid4()), by=SYSTEM, at=early).at == early
        late = emit(BellRung(bell=uuid4()), by=SYSTEM, at=timezone.now() + datetime.timedelta(hours=3))
    assert late.at <= timezone.now()


def test_a_fact_is_the_same_after_it_was_written_down() -> None:
    moment = datetime.datetime(2026, 11, 27, 8, 30, tzinfo=datetime.UTC)
    rung = BellRung(bell=uuid4(), place=None, at=moment, day=moment.date(), tones=("do", "mi"), times=3)
    assert BellRung.of(rung.data()) == rung
    assert BellRung.of({"bell": str(rung.bell), "gone": 1}) == BellRung(bell=rung.bell)


@pytest.mark.django_db
def test_a_listener_is_owed_a_fact_with_it(listener: str) -> None:
    bell = uuid4()
    told = ring(bell)
    notice = Notice.objects.get()
    assert (notice.fact_id, notice.listener, notice.told_at) == (told.seq, listener, None)
    job = ProcrastinateJob.objects.get(task_name="tell", lock=str(bell))
    assert job.args == {"notice": str(notice.id)}
    assert heard == []


@pytest.mark.django_db
def test_a_fact_that_is_rolled_back_is_owed_to_nobody(listener: str) -> None:
    bell = uuid4()
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        emit(BellRung(bell=bell), by=SYSTEM)
        raise ZeroDivisionError
    assert not Fact.objects.exists()
    assert not Notice.objects.exists()
    assert not ProcrastinateJob.objects.filter(lock=str(bell)).exists()


@pytest.mark.django_db
def test_a_listener_told_twice_hears_once(listener: str) -> None:
    bell = uuid4()
    told = ring(bell)
    notice = str(Notice.objects.get().id)
    tell(notice=notice)
    tell(notice=notice)
    assert heard == [(bell, told.seq)]
    assert Notice.objects.get().told_at is not None


@pytest.mark.django_db
def test_a_listener_that_fails_is_still_owed_the_fact(listener: str) -> None:
    ring(uuid4(), times=-1)
    notice = Notice.objects.get()
    for _ in range(2):
        with pytest.raises(ValueError, match="fails"):
            tell(notice=str(notice.id))
    assert len(heard) == 2
    notice.refresh_from_db()
    assert notice.told_at is None


@pytest.mark.django_db
def test_facts_of_one_subject_are_told_in_their_order(listener: str) -> None:
    bell, other = uuid4(), uuid4()
    for subject in (bell, other, bell):
        ring(subject)
    jobs = ProcrastinateJob.objects.filter(lock__in=(str(bell), str(other)))
    locks = list(jobs.order_by("id").values_list("lock", flat=True))
    assert locks == [str(bell), str(other), str(bell)], "jobs of one lock are done one after the other"


def test_only_the_record_hears_facts_inside_their_transaction() -> None:
    def hear(event: Event, told: Told) -> None: ...

    with pytest.raises(TypeError, match="only the record"):
        during(hear)


def test_what_fails_is_not_put_off_for_long_however_often_it_failed() -> None:
    """A fact whose worker and database died a few times is told soon after, and tried for a week."""
    waits, now = [], timezone.now()
    for attempts in range(events.ATTEMPTS + 1):
        job = Job(id=1, lock=None, queueing_lock=None, task_name="tell", queue="facts", attempts=attempts)
        decision = PATIENCE.get_retry_decision(exception=ValueError(), job=job)
        if decision is None:
            break
        assert decision.retry_at is not None
        waits.append(round((decision.retry_at - now).total_seconds()))
    assert waits[:4] == [2, 4, 8, 16]
    assert max(waits) == 300
    assert datetime.timedelta(days=6) < datetime.timedelta(seconds=sum(waits)) < datetime.timedelta(days=8)
