"""Headers without what names anybody, the crosswalk, and who lets copies go outside."""

import datetime
import io
from uuid import UUID

import pytest
from pydicom import Dataset, dcmread
from pydicom.sequence import Sequence

from tests import make
from tests.archive.test_services import told
from tests.at_once import at_once
from tests.cast import Cast, cast
from wasl.accounts import queries as accounts_queries
from wasl.accounts import services as accounts
from wasl.archive import queries, rules, services
from wasl.archive.dicom import confidentiality
from wasl.archive.dicom.deidentify import Alias, deidentified
from wasl.archive.models import Pseudonym, Release
from wasl.kernel.access import SYSTEM, Actor
from wasl.kernel.errors import NotAllowed
from wasl.patients.models import Access

NOBODY = Alias("P7KQ3M2X", b"s" * 32, "patient:1")


@pytest.fixture
def stage(db: None) -> Cast:
    return cast()


def steward(stage: Cast, name: str = "rim", place: UUID | None = None) -> Actor:
    """Who keeps the crosswalk of a hospital, the regional one unless another is named."""
    person = accounts.add_person(
        username=name, password=None, given_name="Rim", family_name="Sassi", given_name_ar="ريم",
        family_name_ar="الساسي", demo=True, by=SYSTEM,
    )  # fmt: skip
    accounts.give_post(person.id, role="steward", place=place or stage.regional, by=SYSTEM)
    return accounts_queries.actor_of(person.id, address="192.0.2.9")


def clean(data: Dataset, *options: str) -> Dataset:
    return deidentified(data, NOBODY, options=set(options), clean_pixels=False)


@pytest.mark.parametrize(
    ("tag", "vr", "options", "how"),
    [
        (0x00080050, "SH", (), "Z"),  # accession number
        (0x0008103E, "LO", (), "X"),  # series description
        (0x0008103E, "LO", ("descriptors",), "C"),
        (0x0020000D, "UI", (), "U"),
        (0x0020000D, "UI", ("uids",), "K"),
        (0x00080020, "DA", (), "Z"),
        (0x00080020, "DA", ("full-dates",), "K"),
        (0x00080020, "DA", ("shifted-dates",), "C"),
        (0x00101010, "AS", (), "X"),
        (0x00101010, "AS", ("patient",), "K"),
        (0x00181000, "LO", ("device",), "K"),  # device serial number
        (0x00080080, "LO", ("institution",), "K"),
        (0x00280010, "US", (), "K"),
        (0x00880200, "SQ", ("descriptors",), "X"),  # icon
        (0x60003000, "OW", (), "X"),
        (0x50003000, "OW", (), "X"),
        (0x00090010, "LO", (), "X"),
    ],
)
def test_what_becomes_of_an_element_by_the_profile_and_its_options(
    tag: int, vr: str, options: tuple[str, ...], how: str
) -> None:
    assert confidentiality.action(tag, vr, set(options)) == how


def test_the_table_is_whole() -> None:
    rows = confidentiality.TABLE.read_text().splitlines()[2:]
    assert len(rows) == 617  # Table E.1-1 of 2024e has 621, four of them are patterns: curves, overlays twice, private
    assert {part for row in rows for part in row.split(",")[1].rstrip("*").split("/")} <= set("XZDKCU*") | {"U*"}


def test_names_in_sequences_descriptions_and_private_blocks_stay_behind() -> None:
    item = Dataset()
    item.PatientID, item.RequestedProcedureDescription, item.CodeMeaning = "HZ-1980", "CT de Salma", "Salma's head"
    data = make.image(
        1, SeriesDescription="Axial Salma t1 Béja", RequestAttributesSequence=Sequence([item]), PatientAge="093Y",
        ManufacturerModelName="Somatom for Ben Salah", Manufacturer="ACME", ImageComments="tél. 71 000 000",
    )  # fmt: skip
    data.private_block(0x0099, "OURS", create=True).add_new(1, "LO", "Salma")
    data.private_block(0x2001, "Philips Imaging DD 001", create=True).add_new(3, "FL", 1000.0)
    made = clean(data, "descriptors", "safe-private", "patient")
    assert made.SeriesDescription == "Axial t1"
    assert made.RequestAttributesSequence[0].RequestedProcedureDescription == "CT"
    assert "CodeMeaning" not in made.RequestAttributesSequence[0]
    assert (made.PatientName, made.PatientID) == ("P7KQ3M2X", "P7KQ3M2X")
    assert (made.PatientAge, made.Manufacturer) == ("090Y", "ACME")
    assert "ManufacturerModelName" not in made
    assert "ImageComments" not in made
    assert [element.value for element in made if element.tag.is_private] == ["Philips Imaging DD 001", 1000.0]
    assert made.PatientIdentityRemoved == "YES"
    assert [code.CodeValue for code in made.DeidentificationMethodCodeSequence] == [
        "113100", "113105", "113108", "113111"
    ]  # fmt: skip


def test_what_is_empty_stays_empty() -> None:
    """The standard wants elements of type 2 to be there, though nothing is known (PS3.5, 7.4.3)."""
    data = make.image(1, EchoTrainLength=None, KVP=None, FlipAngle=None, LossyImageCompressionRatio=None, Laterality="")
    data.add_new(0x00189073, "FD", None)  # acquisition duration
    data.add_new(0x00280106, "US", None)  # smallest pixel value
    before = [element.tag for element in data if element.is_empty and element.tag != 0x00080050]
    made = dcmread(io.BytesIO(make.part10(clean(data))))
    assert len(before) == 7
    assert [tag for tag in before if tag not in made or not made[tag].is_empty] == []


def test_dates_keep_their_distance_when_they_are_shifted() -> None:
    first = clean(make.image(1, StudyDate="20261110", SeriesDate="20261112"), "shifted-dates")
    assert first.StudyDate < "20261110"
    assert int(first.SeriesDate) != 20261112
    days = [datetime.date.fromisoformat(date) for date in (first.StudyDate, first.SeriesDate)]
    assert (days[1] - days[0]).days == 2
    assert first.LongitudinalTemporalInformationModified == "MODIFIED"
    assert clean(make.image(1), "full-dates").StudyDate == "20261110"


def test_uids_are_the_same_in_a_project_and_others_in_another() -> None:
    data = make.image(1)
    here, there = clean(data), deidentified(
        data, Alias("X", b"t" * 32, "patient:1"), options=set(), clean_pixels=False
    )  # fmt: skip
    assert here.StudyInstanceUID == clean(data).StudyInstanceUID != there.StudyInstanceUID
    assert here.SOPClassUID == data.SOPClassUID
    assert here.StudyInstanceUID.startswith("2.25.")


@pytest.mark.parametrize(
    ("texts", "another"),
    [
        (["NAME: BEN SALAH SALMA"], False),
        (["Name: BEN SALAM"], False),  # a letter misread
        (["NOM: TRABELSI ZIED"], True),
        (["TRABELSI^ZIED"], True),
        (["ID: HZ-1980"], False),
        (["ID: 4471-900"], True),
        (["TIS<0.4 MI=0.8", "PELVIS", "24-MAY-02"], False),
    ],
)
def test_a_name_in_pixels_is_compared_with_the_header(texts: list[str], another: bool) -> None:
    names, numbers = ["ben", "salah", "salma", "بن", "صالح"], ["HZ-1980"]
    assert rules.names_another(texts, names=names, numbers=numbers) is another


def test_an_arabic_name_alone_says_nothing_of_latin_letters() -> None:
    assert not rules.names_another(["NAME: TRABELSI"], names=["صالح"], numbers=[])


def test_one_person_has_one_pseudonym_in_a_project_and_another_in_the_next(stage: Cast) -> None:
    patient = make.patient(stage)
    keys = [make.study(stage, images=1, PatientID=number).id for number in ("HZ-1", "HZ-2")]
    for key in keys:
        services.match_study(key, patient=patient.id, because="tests", by=stage.sami)
    given = []
    for name in ("thorax", "liver"):
        project = services.open_project(name, place=stage.regional, by=SYSTEM)
        release = services.ask_release(project.id, studies=keys, purpose="teaching", by=SYSTEM)
        given.append([services.give_pseudonym(release.id, study=key, by=SYSTEM).pseudonym for key in keys])
    assert given[0][0] == given[0][1]
    assert given[1][0] == given[1][1] != given[0][0]
    assert len(told("PseudonymGiven")) == 2


def test_the_crosswalk_speaks_to_the_steward_of_the_place_alone_and_is_logged(stage: Cast) -> None:
    patient = make.patient(stage)
    study = make.study(stage, images=1)
    services.match_study(study.id, patient=patient.id, because="tests", by=stage.sami)
    project = services.open_project("thorax", place=stage.regional, by=SYSTEM)
    release = services.ask_release(project.id, studies=[study.id], purpose="teaching", by=SYSTEM)
    value = services.give_pseudonym(release.id, study=study.id, by=SYSTEM).pseudonym
    with pytest.raises(NotAllowed):
        services.resolve_pseudonym(project.id, value=value, by=stage.karim)
    with pytest.raises(rules.NoSuchPseudonym):
        services.resolve_pseudonym(project.id, value=value, by=steward(stage, "other", stage.other))
    rim = steward(stage)
    found = services.resolve_pseudonym(project.id, value=value.lower(), by=rim)
    assert found.real == f"patient:{patient.id}"
    assert Access.objects.filter(patient=patient, what="archive.crosswalk", actor=str(rim)).count() == 1
    (fact,) = told("PseudonymResolved")
    assert value not in str(fact.data)


def test_what_goes_outside_is_approved_by_somebody_else(stage: Cast) -> None:
    study = make.study(stage, images=1)
    rim, slim = steward(stage), steward(stage, "slim")
    with pytest.raises(rules.NotYourPlace):
        services.open_project("theirs", place=stage.other, by=rim)
    project = services.open_project("shared", place=stage.regional, by=rim)
    with pytest.raises(rules.NoSuchStudy):  # who keeps the crosswalk has no ground to open a study
        services.ask_release(project.id, studies=[study.id], purpose="sharing", by=rim)
    asked = services.ask_release(project.id, studies=[study.id], purpose="sharing", by=SYSTEM)
    Release.objects.filter(id=asked.id).update(asked_by=str(rim))
    with pytest.raises(rules.NotApproved):
        services.give_pseudonym(asked.id, study=study.id, by=SYSTEM)
    with pytest.raises(rules.NotYourRelease):
        services.approve_release(asked.id, by=rim)
    with pytest.raises(rules.NoSuchRelease):
        services.approve_release(asked.id, by=steward(stage, "other", stage.other))
    services.approve_release(asked.id, by=slim)
    with pytest.raises(rules.AlreadyApproved):
        services.approve_release(asked.id, by=slim)
    assert services.give_pseudonym(asked.id, study=study.id, by=SYSTEM).pseudonym


@pytest.mark.parametrize(("options", "refusal"), [(["names"], rules.UnknownOption),
                                                  (["full-dates", "shifted-dates"], rules.DatesTwice)])  # fmt: skip
def test_options_are_known_and_agree(stage: Cast, options: list[str], refusal: type[Exception]) -> None:
    project = services.open_project("p", place=stage.regional, by=SYSTEM)
    study = make.study(stage, images=1)
    with pytest.raises(refusal):
        services.ask_release(project.id, studies=[study.id], purpose="teaching", options=options, by=SYSTEM)
    with pytest.raises(rules.ProjectKnown):
        services.open_project("p", place=stage.other, by=SYSTEM)


def test_a_stranger_finds_no_project_and_no_release(stage: Cast) -> None:
    project = services.open_project("p", place=stage.regional, by=SYSTEM)
    release = services.ask_release(project.id, studies=[make.study(stage, images=1).id], purpose="teaching", by=SYSTEM)
    assert queries.project("p", viewer=stage.zied) is None
    assert not queries.releases(viewer=stage.zied)
    with pytest.raises(rules.NoSuchRelease):
        queries.release(release.id, viewer=stage.zied)
    with pytest.raises(rules.NoSuchRelease):
        queries.images_of_release(release.id, viewer=stage.leila)
    assert queries.burned_text(queries.images_of_release(release.id, viewer=SYSTEM)[0].id, viewer=stage.zied) is None
    assert [one.id for one in queries.releases(viewer=steward(stage))] == [release.id]


@pytest.mark.django_db(transaction=True)
def test_sixteen_sessions_give_one_person_one_pseudonym() -> None:
    stage = cast()
    study = make.study(stage, images=1)
    project = services.open_project("race", place=stage.regional, by=SYSTEM)
    release = services.ask_release(project.id, studies=[study.id], purpose="teaching", by=SYSTEM)
    given: list[str] = []

    def give() -> None:
        given.append(services.give_pseudonym(release.id, study=study.id, by=SYSTEM).pseudonym)

    assert at_once(*[give] * 16) == []
    assert (len(given), len(set(given))) == (16, 1)
    assert Pseudonym.objects.count() == 1


def test_a_spacing_that_cannot_be_is_not_copied() -> None:
    measures, group = Dataset(), Dataset()
    measures.PixelSpacing, measures.SliceThickness = [0, 0], 2
    group.PixelMeasuresSequence = Sequence([measures])
    made = clean(make.image(1, ImagerPixelSpacing=[-1, 1], SharedFunctionalGroupsSequence=Sequence([group])))
    assert "ImagerPixelSpacing" not in made
    assert made.PixelSpacing == [0.5, 0.5]
    copied = made.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
    assert "PixelSpacing" not in copied
    assert copied.SliceThickness == 2
