"""A report as a printed page: PDF/A-3a by typst, Arabic shaped and right to left, with the signed content inside."""

import datetime
import io
import json
import tempfile
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import segno
from django.conf import settings
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from PIL import Image

from wasl.kernel.access import SYSTEM
from wasl.patients.queries import Patient
from wasl.radiology import queries
from wasl.radiology.models import KeyImage, Report

TEMPLATE = Path(__file__).parents[1] / "templates/radiology/report.typ"
WIDEST = 700  # pixels; three pictures stand side by side on the page
Pixels = npt.NDArray[np.uint8]  # grey (rows, columns) or RGB (rows, columns, 3)
FONTS = settings.HERE / "static/vendor/fonts"


class Named(Protocol):
    """Somebody with a name in both scripts."""

    given_name_ar: str
    family_name_ar: str


def page(
    report: Report, *, content: bytes, patient: Patient, signer: tuple[str, str], address: str,
    images: Sequence[tuple[KeyImage, Pixels]],
) -> bytes:  # fmt: skip
    """The report as a PDF; `signer` is the hospital and licence, `address` where it is verified, `images` 8-bit."""
    import typst  # loaded by the process that prints, and no other

    signed = report.signed_at.replace(microsecond=0) if report.signed_at else None
    with tempfile.TemporaryDirectory(prefix="wasl-paper-") as folder, translation.override(report.language):
        root = Path(folder)
        (root / "report.typ").write_bytes(TEMPLATE.read_bytes())
        (root / "report.json").write_bytes(content)
        segno.make(address, error="m").save(str(root / "verify.svg"), border=0, xmldecl=False)
        for number, (_image, pixels) in enumerate(images):
            picture = Image.fromarray(pixels)
            picture.thumbnail((WIDEST, WIDEST))
            picture.save(root / f"{number}.png", optimize=True)
        data = _data(report, patient, signer, address)
        data["images"] = [
            {"file": f"{number}.png", "note": image.note, "alt": image.said or _("Key image")}
            for number, (image, _pixels) in enumerate(images)
        ]
        made = typst.compile(
            str(root / "report.typ"), root=str(root), font_paths=[str(FONTS)], ignore_system_fonts=True,
            sys_inputs={"data": json.dumps(data)}, pdf_standards="a-3a", timestamp=signed,
        )  # fmt: skip
    return bytes(made)


def png(pixels: Pixels) -> bytes:
    """A picture as a PNG file."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def _data(report: Report, patient: Patient, signer: tuple[str, str], address: str) -> dict[str, Any]:
    """Every word of the page, in the report's language."""
    order = report.reading.order
    advised = queries.follow_up_words(report, viewer=SYSTEM)
    read = "\n".join(f"{region}: {reader}" for region, reader in queries.attribution(report, viewer=SYSTEM))
    signed = timezone.localtime(report.signed_at)  # a signed report has its moment
    titles = {
        "indication": _("Indication"), "technique": _("Technique"), "comparison": _("Comparison"),
        "findings": _("Findings"), "conclusion": _("Conclusion"),
    }  # fmt: skip
    preliminary = report.state == Report.State.PRELIMINARY
    drafted = report.drafted_by if report.drafted_by != report.author else None
    signed_by = _("Issued by") if preliminary else _("Validated by") if drafted else _("Signed by")
    footer = _("Electronically signed document. Verify at")
    if preliminary:
        footer = _("Preliminary document, not validated. Verify at")
    return {
        "language": report.language,
        "day": [signed.year, signed.month, signed.day],
        "hospital": report.reading.place.name,
        "accession": order.accession,
        "title": report.sections.get("title") or order.procedure.name,
        "adds_to": _added_to(report.adds_to) if report.adds_to else "",
        "critical": report.critical_what if report.critical else "",
        "facts": _facts(report, patient),
        "sections": [
            [title, _lines(report.sections[name], report.language), name == "conclusion"]
            for name, title in titles.items()
            if name in report.sections
        ]
        + [
            [title, _lines(text, report.language), False]
            for title, text in ((_("Recommended follow-up"), advised), (_("Who read which region"), read))
            if text
        ],
        "preliminary": _("PRELIMINARY") if preliminary else "",
        "drafted_by": _person(drafted) if drafted else "",
        "signer": {
            "name": _person(report.author),
            "place": signer[0],
            "licence": signer[1],
        },
        "signed_at": _moment(report.signed_at),
        "display": _display(report),
        "footer": f"{footer} {address}",
        "demonstration": _("DEMONSTRATION") if settings.DEMO else "",
        "words": {
            "department": _("Imaging department"), "network": _("Wasl"), "critical": _("Critical result"),
            "images": _("Key images"), "drafted_by": _("Drafted by"), "signed_by": signed_by,
            "licence": _("Licence"), "signed_at": _("on"),
            "verify": _("Verify"),
        },
    }  # fmt: skip


def _display(report: Report) -> str:
    """On which display it was signed, as far as that was asked for."""
    if report.display is None:
        return ""
    said = _("Display: quick check passed on {at}; not a calibration")
    return said.format(at=_moment(report.display.answered_at))


def _lines(text: str, language: str) -> list[tuple[str, bool]]:
    """The lines of a text, each with whether it runs from left to right: as its first letter does (UAX 9, P2)."""
    return [(line, _forward(line, language)) for line in text.split("\n")]


def _forward(line: str, language: str) -> bool:
    for kind in map(unicodedata.bidirectional, line):
        if kind in ("L", "R", "AL"):
            return kind == "L"
    return language != "ar"


def _facts(report: Report, patient: Patient) -> list[list[object]]:
    """Who and what, each with its name, and whether it always runs from left to right."""
    order, study = report.reading.order, report.reading.study
    number = " ".join(patient.number[at : at + 4] for at in range(0, len(patient.number), 4))
    born = f"{patient.birth_date:%d/%m/%Y}" if patient.birth_date else _("not known")
    return [
        [_("Patient"), _patient(patient), False],
        [_("Wasl number"), number, True],
        [_("Born on"), f"{born} · {patient.get_sex_display()}", False],
        [_("Requesting doctor"), _person(order.requester), False],
        [_("Exam"), order.procedure.name, False],
        [_("Performed on"), _moment(study.started_at), False],
    ]


def _added_to(report: Report) -> str:
    return _("Addendum to the report of {day}").format(day=_moment(report.signed_at))


def _moment(at: datetime.datetime | None) -> str:
    return f"{timezone.localtime(at):%d/%m/%Y %H:%M}" if at else ""


def _person(person: Named) -> str:
    arabic = f"{person.given_name_ar} {person.family_name_ar}".strip()
    return arabic if translation.get_language() == "ar" and arabic else str(person)


def _patient(patient: Patient) -> str:
    arabic = f"{patient.given_name_ar} {patient.family_name_ar}".strip()
    latin = f"{patient.given_name} {patient.family_name}".strip()
    first, second = (arabic, latin) if translation.get_language() == "ar" else (latin, arabic)
    return first or second or _("unknown person")
