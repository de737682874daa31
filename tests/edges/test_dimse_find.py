"""C-FIND by foreign clients (DCMTK, pynetdicom): levels, keys, character sets, limits, and who has enough."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import UID, generate_uid
from pynetdicom import AE, build_context
from pynetdicom.pdu_primitives import SOPClassExtendedNegotiation

from tests import make
from tests.cast import Cast
from tests.edges.dicom import client, three_studies, write
from wasl.archive import services as archive
from wasl.archive.dicom import answers
from wasl.archive.models import Study
from wasl.edges.dicom import finding
from wasl.edges.dicom.classes import PATIENT_ROOT_FIND, STUDY_ROOT_FIND

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def studies(stage: Cast) -> list[Study]:
    return three_studies(stage)


def find(port: int, tmp_path: Path, level: str, *keys: str, root: str = "-S") -> list[str]:
    """What findscu is answered, each answer as text in UTF-8."""
    folder = tmp_path / generate_uid()
    folder.mkdir()
    words = [word for key in (f"QueryRetrieveLevel={level}", *keys) for word in ("-k", key)]
    said = client("findscu", port, root, "-X", "-od", folder, "-k", "SpecificCharacterSet=ISO_IR 192", *words)
    assert said.code == 0, said
    return [str(dcmread(path)) for path in sorted(folder.iterdir())]


# a matching key, and which of the three studies it finds
ASKED = [
    ("PatientName", [0, 1, 2]),
    ("PatientName=Ben*", [0]),
    ("PatientName=ben salah*", [0]),
    ("PatientName=بن*", [0]),
    ("PatientName=أمل*", []),
    ("PatientName=غربى*", [2]),  # letters that stand for one another
    ("PatientName=*bechir", [1]),
    ("PatientName=BEN SALAH^SALMA", [0]),
    ("PatientName=Salma", []),
    ("PatientID=HZ-?", [1, 2]),
    ("PatientID=HZ-2", [1]),
    ("AccessionNumber=A-1", [0]),
    ("StudyDate=20261110", [0]),
    ("StudyDate=20261101-", [0, 1]),
    ("StudyDate=-20261130", [0, 2]),
    ("StudyDate=20251201-20261110", [0, 2]),
    ("StudyDate=yesterday", []),
    ("StudyTime=080000-090000", [0, 1, 2]),
    ("StudyTime=0806-", []),
    ("StudyTime=0805", [0, 1, 2]),
    ("StudyTime=-08", [0, 1, 2]),
    ("StudyTime=noon", []),
    ("StudyID=S-7", [1]),
    ("ModalitiesInStudy=MR", [1]),
    ("ModalitiesInStudy=MR\\CR", [1, 2]),
]


def test_studies_are_found(port: int, studies: list[Study], tmp_path: Path) -> None:
    for key, expected in ASKED:
        found = find(port, tmp_path, "STUDY", key, "StudyInstanceUID")
        numbers = [number for number, study in enumerate(studies) if any(study.uid in text for text in found)]
        assert (numbers, len(found)) == (expected, len(expected)), key


def test_several_studies_are_found_by_their_uids(port: int, studies: list[Study], tmp_path: Path) -> None:
    uids = "\\".join(study.uid for study in studies[:2])
    assert len(find(port, tmp_path, "STUDY", f"StudyInstanceUID={uids}")) == 2


def test_arabic_names_come_back_as_they_were_sent(port: int, tmp_path: Path) -> None:
    image = make.image(1, PatientName="Ben Salah^Salma=بن صالح^سلمى")
    assert client("storescu", port, *write(tmp_path, image)).code == 0
    (found,) = find(port, tmp_path, "STUDY", "PatientName", "StudyDescription")
    assert "Ben Salah^Salma=بن صالح^سلمى" in found
    assert "CT du crâne" in found
    assert "ISO_IR 192" in found


def test_all_levels_of_both_roots(port: int, studies: list[Study], tmp_path: Path) -> None:
    uid = f"StudyInstanceUID={studies[0].uid}"
    assert len(find(port, tmp_path, "PATIENT", "PatientID", root="-P")) == 3
    assert len(find(port, tmp_path, "STUDY", "PatientID=HZ-1980", root="-P")) == 1
    (series,) = find(port, tmp_path, "SERIES", uid, "SeriesInstanceUID", "Modality", "NumberOfSeriesRelatedInstances")
    assert "'CT'" in series
    assert "'2'" in series
    of = (uid, f"SeriesInstanceUID={studies[0].uid[:56]}.1")
    assert len(find(port, tmp_path, "IMAGE", *of, "SOPInstanceUID")) == 2
    assert len(find(port, tmp_path, "IMAGE", *of, "InstanceNumber=2")) == 1


def test_a_level_that_does_not_exist_is_refused(port: int, tmp_path: Path) -> None:
    said = client("findscu", port, "-S", "-v", "-k", "QueryRetrieveLevel=FRAME", "-k", "StudyInstanceUID")
    assert "DataSetDoesNotMatchSOPClass" in said.text, said


Asked = list[tuple[int, Dataset, Dataset | None]]


def ask(
    port: int,
    level: str,
    model: str = STUDY_ROOT_FIND,
    *,
    relational: bool = False,
    cancel: bool = False,
    **keys: object,
) -> Asked:  # fmt: skip
    """What a foreign system (pynetdicom) is answered: each status with its comment, and its identifier."""
    query = Dataset()
    query.QueryRetrieveLevel = level
    for keyword, value in keys.items():
        setattr(query, keyword, value)
    agreed = SOPClassExtendedNegotiation()
    agreed.sop_class_uid, agreed.service_class_application_information = UID(model), b"\x01\x01"
    association = AE("CT_OUEDZEN").associate(
        "127.0.0.1", port, [build_context(model)], ae_title="WASL", ext_neg=[agreed] if relational else []
    )
    assert association.is_established
    if relational:
        assert association.acceptor.sop_class_extended == {model: b"\x01\x00"}
    said = []
    for status, answer in association.send_c_find(query, model, msg_id=7):
        said.append((status.Status, status, answer))
        if cancel and len(said) == 3:
            association.send_c_cancel(7, query_model=model)
    association.release()
    return said


def told(said: Asked) -> list[Dataset]:
    """The identifiers of a query that succeeded."""
    assert said[-1][0] == 0x0000, said
    return [answer for status, _, answer in said if status == 0xFF00 and answer is not None]


def test_a_patient_is_told_once_with_the_number_of_studies(port: int, stage: Cast, studies: list[Study]) -> None:
    make.study(stage, images=2, StudyDate="20240101")
    nameless = [make.study(stage, images=1, PatientID="", PatientName=f"Unknown^{n}") for n in "AB"]
    (only,) = told(
        ask(port, "PATIENT", PATIENT_ROOT_FIND, PatientID="HZ-1980", PatientName="", NumberOfPatientRelatedStudies=None,
            NumberOfPatientRelatedSeries=None, NumberOfPatientRelatedInstances=None, StudyDescription="")
    )  # fmt: skip
    assert (only.NumberOfPatientRelatedStudies, only.NumberOfPatientRelatedInstances) == (2, 4)
    assert only.NumberOfPatientRelatedSeries == 2
    assert only.StudyDescription in ("", None)
    assert only.RetrieveAETitle == "WASL"
    assert len(told(ask(port, "PATIENT", PATIENT_ROOT_FIND, PatientID="", PatientName="Unknown*"))) == len(nameless)


def test_optional_keys_come_back(port: int, stage: Cast) -> None:
    study = make.study(stage, images=1, ReferringPhysicianName="Gharbi^Amel", StationName="CT1", KVP="120",
                       ImageComments="à revoir", ConvolutionKernel=["B30f", "3"])  # fmt: skip
    series = f"{study.uid[:56]}.1"
    (one,) = told(ask(port, "STUDY", StudyInstanceUID=study.uid, ReferringPhysicianName="", ModalitiesInStudy="",
                      NumberOfStudyRelatedSeries="", NumberOfStudyRelatedInstances="",
                      ReferencedStudySequence=[]))  # fmt: skip
    assert (one.ReferringPhysicianName, one.ModalitiesInStudy) == ("Gharbi^Amel", "CT")
    assert (one.NumberOfStudyRelatedSeries, one.NumberOfStudyRelatedInstances) == (1, 1)
    assert not one.ReferencedStudySequence
    (image,) = told(ask(port, "IMAGE", StudyInstanceUID=study.uid, SeriesInstanceUID=series, KVP="", StationName="",
                        ImageComments="", SpecificCharacterSet="ISO_IR 100", ConvolutionKernel=""))  # fmt: skip
    assert (image.KVP, image.StationName, image.ImageComments) == (120, "CT1", "à revoir")
    assert image.ConvolutionKernel == ["B30f", "3"]
    assert image.SpecificCharacterSet == "ISO_IR 100"


def test_a_hierarchy_is_gone_down_step_by_step(port: int, studies: list[Study]) -> None:
    wrong = [
        ask(port, "IMAGE", StudyInstanceUID=studies[0].uid, SOPInstanceUID=""),
        ask(port, "SERIES", SeriesInstanceUID=""),
        ask(port, "SERIES", StudyInstanceUID=[study.uid for study in studies]),
        ask(port, "STUDY", PATIENT_ROOT_FIND, StudyInstanceUID=""),
        ask(port, "PATIENT", PatientID=""),
    ]
    assert [[status for status, _, _ in said] for said in wrong] == [[0xA900]] * len(wrong)
    assert wrong[0][0][1].ErrorComment.startswith("SeriesInstanceUID must name one")


def test_relational_queries_are_answered_to_who_agreed_on_them(port: int, studies: list[Study]) -> None:
    images = told(ask(port, "IMAGE", relational=True, StudyInstanceUID=studies[0].uid, SOPInstanceUID=""))
    assert len(images) == 2
    assert len(told(ask(port, "SERIES", relational=True, SeriesInstanceUID="", PatientID="HZ-?"))) == 2
    (mr,) = told(ask(port, "STUDY", relational=True, StudyInstanceUID="", Modality="MR"))
    assert mr.StudyInstanceUID == studies[1].uid
    (one,) = told(ask(port, "STUDY", relational=True, StudyInstanceUID="", SOPInstanceUID=images[0].SOPInstanceUID))
    assert one.StudyInstanceUID == studies[0].uid
    (person,) = told(ask(port, "PATIENT", PATIENT_ROOT_FIND, relational=True, PatientID="", Modality="CR"))
    assert person.PatientID == "HZ-3"


def test_who_asks_too_broadly_is_told_so_after_some_answers(
    port: int, studies: list[Study], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "FIND_LIMIT", 2)
    said = ask(port, "STUDY", StudyInstanceUID="")
    assert [status for status, _, _ in said] == [0xFF00, 0xFF00, 0xA700]
    assert said[-1][1].ErrorComment == "More than 2 match: ask more narrowly."
    uids = [study.uid for study in studies[:2]]
    assert len(told(ask(port, "STUDY", StudyInstanceUID=uids))) == 2


def test_who_has_enough_is_heard(port: int, studies: list[Study], monkeypatch: pytest.MonkeyPatch) -> None:
    def endless(query: Dataset, **values: Any) -> Iterator[Dataset]:  # noqa: ANN401  what `answers` takes
        (answer, *_) = list(answers(query, **values))
        yield from itertools.repeat(answer, 100_000)

    monkeypatch.setattr(finding, "answers", endless)
    said = ask(port, "STUDY", StudyInstanceUID="", cancel=True)
    assert said[-1][0] == 0xFE00
    assert len(said) < 50_000


# the character set that the asker names, a name, and the character set that it comes back in
LETTERS: list[tuple[Any, str, Any]] = [
    ("ISO_IR 100", "Trabelsi^Béchir", "ISO_IR 100"),
    ("ISO_IR 127", "غربي^أمل", "ISO_IR 127"),
    ("ISO_IR 100", "غربي^أمل", "ISO_IR 192"),
    ("ISO_IR 127", "Trabelsi^Béchir", "ISO_IR 192"),
    (["", "ISO 2022 IR 127"], "غربي^أمل", ["", "ISO 2022 IR 127"]),
    (["ISO 2022 IR 100", "ISO 2022 IR 127"], "Béchir=غربي", ["ISO 2022 IR 100", "ISO 2022 IR 127"]),
    ("ISO_IR 192", "غربي^أمل", "ISO_IR 192"),
    (None, "Haddad^Leila", "ISO_IR 192"),
    ("KLINGON", "Haddad^Leila", "ISO_IR 192"),
]


@pytest.mark.filterwarnings("ignore:Unknown encoding")
def test_names_come_back_in_letters_that_the_asker_reads(port: int, stage: Cast) -> None:
    for asked, name, given in LETTERS:
        study = make.study(stage, images=1, PatientName=name, StudyDescription="")
        keys = {"SpecificCharacterSet": asked} if asked else {}
        (answer,) = told(ask(port, "STUDY", StudyInstanceUID=study.uid, PatientName="", **keys))
        assert answer.get("SpecificCharacterSet") == given, (asked, name)
        assert answer.PatientName == name


def test_a_matched_study_is_its_patients(port: int, stage: Cast, studies: list[Study], tmp_path: Path) -> None:
    salma = make.patient(stage)
    for study in studies[:2]:
        archive.match_study(study.id, patient=salma.id, because="her own exams", by=stage.sami)
    for number in (salma.number, "HZ-2"):
        assert find(port, tmp_path, "STUDY", f"PatientID={number}", "StudyInstanceUID"), number
    ours = (f"PatientID={salma.number}", "IssuerOfPatientID=WASL")
    assert len(find(port, tmp_path, "STUDY", *ours)) == 2
    assert len(find(port, tmp_path, "STUDY", "PatientName=BEN SALAH*")) == 2
    people = find(port, tmp_path, "PATIENT", "PatientID", "NumberOfPatientRelatedStudies", root="-P")
    (hers,) = (text for text in people if salma.number in text)
    assert (len(people), "IS: '2'" in hers) == (2, True), people
