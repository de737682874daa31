"""The ministry's figures are those that a person computes from the same facts by hand."""

import datetime
import random
import statistics
import uuid

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from tests.cast import Cast, cast
from wasl.archive.events import StudyArrived, StudyCompleted
from wasl.kernel.access import STRANGER, SYSTEM
from wasl.kernel.errors import NotAllowed
from wasl.kernel.events import Event, emit
from wasl.radiology import queries
from wasl.radiology.events import (
    CriticalResultAcknowledged,
    ExamPerformed,
    OrderSent,
    PreliminaryIssued,
    ReadingClaimed,
    ReadingOpened,
    ReportRead,
    ReportSigned,
    StudyLinked,
)  # fmt: skip

pytestmark = pytest.mark.django_db
DAY = datetime.date(2026, 11, 10)
NOON = datetime.datetime(2026, 11, 10, 11, tzinfo=datetime.UTC)  # 12:00 in Tunis
WHOLE = queries.Question(since=DAY, until=DAY)


def tell(event: Event, at: datetime.datetime) -> None:
    with transaction.atomic():
        emit(event, by=SYSTEM, at=at)


def story(place: uuid.UUID, minutes: list[int], modality: str = "CT", start: datetime.datetime = NOON) -> uuid.UUID:
    """An order whose steps come so many minutes after it: performed, received, complete, claimed, signed, read."""
    order, study, reading, report, patient = (uuid.uuid4() for _ in range(5))
    at = [start + datetime.timedelta(minutes=m) for m in [0, *minutes]]
    of = {"order": order, "patient": patient, "place": place}
    tell(OrderSent(**of, procedure="X", modality=modality, urgency="P1"), at[0])
    later: list[list[Event]] = [
        [ExamPerformed(**of)],
        [StudyArrived(study=study, study_uid="1.2", accession="", place=place),
         StudyLinked(link=uuid.uuid4(), study=study, **of)],
        [StudyCompleted(study=study, how="quiet", instances=1, place=place, patient=patient),
         ReadingOpened(reading=reading, study=study, urgency="P1", due_at=start + datetime.timedelta(hours=1), **of)],
        [ReadingClaimed(reading=reading, reader=uuid.uuid4(), order=order, patient=patient, place=place)],
        [ReportSigned(report=report, reading=reading, reader=uuid.uuid4(), critical=False, pixels="whole", **of)],
        [ReportRead(receipt=uuid.uuid4(), report=report, **of)],
    ]  # fmt: skip
    for events, moment in zip(later, at[1:], strict=False):
        for event in events:
            tell(event, moment)
    return order


@pytest.fixture
def stage() -> Cast:
    return cast()


def test_percentiles_are_those_of_the_facts(stage: Cast) -> None:
    chance = random.Random(7)
    totals = []
    for _ in range(20):
        steps = sorted(chance.sample(range(1, 180), 6))
        story(stage.regional, steps)
        totals.append((steps[4] - steps[2]) * 60)
    (line,) = queries.turnaround(WHOLE, by="", viewer=stage.hatem)
    span = line.spans["complete_signed"]
    assert (line.ordered, line.signed, span.cases) == (20, 20, 20)
    assert span.p50 == pytest.approx(statistics.median(totals))
    assert span.p90 == pytest.approx(statistics.quantiles(totals, n=10, method="inclusive")[8])


def test_an_unfinished_case_counts_where_it_stands(stage: Cast) -> None:
    story(stage.regional, [10, 20])
    (line,) = queries.turnaround(WHOLE, by="", viewer=stage.hatem)
    assert (line.ordered, line.signed, line.due) == (1, 0, 0)
    assert line.spans["performed_received"].p50 == 600
    assert line.spans["complete_signed"] == queries.Span(0, None, None)


def test_in_time_is_signed_before_due(stage: Cast) -> None:
    story(stage.regional, [1, 2, 3, 4, 59, 60])
    story(stage.regional, [1, 2, 3, 4, 61, 62])
    (line,) = queries.turnaround(WHOLE, by="", viewer=stage.hatem)
    assert (line.due, line.in_time) == (2, 1)


@pytest.mark.parametrize(
    ("preliminary", "signed", "in_time", "finalised"), [(50, 100, 1, 1), (50, 200, 1, 0), (70, 100, 0, 1)]
)
def test_the_first_report_meets_the_response_time_and_the_final_one_its_own(
    stage: Cast, preliminary: int, signed: int, in_time: int, finalised: int
) -> None:
    order = story(stage.regional, [1, 2, 3, 4, signed, signed + 1])  # to be reported within an hour
    issued = PreliminaryIssued(
        report=uuid.uuid4(), reader=uuid.uuid4(), critical=False, due_at=NOON + datetime.timedelta(minutes=180),
        order=order, patient=uuid.uuid4(), place=stage.regional, reading=uuid.uuid4(),
    )  # fmt: skip
    tell(issued, NOON + datetime.timedelta(minutes=preliminary))
    (line,) = queries.turnaround(WHOLE, by="", viewer=stage.hatem)
    assert (line.signed, line.due, line.in_time, line.preliminary, line.finalised) == (1, 1, in_time, 1, finalised)
    assert line.spans["complete_reported"].p50 == (preliminary - 3) * 60
    assert line.spans["preliminary_signed"].p50 == (signed - preliminary) * 60
    (case,) = queries.cases(WHOLE, viewer=stage.hatem)
    assert case.steps["preliminary"] == NOON + datetime.timedelta(minutes=preliminary)


def test_groups(stage: Cast) -> None:
    story(stage.regional, [1, 2, 3, 4, 5, 6])
    story(stage.regional, [1, 2], modality="MR", start=NOON + datetime.timedelta(hours=3))
    story(stage.other, [1])
    by = {group: {line.key: line.ordered for line in queries.turnaround(WHOLE, by=group, viewer=stage.hatem)}
          for group in queries.GROUPS}  # fmt: skip
    assert by["place"] == {str(stage.regional): 2, str(stage.other): 1}
    assert list(by["region"].values()) == [3]
    assert by["modality"] == {"CT": 2, "MR": 1}
    assert by["urgency"] == {"P1": 3}
    assert by["hour"] == {"12": 2, "15": 1}


def test_cases_behind_a_figure(stage: Cast) -> None:
    first = story(stage.regional, [1, 2, 3, 4, 5, 6])
    story(stage.other, [1])
    question = queries.Question(since=DAY, until=DAY, places=frozenset({stage.regional}))
    (case,) = queries.cases(question, viewer=stage.hatem)
    assert case.order == first
    assert case.steps["signed"] == NOON + datetime.timedelta(minutes=5)


def test_an_acknowledged_critical_result_ends_the_story(stage: Cast) -> None:
    order = story(stage.regional, [1, 2, 3, 4, 5])
    tell(CriticalResultAcknowledged(obligation=uuid.uuid4(), report=uuid.uuid4(), order=order, patient=uuid.uuid4(),
                                    place=stage.regional), NOON + datetime.timedelta(minutes=9))  # fmt: skip
    (line,) = queries.turnaround(WHOLE, by="", viewer=stage.hatem)
    assert line.spans["signed_acknowledged"].p50 == 240


def test_days_are_local_days(stage: Cast) -> None:
    story(stage.regional, [1], start=datetime.datetime(2026, 11, 10, 23, 30, tzinfo=datetime.UTC))  # 00:30 on the 11th
    week = queries.Question(since=DAY, until=DAY + datetime.timedelta(days=2))
    assert [ordered for _, ordered, _ in queries.volumes(week, viewer=stage.hatem)] == [0, 1, 0]


def test_who_may_judge_the_service(stage: Cast) -> None:
    story(stage.university, [1])
    story(stage.regional, [1])
    assert queries.turnaround(WHOLE, by="", viewer=stage.karim)[0].ordered == 1  # his own hospital only
    for viewer in (STRANGER, stage.amel, stage.zied):
        with pytest.raises(NotAllowed):
            queries.turnaround(WHOLE, by="", viewer=viewer)
        with pytest.raises(NotAllowed):
            queries.cases(WHOLE, viewer=viewer)


def test_one_query_whatever_the_size(stage: Cast) -> None:
    for n in range(5):
        story(stage.regional, [1 + n, 2 + n])
    with CaptureQueriesContext(
        connection,
    ) as seen:
        queries.turnaround(WHOLE, by="modality", viewer=stage.hatem)
    assert len(seen) == 1
