"""A signed report's recommended exam waits, until one like it is performed."""

from wasl.kernel.access import SYSTEM
from wasl.kernel.events import Told, after
from wasl.radiology import queries, services
from wasl.radiology.events import AddendumSigned, ExamPerformed, OrderReopened, ReportFollowed, ReportSigned


@after(ReportSigned)
def wait_for_follow_up(event: ReportSigned, told: Told) -> None:
    """What a report recommends waits from its signature on."""
    services.open_recommendation(event.report, by=SYSTEM)


@after(AddendumSigned)
def wait_for_follow_up_of_addendum(event: AddendumSigned, told: Told) -> None:
    """What an addendum recommends waits from its signature on."""
    services.open_recommendation(event.report, by=SYSTEM)


@after(ReportFollowed)
def wait_for_the_right_patient(event: ReportFollowed, told: Told) -> None:
    """What a report recommends that was said again for another patient waits for that one."""
    if queries.is_in_force(event.report, viewer=SYSTEM):
        services.open_recommendation(event.report, by=SYSTEM)


@after(ExamPerformed)
def close_follow_up(event: ExamPerformed, told: Told) -> None:
    """An exam was performed: the recommendations that it fulfils are done."""
    order = queries.order(event.order, viewer=SYSTEM)
    for key in queries.recommendations_met_by(order, at=told.at, viewer=SYSTEM):
        services.close_recommendation(key, order=order.id, at=told.at, by=SYSTEM)


@after(OrderReopened)
def reopen_follow_up(event: OrderReopened, told: Told) -> None:
    """An exam is to be made again: what it seemed to fulfil waits again."""
    for key in queries.recommendations_closed_by(event.order, viewer=SYSTEM):
        services.reopen_recommendation(key, order=event.order, by=SYSTEM)
