"""Stories told as facts alone, and the listeners of planning told at once."""

import datetime
import uuid
from random import Random
from typing import Any

from django.db import transaction
from django.utils import timezone

from wasl.archive.events import StudyCompleted
from wasl.contracts.events import ActCounted
from wasl.contracts.models import Act
from wasl.kernel.access import SYSTEM
from wasl.kernel.events import Event, emit, tell
from wasl.kernel.models import Notice
from wasl.radiology.events import ExamPerformed, OrderSent, PreliminaryIssued, ReadingOpened, ReportSigned, StudyLinked

MONTH = datetime.date(2026, 9, 1)
NOON = datetime.datetime(2026, 9, 10, 11, tzinfo=datetime.UTC)  # 12:00 in Tunis


def said(event: Event, at: datetime.datetime) -> None:
    with transaction.atomic():
        emit(event, by=SYSTEM, at=at)


def hear() -> None:
    """Tell what is owed to planning."""
    mine = Notice.objects.filter(told_at__isnull=True, listener__startswith="wasl.planning.listeners.note")
    while owed := mine.order_by("fact__seq", "created_at").first():
        tell(notice=str(owed.id))


def story(
    place: uuid.UUID, minutes: list[int], *, at: datetime.datetime = NOON, urgency: str = "P1", modality: str = "CT",
    provider: uuid.UUID | None = None, reader: uuid.UUID | None = None, preliminary: int | None = None,
) -> uuid.UUID:  # fmt: skip
    """An order, and so many minutes after it: performed, complete and opened (due in an hour), signed by a provider."""
    order, study, reading, report, patient = (uuid.uuid4() for _ in range(5))
    of: dict[str, Any] = {"order": order, "patient": patient, "place": place}
    when = [at + datetime.timedelta(minutes=minute) for minute in minutes]
    said(OrderSent(**of, procedure="X", modality=modality, urgency=urgency), at)
    if len(when) > 0:
        said(ExamPerformed(**of), when[0])
    if len(when) > 1:
        said(StudyLinked(link=uuid.uuid4(), study=study, **of), when[0])
        said(StudyCompleted(study=study, how="quiet", instances=1, place=place, patient=patient), when[1])
        due = when[1] + datetime.timedelta(hours=1)
        said(ReadingOpened(reading=reading, study=study, urgency=urgency, due_at=due, **of), when[1])
    if preliminary is not None:
        said(PreliminaryIssued(report=uuid.uuid4(), reading=reading, reader=uuid.uuid4(), critical=False,
                               due_at=at + datetime.timedelta(days=1), **of),
             at + datetime.timedelta(minutes=preliminary))  # fmt: skip
    if len(when) > 2:
        said(ReportSigned(report=report, reading=reading, reader=uuid.uuid4(), critical=False, pixels="whole", **of),
             when[2])  # fmt: skip
        if provider and reader:
            act = Act.objects.create(reading=reading, report=report, reader_id=reader, provider_id=provider,
                                     beneficiary_id=place, procedure="X", modality=modality, urgency=urgency,
                                     done_at=when[2])  # fmt: skip
            said(ActCounted(act=act.id, reading=reading, reader=reader, provider=provider, beneficiary=place),
                 timezone.now())  # fmt: skip
    return order


def month(chance: Random, places: list[uuid.UUID], reader: uuid.UUID, stories: int) -> list[uuid.UUID]:
    """Random stories of a month, some unfinished, some with a preliminary report, read here or elsewhere."""
    made = []
    for _ in range(stories):
        steps = sorted(chance.sample(range(1, 400), 3))[: chance.choice((0, 1, 2, 3, 3, 3, 3))]
        at = datetime.datetime(2026, 9, chance.randint(2, 28), chance.randint(0, 23), chance.randint(0, 59),
                               chance.randint(0, 59), tzinfo=datetime.UTC)  # fmt: skip
        early = chance.randint(steps[1], steps[2]) if len(steps) > 2 and chance.random() < 0.3 else None
        made.append(story(
            chance.choice(places), steps, at=at, urgency=chance.choice(("P0", "P1", "P2", "P3")),
            modality=chance.choice(("CT", "DX", "MR")), provider=chance.choice(places), reader=reader,
            preliminary=early,
        ))  # fmt: skip
    return made
