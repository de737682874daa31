"""Cases about to be late are passed on, and dark centres found, every minute; whom it concerns is told at any hour."""

import contextlib
from uuid import UUID, uuid5

from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from procrastinate.contrib.django import app as jobs

from wasl.accounts import services as accounts
from wasl.kernel.access import SYSTEM
from wasl.kernel.errors import Refused
from wasl.kernel.events import Event, Told, after
from wasl.radiology import queries, services
from wasl.radiology.events import (
    CentreCameBack,
    CentreWentDark,
    ReadingEscalated,
    ReadingRedistributed,
    ReadingsLeftInTheDark,
)

accounts.declare("radiology.escalated", title=_("A case is about to be late and was passed on to you"))
accounts.declare("radiology.redistributed", title=_("Cases of another centre came to yours"))
accounts.declare("radiology.centre_dark", title=_("A centre no longer reads"))
accounts.declare("radiology.centre_back", title=_("A centre reads again"))
accounts.declare("radiology.left_unread", title=_("Cases of a dark centre have nobody to go to"))
ABOUT: dict[type[Event], str] = {
    CentreWentDark: "centre_dark",
    CentreCameBack: "centre_back",
    ReadingsLeftInTheDark: "left_unread",
}


@jobs.periodic(cron="* * * * *")
@jobs.task(name="radiology.escalate", queue="clock", pass_context=False)
def escalate(timestamp: int) -> None:
    """Every minute: find centres dark or back, give a dark one's cases to others, pass on what is about to be late."""
    for place in queries.centres_gone_dark(viewer=SYSTEM):
        services.find_centre_dark(place, by=SYSTEM)
    for outage in queries.centres_back(viewer=SYSTEM):
        services.find_centre_back(outage, by=SYSTEM)
    for dark in list(queries.outages(viewer=SYSTEM)):
        services.redistribute_readings(dark.id, by=SYSTEM)
    for key in queries.readings_to_pass_on(viewer=SYSTEM):
        with contextlib.suppress(Refused):  # it is gone, and the others go on
            services.pass_on_reading(key, by=SYSTEM)


@after(CentreWentDark)
def redistribute_at_once(event: CentreWentDark, told: Told) -> None:
    """The cases of a centre that went dark go to others at once, not at the next minute."""
    services.redistribute_readings(event.outage, by=SYSTEM)


@after(ReadingEscalated)
def tell_who_is_next(event: ReadingEscalated, told: Told) -> None:
    """Whoever a case is passed on to learns it at any hour; of a centre, who is on duty there, and its head."""
    people = [event.person] if event.person else []
    if event.centre:
        people = [*queries.people_to_tell(event.centre, viewer=SYSTEM)]
    link = reverse("radiology:escalation", args=[event.reading])
    for person in people:
        _tell(person, "escalated", link, source=uuid5(event.reading, str(told.seq)))


@after(ReadingRedistributed)
def tell_the_other_centre(event: ReadingRedistributed, told: Told) -> None:
    """Who is on duty at a centre learns once that cases of a dark one came."""
    for person in queries.people_to_tell(event.centre, viewer=SYSTEM):
        _tell(person, "redistributed", reverse("radiology:readings"), source=uuid5(event.outage, str(event.centre)))


@after(CentreWentDark, CentreCameBack, ReadingsLeftInTheDark)
def tell_who_answers(event: Event, told: Told) -> None:
    """The heads of a dark centre and the country's planners learn it, and when it is over; who said so knows."""
    if isinstance(event, CentreWentDark | CentreCameBack | ReadingsLeftInTheDark):
        for person in queries.people_of_outage(event.place, viewer=SYSTEM):
            if told.by != f"person:{person}":
                _tell(person, ABOUT[type(event)], reverse("radiology:escalations"), source=event.outage)


def _tell(person: UUID, kind: str, link: str, *, source: UUID) -> None:
    accounts.write_message(person, kind=f"radiology.{kind}", link=link, source=source, urgent=True, by=SYSTEM)
