"""What a second reading found is told to the author, and to the head of the department, and never by whom."""

import contextlib
from uuid import UUID, uuid5

from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from procrastinate.contrib.django import app as jobs

from wasl.accounts import services as accounts
from wasl.kernel.access import SYSTEM
from wasl.kernel.errors import Refused
from wasl.kernel.events import Told, after
from wasl.radiology import queries, services
from wasl.radiology.events import ReadingsArbitrated, SecondReadingGiven, SecondReadingMissed

accounts.declare("radiology.second_critical", title=_("A second reader found something critical in an exam"))
accounts.declare("radiology.second_overdue", title=_("A report was not read a second time in time"))
accounts.declare("radiology.second_stands", title=_("A second reading stands: an addendum is needed"))


@jobs.periodic(cron="* * * * *")
@jobs.task(name="radiology.miss_second_readings", queue="clock", pass_context=False)
def miss_second_readings(timestamp: int) -> None:
    """Every minute: the double readings whose time has passed."""
    for key in queries.second_readings_to_miss(viewer=SYSTEM):
        with contextlib.suppress(Refused):  # its report was withdrawn meanwhile
            services.miss_second_reading(key, by=SYSTEM)


@after(SecondReadingMissed)
def tell_that_it_is_overdue(event: SecondReadingMissed, told: Told) -> None:
    """The head of the author's department learns once that a report was not read twice in time."""
    link = reverse("radiology:matters")
    for head in queries.heads_of_double(event.double, viewer=SYSTEM):
        accounts.write_message(head, kind="radiology.second_overdue", link=link, source=event.double, by=SYSTEM)


@after(SecondReadingGiven)
def tell_of_what_is_critical(event: SecondReadingGiven, told: Told) -> None:
    """What the second reader alone finds critical waits neither for the comparison nor for an arbiter."""
    if event.newly_critical:
        _tell(event.double, "second_critical", told)


@after(ReadingsArbitrated)
def tell_that_the_second_stands(event: ReadingsArbitrated, told: Told) -> None:
    """The author is asked for an addendum, and the head sees to it."""
    if event.stands == "second":
        _tell(event.double, "second_stands", told)


def _tell(double: UUID, kind: str, told: Told) -> None:
    people = queries.people_of_double(double, viewer=SYSTEM)
    if people is None:
        return
    author, heads = people
    source = uuid5(double, str(told.seq))
    for person, page in ((author, "double_readings"), *((head, "matters") for head in heads)):
        link = reverse(f"radiology:{page}")
        accounts.write_message(person, kind=f"radiology.{kind}", link=link, source=source, urgent=True, by=SYSTEM)
