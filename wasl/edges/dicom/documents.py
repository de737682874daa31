"""Instances without pixels as a browser shows them (PS3.18, 8.7.4): documents as PDF, structured reports as a page."""

import base64
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _
from pydicom import Dataset, dcmread
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from wasl.archive.queries import opened
from wasl.edges import gate
from wasl.edges.dicom import accept, content, sight
from wasl.edges.dicom.pixels import Undecodable, header
from wasl.edges.dicom.wado import Stored, read, said_of
from wasl.edges.threads import database
from wasl.kernel.access import Actor

PDF, HTML, PLAIN = "application/pdf", "text/html", "text/plain"
LARGEST = 32 << 20  # bytes of a report that is shown
# without quotes, which a template would escape
STYLE = (
    "body{font:1rem/1.5 sans-serif;margin:1rem auto;max-width:60rem;padding:0 1rem}"
    "dl{display:grid;grid-template-columns:max-content 1fr;gap:0 1rem}dd{margin:0}"
    "ol{list-style:none;padding:0}h2{font-size:1rem;margin:1rem 0 0}small{color:#555}"
    "p,h2{overflow-wrap:anywhere;white-space:pre-line}p{margin:0}"
    ".notice{border:2px solid;font-weight:bold;margin:1rem 0;padding:.5rem}"
    + "".join(f".in-{depth}{{margin-inline-start:{depth - 1}rem}}" for depth in range(2, content.DEEPEST + 1))
)
# nothing is fetched, nothing runs, whatever a report says
POLICY = (
    f"default-src 'none'; style-src 'sha256-{base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()}'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox"
)


async def kinds(one: Stored) -> tuple[str, ...]:
    """The media types in which an instance without pixels is shown."""
    head = await read(_about, one.path)
    if content.is_report(head):
        return HTML, PLAIN
    return (PDF,) if head.get("MIMETypeOfEncapsulatedDocument") == PDF else ()


async def document(request: Request, one: Stored, seen: sight.Seen) -> Response:
    """An instance without pixels as the client takes it. Raises 406."""
    offered = await kinds(one)
    if not offered:
        raise HTTPException(406, "This instance has no picture.")
    return await shown(request, one, seen, accept.choose(request, offered))


async def shown(request: Request, one: Stored, seen: sight.Seen, kind: str) -> Response:
    """An instance without pixels as one of its `kinds`. Raises 406."""
    if kind == PDF:
        return await _pdf(one)
    made = await read(_written, one, seen, kind, await sight.reader(request))
    headers = {"content-security-policy": POLICY, "content-language": made[1]}
    return Response(made[0], media_type=f"{kind}; charset=utf-8", headers=headers)


async def _pdf(one: Stored) -> Response:
    head = await read(header, one.path)
    found = bytes(head.get("EncapsulatedDocument") or b"")
    if not found.startswith(b"%PDF-"):
        raise HTTPException(406, "This instance has no picture.")
    length = int(head.get("EncapsulatedDocumentLength") or len(found))
    return Response(found[:length], media_type=PDF)


def _about(path: Path) -> Dataset:
    with opened(path) as file:
        return dcmread(file, specific_tags=["ValueType", "MIMETypeOfEncapsulatedDocument"])


def _written(one: Stored, seen: sight.Seen, kind: str, viewer: Actor) -> tuple[str, str]:
    """A report in the language of who asks, with the patient whom its study was matched to; and that language."""
    given = one.given(said_of(seen))
    if given.size > LARGEST:
        raise HTTPException(406, "This report is longer than can be shown: ask for its file.")
    with database():
        language = gate.language_of(viewer)
    with translation.override(language):
        try:
            with given.opened() as file:
                told = _told(dcmread(file))
        except Exception as error:  # readers raise what they like; the file is the cause
            raise Undecodable("This report cannot be read: ask for its file.") from error
        made = render_to_string("structured_report.html", told) if kind == HTML else "\n".join(_lines(told))
    return made, language


def _told(data: Dataset) -> dict[str, Any]:
    """What a page says: whose report it is, who answers for it, what is to be known before it is read, and itself."""
    items, whole = content.items(data)
    return {
        "title": content.concept(data) or content.text(data.get("SeriesDescription")),
        "facts": [(what, said) for what, said in _facts(data) if said],
        "notices": list(_notices(data, whole=whole)),
        "items": items,
        "style": STYLE,
    }


def _facts(data: Dataset) -> Iterator[tuple[str, str]]:
    yield _("Patient"), content.name(data.get("PatientName"))
    yield _("Number"), content.text(data.get("PatientID"))
    yield _("Born on"), content.moment(data.get("PatientBirthDate"))
    yield _("Study"), content.text(data.get("StudyDescription"))
    yield _("Date of the study"), content.moment(data.get("StudyDate"))
    yield _("Written on"), content.moment(f"{data.get('ContentDate') or ''}{data.get('ContentTime') or ''}")
    for observer in data.get("VerifyingObserverSequence") or ():
        who = (content.name(observer.get("VerifyingObserverName")), content.text(observer.get("VerifyingOrganization")),
               content.moment(observer.get("VerificationDateTime")))  # fmt: skip
        yield _("Verified by"), ", ".join(filter(None, who))


def _notices(data: Dataset, *, whole: bool) -> Iterator[str]:
    """What would mislead who did not know it."""
    if not whole:
        yield _("This report is longer than can be shown: parts of it are missing here. Ask for its file.")
    if data.get("CompletionFlag") == "PARTIAL":
        yield _("This report is partial: its author was not done with it.")
    if data.get("VerificationFlag") == "UNVERIFIED":
        yield _("Nobody has verified this report.")
    if data.get("PreliminaryFlag") == "PRELIMINARY":
        yield _("This report is preliminary.")


def _lines(told: dict[str, Any]) -> Iterator[str]:
    """The page as plain text."""
    yield told["title"]
    yield from told["notices"]
    yield from (f"{what}: {said}" for what, said in told["facts"])
    yield ""
    for item in told["items"]:
        how = f" ({item.how})" if item.how else ""
        yield f"{'  ' * (item.depth - 1)}{item.name}{how}: {item.value}".rstrip()
