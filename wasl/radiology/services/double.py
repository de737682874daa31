"""Double reading: opened with the signature, read unknowing, compared, decided by a third where they differ."""

import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from wasl.kernel.access import SYSTEM, Actor
from wasl.kernel.errors import NotFound
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb
from wasl.radiology import queries
from wasl.radiology.events import (
    DoubleReadingClaimed,
    DoubleReadingGivenBack,
    ReadingsArbitrated,
    ReadingsCompared,
    SecondReadingGiven,
    SecondReadingMissed,
    SecondReadingOpened,
)
from wasl.radiology.models import DoubleCause, DoubleReading, Opinion, Reading, Report
from wasl.radiology.rules import double as rules
from wasl.radiology.rules import reading as reading_rules
from wasl.radiology.services.blinding import close_images, open_images
from wasl.workforce import queries as workforce

Part = Opinion.Part
Stands = DoubleReading.Stands


def open_second_reading(report: Report, *, by: Actor) -> DoubleReading | None:
    """Open the second reading of a report that is just signed, where a rule asks for one; part of that verb."""
    found = queries.rules_that_ask(report, viewer=SYSTEM)
    if not found or report.signed_at is None:
        return None
    author = workforce.worker_of(report.author_id, viewer=SYSTEM)
    double = DoubleReading.objects.create(
        report=report, centre_id=author.place_id if author else None,
        due_at=report.signed_at + datetime.timedelta(hours=min(rule.within for rule in found)),
    )  # fmt: skip
    DoubleCause.objects.bulk_create(DoubleCause(double=double, rule=rule) for rule in found)
    reading = report.reading
    told = SecondReadingOpened(
        double=double.id, report=report.id, patient=reading.patient_id, place=reading.place_id, due_at=double.due_at,
        rules=tuple(rule.id for rule in found),
    )  # fmt: skip
    emit(told, by=by)
    return double


@verb
def miss_second_reading(key: UUID, *, by: Actor) -> DoubleReading | None:
    """Note that a double reading is overdue, so that it is told: once, and not of one that was closed meanwhile."""
    double, now = _locked(key), timezone.now()
    if double.closed_at is not None or double.missed_at is not None or double.due_at > now:
        return None
    double.missed_at = now
    double.save(update_fields=("missed_at",))
    reading = double.report.reading
    told = SecondReadingMissed(
        double=key, patient=reading.patient_id, place=reading.place_id, due_at=double.due_at
    )  # fmt: skip
    emit(told, by=by)
    return double


@verb
def claim_double_reading(key: UUID, *, by: Actor) -> Opinion:
    """Take an exam to read it a second time, or to decide between two readings; only its images open, for two days.

    One reader takes it. Taken again by the same reader it stays theirs; when their time is over, it is another's.
    """
    double = _locked(key)
    if double.closed_at is not None:
        raise rules.NothingToRead
    reader, now = reading_rules.reader(by), timezone.now()
    live = double.opinions.filter(given_back_at__isnull=True)
    differs = live.filter(part=Part.SECOND, verdict__in=Opinion.DISCREPANCIES).exists()
    part = Part.ARBITER if differs else Part.SECOND
    if held := live.filter(part=part).first():
        if held.reader_id == reader and held.until > now:
            return held
        if held.done_at is not None or held.until > now:
            raise rules.TakenBySomebody
        _give_back(held, by=by)
    if not queries.may_read_again(key, viewer=by):
        raise rules.NotToReadAgain
    reading, worker = double.report.reading, workforce.worker_of(reader, viewer=SYSTEM)
    until = open_images(reading, because=DoubleReadingClaimed.name(), by=by)
    centre = worker.place_id if worker else None
    agreement = queries.agreement_for(reading, provider=centre, viewer=SYSTEM) if centre else None
    try:
        with transaction.atomic():
            opinion = Opinion.objects.create(
                double=double, part=part, reader_id=reader, centre_id=centre, agreement=agreement, until=until
            )
    except IntegrityError as other:  # their own report, or somebody was quicker
        raise rules.NotToReadAgain from other
    emit(DoubleReadingClaimed(**_about(opinion)), by=by)
    return opinion


@verb
def give_back_double_reading(key: UUID, *, by: Actor) -> Opinion:
    """Give back an exam that one took; another reader takes it, and one is not offered it again."""
    opinion = _own(key, by=by)
    if opinion.given_at is not None:
        raise rules.GivenAlready
    _give_back(opinion, by=by)
    return opinion


def _give_back(opinion: Opinion, *, by: Actor) -> None:
    opinion.given_back_at = timezone.now()
    opinion.save(update_fields=("given_back_at",))
    close_images(_reading(opinion), person=opinion.reader_id, by=by)
    emit(DoubleReadingGivenBack(**_about(opinion)), by=by)


@verb
def give_second_reading(key: UUID, *, conclusion: str, category: str, by: Actor, findings: str = "") -> Opinion:
    """Write down what one read, before the first reading is shown; it never changes."""
    opinion = _own(key, by=by, part=Part.SECOND)
    if opinion.given_at is not None:
        raise rules.GivenAlready
    rules.check_conclusion(conclusion, category, known=Opinion.Category.values)
    opinion.findings = findings.strip()[: rules.LONGEST]
    opinion.conclusion, opinion.category = conclusion.strip()[: rules.LONGEST], category
    opinion.given_at = timezone.now()
    opinion.save(update_fields=("findings", "conclusion", "category", "given_at"))
    newly = category == Opinion.Category.CRITICAL and not opinion.double.report.critical
    emit(SecondReadingGiven(category=category, newly_critical=newly, **_about(opinion)), by=by)
    return opinion


@verb
def compare_readings(key: UUID, *, verdict: str, by: Actor, reason: str = "") -> Opinion:
    """Say how one's reading differs from the first; where it does, a third reader decides which of them stands."""
    opinion = _own(key, by=by, part=Part.SECOND)
    if opinion.given_at is None:
        raise rules.NotGivenYet
    critical = opinion.category == Opinion.Category.CRITICAL
    rules.check_verdict(verdict, reason, critical=(opinion.double.report.critical, critical))
    opinion.verdict = verdict
    _done(opinion, reason, "verdict", by=by)
    if verdict == Opinion.Verdict.AGREES:
        _close(opinion.double, Stands.FIRST)
    emit(ReadingsCompared(verdict=verdict, **_about(opinion)), by=by)
    return opinion


@verb
def arbitrate_readings(key: UUID, *, stands: str, reason: str, by: Actor) -> Opinion:
    """Decide which of two readings stands, and say why; where it is the second, an addendum is asked for."""
    opinion = _own(key, by=by, part=Part.ARBITER)
    rules.check_arbitration(stands, reason)
    opinion.stands = stands
    _done(opinion, reason, "stands", by=by)
    _close(opinion.double, Stands(stands))
    emit(ReadingsArbitrated(stands=stands, **_about(opinion)), by=by)
    return opinion


def _done(opinion: Opinion, reason: str, said: str, *, by: Actor) -> None:
    opinion.reason, opinion.done_at = reason.strip()[: rules.LONGEST_REASON], timezone.now()
    opinion.save(update_fields=(said, "reason", "done_at"))
    close_images(_reading(opinion), person=opinion.reader_id, by=by)


def _close(double: DoubleReading, stands: Stands) -> None:
    double.stands, double.closed_at = stands, timezone.now()
    double.save(update_fields=("stands", "closed_at"))


def _locked(key: UUID) -> DoubleReading:
    rows = DoubleReading.objects.select_for_update(of=("self",)).select_related("report__reading")
    found = rows.filter(id=key).first()
    if found is None:
        raise NotFound
    if found.report.reading.state != Reading.State.SIGNED:
        raise reading_rules.ReadingIsWithdrawn
    return found


def _own(key: UUID, *, by: Actor, part: str = "") -> Opinion:
    """The opinion on a locked double reading that who acts took and is not done with; of a part, where it is named."""
    double = _locked(key)
    rows = double.opinions.filter(reader=reading_rules.reader(by), given_back_at__isnull=True, done_at__isnull=True)
    found = rows.filter(part=part).first() if part else rows.first()
    if found is None or (found.until <= timezone.now() and found.given_at is None):
        raise rules.NotYourOpinion
    found.double = double
    return found


def _reading(opinion: Opinion) -> Reading:
    return opinion.double.report.reading


def _about(opinion: Opinion) -> dict[str, Any]:
    reading = _reading(opinion)
    return {
        "opinion": opinion.id, "double": opinion.double_id, "patient": reading.patient_id, "place": reading.place_id,
        "part": str(opinion.part),
    }  # fmt: skip
