"""A group of the three hospitals and its readers, planned by Karim with the verbs that planners use."""

import datetime
from dataclasses import dataclass
from uuid import UUID

from django.utils import timezone

from tests.cast import Cast
from wasl.accounts import queries as accounts_queries
from wasl.accounts import services as accounts
from wasl.kernel.access import SYSTEM, Actor
from wasl.workforce import services
from wasl.workforce.models import Group, Roster, Shift, Worker


@dataclass(frozen=True)
class Reader:
    """Somebody who is put on duty."""

    actor: Actor
    worker: UUID


def next_month(after: int = 1) -> datetime.date:
    """The first day of the month that comes, or of a later one."""
    day = timezone.localdate().replace(day=1)
    for _ in range(after):
        day = (day + datetime.timedelta(days=31)).replace(day=1)
    return day


def days_of(month: datetime.date, *, parity: int | None = None) -> list[datetime.date]:
    """The days of a month; those of even or of odd number only, where asked."""
    days = [month + datetime.timedelta(days=n) for n in range(31)]
    return [day for day in days if day.month == month.month and parity in (None, day.day % 2)]


def group(stage: Cast, *, hospitals: tuple[UUID, ...] = (), minimum: int = 1, name: str = "Nuits du Nord") -> Group:
    """The group that El Amal leads; of all three hospitals unless told otherwise."""
    return services.found_group(
        names=("ليالي الشمال", name, "Nights of the North"), specialty="radiology", lead=stage.university,
        hospitals=hospitals or (stage.regional, stage.university, stage.other), minimum=minimum, by=stage.hatem,
    )  # fmt: skip


def leila(stage: Cast) -> Reader:
    """Leila, who reads at El Amal."""
    return Reader(stage.leila, Worker.objects.get(licence="TN-R-1001").id)


def reader(stage: Cast, number: int, *, specialty: str = "radiology", where: UUID | None = None) -> Reader:
    """One more radiologist, of another hospital unless told otherwise."""
    person = accounts.add_person(
        username=f"lecteur{number}", password=None, given_name="Yassine", family_name=f"Riahi {number}", demo=True,
        by=SYSTEM,
    )  # fmt: skip
    accounts.give_post(person.id, role="radiologist", place=where or stage.university, by=SYSTEM)
    worker = services.enrol_worker(
        person.id, place=where or stage.university, specialty=specialty, licence=f"TN-R-2{number:03}", languages=["fr"],
        by=SYSTEM,
    )  # fmt: skip
    return Reader(accounts_queries.actor_of(person.id), worker.id)


def fill(stage: Cast, roster: Roster, *readers: Reader) -> None:
    """A month without gaps: whole days, the readers by turns."""
    days = days_of(roster.month)
    for number, one in enumerate(readers):
        services.add_pattern(
            roster.id, worker=one.worker, days=days[number :: len(readers)], begins=8, ends=8, kind="oncall",
            by=stage.karim,
        )  # fmt: skip
    services.add_shift(
        roster.id, worker=readers[1].worker if len(readers) > 1 else readers[0].worker,
        period=(first_hour(roster.month), first_hour(roster.month) + datetime.timedelta(hours=8)), kind="remote",
        by=stage.karim,
    )  # fmt: skip


def first_hour(month: datetime.date) -> datetime.datetime:
    """When a month begins on the country's clock."""
    return timezone.make_aware(datetime.datetime(month.year, month.month, 1))  # noqa: DTZ001  made aware here


def published(stage: Cast, *readers: Reader, of: Group | None = None, month: datetime.date | None = None) -> Roster:
    """A published month, the next unless told otherwise."""
    drafted = services.draft_roster((of or group(stage)).id, month=month or next_month(), by=stage.karim)
    fill(stage, drafted, *readers)
    return services.publish_roster(drafted.id, by=stage.karim)


def shift_of(one: Reader, nth: int = 0) -> Shift:
    """The first, second, … whole-day shift of a reader that stands."""
    rows = Shift.objects.filter(worker=one.worker, replaced_at__isnull=True, kind="oncall")
    return list(rows.order_by("period"))[nth]
