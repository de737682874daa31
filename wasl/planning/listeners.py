"""What follows from a fact: its case is noted again. The clock counts months, and publishes those that are over."""

import contextlib

from django.utils import timezone
from procrastinate.contrib.django import app as jobs

from wasl.contracts.events import ActCounted, ActTakenBack
from wasl.kernel.access import SYSTEM
from wasl.kernel.errors import Refused
from wasl.kernel.events import Event, Told, after
from wasl.planning import queries, services
from wasl.planning.events import EvaluationReleased
from wasl.planning.rules.evaluation import month_before
from wasl.radiology.events import (
    CriticalResultAcknowledged,
    CriticalResultRaised,
    ExamPerformed,
    OrderSent,
    PreliminaryIssued,
    ReadingOpened,
    ReadingReinstated,
    ReadingWithdrawn,
    ReportOverRead,
    ReportSigned,
    SeriesRejected,
    SeriesRejectWithdrawn,
    StudyLinked,
)

OF_ORDER = (
    OrderSent, ExamPerformed, StudyLinked, ReadingOpened, PreliminaryIssued, ReportSigned, ReadingWithdrawn,
    ReadingReinstated, ReportOverRead, SeriesRejected, CriticalResultRaised, CriticalResultAcknowledged,
)  # fmt: skip
OF_READING = (ActCounted, ActTakenBack, SeriesRejectWithdrawn)


@after(*OF_ORDER)
def note_the_case(event: Event, told: Told) -> None:
    """A fact about an order changes what its case is."""
    if isinstance(event, OF_ORDER):
        services.note_cases([event.order], by=SYSTEM)


@after(*OF_READING)
def note_the_case_of_a_reading(event: Event, told: Told) -> None:
    """Whose reader read a case is known once its act is counted."""
    if isinstance(event, OF_READING):
        services.note_reading(event.reading, by=SYSTEM)


@after(EvaluationReleased)
def print_the_evaluation(event: EvaluationReleased, told: Told) -> None:
    """A published evaluation is printed and sealed."""
    services.print_release(event.release, by=SYSTEM)


@jobs.periodic(cron="*/10 * * * *")
@jobs.task(name="planning.count_months", queue="clock", pass_context=False)
def count_months(timestamp: int) -> None:
    """Every ten minutes: count the months whose cases changed."""
    for month in queries.months_to_count(viewer=SYSTEM):
        services.count_month(month, by=SYSTEM)


@jobs.periodic(cron="25 2 * * *")
@jobs.task(name="planning.count_again", queue="clock", pass_context=False)
def count_again(timestamp: int) -> None:
    """Every night: count this month and the last again, for times that ran out and rosters that changed."""
    month = timezone.localdate().replace(day=1)
    counted = {row.month for row in queries.months(viewer=SYSTEM)}
    for day in sorted({month, month_before(month)} & counted):
        services.count_month(day, by=SYSTEM)


@jobs.periodic(cron="45 4 6 * *")
@jobs.task(name="planning.release_months", queue="clock", pass_context=False)
def release_months(timestamp: int) -> None:
    """Every month: publish the months that are over and were not published."""
    for month in queries.months_to_release(viewer=SYSTEM):
        with contextlib.suppress(Refused):  # somebody published it meanwhile
            services.release_month(month, by=SYSTEM)
