"""A few people who tell a story; the same cast plays in the demonstration and in the tutorial.

Amel asks for exams at a regional hospital, Sami makes them, Leila reads them at the university hospital, where
Sirine, a resident, drafts, Karim heads their department, Nour admits patients, Hatem plans at the ministry, Fatma
keeps the accounts, and Zied has no business here: he works at another hospital. By an agreement that Karim and Hatem
signed, the university hospital reads for the regional one.
"""

import datetime
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from tests import tables
from wasl.accounts import queries as accounts_queries
from wasl.accounts import services as accounts
from wasl.kernel.access import SYSTEM, Actor
from wasl.places import services as places
from wasl.radiology import services as radiology
from wasl.workforce import services as workforce

# role and place of each; R the regional hospital, U the university hospital, O another hospital, - the country
PARTS = {
    "amel": ("Amel", "Gharbi", "أمل", "الغربي", "requester", "R"),
    "sami": ("Sami", "Jlassi", "سامي", "الجلاصي", "radiographer", "R"),
    "nour": ("Nour", "Mabrouk", "نور", "المبروك", "registrar", "R"),
    "leila": ("Leila", "Haddad", "ليلى", "الحداد", "radiologist", "U"),
    "sirine": ("Sirine", "Chaabane", "سيرين", "شعبان", "resident", "U"),
    "karim": ("Karim", "Ayari", "كريم", "العياري", "chief", "U"),
    "zied": ("Zied", "Trabelsi", "زياد", "الطرابلسي", "requester", "O"),
    "hatem": ("Hatem", "Bouazizi", "حاتم", "البوعزيزي", "planner", "-"),
    "fatma": ("Fatma", "Ben Salah", "فاطمة", "بن صالح", "administrator", "-"),
}

MODALITIES = ("CR", "CT", "DX", "MG", "MR", "NM", "US", "XA")


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
    sirine: Actor
    karim: Actor
    zied: Actor
    hatem: Actor
    fatma: Actor


_rehearsed: list[tuple[Cast, dict[str, bytes]]] = []


def rehearse() -> None:
    """Play it once, and remember all that was written: the tests begin with that, and need not play it each time."""
    with transaction.atomic():
        _rehearsed[:] = [(_play(), tables.written())]
        transaction.set_rollback(True)


def cast() -> Cast:
    """Bring the cast on stage: three hospitals, nine people, their posts, and whom Leila reads for."""
    if not _rehearsed:  # in another process than that of the tests
        return _play()
    ((stage, rows),) = _rehearsed
    tables.write(rows)
    return stage


def _play() -> Cast:
    region = places.add_region(
        country="TN", code="TN-32", kind="governorate", name_ar="جندوبة", name_fr="Jendouba", name_en="Jendouba",
        latitude=36.7, longitude=8.7, source="tests", by=SYSTEM,
    )  # fmt: skip

    def hospital(code: str, names: tuple[str, str, str], kind: str) -> UUID:
        return places.add_place(code=code, names=names, region=region.id, kind=kind, by=SYSTEM, invented=True).id

    stage: dict[str, UUID] = {
        "R": hospital("oued-zen", ("المستشفى الجهوي وادي الزان", "Hôpital régional Oued Zen", "Oued Zen"), "tn_hr"),
        "U": hospital("el-amal", ("المستشفى الجامعي الأمل", "CHU El Amal", "El Amal University Hospital"), "tn_chu"),
        "O": hospital("el-nakhil", ("المستشفى الجهوي النخيل", "Hôpital régional El Nakhil", "El Nakhil"), "tn_hr"),
    }
    people: dict[str, Any] = {}
    for name, (given, family, given_ar, family_ar, role, where) in PARTS.items():
        person = accounts.add_person(
            username=name, password=None, given_name=given, family_name=family, given_name_ar=given_ar,
            family_name_ar=family_ar, demo=True, by=SYSTEM,
        )  # fmt: skip
        accounts.give_post(person.id, role=role, place=stage.get(where), by=SYSTEM)
        people[name] = person.id
    enrolled = {"leila": ("radiology", "TN-R-1001"), "sirine": ("resident in radiology", "TN-I-2001")}
    for name, (specialty, licence) in enrolled.items():
        worker = workforce.enrol_worker(
            people[name], place=stage["U"], specialty=specialty, licence=licence, languages=["ar", "fr"], by=SYSTEM
        )
        workforce.cover_place(
            worker.id, place=stage["R"], modalities=[], by=SYSTEM, since=timezone.now() - datetime.timedelta(days=1)
        )
    actors = {name: accounts_queries.actor_of(key, address="192.0.2.1") for name, key in people.items()}
    _agree(stage["U"], stage["R"], actors["karim"], actors["hatem"])
    return Cast(regional=stage["R"], university=stage["U"], other=stage["O"], **actors)


def _agree(provider: UUID, beneficiary: UUID, *signers: Actor) -> None:
    """Everything is read, day and night, as fast as the country's targets say."""
    today = timezone.localdate()
    terms = radiology.Terms(
        modalities=MODALITIES, minutes=dict.fromkeys(("P0", "P1", "P2", "P3")), scale="TN-2024-715",
        since=today - datetime.timedelta(days=60), until=today + datetime.timedelta(days=365),
    )  # fmt: skip
    drafted = radiology.draft_agreement(provider=provider, beneficiary=beneficiary, terms=terms, by=signers[0])
    for side, signer in zip(("provider", "beneficiary"), signers, strict=True):
        radiology.sign_agreement(drafted.id, side=side, version=1, by=signer)
