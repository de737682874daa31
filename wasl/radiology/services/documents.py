"""Documents: the sealed PDF of a report, and the note that it lies in the study."""

import hashlib
from collections.abc import Mapping, Sequence
from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user_model
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from wasl.kernel.access import Actor
from wasl.kernel.errors import NotFound
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb
from wasl.patients import queries as patients
from wasl.radiology import queries
from wasl.radiology.events import DocumentFiled, DocumentMade
from wasl.radiology.models import Document, KeyImage, Order, Procedure, Reading, Report
from wasl.radiology.rules import reporting as rules
from wasl.radiology.services import paper, signing
from wasl.workforce import queries as workforce


@verb
def make_document(key: UUID, *, by: Actor, images: Mapping[UUID, paper.Pixels] | None = None) -> Document:
    """Make the sealed PDF of a signed report; told twice, it is one. `images` are 8-bit pixels by key image."""
    report = (
        Report.objects.select_related("reading__order__procedure", "reading__order__requester", "reading__study")
        .select_related("reading__place", "author", "adds_to", "drafted_by", "finalises", "display")
        .filter(id=key)
        .first()
    )
    if report is None:
        raise NotFound
    if report.state not in Report.ISSUED or report.state == Report.State.PARTIAL:
        raise rules.NotSigned
    if made := Document.objects.filter(report=report).first():
        return made
    reading = report.reading
    worker = workforce.worker_of(report.author_id, viewer=by)
    drawn = images or {}
    shown = [(image, drawn[image.id]) for image in queries.key_images([key], viewer=by) if image.id in drawn]
    with translation.override(report.language):
        reason = _("Preliminary medical report") if report.state == Report.State.PRELIMINARY else _("Medical report")
        signer = (worker.place.name, worker.licence) if worker else (reading.place.name, "")
    pdf = paper.page(
        report, content=queries.signed_content(report, viewer=by), signer=signer, images=shown,
        patient=patients.patient(reading.patient_id, viewer=by), address=verification_address(report.digest),
    )  # fmt: skip
    pdf = signing.seal(pdf, name=str(report.author), reason=reason, location=signer[0])
    document = Document.objects.create(report=report, pdf=pdf, sha256=hashlib.sha256(pdf).digest())
    fact = DocumentMade(
        document=document.id, report=key, reading=reading.id, patient=reading.patient_id, place=reading.place_id
    )
    emit(fact, by=by)
    return document


@verb
def file_document(key: UUID, *, instance_uid: str, by: Actor) -> Document:
    """Note that a document was put into its study, under which SOP Instance UID; told twice, it is once."""
    document = Document.objects.select_for_update().select_related("report__reading").filter(id=key).first()
    if document is None:
        raise NotFound
    if document.instance_uid != instance_uid:
        document.instance_uid = instance_uid
        document.save(update_fields=("instance_uid",))
        reading = document.report.reading
        fact = DocumentFiled(
            document=key, report=document.report_id, patient=reading.patient_id, place=reading.place_id
        )
        emit(fact, by=by)
    return document


def try_document(pictures: Sequence[paper.Pixels], *, study: UUID, place: UUID) -> None:
    """Print and seal a report of nobody, in Arabic, with these 8-bit pictures; nothing of it is kept."""
    nobody = get_user_model()(family_name="PHANTOM", family_name_ar="مجسّم")
    exam = Procedure(name_ar="مجسّم", name_fr="Fantôme", name_en="Phantom")
    reading = Reading(order=Order(procedure=exam, requester=nobody), study_id=study, place_id=place)
    report = Report(
        reading=reading, author=nobody, language="ar", signed_at=timezone.now(),
        sections={"conclusion": f"{exam.name_ar} / {exam.name_en}"},
    )  # fmt: skip
    pdf = paper.page(
        report, content=b"{}", signer=(reading.place.name, ""), patient=patients.Patient(),
        address=verification_address(""), images=[(KeyImage(), drawn) for drawn in pictures],
    )  # fmt: skip
    signing.seal(pdf, name=str(nobody), reason="", location=reading.place.name)


def verification_address(digest: str) -> str:
    """Where anybody may ask what a digest proves; printed as a QR code."""
    return f"{settings.ADDRESS}/radiology/verify/{digest}/"
