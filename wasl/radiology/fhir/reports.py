"""Reports as DiagnosticReport (FHIR R4, 8.7): one for a reading, preliminary, then final, amended by its addenda."""

import base64
import hashlib
from datetime import UTC
from uuid import UUID

from django.utils import translation
from django.utils.html import escape

from wasl.accounts import queries as accounts
from wasl.kernel.access import SYSTEM
from wasl.kernel.fhir import Resource, coding, reference, resource, searches, without_empty
from wasl.radiology import queries
from wasl.radiology.events import (
    AddendumSigned,
    DocumentMade,
    FindingReleased,
    PreliminaryIssued,
    ReadingFollowed,
    ReadingReinstated,
    ReadingWithdrawn,
    ReportFollowed,
    ReportSigned,
)
from wasl.radiology.queries import Report

TITLES = {
    "indication": "Indication", "technique": "Technique", "comparison": "Comparison", "findings": "Findings",
    "conclusion": "Conclusion",
}  # fmt: skip

# said before the words of a report that was signed under another patient's name
NOTICE = "Signed for images that were filed under another patient; carried to this patient with them on {day}."

# said before the words of a report that no radiologist has made final
PRELIMINARY = "PRELIMINARY REPORT, not yet validated."

# said before a critical finding that was told before the report
PARTIAL = "PARTIAL: a critical finding told before the report, which follows."

searches["DiagnosticReport"] = (
    "issued", "date", "identifier", "patient", "subject", "status", "category", "code", "based-on", "performer",
    "results-interpreter", "imaging-study",
)  # fmt: skip


@resource(
    "DiagnosticReport",
    on=(
        FindingReleased,
        PreliminaryIssued,
        ReportSigned,
        AddendumSigned,
        DocumentMade,
        ReadingWithdrawn,
        ReadingReinstated,
        ReadingFollowed,
        ReportFollowed,
    ),
    get=queries.report_for_record,
    every=queries.every_report,
    key=dict.fromkeys(
        (FindingReleased, PreliminaryIssued, ReportSigned, AddendumSigned, DocumentMade, ReportFollowed), "reading"
    ),
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
        "identifier": [{"system": "urn:wasl:report", "value": str(key)} for key in _keys(chain)],
        "basedOn": [reference("ServiceRequest", order.id)],
        "status": _status(chain),
        "category": [coding("http://terminology.hl7.org/CodeSystem/v2-0074", "RAD", "Radiology")],
        "code": _code(first),
        "subject": reference("Patient", reading.patient_id),
        "effectiveDateTime": started.isoformat() if started else None,
        "issued": _instant(last),
        "performer": [reference("Organization", reading.place_id), *_validators(chain)],
        "resultsInterpreter": [reference("Practitioner", key, name) for key, name in _writers(chain).items()],
        "imagingStudy": [reference("ImagingStudy", reading.study_id)],
        "conclusion": "\n\n".join(_concluded(report) for report in chain),
        "presentedForm": [form for report in chain if (form := _form(report))],
    })  # fmt: skip


def _keys(chain: list[Report]) -> list[UUID]:
    """The keys of the reports, that of the preliminary one first: who knew it by that finds what became of it."""
    first = chain[0].finalises_id
    return [*([first] if first else []), *(report.id for report in chain)]


def _writers(chain: list[Report]) -> dict[UUID, str]:
    """Everybody who wrote: who read a region of it, who drafted, then who answers for it."""
    people = [person for report in chain for person in (report.drafted_by, report.author) if person]
    keys = [key for report in chain for key in report.region_readers]
    with translation.override("en"):  # the record comes out the same in whatever language somebody was working
        names = accounts.names(keys, viewer=SYSTEM) if keys else {}
    return {key: names[key] for key in keys if key in names} | {person.id: str(person) for person in people}


def _validators(chain: list[Report]) -> list[Resource]:
    """Who answers for what somebody else drafted."""
    first = chain[0]
    if first.drafted_by_id in (None, first.author_id):
        return []
    validator = reference("Practitioner", first.author_id, str(first.author))
    return [validator] if validator else []


def _status(chain: list[Report]) -> str:
    if chain[0].reading.state == "withdrawn":
        return "entered-in-error"
    if chain[0].state in ("partial", "preliminary"):  # the words of the value set, too
        return str(chain[0].state)
    if chain[0].reading.move_id:  # the same words, for the right patient
        return "corrected"
    return "amended" if len(chain) > 1 else "final"


def _concluded(report: Report) -> str:
    """What a report concludes, and the exam that it recommends, in its own language."""
    advised = queries.follow_up_words(report, viewer=SYSTEM)
    return "\n".join(filter(None, (report.sections["conclusion"], advised)))


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
    if move := queries.notice_of(chain[0].reading, viewer=SYSTEM):
        parts.append(f"<p><b>{escape(NOTICE.format(day=f'{move.created_at:%Y-%m-%d}'))}</b></p>")
    if chain[0].state == "preliminary":
        parts.append(f"<p><b>{PRELIMINARY}</b></p>")
    elif chain[0].state == "partial":
        parts.append(f"<p><b>{PARTIAL}</b></p>")
    for report in chain:
        direction = "rtl" if report.language == "ar" else "ltr"
        parts.append(f'<div lang="{report.language}" dir="{direction}">')
        if report.critical:
            parts.append(f"<p><b>Critical result</b> {escape(report.critical_what)}</p>")
        for name, title in TITLES.items():
            if text := report.sections.get(name):
                lines = "<br/>".join(escape(line) for line in text.split("\n"))
                parts.append(f"<h4>{title}</h4><p>{lines}</p>")
        if advised := queries.follow_up_words(report, viewer=SYSTEM):
            parts.append(f"<h4>Recommended follow-up</h4><p>{escape(advised)}</p>")
        parts.append("</div>")
    return f'<div xmlns="http://www.w3.org/1999/xhtml">{"".join(parts)}</div>'
