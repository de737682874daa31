"""Whoever binds a hospital hears in time that an agreement of it ends."""

from procrastinate.contrib.django import app as jobs

from wasl.kernel.access import SYSTEM
from wasl.kernel.events import Event, Told, after
from wasl.radiology import queries, services
from wasl.radiology.events import AgreementEnded, AgreementEnding


@after(AgreementEnding, AgreementEnded)
def tell_both_hospitals(event: Event, told: Told) -> None:
    """An agreement ends soon, or sooner than was agreed: both hospitals are told."""
    services.tell_of_end(event.subject, by=SYSTEM)


@jobs.periodic(cron="30 5 * * *")
@jobs.task(name="radiology.warn_of_ends", queue="clock", pass_context=False)
def warn_of_ends(timestamp: int) -> None:
    """Every morning: which agreements end within thirty days."""
    for key in queries.agreements_to_warn_of(viewer=SYSTEM):
        services.warn_of_end(key, by=SYSTEM)
