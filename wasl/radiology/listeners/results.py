"""A signed report is laid before the doctor who asked; a critical one must be acknowledged, or goes up by the clock."""

from uuid import UUID

from procrastinate.contrib.django import app as jobs

from wasl.kernel.access import SYSTEM
from wasl.kernel.events import Told, after
from wasl.radiology import queries, services
from wasl.radiology.events import AddendumSigned, PreliminaryIssued, ReportFollowed, ReportSigned


@after(ReportSigned)
def hand_over_the_report(event: ReportSigned, told: Told) -> None:
    """The doctor who asked finds it in the inbox, and a critical result, or what became of it, with its deadline."""
    hand_over(event.report)


@after(PreliminaryIssued)
def hand_over_the_preliminary(event: PreliminaryIssued, told: Told) -> None:
    """The doctor who asked finds it at once, marked as preliminary, and a critical result with its deadline."""
    hand_over(event.report)


@after(AddendumSigned)
def hand_over_the_addendum(event: AddendumSigned, told: Told) -> None:
    """The doctor who asked finds the addendum in the inbox, and what is critical in it with its deadline."""
    hand_over(event.report)


@after(ReportFollowed)
def hand_over_what_followed(event: ReportFollowed, told: Told) -> None:
    """A report that followed its images to another patient is laid before the doctor who asked there."""
    if queries.is_in_force(event.report, viewer=SYSTEM):
        hand_over(event.report)


def hand_over(report: UUID) -> None:
    """Lay a report before the doctor who asked, and what in it somebody must acknowledge."""
    services.hand_over_report(report, by=SYSTEM)
    if queries.needs_telling(report, viewer=SYSTEM):
        services.raise_critical_result(report, by=SYSTEM)


@jobs.periodic(cron="* * * * *")
@jobs.task(name="radiology.pass_up_results", queue="clock", pass_context=False)
def pass_up_results(timestamp: int) -> None:
    """Every minute: critical results that nobody answered in time go one level up."""
    for key in queries.results_to_pass_up(viewer=SYSTEM):
        services.pass_up_result(key, by=SYSTEM)
