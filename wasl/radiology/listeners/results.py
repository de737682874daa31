"""A signed report is laid before the doctor who asked; a critical one must be acknowledged."""

from uuid import UUID

from wasl.kernel.access import SYSTEM
from wasl.kernel.events import Told, after
from wasl.radiology import services
from wasl.radiology.events import AddendumSigned, ReportSigned


@after(ReportSigned)
def hand_over_the_report(event: ReportSigned, told: Told) -> None:
    """The doctor who asked finds it in the inbox, and a critical result with its deadline."""
    _hand_over(event.report, event.critical)


@after(AddendumSigned)
def hand_over_the_addendum(event: AddendumSigned, told: Told) -> None:
    """The doctor who asked finds the addendum in the inbox, and what is critical in it with its deadline."""
    _hand_over(event.report, event.critical)


def _hand_over(report: UUID, critical: bool) -> None:
    services.hand_over_report(report, by=SYSTEM)
    if critical:
        services.raise_critical_result(report, by=SYSTEM)
