"""Registering, correcting and opening: what stands in the tables and in the journal."""

import datetime
from uuid import uuid4

import pytest
from django.utils import timezone
from django.utils.translation import override

from tests import make
from tests.cast import Cast, cast
from wasl.kernel.access import STRANGER, SYSTEM
from wasl.kernel.errors import Invalid, NotAllowed
from wasl.kernel.models import Fact
from wasl.patients import queries, rules, services
from wasl.patients.models import Access, CareRelationship, Patient, SourceIdentity

pytestmark = pytest.mark.django_db
BORN = datetime.date(2026, 11, 20)


@pytest.fixture
def stage() -> Cast:
    return cast()


def told(name: str, patient: Patient) -> int:
    return Fact.objects.filter(name=f"patients.{name}", subject=patient.id).count()


def test_register_patient(stage: Cast) -> None:
    salma = make.patient(stage, phone="+216 98 123 456", identities=[("tn_cin", "0123 4567"), ("local", "H-1")])
    kept = Patient.objects.get()
    assert kept == salma
    assert rules.is_wasl_number(kept.number)
    assert kept.folded == "salma ben salah slmy bn cal7"
    assert (kept.phone, kept.version) == ("98123456", 1)
    assert set(SourceIdentity.objects.values_list("kind", "value", "place")) == {
        ("tn_cin", "01234567", None), ("local", "H-1", stage.regional),
    }  # fmt: skip
    fact = Fact.objects.get(name="patients.PatientRegistered")
    assert (fact.subject, fact.place, fact.actor) == (salma.id, stage.regional, str(stage.nour))
    assert "Salma" not in str(fact.data)


def test_registering_opens_the_record_where_the_patient_stands(stage: Cast) -> None:
    salma = make.patient(stage)
    assert queries.ground(salma.id, viewer=stage.amel) == "card"
    assert queries.ground(salma.id, viewer=stage.zied) is None
    assert told("RecordOpened", salma) == 1


def test_two_people_may_hold_one_national_number(stage: Cast) -> None:
    make.patient(stage, identities=[("tn_cin", "01234567")])
    make.patient(stage, given_name="Sonia", identities=[("tn_cin", "01234567")])
    assert SourceIdentity.objects.filter(value="01234567").count() == 2


def test_a_hospital_number_is_one_persons_there(stage: Cast) -> None:
    make.patient(stage, identities=[("local", "H-1")])
    with pytest.raises(rules.LocalNumberTaken):
        make.patient(stage, given_name="Sonia", identities=[("local", "H-1")])
    make.patient(stage, identities=[("local", "H-1")], place=stage.other, by=stage.zied)
    assert Patient.objects.count() == 2


def test_an_unknown_person_has_a_number_at_once_and_becomes_known(stage: Cast) -> None:
    someone = services.register_patient(
        place=stage.regional, by=stage.amel, kind="unknown", description="man, about 40, grey jacket", sex="male"
    )
    with override("en"):
        assert (someone.folded, someone.name) == ("", f"Unknown person {someone.number[-4:]}")
    known = services.correct_patient(
        someone.id, version=1, by=stage.nour, place=stage.regional, kind="known", given_name="Ali",
        family_name="Gharbi", birth_date=datetime.date(1986, 1, 1), birth_date_about=True,
    )  # fmt: skip
    assert (known.number, known.name, known.folded, known.version) == (someone.number, "Ali Gharbi", "ali gharbi", 2)


def newborn(stage: Cast, mother: Patient, order: int = 1, sex: str = "unknown") -> Patient:
    return services.register_patient(
        place=stage.regional, by=stage.nour, kind="newborn", mother=mother.id, birth_order=order, birth_date=BORN,
        sex=sex,
    )  # fmt: skip


def test_newborns_stand_beside_their_mother(stage: Cast) -> None:
    salma = make.patient(stage)
    first, second = newborn(stage, salma), newborn(stage, salma, 2, sex="male")
    assert (first.mother_name, first.folded) == ("Salma Ben Salah", salma.folded)
    with override("en"):
        assert first.name == "Newborn 1 of Salma Ben Salah"
    assert first.number != second.number
    with pytest.raises(rules.NewbornRegistered):
        newborn(stage, salma)
    named = services.correct_patient(first.id, version=1, by=stage.nour, given_name="Yasmine", family_name="Gharbi")
    assert named.folded == "yasmine gharbi"


def test_a_newborn_has_a_mother_who_is_registered(stage: Cast) -> None:
    salma, ali = make.patient(stage), make.patient(stage, given_name="Ali", given_name_ar="علي", sex="male")
    for mother in (uuid4(), ali.id):
        with pytest.raises(Invalid) as refusal:
            services.register_patient(place=stage.regional, by=stage.nour, kind="newborn", mother=mother,
                                      birth_order=1, birth_date=BORN)  # fmt: skip
        assert set(refusal.value.fields) == {"mother"}
    baby = newborn(stage, salma)
    with pytest.raises(Invalid):
        services.correct_patient(baby.id, version=1, mother=baby.id, by=stage.nour)


def test_what_is_wrong_is_said_for_every_field_and_nothing_is_kept(stage: Cast) -> None:
    with pytest.raises(Invalid) as refusal:
        make.patient(stage, given_name="R2", birth_date=None, region=uuid4(), identities=[("tn_cin", "12")])
    assert set(refusal.value.fields) == {"given_name", "birth_date", "tn_cin"}
    with pytest.raises(Invalid) as refusal:
        make.patient(stage, region=uuid4())
    assert set(refusal.value.fields) == {"region"}
    assert not Patient.objects.exists()
    assert not Fact.objects.filter(name__startswith="patients.").exists()


def test_a_number_that_is_taken_is_drawn_again(stage: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = iter([5, 5, 5, 6])
    monkeypatch.setattr("wasl.patients.services.registration.secrets.randbelow", lambda _: next(drawn))
    first, second = make.patient(stage), make.patient(stage)
    assert (first.number[:10], second.number[:10]) == ("1000000005", "1000000006")


def test_who_may_register_and_where(stage: Cast) -> None:
    for by in (stage.leila, stage.hatem, stage.fatma, STRANGER):
        with pytest.raises(NotAllowed):
            make.patient(stage, by=by)
    with pytest.raises(rules.NotYourPlace):
        make.patient(stage, by=stage.zied)
    with pytest.raises(rules.NotYourPlace):
        make.patient(stage, place=None)
    make.patient(stage, place=None, by=SYSTEM)


def test_correct_patient(stage: Cast) -> None:
    salma = make.patient(stage)
    services.correct_patient(
        salma.id, version=1, by=stage.nour, place=stage.regional, family_name="Ben Saleh", phone=""
    )
    assert Patient.objects.get().folded == "salma ben saleh slmy bn cal7"
    fact = Fact.objects.get(name="patients.PatientCorrected")
    assert (fact.data["fields"], fact.place) == (["family_name"], stage.regional)
    with pytest.raises(rules.ChangedMeanwhile):
        services.correct_patient(salma.id, version=1, by=stage.amel, family_name="Ben Sala")
    assert services.correct_patient(salma.id, version=2, by=stage.nour, family_name="Ben Saleh").version == 2
    assert told("PatientCorrected", salma) == 1


def test_correcting_needs_a_ground(stage: Cast) -> None:
    salma = make.patient(stage)
    with pytest.raises(rules.NoGround):
        services.correct_patient(salma.id, version=1, by=stage.zied, family_name="X")
    with pytest.raises(NotAllowed):
        services.correct_patient(salma.id, version=1, by=stage.hatem, family_name="X")
    with pytest.raises(rules.NoGround):
        services.correct_patient(uuid4(), version=1, by=stage.nour, family_name="X")


def test_add_identity(stage: Cast) -> None:
    salma, sonia = make.patient(stage), make.patient(stage, given_name="Sonia")
    for _ in range(2):
        services.add_identity(salma.id, kind="local", value=" H-7 ", place=stage.regional, by=stage.nour)
    assert SourceIdentity.objects.get().value == "H-7"
    assert told("PatientCorrected", salma) == 1
    with pytest.raises(rules.LocalNumberTaken):
        services.add_identity(sonia.id, kind="local", value="H-7", place=stage.regional, by=stage.nour)
    with pytest.raises(Invalid) as refusal:
        services.add_identity(sonia.id, kind="tn_cin", value="7", by=stage.nour)
    assert set(refusal.value.fields) == {"tn_cin"}
    with pytest.raises(rules.NoGround):
        services.add_identity(salma.id, kind="tn_cin", value="01234567", by=stage.zied)
    with pytest.raises(rules.NotYourPlace):
        services.add_identity(salma.id, kind="local", value="H-8", place=stage.other, by=stage.nour)


def test_a_provisional_identity_opens_by_number_where_it_was_made_only(stage: Cast) -> None:
    someone = services.register_patient(
        place=stage.regional, by=stage.amel, kind="unknown", description="man, about 40, grey jacket"
    )
    assert someone.level == "provisional"
    services.present_card(someone.id, place=stage.regional, number=someone.number, by=stage.amel)
    with pytest.raises(rules.ProvisionalElsewhere):
        services.present_card(someone.id, place=stage.other, number=someone.number, by=stage.zied)
    services.open_for_care(someone.id, place=stage.other, source=someone.id, because="x", by=stage.zied)
    assert queries.ground(someone.id, viewer=stage.zied) == "care"
    named = services.correct_patient(
        someone.id, version=1, by=stage.nour, place=stage.regional, kind="known", given_name="Ali",
        family_name="Gharbi", birth_date=datetime.date(1986, 1, 1), document="card",
    )  # fmt: skip
    assert named.level == "checked"
    assert services.present_card(someone.id, place=stage.other, number=someone.number, by=stage.zied)


def test_present_card(stage: Cast) -> None:
    salma = make.patient(stage)
    services.present_card(salma.id, place=stage.other, by=stage.zied)
    assert queries.ground(salma.id, viewer=stage.zied) == "card"
    assert queries.ground(salma.id, viewer=stage.leila) is None
    with pytest.raises(rules.NotYourPlace):
        services.present_card(salma.id, place=stage.university, by=stage.zied)
    CareRelationship.objects.filter(place=stage.other).update(ends_at=timezone.now())
    assert queries.ground(salma.id, viewer=stage.zied) is None


def test_open_for_care_opens_once(stage: Cast) -> None:
    salma, order = make.patient(stage), uuid4()
    for _ in range(2):
        services.open_for_care(salma.id, place=stage.university, source=order, because="radiology.OrderSent", by=SYSTEM)
    assert CareRelationship.objects.filter(ground="care").count() == 1
    assert queries.ground(salma.id, viewer=stage.leila) == "care"


def test_break_glass_opens_to_one_person_for_an_hour(stage: Cast) -> None:
    salma = make.patient(stage)
    with pytest.raises(rules.NoReason):
        services.break_glass(salma.id, place=stage.university, because="urgent", by=stage.leila)
    with pytest.raises(NotAllowed):
        services.break_glass(salma.id, place=stage.regional, because="unconscious after a fall", by=stage.nour)
    services.break_glass(salma.id, place=stage.university, because="unconscious after a fall", by=stage.leila)
    assert queries.ground(salma.id, viewer=stage.leila) == "break_glass"
    assert queries.ground(salma.id, viewer=stage.karim) is None
    assert told("GlassBroken", salma) == 1
    CareRelationship.objects.filter(ground="break_glass").update(ends_at=timezone.now())
    assert queries.ground(salma.id, viewer=stage.leila) is None


def test_log_access(stage: Cast) -> None:
    salma = make.patient(stage)
    services.log_access(salma.id, what="patients.patient", ground="card", by=stage.amel)
    line = Access.objects.get()
    assert (line.actor, line.actor_name, line.place) == (str(stage.amel), "Amel Gharbi", stage.regional)
    assert (line.what, line.ground, line.address) == ("patients.patient", "card", "192.0.2.1")
