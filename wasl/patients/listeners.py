"""What follows from a fact about patients, and the index of people, which the clock keeps whole."""

from procrastinate.contrib.django import app as jobs

from wasl.kernel.access import SYSTEM
from wasl.kernel.events import Told, after
from wasl.patients import services
from wasl.patients.events import PatientsAlike


@after(PatientsAlike)
def ask_people(event: PatientsAlike, told: Told) -> None:
    """Two files that seem to be one person's wait for a person to decide."""
    services.open_review(event.one, event.other, score=event.score, reasons=event.reasons, by=SYSTEM)


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
