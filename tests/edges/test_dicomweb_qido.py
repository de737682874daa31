"""QIDO-RS: what matches is found, what may not be seen is not, and a patient has one number everywhere."""

import datetime
import json
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from django.db import connection, transaction
from django.utils import timezone

from tests import make
from tests.cast import Cast, cast
from tests.edges.dicomweb import Service, service
from tests.patients.who import merge
from wasl.archive import queries as archive_queries
from wasl.archive import services as archive
from wasl.archive.models import Study
from wasl.edges import gate
from wasl.edges.dicom import qido, sight
from wasl.edges.dicom.qido import COLUMNS
from wasl.kernel.access import SYSTEM, Actor
from wasl.patients import queries as patients_queries
from wasl.patients import services as patients
from wasl.patients.models import Access, Patient

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def stage(store: Path) -> Cast:
    return cast()


def of(stage: Cast, person: Patient, **values: str) -> Study:
    """A study matched to a patient, whose record is open to both hospitals."""
    study = make.study(stage, images=1, **values)
    archive.match_study(study.id, patient=person.id, because="test", by=stage.sami)
    for place in (stage.regional, stage.university):
        patients.open_for_care(person.id, place=place, source=study.id, because="test", by=SYSTEM)
    return study


def uids(answer: httpx.Response) -> set[str]:
    assert answer.status_code == 200, answer.text
    return {study["0020000D"]["Value"][0] for study in answer.json()}


def values(element: dict[str, object]) -> object:
    return element.get("Value")


def test_a_study_is_found_by_each_of_its_attributes(stage: Cast, sami: Service) -> None:
    study = make.study(
        stage, AccessionNumber="A-100", PatientName="Ben Salah^Salma", PatientID="HZ-7", StudyDescription="CT du crâne",
        StudyDate="20261110", ReferringPhysicianName="Gharbi^Amel",
    )  # fmt: skip
    make.study(
        stage, AccessionNumber="B-200", PatientName="Zouari^Ali", PatientID="HZ-8", StudyDate="20250101",
        StudyDescription="Autre", Modality="MR", ReferringPhysicianName="Autre",
    )  # fmt: skip
    for question in (
        f"StudyInstanceUID={study.uid}", f"0020000D={study.uid}", f"StudyInstanceUID=1.2.3,{study.uid}",
        "AccessionNumber=A-100", "AccessionNumber=A-1*", "AccessionNumber=A-?00", "PatientID=HZ-7", "00100020=HZ-7",
        "PatientName=Ben Salah^Salma", "PatientName=BEN*", "PatientName=*alma*", "PatientName=salma",
        "PatientName=b?n", "StudyDate=20261110", "StudyDate=20261101-20261130", "StudyDate=20261110-",
        "ModalitiesInStudy=CT", "Modality=CT", "StudyDescription=CT*", "ReferringPhysicianName=*",
    ):  # fmt: skip
        expected = {study.uid} if "Referring" not in question else {study.uid, *uids(sami.get("/studies"))}
        assert uids(sami.get(f"/studies?{quote(question, safe='=&')}")) == expected, question
    for question in ("PatientName=sal", "AccessionNumber=A", "StudyDate=-20200101", "PatientID=HZ", "Modality=US"):
        assert uids(sami.get(f"/studies?{question}")) == set(), question
    assert uids(sami.get("/studies?PatientName=sal&fuzzymatching=true")) == {study.uid}
    assert len(uids(sami.get("/studies?PatientID=&limit=50"))) == 2, "an empty value matches everything"


def test_what_a_study_tells(stage: Cast, sami: Service) -> None:
    study = make.study(stage, images=3)
    (told,) = sami.get("/studies").json()
    assert told["00100010"] == {"vr": "PN", "Value": [{"Alphabetic": "Ben Salah^Salma", "Ideographic": "بن صالح^سلمى"}]}
    assert values(told["00201206"]) == [1]
    assert values(told["00201208"]) == [3]
    assert values(told["00080061"]) == ["CT"]
    assert values(told["00081190"]) == [f"http://localhost/dicom-web/studies/{study.uid}"]
    assert values(told["00100021"]) == ["oued-zen"], "the number's issuer is the hospital"


def test_series_and_instances_at_every_level(stage: Cast, sami: Service) -> None:
    study, other = make.study(stage, images=3), make.study(stage, images=1, Modality="MR")
    (series,) = sami.get(f"/studies/{study.uid}/series").json()
    assert values(series["00201209"]) == [3]
    series_uid = series["0020000E"]["Value"][0]
    one = sami.get(f"/studies/{study.uid}/series/{series_uid}/instances").json()
    assert [values(instance["00200013"]) for instance in one] == [[1], [2], [3]]
    assert values(one[0]["00280010"]) == [16]
    assert "00281052" not in one[0]
    assert values(one[0]["00081190"]) == [
        f"http://localhost/dicom-web/studies/{study.uid}/series/{series_uid}/instances/{one[0]['00080018']['Value'][0]}"
    ]
    assert sami.get(f"/studies/{study.uid}/instances").json() == one
    assert uids(sami.get("/series?Modality=MR")) == {other.uid}
    assert len(sami.get("/instances").json()) == 4
    assert len(sami.get(f"/instances?SOPInstanceUID={one[1]['00080018']['Value'][0]}").json()) == 1
    assert len(sami.get("/instances?InstanceNumber=1").json()) == 2
    assert values(sami.get("/instances?includefield=RescaleIntercept,00281053").json()[0]["00281052"]) == [-1024]
    assert "00280030" in sami.get("/instances?includefield=all").json()[0]
    for nested in ("00082112.00081150", "SourceImageSequence.ReferencedSOPClassUID", "00082112,00280030"):
        told = sami.get(f"/instances?includefield={nested}")
        assert "warning" not in told.headers


def test_the_patient_is_one_whatever_the_hospitals_called_them(stage: Cast) -> None:
    salma = make.patient(stage)
    here = of(stage, salma, PatientID="HZ-1", PatientName="BENSALAH^S")
    there = of(stage, salma, PatientID="CHU-99", PatientName="Wrong^Name")
    make.study(stage, PatientID="HZ-1", PatientName="Somebody^Else")
    with service(stage.leila) as leila:
        found = leila.get(f"/studies?00100020={salma.number}")
        assert uids(found) == {here.uid, there.uid}
        assert uids(leila.get("/studies?PatientID=HZ-1")) == set()
        assert uids(leila.get("/studies?PatientID=HZ-1&IssuerOfPatientID=oued-zen")) == {here.uid}
        assert uids(leila.get("/studies?PatientID=HZ-1&IssuerOfPatientID=el-amal")) == set()
        assert uids(leila.get(f"/studies?PatientID={salma.number}&IssuerOfPatientID=WASL")) == {here.uid, there.uid}
        assert uids(leila.get("/studies?PatientName=salma")) == {here.uid, there.uid}
        assert uids(leila.get(f"/studies?PatientName={quote('سلمى')}")) == {here.uid, there.uid}
        told = next(study for study in found.json() if values(study["0020000D"]) == [here.uid])
        (instance,) = leila.get(f"/studies/{here.uid}/metadata").json()[:1]
    for data in (told, instance):
        assert values(data["00100010"]) == [{"Alphabetic": "Ben Salah^Salma"}]
        assert values(data["00100020"]) == [salma.number]
        assert values(data["00100021"]) == ["WASL"]
        assert values(data["00100030"]) == ["19800312"]
        assert values(data["00100040"]) == ["F"]
        assert values(data["00101001"]) == [{"Alphabetic": "بن صالح^سلمى"}, {"Alphabetic": "BENSALAH^S"}]
        (other,) = data["00101002"]["Value"]
        assert (values(other["00100020"]), values(other["00100021"])) == (["HZ-1"], ["oued-zen"])


def test_pages_and_how_many_follow(stage: Cast, sami: Service) -> None:
    made = {make.study(stage, images=1, StudyDate=f"2026010{day}").uid for day in range(1, 6)}
    first = sami.get("/studies?limit=2")
    assert first.headers["warning"] == '299 wasl "There are 3 additional results that can be requested"'
    dates = [values(study["00080020"]) for study in first.json()]
    assert dates == [["20260105"], ["20260104"]], "the latest first"
    last = sami.get("/studies?limit=2&offset=4")
    assert "warning" not in last.headers
    pages = [uids(sami.get(f"/studies?limit=2&offset={offset}")) for offset in (0, 2, 4)]
    assert set.union(*pages) == made
    assert sum(map(len, pages)) == 5
    assert "The limit was taken as 1000" in sami.get("/studies?limit=5000").headers["warning"]
    assert sami.get("/studies?limit=0").json() == []


@pytest.mark.parametrize(
    "question",
    ["limit=x", "limit=-1", "offset=1.5", "offset=10001", "limit=99999999999999", "NoSuchKeyword=1",
     "StudyDate=yesterday", "StudyDate=20261301", "SOPInstanceUID=1.2", "PatientName%5B%5D=x", "limit=%D9%A1"],
)  # fmt: skip
def test_a_wrong_question_is_refused(sami: Service, question: str) -> None:
    answer = sami.get(f"/studies?{question}")
    assert answer.status_code == 400
    assert answer.json()["error"]


@pytest.mark.parametrize(
    "hostile", ["' or 1=1 --", "%s", "%(viewer)s", "\\", "a%", "_____", '"', "$$", "\u0000", "(.*)+"]
)
def test_hostile_values_match_nothing(stage: Cast, sami: Service, hostile: str) -> None:
    make.study(stage)
    for name in ("PatientID", "AccessionNumber", "StudyDescription", "Modality", "StudyInstanceUID"):
        answer = sami.get(f"/studies?{name}={quote(hostile)}")
        assert answer.status_code in (200, 400)
        assert answer.status_code == 400 or answer.json() == [], f"{name}={hostile}"


@pytest.mark.parametrize("broken", ["%00", "a%00b", "%ff", "%c3%28", "%ed%a0%80", "%f8%88%80%80%80"])
def test_null_characters_and_broken_letters_are_refused_everywhere(sami: Service, broken: str) -> None:
    for name in (*COLUMNS, "PatientName", "PatientID", "StudyDate", "ModalitiesInStudy", "StudyDescription", "limit",
                 "offset", "includefield", "fuzzymatching", "accept"):  # fmt: skip
        assert sami.get(f"/studies?{name}={broken}").status_code == 400, name
    for path in (f"/studies?{broken}=1", f"/studies/{broken}/metadata", f"/studies/{broken}/series",
        f"/studies/1/series/{broken}/instances", f"/studies/1/series/1/instances/{broken}/rendered"):  # fmt: skip
        assert sami.get(path).status_code == 400, path


def test_what_is_not_known_is_not_included(stage: Cast, sami: Service) -> None:
    make.study(stage, images=1)
    answer = sami.get("/studies?includefield=NoSuchKeyword&includefield=all")
    assert (answer.status_code, len(answer.json())) == (200, 1)
    assert answer.headers["warning"] == '299 wasl "An attribute that is not known was not included."'


def test_every_way_of_looking_through_the_studies_finds_the_same(
    stage: Cast, sami: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through what a viewer sees, through patients of a name, and through all studies by their date."""
    salma, ali = make.patient(stage), make.patient(stage, given_name="Ali", family_name="Zouari", given_name_ar="علي")
    for number, person in enumerate((salma, salma, ali), 1):
        of(stage, person, StudyDate=f"2026010{number}", PatientName="Other^Name", AccessionNumber=f"A{number}")
    for number in range(4, 6):
        make.study(stage, images=1, StudyDate=f"2026010{number}", PatientName="Ben Salah^Salma", PatientID="P-9")
    questions = [
        "", "limit=2&offset=1", "limit=2&offset=4", "PatientName=salma", f"PatientName={quote('سلمى')}",
        "PatientName=sal&fuzzymatching=true", "PatientName=zouari ali", "PatientName=B*", "PatientName=nobody",
        f"PatientID={salma.number}", "PatientID=P-9", "PatientID=P*", f"PatientID={ali.number[:6]}*", "PatientID=HZ-1",
        "AccessionNumber=A2", "StudyDate=20260102-20260104", "PatientName=salma&StudyDate=20260101-20260102",
        "Modality=CT",
    ]  # fmt: skip

    async def many(viewer: Actor, few: int) -> bool:
        return False

    answers = [[sami.get(f"/studies?{q}") for q in questions]]
    monkeypatch.setattr(sight, "sees_few", many)
    answers.append([sami.get(f"/studies?{q}") for q in questions])
    monkeypatch.setattr(qido, "FEW", 0)
    answers.append([sami.get(f"/studies?{q}") for q in questions])
    for question, *each in zip(questions, *answers, strict=True):
        assert [answer.status_code for answer in each] == [200] * 3, question
        assert each[0].json() == each[1].json() == each[2].json(), question
    found = {question: len(answer.json()) for question, answer in zip(questions, answers[0], strict=True)}
    assert [found[question] for question in questions[:5]] == [5, 2, 1, 4, 2]
    assert (found["PatientName=zouari ali"], found["PatientName=nobody"]) == (1, 0)
    assert [found[question] for question in questions[9:]] == [2, 2, 2, 1, 0, 1, 3, 2, 5]


def test_a_search_that_takes_too_long_says_so(sami: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "SEARCH_SECONDS", 1)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("lock table archive_study in access exclusive mode")
        answer = sami.get("/studies")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "10")
    assert sami.get("/studies").status_code == 200


def test_only_json_is_spoken(sami: Service) -> None:
    assert sami.get("/studies", accept="application/dicom+json").status_code == 200
    assert sami.get("/studies", accept="application/json").status_code == 200
    refused = sami.get("/studies", accept='multipart/related; type="application/dicom+xml"')
    assert refused.status_code == 406
    assert sami.get("/studies?accept=application/dicom%2Bjson", accept="text/html").status_code == 200


def test_a_search_leaves_one_line_for_each_patient(stage: Cast) -> None:
    salma, amine = make.patient(stage), make.patient(stage, given_name="Amine")
    for person in (salma, salma, amine):
        of(stage, person)
    make.study(stage)  # nobody's: there is no record to be opened
    with service(stage.leila) as leila:
        for _ in range(3):
            assert len(leila.get("/studies").json()) == 3
    lines = Access.objects.filter(what="archive.search")
    assert {(line.patient_id, line.ground, line.actor_name) for line in lines} == {
        (salma.id, "care", "Leila Haddad"), (amine.id, "care", "Leila Haddad"),
    }  # fmt: skip
    assert lines.count() == 2


def test_json_is_packed_for_who_unpacks_it(stage: Cast, sami: Service) -> None:
    for _ in range(3):
        make.study(stage)
    packed = sami.get("/studies", accept_encoding="gzip")
    plain = sami.get("/studies", accept_encoding="identity")
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert json.loads(packed.content) == plain.json()


def test_the_door_s_own_sql_sees_what_the_queries_see(stage: Cast) -> None:
    """The grounds are asked in SQL here and by the ORM elsewhere: the answers are the same."""
    now = timezone.now()
    hour = datetime.timedelta(hours=1)
    studies = {}
    for until in (None, now + hour, now - hour):
        person = make.patient(stage)
        study = make.study(stage, images=1)
        archive.match_study(study.id, patient=person.id, because="test", by=stage.sami)
        patients.open_for_care(
            person.id, place=stage.university, source=study.id, because="test", until=until, by=SYSTEM
        )
        studies[study.uid] = person
    glass, card, shut = (make.patient(stage) for _ in range(3))
    patients.break_glass(glass.id, place=stage.university, because="coma, no relatives", by=stage.leila)
    patients.present_card(card.id, place=stage.other, by=stage.zied)
    for person in (glass, card, shut):
        study = make.study(stage, images=1)
        archive.match_study(study.id, patient=person.id, because="test", by=stage.sami)
        studies[study.uid] = person
    for viewer in (stage.leila, stage.karim, stage.zied, stage.amel, stage.hatem, stage.fatma):
        expected = {uid for uid, person in studies.items() if patients_queries.ground(person.id, viewer=viewer)}
        with service(viewer) as asked:
            assert uids(asked.get("/studies")) == expected, viewer.name
            assert {uid for uid in studies if asked.get(f"/studies/{uid}/series").status_code == 200} == expected
        opened = set(archive_queries.studies(viewer=viewer).values_list("uid", flat=True))
        assert opened == expected, viewer.name


def test_a_person_of_two_files_has_one_number_and_is_found_by_both(stage: Cast, sami: Service) -> None:
    salma, again = make.patient(stage), make.patient(stage, given_name="Selma")
    studies = {of(stage, file).uid for file in (salma, again)}
    edge = merge(stage, salma.id, again.id)
    for number in (salma.number, again.number):
        answer = sami.get(f"/studies?PatientID={number}")
        assert uids(answer) == studies
        assert {study["00100020"]["Value"][0] for study in answer.json()} == {salma.number}
        found = list(archive_queries.find("STUDY", {"PatientID": number}, viewer=stage.sami))
        assert {one.study.uid for one in found} == studies
        assert {one.person[0x00100020] for one in found} == {salma.number}
        assert len(list(archive_queries.find("PATIENT", {"PatientID": number}, viewer=stage.sami))) == 1
    patients.undo_merge(edge.id, because="Two cousins, the clerk saw.", by=stage.nour)
    assert len(uids(sami.get(f"/studies?PatientID={again.number}"))) == 1
