"""What follows from a fact about patients, and the index of people, which the clock keeps whole."""

import datetime

from django.utils import timezone
from procrastinate.contrib.django import app as jobs

from wasl.kernel.access import SYSTEM
from wasl.kernel.events import Event, Told, after
from wasl.patients import queries, services
from wasl.patients.events import (
    PatientCorrected,
    PatientRegistered,
    PatientsAlike,
    PatientsMerged,
    PatientsUnmerged,
    RecordReceived,
    RecordSplit,
    SplitUndone,
)


@after(PatientsAlike)
def ask_people(event: PatientsAlike, told: Told) -> None:
    """Two files that seem to be one person's wait for a person to decide."""
    services.open_review(event.one, event.other, score=event.score, reasons=event.reasons, by=SYSTEM)


@after(PatientRegistered, PatientCorrected, RecordReceived)
def try_acts_of(event: Event, told: Told) -> None:
    """Somebody came, or is better known: acts of the civil register that waited for them are tried again."""
    if isinstance(event, PatientRegistered | PatientCorrected | RecordReceived):
        services.try_acts(patient=event.patient, by=SYSTEM)


@after(PatientsMerged, PatientsUnmerged)
def follow_the_register(event: Event, told: Told) -> None:
    """Who is one person has the acts of both; who is two has each their own again."""
    if isinstance(event, PatientsMerged | PatientsUnmerged):
        others = event.before if isinstance(event, PatientsMerged) else event.after
        files = dict.fromkeys((event.patient, event.one, event.other, *others))
        services.follow_register(*files, by=SYSTEM)


@after(RecordReceived, RecordSplit, SplitUndone)
def follow_said(event: Event, told: Told) -> None:
    """A system said something, or of somebody else than was thought: the files of both follow from what is said."""
    if isinstance(event, RecordReceived):
        services.follow_said(event.patient, by=SYSTEM)
    elif isinstance(event, RecordSplit | SplitUndone):
        services.follow_said(event.patient, event.other, by=SYSTEM)


@jobs.periodic(cron="25 * * * *")
@jobs.task(name="patients.try_acts", queue="clock", pass_context=False)
def try_acts(timestamp: int) -> None:
    """Every hour: try some acts again that have waited longest, as after lists were entered that nothing told of."""
    services.try_acts(by=SYSTEM)


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
