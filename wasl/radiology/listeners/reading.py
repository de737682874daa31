"""A complete study that answers an order is offered to readers; a silent reader's case goes back every minute."""

import contextlib
from uuid import UUID

from procrastinate.contrib.django import app as jobs

from wasl.archive import queries as archive
from wasl.archive import services as archiving
from wasl.archive.events import StudyCompleted, StudyRegrouped, StudyReopened
from wasl.kernel.access import SYSTEM
from wasl.kernel.errors import Refused
from wasl.kernel.events import Told, after
from wasl.radiology import queries, services
from wasl.radiology.events import StudyLinked, StudyUnlinked


@after(StudyCompleted)
def open_its_reading(event: StudyCompleted, told: Told) -> None:
    """A study linked before it was complete is offered now; of a phantom it is noted that it was looked at here."""
    _open(event.study)
    archiving.note_phantom_queued(event.study, by=SYSTEM)


@after(StudyLinked)
def open_its_reading_once_linked(event: StudyLinked, told: Told) -> None:
    """A study complete before it was linked is offered now."""
    _open(event.study)


def _open(study: UUID) -> None:
    for order in queries.orders_to_read(study, viewer=SYSTEM):
        services.open_reading(order, study=study, by=SYSTEM)


@after(StudyReopened)
def flag_its_readings(event: StudyReopened, told: Told) -> None:
    """Tell whoever reads, or has read, that more images came."""
    for key in queries.readings_of_study(event.study, viewer=SYSTEM):
        services.flag_reading(key, by=SYSTEM)


@after(StudyRegrouped)
def go_with_the_images(event: StudyRegrouped, told: Told) -> None:
    """A reading goes where all images of its study went, and comes back with them; who reads is told of any change."""
    if event.undone:
        services.follow_images_back(event.study, out_of=event.other, by=SYSTEM)
    else:
        services.follow_images(event.study, into=event.other, by=SYSTEM)
    if archive.has_images(event.study, viewer=SYSTEM):
        for key in queries.readings_of_study(event.study, viewer=SYSTEM):
            services.flag_reading(key, by=SYSTEM)


@after(StudyUnlinked)
def withdraw_its_readings(event: StudyUnlinked, told: Told) -> None:
    """A study taken back from an order is no longer read for it, unless it answers it again meanwhile."""
    if queries.order_of_study(event.study, viewer=SYSTEM) == queries.order(event.order, viewer=SYSTEM):
        return
    for key in queries.readings_of_study(event.study, viewer=SYSTEM, order=event.order):
        services.withdraw_reading(key, by=SYSTEM)


@jobs.periodic(cron="* * * * *")
@jobs.task(name="radiology.time_out_readings", queue="clock", pass_context=False)
def time_out_readings(timestamp: int) -> None:
    """Give back the cases, and the regions of cases, of readers who have been silent for too long."""
    for key in queries.silent_readings(viewer=SYSTEM):
        services.time_out_reading(key, by=SYSTEM)
    for key in queries.silent_regions(viewer=SYSTEM):
        with contextlib.suppress(Refused):  # it was signed or withdrawn meanwhile
            services.time_out_region(key, by=SYSTEM)
