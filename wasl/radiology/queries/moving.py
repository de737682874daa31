"""What was moved from one patient to another, who must know, and what is owed for it."""

import datetime
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q, QuerySet

from wasl.archive import queries as archive
from wasl.kernel.access import SYSTEM, Actor
from wasl.patients import queries as patients
from wasl.radiology.models import Move, Obligation, Reading, Recall, Receipt, Report

WITHDRAWN, SIGNED = Reading.State.WITHDRAWN, Reading.State.SIGNED


def moves_of(study: UUID, *, viewer: Actor) -> QuerySet[Move]:
    """From whom to whom a study was moved, the latest first; for those who see the study."""
    seen = archive.studies(viewer=viewer).filter(id=study)
    rows = Move.objects.filter(study__in=seen).select_related("from_order__procedure", "to_order__procedure")
    return rows.order_by("-created_at")


@dataclass(frozen=True)
class Step:
    """Something that was done with a study's images: by whom, why, from which patient to which, and how to undo it."""

    kind: str  # match, move, identification, came, went, separation
    key: UUID
    at: datetime.datetime
    by: str
    because: str
    patient: UUID | None = None
    former: UUID | None = None
    images: int = 0
    undone_at: datetime.datetime | None = None

    @property
    def undoable(self) -> bool:
        """Whether it can be asked to undo it; a match is taken back as a whole."""
        return self.undone_at is None and self.kind != "match"


def steps_of(study: UUID, *, viewer: Actor) -> list[Step]:
    """What was done with a study's images, the latest first; for those who see the study."""
    moves = list(moves_of(study, viewer=viewer))
    steps = [
        Step(
            "identification" if move.identified else "move", move.act if move.identified else move.id, move.created_at,
            move.by, move.because, move.to_patient_id, move.from_patient_id, undone_at=move.undone_at,
        )
        for move in moves
    ]  # fmt: skip
    said = {(move.by, move.because, key) for move in moves for key in (move.to_patient_id, move.from_patient_id)}
    steps += [
        Step("match", match.id, match.created_at, match.by, match.because, match.patient_id, undone_at=match.undone_at)
        for match in archive.matches_of(study, viewer=viewer)
        if (match.by, match.because, match.patient_id) not in said
    ]
    acts = {row.act: row for row in archive.regroupings_of(study, viewer=viewer)}
    steps += [
        Step("came" if row.to_study_id == study else "went", act, row.created_at, row.by, row.because,
             undone_at=row.undone_at)
        for act, row in acts.items()
    ]  # fmt: skip
    if images := archive.separated(study, viewer=viewer):
        row = archive.study(study, viewer=viewer)
        steps.append(Step("separation", study, row.created_at, "", "", images=images))
    return sorted(steps, key=lambda step: step.at, reverse=True)


def unknown_patients(*, viewer: Actor) -> list[UUID]:
    """The unknown persons of whom the viewer's hospitals have images, the latest first."""
    rows = archive.studies(viewer=viewer).filter(patient__kind="unknown").order_by("-last_arrival_at")
    return list(dict.fromkeys(key for key in rows.values_list("patient", flat=True) if key))


def notice_of(reading: Reading, *, viewer: Actor) -> Move | None:
    """The move by which a reading, signed under another patient's name, came to its patient; None when it did not."""
    return reading.move if viewer.held and reading.move_id else None


def _visible_recalls(viewer: Actor) -> QuerySet[Recall]:
    """What was withdrawn of that which the viewer had."""
    if viewer.id is None or not viewer.held:
        return Recall.objects.none()
    return Recall.objects.filter(person=viewer.id, reading__state=WITHDRAWN)


def recalls(*, viewer: Actor) -> QuerySet[Recall]:
    """The reports that the viewer had, that were withdrawn, and of which the viewer has not yet said to know so."""
    rows = _visible_recalls(viewer).filter(read_at__isnull=True)
    return rows.select_related("reading__order__procedure", "reading__place").order_by("-created_at")


def is_in_force(report: UUID, *, viewer: Actor) -> bool:
    """Whether a report still stands: it may have been moved on before anybody was told."""
    return viewer.is_system and Report.objects.filter(id=report).exclude(reading__state=WITHDRAWN).exists()


def readers_of(reading: Reading, *, viewer: Actor) -> set[UUID]:
    """Everybody who had a report of a reading: its authors, before whom it lay, who opened or acknowledged it."""
    if not viewer.is_system:
        return set()
    reports = list(Report.objects.filter(reading=reading, state__in=Report.ISSUED).values_list("id", "author"))
    keys = [key for key, _ in reports]
    people = {author for _, author in reports}
    people |= set(Receipt.objects.filter(report__in=keys).values_list("person", flat=True))
    acted = Obligation.objects.filter(report__in=keys, acknowledged_by__isnull=False)
    people |= {key for key in acted.values_list("acknowledged_by", flat=True) if key}
    looks = patients.accesses(reading.patient_id, viewer=SYSTEM).filter(
        subject__in=[*keys, reading.id], actor__startswith="person:"
    )
    return people | {UUID(actor.partition(":")[2]) for actor in looks.values_list("actor", flat=True).distinct()}


@dataclass(frozen=True)
class Due:
    """A signed report of a case, and whether it is to be counted as an act now."""

    report: Report
    counts: bool


def acts_due(reading: UUID, *, viewer: Actor) -> list[Due]:
    """The signed reports of the work that a case is part of: one counts, however often the study was moved.

    It is the one in force; when every one is withdrawn, the first, for the work was done.
    """
    if not viewer.is_system:
        return []
    cases = _work(reading)
    signed = {
        report.reading_id: report
        for report in Report.objects.filter(reading__in=cases, state=Report.State.SIGNED, adds_to__isnull=True)
        .select_related("reading__order__procedure")
        .order_by("created_at")
    }
    counted = next((key for key, state in cases.items() if state == SIGNED and key in signed), None)
    first = next((key for key in cases if key in signed), None)
    return [Due(report, key == (counted or first)) for key, report in signed.items()]


def _work(reading: UUID) -> dict[UUID, str]:
    """A case, those that it follows and those that follow it, with their states; the first is the oldest."""
    keys: set[UUID] = set()
    more = {reading}
    while more - keys:
        keys |= more
        rows = Reading.objects.filter(Q(id__in=keys) | Q(follows__in=keys))
        more = {key for pair in rows.values_list("id", "follows") for key in pair if key}
    return dict(Reading.objects.filter(id__in=keys).order_by("created_at", "id").values_list("id", "state"))
