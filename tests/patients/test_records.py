"""What places said of people: kept as it was said, and linked to one person at a time."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from tests import make
from tests.cast import Cast, cast
from wasl.patients.models import Patient, RecordLink, RecordVersion, SourceRecord

pytestmark = pytest.mark.django_db


@pytest.fixture
def stage() -> Cast:
    return cast()


def record(stage: Cast, number: str = "H-1") -> SourceRecord:
    return SourceRecord.objects.create(place_id=stage.regional, local_id=number)


def version(of: SourceRecord, **values: object) -> RecordVersion:
    about: dict[str, Any] = {
        "record": of,
        "version": 1,
        "said": {"first_lat": "Salma"},
        "said_by": "person:1",
        **values,
    }
    return RecordVersion.objects.create(**about)


def link(of: SourceRecord, patient: Patient, **values: object) -> RecordLink:
    about: dict[str, Any] = {
        "record": of,
        "patient": patient,
        "state": "human",
        "opened_at": timezone.now(),
        "opened_by": "person:1",
    }
    return RecordLink.objects.create(**about | values)


def refused(name: str, act: Callable[[], object]) -> None:
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        act()
    cause: Any = caught.value.__cause__
    assert cause.diag.constraint_name == name


def test_records_never_change(stage: Cast) -> None:
    kept = record(stage)
    rows = SourceRecord.objects.filter(id=kept.id)
    refused("patients_records_never_change", lambda: rows.update(local_id="H-2"))
    refused("patients_records_never_change", rows.delete)


def test_what_was_said_is_superseded_once_and_never_changes(stage: Cast) -> None:
    said = version(record(stage))
    rows = RecordVersion.objects.filter(id=said.id)
    refused("patients_what_was_said_stays", lambda: rows.update(said={"first_lat": "Selma"}))
    assert rows.update(superseded_at=timezone.now()) == 1
    refused("patients_what_was_said_stays", lambda: rows.update(superseded_at=None))
    refused("patients_what_was_said_stays", rows.delete)


def test_a_record_says_one_thing_now(stage: Cast) -> None:
    said = version(record(stage))
    refused("patients_a_record_says_one_thing_now", lambda: version(said.record, version=2))
    RecordVersion.objects.filter(id=said.id).update(superseded_at=timezone.now())
    assert version(said.record, version=2).superseded_at is None
    refused("patients_versions_of_a_record_follow_each_other",
            lambda: version(said.record, version=2, superseded_at=timezone.now()))  # fmt: skip


def test_a_number_of_a_place_is_one_record_there(stage: Cast) -> None:
    record(stage)
    refused("patients_a_number_of_a_place_is_one_record", lambda: record(stage))
    SourceRecord.objects.create(place_id=stage.other, local_id="H-1")
    refused("patients_a_number_of_a_record_has_its_place", lambda: SourceRecord.objects.create(local_id="H-1"))


def test_a_record_is_one_persons(stage: Cast) -> None:
    kept, salma, sonia = record(stage), make.patient(stage), make.patient(stage, given_name="Sonia")
    first = link(kept, salma)
    refused("patients_a_record_is_one_persons", lambda: link(kept, sonia))
    rows = RecordLink.objects.filter(id=first.id)
    refused("patients_links_are_closed_once", lambda: rows.update(patient=sonia))
    refused("patients_a_closed_link_says_who_closed_it", lambda: rows.update(closed_at=timezone.now()))
    assert rows.update(closed_at=timezone.now(), closed_by="person:1") == 1
    refused("patients_links_are_closed_once", lambda: rows.update(closed_at=None, closed_by=""))
    assert link(kept, sonia).closed_at is None


def test_what_a_person_linked_no_machine_parts(stage: Cast) -> None:
    salma = make.patient(stage)
    by_person = link(record(stage), salma)
    by_itself = link(record(stage, "H-2"), salma, state="auto", model="m")
    for closer in ("system", f"client:{salma.id}"):
        part = partial(RecordLink.objects.filter(id=by_person.id).update, closed_at=timezone.now(), closed_by=closer)
        refused("patients_what_a_person_linked_no_machine_parts", part)
    assert RecordLink.objects.filter(id=by_itself.id).update(closed_at=timezone.now(), closed_by="system") == 1
    refused("patients_a_machine_says_by_which_model_it_linked", lambda: link(record(stage, "H-3"), salma, state="auto"))


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"level": "sure"}, "patients_an_identity_has_a_known_level"),
        ({"level": "checked"}, "patients_a_checked_identity_was_seen_on_a_document"),
        ({"level": "qualified", "document": "card"}, "patients_a_qualified_identity_was_verified_at_its_source"),
        ({"kind": "unknown", "level": "declared"}, "patients_who_has_no_name_yet_is_provisional"),
    ],
)
def test_a_level_stands_on_facts(stage: Cast, values: dict[str, str], name: str) -> None:
    rows = Patient.objects.filter(id=make.patient(stage).id)
    refused(name, lambda: rows.update(**values))
