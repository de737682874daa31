"""Who is on duty in the demo country: this month and the next, planned and published by its people, and one swap asked.

One group of the main hospitals; its five radiologists take the days and the nights by turns.
"""

import datetime
from collections.abc import Iterator
from itertools import cycle
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from wasl.accounts import queries as accounts
from wasl.edges.cli.demo.country import Country
from wasl.kernel.access import SYSTEM, Actor
from wasl.radiology import services as radiology
from wasl.workforce import queries
from wasl.workforce import services as workforce

NAMES = {
    "TN": ("استمرار الشمال", "Gardes du Nord", "On call, North"),
    "DZ": ("مناوبة الوسط", "Gardes du Centre", "On call, Centre"),
}
SILENCE = 24 * 60  # minutes
LEAD = 1  # the hospital whose head of department plans


@transaction.atomic
def plan(country: Country) -> int:
    """Plan this month and the next, once; how many shifts there are."""
    if queries.groups(viewer=SYSTEM).exists():
        return 0
    karim, hatem = (_actor(name) for name in ("karim", "hatem"))
    group = workforce.found_group(
        names=NAMES[country.code], specialty="radiology", lead=country.hospitals[LEAD].place,
        hospitals=[hospital.place for hospital in country.hospitals], by=hatem,
    )  # fmt: skip
    first = timezone.localdate().replace(day=1)
    turns = cycle(queries.candidates("radiology", viewer=SYSTEM))
    count = 0
    for month in (first, (first + datetime.timedelta(days=31)).replace(day=1)):
        count += _publish(group.id, month, turns, by=karim)
    _ask_for_swap(country)
    # nobody sits before the screens of a demonstration: a centre there is not dark for a quarter of an hour's silence
    patient = radiology.Limits(silence=SILENCE, silence_routine=SILENCE)
    radiology.set_escalation_rule(patient, since=timezone.localdate(), by=hatem)
    return count


def _publish(group: UUID, month: datetime.date, turns: Iterator[queries.Worker], *, by: Actor) -> int:
    """Days on site, nights on call, from 8 to 20 and on; the first night begins where the last month left off."""
    roster = workforce.draft_roster(group, month=month, by=by)
    last = queries.bounds(month)[1]
    count, since = 0, timezone.localtime(queries.gaps_of(roster, viewer=by)[0].since)
    while since < last:
        night = not 8 <= since.hour < 20
        ends = (8 if night else 20) - since.hour
        until = since + datetime.timedelta(hours=ends if ends > 0 else ends + 24)
        kind = "oncall" if night else "onsite"
        workforce.add_shift(roster.id, worker=next(turns).id, period=(since, until), kind=kind, by=by)
        count, since = count + 1, until
    workforce.publish_roster(roster.id, by=by)
    return count


def _ask_for_swap(country: Country) -> None:
    """A colleague asks Leila to take a shift over, against one of hers."""
    leila, *others = country.readers
    mine = list(queries.my_shifts(viewer=leila))
    theirs = list(queries.my_shifts(viewer=others[0]))
    taker = queries.worker_of(leila.id, viewer=SYSTEM) if leila.id else None
    if taker:
        workforce.propose_swap(theirs[-1].id, colleague=taker.id, against=mine[-1].id, by=others[0])


def _actor(username: str) -> Actor:
    person = accounts.person_called(username, viewer=SYSTEM)
    assert person is not None  # noqa: S101  the country was built just now
    return accounts.actor_of(person.id)
