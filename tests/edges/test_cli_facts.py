"""`wasl facts`, `wasl journal verify`, `wasl record verify` and `rebuild`."""

import pytest
from click.testing import CliRunner, Result
from django.db import connection

from tests import make
from tests.cast import Cast, cast
from wasl.edges.cli.main import main
from wasl.kernel.models import Fact
from wasl.record.models import Entry

pytestmark = pytest.mark.django_db


@pytest.fixture
def stage() -> Cast:
    return cast()


def wasl(*words: str) -> Result:
    return CliRunner().invoke(main, list(words))


def touch(*statements: str) -> None:
    """What somebody with the keys of the database could do: lift the trigger, change, put it back."""
    with connection.cursor() as cursor:
        cursor.execute("set constraints all immediate")  # the facts until now are sealed
        cursor.execute("alter table kernel_fact disable trigger kernel_facts_are_kept")
        for statement in statements:
            cursor.execute(statement)
        cursor.execute("alter table kernel_fact enable trigger kernel_facts_are_kept")


def test_the_story_of_a_patient(stage: Cast) -> None:
    order = make.order(stage)
    make.order(stage)
    for named in (str(order.patient_id), order.patient.number):
        told = wasl("facts", "--patient", named)
        assert told.exit_code == 0, told.output
        lines = told.output.splitlines()
        names = [line.split("  ")[2] for line in lines]
        assert names[0] == "patients.PatientRegistered"
        assert names.count("radiology.OrderSent") == 1
        assert str(stage.amel) in told.output
        assert "Salma" not in told.output


def test_the_story_of_a_row_from_a_number_on(stage: Cast) -> None:
    order = make.order(stage)
    told = wasl("facts", "--subject", str(order.id))
    assert [line.split("  ")[2] for line in told.output.splitlines()] == ["radiology.OrderSent"]
    last = Fact.objects.latest("seq").seq
    assert wasl("facts", "--since", str(last)).output == ""
    assert len(wasl("facts").output.splitlines()) == Fact.objects.count()


def test_an_unknown_patient(stage: Cast) -> None:
    told = wasl("facts", "--patient", "123456789012")
    assert (told.exit_code, told.output) == (1, "Error: There is no patient of this number.\n")


def test_a_whole_journal(stage: Cast) -> None:
    make.order(stage)
    touch()
    told = wasl("journal", "verify")
    assert (told.exit_code, told.output) == (0, "The journal is whole.\n")


TOUCHED = [
    ("update kernel_fact set actor = 'person:x' where seq = {middle}", "was changed"),
    ('update kernel_fact set data = data || \'{{"urgency": "P0"}}\' where seq = {middle}', "was changed"),
    ("update kernel_fact set at = at - interval '1 hour' where seq = {middle}", "was changed"),
    ("delete from kernel_notice where fact_id = {middle}; delete from kernel_fact where seq = {middle}", "is missing"),
    ("delete from kernel_notice where fact_id = {last}; delete from kernel_fact where seq = {last}", "are missing"),
    ("update kernel_fact set hash = null, chain = null, position = null where seq = {last}", "never sealed"),
]


@pytest.mark.parametrize(("statement", "said"), TOUCHED)
def test_a_touched_journal_is_found(stage: Cast, statement: str, said: str) -> None:
    order = make.order(stage)
    make.order(stage)
    middle = Fact.objects.get(name="radiology.OrderSent", subject=order.id).seq
    touch()
    touch(statement.format(middle=middle, last=Fact.objects.latest("seq").seq))
    told = wasl("journal", "verify")
    assert told.exit_code == 1
    assert said in told.output
    assert "The journal was touched." in told.output


def test_the_record_is_compared_and_mended(stage: Cast) -> None:
    order = make.order(stage)
    assert wasl("record", "verify").output == "The record says what the tables say.\n"
    Entry.objects.filter(type="ServiceRequest").update(body="{}")
    told = wasl("record", "verify")
    assert told.exit_code == 1
    assert f"ServiceRequest/{order.id} says something else than its owner's tables" in told.output
    mended = wasl("record", "rebuild")
    assert mended.exit_code == 1, "the entry had left its version: that stays said"
    assert f"ServiceRequest/{order.id} written again" in mended.output
    again = wasl("record", "verify")
    assert (again.exit_code, again.output) == (0, "The record says what the tables say.\n")
    assert wasl("record", "rebuild").output == "0 resources written again.\n"
