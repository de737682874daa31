"""What may be asked about reports, their templates, their key images and their digests."""

import datetime
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Case, Exists, F, OuterRef, Q, QuerySet, When

from wasl.kernel.access import SYSTEM, Actor
from wasl.kernel.errors import NotFound
from wasl.patients import queries as patients
from wasl.radiology.models import Document, KeyImage, Phrase, Reading, Report, Template
from wasl.radiology.queries.blinding import blind_readings
from wasl.radiology.queries.reading import _visible_readings
from wasl.radiology.queries.reading import reading as one_reading
from wasl.radiology.rules import reporting as rules
from wasl.workforce import queries as workforce

SIGNED, PRELIMINARY, PARTIAL = Report.State.SIGNED, Report.State.PRELIMINARY, Report.State.PARTIAL


def _visible_reports(viewer: Actor) -> QuerySet[Report]:
    """Issued reports; whose record is not open to the viewer stays closed (`report` and `reports_of` ask)."""
    about = (
        "reading__order__procedure",
        "reading__place",
        "author",
        "adds_to",
        "drafted_by",
        "finalises__author",
        "display",
        "region",
    )
    rows = Report.objects.select_related(*about)
    hidden = blind_readings(viewer=viewer)
    rows = rows if hidden is None else rows.exclude(reading__in=hidden)
    return rows.filter(state__in=Report.ISSUED) if viewer.held else rows.none()


def _standing(rows: QuerySet[Report]) -> QuerySet[Report]:
    """Without the preliminary reports that are final by now, and the findings told before a report that is there."""
    whole = Report.objects.filter(reading=OuterRef("reading"), state__in=(SIGNED, PRELIMINARY))
    return rows.exclude(state=PRELIMINARY, final__isnull=False).exclude(Q(state=PARTIAL) & Exists(whole))


def report(key: UUID, *, viewer: Actor) -> Report:
    """One issued report, on a ground, by its key or by that of its reading and DiagnosticReport. Raises NoGround."""
    named = Q(id=key) | Q(reading=key, adds_to__isnull=True, final__isnull=True)
    # of several, what says most: a finding that was told before the report comes last
    found = _visible_reports(viewer).filter(named).order_by(Case(When(state=PARTIAL, then=1), default=0), "id").first()
    # a report that is not there is refused like one that is closed: nobody learns which of the two it is
    patients.require_ground(found.reading.patient_id if found else key, viewer=viewer)
    if found is None:
        raise NotFound
    return found


def reports_of(patient: UUID, *, viewer: Actor) -> QuerySet[Report]:
    """A patient's reports and addenda from every hospital, the newest first, on a ground. Raises NoGround."""
    patients.require_ground(patient, viewer=viewer)
    rows = _standing(_visible_reports(viewer)).filter(reading__patient__in=patients.same_person(patient, viewer=viewer))
    return rows.exclude(reading__state=Reading.State.WITHDRAWN).order_by("-signed_at")


def chain(key: UUID, *, viewer: Actor) -> list[Report]:
    """A report with its addenda, in the order of their signatures, whichever of them is named; on a ground.

    A preliminary report stands alone until it is final, and so do findings that were told before any report.
    """
    named = report(key, viewer=viewer)
    return list(_standing(_visible_reports(viewer)).filter(reading=named.reading_id).order_by("signed_at"))


def draft_of(reading: UUID, *, viewer: Actor) -> Report | None:
    """The draft of a case or of an addendum, for those who may see the case."""
    case = one_reading(reading, viewer=viewer)
    return Report.objects.filter(reading=case, state=Report.State.DRAFT).first()


def key_images(reports: Iterable[UUID], *, viewer: Actor) -> list[KeyImage]:
    """The key images of reports that the viewer has already been given."""
    return list(KeyImage.objects.filter(report__in=list(reports)).order_by("created_at")) if viewer.held else []


def key_image(key: UUID, *, viewer: Actor) -> KeyImage:
    """One key image, on a ground: of a draft, for who may see the case; of an issued report, for who may read it.

    Raises NoGround.
    """
    found = KeyImage.objects.select_related("report__reading").filter(id=key).first()
    if found is not None and found.report.state != Report.State.DRAFT:
        report(found.report_id, viewer=viewer)
        return found
    case = found and _visible_readings(viewer).filter(id=found.report.reading_id).first()
    # a draft that is closed is refused like one that is not there
    patients.require_ground(case.patient_id if case else key, viewer=viewer)
    if found is None or case is None:
        raise NotFound
    return found


def marked_images(study: str, *, viewer: Actor) -> list[KeyImage]:
    """The key images of a study's reports, by its UID, in the order of their signatures; none where it is closed.

    What was withdrawn, and a preliminary report that is final by now, are passed.
    """
    rows = _standing(_visible_reports(viewer)).filter(reading__study__uid=study)
    rows = rows.exclude(reading__state=Reading.State.WITHDRAWN)
    patient = rows.values_list("reading__patient", flat=True).first()
    if patient is None or patients.ground(patient, viewer=viewer) is None:
        return []
    found = KeyImage.objects.filter(report__in=rows).select_related("report__author", "report__reading")
    return list(found.order_by("report__signed_at", "created_at"))


def signed_report_of(reading: UUID, *, viewer: Actor) -> UUID | None:
    """The key of the final report of a case that the viewer may see, once it is signed."""
    case = one_reading(reading, viewer=viewer)
    return Report.objects.filter(reading=case, state=SIGNED, adds_to__isnull=True).values_list("id", flat=True).first()


def templates(procedure: UUID, *, language: str, viewer: Actor) -> list[Template]:
    """The templates of an exam in a language, its own before those of every exam."""
    if not viewer.held:
        return []
    rows = Template.objects.filter(Q(procedure=procedure) | Q(procedure__isnull=True), language=language)
    return list(rows.order_by(F("procedure").asc(nulls_last=True), "name"))


def phrases(*, language: str, viewer: Actor) -> dict[str, str]:
    """What each shortcut stands for: everybody's phrases, and the viewer's own before them."""
    if viewer.id is None or not viewer.held:
        return {}
    rows = Phrase.objects.filter(Q(person=viewer.id) | Q(person__isnull=True), language=language)
    return dict(rows.order_by(F("person").asc(nulls_first=True)).values_list("shortcut", "text"))


def document(key: UUID, *, viewer: Actor) -> Document:
    """The signed PDF of a report, on a ground. Raises NoGround."""
    found = Document.objects.filter(report=report(key, viewer=viewer)).first()
    if found is None:
        raise NotFound
    return found


def final_documents(study: UUID, *, patient: UUID, viewer: Actor) -> list[Document]:
    """The sealed PDFs of a study's final report and its addenda, for Wasl itself, which gives them with the images.

    None that is preliminary, was withdrawn, or is of another patient than the one named.
    """
    if not viewer.is_system:
        return []
    files = patients.same_person(patient, viewer=viewer)
    rows = Document.objects.filter(
        report__state=SIGNED, report__reading__study=study, report__reading__patient__in=files
    )
    rows = rows.exclude(report__reading__state=Reading.State.WITHDRAWN).select_related("report")
    return list(rows.order_by("report__signed_at"))


def signed_content(report: Report, *, viewer: Actor) -> bytes:
    """What the signature of a report covers, as its row now stands: the bytes whose SHA-256 is its digest."""
    reading = report.reading
    return rules.signed_content(
        report=report.id, accession=reading.order.accession, study_uid=reading.study.uid, patient=reading.patient_id,
        author=report.author_id, language=report.language, sections=report.sections, critical=report.critical,
        critical_what=report.critical_what, critical_category=report.critical_category,
        follow_up=report.follow_up,
        adds_to=report.adds_to.digest if report.adds_to else "",
        key_images=list(report.key_images.values_list("instance_uid", "frame", "note")),
        views=list(report.key_images.exclude(view=None).values_list("instance_uid", "frame", "view")),
        signed_at=report.signed_at or report.saved_at, preliminary=report.state == PRELIMINARY,
        finalises=report.finalises.digest if report.finalises else "", change=report.change,
        follows=report.follows.digest if report.follows else "",
        drafted_by=report.drafted_by_id, display=report.display_id,
        region=report.region.body if report.region else "", readers=report.readers,
    )  # fmt: skip


def digest_of(report: Report, *, viewer: Actor) -> str:
    """The digest of a report as its row now stands; that of the signature, unless somebody changed the row."""
    return rules.digest(signed_content(report, viewer=viewer))


def report_for_record(reading: UUID) -> list[Report]:
    """A reading's report and its addenda in their order, for the record. Raises NotFound when there is none."""
    about = (
        "reading__order__procedure", "reading__study", "reading__move", "author", "drafted_by", "document", "region"
    )  # fmt: skip
    rows = _standing(Report.objects.select_related(*about))
    found = list(rows.filter(reading=reading, state__in=Report.ISSUED).order_by("signed_at"))
    if not found:
        raise NotFound
    return found


def every_report() -> Iterable[UUID]:
    """The key of every reading with a report, for the record."""
    rows = _standing(Report.objects.filter(state__in=Report.ISSUED, adds_to__isnull=True))
    return rows.values_list("reading", flat=True).distinct().iterator()


@dataclass(frozen=True)
class Verified:
    """What may be said to anybody about a digest: when and where it was signed, and whether the report still is it."""

    signed_at: datetime.datetime
    hospital: str
    addendum: bool
    unchanged: bool
    withdrawn: bool
    preliminary: bool = False
    replaced: bool = False  # by the final report


def verified(digest: str, *, viewer: Actor) -> Verified | None:
    """What a digest proves; it names no patient, so everybody may ask. None when no report was issued with it."""
    about = ("reading__order", "reading__study", "adds_to", "finalises")
    found = Report.objects.select_related(*about).filter(state__in=Report.ISSUED, digest=digest)
    signed = found.first()
    if signed is None or signed.signed_at is None:
        return None
    author = workforce.worker_of(signed.author_id, viewer=SYSTEM)
    return Verified(
        signed_at=signed.signed_at,
        hospital=author.place.name if author else "",
        addendum=signed.adds_to_id is not None,
        unchanged=digest_of(signed, viewer=viewer) == digest,
        withdrawn=signed.reading.state == Reading.State.WITHDRAWN,
        preliminary=signed.state != SIGNED,
        replaced=not _standing(Report.objects.filter(id=signed.id)).exists(),
    )
