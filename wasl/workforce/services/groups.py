"""Groups of hospitals: founded, joined, left, and how many are on duty in them."""

from collections.abc import Iterable
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from wasl.kernel.access import Actor
from wasl.kernel.errors import NotFound
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb
from wasl.places import queries as places
from wasl.workforce.events import GroupFounded, GroupJoined, GroupLeft, MinimumSet
from wasl.workforce.models import Group, Membership, Roster, Worker
from wasl.workforce.rules import groups as rules


@verb
def found_group(
    *, names: tuple[str, str, str], specialty: str, lead: UUID, hospitals: Iterable[UUID], by: Actor, minimum: int = 1
) -> Group:
    """Join hospitals in a group that one place leads; `names` are Arabic, French, English."""
    rules.check_groups(lead, by)
    rules.check_minimum(minimum)
    keys = sorted(set(hospitals))  # in one order: two who join the same hospitals wait for each other, and never both
    if not keys:
        raise rules.NoHospital
    if not Worker.objects.filter(specialty=specialty).exists():
        raise rules.UnknownSpecialty
    if places.places(viewer=by, ids={*keys, lead}).count() < len({*keys, lead}):
        raise rules.UnknownHospital
    try:
        with transaction.atomic():
            group = Group.objects.create(
                name_ar=names[0], name_fr=names[1], name_en=names[2], specialty=specialty, lead_id=lead, minimum=minimum
            )
    except IntegrityError as error:
        raise rules.GroupNameTaken(name=names[1]) from error
    emit(GroupFounded(group=group.id, place=lead), by=by)
    for key in keys:
        _join(group, key, by=by)
    return group


@verb
def set_minimum(key: UUID, *, minimum: int, by: Actor) -> None:
    """Say how many of a group are on duty at every hour, from the drafts on; published rosters keep theirs."""
    group = _locked(key, by=by)
    rules.check_minimum(minimum)
    group.minimum = minimum
    group.save(update_fields=("minimum",))
    Roster.objects.filter(group=group, state=Roster.State.DRAFT).update(minimum=minimum)
    emit(MinimumSet(group=group.id, minimum=minimum), by=by)


@verb
def join_group(key: UUID, *, place: UUID, by: Actor) -> Membership:
    """Let a group cover the hours of one more hospital."""
    group = _locked(key, by=by)
    if not places.places(viewer=by, ids=[place]).exists():
        raise rules.UnknownHospital
    return _join(group, place, by=by)


@verb
def leave_group(key: UUID, *, place: UUID, by: Actor) -> None:
    """Let a group no longer cover the hours of a hospital."""
    group = _locked(key, by=by)
    members = {row.place_id: row for row in group.memberships.filter(ended_at__isnull=True)}
    if place not in members:
        raise rules.NotInGroup
    if len(members) == 1:
        raise rules.LastHospital
    membership = members[place]
    membership.ended_at = timezone.now()
    membership.save(update_fields=("ended_at",))
    emit(GroupLeft(membership=membership.id, group=group.id, place=place), by=by)


def _locked(key: UUID, *, by: Actor) -> Group:
    """A group that somebody decides about; one act on it at a time."""
    group = Group.objects.select_for_update(no_key=True).filter(id=key).first()
    if group is None:
        raise NotFound
    rules.check_groups(group.lead_id, by)
    return group


def _join(group: Group, place: UUID, *, by: Actor) -> Membership:
    try:
        with transaction.atomic():
            membership = Membership.objects.create(group=group, place_id=place, specialty=group.specialty)
    except IntegrityError as error:
        raise rules.InAnotherGroup from error
    emit(GroupJoined(membership=membership.id, group=group.id, place=place), by=by)
    return membership
