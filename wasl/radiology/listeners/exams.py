"""What a modality says of its work moves the order: begun, done; and images that are there prove that it was done."""

from collections.abc import Callable
from uuid import UUID

from wasl.archive import queries as archive
from wasl.archive import services as archiving
from wasl.archive.events import StepCompleted, StepDiscontinued, StepStarted, StudyCompleted
from wasl.kernel.access import SYSTEM
from wasl.kernel.events import Told, after
from wasl.radiology import queries, services
from wasl.radiology.events import ReportSigned, StudyLinked
from wasl.radiology.rules import ordering as rules


@after(StepStarted)
def start_by_modality(event: StepStarted, told: Told) -> None:
    """The modality began the exam: so it is said of the order, by the modality's clock."""
    _move(event, told, services.start_exam)


@after(StepCompleted)
def perform_by_modality(event: StepCompleted, told: Told) -> None:
    """The modality finished the exam: so it is said of the order, by the modality's clock."""
    _move(event, told, services.perform_exam)


@after(StepDiscontinued)
def break_off_by_modality(event: StepDiscontinued, told: Told) -> None:
    """The modality broke the exam off: it is still to be made."""
    _move(event, told, services.break_off_exam)


@after(StudyCompleted)
def perform_when_complete(event: StudyCompleted, told: Told) -> None:
    """All images of an order are there, though nobody said that the exam was done: it was."""
    _perform_by_images(event.study)


@after(StudyLinked)
def perform_when_linked(event: StudyLinked, told: Told) -> None:
    """A study that was complete before it was linked says the same."""
    _perform_by_images(event.study)


@after(ReportSigned)
def give_up_its_steps(event: ReportSigned, told: Told) -> None:
    """Nobody misses the end of an exam that is read, when its modality never told of it."""
    archiving.give_up_steps(queries.reading(event.reading, viewer=SYSTEM).study_id, by=SYSTEM)


def _perform_by_images(key: UUID) -> None:
    order = queries.order_of_study(key, viewer=SYSTEM)
    study = archive.studies(viewer=SYSTEM).filter(id=key).first()
    if study is None:  # all its images were taken back since
        return
    if order is not None and order.state in ("vetting", "sent", "started") and study.complete_at is not None:
        # it was done before its first image came, at the latest
        _unless_done(lambda: services.perform_exam(order.id, at=study.created_at, by=SYSTEM))


def _move(event: StepStarted | StepCompleted | StepDiscontinued, told: Told, verb: Callable[..., object]) -> None:
    order = queries.order_of_step(
        study_uid=event.study_uid, accession=event.accession, place=event.place, viewer=SYSTEM
    )
    if order is not None:
        _unless_done(lambda: verb(order.id, at=told.at, by=SYSTEM))


def _unless_done(act: Callable[[], object]) -> None:
    """Do it, unless a person or another step of the same exam was quicker, or the order is cancelled."""
    try:
        act()
    except (
        rules.AlreadyStarted,
        rules.NotStarted,
        rules.AlreadyPerformed,
        rules.OrderIsCancelled,
        rules.OrderIsRefused,
    ):
        return
