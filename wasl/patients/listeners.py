"""The clock keeps the index of people whole: who is in no record yet, and which names are rare."""

from procrastinate.contrib.django import app as jobs

from wasl.kernel.access import SYSTEM
from wasl.patients import services


@jobs.periodic(cron="5 * * * *")
@jobs.task(name="patients.index_patients", queue="clock", pass_context=False)
def index_patients(timestamp: int) -> None:
    """Every hour: enter people who were registered where nothing was written of it, as before an upgrade."""
    while services.index_patients(by=SYSTEM):
        pass


@jobs.periodic(cron="35 3 * * *")
@jobs.task(name="patients.count_rarity", queue="clock", pass_context=False)
def count_rarity(timestamp: int) -> None:
    """Every night: count how rare each name, date and commune is."""
    services.count_rarity(by=SYSTEM)
