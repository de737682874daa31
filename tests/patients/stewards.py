"""Those who answer for how good identities are."""

from uuid import UUID

from tests.cast import Cast
from wasl.accounts import queries as accounts_queries
from wasl.accounts import services as accounts
from wasl.accounts.models import Person
from wasl.kernel.access import SYSTEM, Actor


def steward(stage: Cast, place: UUID | None = None, name: str = "monia") -> Actor:
    """A data steward of the country, or of a hospital."""
    person = Person.objects.filter(username=name).first()
    if person is None:
        person = accounts.add_person(
            username=name, password=None, given_name="Monia", family_name="Sassi", given_name_ar="منية",
            family_name_ar="الساسي", demo=True, by=SYSTEM,
        )  # fmt: skip
        accounts.give_post(person.id, role="steward", place=place, by=SYSTEM)
    return accounts_queries.actor_of(person.id, address="192.0.2.8")
