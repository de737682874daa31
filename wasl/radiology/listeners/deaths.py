"""The civil register says that a patient died, or takes it back: what is booked ends, and who asked is told."""

from uuid import uuid5

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from wasl.accounts import services as accounts
from wasl.kernel.access import SYSTEM
from wasl.kernel.events import Told, after
from wasl.patients.events import DeathWithdrawn, PatientDied
from wasl.radiology import queries, services
from wasl.radiology.queries import Order

accounts.declare("radiology.died", title=_("An exam that you asked for was cancelled: the patient has died"))
accounts.declare("radiology.alive", title=_("A death was annulled: an exam that you asked for stays cancelled"))


@after(PatientDied)
def cancel_what_is_booked(event: PatientDied, told: Told) -> None:
    """What is asked for and not begun is cancelled, and who asked learns why. What was made is read."""
    for order in services.cancel_for_death(event.patient, by=SYSTEM):
        _tell(order, "died", told)


@after(DeathWithdrawn)
def list_what_was_cancelled(event: DeathWithdrawn, told: Told) -> None:
    """Nothing is booked again by itself: who asked learns of each exam that is cancelled, and asks again if wanted."""
    for order in queries.cancelled_for_death(event.patient, viewer=SYSTEM):
        _tell(order, "alive", told)


def _tell(order: Order, kind: str, told: Told) -> None:
    link = reverse("radiology:order", args=[order.id])
    source = uuid5(order.id, str(told.seq))
    urgent = order.urgency in ("P0", "P1")
    accounts.write_message(
        order.requester_id, kind=f"radiology.{kind}", link=link, source=source, urgent=urgent, by=SYSTEM
    )
