"""What follows from opinions asked of other hospitals: who is told, and what images that go elsewhere take along."""

import contextlib
from uuid import UUID, uuid5

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from wasl.accounts import services as accounts
from wasl.kernel.access import SYSTEM
from wasl.kernel.events import Event, Told, after
from wasl.radiology import queries, services
from wasl.radiology.events import (
    ExpertiseAnswered,
    ExpertiseDeclined,
    ExpertiseRequested,
    ExpertiseWithdrawn,
    StudyUnlinked,
)
from wasl.radiology.rules.expertise import MOVED, ExpertiseEnded

URGENT = frozenset({"P0", "P1"})

accounts.declare("radiology.expertise_asked", title=_("Your opinion is asked on an exam"))
accounts.declare("radiology.expertise_answered", title=_("An opinion that you asked for was given"))
accounts.declare("radiology.expertise_declined", title=_("An opinion that you asked for was declined"))
accounts.declare("radiology.expertise_withdrawn", title=_("A question that you took was taken back"))


@after(ExpertiseRequested)
def tell_the_experts(event: ExpertiseRequested, told: Told) -> None:
    """Who was named, or those who read at the hospital asked, learn of it: at any hour of what is an emergency."""
    for person in queries.experts_to_tell(event.expertise, viewer=SYSTEM):
        _tell(person, "asked", event.expertise, source=event.expertise, urgent=event.urgency in URGENT)


@after(ExpertiseAnswered, ExpertiseDeclined)
def tell_who_asked_for_it(event: Event, told: Told) -> None:
    """Who asked learns what became of the question."""
    found = queries.expertise(event.subject, viewer=SYSTEM)
    kind = "answered" if isinstance(event, ExpertiseAnswered) else "declined"
    urgent = found.urgency in URGENT
    _tell(found.asker_id, kind, found.id, source=uuid5(found.id, str(told.seq)), urgent=urgent)


@after(ExpertiseWithdrawn)
def tell_the_expert(event: ExpertiseWithdrawn, told: Told) -> None:
    """Who had taken a question learns that no answer is needed."""
    if event.expert:
        link = reverse("radiology:expertises")
        accounts.write_message(
            event.expert, kind="radiology.expertise_withdrawn", link=link, source=uuid5(event.expertise, str(told.seq)),
            by=SYSTEM,
        )  # fmt: skip


@after(StudyUnlinked)
def withdraw_what_was_asked(event: StudyUnlinked, told: Told) -> None:
    """What is asked about images that are not of this order is taken back; the record closes to the expert."""
    for key in queries.open_expertises(event.order, study=event.study, viewer=SYSTEM):
        with contextlib.suppress(ExpertiseEnded):  # answered meanwhile
            services.withdraw_expertise(key, because=MOVED, by=SYSTEM)


def _tell(person: UUID, kind: str, expertise: UUID, *, source: UUID, urgent: bool) -> None:
    accounts.write_message(
        person, kind=f"radiology.expertise_{kind}", link=reverse("radiology:expertise", args=[expertise]),
        source=source, urgent=urgent, by=SYSTEM,
    )  # fmt: skip
