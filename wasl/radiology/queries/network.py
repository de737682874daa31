"""Which centre may read which open case at a moment, and how much waits there: what passing on and dark centres ask."""

import datetime
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from django.db.models import QuerySet

from wasl.kernel.access import SYSTEM
from wasl.places import queries as places
from wasl.radiology.models import Outage, Reading
from wasl.radiology.queries.agreements import _in_force
from wasl.radiology.queries.dispatch import Efforts, efforts
from wasl.radiology.queries.openings import _by_centre
from wasl.radiology.rules import escalation as rules
from wasl.radiology.rules.dispatch import Case
from wasl.radiology.rules.escalation import Centre, Lost
from wasl.workforce import queries as workforce

OPEN = (Reading.State.WAITING, Reading.State.CLAIMED)


class OpenCase(NamedTuple):
    """An open case, as far as it matters for who reads it."""

    id: UUID
    place: UUID
    modality: str
    urgency: str
    exam: UUID
    body: str
    language: str
    opened_at: datetime.datetime
    due_at: datetime.datetime
    state: str
    reader: UUID | None
    until: datetime.datetime | None


FIELDS = (
    "id", "place", "modality", "urgency", "order__procedure", "order__procedure__region", "order__requester__language",
    "created_at", "due_at", "state", "claimed_by", "claimed_until",
)  # fmt: skip


def _open_cases(rows: QuerySet[Reading] | None = None) -> list[OpenCase]:
    """The open cases of the country, or of some rows."""
    found = Reading.objects.all() if rows is None else rows
    return [OpenCase(*row) for row in found.filter(state__in=OPEN).order_by("due_at", "id").values_list(*FIELDS)]


@dataclass
class _Place:
    """A centre: the hospitals and modalities that its readers cover, and how many readers it has, on duty first."""

    pairs: set[tuple[UUID, str]]
    kinds: set[str]
    people: set[UUID]
    on_duty: int = 0


class Network:
    """The centres, their covers, agreements in force, darkness and openings at a moment, for some open cases."""

    def __init__(self, cases: Iterable[OpenCase], now: datetime.datetime) -> None:
        self.cases = {case.id: case for case in cases}
        self.work = Efforts(efforts(viewer=SYSTEM))
        self.centres = _centres({case.modality for case in self.cases.values()}, now)
        dark = Outage.objects.filter(period__contains=now)
        self.dark = set(dark.values_list("place", flat=True))
        opened, self.taken = _by_centre(self.centres)
        self.opened = {place: {case for case, _kind in rows} for place, rows in opened.items()}
        known = {*self.centres, *(case.place for case in self.cases.values())}
        self.regions = {row.id: row.region_id for row in places.places(viewer=SYSTEM, ids=known)}
        self.agreed: dict[tuple[UUID, str, str], list[tuple[UUID, UUID | None, UUID]]] = {}
        rows = _in_force(now).filter(beneficiary__in={case.place for case in self.cases.values()})
        fields = ("beneficiary", "modality", "urgency", "provider", "procedure", "agreement")
        for place, kind, urgency, provider, exam, agreement in rows.values_list(*fields):
            self.agreed.setdefault((place, kind, urgency), []).append((provider, exam, agreement))

    def points(self, case: OpenCase) -> int:
        """How much work a case is."""
        return self.work.points(case.exam, case.modality)

    def ranked(self, case: OpenCase) -> Case:
        """A case as the rule that decides who reads what next sees it."""
        return Case(
            case.id, case.place, case.modality, case.urgency, self.points(case), case.opened_at, case.due_at,
            case.body, case.language,
        )  # fmt: skip

    def agreements(self, case: OpenCase) -> dict[UUID, UUID]:
        """The agreement by which each centre may read a case now."""
        rows = self.agreed.get((case.place, case.modality, case.urgency), ())
        return {provider: agreement for provider, exam, agreement in rows if exam in (None, case.exam)}

    def local(self, case: OpenCase) -> list[UUID]:
        """The centres whose readers have a case before them now: its own first, then those of its region."""
        agreed = self.agreements(case)
        found = [
            key
            for key, centre in self.centres.items()
            if (key == case.place or key in agreed)
            and (
                case.id in self.opened.get(key, ())
                or ((case.place, case.modality) in centre.pairs and case.id not in self.taken.get(key, ()))
            )
        ]
        home = self.regions[case.place]
        return sorted(found, key=lambda key: (key != case.place, self.regions[key] != home, str(key)))

    def able(self, case: OpenCase) -> dict[UUID, UUID]:
        """The centres that are not dark, have an agreement, and readers of the modality; each with its agreement."""
        return {
            key: agreement
            for key, agreement in self.agreements(case).items()
            if key not in self.dark and key in self.centres and case.modality in self.centres[key].kinds
        }

    def spread(self, may: dict[UUID, set[UUID]]) -> dict[UUID, UUID]:
        """Which centre each case goes to, of those that may take it, balanced by the points that wait there."""
        load: Counter[UUID] = Counter()
        for case in self.cases.values():
            here = [key for key in self.local(case) if key not in self.dark]
            for key in here:
                load[key] += round(100 * self.points(case) / len(here))
        turned: dict[UUID, set[UUID]] = {}
        for case_id, keys in may.items():
            for key in keys:
                turned.setdefault(key, set()).add(case_id)
        centres = [
            Centre(key, self.regions[key], frozenset(cases), load[key] / 100 / self.readers(key), self.readers(key))
            for key, cases in turned.items()
        ]
        lost = [
            Lost(case.id, case.urgency, case.due_at, self.points(case), self.regions[case.place])
            for case in (self.cases[key] for key in may)
        ]
        return rules.spread(lost, centres)  # type: ignore[return-value]

    def readers(self, centre: UUID) -> int:
        """How many read at a centre: those on duty, where a roster says so."""
        return self.centres[centre].on_duty or len(self.centres[centre].people)


def _centres(kinds: set[str], now: datetime.datetime) -> dict[UUID, _Place]:
    found: dict[UUID, _Place] = {}
    for cover in workforce.every_cover(viewer=SYSTEM):
        centre = found.setdefault(cover.worker.place_id, _Place(set(), set(), set()))
        centre.people.add(cover.worker.person_id)
        for kind in cover.modalities or kinds:
            centre.kinds.add(kind)
            centre.pairs.add((cover.place_id, kind))
    for worker in workforce.on_duty(now, viewer=SYSTEM):
        if worker.place_id in found:
            found[worker.place_id].on_duty += 1
    return found
