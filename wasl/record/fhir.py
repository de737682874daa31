"""The record's first page as an International Patient Summary: a FHIR document (HL7 IPS 1.1; FHIR R4, 3.3)."""

import datetime
from collections.abc import Sequence
from html import escape
from uuid import UUID

from django.utils import timezone
from django.utils.translation import get_language, gettext

from wasl.kernel.fhir import Resource, coding, reference, without_empty
from wasl.record.rules.summary import REQUIRED, Part, Said

LOINC = "http://loinc.org"
EMPTY = "http://terminology.hl7.org/CodeSystem/list-empty-reason"
PROFILE = "http://hl7.org/fhir/uv/ips/StructureDefinition/Composition-uv-ips"


def composition(
    key: UUID, parts: Sequence[Part], *, patient: UUID, author: UUID | None, at: datetime.datetime
) -> Resource:
    """The head of the document: its sections, and what each points at; its author is the place that asks for it.

    Sections that must be there and of which nothing is known say `notasked`; where somebody said that there is none,
    that statement is the entry. The narrative is in the language in force.
    """
    return without_empty({
        "resourceType": "Composition", "id": str(key), "meta": {"profile": [PROFILE]},
        "language": get_language(), "status": "final", "type": coding(LOINC, "60591-5", "Patient summary Document"),
        "subject": reference("Patient", patient), "date": instant(at),
        "author": [reference("Organization", author) or {"display": "Wasl"}],
        "title": gettext("Patient summary"),
        "section": [_section(part) for part in parts if part.state != "unasked" or part.section.name in REQUIRED],
    })  # fmt: skip


def instant(at: datetime.datetime) -> str:
    """A moment as FHIR writes it, to the second."""
    return at.astimezone(datetime.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _section(part: Part) -> Resource:
    said = part.said
    return {
        "title": str(part.section.title), "code": coding(LOINC, part.section.code, part.section.display),
        "text": {"status": "generated", "div": _narrative(part)},
        "entry": [reference(one.type, UUID(one.body["id"])) for one in said],
        "emptyReason": None if said else coding(EMPTY, "notasked", "Not Asked"),
    }  # fmt: skip


def _narrative(part: Part) -> str:
    """What the section says, for whoever cannot read codes."""
    if not part.said:
        return _div(f"<p>{escape(gettext('Nothing is known: nobody has said.'))}</p>")
    return _div(f"<ul>{''.join(f'<li>{escape(_line(one))}</li>' for one in part.said)}</ul>")


def _div(inside: str) -> str:
    turned = ' dir="rtl"' if (get_language() or "").startswith("ar") else ""
    return f'<div xmlns="http://www.w3.org/1999/xhtml"{turned}>{inside}</div>'


def _line(one: Said) -> str:
    said = (one.text, one.detail, *map(str, one.marks), f"{timezone.localtime(one.date):%Y-%m-%d}")
    return " · ".join(text for text in said if text)
