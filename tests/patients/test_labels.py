"""The card and the wristband, as a scanner and a reader of PDFs see them."""

import datetime
import io
import subprocess
from pathlib import Path

import pytest
import zxingcpp
from PIL import Image
from pypdf import PdfReader

from tests import make
from tests.browser import browser_of
from tests.cast import Cast, cast
from wasl.patients.models import Access, Patient
from wasl.patients.services import label

NUMBER = "241797915844"
SALMA = Patient(
    number=NUMBER, given_name="Salma", family_name="Ben Salah", given_name_ar="سلمى", family_name_ar="بن صالح",
    sex="female", birth_date=datetime.date(1980, 3, 12),
)  # fmt: skip
LONG = Patient(
    number=NUMBER, given_name="Mohamed Taher El Amine Abderrahmane", family_name="Ben Abdelkader Bouazizi El Mabrouk",
    given_name_ar="محمد الطاهر الأمين عبد الرحمان", family_name_ar="بن عبد القادر البوعزيزي المبروك", sex="male",
    birth_date=datetime.date(1980, 1, 1), birth_date_about=True,
)  # fmt: skip
NEWBORN = Patient(
    number=NUMBER, kind="newborn", birth_order=2, mother_name="Salma Ben Salah", birth_date=datetime.date(2026, 12, 1)
)
UNKNOWN = Patient(number=NUMBER, kind="unknown")
PEOPLE = {"known": SALMA, "long": LONG, "newborn": NEWBORN, "unknown": UNKNOWN}
MILLIMETRES = 25.4 / 72


def words(made: bytes) -> str:
    return " ".join(page.extract_text() for page in PdfReader(io.BytesIO(made)).pages)


@pytest.mark.parametrize("who", PEOPLE)
@pytest.mark.parametrize("what", ["card", "wristband"])
def test_a_scanner_reads_the_number_from_both_codes(tmp_path: Path, what: str, who: str) -> None:
    (tmp_path / "label.pdf").write_bytes(label(PEOPLE[who], what))
    subprocess.run(["pdftoppm", "-r", "203", "-gray", "-png", "label.pdf", "page"], cwd=tmp_path, check=True)
    (page,) = tmp_path.glob("page*.png")  # one page, however long the name; a label printer has 203 dots an inch
    found = zxingcpp.read_barcodes(Image.open(page))
    assert {(str(code.format), code.text) for code in found} == {("QR Code", NUMBER), ("Code 128", NUMBER)}


@pytest.mark.parametrize(
    ("what", "who", "size"),
    [("card", "known", (85.6, 53.98)), ("wristband", "known", (279, 25)), ("wristband", "newborn", (180, 25))],
)
def test_a_label_is_as_large_as_what_it_is_stuck_on(what: str, who: str, size: tuple[float, float]) -> None:
    (page,) = PdfReader(io.BytesIO(label(PEOPLE[who], what))).pages
    box = page.mediabox
    assert (float(box.width) * MILLIMETRES, float(box.height) * MILLIMETRES) == pytest.approx(size, abs=0.05)


def test_it_says_who_it_is_in_both_scripts() -> None:
    said = words(label(SALMA, "card"))
    for part in ("2417 9791 5844", "Salma Ben Salah", "12/03/1980", "F ·"):
        assert part in said
    assert any("\u0600" <= letter <= "\u06ff" or "\ufb50" <= letter <= "\ufeff" for letter in said)
    assert "≈ 1980" in words(label(LONG, "wristband"))
    assert "Nouveau-né 2 de Salma Ben Salah" in words(label(NEWBORN, "wristband"))


@pytest.mark.django_db
@pytest.mark.parametrize("what", ["card", "wristband"])
def test_it_is_printed_for_those_to_whom_the_record_is_open_and_logged(what: str) -> None:
    stage: Cast = cast()
    salma = make.patient(stage)
    before = Access.objects.count()
    answer = browser_of(stage.nour).get(f"/patients/{salma.id}/{what}.pdf")
    assert (answer.status_code, answer["content-type"]) == (200, "application/pdf")
    assert answer["content-disposition"] == f'inline; filename="{what}.pdf"'
    assert answer["cache-control"] == "no-store"
    said = words(answer.content)
    assert salma.printed_number in said
    assert "01234567" not in said
    assert Access.objects.count() == before + 1
    assert Access.objects.latest("created_at").what == f"patients.{what}"
    assert browser_of(stage.zied).get(f"/patients/{salma.id}/{what}.pdf").status_code == 403
