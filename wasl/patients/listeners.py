"""What follows from a fact about patients, and the index of people, which the clock keeps whole."""

from procrastinate.contrib.django import app as jobs

from wasl.kernel.access import SYSTEM
from wasl.kernel.events import Event, Told, after
from wasl.patients import services
from wasl.patients.events import (
    PatientCorrected,
    PatientRegistered,
    PatientsAlike,
    PatientsMerged,
    PatientsUnmerged,
    RecordReceived,
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
