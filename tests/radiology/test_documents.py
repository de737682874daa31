"""A signed report on paper, sealed, and in its study; the words that a negation hangs on are all there."""

import hashlib
import io
import json
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from uuid import UUID

import pypdf
import pytest
from django.conf import settings
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from pydicom import dcmread
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko.sign.validation.status import SignatureCoverageLevel
from pyhanko_certvalidator import ValidationContext

from tests import make
from tests.cast import Cast, cast
from tests.paper import words
from tests.radiology.test_reading import told
from tests.valid import errors, said_of
from wasl.archive import queries as archive
from wasl.kernel.access import SYSTEM
from wasl.kernel.errors import NotAllowed
from wasl.kernel.events import tell
from wasl.kernel.models import Notice
from wasl.patients import rules as patient_rules
from wasl.radiology import queries, services
from wasl.radiology.models import Document, Report
from wasl.radiology.rules import reporting as rules
from wasl.radiology.services import signing

pytestmark = pytest.mark.django_db

NEGATIONS = {
    "ar": ("لا يوجد نزف داخل القحف.", "لا يوجد انزياح للخط الأوسط."),
    "fr": ("Pas d’hémorragie intracrânienne.", "Absence d'effet de masse."),
    "en": ("No intracranial haemorrhage.", "No midline shift."),
}


@pytest.fixture
def stage() -> Cast:
    return cast()


def deliver() -> None:
    """Tell the document's listeners what they are owed, until nothing is, and once more."""
    for _ in range(3):
        for key in list(owed().values_list("id", flat=True)):
            tell(notice=str(key))


def owed() -> QuerySet[Notice]:
    return Notice.objects.filter(listener__contains="radiology.dicom.speaking")


def signed_in(stage: Cast, language: str) -> Report:
    findings, conclusion = NEGATIONS[language]
    report = make.signed_report(
        stage, language=language, sections={"title": "CT", "findings": findings, "conclusion": conclusion}
    )
    deliver()
    return report


@pytest.mark.parametrize("language", ["ar", "fr", "en"])
def test_the_page_says_every_word(stage: Cast, language: str) -> None:
    report = signed_in(stage, language)
    document = Document.objects.get()
    read = words(bytes(document.pdf))
    for sentence in NEGATIONS[language]:
        assert sentence.rstrip(".") in read
    if language == "ar":
        assert "لا يوجد" in read
        assert "سلمى بن صالح" in read
        assert "ليلى الحداد" in read
    else:
        assert "Salma Ben Salah" in read
        assert "Leila Haddad" in read
    number = report.reading.order.patient.number
    assert f"{number[:4]} {number[4:8]} {number[8:]}" in read
    assert "TN-R-1001" in read
    assert report.digest[:20] in read.replace("\n", "")


def test_the_page_looks_like_the_language(stage: Cast) -> None:
    signed_in(stage, "ar")
    page = pypdf.PdfReader(io.BytesIO(bytes(Document.objects.get().pdf)))
    assert str(page.root_object["/Lang"]).startswith("ar")
    assert {str(name).split("+")[-1].split("-")[0] for name in page.pages[0]._get_fonts()[0]} == {"IBMPlexSansArabic"}


def test_a_french_line_in_an_arabic_report_runs_its_own_way(stage: Cast) -> None:
    sections = {"findings": "Fracture ?\nلا يوجد نزف.\n12", "conclusion": "عادي"}
    make.signed_report(stage, language="ar", sections=sections)
    deliver()
    read = words(bytes(Document.objects.get().pdf))
    assert "Fracture ?" in read
    assert "لا يوجد نزف" in read


def test_what_was_signed_lies_inside(stage: Cast) -> None:
    report = signed_in(stage, "fr")
    (content,) = pypdf.PdfReader(io.BytesIO(bytes(Document.objects.get().pdf))).attachments["report.json"]
    assert hashlib.sha256(content).hexdigest() == report.digest
    assert json.loads(content)["sections"]["conclusion"] == NEGATIONS["fr"][1]


def test_the_seal_holds_and_breaks(stage: Cast) -> None:
    signed_in(stage, "fr")
    pdf = bytes(Document.objects.get().pdf)
    signature = PdfFileReader(io.BytesIO(pdf)).embedded_signatures[0]
    root = next(c for c in signature.other_embedded_certs if c.self_issued)
    status = validate_pdf_signature(signature, ValidationContext(trust_roots=[root], allow_fetching=False))
    assert status.intact
    assert status.valid
    assert status.trusted
    assert status.coverage == SignatureCoverageLevel.ENTIRE_FILE
    assert signature.sig_object["/SubFilter"] == "/ETSI.CAdES.detached"
    at = pdf.index(b"/Producer") if b"/Producer" in pdf else 2000
    forged = pdf[: at + 2] + bytes([pdf[at + 2] ^ 1]) + pdf[at + 3 :]
    broken = PdfFileReader(io.BytesIO(forged), strict=False).embedded_signatures[0]
    assert not validate_pdf_signature(broken, ValidationContext(trust_roots=[root], allow_fetching=False)).intact


def test_a_stock_tool_agrees(stage: Cast, tmp_path: Path) -> None:
    tool = shutil.which("pdfsig")
    assert tool, "install poppler-utils (.ci/needs does)"
    signed_in(stage, "ar")
    file = tmp_path / "report.pdf"
    file.write_bytes(bytes(Document.objects.get().pdf))
    said = subprocess.run([tool, file], capture_output=True, text=True, check=False).stdout
    assert "Signature is Valid." in said
    assert "Total document signed" in said
    assert "ETSI.CAdES.detached" in said


def test_our_own_certificate_is_for_us_alone(stage: Cast) -> None:
    signed_in(stage, "fr")
    assert stat.S_IMODE(settings.SIGNING_P12.stat().st_mode) == 0o600
    before = settings.SIGNING_P12.read_bytes()
    signing._write_once(settings.SIGNING_P12, b"a second worker's")
    assert settings.SIGNING_P12.read_bytes() == before


def test_told_again_it_is_one_document(stage: Cast) -> None:
    report = signed_in(stage, "fr")
    document = Document.objects.get()
    again = services.make_document(report.id, by=SYSTEM)
    assert again == document
    assert told(document.id) == ["DocumentMade", "DocumentFiled"]
    assert bytes(document.sha256) == hashlib.sha256(bytes(document.pdf)).digest()


def test_who_makes_and_who_reads_documents(stage: Cast) -> None:
    report = signed_in(stage, "fr")
    with pytest.raises(NotAllowed):
        services.make_document(report.id, by=stage.leila)
    assert queries.document(report.id, viewer=stage.amel).report_id == report.id
    with pytest.raises(patient_rules.NoGround):
        queries.document(report.id, viewer=stage.zied)
    draft = services.begin_addendum(report.id, by=stage.leila)
    with pytest.raises(rules.NotSigned):
        services.make_document(draft.id, by=SYSTEM)


def test_the_code_leads_to_the_page_that_verifies(stage: Cast) -> None:
    report = signed_in(stage, "fr")
    address = services.verification_address(report.digest)
    assert address == settings.ADDRESS + reverse("radiology:verify", args=[report.digest])


def test_an_addendum_has_a_page_of_its_own(stage: Cast) -> None:
    report = signed_in(stage, "fr")
    draft = services.begin_addendum(report.id, by=stage.leila)
    saved = make.draft(stage, report.reading_id, revision=draft.revision, sections={"conclusion": "Complément."})
    addendum = services.sign_report(saved.id, revision=saved.revision, by=stage.leila)
    deliver()
    page = words(bytes(Document.objects.get(report=addendum).pdf))
    assert "Complément." in page
    assert report.signed_at and f"{timezone.localtime(report.signed_at):%d/%m/%Y}" in page


def test_key_images_are_printed(stage: Cast) -> None:
    case = services.claim_reading(make.reading(stage).id, by=stage.leila)
    image = archive.instances_of(case.study_id, viewer=SYSTEM)[0]
    services.mark_key_image(case.id, instance_uid=image.uid, note="Sillon effacé", by=stage.leila)
    report = make.signed_report(stage, case=case.id, revision=1)
    deliver()
    page = pypdf.PdfReader(io.BytesIO(bytes(Document.objects.get(report=report).pdf))).pages[0]
    assert len(page.images) == 1
    assert "Sillon effacé" in words(bytes(Document.objects.get().pdf))


def filed(report: Report) -> list[UUID]:
    rows = archive.instances_of(report.reading.study_id, viewer=SYSTEM).filter(frames=0)
    return [row.id for row in rows]


@pytest.mark.parametrize("language", ["ar", "fr"])
def test_the_study_holds_the_document(stage: Cast, language: str) -> None:
    report = signed_in(stage, language)
    document = Document.objects.get()
    files = [dcmread(archive.path_of(key, viewer=SYSTEM)) for key in filed(report)]
    pdf, text = sorted(files, key=lambda data: str(data.Modality))
    assert (pdf.Modality, text.Modality) == ("DOC", "SR")
    assert pdf.SOPInstanceUID == document.instance_uid
    assert pdf.StudyInstanceUID == text.StudyInstanceUID == report.reading.study.uid
    assert pdf.SeriesInstanceUID != text.SeriesInstanceUID
    assert pdf.EncapsulatedDocument[: pdf.EncapsulatedDocumentLength] == bytes(document.pdf)
    said = [item.ContentSequence[0].TextValue for item in text.ContentSequence if "ContentSequence" in item]
    assert said == list(NEGATIONS[language])
    assert str(text.PatientName).endswith("بن صالح^سلمى")
    assert text.VerificationFlag == "VERIFIED"
    study = archive.study(report.reading.study_id, viewer=SYSTEM)
    assert study.complete_at, "a document does not reopen its study"
    report.reading.refresh_from_db()
    assert report.reading.more_at is None


@pytest.mark.parametrize("language", ["ar", "fr"])
def test_the_objects_are_dicom_as_the_standard_has_it(stage: Cast, language: str) -> None:
    report = signed_in(stage, language)
    keys = filed(report)
    assert len(keys) == 2
    for key in keys:
        path = archive.path_of(key, viewer=SYSTEM)
        assert errors(path) == set()
        assert {"EncapsulatedPDF", "BasicTextSR"} & set(said_of(path))


def test_key_images_are_a_selection_that_other_viewers_read(stage: Cast) -> None:
    study = make.study_of(stage, order := make.order(stage), images=3)
    services.link_study(order.id, study=study.id, because="accession", by=SYSTEM)
    case = services.claim_reading(services.open_reading(order.id, study=study.id, by=SYSTEM).id, by=stage.leila)
    first, second, other = archive.instances_of(case.study_id, viewer=SYSTEM).order_by("number")
    services.mark_key_image(case.id, instance_uid=second.uid, note="Sillon effacé", by=stage.leila)
    services.mark_key_image(case.id, instance_uid=first.uid, note="", by=stage.leila)
    report = make.signed_report(stage, case=case.id, revision=1)
    deliver()
    (path,) = (
        path
        for path in (archive.path_of(key, viewer=SYSTEM) for key in filed(report))
        if "KeyObjectSelectionDocument" in said_of(path)
    )
    assert errors(path) == set()
    data = dcmread(path)
    assert (data.Modality, data.StudyInstanceUID) == ("KO", study.uid)
    assert data.ConceptNameCodeSequence[0].CodeValue == "113000"
    shown = [
        item.ReferencedSOPSequence[0].ReferencedSOPInstanceUID
        for item in data.ContentSequence
        if "ReferencedSOPSequence" in item
    ]
    assert shown == [second.uid, first.uid]
    (note,) = (item.TextValue for item in data.ContentSequence if "TextValue" in item)
    assert note == "1. Sillon effacé"
    (series,) = data.CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence
    assert {one.ReferencedSOPInstanceUID for one in series.ReferencedSOPSequence} == {first.uid, second.uid}
    assert other.uid not in path.read_bytes().decode("latin-1")
    assert len(filed(report)) == 3


def test_what_prints_and_seals_is_loaded_by_who_prints_and_seals() -> None:
    script = "import sys, django; django.setup(); print(*{'typst', 'pyhanko', 'aiohttp'} & sys.modules.keys())"
    assert subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout == "\n"
