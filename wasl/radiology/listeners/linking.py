"""A study arrives: when it carries an order's numbers and its header agrees, it is linked by itself."""

from wasl.archive import queries as archive
from wasl.archive.events import StudyArrived
from wasl.kernel.access import SYSTEM
from wasl.kernel.errors import Refused
from wasl.kernel.events import Told, after
from wasl.radiology import queries, services


@after(StudyArrived)
def link_expected(event: StudyArrived, told: Told) -> None:
    """Link a study to the order that it answers beyond doubt; any other waits on the reconciliation page."""
    if not archive.studies(viewer=SYSTEM).filter(id=event.study).exists():  # all its images were taken back since
        return
    found = queries.expected_order(event.study, viewer=SYSTEM)
    if found is None:
        return
    order, because = found
    try:
        services.link_study(order.id, study=event.study, because=because, by=SYSTEM)
    except Refused:
        # somebody was quicker, or the order was cancelled meanwhile: what stands is a person's decision
        return
