"""Supervision: preliminary reports, what is read again, and the dated rule of both."""

import datetime
from uuid import UUID

from django.utils import timezone

from wasl.kernel.access import Actor
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb
from wasl.patients import services as patients
from wasl.radiology import queries
from wasl.radiology.events import OverReadingBegun, PreliminaryIssued, ReportOverRead, SupervisionSet
from wasl.radiology.models import KeyImage, OverRead, Reading, Report, Supervision
from wasl.radiology.rules import finalising as rules
from wasl.radiology.rules import reading as reading_rules
from wasl.radiology.rules import regions, reporting
from wasl.radiology.rules.double import SecondReadingFirst
from wasl.radiology.services import dated
from wasl.radiology.services.blinding import check_not_blind
from wasl.radiology.services.reporting import about, begun_addendum, draft_to_write, locked_report, seen
from wasl.workforce import queries as workforce


@verb
def set_supervision(
    *, final_minutes: int, since: datetime.date, by: Actor, night: tuple[int, int] | None = None
) -> Supervision:
    """Set how soon preliminary reports are made final, and at which local hours what is signed is over-read."""
    begins, ends = night or (None, None)
    ruled = dated.begin(
        Supervision.objects.all(), since=since, final_minutes=final_minutes, night_from=begins, night_until=ends,
        check=lambda current: rules.check_supervision(final_minutes, night, since=since, current=current),
        overtaken=rules.SupervisionNotLater(since=since.isoformat()),
    )  # fmt: skip
    emit(SupervisionSet(supervision=ruled.id, final_minutes=final_minutes), by=by)
    return ruled


@verb
def issue_preliminary(key: UUID, *, revision: int, by: Actor) -> Report:
    """Issue a draft as a preliminary report, exactly the revision that its writer saw; it never changes again.

    The case goes back to the worklist with the same words as a draft, for a radiologist to make it final; the clock
    of the first report is met, and that of the final one begins.
    """
    report, reading = locked_report(key)
    if report.state != Report.State.DRAFT:
        raise reporting.AlreadySigned if report.state == Report.State.SIGNED else rules.AlreadyPreliminary
    draft_to_write(reading, by=by)
    if report.adds_to_id:
        raise rules.AddendumIsFinal
    if queries.preliminary_of(reading.id, viewer=by):
        raise rules.AlreadyPreliminary
    if report.revision != revision:
        raise reporting.DraftChanged
    regions.check_merged(row.get_body_display() for row in queries.open_regions(reading.id, viewer=by))
    report.readers = queries.readers_of_regions(reading.id, viewer=by)
    reporting.check_signable(
        report.sections, critical=report.critical, critical_what=report.critical_what, follow_up=report.follow_up
    )
    pixels = seen(reading, by=by)
    now = timezone.now()
    report.author_id = report.drafted_by_id = reading_rules.reader(by)
    report.state, report.signed_at = Report.State.PRELIMINARY, now
    report.digest = queries.digest_of(report, viewer=by)
    report.save()
    _draft_again(report)
    reading.first_due_at = reading.due_at
    reading.due_at = now + datetime.timedelta(minutes=queries.supervision(on=now, viewer=by).final_minutes)
    reading.state = Reading.State.WAITING
    reading.claimed_by = reading.claimed_until = None
    reading.save(update_fields=("first_due_at", "due_at", "state", "claimed_by", "claimed_until"))
    fact = PreliminaryIssued(
        report=key, reader=report.author_id, critical=report.critical, pixels=pixels, due_at=reading.due_at,
        **about(reading),
    )  # fmt: skip
    emit(fact, by=by)
    return report


def _draft_again(issued: Report) -> None:
    """The words and pictures of a preliminary report as the draft of the final one."""
    draft = Report.objects.create(
        reading_id=issued.reading_id, author_id=issued.author_id, drafted_by_id=issued.author_id,
        language=issued.language, sections=issued.sections, critical=issued.critical,
        critical_what=issued.critical_what, critical_category=issued.critical_category, follow_up=issued.follow_up,
        revision=1, saved_at=issued.saved_at,
    )  # fmt: skip
    KeyImage.objects.bulk_create(
        KeyImage(report=draft, instance_uid=image.instance_uid, frame=image.frame, note=image.note, view=image.view)
        for image in issued.key_images.all()
    )


@verb
def begin_over_reading(key: UUID, *, by: Actor) -> Report:
    """Take a signed report to read its images again; the patient's record opens to the second reader for a day."""
    report, reading, person = _report_to_over_read(key, by=by)
    until = timezone.now() + datetime.timedelta(hours=rules.OPEN_HOURS)
    patients.open_for_care(
        reading.patient_id, person=person, source=key, because=OverReadingBegun.name(), until=until, by=by
    )
    emit(OverReadingBegun(report=key, reader=person, **about(reading)), by=by)
    return report


@verb
def over_read_report(key: UUID, *, verdict: str, by: Actor, reason: str = "") -> OverRead:
    """Say what one found when reading a signed report's images again; a discrepancy begins one's addendum to it."""
    rules.check_over_read(verdict, reason)
    report, reading, person = _report_to_over_read(key, by=by)
    found = OverRead.objects.create(
        report=report, reader_id=person, verdict=verdict, reason=reason.strip()[: rules.LONGEST_REASON]
    )
    if verdict != OverRead.Verdict.AGREES:
        begun_addendum(reading, by=by)
    emit(ReportOverRead(over_read=found.id, report=key, reader=person, verdict=verdict, **about(reading)), by=by)
    return found


def _report_to_over_read(key: UUID, *, by: Actor) -> tuple[Report, Reading, UUID]:
    """A signed report with its locked reading, and who may over-read it: another reader of that hospital."""
    report, reading = locked_report(key)
    if report.state != Report.State.SIGNED or report.adds_to_id:
        raise reporting.NotSigned
    if reading.state == Reading.State.WITHDRAWN:
        raise reading_rules.ReadingIsWithdrawn
    person = reading_rules.reader(by)
    if person in (report.author_id, report.drafted_by_id, *report.region_readers):
        raise rules.OwnReport
    if not workforce.serves(person, place=reading.place_id, modality=reading.modality, viewer=by):
        raise reading_rules.NotYourHospitals
    if not queries.is_agreed(reading, reader=person, viewer=by):
        raise reading_rules.NoAgreement
    check_not_blind(reading.id, by=by)
    if queries.is_read_again(key, viewer=by):
        raise SecondReadingFirst
    if before := OverRead.objects.select_related("reader").filter(report=report).first():
        raise rules.AlreadyOverRead(reader=before.reader)
    return report, reading, person
