"""Which files are one person's, what is kept on each, and which pairs wait for a person to decide."""

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TypeVar
from uuid import UUID

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from wasl.kernel.access import SYSTEM, Actor
from wasl.kernel.errors import NotFound
from wasl.patients.models import (
    CareRelationship,
    Merge,
    NotSame,
    Patient,
    RecordLink,
    ReviewCase,
    Settled,
    SourceIdentity,
    Split,
)
from wasl.patients.rules import comparing
from wasl.patients.rules import merging as rules
from wasl.patients.rules.holding import Held, Kept, keepers

M = TypeVar("M", ReviewCase, Merge, NotSame)


def same_person(patient: UUID, *, viewer: Actor) -> tuple[UUID, ...]:
    """Every file of the person one of whose files this is, the one under which they are found first.

    Each module asks its questions "of this patient" with `patient__in=`; what may be seen, their grounds say.
    """
    if not viewer.held:
        return (patient,)
    rows = Patient.objects.filter(head__files=patient).values_list("id", "head")
    return tuple(key for key, head in sorted(rows, key=lambda row: row[0] != row[1]))


def is_one_person(patients: Iterable[UUID | None], *, viewer: Actor) -> bool:
    """Whether some files, those that are nobody's left out, are all one person's."""
    keys = {key for key in patients if key}
    if len(keys) < 2:
        return True
    return viewer.roles != frozenset() and Patient.objects.filter(id__in=keys).values("head").distinct().count() == 1


def head_of(patient: UUID, *, viewer: Actor) -> UUID:
    """The file under which the person of a file is found: itself, where it was not retired. Raises NotFound."""
    head = Patient.objects.filter(id=patient).values_list("head", flat=True).first()
    if head is None or not viewer.held:
        raise NotFound
    return head


def merges_of(patient: UUID, *, viewer: Actor) -> list[Merge]:
    """The merges that bind a person's files together, last first, for those who decide about them."""
    if not viewer.roles & rules.REVIEWERS:
        return []
    files = same_person(patient, viewer=viewer)
    rows = Merge.objects.filter(undone_at__isnull=True, one__in=files).select_related("one", "other")
    return list(rows.order_by("-created_at", "-id"))


def merge(key: UUID, *, viewer: Actor) -> Merge:
    """One merge, standing or undone, for those who decide about its files. Raises NotFound."""
    found = _known_to(Merge.objects.filter(id=key), viewer).select_related("one", "other").first()
    if found is None:
        raise NotFound
    return found


def holdings(
    patients: Sequence[UUID], *, viewer: Actor, since: datetime.datetime | None = None
) -> list[tuple[str, Kept, list[Held]]]:
    """What modules keep on some files, written since a moment or ever, by kind; last first.

    For those who decide who is who: what is kept, when and where, and not what it says.
    """
    if not (viewer.is_system or viewer.roles & rules.REVIEWERS):
        return []
    found = [
        (kind, kept, list(kept.find(patients, since=since, viewer=SYSTEM))) for kind, kept in sorted(keepers.items())
    ]
    return [(kind, kept, sorted(rows, key=lambda row: row.at, reverse=True)) for kind, kept, rows in found if rows]


def written_since(merge: Merge, *, viewer: Actor) -> list[tuple[str, Kept, list[Held]]]:
    """What was written on the files of both sides of a merge since it was said: whose each is, is to be looked at."""
    sides = {*same_person(merge.one_id, viewer=viewer), *same_person(merge.other_id, viewer=viewer)}
    return holdings(sorted(sides), since=merge.created_at, viewer=viewer)


def written_between(split: Split, *, viewer: Actor) -> list[tuple[str, Kept, list[Held]]]:
    """What was written on a person's files while they had a record that was split off, and nobody settled since.

    What was written at the record's own hospital comes first: it is the likeliest to be the other person's.
    """
    place, done = split.closed.record.place_id, settled_of(split, viewer=viewer)
    files = same_person(split.closed.patient_id, viewer=viewer)
    found = []
    for kind, kept, rows in holdings(files, since=split.closed.opened_at, viewer=viewer):
        left = [row for row in rows if row.at <= split.created_at and (kind, row.key) not in done]
        if left:
            found.append((kind, kept, sorted(left, key=lambda row: row.place != place)))
    return found


def settled_of(split: Split, *, viewer: Actor) -> dict[tuple[str, UUID], Settled]:
    """What people settled of a split, by kind and key, for those who decide."""
    if not (viewer.is_system or viewer.roles & rules.REVIEWERS):
        return {}
    return {(row.kind, row.key): row for row in Settled.objects.filter(split=split).order_by("created_at")}


def both_hold_care(one: UUID, other: UUID, *, viewer: Actor) -> bool:
    """Whether something of care is kept of both of two people, in any of their files."""
    return all(
        any(kept.clinical for _kind, kept, _rows in holdings(same_person(key, viewer=viewer), viewer=viewer))
        for key in (one, other)
    )


def reviews(*, viewer: Actor) -> QuerySet[ReviewCase]:
    """The pairs that wait for a decision, those that a person asked about first, then the most probable."""
    differ = NotSame.objects.filter(one=OuterRef("one"), other=OuterRef("other"), withdrawn_at__isnull=True)
    rows = _visible_reviews(viewer).filter(~Exists(differ), closed_at__isnull=True).exclude(one__head=F("other__head"))
    return rows.select_related("one", "other").order_by(F("score").desc(), "id")


def review(key: UUID, *, viewer: Actor) -> ReviewCase:
    """One case, waiting or decided. Raises NotFound."""
    found = _visible_reviews(viewer).filter(id=key).select_related("one", "other").first()
    if found is None:
        raise NotFound
    return found


def difference(key: UUID, *, viewer: Actor) -> NotSame:
    """What somebody said of two files, for those who decide about them. Raises NotFound."""
    found = _known_to(NotSame.objects.filter(id=key), viewer).first()
    if found is None:
        raise NotFound
    return found


def differences_of(patient: UUID, *, viewer: Actor) -> list[NotSame]:
    """With whose files somebody said that a person's must not be taken for one, for those who decide."""
    if not viewer.roles & rules.REVIEWERS:
        return []
    files = same_person(patient, viewer=viewer)
    rows = NotSame.objects.filter(Q(one__in=files) | Q(other__in=files), withdrawn_at__isnull=True)
    return list(rows.select_related("one", "other").order_by("-created_at"))


def records_of(patient: UUID, *, viewer: Actor) -> list[RecordLink]:
    """What places' own systems say of a person's files, by place, for those who decide whose each record is."""
    if not viewer.roles & rules.REVIEWERS:
        return []
    files = same_person(patient, viewer=viewer)
    rows = RecordLink.objects.filter(patient__in=files, closed_at=None).exclude(record__local_id="")
    return list(rows.select_related("record__place").order_by("opened_at", "id"))


def splits_of(patient: UUID, *, viewer: Actor) -> list[Split]:
    """The records that were split from a person's files or given to them, last first, for those who decide."""
    if not viewer.roles & rules.REVIEWERS:
        return []
    files = same_person(patient, viewer=viewer)
    rows = Split.objects.filter(Q(closed__patient__in=files) | Q(opened__patient__in=files), undone_at__isnull=True)
    about = ("closed__record__place", "closed__patient", "opened__patient")
    return list(rows.select_related(*about).order_by("-created_at", "-id"))


def split(key: UUID, *, viewer: Actor) -> Split:
    """One split, standing or undone, for those who decide about either person. Raises NotFound."""
    about = ("closed__record__place", "closed__patient", "opened__patient")
    found = Split.objects.filter(id=key).select_related(*about).first() if viewer.roles & rules.REVIEWERS else None
    if found is None or not any(is_known_here(link.patient_id, viewer=viewer) for link in (found.closed, found.opened)):
        raise NotFound
    return found


def _visible_reviews(viewer: Actor) -> QuerySet[ReviewCase]:
    """The cases of people known at the places where one decides; of all, where one decides for the whole country."""
    return _known_to(ReviewCase.objects.all(), viewer)


def _known_to(rows: QuerySet[M], viewer: Actor) -> QuerySet[M]:
    """Rows of two files, of which one at least is known where the viewer decides."""
    if viewer.is_system or _decides_everywhere(viewer):
        return rows
    cared, numbered = _known_at(viewer.places(*rules.REVIEWERS))
    known = Q()
    for side in ("one", "other"):
        known |= Exists(cared.filter(patient=OuterRef(side))) | Exists(numbered.filter(patient=OuterRef(side)))
    return rows.filter(known)


def is_known_here(patient: UUID, *, viewer: Actor) -> bool:
    """Whether a person is known at a place where the viewer decides who is who."""
    if viewer.is_system or _decides_everywhere(viewer):
        return True
    files = same_person(patient, viewer=viewer)
    return any(rows.filter(patient__in=files).exists() for rows in _known_at(viewer.places(*rules.REVIEWERS)))


def _decides_everywhere(viewer: Actor) -> bool:
    return any(held.role in rules.REVIEWERS and held.place is None for held in viewer.held)


def _known_at(where: Iterable[UUID]) -> tuple[QuerySet[CareRelationship], QuerySet[SourceIdentity]]:
    """Whom some places care or cared for, and to whom they gave a number of their own."""
    return (
        CareRelationship.objects.filter(place__in=where, copy_of__isnull=True),
        SourceIdentity.objects.filter(kind="local", place__in=where),
    )


def compared(case: ReviewCase, *, viewer: Actor) -> list[comparing.Line]:
    """The two files of a case side by side, field by field; national numbers by their ends only."""
    one, other = review(case.id, viewer=viewer).one, case.other
    named: tuple[str, ...] = ("latin_name", "arabic_name")
    if not any(getattr(one, name) and getattr(other, name) for name in named):
        named = ("either_name",)
    asked = (*named, "sex", "birth_date", "father_name", "mother_name", "phone", "commune")
    lines = [comparing.line(field, _value(one, field), _value(other, field)) for field in asked]
    return [*lines, *_numbers(one, other)]


def _value(file: Patient, field: str) -> str:
    match field:
        case "either_name":
            return file.latin_name or file.arabic_name
        case "sex":
            return str(file.get_sex_display()) if file.sex != "unknown" else ""
        case "birth_date" if file.birth_date:
            return f"{file.birth_date:%Y}" if file.birth_date_about else f"{file.birth_date:%d/%m/%Y}"
        case "birth_date":
            return ""
    return str(getattr(file, field))


def _numbers(one: Patient, other: Patient) -> list[comparing.Line]:
    rows = list(SourceIdentity.objects.filter(patient__in=(one, other)).select_related("place").order_by("created_at"))
    lines = []
    for field in ("national", "local"):
        mine, theirs = (
            [row for row in rows if row.patient_id == file.id and (row.kind == "local") == (field == "local")]
            for file in (one, other)
        )
        both = ([f"{row.kind}|{row.place_id}|{row.value}" for row in side] for side in (mine, theirs))
        shown = (" · ".join(_shown(row) for row in side) for side in (mine, theirs))
        line = comparing.numbers(field, *both, shown=(next(shown), next(shown)))
        # two hospitals give one person two numbers: that says nothing
        lines.append(replace(line, stands="") if field == "local" and line.stands == "different" else line)
    return lines


def _shown(row: SourceIdentity) -> str:
    return f"{row.masked} ({row.place.name})" if row.place else row.masked
