"""Readers hear what concerns their shifts: a month that was published, a swap asked and answered, a replacement."""

from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from wasl.accounts import services as accounts
from wasl.kernel.access import SYSTEM
from wasl.kernel.events import Event, Told, after
from wasl.workforce import queries
from wasl.workforce.events import RosterPublished, ShiftHandedOver, SwapAccepted, SwapDeclined, SwapProposed

accounts.declare("workforce.roster", title=_("A month's roster with shifts of yours was published"))
accounts.declare("workforce.swap", title=_("A colleague offers you a shift"))
accounts.declare("workforce.swap_accepted", title=_("A colleague agreed to take a shift of yours"))
accounts.declare("workforce.swap_declined", title=_("A colleague does not take a shift of yours"))
accounts.declare("workforce.shift", title=_("A planner changed who is on duty on a shift of yours"))


@after(RosterPublished)
def tell_who_is_on_duty(event: RosterPublished, told: Told) -> None:
    """Everybody who is on duty in the month learns that it is settled."""
    roster = queries.roster(event.roster, viewer=SYSTEM)
    people = {shift.worker.person_id for shift in queries.shifts_of(roster, viewer=SYSTEM)}
    for person in sorted(people):
        _tell(person, "roster", event.roster)


@after(SwapProposed)
def tell_the_colleague(event: SwapProposed, told: Told) -> None:
    """Who is offered a shift answers before it begins."""
    _tell(queries.swap(event.swap, viewer=SYSTEM).colleague.person_id, "swap", event.swap)


@after(SwapAccepted, SwapDeclined)
def tell_who_offered(event: Event, told: Told) -> None:
    """Who offered a shift learns what became of it."""
    kind = "swap_accepted" if isinstance(event, SwapAccepted) else "swap_declined"
    _tell(queries.swap(event.subject, viewer=SYSTEM).shift.worker.person_id, kind, event.subject)


@after(ShiftHandedOver)
def tell_both_readers(event: ShiftHandedOver, told: Told) -> None:
    """When a planner replaces a reader, both learn it; of a swap they know."""
    people = queries.people_of([event.worker, event.before], viewer=SYSTEM)
    if told.by not in {f"person:{person}" for person in people}:
        for person in people:
            _tell(person, "shift", event.shift)


def _tell(person: UUID, kind: str, source: UUID) -> None:
    link = reverse("workforce:my_shifts")
    accounts.write_message(person, kind=f"workforce.{kind}", link=link, source=source, by=SYSTEM)
