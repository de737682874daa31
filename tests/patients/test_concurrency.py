"""What two people do at the same moment: one wins, the other hears why, and nothing is half done."""

import datetime
from collections.abc import Callable
from functools import partial

import pytest

from tests import make
from tests.at_once import at_once
from tests.cast import Cast, cast
from tests.patients.invariants import broken
from wasl.kernel.access import SYSTEM
from wasl.kernel.models import Fact
from wasl.patients import services
from wasl.patients.models import CareRelationship, Patient, RecordVersion, SourceIdentity, SourceRecord

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def stage() -> Cast:
    return cast()


def registered() -> int:
    return Fact.objects.filter(name="patients.PatientRegistered").count()


def test_two_registrations_race_for_one_hospital_number(stage: Cast) -> None:
    acts = [partial(make.patient, stage, given_name=name, identities=[("local", "H-1")])
            for name in ("Salma", "Sonia", "Sarra", "Samia")]  # fmt: skip
    assert at_once(*acts) == ["LocalNumberTaken"] * 3
    assert Patient.objects.count() == SourceIdentity.objects.count() == registered() == 1


def test_everybody_has_a_number_of_their_own(stage: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = iter(range(8_000))
    # every number is drawn twice, whoever draws
    monkeypatch.setattr("wasl.patients.services.registration.secrets.randbelow", lambda _: next(drawn) // 2)
    assert at_once(*[partial(make.patient, stage)] * 16) == []
    assert Patient.objects.values("number").distinct().count() == Patient.objects.count() == registered() == 16


def test_one_newborn_is_registered_once(stage: Cast) -> None:
    mother = make.patient(stage)
    act = partial(
        services.register_patient, place=stage.regional, by=stage.nour, kind="newborn", mother=mother.id,
        birth_order=1, birth_date=datetime.date(2026, 11, 20),
    )  # fmt: skip
    assert at_once(*[act] * 4) == ["NewbornRegistered"] * 3
    assert Patient.objects.filter(kind="newborn").count() == 1


def test_two_corrections_of_one_version(stage: Cast) -> None:
    salma = make.patient(stage)
    acts = [partial(services.correct_patient, salma.id, version=1, by=by, given_name=name)
            for by, name in ((stage.nour, "Selma"), (stage.amel, "Salima"), (stage.sami, "Soulef"))]  # fmt: skip
    assert at_once(*acts) == ["ChangedMeanwhile"] * 2
    assert Patient.objects.get().version == 2
    assert Fact.objects.filter(name="patients.PatientCorrected").count() == 1


def test_one_identity_written_by_many_is_written_once(stage: Cast) -> None:
    salma = make.patient(stage)
    act = partial(services.add_identity, salma.id, kind="tn_cin", value="01234567", by=stage.nour)
    assert at_once(*[act] * 6) == []
    assert SourceIdentity.objects.count() == 1
    assert Fact.objects.filter(name="patients.PatientCorrected").count() == 1


def test_an_act_opens_a_record_once(stage: Cast) -> None:
    salma = make.patient(stage)
    act = partial(
        services.open_for_care, salma.id, place=stage.university, source=salma.id, because="radiology.OrderSent",
        by=stage.amel,
    )  # fmt: skip
    assert at_once(*[act] * 6) == []
    assert CareRelationship.objects.filter(ground="care").count() == 1
    assert Fact.objects.filter(name="patients.RecordOpened", data__ground="care").count() == 1


def test_a_record_received_by_many_is_one_record_of_one_patient(stage: Cast) -> None:
    said = {"first_lat": "Salma", "last_lat": "Ben Salah", "sex": "F", "dob": "1980-03-12"}
    act = partial(services.receive_record, place=stage.regional, local_id="H-1", said=said, by=SYSTEM)
    assert at_once(*[act] * 16) == []
    assert Patient.objects.count() == SourceRecord.objects.count() == RecordVersion.objects.count() == registered() == 1
    assert broken() == []


def test_a_desk_and_a_machine_race_for_one_hospital_number(stage: Cast) -> None:
    said = {"first_lat": "Salma", "last_lat": "Ben Salah", "sex": "F", "dob": "1980-03-12"}
    desk = partial(make.patient, stage, identities=[("local", "H-1")])
    machine = partial(services.receive_record, place=stage.regional, local_id="H-1", said=said, by=SYSTEM)
    acts: list[Callable[[], object]] = [desk, machine]
    refused = at_once(*acts * 8)
    assert refused in (["LocalNumberTaken"] * 8, ["LocalNumberTaken"] * 7)
    assert SourceIdentity.objects.count() == SourceRecord.objects.filter(local_id="H-1").count() == 1
    assert broken() == []


def test_what_a_record_says_in_many_voices_is_one_line_of_versions(stage: Cast) -> None:
    said = {"first_lat": "Salma", "last_lat": "Ben Salah", "sex": "F", "dob": "1980-03-12"}
    acts = [partial(services.receive_record, place=stage.regional, local_id="H-1", said=said | {"phone": f"9812345{n}"},
                    by=SYSTEM) for n in range(10)]  # fmt: skip
    assert at_once(*acts) == []
    assert RecordVersion.objects.count() == 10
    assert RecordVersion.objects.filter(superseded_at=None).count() == 1
    assert broken() == []
