"""Studies that no order expects: whose their header says they are, and what stays nobody's."""

from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from tests import make
from tests.browser import browser_of
from tests.cast import Cast, cast
from tests.hear import hear
from tests.patients.test_live import SALMA, machine, salma
from wasl.archive import services
from wasl.archive.models import Match, Study
from wasl.archive.rules.identities import named
from wasl.kernel.access import SYSTEM, Actor, Held
from wasl.patients import services as patients
from wasl.patients.models import CareRelationship, Patient, RecordLink, ReviewCase, SourceIdentity
from wasl.places import queries as places
from wasl.radiology import services as radiology

pytestmark = pytest.mark.django_db
ALI = {
    "PatientName": "Gharbi^Ali Mohamed=الغربي^علي", "PatientID": "J-77", "PatientBirthDate": "19610504",
    "PatientSex": "M", "OtherPatientNames": "Ayari", "PatientMotherBirthName": "Mejri^Zohra",
}  # fmt: skip


@pytest.fixture
def stage() -> Cast:
    return cast()


def arrived(stage: Cast, **values: Any) -> Study:  # noqa: ANN401
    """A study of one image without an order, after all that follows from its arrival."""
    place = values.pop("place", stage.regional)
    scanner = Actor("modality", UUID(int=9), "CT", (Held("modality", place),))
    (outcome,) = make.send(stage, make.image(**{**ALI, **values}), place=place, by=scanner)
    hear()
    return Study.objects.get(id=outcome.study)


def item(**values: str) -> Dataset:
    found = Dataset()
    for keyword, value in values.items():
        setattr(found, keyword, value)
    return found


def elements(**values: Any) -> dict[str, Any]:  # noqa: ANN401
    data = Dataset()
    data.SpecificCharacterSet = "ISO_IR 192"
    for keyword, value in {**ALI, **values}.items():
        setattr(data, keyword, value)
    return data.to_json_dict()


def test_a_header_is_read_in_both_scripts() -> None:
    other = Sequence([item(PatientID="01234567", IssuerOfPatientID="urn:wasl:tn:cin")])
    found = named(elements(IssuerOfPatientID="", OtherPatientIDsSequence=other))
    assert (found.number, found.issuer, found.why_nobodys) == ("J-77", "", "")
    assert found.said == {
        "first_lat": "Ali Mohamed", "last_lat": "Gharbi", "first_ar": "علي", "last_ar": "الغربي", "sex": "M",
        "dob": "1961-05-04", "other_lat": "Ayari", "mother": "Zohra Mejri", "nid": "01234567",
    }  # fmt: skip
    arabic = named(elements(PatientName="الغربي^علي"))
    assert (arabic.said["last_ar"], "last_lat" in arabic.said) == ("الغربي", False)
    qualified = Sequence([item(UniversalEntityID="urn:wasl:place:hr-jendouba:patient", UniversalEntityIDType="URI")])
    assert named(elements(IssuerOfPatientIDQualifiersSequence=qualified)).code == "hr-jendouba"


@pytest.mark.parametrize(
    ("said", "why"),
    [
        *(
            ({"PatientID": number}, "number")
            for number in ("", "7", "0000", "XXXX", "---", "ANONYME", "test 3", "Unknown1")
        ),
        *(
            ({"PatientName": name}, "name")
            for name in ("", "ANONYME", "Inconnu^Homme", "TEST^TEST", "X^X", "Gharbi", "مجهول^")
        ),
        ({}, ""),
    ],
)
def test_what_names_nobody(said: dict[str, str], why: str) -> None:
    assert named(elements(**said)).why_nobodys == why


@pytest.mark.parametrize("broken", [{}, {"00100010": {"Value": ["x", 3]}, "00100020": {"Value": [{}]}, "00101002": []}])
def test_a_broken_header_names_nobody(broken: dict[str, Any]) -> None:
    assert named(broken).why_nobodys == "number"


def test_whom_nobody_knew_has_a_number_at_once_and_two_hospitals_1234_never_meet(stage: Cast) -> None:
    study = arrived(stage, PatientID="1234")
    made = Patient.objects.get()
    assert (study.patient_id, made.latin_name, made.arabic_name) == (made.id, "Ali Mohamed Gharbi", "علي الغربي")
    assert (made.fed, made.level) == (True, "declared")
    assert SourceIdentity.objects.get().place_id == stage.regional
    assert CareRelationship.objects.get(patient=made).place_id == stage.regional
    assert Match.objects.get().by == "system"
    again = arrived(stage, PatientID="1234")
    assert (again.patient_id, Patient.objects.count(), RecordLink.objects.count()) == (made.id, 1, 1)
    # another person, whose number at the other hospital is the same
    about = {"PatientName": "Trabelsi^Ines", "PatientBirthDate": "19990209", "PatientSex": "F", "OtherPatientNames": ""}
    other = arrived(stage, PatientID="1234", place=stage.other, **about)
    assert other.patient_id != made.id
    assert set(SourceIdentity.objects.values_list("value", "place")) == {
        ("1234", stage.regional),
        ("1234", stage.other),
    }
    # and that number under another name is nobody's, and changes nothing
    wrong = arrived(stage, PatientID="1234", **about)
    assert (wrong.patient_id, wrong.nobodys_because) == (None, "differs")
    page = browser_of(stage.sami).get("/radiology/reconciliation/").content.decode()
    assert "somebody who is called otherwise" in page
    assert page.index("by-header") < page.index(str(study.id))


def test_who_probably_is_known_gets_a_provisional_number_and_people_are_asked(stage: Cast) -> None:
    known = salma(stage)
    about = {"PatientName": "Ben Salah^Selma", "PatientBirthDate": "", "PatientSex": "F", "OtherPatientNames": "",
             "PatientMotherBirthName": "Mejri^Zohra"}  # fmt: skip
    study = arrived(stage, **about)
    made = Patient.objects.exclude(id=known.id).get()
    assert study.patient_id == made.id
    assert made.level == "provisional"
    assert {ReviewCase.objects.get().one_id, ReviewCase.objects.get().other_id} == {known.id, made.id}
    assert arrived(stage, **about).patient_id == made.id


def test_a_number_says_whose_it_is(stage: Cast) -> None:
    code = places.place(stage.other, viewer=SYSTEM).code
    there = arrived(stage, IssuerOfPatientID=code)  # the other hospital's number, on an image that was made here
    assert SourceIdentity.objects.get().place_id == stage.other
    assert arrived(stage, IssuerOfPatientID=f"urn:wasl:place:{code}:patient").patient_id == there.patient_id
    unknown = arrived(stage, IssuerOfPatientID="PACS-OF-NOBODY", PatientID="9911")
    assert (unknown.patient_id, unknown.nobodys_because) == (None, "issuer")
    assert not SourceIdentity.objects.filter(value="9911").exists()
    assert (
        "(<bdi>PACS-OF-NOBODY</bdi>)"
        in browser_of(stage.sami).get(f"/radiology/reconciliation/{unknown.id}/").content.decode()
    )
    wasls = arrived(stage, IssuerOfPatientID="WASL", PatientID=Patient.objects.get().number)
    assert wasls.patient_id == there.patient_id


def test_a_likeness_alone_opens_no_record(stage: Cast) -> None:
    """Somebody types at a console what is known of a person who never was here."""
    about = {"PatientName": "Ben Salah^Salma", "PatientBirthDate": "19800312", "PatientSex": "F",
             "OtherPatientNames": "", "PatientMotherBirthName": ""}  # fmt: skip
    patients.receive_record(place=stage.other, local_id="Z-1", said=SALMA, by=machine(stage))
    known = Patient.objects.get()
    number = Sequence([item(PatientID=SALMA["nid"], IssuerOfPatientID="urn:wasl:tn:cin")])
    for _ in range(2):
        study = arrived(stage, **about)
        assert study.patient_id is None or study.patient_id != known.id
    assert not CareRelationship.objects.filter(patient=known).exists()
    with_number = arrived(stage, **about, PatientID="J-78", OtherPatientIDsSequence=number)
    assert with_number.patient_id == known.id  # as if the card were shown


def test_an_order_decides_first_and_what_people_took_back_stays_nobodys(stage: Cast) -> None:
    order = make.order(stage)
    asked = arrived(stage, AccessionNumber=order.accession)  # of another patient, by its header
    assert (asked.patient_id, Patient.objects.count()) == (None, 1)
    late = arrived(stage, PatientID="J-80", PatientName="Ayari^Rim", PatientSex="F", PatientBirthDate="19700101")
    radiology.link_study(order.id, study=late.id, because="Rim was the name of the nurse.", by=stage.sami)
    assert Study.objects.get(id=late.id).patient_id == order.patient_id  # a header yields to who links
    Patient.objects.get(family_name="Ayari")
    alone = arrived(stage)
    services.unmatch_study(alone.id, by=stage.sami)
    assert services.identify_study(alone.id, by=SYSTEM) is None
    for said in ({"PatientID": "ANONYME"}, {"ImageComments": "demonstration image"}):
        assert arrived(stage, **said).patient_id is None
    assert Patient.objects.count() == 3


def test_each_of_many_studies_costs_the_same(stage: Cast) -> None:
    costs = []
    people = ("Gharbi^Ali", "Trabelsi^Ines", "Mejri^Hatem", "Ayari^Rim", "Jlassi^Nizar", "Zoghlami^Dorra")
    for number, name in enumerate(people):
        born = f"19{number + 3}20504"
        about: dict[str, Any] = {"PatientID": f"B-{number}", "PatientName": name, "PatientBirthDate": born}
        images = make.image(**about)
        (outcome,) = make.send(stage, images)
        with CaptureQueriesContext(connection) as asked:
            services.identify_study(outcome.study, by=SYSTEM)
        costs.append(len(asked))
    assert Patient.objects.count() == len(people)
    assert max(costs[1:]) == min(costs[1:]) <= 80
