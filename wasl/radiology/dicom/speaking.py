"""Which facts make radiology speak DICOM: a signed report becomes a document, and the document part of the study."""

from uuid import UUID

from wasl.archive import services as archive
from wasl.kernel.access import SYSTEM
from wasl.kernel.events import Told, after
from wasl.radiology import queries, services
from wasl.radiology.dicom.documents import incoming, objects
from wasl.radiology.dicom.pictures import pictures
from wasl.radiology.events import AddendumSigned, DocumentMade, PreliminaryIssued, ReportFollowed, ReportSigned


@after(ReportSigned)
def print_the_report(event: ReportSigned, told: Told) -> None:
    """A signed report becomes a sealed PDF, with its key images."""
    _print(event.report)


@after(PreliminaryIssued)
def print_the_preliminary(event: PreliminaryIssued, told: Told) -> None:
    """So does a preliminary one, marked on every page."""
    _print(event.report)


@after(AddendumSigned)
def print_the_addendum(event: AddendumSigned, told: Told) -> None:
    """So does an addendum."""
    _print(event.report)


@after(ReportFollowed)
def print_what_followed(event: ReportFollowed, told: Told) -> None:
    """So does a report that followed its images to another patient, in that patient's name."""
    if queries.is_in_force(event.report, viewer=SYSTEM):
        _print(event.report)


def _print(key: UUID) -> None:
    report = queries.report(key, viewer=SYSTEM)
    if report.state == "partial":  # a finding told alone becomes no document; its report will
        return
    services.make_document(key, images=pictures(report, viewer=SYSTEM), by=SYSTEM)


@after(DocumentMade)
def file_in_the_study(event: DocumentMade, told: Told) -> None:
    """The document enters its study, as an Encapsulated PDF and a Basic Text SR, with its key images as shown."""
    document = queries.document(event.report, viewer=SYSTEM)
    made = objects(document, viewer=SYSTEM)
    archive.receive([incoming(data) for data in made], by=SYSTEM)
    services.file_document(document.id, instance_uid=made[0].SOPInstanceUID, by=SYSTEM)
