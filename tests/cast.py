"""A few people who tell a story; the same cast plays in the demonstration and in the tutorial.

Amel asks for exams at a regional hospital, Sami makes them, Leila reads them at the university hospital, Karim heads
her department, Nour admits patients, Hatem plans at the ministry, Fatma keeps the accounts, and Zied has no business
here: he works at another hospital.
"""

import datetime
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.utils import timezone

from wasl.accounts import queries as accounts_queries
from wasl.accounts import services as accounts
from wasl.kernel.access import SYSTEM, Actor
from wasl.places import services as places
from wasl.workforce import services as workforce

# role and place of each; R the regional hospital, U the university hospital, O another hospital, - the country
PARTS = {
    "amel": ("Amel", "Gharbi", "أمل", "الغربي", "requester", "R"),
    "sami": ("Sami", "Jlassi", "سامي", "الجلاصي", "radiographer", "R"),
    "nour": ("Nour", "Mabrouk", "نور", "المبروك", "registrar", "R"),
    "leila": ("Leila", "Haddad", "ليلى", "الحداد", "radiologist", "U"),
    "karim": ("Karim", "Ayari", "كريم", "العياري", "chief", "U"),
    "zied": ("Zied", "Trabelsi", "زياد", "الطرابلسي", "requester", "O"),
    "hatem": ("Hatem", "Bouazizi", "حاتم", "البوعزيزي", "planner", "-"),
    "fatma": ("Fatma", "Ben Salah", "فاطمة", "بن صالح", "administrator", "-"),
}


@dataclass(frozen=True)
class Cast:
    """The people as actors, and the three hospitals."""

    regional: UUID
    university: UUID
    other: UUID
    amel: Actor
    sami: Actor
    nour: Actor
    leila: Actor
    karim: Actor
    zied: Actor
    hatem: Actor
    fatma: Actor


def cast() -> Cast:
    """Bring the cast on stage: three hospitals, eight people, their posts, and whom Leila reads for."""
    region = places.add_region(
        country="TN", code="TN-32", kind="governorate", name_ar="جندوبة", name_fr="Jendouba", name_en="Jendouba",
        latitude=36.7, longitude=8.7, source="tests", by=SYSTEM,
    )  # fmt: skip

    def hospital(code: str, names: tuple[str, str, str], kind: str) -> UUID:
        return places.add_place(code=code, names=names, region=region.id, kind=kind, by=SYSTEM, invented=True).id

    stage = {
        "R": hospital("oued-zen", ("المستشفى الجهوي وادي الزان", "Hôpital régional Oued Zen", "Oued Zen"), "tn_hr"),
        "U": hospital("el-amal", ("المستشفى الجامعي الأمل", "CHU El Amal", "El Amal University Hospital"), "tn_chu"),
        "O": hospital("el-nakhil", ("المستشفى الجهوي النخيل", "Hôpital régional El Nakhil", "El Nakhil"), "tn_hr"),
        "-": None,
    }
    people: dict[str, Any] = {}
    for name, (given, family, given_ar, family_ar, role, where) in PARTS.items():
        person = accounts.add_person(
            username=name, password=None, given_name=given, family_name=family, given_name_ar=given_ar,
            family_name_ar=family_ar, demo=True, by=SYSTEM,
        )  # fmt: skip
        accounts.give_post(person.id, role=role, place=stage[where], by=SYSTEM)
        people[name] = person.id
    worker = workforce.enrol_worker(
        people["leila"], place=stage["U"], specialty="radiology", licence="TN-R-1001", languages=["ar", "fr"], by=SYSTEM
    )
    workforce.cover_place(
        worker.id, place=stage["R"], modalities=[], by=SYSTEM, since=timezone.now() - datetime.timedelta(days=1)
    )
    actors = {name: accounts_queries.actor_of(key, address="192.0.2.1") for name, key in people.items()}
    return Cast(regional=stage["R"], university=stage["U"], other=stage["O"], **actors)
