"""The card and the wristband on paper: the number as digits, QR code and Code 128, and who it is in both scripts.

The codes hold the number and nothing else. The hospital's own numbers and the national number stay off: a label lies
about.
"""

import json
import tempfile
from pathlib import Path

import segno
from barcode.codex import Code128
from barcode.writer import SVGWriter
from django.conf import settings
from django.utils import translation

from wasl.patients.models import Patient

TEMPLATE = Path(__file__).parents[1] / "templates/patients/labels.typ"
FONTS = settings.HERE / "static/vendor/fonts"
# millimetres: bars of 0.25 mm with ten of them as the quiet zone on each side (ISO/IEC 15417)
BARS = {"module_width": 0.25, "module_height": 8, "quiet_zone": 2.5, "margin_top": 0, "margin_bottom": 0}
SEXES = {"female": ("أنثى", "F"), "male": ("ذكر", "M")}


def label(person: Patient, what: str) -> bytes:
    """A `card` or a `wristband` as PDF, in Arabic and French, whatever language the page speaks."""
    import typst  # loaded by the process that prints, and no other

    said = {
        "what": what, "number": person.printed_number, "newborn": person.kind == Patient.Kind.NEWBORN,
        "names": {code: _name(person, code) for code in ("ar", "fr")},
        "born": _born(person), "sex": SEXES.get(person.sex, ("", "")),
    }  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="wasl-label-") as folder:
        root = Path(folder)
        (root / "labels.typ").write_bytes(TEMPLATE.read_bytes())
        segno.make(person.number, error="h", micro=False).save(str(root / "square.svg"), border=4, xmldecl=False)
        bars = Code128(person.number, writer=SVGWriter()).render({**BARS, "write_text": False})
        (root / "bars.svg").write_bytes(bars)
        made = typst.compile(
            str(root / "labels.typ"), root=str(root), font_paths=[str(FONTS)], ignore_system_fonts=True,
            sys_inputs={"data": json.dumps(said)},
        )  # fmt: skip
    return bytes(made)


def _name(person: Patient, language: str) -> str:
    """The name in the script of a language; where it is known in the other alone, it stands there."""
    known = person.arabic_name if language == "ar" else person.latin_name
    if known or person.arabic_name or person.latin_name:
        return known
    with translation.override(language):
        return person.name


def _born(person: Patient) -> str:
    """The birth date as both languages write it; a year alone as about that year."""
    if person.birth_date is None:
        return ""
    return f"≈ {person.birth_date.year}" if person.birth_date_about else f"{person.birth_date:%d/%m/%Y}"
