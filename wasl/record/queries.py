"""What may be asked of the record: always within what a ground opens."""

import datetime
from collections.abc import Iterable, Iterator, Sequence
from uuid import UUID

from django.db.models import Count, F, Q, QuerySet, Window
from django.db.models.functions import RowNumber

from wasl.kernel.access import Actor
from wasl.kernel.errors import NotFound
from wasl.patients import queries as patients
from wasl.record.models import Entry, Version
from wasl.record.rules.definitions import address, codes, elements, kinds, mandatory, summary
from wasl.record.rules.kept import KEPT, is_kept, is_served, references, served
from wasl.record.rules.parameters import (
    Parameter,
    Path,
    names_its_patient,
    of_patients,
    parameters,
    patient_paths,
    principal_date,
    principal_dates,
)  # fmt: skip
from wasl.record.rules.summary import MOST_SEEN, Part, Said, parts
from wasl.record.rules.summary import TYPES as SUMMARY
from wasl.record.rules.texts import read, written
from wasl.record.rules.validation import Malformed, faults

__all__ = [
    "address", "codes", "elements", "entry", "Entry", "faults", "is_kept", "is_served", "kinds", "Malformed",
    "mandatory", "names_its_patient", "newest", "of_patients", "Parameter", "parameters", "Path",
    "patient_paths", "principal_date", "principal_dates", "read", "references", "resolved", "sections",
    "served", "SUMMARY", "summary", "timeline", "types", "Version", "versions", "written",
]  # fmt: skip

IDENTITY = "Patient"  # who somebody is stands above the timeline, not in it
REPORT = "DiagnosticReport"


def _visible(viewer: Actor, type: str) -> Q:
    """What is part of records that are open to the viewer; what is no patient's, to whoever holds a post."""
    if viewer.is_system:
        return Q()
    if not viewer.held:
        return Q(pk__in=[])
    opened = Q(patient__in=patients.opened(viewer=viewer)) & ~_blind(viewer)
    return opened if of_patients(type) else opened | Q(patient__isnull=True)


def _blind(viewer: Actor) -> Q:
    """The reports of exams that the viewer assesses now, without knowing what was reported nor by whom."""
    hidden = Q(pk__in=[])
    for study in patients.reviewed_studies(viewer=viewer) if "radiologist" in viewer.roles else ():
        hidden |= Q(type=REPORT, body__contains=f"ImagingStudy/{study}")
    return hidden


def timeline(patient: UUID, *, viewer: Actor, type: str = "") -> QuerySet[Entry]:
    """What the record says of a patient, from all hospitals, newest first; of one type or of all. Raises NoGround."""
    patients.require_ground(patient, viewer=viewer)
    rows = Entry.objects.filter(
        ~_blind(viewer), patient__in=patients.same_person(patient, viewer=viewer), deleted=False
    ).exclude(type=IDENTITY)
    return rows.filter(type=type) if type else rows


def types(patient: UUID, *, viewer: Actor) -> dict[str, int]:
    """How many resources of each type a patient's timeline has. Raises NoGround."""
    rows = timeline(patient, viewer=viewer).values_list("type").annotate(count=Count("*")).order_by("type")
    return dict(rows)


def newest(patient: UUID, types: Iterable[str], *, most: int, viewer: Actor) -> list[Entry]:
    """So many of each of these types in a patient's record, those of the latest dates. Raises NoGround."""
    turn = Window(RowNumber(), partition_by=F("type"), order_by=(F("date").desc(), F("id").desc()))
    rows = timeline(patient, viewer=viewer).filter(type__in=list(types)).annotate(turn=turn)
    return list(rows.filter(turn__lte=most).order_by("-date", "-id"))


def sections(patient: UUID, *, viewer: Actor) -> tuple[list[Part], list[Entry]]:
    """The sections of the record's first page, and the entries of which they speak. Raises NoGround."""
    entries = newest(patient, SUMMARY, most=MOST_SEEN, viewer=viewer)
    found = parts(Said(read(one.body), one.date, one.place, one.author) for one in entries)
    spoken_of = {said.body["id"] for part in found for said in part.said}
    return found, [one for one in entries if str(one.id) in spoken_of]


def statements_on(files: Sequence[UUID], *, since: datetime.datetime | None, viewer: Actor) -> Iterator[patients.Held]:
    """What the record itself keeps of some files, first said since a moment, or ever; for Wasl itself."""
    rows = Entry.objects.filter(patient__in=files, type__in=KEPT, deleted=False)
    found = list(rows) if viewer.is_system else []
    first = Version.objects.filter(type__in=KEPT, resource__in=[row.id for row in found], version=1)
    said = dict(first.values_list("resource", "at"))
    for row in found:
        at = said.get(row.id, row.updated_at)
        if row.patient and (since is None or at >= since):
            yield patients.Held(row.id, row.patient, at, row.place)


def entry(type: str, key: UUID, *, viewer: Actor) -> Entry:
    """One resource as it stands now. Raises NotFound."""
    found = Entry.objects.filter(_visible(viewer, type), type=type, id=key, deleted=False).first()
    if found is None:
        raise NotFound
    return found


def versions(type: str, key: UUID, *, viewer: Actor) -> list[Version]:
    """What a resource said, last first, as far as it was part of records open to the viewer. Raises NotFound."""
    found = list(Version.objects.filter(_visible(viewer, type), type=type, resource=key).order_by("-version"))
    if not found:
        raise NotFound
    return found


def resolved(references: Iterable[str], *, viewer: Actor) -> set[str]:
    """Which of some references, `Type/id` or `Type/id/_history/version`, lead to something that the viewer sees."""
    found: set[str] = set()
    keys: dict[str, dict[UUID, str]] = {}
    for text in references:
        match text.split("/"):
            case [kind, name] if key := _key(name):
                keys.setdefault(kind, {})[key] = text
            case [kind, name, "_history", number] if (key := _key(name)) and number.isdecimal() and len(number) < 10:
                rows = Version.objects.filter(_visible(viewer, kind), type=kind, resource=key, version=int(number))
                found |= {text} if rows.exists() else set()
    for kind, named in keys.items():
        there = Entry.objects.filter(_visible(viewer, kind), type=kind, id__in=named, deleted=False)
        found |= {named[key] for key in there.values_list("id", flat=True)}
    return found


def _key(text: str) -> UUID | None:
    """A resource's id as it is written in references, and no other form of it."""
    try:
        key = UUID(text)
    except ValueError:
        return None
    return key if str(key) == text else None
