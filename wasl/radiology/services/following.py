"""A reading follows its study to the right patient: the draft moves, and a signed report is said again there."""

from uuid import UUID

from wasl.kernel.access import SYSTEM, Actor
from wasl.kernel.events import emit
from wasl.radiology import queries
from wasl.radiology.events import ReadingFollowed, ReadingOpened, ReportFollowed
from wasl.radiology.models import KeyImage, Move, Order, Reading, Report
from wasl.radiology.services.reading import reinstate, signed_of, withdraw, withdrawn_reading
from wasl.radiology.services.regions import carry_regions

State = Reading.State


def follow(former: tuple[UUID, UUID], order: Order, study: UUID, *, by: Actor, move: Move | None = None) -> None:
    """Withdraw the reading of a study for an order (`former`), and carry it to what answers what now.

    A reading that was withdrawn from there before is put in force again, so that moving back leaves what there was.
    """
    old = _in_force(*former)
    if old is None or _in_force(study, order.id) is not None:
        return
    withdraw(old, by=by)
    new = withdrawn_reading(order.id, study)
    if new is None:
        new = Reading.objects.create(
            order=order, study_id=study, patient_id=order.patient_id, place_id=order.place_id, modality=old.modality,
            urgency=order.urgency, due_at=old.due_at, first_due_at=old.first_due_at, more_at=old.more_at,
            follows=old, move=move, state=State.SIGNED if signed_of(old) else State.WAITING,
            claimed_by_id=old.claimed_by_id if signed_of(old) else None,
        )  # fmt: skip
        copies = _carry(old, new, by=by)
        _tell(new, old, by=by)
    else:
        copies = _carry(old, new, by=by)
        reinstate(new, by=by)
    about = {"reading": new.id, "order": order.id, "patient": new.patient_id, "place": new.place_id}
    for copy in copies:
        fact = ReportFollowed(report=copy.id, former=_follows(copy).id, critical=copy.critical, **about)
        emit(fact, by=by)


def give_up(study: UUID, order: UUID, *, by: Actor) -> None:
    """Withdraw the reading of a study that answers no order any more."""
    old = _in_force(study, order)
    if old is not None:
        withdraw(old, by=by)


def _in_force(study: UUID, order: UUID) -> Reading | None:
    rows = Reading.objects.select_for_update().filter(study=study, order=order)
    return rows.exclude(state=State.WITHDRAWN).first()


def _tell(new: Reading, old: Reading, *, by: Actor) -> None:
    about = {"order": new.order_id, "study": new.study_id, "patient": new.patient_id, "place": new.place_id}
    if new.state == State.WAITING:
        due = new.first_due_at or new.due_at
        emit(ReadingOpened(reading=new.id, urgency=new.urgency, due_at=due, **about), by=by)
    emit(ReadingFollowed(reading=new.id, former=old.id, **about), by=by)


def _carry(old: Reading, new: Reading, *, by: Actor) -> list[Report]:
    """The issued reports of the old reading that the new one does not have yet, said again there.

    The draft moves, and so do the regions of a case that is not signed.
    """
    there = {_root(report) for report in new.reports.filter(state__in=Report.ISSUED)}
    issued = old.reports.filter(state__in=Report.ISSUED).order_by("signed_at")
    copies = [_say_again(report, new) for report in issued if _root(report) not in there]
    draft = old.reports.filter(state=Report.State.DRAFT).first()
    if draft and not new.reports.filter(state=Report.State.DRAFT).exists():
        draft.reading = new
        draft.adds_to = _last(new) if draft.adds_to_id else None
        draft.save(update_fields=("reading", "adds_to"))
    if signed_of(new) is None:
        carry_regions(old, new, by=by)
    return copies


def _say_again(report: Report, reading: Reading) -> Report:
    """The same report for another patient: same words, same author, same moment; its digest covers the first one's."""
    copy = Report.objects.create(
        reading=reading, follows=report, adds_to=_last(reading), author_id=report.author_id,
        drafted_by_id=report.drafted_by_id, language=report.language, sections=report.sections,
        critical=report.critical, critical_what=report.critical_what, critical_category=report.critical_category,
        follow_up=report.follow_up, revision=report.revision, saved_at=report.saved_at, display_id=report.display_id,
        readers=report.readers,
    )  # fmt: skip
    KeyImage.objects.bulk_create(
        KeyImage(report=copy, instance_uid=image.instance_uid, frame=image.frame, note=image.note, view=image.view)
        for image in report.key_images.all()
    )
    if report.finalises_id:
        copy.finalises, copy.change = queries.preliminary_of(reading.id, viewer=SYSTEM), report.change
    copy.state, copy.signed_at, copy.region_id = report.state, report.signed_at, report.region_id
    copy.digest = queries.digest_of(copy, viewer=SYSTEM)
    copy.save()
    return copy


def _last(reading: Reading) -> Report | None:
    return reading.reports.filter(state=Report.State.SIGNED, addendum__isnull=True).first()


def _root(report: Report) -> UUID:
    """The report that was signed first with these words."""
    while report.follows_id is not None:
        report = _follows(report)
    return report.id


def _follows(report: Report) -> Report:
    assert report.follows is not None  # noqa: S101  what is carried follows something
    return report.follows
