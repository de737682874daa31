"""What is not final says so on paper, in the study and in the record; both names stay once it is."""

import hashlib
import io
import json
from pathlib import Path

import pypdf
import pytest
from fhir.resources.R4B.diagnosticreport import DiagnosticReport as Valid
from pydicom import dcmread

from tests import make
from tests.cast import Cast, cast
from tests.paper import words
from tests.radiology.test_documents import deliver
from tests.valid import errors
from wasl.archive import queries as archive
from wasl.kernel.access import SYSTEM
from wasl.kernel.fhir import Resource
from wasl.radiology import queries, services
from wasl.radiology.models import Document, Report
from wasl.record.models import Entry, Version

pytestmark = pytest.mark.django_db
LONG = {"title": "CT", "findings": "Pas de lésion.\n" * 120, "conclusion": "لا يوجد نزف."}


@pytest.fixture
def stage() -> Cast:
    return cast()


def page_of(report: Report) -> str:
    return words(bytes(Document.objects.get(report=report).pdf))


def in_record(report: Report) -> Resource:
    body: Resource = json.loads(Entry.objects.get(type="DiagnosticReport", id=report.reading_id).body)
    Valid.model_validate(body)
    return body


# as a tool reads them: Arabic set at an angle comes in runs
@pytest.mark.parametrize(
    ("language", "marks"), [("ar", ("تقرير", "أو", "لي")), ("fr", ("PROVISOIRE",)), ("en", ("PRELIMINARY",))]
)
def test_every_page_is_marked_until_it_is_final(stage: Cast, language: str, marks: tuple[str, ...]) -> None:
    issued = make.preliminary(stage, sections=LONG, language=language)
    deliver()
    pages = pypdf.PdfReader(io.BytesIO(bytes(Document.objects.get(report=issued).pdf))).pages
    assert len(pages) > 2
    for page in pages:
        text = page.extract_text()
        assert all(mark in text for mark in marks)
    final = make.finalised(stage, issued)
    deliver()
    assert not all(mark in page_of(final) for mark in marks)


def test_both_names_are_printed(stage: Cast) -> None:
    issued = make.preliminary(stage)
    deliver()
    printed = page_of(issued)
    assert "Émis par" in printed
    assert "Sirine Chaabane" in printed
    assert "Document provisoire, non validé" in printed
    final = make.finalised(stage, issued)
    deliver()
    printed = page_of(final)
    for line in ("Rédigé par", "Sirine Chaabane", "Validé par", "Leila Haddad", "TN-R-1001"):
        assert line in printed
    alone = make.signed_report(stage)
    deliver()
    assert "Rédigé par" not in page_of(alone)


def test_what_was_issued_lies_inside(stage: Cast) -> None:
    issued = make.preliminary(stage)
    deliver()
    pdf = bytes(Document.objects.get(report=issued).pdf)
    (content,) = pypdf.PdfReader(io.BytesIO(pdf)).attachments["report.json"]
    assert hashlib.sha256(content).hexdigest() == issued.digest
    said = json.loads(content)
    assert (said["preliminary"], said["drafted_by"]) == (True, str(stage.sirine.id))
    final = make.finalised(stage, issued, change="minor", sections={"conclusion": "Autre."})
    said = json.loads(queries.signed_content(final, viewer=SYSTEM))
    assert (said["finalises"], said["change"]) == (issued.digest, "minor")


def test_its_objects_say_so(stage: Cast, tmp_path: Path) -> None:
    issued = make.preliminary(stage)
    deliver()
    final = make.finalised(stage, issued)
    deliver()
    files = [
        archive.path_of(row.id, viewer=SYSTEM)
        for row in archive.instances_of(issued.reading.study_id, viewer=SYSTEM).filter(frames=0)
    ]
    by_kind = {(dcmread(file).Modality, dcmread(file).SeriesDescription): file for file in files}
    assert set(by_kind) == {
        ("DOC", "PRELIMINARY Report"), ("SR", "PRELIMINARY Report (text)"), ("DOC", "Report"), ("SR", "Report (text)"),
    }  # fmt: skip
    draft, last = dcmread(by_kind["SR", "PRELIMINARY Report (text)"]), dcmread(by_kind["SR", "Report (text)"])
    assert (draft.PreliminaryFlag, draft.VerificationFlag) == ("PRELIMINARY", "UNVERIFIED")
    assert (last.PreliminaryFlag, last.VerificationFlag) == ("FINAL", "VERIFIED")
    assert "VerifyingObserverSequence" not in draft
    assert last.VerifyingObserverSequence[0].VerifyingObserverName == "Haddad^Leila"
    assert str(dcmread(by_kind["DOC", "PRELIMINARY Report"]).DocumentTitle).startswith("PRELIMINARY ")
    assert errors(Path(by_kind["SR", "PRELIMINARY Report (text)"])) == set()
    assert final.finalises_id == issued.id


def test_one_resource_goes_from_preliminary_to_final(stage: Cast) -> None:
    issued = make.preliminary(stage)
    deliver()
    first = in_record(issued)
    assert (first["status"], first["id"]) == ("preliminary", str(issued.reading_id))
    assert "PRELIMINARY REPORT" in first["text"]["div"]
    assert [one["display"] for one in first["resultsInterpreter"]] == ["Sirine Chaabane"]
    final = make.finalised(stage, issued, change="wording", sections={"conclusion": "Autre."})
    deliver()
    last = in_record(final)
    assert (last["status"], last["id"], last["conclusion"]) == ("final", first["id"], "Autre.")
    assert [one["value"] for one in last["identifier"]] == [str(issued.id), str(final.id)]
    assert [one["display"] for one in last["resultsInterpreter"]] == ["Sirine Chaabane", "Leila Haddad"]
    assert last["performer"][-1]["display"] == "Leila Haddad"
    assert "PRELIMINARY" not in last["text"]["div"]
    versions = Version.objects.filter(type="DiagnosticReport", resource=issued.reading_id).order_by("version")
    assert [json.loads(version.body)["status"] for version in versions][0] == "preliminary"
    assert list(queries.every_report()) == [issued.reading_id]


def test_a_withdrawn_preliminary_was_an_error(stage: Cast) -> None:
    issued = make.preliminary(stage)
    services.withdraw_reading(issued.reading_id, by=SYSTEM)
    assert in_record(issued)["status"] == "entered-in-error"
