"""Reports as DiagnosticReport (FHIR R4, 8.7): one for a reading, amended by its addenda."""

import base64
import hashlib
from datetime import UTC

from django.utils.html import escape

from wasl.kernel.fhir import Resource, coding, reference, resource, searches, without_empty
from wasl.radiology import queries
from wasl.radiology.events import AddendumSigned, DocumentMade, ReadingWithdrawn, ReportSigned
from wasl.radiology.queries import Report

TITLES = {
    "indication": "Indication", "technique": "Technique", "comparison": "Comparison", "findings": "Findings",
    "conclusion": "Conclusion",
}  # fmt: skip

searches["DiagnosticReport"] = {
    "issued": ("date", "issued"),
    "date": ("date", "effectiveDateTime"),
    "identifier": ("token", "identifier"),
    "patient": ("reference", "subject"),
    "subject": ("reference", "subject"),
    "status": ("token", "status"),
    "category": ("token", "category"),
    "code": ("token", "code"),
    "based-on": ("reference", "basedOn"),
    "performer": ("reference", "performer"),
    "results-interpreter": ("reference", "resultsInterpreter"),
    "imaging-study": ("reference", "imagingStudy"),
}


@resource(
    "DiagnosticReport",
    on=(ReportSigned, AddendumSigned, DocumentMade, ReadingWithdrawn),
    get=queries.report_for_record,
    every=queries.every_report,
    key={ReportSigned: "reading", AddendumSigned: "reading", DocumentMade: "reading"},
)
def diagnostic_report(chain: list[Report]) -> Resource:
    """A reading's report with its addenda: what the last of them concludes, and every PDF."""
    first, last = chain[0], chain[-1]
    reading, order = first.reading, first.reading.order
    started = reading.study.started_at
    return without_empty({
        "resourceType": "DiagnosticReport",
        "id": str(reading.id),
        "language": first.language,
        "text": {"status": "generated", "div": _narrative(chain)},
        "identifier": [{"system": "urn:wasl:report", "value": str(report.id)} for report in chain],
        "basedOn": [reference("ServiceRequest", order.id)],
        "status": _status(chain),
        "category": [coding("http://terminology.hl7.org/CodeSystem/v2-0074", "RAD", "Radiology")],
        "code": _code(first),
        "subject": reference("Patient", reading.patient_id),
        "effectiveDateTime": started.isoformat() if started else None,
        "issued": _instant(last),
        "performer": [reference("Organization", reading.place_id)],
        "resultsInterpreter": [
            reference("Practitioner", key, name) for key, name in {r.author_id: str(r.author) for r in chain}.items()
        ],
        "imagingStudy": [reference("ImagingStudy", reading.study_id)],
        "conclusion": "\n\n".join(report.sections["conclusion"] for report in chain),
        "presentedForm": [form for report in chain if (form := _form(report))],
    })  # fmt: skip


def _status(chain: list[Report]) -> str:
    if chain[0].reading.state == "withdrawn":
        return "entered-in-error"
    return "amended" if len(chain) > 1 else "final"


def _code(report: Report) -> Resource:
    procedure = report.reading.order.procedure
    code = coding("http://loinc.org", procedure.loinc or "18748-4")
    code["coding"].append({"system": "urn:wasl:procedure", "code": procedure.code, "display": procedure.name_en})
    code["text"] = report.sections.get("title") or procedure.name_fr
    return code


def _instant(report: Report) -> str:
    return (report.signed_at or report.saved_at).astimezone(UTC).isoformat(timespec="milliseconds")


def _form(report: Report) -> Resource | None:
    """The sealed PDF: where it lies and what it must be (the hash is SHA-1, as FHIR has it); never inline."""
    document = getattr(report, "document", None)
    if document is None:
        return None
    pdf = bytes(document.pdf)
    return {
        "contentType": "application/pdf",
        "language": report.language,
        "url": f"/radiology/reports/{report.id}/report.pdf",
        "size": len(pdf),
        "hash": base64.b64encode(hashlib.sha1(pdf, usedforsecurity=False).digest()).decode(),
        "title": report.sections.get("title", ""),
        "creation": _instant(report),
    }


def _narrative(chain: list[Report]) -> str:
    """The words of the report and its addenda as XHTML (FHIR R4, 2.4)."""
    parts = []
    for report in chain:
        direction = "rtl" if report.language == "ar" else "ltr"
        parts.append(f'<div lang="{report.language}" dir="{direction}">')
        if report.critical:
            parts.append(f"<p><b>Critical result</b> {escape(report.critical_what)}</p>")
        for name, title in TITLES.items():
            if text := report.sections.get(name):
                lines = "<br/>".join(escape(line) for line in text.split("\n"))
                parts.append(f"<h4>{title}</h4><p>{lines}</p>")
        parts.append("</div>")
    return f'<div xmlns="http://www.w3.org/1999/xhtml">{"".join(parts)}</div>'
