"""A training world: three centres, the hospitals that they read for, and the exams of a morning, made up from a seed.

It is made with the verbs that people use, and read by the rules of the country that holds the drill. The cases are
those of `wasl simulate dispatch`. All of it is invented, and stands in a database that is thrown away.
"""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives import hashes
from django.utils import timezone

from wasl.accounts import queries as accounts_queries
from wasl.accounts import services as accounts
from wasl.edges.cli.simulate.synthetic import KINDS, START, URGENCIES, synthetic
from wasl.edges.links import keys
from wasl.kernel.access import SYSTEM, Actor
from wasl.patients import services as patients
from wasl.places import services as places
from wasl.radiology import queries as radiology_queries
from wasl.radiology import services as radiology
from wasl.radiology.queries.dispatch import Weights
from wasl.workforce import queries as workforce_queries
from wasl.workforce import services as workforce

BEGINS = START + datetime.timedelta(hours=9)  # of a Monday, when most exams come
DAY, MINUTE = datetime.timedelta(days=1), datetime.timedelta(minutes=1)
SPECIALTY = "radiology"
KINDS_READ = tuple(KINDS)
CENTRES = 3  # the third lies in another region
SHARES = (0, 1, 2, 0, 1, 1, 2, 2)  # which hospital has the cases of each of `synthetic`: a third each
FAMILIES = ("First", "Second", "Third")  # of the one patient of each hospital
DRILLED = 0  # the centre, the line and the reader that fail


@dataclass(frozen=True)
class Scale:
    """How large a world is: readers of each centre, minutes before and after the outage and of a cut, and how busy."""

    readers: int = 2
    before: int = 20
    after: int = 70
    cut: int = 30
    load: float = 2.4  # as `synthetic` counts: of a whole day, of the readers on duty; here all are, in its best hours


@dataclass(frozen=True)
class Rules:
    """What the country goes by: when cases are passed on, who reads what next, and in how many minutes."""

    limits: radiology.Limits = field(default_factory=radiology.Limits)
    weights: Mapping[str, float] = field(default_factory=lambda: vars(Weights()))
    minutes: Mapping[str, int] = field(default_factory=lambda: dict(URGENCIES))


def rules_in_force() -> Rules:
    """What the country of this instance goes by now."""
    now = timezone.now()
    weights = dict(vars(radiology_queries.rule_in_force(viewer=SYSTEM).weights))
    minutes = {urgency: radiology_queries.target_minutes(urgency, on=now) for urgency in URGENCIES}
    return Rules(radiology_queries.escalation_limits(viewer=SYSTEM), weights, minutes)


def rules_of(given: Mapping[str, Any]) -> Rules:
    """The same again, from JSON."""
    return Rules(radiology.Limits(**given["limits"]), given["weights"], given["minutes"])


@dataclass(frozen=True)
class Exam:
    """An exam that will be made: at which hospital, what, when, and for how many minutes somebody reads it."""

    number: int
    hospital: int
    kind: str
    urgency: str
    at: datetime.datetime
    minutes: float


@dataclass(frozen=True)
class Hospital:
    """A hospital that asks for exams: who asks, and of whom, and the gateway that is the end of its line."""

    place: UUID
    gateway: Actor
    doctor: Actor
    patient: UUID


@dataclass(frozen=True)
class World:
    """What stands before a drill begins; each list in the order of the centres."""

    scale: Scale
    hospitals: list[Hospital]
    readers: list[list[Actor]]
    procedures: dict[str, UUID]
    exams: list[Exam]


def exams_of(seed: int, scale: Scale) -> list[Exam]:
    """The exams of a seed that are made while the drill lasts."""
    month = synthetic(seed, readers=CENTRES * scale.readers, days=1, load=scale.load)
    ends = BEGINS + (scale.before + scale.after) * MINUTE
    chosen = [(case, minutes) for case, minutes in month.cases if BEGINS <= case.opened_at < ends]
    return [
        Exam(number, SHARES[int(str(case.place))], case.modality, case.urgency, case.opened_at, minutes)
        for number, (case, minutes) in enumerate(sorted(chosen, key=lambda pair: pair[0].opened_at))
    ]


def build(seed: int, rules: Rules, scale: Scale) -> World:
    """Bring a world on stage, in the open transaction, at the moment that the clock shows."""
    _rule(rules)
    regions = [_region(number) for number in range(2)]
    planner = _person("planner", "planner", None)
    _person("administrator", "administrator", None)
    where = [regions[number // 2] for number in range(CENTRES)]
    hospitals = [_hospital(number, region) for number, region in enumerate(where)]
    centres = [_place(f"centre-{number}", "Centre", region, "tn_chu") for number, region in enumerate(where)]
    readers = []
    for number, (centre, own) in enumerate(zip(centres, hospitals, strict=True)):
        chief = _person(f"chief{number}", "chief", centre)
        mine = [_reader(f"reader{number}{count}", centre, own.place) for count in range(scale.readers)]
        for hospital in hospitals:
            _agree(centre, hospital.place, chief, planner)
        _put_on_duty(centre, mine, chief)
        readers.append(mine)
    procedures = {kind: _procedure(kind) for kind in KINDS_READ}
    return World(scale, hospitals, readers, procedures, exams_of(seed, scale))


def _rule(rules: Rules) -> None:
    today = timezone.localdate()
    radiology.set_escalation_rule(rules.limits, since=today, by=SYSTEM)
    drafted = radiology.draft_rule(weights=rules.weights, why="As in the country that holds the drill.", by=SYSTEM)
    radiology.publish_rule(drafted.id, by=SYSTEM)
    for urgency, minutes in rules.minutes.items():
        radiology.set_target(urgency, minutes=minutes, since=today, by=SYSTEM)
    for kind, (_share, points, _classes) in KINDS.items():
        radiology.set_effort(kind, points=points, since=today, by=SYSTEM)


def _region(number: int) -> UUID:
    name = f"Training region {number}"
    return places.add_region(
        country="TN", code=f"drill-{number}", kind="governorate", name_ar=name, name_fr=name, name_en=name,
        latitude=35 + number, longitude=9, source="invented", by=SYSTEM,
    ).id  # fmt: skip


def _place(code: str, name: str, region: UUID, kind: str) -> UUID:
    title = f"{name} {code}"
    return places.add_place(
        code=f"drill-{code}", names=(title, title, title), region=region, kind=kind, invented=True, by=SYSTEM
    ).id


def _hospital(number: int, region: UUID) -> Hospital:
    place = _place(f"hospital-{number}", "Hospital", region, "tn_hr")
    doctor = _person(f"doctor{number}", "requester", place)
    patient = patients.register_patient(
        place=place, by=doctor, given_name="Training", family_name=FAMILIES[number], sex="male",
        birth_date=datetime.date(1980, 1, 1 + number), identities=[("local", f"DRILL-{number}")],
    )  # fmt: skip
    _person(f"administrator{number}", "administrator", place)
    return Hospital(place, _gateway(number, place), doctor, patient.id)


def _gateway(number: int, place: UUID) -> Actor:
    """A hospital's gateway that joined as all do: by a code, with a key of its own."""
    _made, code = accounts.add_gateway(name=f"Training {number}", place=place, by=SYSTEM)
    _key, request = keys.new_key()
    given = accounts.join_gateway(code.secret, request=request, by=SYSTEM)
    return accounts_queries.actor_of_certificate(given.fingerprint(hashes.SHA256()))


def _person(name: str, role: str, place: UUID | None) -> Actor:
    found = accounts.add_person(
        username=f"drill-{name}", password=None, given_name="Training", family_name=name.title(), demo=True, by=SYSTEM
    )
    accounts.give_post(found.id, role=role, place=place, by=SYSTEM)
    return accounts_queries.actor_of(found.id)


def _reader(name: str, centre: UUID, hospital: UUID) -> Actor:
    """A reader of a centre reads for its own hospital; for the others by their agreements, once a case is opened."""
    reader = _person(name, "radiologist", centre)
    if reader.id is None:
        raise RuntimeError("a person who was just added is nobody")
    worker = workforce.enrol_worker(
        reader.id, place=centre, specialty=SPECIALTY, licence=f"DRILL-{name}", languages=["fr"], by=SYSTEM
    )
    workforce.cover_place(worker.id, place=hospital, modalities=[], since=timezone.now(), by=SYSTEM)
    return reader


def _agree(centre: UUID, hospital: UUID, chief: Actor, planner: Actor) -> None:
    today = timezone.localdate()
    terms = radiology.Terms(
        modalities=KINDS_READ, minutes=dict.fromkeys(URGENCIES), scale="DRILL", since=today, until=today + 30 * DAY
    )
    drafted = radiology.draft_agreement(provider=centre, beneficiary=hospital, terms=terms, by=chief)
    radiology.sign_agreement(drafted.id, side="provider", version=drafted.version, by=chief)
    radiology.sign_agreement(drafted.id, side="beneficiary", version=drafted.version, by=planner)


def _put_on_duty(centre: UUID, readers: list[Actor], chief: Actor) -> None:
    """All readers of a centre are on duty, by a roster that its head publishes."""
    title = f"Training {centre}"
    group = workforce.found_group(
        names=(title, title, title), specialty=SPECIALTY, lead=centre, hospitals=[centre], by=SYSTEM
    )
    roster = workforce.draft_roster(group.id, month=timezone.localdate(), by=chief)
    for reader in readers:
        worker = workforce_queries.worker_of(reader.id, viewer=SYSTEM) if reader.id else None
        if worker is not None:
            period = workforce_queries.bounds(roster.month)
            workforce.add_shift(roster.id, worker=worker.id, period=period, kind="onsite", by=chief)
    workforce.publish_roster(roster.id, by=chief)


def _procedure(kind: str) -> UUID:
    return radiology.add_procedure(
        code=f"DRILL-{kind}", names=(f"{kind}", f"{kind}", f"{kind}"), modality=kind, region="69536005",
        region_name="Head", by=SYSTEM,
    ).id  # fmt: skip
