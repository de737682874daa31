"""Numbers set aside for a place: each is given once, to nobody else, and none that was withdrawn."""

import datetime
from functools import partial
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.urls import reverse

from tests import make
from tests.at_once import at_once
from tests.browser import browser_of
from tests.cast import Cast, cast
from wasl.kernel.access import STRANGER, SYSTEM
from wasl.kernel.errors import NotAllowed, NotFound
from wasl.kernel.models import Fact
from wasl.patients import queries, rules, services
from wasl.patients.models import NumberBlock, Patient, WaslNumber
from wasl.patients.rules import numbers as number_rules

pytestmark = pytest.mark.django_db
LOST = "The printed sheets were lost in a flood."


@pytest.fixture
def stage() -> Cast:
    return cast()


def test_a_block_is_of_one_place_and_every_number_proves_itself(stage: Cast) -> None:
    block, drawn = services.draw_numbers(50, place=stage.regional, by=stage.fatma)
    assert len(set(drawn)) == 50
    assert all(rules.is_wasl_number(number) for number in drawn)
    assert queries.numbers_left(block.id, viewer=stage.nour) == drawn
    told = Fact.objects.get(name="patients.NumbersDrawn")
    assert (told.subject, told.place, told.data["size"]) == (block.id, stage.regional, 50)
    assert not set(drawn) & {str(value) for value in told.data.values()}


def test_a_number_of_the_own_place_is_given_once(stage: Cast) -> None:
    block, drawn = services.draw_numbers(3, place=stage.regional, by=SYSTEM)
    typed = f"{drawn[0][:4]} {drawn[0][4:8]} {drawn[0][8:]}"
    patient = make.patient(stage, number=typed)
    assert patient.number == drawn[0]
    assert queries.by_number(drawn[0], viewer=stage.nour) == patient
    with pytest.raises(number_rules.NumberUsed):
        make.patient(stage, number=drawn[0])
    with pytest.raises(number_rules.NotReservedHere):
        make.patient(stage, number=drawn[1], place=stage.other, by=stage.zied)
    for number in (rules.wasl_number(1_234_567_890), make.patient(stage).number, "12"):
        with pytest.raises(number_rules.NotReservedHere):
            make.patient(stage, number=number)
    (seen,) = queries.blocks(viewer=stage.nour)
    assert (seen.block, seen.given, seen.left) == (block, 1, 2)
    assert queries.numbers_left(block.id, viewer=stage.nour) == drawn[1:]


def test_what_is_refused_takes_no_number(stage: Cast) -> None:
    block, drawn = services.draw_numbers(1, place=stage.regional, by=SYSTEM)
    make.patient(stage, identities=[("local", "H-1")])
    with pytest.raises(rules.LocalNumberTaken):
        make.patient(stage, number=drawn[0], identities=[("local", "H-1")])
    assert queries.numbers_left(block.id, viewer=stage.nour) == drawn


def test_nobody_else_is_given_a_reserved_number(stage: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    _, drawn = services.draw_numbers(2, place=stage.regional, by=SYSTEM)
    payloads = [int(number[:10]) - 1_000_000_000 for number in drawn]
    coming = iter([*payloads, 7])
    monkeypatch.setattr("wasl.patients.services.registration.secrets.randbelow", lambda _: next(coming))
    assert make.patient(stage).number == rules.wasl_number(1_000_000_007)
    coming = iter([*payloads, 8])
    monkeypatch.setattr("wasl.patients.services.loading.secrets.randbelow", lambda _: next(coming))
    said = services.Saying({"first_lat": "Ali", "last_lat": "Gharbi", "dob": "1950"}, stage.other, "9")
    services.load_patients([[said]], by=SYSTEM)
    assert Patient.objects.get(given_name="Ali").number == rules.wasl_number(1_000_000_008)


def test_a_number_that_somebody_has_is_not_set_aside(stage: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = make.patient(stage).number
    coming = iter([int(taken[:10]) - 1_000_000_000, 9])
    monkeypatch.setattr("wasl.patients.services.numbers.secrets.randbelow", lambda _: next(coming))
    _, drawn = services.draw_numbers(1, place=stage.regional, by=SYSTEM)
    assert drawn == [rules.wasl_number(1_000_000_009)]


def test_a_withdrawn_block_gives_no_number_and_what_was_given_stays(stage: Cast) -> None:
    block, drawn = services.draw_numbers(2, place=stage.regional, by=SYSTEM)
    patient = make.patient(stage, number=drawn[0])
    with pytest.raises(number_rules.NoBlockReason):
        services.withdraw_numbers(block.id, because="lost", by=stage.fatma)
    services.withdraw_numbers(block.id, because=LOST, by=stage.fatma)
    with pytest.raises(number_rules.BlockWithdrawn):
        make.patient(stage, number=drawn[1])
    with pytest.raises(number_rules.AlreadyWithdrawnBlock):
        services.withdraw_numbers(block.id, because=LOST, by=SYSTEM)
    assert queries.by_number(drawn[0], viewer=stage.nour) == patient
    assert queries.numbers_left(block.id, viewer=stage.nour) == []
    assert queries.blocks(viewer=stage.nour)[0].left == 0
    assert Fact.objects.get(name="patients.NumbersWithdrawn").data["left"] == 1


def test_the_database_itself_gives_a_number_once(stage: Cast) -> None:
    block, drawn = services.draw_numbers(2, place=stage.regional, by=SYSTEM)
    patient = make.patient(stage, number=drawn[0])
    given = WaslNumber.objects.get(number=drawn[0])
    assert given.patient_id == patient.id
    for rows in (WaslNumber.objects.filter(number=drawn[0]), WaslNumber.objects.filter(number=drawn[1])):
        with pytest.raises(IntegrityError), transaction.atomic():
            rows.delete()
        with pytest.raises(IntegrityError), transaction.atomic():
            rows.update(block=None)
    with pytest.raises(IntegrityError), transaction.atomic():
        WaslNumber.objects.filter(number=drawn[0]).update(patient=make.patient(stage).id)
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("insert into patients_waslnumber (number, patient_id) values (%s, null)", ["100000000000"])
    services.withdraw_numbers(block.id, because=LOST, by=SYSTEM)
    with pytest.raises(IntegrityError), transaction.atomic():
        NumberBlock.objects.filter(id=block.id).update(withdrawn_at=None, withdrawn_by="")


@pytest.mark.parametrize("size", [0, -1, 10_001])
def test_a_block_has_a_size(stage: Cast, size: int) -> None:
    with pytest.raises(number_rules.BlockTooLarge):
        services.draw_numbers(size, place=stage.regional, by=SYSTEM)


def test_strangers_see_and_draw_nothing(stage: Cast) -> None:
    block, _ = services.draw_numbers(2, place=stage.regional, by=SYSTEM)
    for viewer in (STRANGER, stage.zied, stage.leila, stage.hatem):
        assert queries.blocks(viewer=viewer) == []
        with pytest.raises(NotFound):
            queries.numbers_left(block.id, viewer=viewer)
        with pytest.raises(NotAllowed):
            services.draw_numbers(1, place=stage.regional, by=viewer)
        with pytest.raises(NotAllowed):
            services.withdraw_numbers(block.id, because=LOST, by=viewer)
    with pytest.raises(NotFound):
        services.withdraw_numbers(uuid4(), because=LOST, by=stage.fatma)


def test_a_desk_types_a_reserved_number_where_there_are_any(stage: Cast) -> None:
    browser = browser_of(stage.nour)
    page = reverse("patients:register")
    assert "Reserved Wasl number" not in browser.get(page).content.decode()
    _, drawn = services.draw_numbers(2, place=stage.regional, by=SYSTEM)
    assert "Reserved Wasl number" in browser.get(page).content.decode()
    typed = {"kind": "known", "family_name": "Ayari", "given_name": "Ines", "birth_date": "1990-02-03", "sex": "female",
             "reserved": "100000000097"}  # fmt: skip
    wrong = browser.post(page, typed)
    assert (wrong.status_code, "none of the numbers" in wrong.content.decode()) == (422, True)
    assert browser.post(page, {**typed, "reserved": drawn[0]}).status_code == 302
    made = Patient.objects.get(number=drawn[0])
    assert (made.given_name, made.birth_date) == ("Ines", datetime.date(1990, 2, 3))


@pytest.mark.django_db(transaction=True)
def test_one_reserved_number_is_asked_for_by_many(stage: Cast) -> None:
    _, drawn = services.draw_numbers(2, place=stage.regional, by=SYSTEM)
    acts = [partial(make.patient, stage, number=drawn[0])] * 8
    assert at_once(*acts) == ["NumberUsed"] * 7
    assert Patient.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_blocks_and_desks_draw_the_same_numbers_at_the_same_moment(
    stage: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    coming = iter(range(100_000))  # every number is drawn three times, whoever draws
    for where in ("registration", "numbers"):
        monkeypatch.setattr(f"wasl.patients.services.{where}.secrets.randbelow", lambda _: next(coming) // 3)
    monkeypatch.setattr("wasl.patients.services.registration.ATTEMPTS", 100)  # two of three draws are in vain here
    draw = partial(services.draw_numbers, 20, place=stage.regional, by=SYSTEM)
    assert at_once(*[draw] * 4, *[partial(make.patient, stage)] * 8) == []
    assert WaslNumber.objects.filter(block__isnull=False, patient=None).count() == 80
    assert WaslNumber.objects.filter(block=None).count() == Patient.objects.count() == 8
    assert not WaslNumber.objects.filter(block__isnull=False, number__in=Patient.objects.values("number")).exists()


@pytest.mark.django_db(transaction=True)
def test_a_block_is_withdrawn_while_its_numbers_are_given(stage: Cast) -> None:
    block, drawn = services.draw_numbers(8, place=stage.regional, by=SYSTEM)
    withdraw = partial(services.withdraw_numbers, block.id, because=LOST, by=SYSTEM)
    refused = at_once(*[partial(make.patient, stage, number=number) for number in drawn], withdraw)
    assert set(refused) <= {"BlockWithdrawn"}
    assert Patient.objects.count() == 8 - len(refused)
    told = Fact.objects.get(name="patients.NumbersWithdrawn")
    assert told.data["left"] == len(refused)
