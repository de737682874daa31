"""A study arrives, or an exam was made: when nothing is in doubt, they are linked by themselves."""

from uuid import UUID

from wasl.archive import queries as archive
from wasl.archive import services as archive_services
from wasl.archive.events import StudyArrived
from wasl.kernel.access import SYSTEM
from wasl.kernel.errors import Refused
from wasl.kernel.events import Told, after
from wasl.radiology import queries, services
from wasl.radiology.events import ExamPerformed


@after(StudyArrived)
def link_expected(event: StudyArrived, told: Told) -> None:
    """Link a study to the order that it answers beyond doubt; any other is whose its header says, if it says so.

    What names an order and disagrees with it, and what names nobody, waits on the reconciliation page.
    """
    if not archive.studies(viewer=SYSTEM).filter(id=event.study).exists():  # all its images were taken back since
        return
    _link(event.study)
    carried = told.by == str(SYSTEM)  # from another archive, which says itself whose it is
    if not carried and not queries.is_asked_for(event.study, viewer=SYSTEM):
        archive_services.identify_study(event.study, by=SYSTEM)


@after(ExamPerformed)
def link_what_came_before(event: ExamPerformed, told: Told) -> None:
    """An exam was made, as somebody says only now: its images may have come before."""
    for study in queries.made_like(event.order, viewer=SYSTEM):
        _link(study.id)


def _link(study: UUID) -> None:
    found = queries.expected_order(study, viewer=SYSTEM)
    if found is None:
        return
    order, because = found
    try:
        services.link_study(order.id, study=study, because=because, by=SYSTEM)
    except Refused:
        # somebody was quicker, or the order was cancelled meanwhile: what stands is a person's decision
        return
