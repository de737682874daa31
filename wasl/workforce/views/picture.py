"""A month as a picture: a band for each reader, what is left open, and the same as a list of days."""

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from django.utils import timezone

from wasl.places.queries import Day
from wasl.workforce.queries import Gap, Roster, Shift, Span, Worker, bounds

HOUR = datetime.timedelta(hours=1)


@dataclass(frozen=True)
class Bar:
    """A piece of a band: where it begins and how long it is, in hours of the month."""

    begins: int
    hours: int
    shift: Shift | None = None


@dataclass
class Band:
    """One reader's month."""

    worker: Worker
    bars: list[Bar] = field(default_factory=list)
    hours: int = 0
    mine: bool = False


@dataclass
class Date:
    """A day of the month: what kind of day, who comes on duty in it, and what is left open."""

    day: Day
    begins: int  # in hours of the month
    today: bool
    shifts: list[Shift]
    gaps: list[Gap]


class Picture:
    """What the page of a month draws; `total` is its hours."""

    def __init__(
        self, roster: Roster, shifts: Sequence[Shift], gaps: Sequence[Gap], days: Iterable[Day], *, viewer: UUID | None
    ) -> None:
        self.first, self.last = bounds(roster.month)
        self.total = (self.last - self.first) // HOUR
        self.gaps = [self._bar((gap.since, gap.until)) for gap in gaps]
        bands: dict[UUID, Band] = {}
        for shift in shifts:
            band = bands.setdefault(shift.worker_id, Band(shift.worker, mine=shift.worker.person_id == viewer))
            bar = self._bar((shift.period.lower, shift.period.upper), shift)
            band.bars.append(bar)
            band.hours += bar.hours
        self.bands = sorted(bands.values(), key=lambda band: band.worker.person.name)
        today = timezone.localdate()
        self.dates = [self._date(day, today, shifts, gaps) for day in days]

    @property
    def week(self) -> list[Date]:
        """A whole week, for the heads of its columns."""
        begins = (7 - len(self.offset)) % 7
        return self.dates[begins : begins + 7]

    @property
    def offset(self) -> range:
        """The empty cells before the first day, in weeks that begin after the weekend."""
        ends = next(n for n, date in enumerate(self.dates) if date.day.weekend and not self.dates[n + 1].day.weekend)
        return range((6 - ends) % 7)

    def _bar(self, period: Span, shift: Shift | None = None) -> Bar:
        since, until = max(period[0], self.first), min(period[1], self.last)
        return Bar((since - self.first) // HOUR, (until - since) // HOUR, shift)

    def _date(self, day: Day, today: datetime.date, shifts: Sequence[Shift], gaps: Sequence[Gap]) -> Date:
        begins = self.first + datetime.timedelta(days=day.date.day - 1)
        ends = begins + datetime.timedelta(days=1)
        since = self.first if day.date.day == 1 else begins  # the night before the first day is told on it
        return Date(
            day=day, begins=(begins - self.first) // HOUR, today=day.date == today,
            shifts=[row for row in shifts if row.period.lower < ends and
                    (row.period.lower >= begins or since < row.period.upper and day.date.day == 1)],
            gaps=[replace(gap, since=max(gap.since, begins), until=min(gap.until, ends))
                  for gap in gaps if gap.since < ends and gap.until > begins],
        )  # fmt: skip
