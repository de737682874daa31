"""The DiagnosticReport resource: golden, valid R4, and in the record as soon as the report is signed."""

import base64
import hashlib
import json

import pytest
from fhir.resources.R4B.diagnosticreport import DiagnosticReport as Valid

from tests import make
from tests.cast import Cast, cast
from tests.radiology.test_documents import deliver
from wasl.kernel.access import SYSTEM
from wasl.kernel.fhir import Resource, owned
from wasl.radiology import queries, services
from wasl.radiology.models import Document, Report
from wasl.record.models import Entry, Version

pytestmark = pytest.mark.django_db
SECTIONS = {"title": "Scanner cérébral", "findings": "A < B & C.\nLigne.", "conclusion": "Pas d'hémorragie."}


@pytest.fixture
def stage() -> Cast:
    return cast()


def rendered(report: Report) -> Resource:
    """What the record writes, once it has gone through JSON and a validator."""
    kind = owned["DiagnosticReport"]
    body: Resource = json.loads(json.dumps(kind.render(kind.get(report.reading_id))))
    Valid.model_validate(body)
    return body


def in_record(report: Report) -> Resource:
    body: Resource = json.loads(Entry.objects.get(type="DiagnosticReport", id=report.reading_id).body)
    return body


def test_golden(stage: Cast) -> None:
    report = make.signed_report(stage, sections=SECTIONS)
    deliver()
    reading, order = report.reading, report.reading.order
    pdf = bytes(Document.objects.get().pdf)
    assert report.signed_at is not None
    assert reading.study.started_at is not None
    issued = report.signed_at.isoformat(timespec="milliseconds")
    assert rendered(report) == {
        "resourceType": "DiagnosticReport",
        "id": str(reading.id),
        "language": "fr",
        "text": {
            "status": "generated",
            "div": '<div xmlns="http://www.w3.org/1999/xhtml"><div lang="fr" dir="ltr"><h4>Findings</h4>'
                   "<p>A &lt; B &amp; C.<br/>Ligne.</p><h4>Conclusion</h4><p>Pas d&#x27;hémorragie.</p></div></div>",
        },
        "identifier": [{"system": "urn:wasl:report", "value": str(report.id)}],
        "basedOn": [{"reference": f"ServiceRequest/{order.id}"}],
        "status": "final",
        "category": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0074", "code": "RAD",
                                  "display": "Radiology"}]}],
        "code": {
            "coding": [{"system": "http://loinc.org", "code": "24725-4"},
                       {"system": "urn:wasl:procedure", "code": order.procedure.code, "display": "Head CT"}],
            "text": "Scanner cérébral",
        },
        "subject": {"reference": f"Patient/{reading.patient_id}"},
        "effectiveDateTime": reading.study.started_at.isoformat(),
        "issued": issued,
        "performer": [{"reference": f"Organization/{stage.regional}"}],
        "resultsInterpreter": [{"reference": f"Practitioner/{stage.leila.id}", "display": "Leila Haddad"}],
        "imagingStudy": [{"reference": f"ImagingStudy/{reading.study_id}"}],
        "conclusion": "Pas d'hémorragie.",
        "presentedForm": [{
            "contentType": "application/pdf", "language": "fr", "url": f"/radiology/reports/{report.id}/report.pdf",
            "size": len(pdf), "hash": base64.b64encode(hashlib.sha1(pdf).digest()).decode(),
            "title": "Scanner cérébral", "creation": issued,
        }],
    }  # fmt: skip


def test_readable_the_moment_it_is_signed(stage: Cast) -> None:
    report = make.signed_report(stage, sections=SECTIONS)
    body = in_record(report)
    assert (body["status"], body["conclusion"]) == ("final", "Pas d'hémorragie.")
    assert "presentedForm" not in body, "the document is made after the signature"
    deliver()
    assert in_record(report)["presentedForm"][0]["contentType"] == "application/pdf"


def test_an_addendum_amends_it(stage: Cast) -> None:
    report = make.signed_report(stage, sections=SECTIONS)
    draft = services.begin_addendum(report.id, by=stage.leila)
    saved = make.draft(stage, report.reading_id, revision=draft.revision, sections={"conclusion": "Complément."})
    services.sign_report(saved.id, revision=saved.revision, by=stage.leila)
    deliver()
    body = in_record(report)
    assert body == {**rendered(report), "meta": body["meta"]}
    assert body["status"] == "amended"
    assert body["conclusion"] == "Pas d'hémorragie.\n\nComplément."
    assert len(body["presentedForm"]) == len(body["identifier"]) == 2
    assert len(body["resultsInterpreter"]) == 1
    assert Version.objects.filter(type="DiagnosticReport", resource=report.reading_id).count() >= 3


def test_a_withdrawn_one_was_an_error(stage: Cast) -> None:
    report = make.signed_report(stage, sections=SECTIONS)
    services.withdraw_reading(report.reading_id, by=SYSTEM)
    assert in_record(report)["status"] == "entered-in-error"


def test_what_was_never_signed_is_not_in_the_record(stage: Cast) -> None:
    case = make.reading(stage)
    services.claim_reading(case.id, by=stage.leila)
    make.draft(stage, case.id)
    services.withdraw_reading(case.id, by=SYSTEM)
    assert not Entry.objects.filter(type="DiagnosticReport").exists()
    assert list(queries.every_report()) == []


def test_arabic_runs_from_right_to_left_and_critical_says_so(stage: Cast) -> None:
    report = make.signed_report(
        stage, language="ar", sections={"conclusion": "لا يوجد نزف."}, critical=True, critical_what="كسر"
    )
    body = rendered(report)
    assert '<div lang="ar" dir="rtl"><p><b>Critical result</b> كسر</p>' in body["text"]["div"]
    assert body["language"] == "ar"
    assert list(queries.every_report()) == [report.reading_id]
