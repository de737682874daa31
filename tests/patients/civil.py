"""Acts of the civil register, as tests send them."""

import datetime
from uuid import UUID

from wasl.accounts import queries as accounts_queries
from wasl.accounts import services as accounts
from wasl.kernel.access import SYSTEM, Actor
from wasl.patients import services
from wasl.patients.models import CivilStanding

SALMA = {
    "nid": "09417263", "first_lat": "Salma", "last_lat": "Ben Salah", "first_ar": "سلمى", "last_ar": "بن صالح",
    "sex": "F", "dob": "1980-03-12", "father": "Hedi", "mother": "Zohra Mejri",
}  # fmt: skip


def day(text: str) -> datetime.date:
    """A day, as the feed writes it."""
    return datetime.date.fromisoformat(text)


def act(kind: str, number: str, **columns: str) -> dict[str, str]:
    """A line of the feed about Salma, unless the columns say otherwise."""
    day = columns.pop("happened_on", "2026-05-01")
    return {"registry": "TN-JEN", "kind": kind, "number": number, "acted_on": day, "happened_on": day, **columns}


def send(kind: str, number: str, **columns: str) -> CivilStanding:
    """Let the register send an act."""
    return services.receive_act(act(kind, number, **columns), by=SYSTEM)


def birth(number: str = "80/311", **columns: str) -> CivilStanding:
    """Salma's act of birth."""
    return send("birth", number, **{**SALMA, "birth_order": "1", "happened_on": "1980-03-12", **columns})


def death(number: str = "26/9", **columns: str) -> CivilStanding:
    """Salma's act of death."""
    return send("death", number, **{**SALMA, **columns})


def annul(kind: str, number: str, **columns: str) -> CivilStanding:
    """The register takes an act back."""
    about = {"of_kind": kind, "of_number": number, "happened_on": "2026-06-01", **columns}
    return send("annulment", f"A-{number}", **about)


def steward(name: str = "houda") -> Actor:
    """A data steward of the whole country."""
    who = accounts.add_person(
        username=name, password=None, given_name="Houda", family_name="Selmi", given_name_ar="هدى",
        family_name_ar="السالمي", demo=True, by=SYSTEM,
    )  # fmt: skip
    accounts.give_post(who.id, role="steward", place=None, by=SYSTEM)
    return accounts_queries.actor_of(UUID(str(who.id)), address="192.0.2.1")
