"""De-identified copies of whole studies, searched byte by byte for all that named somebody."""

import html
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest
from click.testing import CliRunner, Result
from django.utils import translation
from PIL import Image, ImageDraw, ImageFont
from pydicom import Dataset, dcmread
from pydicom.data import get_testdata_file
from pydicom.sequence import Sequence
from pydicom.uid import ComputedRadiographyImageStorage, UltrasoundImageStorage, generate_uid

from tests import make
from tests.archive.test_views import browser
from tests.cast import Cast, cast
from wasl.archive import queries, rules, services
from wasl.archive.dicom import incoming
from wasl.archive.models import BurnedText, Instance, Release, Study
from wasl.edges.cli.main import main
from wasl.edges.dicom import burned, copies, releasing
from wasl.kernel.access import SYSTEM
from wasl.kernel.models import Fact

pytestmark = [pytest.mark.django_db, pytest.mark.filterwarnings("ignore::UserWarning:pydicom")]

ENCODINGS = ("utf-8", "latin-1", "iso8859-6", "cp1256", "utf-16-le", "utf-16-be")


@pytest.fixture
def stage(store: Path) -> Cast:
    return cast()


def wasl(*words: str) -> Result:
    return CliRunner().invoke(main, list(map(str, words)))


def ultrasound(text: str, *, study: str, **values: object) -> Dataset:
    """An ultrasound frame with words in its pixels."""
    picture = Image.new("L", (480, 160), 0)
    ImageDraw.Draw(picture).text((20, 40), text, fill=255, font=ImageFont.load_default(size=26))
    data = make.image(
        1, StudyInstanceUID=study, Modality="US", SOPClassUID=UltrasoundImageStorage, Rows=160, Columns=480,
        BitsAllocated=8, BitsStored=8, HighBit=7, PixelRepresentation=0, **values,
    )  # fmt: skip
    data["PixelData"].VR = "OB"
    data.PixelData = np.asarray(picture).tobytes()
    return data


def revealing(study: str) -> Dataset:
    """A slice that says whose it is wherever a file can."""
    item = Dataset()
    item.PatientName, item.PatientID, item.TextValue = "Ben Salah^Salma", "HZ-1980", "Salma Ben Salah"
    data = make.image(
        1, StudyInstanceUID=study, AccessionNumber="ACC-7781", ReferringPhysicianName="Gharbi^Amel",
        InstitutionName="Oued Zen", OperatorsName="Jlassi^Sami", OtherPatientIDs="CIN08812345",
        PatientComments="Salma, 71 000 000", PatientAddress="12 rue de Béja", StudyID="SID-5521",
        RequestAttributesSequence=Sequence([item]), ContentSequence=Sequence([item]),
        IconImageSequence=Sequence([item]), DerivationDescription="of Salma",
        FrameOfReferenceUID=generate_uid(), BodyPartExamined="SALMA",
    )  # fmt: skip
    data.private_block(0x0009, "SECRETS", create=True).add_new(1, "UN", b"Ben Salah^Salma ")
    for tag, value in ((0x60000010, 16), (0x60000011, 16)):
        data.add_new(tag, "US", value)
    data.add_new(0x60003000, "OW", b"Ben Salah Salma " * 2)
    data.add_new(0x60004000, "LT", "Salma")
    data.PixelData = np.arange(0, 1024, 4).astype("<i2").tobytes() + b"Ben Salah^Salma "
    data.add_new(0xFFFCFFFC, "OB", b"HZ-1980 ")
    return data


def identifiers(data: Dataset) -> Iterator[str]:
    """What names a person or a file in a data set: an independent walk, which knows nothing of the profile."""
    for element in data.iterall():
        if element.VR in ("PN", "DA") or (element.VR == "UI" and not str(element.value).startswith("1.2.840.10008.")):
            yield from (part for part in str(element.value).replace("=", "^").split("^") if len(part) > 3)
    for keyword in ("PatientID", "AccessionNumber", "OtherPatientIDs", "StudyID", "InstitutionName"):
        if value := data.get(keyword):
            yield str(value)
    yield from ("Salma", "SALMA", "71 000 000", "rue de B", "SECRETS", "Oued")


def leaks(content: bytes, named: set[str]) -> set[str]:
    found = set()
    for word in named:
        for encoding in ENCODINGS:
            try:
                coded = word.encode(encoding)
            except UnicodeEncodeError:
                continue
            if coded in content or coded.lower() in content.lower():
                found.add(word)
    return found


def arrive(stage: Cast, *images: Dataset) -> UUID:
    return make.send(stage, *images)[0].study


def test_nothing_in_a_zip_of_copies_names_anybody(stage: Cast, tmp_path: Path) -> None:
    uid = str(generate_uid())
    report = make.image(3, StudyInstanceUID=uid, SOPClassUID="1.2.840.10008.5.1.4.1.1.88.11", Modality="SR")
    for keyword in ("PixelData", "Rows", "Columns", "BitsAllocated"):
        delattr(report, keyword)
    sent = [revealing(uid), ultrasound("NAME: BEN SALAH SALMA", study=uid), report]
    arrive(stage, *sent)
    to = tmp_path / "copies.zip"
    done = wasl("deidentify", uid, "--project", "thorax", "--place", "oued-zen", "--to", str(to), "--option", "patient")
    assert done.exit_code == 0, done.output
    assert "2 images copied" in done.output
    assert "1 images left out: no picture" in done.output
    named = {word for data in sent for word in identifiers(data)} | {"Ben Salah"}
    assert len(named) > 15
    assert leaks(make.part10(sent[0]), named) > {"HZ-1980", "ACC-7781", "Salma"}  # the search finds what is there
    with zipfile.ZipFile(to) as archive:
        names = archive.namelist()
        contents = {name: archive.read(name) for name in names}
    assert leaks(to.read_bytes() + b"".join(contents.values()), named) == set()
    slice_, frame = (dcmread(io.BytesIO(contents[name])) for name in sorted(names) if name.endswith(".dcm"))
    if slice_.Modality != "CT":
        slice_, frame = frame, slice_
    assert (slice_.pixel_array == np.frombuffer(sent[0].PixelData[:512], "<i2").reshape(16, 16)).all()
    assert slice_.PatientID == frame.PatientID == names[0].split("/")[0]
    assert slice_.StudyInstanceUID == frame.StudyInstanceUID != uid
    assert slice_.PatientSex == "F"
    assert len(slice_.PixelData) == 512
    # what was written in the pixels is gone, and a second reader finds nothing
    assert sent[1].pixel_array.max() == 255
    assert frame.pixel_array.max() == 0
    assert frame.BurnedInAnnotation == "NO"
    assert "113101" in [code.CodeValue for code in frame.DeidentificationMethodCodeSequence]
    assert json.loads(contents["about.json"])["left_out"] == {"no picture": 1}
    (row,) = BurnedText.objects.filter(instance__sop_class=UltrasoundImageStorage)
    assert not row.another
    assert row.boxes
    assert "SALAH" not in json.dumps(row.boxes)
    assert Fact.objects.filter(name="archive.ReleaseMade").count() == 1
    assert wasl("deidentify", uid, "--project", "thorax", "--to", str(to)).exit_code == 1  # never written over


def test_a_real_ultrasound_is_painted_over_and_compressed_without_loss(stage: Cast, tmp_path: Path) -> None:
    path = get_testdata_file("US1_J2KR.dcm")
    assert path
    original = dcmread(path)
    (outcome,) = services.receive([incoming(Path(path), place=stage.regional)], by=SYSTEM)
    project = services.open_project("us", place=stage.regional, by=SYSTEM)
    release = services.ask_release(project.id, studies=[outcome.study], purpose="teaching", by=SYSTEM)
    assert not releasing.make_release(release.id, tmp_path / "us")
    (file,) = (tmp_path / "us").rglob("*.dcm")
    copy = dcmread(file)
    assert copy.file_meta.TransferSyntaxUID.name == "JPEG-LS Lossless Image Compression"
    before, after = original.pixel_array, copy.pixel_array
    boxes = BurnedText.objects.get().boxes
    clean = np.ones(before.shape[:2], bool)
    for box in boxes:
        area = slice(box["top"], box["top"] + box["height"]), slice(box["left"], box["left"] + box["width"])
        clean[area] = False
        assert after[area].max() == 0
    assert (before[clean] == after[clean]).all()  # what is no text is as it was, to the last bit
    assert clean.mean() > 0.8
    assert not leaks(file.read_bytes(), {"BAPTIST", str(original.PatientName), str(original.StudyInstanceUID)})


def test_pixels_that_name_somebody_else_are_told(stage: Cast) -> None:
    uid = str(generate_uid())
    study = arrive(stage, ultrasound("NAME: TRABELSI ZIED", study=uid))
    assert releasing.read_study(study) == 1
    assert BurnedText.objects.get().another
    (fact,) = Fact.objects.filter(name="archive.WrongPatientSuspected")
    assert fact.data["study"] == str(study)
    assert "TRABELSI" not in json.dumps(fact.data)
    assert releasing.read_study(study) == 0  # once
    assert Study.objects.get(id=study).flags == ["another"]
    page = browser(stage.sami).get("/archive/").content.decode()
    warnings = []
    for language in ("ar", "fr", "en"):
        with translation.override(language):
            warnings.append(
                translation.gettext("A name in the pixels is not that of the header: whose images are these?")
            )
    assert any(html.escape(warning) in page or warning in page for warning in warnings)


def test_nothing_goes_out_where_names_are_likely_and_nobody_can_read_them(
    stage: Cast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (burned, releasing):
        monkeypatch.setattr(module, "can_read", lambda: False)
    risky, plain = str(generate_uid()), str(generate_uid())
    arrive(stage, ultrasound("NAME", study=risky))
    arrive(stage, make.image(1, StudyInstanceUID=plain))
    words = ("--project", "p", "--place", "oued-zen", "--to")
    done = wasl("deidentify", risky, *words, str(tmp_path / "risky"))
    assert done.exit_code == 1
    assert rules.NoReader().sentence in done.output
    assert not (tmp_path / "risky").exists()
    assert wasl("deidentify", plain, *words, str(tmp_path / "plain")).exit_code == 0
    (file,) = (tmp_path / "plain").rglob("*.dcm")
    copy = dcmread(file)
    assert "BurnedInAnnotation" not in copy
    assert [code.CodeValue for code in copy.DeidentificationMethodCodeSequence] == ["113100"]
    assert Release.objects.filter(ended_at__isnull=False).count() == 1


def test_every_frame_is_painted_over_and_only_the_boxes(stage: Cast, tmp_path: Path) -> None:
    data = make.image(
        1, SOPClassUID=ComputedRadiographyImageStorage, NumberOfFrames=3, PhotometricInterpretation="MONOCHROME1"
    )
    frames = np.random.default_rng(5).integers(-100, 900, (3, 16, 16), dtype="int16")
    data.PixelData = frames.tobytes()
    study = arrive(stage, data)
    instance = Instance.objects.get()
    box = burned.Box(2, 3, 5, 4, 0.9)
    services.note_burned_text(instance.id, boxes=[box.as_row()], words=[], frames=3, by=SYSTEM)
    project = services.open_project("cr", place=stage.regional, by=SYSTEM)
    release = services.ask_release(project.id, studies=[study], purpose="teaching", by=SYSTEM)
    releasing.make_release(release.id, tmp_path / "out")
    (file,) = (tmp_path / "out").rglob("*.dcm")
    made = dcmread(file).pixel_array
    for number in range(3):
        assert (made[number, 3:7, 2:7] == frames[number].max()).all()
        made[number, 3:7, 2:7] = frames[number, 3:7, 2:7]
    assert (made == frames).all()


def test_comments_in_a_code_stream_are_left_out() -> None:
    comment = b"\xff\xfe" + (2 + 9).to_bytes(2, "big") + b"Ben Salah"
    exif = b"\xff\xe1" + (2 + 5).to_bytes(2, "big") + b"Salma"
    coded = b"\xff\xd8" + exif + b"\xff\xdb\x00\x03\x01" + comment + b"\xff\xda\x00\x03\x01data\xff\xd9after"
    assert copies.bare(coded) == b"\xff\xd8\xff\xdb\x00\x03\x01\xff\xda\x00\x03\x01data\xff\xd9"
    j2k = b"\xff\x4f\xff\x51\x00\x03\x01" + b"\xff\x64\x00\x07Salma" + b"\xff\x90\x00\x03\x01data"
    assert copies.bare(j2k) == b"\xff\x4f\xff\x51\x00\x03\x01\xff\x90\x00\x03\x01data"


def test_who_asks_outside_waits_and_the_job_makes_what_was_approved(stage: Cast) -> None:
    study = arrive(stage, make.image(1))
    project = services.open_project("outside", place=stage.regional, by=SYSTEM)
    release = services.ask_release(project.id, studies=[study], purpose="sharing", by=SYSTEM)
    with pytest.raises(rules.NotApproved):
        releasing.make_release(release.id, releasing.released_file(release.id))
    assert not releasing.released_file(release.id).exists()
    assert queries.release(release.id, viewer=SYSTEM).ended_at is None
