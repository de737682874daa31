"""The viewer's layouts: saved from the viewer or from a file, named, used or not, and forgotten."""

from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from wasl.archive import queries
from wasl.archive.events import LayoutForgotten, LayoutImported, LayoutRenamed, LayoutSaved, LayoutTurned
from wasl.archive.models import Layout
from wasl.archive.rules import layouts as rules
from wasl.kernel.access import Actor
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb


@verb
def save_layout(
    uid: str, *, name: str, arrangement: rules.Arrangement, earlier: bool, by: Actor, shared: bool = False
) -> Layout:
    """Keep how the series of an exam lie, for all of its kind, in the place of what was kept. Raises NoSuchStudy.

    It is one's own; `shared`, the hospital's where one is at work. Nothing of the patient is kept.
    """
    study = queries.study_by_uid(uid, viewer=by)
    kind = queries.kind_of_study(uid, earlier=earlier, viewer=by)
    kept = rules.unnamed(arrangement, study.header_name)
    values = {**_laid(kept, rules.called(name, names=study.header_name)), "used": True, "saved_at": timezone.now()}
    # of two at once the second finds the row of the first, and the last word holds
    whose = {**_owner(shared, by), **asdict(kind)}
    row, _created = Layout.objects.update_or_create(defaults=values, **whose)
    emit(LayoutSaved(layout=row.id, place=row.place_id), by=by)
    return row


@verb
def import_layout(
    kind: rules.Kind, *, name: str, arrangement: rules.Arrangement, by: Actor, shared: bool = False
) -> Layout:
    """Keep a layout that came from elsewhere, unless there is one of its kind. Raises LayoutKnown."""
    rules.check_kind(kind)
    owner = _owner(shared, by)
    try:
        with transaction.atomic():
            row = Layout.objects.create(**owner, **asdict(kind), **_laid(arrangement, rules.called(name)))
    except IntegrityError as error:
        known = Layout.objects.filter(**owner, **asdict(kind)).first()
        raise rules.LayoutKnown(name=known.name if known else "") from error
    emit(LayoutImported(layout=row.id, place=row.place_id), by=by)
    return row


@verb
def rename_layout(key: UUID, *, name: str, by: Actor) -> Layout:
    """Call a layout something else."""
    row = _kept(key, by)
    row.name = rules.called(name)
    row.save(update_fields=("name",))
    emit(LayoutRenamed(layout=row.id, place=row.place_id), by=by)
    return row


@verb
def use_layout(key: UUID, *, used: bool, by: Actor) -> Layout:
    """Have the viewer take a layout by itself, or no longer."""
    row = _kept(key, by)
    row.used = used
    row.save(update_fields=("used",))
    emit(LayoutTurned(layout=row.id, place=row.place_id, used=used), by=by)
    return row


@verb
def forget_layout(key: UUID, *, by: Actor) -> None:
    """Keep a layout no longer."""
    row = _kept(key, by)
    place = row.place_id
    row.delete()
    emit(LayoutForgotten(layout=key, place=place), by=by)


def _owner(shared: bool, by: Actor) -> dict[str, UUID | None]:
    """Whose a new layout is."""
    if not shared:
        return {"person_id": by.id, "place_id": None}
    rules.check_shares(by.at, by=by)
    return {"person_id": None, "place_id": by.at}


def _laid(arrangement: rules.Arrangement, name: str) -> dict[str, Any]:
    return {"name": name, "rows": arrangement.rows, "columns": arrangement.columns, "boxes": arrangement.said}


def _kept(key: UUID, by: Actor) -> Layout:
    """A layout that somebody may change, locked. Raises NoSuchLayout, NotTheChief."""
    queries.layout(key, viewer=by)
    row = Layout.objects.select_for_update().filter(id=key).first()
    if row is None:  # somebody forgot it meanwhile
        raise rules.NoSuchLayout
    rules.check_keeps(person=row.person_id, place=row.place_id, by=by)
    return row
