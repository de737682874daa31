"""What may be asked about cases that are about to be late: how they stand, who is next, and which centres are dark."""

import datetime
from collections.abc import Iterable
from dataclasses import dataclass, replace
from uuid import UUID

from django.db.models import Exists, F, Max, OuterRef, Q, QuerySet
from django.utils import timezone

from wasl.accounts import queries as accounts
from wasl.kernel.access import SYSTEM, Actor, Held
from wasl.kernel.errors import NotFound
from wasl.kernel.models import Fact
from wasl.places import queries as places
from wasl.places.queries import Place
from wasl.radiology.events import ReadingClaimed
from wasl.radiology.models import EscalationRule, EscalationStep, Outage, Presence, Reading
from wasl.radiology.queries.agreements import OF_READING, _agreed
from wasl.radiology.queries.dispatch import _readers, rule_in_force
from wasl.radiology.queries.network import OPEN, Network, OpenCase, _open_cases
from wasl.radiology.queries.reading import _visible_readings
from wasl.radiology.rules import escalation as rules
from wasl.radiology.rules.dispatch import Reader, propose
from wasl.radiology.rules.escalation import Done, Limits, Open
from wasl.radiology.rules.reading import is_held
from wasl.workforce import queries as workforce

Number = EscalationStep.Number
CLOSE = datetime.timedelta(hours=2)  # what is due later is not looked at on the page, unless it was passed on


def escalation_limits(*, viewer: Actor) -> Limits:
    """How long before a breach cases are passed on, at what pace, and what silence is dark, by the rule of today."""
    dated = EscalationRule.objects.filter(period__contains=timezone.localdate()).first()
    return Limits(dated.ahead, dated.between, dated.silence, dated.silence_routine) if dated else Limits()


def _visible(viewer: Actor) -> QuerySet[Reading]:
    """A reader's own cases; for who heads or plans for a centre, what its readers read and what it asked for."""
    rows = Reading.objects.select_related("order__procedure", "place", "claimed_by")
    if viewer.is_system or Held("planner", None) in viewer.held:
        return rows
    if viewer.id is None:
        return rows.none()
    mine = Q(id__in=_visible_readings(viewer).values("id"))
    mine |= Q(Exists(EscalationStep.objects.filter(reading=OuterRef("pk"), person=viewer.id)))
    for place in viewer.places("chief", "planner"):
        mine |= Q(place=place) | Q(openings__centre=place, openings__ended_at__isnull=True)
        served = Q(pk__in=())
        people = [worker.person_id for worker in workforce.workers_at([place], viewer=viewer)]
        for covers in workforce.covers_of(people, viewer=viewer).values():
            for cover in covers:
                served |= Q(place=cover.place_id, **({"modality__in": cover.modalities} if cover.modalities else {}))
        mine |= served & Q(_agreed(OF_READING, at=timezone.now(), provider=place))
    return rows.filter(Q(id__in=Reading.objects.filter(mine).values("id")))


def escalated_readings(*, viewer: Actor) -> QuerySet[Reading]:
    """The open cases that the viewer sees and that were passed on for the deadline that they have now."""
    passed = EscalationStep.objects.filter(reading=OuterRef("pk"), due_at=OuterRef("due_at"))
    return _visible(viewer).filter(Exists(passed), state__in=OPEN).order_by("due_at", "id")


def escalations(*, viewer: Actor) -> QuerySet[Reading]:
    """The open cases that the viewer sees and that are due soon, or were passed on; the soonest due first."""
    passed = EscalationStep.objects.filter(reading=OuterRef("pk"), due_at=OuterRef("due_at"))
    soon = Q(due_at__lt=timezone.now() + CLOSE)
    return _visible(viewer).filter(soon | Exists(passed), state__in=OPEN).order_by("due_at", "id")


def escalation(key: UUID, *, viewer: Actor) -> Reading:
    """One case that the viewer sees as one that could be late, open or not."""
    found = _visible(viewer).filter(id=key).first()
    if found is None:
        raise NotFound
    return found


def steps_done(readings: Iterable[UUID], *, viewer: Actor) -> dict[UUID, list[EscalationStep]]:
    """How cases that the viewer was already given were passed on, for the deadline that they have now."""
    found: dict[UUID, list[EscalationStep]] = {}
    if viewer.held:
        rows = EscalationStep.objects.filter(reading__in=list(readings), due_at=F("reading__due_at"))
        for row in rows.select_related("person", "centre", "acknowledged_by", "asked_by").order_by("number"):
            found.setdefault(row.reading_id, []).append(row)
    return found


@dataclass(frozen=True)
class Outlook:
    """When a case will be read, with those on duty (None: none of them may), and whether it is about to be late."""

    finish: datetime.datetime | None
    late: bool


def outlook(readings: Iterable[UUID], *, viewer: Actor) -> dict[UUID, Outlook]:
    """How cases that the viewer was already given will fare, among all open cases of the country."""
    wanted = set(readings)
    if not wanted or not viewer.held:
        return {}
    return {key: found for key, found in _outlook(timezone.now())[1].items() if key in wanted}


def _outlook(now: datetime.datetime) -> tuple[Network, dict[UUID, Outlook]]:
    network = Network(_open_cases(), now)
    rule, limits = rule_in_force(viewer=SYSTEM).weights, escalation_limits(viewer=SYSTEM)
    held = {key: case.reader for key, case in network.cases.items() if is_held(case.state, case.until, now)}
    since = _claimed_at(held)
    cases = [
        Open(network.ranked(case), held.get(key), since.get(key, now) if key in held else None)
        for key, case in network.cases.items()
    ]
    finish = rules.foresee(cases, _on_duty(network, now), rule, now)
    return network, {
        UUID(str(one.case.id)): Outlook(
            finish[one.case.id],
            rules.will_be_late(one, finish[one.case.id], now=now, ahead=limits.ahead, horizon=rule.horizon),
        )
        for one in cases
    }


def _claimed_at(readings: Iterable[UUID]) -> dict[UUID, datetime.datetime]:
    """When cases were last claimed, as the journal says: the row knows the last sign of life alone."""
    rows = Fact.objects.filter(subject__in=list(readings), name=ReadingClaimed.name()).order_by()
    return dict(rows.values("subject").annotate(last=Max("at")).values_list("subject", "last"))


def _on_duty(network: Network, now: datetime.datetime) -> list[Reader]:
    """The readers on duty, but for those of dark centres."""
    dark = {person for key in network.dark if key in network.centres for person in network.centres[key].people}
    return [reader for reader in _readers(network.work, now, SYSTEM) if reader.id not in dark]


def readings_to_pass_on(*, viewer: Actor) -> list[UUID]:
    """The cases that are about to be late and whose next step is due, the soonest due first."""
    if not viewer.is_system:
        return []
    now = timezone.now()
    network, found = _outlook(now)
    late = [key for key, one in found.items() if one.late]
    before, between = done(late, viewer=viewer), escalation_limits(viewer=viewer).between
    return [
        key
        for key in late
        if rules.next_step(
            before.get(key, []), now=now, between=between,
            held=is_held(network.cases[key].state, network.cases[key].until, now),
        )
    ]  # fmt: skip


def done(readings: Iterable[UUID], *, viewer: Actor) -> dict[UUID, list[Done]]:
    """The same steps, as the rules see them."""
    return {
        key: [Done(step.number, step.created_at, step.because == step.Because.NOBODY) for step in steps]
        for key, steps in steps_done(readings, viewer=viewer).items()
    }


@dataclass(frozen=True)
class Target:
    """To whom a step passes a case: a person, or a centre by an agreement; nobody when it has neither."""

    person: UUID | None = None
    centre: UUID | None = None
    agreement: UUID | None = None


def target_of(reading: Reading, *, step: int, viewer: Actor) -> Target:
    """Who is next for a case at a step: the reader, the head of the centre, a centre of its region, any other."""
    now = timezone.now()
    if not viewer.is_system:
        return Target()
    if step == Number.READER and is_held(reading.state, reading.claimed_until, now):
        return Target(person=reading.claimed_by_id)
    # how much waits where is asked for centres alone
    among = Reading.objects.filter(id=reading.id) if step in (Number.READER, Number.CHIEF) else None
    network = Network(_open_cases(among), now)
    case = network.cases[reading.id]
    if step == Number.READER:
        return Target(person=_next_reader(case, network, now))
    local = network.local(case)
    if step == Number.CHIEF:
        return Target(person=_head_of([key for key in local if key not in network.dark] or local or [case.place]))
    near = network.regions[case.place]
    able = {
        key: agreement
        for key, agreement in network.able(case).items()
        if key not in local and (step == Number.COUNTRY or network.regions[key] == near)
    }
    centre = network.spread({case.id: set(able)}).get(case.id)
    return Target(centre=centre, agreement=able[centre]) if centre else Target()


def _next_reader(case: OpenCase, network: Network, now: datetime.datetime) -> UUID | None:
    """Whom the rule in force would give the case to, of those on duty who may read it."""
    readers = [replace(reader, asking=True) for reader in _on_duty(network, now)]
    line = propose([network.ranked(case)], readers, rule_in_force(viewer=SYSTEM).weights, now)
    return UUID(str(line[0].reader.id)) if line else None


def _head_of(centres: Iterable[UUID]) -> UUID | None:
    """Who heads the first of some centres that has a head, the longest known."""
    for place in centres:
        if heads := heads_of(place, viewer=SYSTEM):
            return heads[0]
    return None


def heads_of(place: UUID, *, viewer: Actor) -> list[UUID]:
    """Who heads the imaging department of a place and can sign in, the longest known first."""
    known = accounts.holders("chief", place=place, viewer=viewer).filter(is_active=True)
    return list(known.order_by("created_at", "id").values_list("id", flat=True))


def people_to_tell(centre: UUID, *, viewer: Actor) -> list[UUID]:
    """Who learns that a centre has cases of another one: its readers on duty, all where nobody is, and its heads."""
    on_duty = workforce.on_duty(timezone.now(), viewer=viewer).filter(place=centre).values_list("person", flat=True)
    readers = set(on_duty) or {worker.person_id for worker in workforce.workers_at([centre], viewer=viewer)}
    return sorted(readers | set(heads_of(centre, viewer=viewer)))


def people_of_outage(place: UUID, *, viewer: Actor) -> list[UUID]:
    """Who learns that a centre is dark: its heads, and the planners of the country."""
    planners = accounts.holders("planner", place=None, viewer=viewer).filter(is_active=True)
    return sorted({*heads_of(place, viewer=viewer), *planners.values_list("id", flat=True)})


def _visible_outages(viewer: Actor) -> QuerySet[Outage]:
    """Who answers for a centre sees when it was dark; the country's planner of all, and the system."""
    rows = Outage.objects.select_related("place", "declared_by", "ended_by")
    if viewer.is_system or Held("planner", None) in viewer.held:
        return rows
    return rows.filter(place__in=viewer.places("chief", "planner"))


def outages(*, viewer: Actor) -> QuerySet[Outage]:
    """The centres that are dark now, those dark longest first."""
    return _visible_outages(viewer).filter(period__contains=timezone.now(), period__upper_inf=True).order_by("period")


@dataclass(frozen=True)
class Standing:
    """A centre, and since when it is dark, if it is."""

    place: Place
    outage: Outage | None


def centres(*, viewer: Actor) -> list[Standing]:
    """The centres that the viewer answers for and at which somebody reads, the dark ones first, then by name."""
    reading = {cover.worker.place_id for cover in workforce.every_cover(viewer=viewer)}
    if Held("planner", None) not in viewer.held:
        reading &= viewer.places("chief", "planner")
    dark = {outage.place_id: outage for outage in outages(viewer=viewer)}
    rows = [Standing(place, dark.get(place.id)) for place in places.places(viewer=viewer, ids=reading)]
    return sorted(rows, key=lambda row: (row.outage is None, row.place.name))


def centres_gone_dark(*, viewer: Actor) -> list[UUID]:
    """The centres whose readers on duty have all been silent for longer than what waits for them allows."""
    if not viewer.is_system:
        return []
    now, limits = timezone.now(), escalation_limits(viewer=viewer)
    silent = {
        place: (last, at_work)
        for place, (last, at_work) in _silent_since(now).items()
        if last <= now - min(rules.LEAST_SILENCE, limits.silence) * rules.MINUTE
    }
    if not silent:  # as nearly always: what waits need not be asked
        return []
    network = Network(_open_cases(Reading.objects.filter(state="waiting")), now)
    waiting: dict[UUID, list[rules.Waiting]] = {}
    for case in network.cases.values():
        for place in network.local(case):
            waiting.setdefault(place, []).append(rules.Waiting(case.urgency, case.opened_at, case.due_at))
    return [
        place
        for place, (last, at_work) in silent.items()
        if place not in network.dark
        and rules.is_dark(waiting.get(place, ()), limits, now=now, silent=last, silent_at_work=at_work)
    ]


def _silent_since(now: datetime.datetime) -> dict[UUID, tuple[datetime.datetime, datetime.datetime | None]]:
    """Of each centre with readers on duty, their last sign of life; and the same where not all are on call at home.

    Whose duty at work follows on a night on call is expected there from when that one began.
    """
    on_duty = workforce.on_duty_since(now, viewer=SYSTEM)
    at_work = workforce.on_duty_since(now, viewer=SYSTEM, on_call=False)
    seen = dict(Presence.objects.filter(person__in=list(on_duty)).values_list("person", "seen_at"))
    people: dict[UUID, list[UUID]] = {}
    for person, worker in workforce.workers_of(on_duty, viewer=SYSTEM).items():
        people.setdefault(worker.place_id, []).append(person)
    found = {}
    for place, here in people.items():
        last = rules.silent_since(seen, {person: on_duty[person] for person in here})
        begun = {person: at_work.get(person, on_duty[person]) for person in here}
        if last is not None:
            found[place] = last, rules.silent_since(seen, begun) if at_work.keys() & here else None
    return found


def centres_back(*, viewer: Actor) -> list[UUID]:
    """The outages that silence began, and that a sign of life of a reader there has ended."""
    found = []
    for outage in outages(viewer=viewer).filter(declared_by__isnull=True):
        people = [worker.person_id for worker in workforce.workers_at([outage.place_id], viewer=viewer)]
        if Presence.objects.filter(person__in=people, seen_at__gt=outage.period.lower).exists():
            found.append(outage.id)
    return found if viewer.is_system else []


@dataclass(frozen=True)
class Plan:
    """Where the cases of a dark centre go: centre and agreement of each, the urgent first, and how many stay unread."""

    moves: list[tuple[UUID, UUID, UUID]]
    unread: int


def redistribution(place: UUID, *, viewer: Actor) -> Plan:
    """Which centres the waiting cases of a dark centre go to, of those that may read them."""
    if not viewer.is_system:
        return Plan([], 0)
    now = timezone.now()
    network = Network(_open_cases(), now)
    may: dict[UUID, set[UUID]] = {}
    agreements: dict[UUID, dict[UUID, UUID]] = {}
    unread = 0
    for case in network.cases.values():
        local = network.local(case)
        if place not in local or case.state != Reading.State.WAITING:
            continue
        lit = [key for key in local if key not in network.dark]
        able = network.able(case)
        if any(case.id in network.opened.get(key, ()) for key in lit):
            continue  # it went to another centre before
        if able:
            may[case.id], agreements[case.id] = set(able), able
        elif not lit:
            unread += 1
    goes = network.spread(may)
    ordered = sorted(goes, key=lambda key: (network.cases[key].urgency, network.cases[key].due_at, str(key)))
    return Plan([(key, goes[key], agreements[key][goes[key]]) for key in ordered], unread)


def silent_claims(place: UUID, *, viewer: Actor) -> list[UUID]:
    """The cases that readers of a centre hold, and of whom there was no sign for too long."""
    people = [worker.person_id for worker in workforce.workers_at([place], viewer=viewer)]
    rows = Reading.objects.filter(state="claimed", claimed_by__in=people, claimed_until__lte=timezone.now())
    return list(rows.values_list("id", flat=True)) if viewer.is_system else []
