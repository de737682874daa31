"""What follows from a fact about patients, and the index of people, which the clock keeps whole."""

import datetime

from django.utils import timezone
from procrastinate.contrib.django import app as jobs

from wasl.kernel.access import SYSTEM
from wasl.kernel.events import Told, after
from wasl.patients import queries, services
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


@jobs.periodic(cron="20 * * * *")
@jobs.task(name="patients.count_quality", queue="clock", pass_context=False)
def count_quality(timestamp: int) -> None:
    """Every hour: count how good the identities of this month and the last are."""
    this = timezone.localdate().replace(day=1)
    last = (this - datetime.timedelta(days=1)).replace(day=1)
    for month in (last, this):
        services.count_quality(month, by=SYSTEM)


@jobs.periodic(cron="10 4 * * *")
@jobs.task(name="patients.count_quality_again", queue="clock", pass_context=False)
def count_quality_again(timestamp: int) -> None:
    """Every night: count a year of months again, for what was corrected and decided since; on the first day, all."""
    months = queries.quality_months_known(viewer=SYSTEM)
    for month in months if timezone.localdate().day == 1 else months[-12:]:
        services.count_quality(month, by=SYSTEM)


@jobs.periodic(cron="*/5 * * * *")
@jobs.task(name="patients.read_names_again", queue="clock", pass_context=False)
def read_names_again(timestamp: int) -> None:
    """Every five minutes: read stored records again by what changed in the dictionary of given names."""
    while services.read_names_again(by=SYSTEM):
        pass
