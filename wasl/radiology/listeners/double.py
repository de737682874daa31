"""What a second reading found is told to the author, and to the head of the department, and never by whom."""

from uuid import UUID, uuid5

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from wasl.accounts import services as accounts
from wasl.kernel.access import SYSTEM
from wasl.kernel.events import Told, after
from wasl.radiology import queries
from wasl.radiology.events import ReadingsArbitrated, SecondReadingGiven

accounts.declare("radiology.second_critical", title=_("A second reader found something critical in an exam"))
accounts.declare("radiology.second_stands", title=_("A second reading stands: an addendum is needed"))


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
