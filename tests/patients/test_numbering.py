"""A place's own numbers: replaced, removed, in use again; and whoever says so of the same number at once."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from tests import make
from tests.at_once import at_once
from tests.cast import Cast, cast
from tests.patients import who
from tests.patients.invariants import broken
from tests.patients.test_live import SALMA, machine
from wasl.kernel.access import SYSTEM
from wasl.kernel.errors import NotAllowed, NotFound
from wasl.kernel.models import Fact
from wasl.patients import queries, rules, services
from wasl.patients.models import Patient, RecordVersion, ReviewCase, SourceIdentity, SourceRecord
from wasl.patients.rules import numbers

pytestmark = pytest.mark.django_db
ALI = {"first_lat": "Ali", "last_lat": "Gharbi", "sex": "M", "dob": "1960-01-02"}


@pytest.fixture
def stage() -> Cast:
    return cast()


def hear(stage: Cast, number: str, said: dict[str, str] = SALMA) -> Patient:
    return services.receive_record(place=stage.other, local_id=number, said=said, by=machine(stage)).patient


def replace(stage: Cast, number: str, survivor: str, said: dict[str, str] = SALMA) -> services.Replaced:
    about = {"place": stage.other, "local_id": number, "survivor": survivor, "said": said}
    return services.replace_number(**about, by=machine(stage))  # type: ignore[arg-type]


def facts(name: str) -> int:
    return Fact.objects.filter(name=f"patients.{name}").count()


def test_a_number_that_is_replaced_leads_to_its_person_for_ever(stage: Cast) -> None:
    known = hear(stage, "N-1")
    assert replace(stage, "N-2", "N-1") == (known, True, False)
    assert replace(stage, "N-2", "N-1") == (known, False, False)
    assert (facts("NumberReplaced"), facts("NumberRestored")) == (1, 0)
    assert queries.by_local_number("N-2", place=stage.other, viewer=stage.zied) == known
    gone = SourceIdentity.objects.get(value="N-2")
    assert (gone.replaced_by, gone.is_removed) == (SourceIdentity.objects.get(value="N-1"), False)


def test_what_is_said_again_is_in_use_again(stage: Cast) -> None:
    hear(stage, "N-1")
    replace(stage, "N-2", "N-1")
    hear(stage, "N-2", SALMA | {"phone": "22111333"})
    assert SourceIdentity.objects.get(value="N-2").retired_at is None
    assert facts("NumberRestored") == 1
    hear(stage, "N-2", SALMA | {"phone": "22111333"})
    assert facts("NumberRestored") == 1


def test_a_removed_number_comes_back_with_what_it_said(stage: Cast) -> None:
    known = hear(stage, "N-1")
    for _ in range(2):
        services.remove_number(place=stage.other, local_id=" N-1 ", by=machine(stage))
    assert facts("NumberRemoved") == 1
    assert queries.by_local_number("N-1", place=stage.other, viewer=stage.zied) is None
    with pytest.raises(numbers.NumberOutOfUse):
        hear(stage, "N-1", ALI)
    assert RecordVersion.objects.get(superseded_at=None).said["first_lat"] == "Salma"
    assert hear(stage, "N-1") == known
    assert queries.by_local_number("N-1", place=stage.other, viewer=stage.zied) == known
    with pytest.raises(NotFound):
        services.remove_number(place=stage.other, local_id="N-9", by=machine(stage))


def test_a_number_that_is_removed_is_not_the_desks_to_give(stage: Cast) -> None:
    hear(stage, "N-1")
    services.remove_number(place=stage.other, local_id="N-1", by=machine(stage))
    with pytest.raises(rules.LocalNumberTaken):
        make.patient(stage, place=stage.other, by=stage.zied, identities=[("local", "N-1")])


def test_a_clerk_brings_a_number_back(stage: Cast) -> None:
    salma = make.patient(stage, place=stage.other, by=stage.zied, identities=[("local", "N-1")])
    services.remove_number(place=stage.other, local_id="N-1", by=machine(stage))
    with pytest.raises(numbers.NumberOutOfUse):
        hear(stage, "N-1")
    services.add_identity(salma.id, kind="local", value="N-1", place=stage.other, by=stage.zied)
    assert queries.by_local_number("N-1", place=stage.other, viewer=stage.zied) == salma
    assert facts("NumberRestored") == 1
    other = make.patient(stage, given_name="Rim", place=stage.other, by=stage.zied)
    with pytest.raises(rules.LocalNumberTaken):
        services.add_identity(other.id, kind="local", value="N-1", place=stage.other, by=stage.zied)


def test_a_split_record_takes_its_retired_number_along(stage: Cast) -> None:
    salma, ali = hear(stage, "N-1"), hear(stage, "N-2", ALI)
    replace(stage, "N-2", "N-1", ALI)
    services.present_card(ali.id, place=stage.regional, number=ali.number, by=stage.nour)
    record = SourceRecord.objects.get(local_id="N-2").id
    services.split_record(record, patient=salma.id, because="It was her card after all.", by=stage.nour)
    gone = SourceIdentity.objects.get(value="N-2")
    assert (gone.patient_id, gone.retired_at is None) == (salma.id, False)
    assert broken() == []


WRONG = [
    ("N-1", " N-1", numbers.SurvivorExpected), ("N-1", "N-9", numbers.SurvivorNotInUse),
    (" ", "N-1", rules.NothingSaid), ("N-1", " ", rules.NothingSaid),
]  # fmt: skip


@pytest.mark.parametrize(("number", "survivor", "refusal"), WRONG)
def test_what_cannot_be_replaced(stage: Cast, number: str, survivor: str, refusal: type[Exception]) -> None:
    hear(stage, "N-1")
    with pytest.raises(refusal):
        replace(stage, number, survivor)
    assert not SourceIdentity.objects.filter(retired_at__isnull=False).exists()


def test_a_place_says_it_of_its_own_numbers_and_people_do_not(stage: Cast) -> None:
    hear(stage, "N-1")
    about: dict[str, Any] = {"place": stage.other, "local_id": "N-1"}
    elsewhere = machine(stage)
    for place, by, refusal in (
        (stage.regional, elsewhere, rules.NotYourPlace), (stage.other, stage.zied, NotAllowed),
        (stage.other, stage.nour, NotAllowed),
    ):  # fmt: skip
        with pytest.raises(refusal):
            services.remove_number(**about | {"place": place}, by=by)
        with pytest.raises(refusal):
            services.replace_number(**about | {"place": place}, survivor="N-2", said=SALMA, by=by)


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"kind": "tn_cin", "place": None, "retired_at": timezone.now}, "patients_hospitals_retire_their_own_numbers"),
        ({"replaced_by": "self", "retired_at": timezone.now}, "patients_what_is_replaced_is_in_use_no_longer"),
        ({"replaced_by": "other"}, "patients_what_is_replaced_is_in_use_no_longer"),
    ],
)
def test_the_database_keeps_it(stage: Cast, values: dict[str, Any], name: str) -> None:
    hear(stage, "N-1")
    hear(stage, "N-2")
    one, other = SourceIdentity.objects.filter(kind="local").order_by("value")
    named = {"self": one.id, "other": other.id}
    given = {key: value() if callable(value) else named.get(value, value) for key, value in values.items()}
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        SourceIdentity.objects.filter(id=one.id).update(**given)
    cause: Any = caught.value.__cause__
    assert cause.diag.constraint_name == name


# at once


@pytest.mark.django_db(transaction=True)
def test_one_number_told_by_many_is_one_record_new_once(stage: Cast) -> None:
    heard: list[services.Heard] = []

    def tell() -> None:
        heard.append(services.receive_record(place=stage.other, local_id="N-1", said=SALMA, by=machine(stage)))

    assert at_once(*[tell] * 12) == []
    assert (SourceRecord.objects.count(), Patient.objects.count()) == (1, 1)
    assert [one.new for one in heard].count(True) == 1
    assert broken() == []


@pytest.mark.django_db(transaction=True)
def test_two_numbers_are_not_replaced_by_each_other(stage: Cast) -> None:
    for _ in range(5):
        hear(stage, "N-1")
        hear(stage, "N-2")
        acts: list[Callable[[], object]] = [partial(replace, stage, *pair) for pair in (("N-1", "N-2"), ("N-2", "N-1"))]
        assert at_once(*acts * 4) == ["SurvivorNotInUse"] * 4
        gone = SourceIdentity.objects.get(replaced_by__isnull=False)
        assert gone.replaced_by
        assert gone.replaced_by.retired_at is None
    assert broken() == []


@pytest.mark.django_db(transaction=True)
def test_a_duplicate_told_by_many_asks_people_once(stage: Cast) -> None:
    hear(stage, "N-1")
    hear(stage, "N-2", ALI)
    assert at_once(*[partial(replace, stage, "N-2", "N-1", ALI)] * 8) == []
    assert ReviewCase.objects.count() == facts("NumberReplaced") == facts("ReviewOpened") == 1
    assert (broken(), who.broken()) == ([], {})


@pytest.mark.django_db(transaction=True)
def test_told_removed_and_replaced_at_once_it_is_one_of_them(stage: Cast) -> None:
    hear(stage, "N-1")
    hear(stage, "N-2")
    acts: list[Callable[[], object]] = [
        partial(hear, stage, "N-2"), partial(replace, stage, "N-2", "N-1"),
        partial(services.remove_number, place=stage.other, local_id="N-2", by=machine(stage)),
        partial(services.receive_record, place=stage.other, local_id="N-1", said=SALMA, by=SYSTEM),
    ]  # fmt: skip
    assert at_once(*acts * 4) == []
    assert SourceIdentity.objects.filter(kind="local").count() == 2
    assert broken() == []
