"""Structured reports as pages: all that they say, in the reader's language, and nothing that they would do."""

import html
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path

import httpx
import numpy as np
import pytest
from playwright.sync_api import Browser
from pydicom import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import BasicTextSRStorage

from tests import make
from tests.cast import Cast, cast
from tests.edges.dicomweb import Service, arrive, dataset
from tests.edges.test_dicomweb_transcoded import query
from tests.edges.test_dicomweb_wado import at
from tests.edges.test_viewer import Window, chromium
from wasl.accounts import services as accounts
from wasl.archive import services as archive
from wasl.archive.models import Study
from wasl.edges.dicom import content

pytestmark = pytest.mark.django_db(transaction=True)

EVIL = (
    '</p></title></style><script>alert(1)</script><img src=x onerror="alert(1)">\u202e\x1b{{ style }}{% now "Y" %}&amp;'
)
TAGS = {"html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "dl", "dt", "dd", "ol", "li", "b", "bdi",
        "small", "a"}  # fmt: skip
ATTRIBUTES = {"lang", "dir", "charset", "name", "content", "class", "role", "id", "href"}


@pytest.fixture
def stage(store: Path) -> Cast:
    return cast()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


def code(meaning: str, value: str = "121071") -> Sequence:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "DCM", meaning
    return Sequence([item])


def item(kind: str, name: str = "Finding", how: str = "CONTAINS", **values: object) -> Dataset:
    """A content item."""
    data = Dataset()
    data.RelationshipType, data.ValueType, data.ConceptNameCodeSequence = how, kind, code(name)
    for keyword, value in values.items():
        setattr(data, keyword, value)
    return data


def report(*items: Dataset, **values: object) -> Dataset:
    """A report of these content items."""
    data = make.image(1, SOPClassUID=BasicTextSRStorage, Modality="SR", ValueType="CONTAINER", **values)
    for keyword in ("PixelData", "Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "SamplesPerPixel"):
        delattr(data, keyword)
    if "ConceptNameCodeSequence" not in data:
        data.ConceptNameCodeSequence = code("Imaging report")
    data.ContentSequence = Sequence(items)
    return data


def kept(stage: Cast, data: Dataset) -> Study:
    return Study.objects.get(id=make.send(stage, data)[0].study)


class Page(HTMLParser):
    """What a browser would find in a page."""

    def __init__(self, answer: httpx.Response) -> None:
        super().__init__()
        assert answer.status_code == 200, answer.text
        self.tags: set[str] = set()
        self.attributes: dict[str, set[str | None]] = {}
        self.said: list[str] = []
        self.feed(answer.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            self.attributes.setdefault(name, set()).add(value)

    def handle_data(self, data: str) -> None:
        self.said.append(data)

    @property
    def text(self) -> str:
        return "".join(self.said)

    def is_harmless(self) -> bool:
        """Whether there is nothing in it but text, and links within the page."""
        links = self.attributes.get("href", set())
        return (
            self.tags <= TAGS
            and self.attributes.keys() <= ATTRIBUTES
            and all(link and link.startswith("#item-") for link in links)
        )


@pytest.mark.parametrize("name", ["test-SR.dcm", "reportsi.dcm"])
def test_all_that_a_real_report_says_is_shown(stage: Cast, sami: Service, name: str) -> None:
    study = arrive(name, by=stage.sami, place=stage.regional)
    for address in (f"{at(study)}/rendered", query(study), query(study, contentType="text/html")):
        answer = sami.get(address, "text/html,*/*;q=0.8")
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        page = Page(answer)
        assert page.is_harmless()
        plain = sami.get(f"{at(study)}/rendered", "text/plain")
        assert plain.headers["content-type"] == "text/plain; charset=utf-8"
        values = [
            str(element.value).strip() for box in dataset(name).ContentSequence for element in box.iterall()
            if element.keyword in ("TextValue", "NumericValue")
        ]  # fmt: skip
        assert values
        for value in values:
            for line in filter(None, map(str.strip, value.splitlines())):
                assert line in page.text, line
                assert line in plain.text, line
    assert sami.get(f"{at(study)}/rendered", "image/png").status_code == 406
    assert sami.get(query(study, contentType="application/dicom")).content[128:132] == b"DICM"


def test_each_kind_of_content_and_what_is_to_be_known_first(stage: Cast, sami: Service) -> None:
    measured, image = Dataset(), Dataset()
    measured.NumericValue, measured.MeasurementUnitsCodeSequence = "12.50", code("millimeter", "mm")
    image.ReferencedSOPClassUID, image.ReferencedSOPInstanceUID = "1.2.840.10008.5.1.4.1.1.2", "1.2.3.4"
    image.ReferencedFrameNumber = [1, 3]
    inner = item("TEXT", "Detail", "INFERRED FROM", TextValue="Première ligne\r\nseconde ligne")
    data = report(
        item("CONTAINER", "Findings", ContentSequence=Sequence([
            item("NUM", "Diameter", MeasuredValueSequence=Sequence([measured])),
            item("NUM", "Volume", NumericValueQualifierCodeSequence=code("Value unknown")),
            item("CODE", "Site", ConceptCodeSequence=code("Left lung", "39607008"), ContentSequence=Sequence([inner])),
        ])),
        item("DATE", "Day", Date="20261110"), item("TIME", "Hour", Time="080501.25"),
        item("DATETIME", "Moment", DateTime="20261110080501+0100"),
        item("PNAME", "Observer", PersonName="Haddad^Leila"),
        item("UIDREF", "Object", UID="1.2.3.5"), item("IMAGE", "Source", ReferencedSOPSequence=Sequence([image])),
        item("SCOORD", "Outline", GraphicType="POLYLINE", GraphicData=[1, 2, 3, 4]), item("HOLOGRAM", "Vision"),
        item("TEXT", "Nothing"),
        CompletionFlag="PARTIAL", VerificationFlag="UNVERIFIED", PreliminaryFlag="PRELIMINARY",
    )  # fmt: skip
    study = kept(stage, data)
    accounts.change_preferences(language="en", by=stage.sami)
    lines = sami.get(f"{at(study)}/rendered", "text/plain").text.splitlines()
    told = lines[lines.index("") + 1 :]
    assert told == [
        "Findings:", "  Diameter: 12.50 millimeter", "  Volume: Value unknown", "  Site: Left lung",
        "    Detail (inferred from): Première ligne", "seconde ligne", "Day: 2026-11-10", "Hour: 08:05:01",
        "Moment: 2026-11-10 08:05:01 +0100", "Observer: Haddad Leila", "Object: 1.2.3.5",
        "Source: CT Image Storage, 1.2.3.4, frames 1, 3", "Outline: POLYLINE",
        "Vision: This cannot be shown here: HOLOGRAM", "Nothing: –",
    ]  # fmt: skip
    page = Page(sami.get(f"{at(study)}/rendered"))
    for notice in ("partial", "Nobody has verified", "preliminary"):
        assert any(notice in line for line in lines[:4])
        assert notice in page.text


def test_a_report_is_in_the_readers_language_and_of_the_matched_patient(stage: Cast, sami: Service) -> None:
    study = kept(stage, report(item("TEXT", TextValue="لا يوجد نزف"), VerificationFlag="UNVERIFIED", PatientID="HZ-9"))
    salma = make.patient(stage)
    archive.match_study(study.id, patient=salma.id, because="test", by=stage.sami)
    for language, direction, words in (
        ("ar", "rtl", "المريض"), ("fr", "ltr", "Personne n’a vérifié"), ("en", "ltr", "Nobody has verified"),
    ):  # fmt: skip
        accounts.change_preferences(language=language, by=stage.sami)
        answer = sami.get(f"{at(study)}/rendered")
        page = Page(answer)
        assert (page.attributes["lang"], answer.headers["content-language"]) == ({language}, language)
        assert direction in page.attributes["dir"]
        for said in (words, "لا يوجد نزف", "Ben Salah Salma = بن صالح سلمى", salma.number):
            assert said in page.text, (language, said)
        assert "HZ-9" not in page.text


def nested(depth: int) -> Dataset:
    """Containers within containers, and a text in the deepest."""
    inner = item("TEXT", TextValue="the innermost")
    for _ in range(depth):
        inner = item("CONTAINER", ContentSequence=Sequence([inner]))
    return inner


def circle() -> Dataset:
    """Two items that refer to each other, and one to itself."""
    first, second = Dataset(), Dataset()
    first.RelationshipType = second.RelationshipType = "INFERRED FROM"
    first.ReferencedContentItemIdentifier, second.ReferencedContentItemIdentifier = [1, 1, 2], [1, 1, 1]
    own = Dataset()
    own.RelationshipType, own.ReferencedContentItemIdentifier = "SELECTED FROM", [1, 1]
    return item("CONTAINER", ContentSequence=Sequence([first, second, own]))


def scripts() -> Dataset:
    """Markup wherever text may stand."""
    evil, measured = Dataset(), Dataset()
    evil.ReferencedSOPClassUID, evil.ReferencedSOPInstanceUID = "1.2.3", "1.2.4"
    measured.NumericValue, measured.MeasurementUnitsCodeSequence = "1", code(EVIL)
    return item(
        "CONTAINER", EVIL[:64], EVIL[:16],
        ContentSequence=Sequence([
            item("TEXT", EVIL[:64], TextValue=EVIL), item("CODE", ConceptCodeSequence=code(EVIL[:64])),
            item("NUM", MeasuredValueSequence=Sequence([measured])), item("PNAME", PersonName=EVIL[:64]),
            item("IMAGE", ReferencedSOPSequence=Sequence([evil])), item(EVIL[:16]), item("DATE", Date="<b>x</b>"),
        ]),
    )  # fmt: skip


HOSTILE: dict[str, tuple[Callable[[], list[Dataset]], bool]] = {  # the items, and whether all of them is shown
    "deep": (lambda: [nested(18)], True),
    "a circle of references": (lambda: [circle()], True),
    "markup": (lambda: [scripts()], True),
    "one long text": (lambda: [item("TEXT", TextValue="é" * 2_000_000)], False),
    "very many items": (lambda: [item("TEXT", TextValue="x")] * (content.MOST_ITEMS + 1), False),
    "nothing": (lambda: [Dataset()] * 3, True),
}


@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_report_is_harmless(stage: Cast, sami: Service, kind: str) -> None:
    made, whole = HOSTILE[kind]
    study = kept(stage, report(*made(), SeriesDescription=EVIL[:64], PatientName=EVIL[:64], StudyDescription=EVIL[:64]))
    accounts.change_preferences(language="en", by=stage.sami)
    answer = sami.get(f"{at(study)}/rendered")
    page = Page(answer)
    assert page.is_harmless()
    assert ("parts of it are missing" in page.text) is not whole
    assert len(answer.content) < 4 * content.MOST_LETTERS
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy and policy.endswith("sandbox")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "\u202e" not in answer.text and "\x1b" not in answer.text
    plain = sami.get(f"{at(study)}/rendered", "text/plain")
    assert plain.status_code == 200
    if kind == "deep":
        assert "the innermost" in page.text
    if kind == "markup":
        shown = html.unescape(EVIL.replace("&amp;", "&amp;amp;")).replace("\u202e", "").replace("\x1b", "")
        assert shown in page.text
        assert shown in plain.text
    if kind == "a circle of references":
        assert {"#item-1.1.2", "#item-1.1.1", "#item-1.1"} == page.attributes["href"]


def test_a_walk_ends_whatever_it_finds() -> None:
    """Trees deeper than the archive takes, and values of kinds that have no business where they stand."""
    found, whole = content.items(report(nested(2000)))
    assert (len(found), whole) == (content.DEEPEST, False)
    draw = np.random.default_rng(7)
    odd: list[object] = [b"\xff", "x" * 10, "\\", [1, 2], None, Sequence([Dataset()]), 7, -1.5]
    keywords = (
        "ContentSequence",
        "ValueType",
        "ConceptNameCodeSequence",
        "TextValue",
        "MeasuredValueSequence",
        "Date",
        "ReferencedSOPSequence",
        "ReferencedContentItemIdentifier",
        "RelationshipType",
        "PersonName",
        "UID",
    )
    for _ in range(300):
        data = Dataset()
        for keyword in keywords:
            if draw.random() < 0.7:
                data.add_new(keyword, "UN", b"")
                data[keyword].__dict__["_value"] = odd[int(draw.integers(len(odd)))]
        kind = ["TEXT", "NUM", "CODE", "IMAGE", "PNAME", "DATE", "TIME", "CONTAINER"][int(draw.integers(8))]
        if draw.random() < 0.7:
            data.ValueType = kind
        found, _ = content.items(report(data))
        assert all(isinstance(part, str) for one in found for part in (one.name, one.value, one.to))


@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
def test_a_browser_shows_it_and_runs_nothing(server: str, browser: Browser) -> None:
    stage = cast()
    study = kept(stage, report(scripts(), item("TEXT", "الخلاصة", TextValue="لا يوجد نزف")))
    accounts.change_preferences(language="ar", by=stage.sami)
    window = Window(browser, server, stage.sami)
    window.page.on("dialog", lambda dialog: window.wrong.append(dialog.message))
    window.page.goto(f"{server}/dicom-web{at(study)}/rendered")
    window.page.get_by_text("لا يوجد نزف").wait_for()
    window.page.wait_for_timeout(500)
    assert window.wrong == [], "the style sheet is allowed, and nothing else was tried"
    box = window.page.locator("body").bounding_box()
    assert box is not None and box["width"] < 1000, "the style sheet is in force"
