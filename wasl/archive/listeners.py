"""What the archive does by the clock: studies fallen quiet are taken for complete, stray files swept away."""

from procrastinate.contrib.django import app as jobs

from wasl.archive import services
from wasl.kernel.access import SYSTEM


@jobs.periodic(cron="* * * * *")
@jobs.task(name="archive.complete_quiet", queue="clock", pass_context=False)
def complete_quiet(timestamp: int) -> None:
    """Take for complete what has had no new image for a while."""
    services.complete_quiet(by=SYSTEM)


@jobs.periodic(cron="17 * * * *")
@jobs.task(name="archive.sweep", queue="clock", pass_context=False)
def sweep(timestamp: int) -> None:
    """Remove the files of associations that were cut."""
    services.sweep()
