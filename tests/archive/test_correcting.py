"""A file is given with what the rows say of it: the head written anew, every pixel as it came."""

import io
import random
from dataclasses import replace
from pathlib import Path

import pytest
from pydicom import Dataset, dcmread
from pydicom.sequence import Sequence
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from tests import make
from tests.valid import errors_in
from wasl.archive.dicom import corrected, correcting, read
from wasl.archive.queries import Identity
from wasl.archive.rules.viewing import SPACINGS, is_spacing

SALMA = {
    0x00100010: "Ben Salah^Salma=بن صالح^سلمى", 0x00100020: "123456789012", 0x00100021: "WASL", 0x00100030: "19800312",
    0x00100040: "F",
}  # fmt: skip
STUDY, SERIES, INSTANCE = "2.25.11", "2.25.12", "2.25.13"
SYNTAXES = [
    ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian
]  # fmt: skip


def said(**study: str) -> Identity:
    names = {"accession": 0x00080050, "description": 0x00081030}
    identity = Identity(
        always={0x0020000D: STUDY, **SALMA}, study={names[name]: value for name, value in study.items()},
        source="oued-zen", at="20261129010000+0100",
    )  # fmt: skip
    return identity.of(SERIES, INSTANCE)


def again(path: Path, identity: Identity) -> Dataset:
    return dcmread(io.BytesIO(b"".join(corrected(path, identity).pieces())))


def latin() -> Dataset:
    """An image in Latin 1, letters in its sequences too, of which one is of undefined length."""
    step = Dataset()
    step.ScheduledProcedureStepDescription = "Crâne, côté gauche"
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "1", "99X", "Tête"
    step.ScheduledProtocolCodeSequence = Sequence([code])
    data = make.image(
        SpecificCharacterSet="ISO_IR 100", PatientName="Sélim^Zoé", StudyDescription="Crâne", PatientID="HZ-9",
        InstitutionName="Hôpital régional",
    )  # fmt: skip
    data.RequestAttributesSequence = Sequence([step])
    data["RequestAttributesSequence"].is_undefined_length = True
    return data


@pytest.mark.parametrize("syntax", SYNTAXES, ids=["explicit", "implicit", "big", "deflated"])
def test_the_head_is_new_and_the_pixels_are_old(tmp_path: Path, syntax: str) -> None:
    path = tmp_path / "one.dcm"
    path.write_bytes(make.part10(latin(), syntax))
    before = dcmread(path)
    data = again(path, said(accession="A-7", description="Scanner crânien"))
    assert data.file_meta.TransferSyntaxUID == syntax
    assert data.file_meta.MediaStorageSOPInstanceUID == data.SOPInstanceUID == INSTANCE
    assert (data.StudyInstanceUID, data.SeriesInstanceUID) == (STUDY, SERIES)
    assert (str(data.PatientName), data.PatientID, data.IssuerOfPatientID) == (
        SALMA[0x00100010],
        "123456789012",
        "WASL",
    )
    assert (data.AccessionNumber, data.StudyDescription) == ("A-7", "Scanner crânien")
    assert data.PixelData == before.PixelData
    assert data.InstitutionName == "Hôpital régional"
    step = data.RequestAttributesSequence[0]
    assert step.ScheduledProcedureStepDescription == "Crâne, côté gauche"
    assert step.ScheduledProtocolCodeSequence[0].CodeMeaning == "Tête"
    (item,) = data.OriginalAttributesSequence
    former = item.ModifiedAttributesSequence[0]
    assert (str(former.PatientName), former.PatientID, former.StudyDescription) == ("Sélim^Zoé", "HZ-9", "Crâne")
    assert (former.StudyInstanceUID, former.SOPInstanceUID) == (before.StudyInstanceUID, before.SOPInstanceUID)
    assert (item.SourceOfPreviousValues, item.ModifyingSystem) == ("oued-zen", "WASL")
    kept = {element.tag for element in before} - {element.tag for element in former} - {0x00080005}
    assert all(data[tag].value == before[tag].value for tag in kept if before[tag].VR != "SQ")
    read(memoryview(b"".join(corrected(path, said()).pieces())))  # our own reader takes it


def test_what_says_so_already_is_given_byte_for_byte(tmp_path: Path) -> None:
    path = tmp_path / "one.dcm"
    path.write_bytes(make.part10(latin()))
    first = b"".join(corrected(path, said()).pieces())
    path.write_bytes(first)
    given = corrected(path, said())
    assert given.head == b""
    assert (given.size, b"".join(given.pieces())) == (len(first), first)


def test_what_was_said_before_stays_beside_what_is_said_now(tmp_path: Path) -> None:
    path = tmp_path / "one.dcm"
    path.write_bytes(make.part10(latin()))
    path.write_bytes(b"".join(corrected(path, said()).pieces()))
    other = Identity(always={0x00100020: "999"}, study={}, source="el-amal", at="20261201")
    data = again(path, other)
    assert [item.SourceOfPreviousValues for item in data.OriginalAttributesSequence] == ["oued-zen", "el-amal"]
    assert data.OriginalAttributesSequence[1].ModifiedAttributesSequence[0].PatientID == "123456789012"
    assert str(data.PatientName) == SALMA[0x00100010]


def test_any_part_of_it_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "one.dcm"
    path.write_bytes(make.part10(latin()))
    given = corrected(path, said())
    whole = b"".join(given.pieces())
    assert len(whole) == given.size
    chance = random.Random(7)
    for _ in range(50):
        begin, end = sorted((chance.randrange(given.size + 1), chance.randrange(given.size + 1)))
        assert given.read(begin, end) == whole[begin:end]


def test_a_file_without_pixels_and_one_with_what_makes_no_sense(tmp_path: Path) -> None:
    data = latin()
    del data.PixelData
    data.add_new(0x00091010, "UN", b"\xff\xfe\x00\xe0broken")
    path = tmp_path / "one.dcm"
    path.write_bytes(make.part10(data))
    made = again(path, said())
    assert made[0x00091010].value == b"\xff\xfe\x00\xe0broken"
    assert made.PatientID == "123456789012"


def unmeasurable(bad: list[float]) -> Dataset:
    """An image in Latin 1 with spacings that cannot be beside some that can, at the top, shared, and frame by frame."""
    data = latin()
    data.PixelSpacing, data.ImagerPixelSpacing = bad, [0.2, 0.2]
    data.ObjectPixelSpacingInCenterOfBeam = bad
    data.SharedFunctionalGroupsSequence = [_measures(ReconstructionPixelSpacing=bad)]
    data.PerFrameFunctionalGroupsSequence = [
        _measures(PixelSpacing=[0.5, 0.5], SpacingBetweenSlices=-2), _measures(PixelSpacing=bad, SliceThickness=2)
    ]  # fmt: skip
    data["PerFrameFunctionalGroupsSequence"].is_undefined_length = True
    return data


def _measures(**values: object) -> Dataset:
    measures, group = Dataset(), Dataset()
    for keyword, value in values.items():
        setattr(measures, keyword, value)
    group.PixelMeasuresSequence = [measures]
    return group


@pytest.mark.parametrize("bad", [[0, 0.5], [-0.5, 0.5]], ids=["zero", "negative"])
@pytest.mark.parametrize("syntax", SYNTAXES, ids=["explicit", "implicit", "big", "deflated"])
def test_a_spacing_that_cannot_be_is_left_out_wherever_it_stands(tmp_path: Path, syntax: str, bad: list[float]) -> None:
    """With or without another identity, in UTF-8 or not; what it was is kept as bytes, with where it stood."""
    path = tmp_path / "one.dcm"
    path.write_bytes(make.part10(unmeasurable(bad), syntax))
    for identity, why in ((replace(said(), spacings=True), ["COERCE"]), (nobody(spacings=True), [])):
        before, data = dcmread(path), again(path, identity)
        spacings = [element for element in data.iterall() if element.tag in SPACINGS]
        assert {element.keyword for element in spacings} == {"PixelSpacing", "ImagerPixelSpacing"}
        assert all(is_spacing(element.value) for element in spacings)
        first, second = data.PerFrameFunctionalGroupsSequence
        assert first == before.PerFrameFunctionalGroupsSequence[0]
        assert second.PixelMeasuresSequence[0].SliceThickness == 2
        assert data.PixelData == before.PixelData
        assert data.InstitutionName == "Hôpital régional"
        items = data.OriginalAttributesSequence
        assert [item.ReasonForTheAttributeModification for item in items] == [*why, *["CORRECT"] * 4]
        told = {
            (one.SelectorAttribute, *_listed(one, "SelectorSequencePointer")):
                (_listed(one, "SelectorSequencePointerItems"), len(one.NonconformingDataElementValue))
            for item in items[len(why) :] for one in item.NonconformingModifiedAttributesSequence
        }  # fmt: skip
        assert told == {
            (0x00280030,): ([], 8),
            (0x00189404,): ([], 8),
            (0x00189322, 0x52009229, 0x00289110): ([1, 1], 16),
            (0x00280030, 0x52009230, 0x00289110): ([2, 1], 8),
        }
        assert read(memoryview(b"".join(corrected(path, identity).pieces()))).walk.spacing is False
    assert dcmread(path) == before
    judged = errors_in(tmp_path, corrected(path, nobody(spacings=True)).pieces())
    assert not [line for line in judged if "Original" in line or "Modified" in line], judged


def nobody(*, spacings: bool = False) -> Identity:
    """Nothing that the file does not say itself."""
    return Identity(always={}, study={}, source="oued-zen", at="20261129010000+0100", spacings=spacings)


def _listed(item: Dataset, keyword: str) -> list[int]:
    element = item.get(keyword)
    return [] if element is None else [int(value) for value in (element if item[keyword].VM > 1 else [element])]


@pytest.mark.parametrize(
    "text", [b"NaN   \\NaN   ", b"very  \\wide  ", b"0.5   \\inf   "], ids=["NaN", "words", "infinite"]
)
def test_a_spacing_that_is_no_number_is_left_out(tmp_path: Path, text: bytes) -> None:
    data = unmeasurable([1111, 2222])
    del data.ObjectPixelSpacingInCenterOfBeam, data.SharedFunctionalGroupsSequence
    path = tmp_path / "one.dcm"
    path.write_bytes(make.part10(data).replace(b"1111.0\\2222.0", text))
    assert read(memoryview(path.read_bytes())).walk.spacing
    given = again(path, nobody(spacings=True))
    assert "PixelSpacing" not in given
    assert "PixelSpacing" not in given.PerFrameFunctionalGroupsSequence[1].PixelMeasuresSequence[0]
    assert "PixelSpacing" not in again(path, nobody()), "what stands at the top needs no flag"


def test_an_image_that_can_be_measured_is_given_byte_for_byte(tmp_path: Path) -> None:
    """In a study with others that cannot be; what the standard lets be negative or zero stays as it is."""
    data = unmeasurable([0.25, 0.5])
    region = Dataset()
    region.PhysicalDeltaX, region.PhysicalDeltaY = -0.01, 0.0
    data.SequenceOfUltrasoundRegions = [region]
    data.SpacingBetweenSlices = 0
    former, earlier = Dataset(), Dataset()
    former.PixelSpacing = [0, 0]
    earlier.ModifiedAttributesSequence = [former]
    data.OriginalAttributesSequence = [earlier]
    path = tmp_path / "one.dcm"
    path.write_bytes(make.part10(data))
    for identity in (nobody(), nobody(spacings=True)):
        given = corrected(path, identity)
        assert given.head == b""
        assert b"".join(given.pieces()) == path.read_bytes()
    assert not read(memoryview(path.read_bytes())).walk.spacing


def test_without_the_flag_no_sequence_is_walked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "one.dcm"
    path.write_bytes(make.part10(unmeasurable([0.25, 0.5])))
    copied: list[bool] = []
    monkeypatch.setattr(correcting._Writer, "copied", lambda *_: copied.append(True))
    assert corrected(path, nobody()).head == b""
    assert copied == []
