"""Whom a fact concerns, for those who tell them."""

from uuid import UUID

from wasl.accounts import queries as accounts
from wasl.kernel.access import Actor
from wasl.radiology.models import Agreement, Recall
from wasl.radiology.rules.agreements import BINDING


def recalled_person(recall: UUID, *, viewer: Actor) -> UUID | None:
    """Who had a report that was withdrawn."""
    rows = Recall.objects.filter(id=recall) if viewer.is_system else Recall.objects.none()
    return rows.values_list("person", flat=True).first()


def binding_people(agreement: UUID, *, viewer: Actor) -> list[UUID]:
    """Who binds one of the two hospitals of an agreement, those of the country included."""
    parties = Agreement.objects.filter(id=agreement) if viewer.is_system else Agreement.objects.none()
    people: set[UUID] = set()
    for provider, beneficiary in parties.values_list("provider", "beneficiary"):
        for role in BINDING:
            for place in (provider, beneficiary, None):
                people |= set(accounts.holders(role, place=place, viewer=viewer).values_list("id", flat=True))
    return sorted(people)
