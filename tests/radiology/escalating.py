"""What escalation needs beside the cast: neighbours with agreements, people on duty, deadlines that come near."""

import datetime
from dataclasses import dataclass
from uuid import UUID

from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.utils import timezone

from tests import make
from tests.cast import MODALITIES, Cast
from wasl.accounts import queries as accounts_queries
from wasl.accounts import services as accounts
from wasl.kernel.access import SYSTEM, Actor
from wasl.places import services as places
from wasl.places.models import Region
from wasl.radiology import services
from wasl.radiology.models import Agreement, Reading
from wasl.workforce import services as workforce
from wasl.workforce.models import Group, Roster, Shift, Worker

HOUR, MINUTE = datetime.timedelta(hours=1), datetime.timedelta(minutes=1)
WHY = "The power is out in the whole town."


@dataclass(frozen=True)
class Neighbour:
    """A hospital that reads for the regional one, its reader and its head."""

    place: UUID
    reader: Actor
    chief: Actor
    agreement: Agreement | None


def person(name: str, role: str, place: UUID) -> Actor:
    """Somebody with one post."""
    found = accounts.add_person(
        username=name, password=None, given_name=name.title(), family_name="Dridi", demo=True, by=SYSTEM
    )
    accounts.give_post(found.id, role=role, place=place, by=SYSTEM)
    return accounts_queries.actor_of(found.id)


def neighbour(
    stage: Cast, number: int = 1, *, agreed: bool = True, region: str = "", modality: str = "CT", **terms: object
) -> Neighbour:  # fmt: skip
    """A hospital of the same region, or of one named, that reads its own CTs and, when agreed, the regional one's."""
    where = Region.objects.get(code="TN-32") if not region else _region(region)
    names = (f"مستشفى {number}", f"Hôpital voisin {number}", f"Neighbour {number}")
    place = places.add_place(
        code=f"voisin-{number}", names=names, region=where.id, kind="tn_hr", by=SYSTEM, invented=True
    ).id
    reader, chief = person(f"voisine{number}", "radiologist", place), person(f"chef{number}", "chief", place)
    assert reader.id
    worker = workforce.enrol_worker(
        reader.id, place=place, specialty="radiology", licence=f"TN-R-9{number:02}", languages=["fr"], by=SYSTEM
    )
    workforce.cover_place(worker.id, place=place, modalities=[modality], by=SYSTEM, since=timezone.now() - 24 * HOUR)
    signed = agree(stage, place, chief, **terms) if agreed else None
    return Neighbour(place, reader, chief, signed)


def _region(code: str) -> Region:
    return places.add_region(
        country="TN", code=code, kind="governorate", name_ar="صفاقس", name_fr="Sfax", name_en="Sfax", latitude=34.7,
        longitude=10.7, source="tests", by=SYSTEM,
    )  # fmt: skip


def agree(stage: Cast, place: UUID, chief: Actor, **values: object) -> Agreement:
    """A hospital reads for the regional one: its head signs, and Hatem for the other side."""
    about = {"modalities": MODALITIES, "minutes": dict.fromkeys(("P0", "P1", "P2", "P3")), **values}
    drafted = services.draft_agreement(
        provider=place, beneficiary=stage.regional, terms=make.terms(**about), by=stage.hatem
    )
    services.sign_agreement(drafted.id, side="provider", version=1, by=chief)
    return services.sign_agreement(drafted.id, side="beneficiary", version=1, by=stage.hatem)


def on_duty(*readers: Actor, since: datetime.timedelta = HOUR, kind: str = "onsite") -> None:
    """These readers are on duty for an hour more, by a published roster of their hospital."""
    now = timezone.now()
    for reader in readers:
        worker = Worker.objects.get(person=reader.id)
        group, _made = Group.objects.get_or_create(
            lead_id=worker.place_id, specialty="radiology",
            defaults={"name_ar": f"{worker.place_id}", "name_fr": f"{worker.place_id}", "name_en": "Group"},
        )  # fmt: skip
        roster, _made = Roster.objects.get_or_create(
            group=group, month=timezone.localdate().replace(day=1), state="published",
            defaults={"minimum": 1, "published_at": now},
        )  # fmt: skip
        period = DateTimeTZRange(now - since, now + HOUR)
        Shift.objects.create(roster=roster, worker=worker, period=period, kind=kind)


def due_in(case: Reading, minutes: float) -> Reading:
    """The case's deadline comes so near."""
    Reading.objects.filter(id=case.id).update(due_at=timezone.now() + minutes * MINUTE)
    case.refresh_from_db()
    return case


def waited(case: Reading, minutes: float) -> Reading:
    """The case has waited so long."""
    Reading.objects.filter(id=case.id).update(created_at=timezone.now() - minutes * MINUTE)
    case.refresh_from_db()
    return case
