"""Who is told of case conferences: those invited by name, and the heads of department of hospitals invited."""

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from wasl.accounts import services as accounts
from wasl.kernel.access import SYSTEM
from wasl.kernel.events import Told, after
from wasl.radiology import queries
from wasl.radiology.events import ConferenceOpened

accounts.declare("radiology.conference", title=_("You are invited to a case conference"))


@after(ConferenceOpened)
def tell_the_invited(event: ConferenceOpened, told: Told) -> None:
    """Whoever is invited learns of it, calmly."""
    link = reverse("radiology:conference", args=[event.conference])
    for person in queries.people_invited(event.conference, viewer=SYSTEM):
        accounts.write_message(person, kind="radiology.conference", link=link, source=event.conference, by=SYSTEM)
