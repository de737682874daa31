"""The numbers of one person: which are told to whom, and what there is to say of the one that was asked about."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from uuid import UUID

from django.db.models import Q, QuerySet

from wasl.kernel.access import Actor
from wasl.kernel.errors import NotFound, Refused
from wasl.patients import rules
from wasl.patients.models import Patient, ReviewCase, SourceIdentity
from wasl.patients.queries.access import caring_places, grounds_of
from wasl.patients.queries.search import LIMIT, said_of_number
from wasl.patients.rules import numbers

REMOVED = Q(retired_at__isnull=False, replaced_by__isnull=True)


@dataclass(frozen=True)
class Known:
    """A person and the numbers by which others know them, in use, as far as the viewer may know them."""

    head: Patient
    ground: str | None  # that opens the record to the viewer
    told: tuple[SourceIdentity, ...]  # all of them on a ground, and else those of the viewer's own places
    own: tuple[SourceIdentity, ...]  # those of the viewer's own places
    asked: str = ""  # the number that was asked about, as it is kept
    said: tuple[Refused, ...] = ()  # what there is to say of it besides


def known_numbers(patient: UUID, *, viewer: Actor) -> Known:
    """The numbers of the person of a file. Raises NotFound where the viewer may know none of them."""
    rules.check_match(viewer)
    known = _visible_people(Patient.objects.filter(files=patient), viewer)
    if not known:
        raise NotFound
    return known[0]


def numbers_of_number(kind: str, value: str, *, place: UUID | None, viewer: Actor) -> Known:
    """The numbers of the person of a number. Raises NumberUnknown, NumberRestricted, NumberOfSeveral.

    A number that was retired is its person's for ever; one that its hospital removed is nobody's.
    """
    rules.check_match(viewer)
    kept = " ".join(value.split()) if kind == "local" else rules.digits(value)
    named = SourceIdentity.objects.filter(kind=kind, value=kept, place=place).exclude(REMOVED)
    rows = Patient.objects.filter(Q(files__number=kept) if kind == "number" else Q(files__identities__in=named))
    known = _visible_people(rows, viewer)
    if not known:
        said = said_of_number(kept, viewer=viewer) if kind == "number" else []
        closed = [one for one in said if isinstance(one, numbers.NumberRestricted)]
        raise closed[0] if closed else numbers.not_found(said)
    if len(known) > 1:
        raise numbers.NumberOfSeveral
    said = [*_retired(known[0].head, kept if kind == "number" else "", named), *_dead(known[0])]
    return replace(known[0], asked=kept, said=tuple(said))


def _visible_people(rows: QuerySet[Patient], viewer: Actor) -> list[Known]:
    """Those of some people whose record is open to the viewer, or to whom a place of the viewer's gave a number."""
    heads = list(rows.distinct().order_by("id")[:LIMIT])
    grounds = grounds_of([head.id for head in heads], viewer=viewer)
    mine = caring_places(viewer=viewer)
    found = SourceIdentity.objects.filter(patient__head__in=heads).exclude(REMOVED).select_related("patient", "place")
    theirs = list(found.order_by("kind", "created_at", "id")) if heads else []
    known = []
    for head in heads:
        ground = "system" if viewer.is_system else grounds.get(head.id)
        numbers_of_head = [one for one in theirs if one.patient.head_id == head.id]
        in_use = tuple(one for one in numbers_of_head if one.retired_at is None)
        own = tuple(one for one in in_use if one.place_id in mine)
        if ground or any(one.place_id in mine for one in numbers_of_head):
            known.append(Known(head, ground, in_use if ground else own, own))
    return known


def _retired(head: Patient, number: str, named: QuerySet[SourceIdentity]) -> Iterator[Refused]:
    """That another number stands for the one asked about: a Wasl number, or one that a hospital gave."""
    if number:
        if number != head.number:
            yield numbers.NumberSuperseded(number=head.printed_number)
        return
    for one in named.filter(replaced_by__isnull=False).select_related("replaced_by__patient"):
        if one.replaced_by and one.replaced_by.patient.head_id == head.id:
            yield numbers.NumberSuperseded(number=one.replaced_by.value)
        elif one.replaced_by and _waits(one.patient_id, one.replaced_by.patient_id):
            yield numbers.PeopleAreAsked()


def _waits(one: UUID, other: UUID) -> bool:
    """Whether people are asked whether two files are one person's."""
    first, second = sorted((one, other))
    return ReviewCase.objects.filter(one=first, other=second, closed_at=None).exists()


def _dead(known: Known) -> Iterator[Refused]:
    """That the person has died, to whom the record is open."""
    if known.ground and known.head.died_on:
        yield numbers.NumberOfDeceased()
