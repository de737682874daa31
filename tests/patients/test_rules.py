"""Numbers, names and dates: tables of cases, no database."""

import datetime
import random
from typing import Any
from uuid import UUID, uuid4

import pytest

from wasl.kernel.access import STRANGER, SYSTEM, Actor, Held
from wasl.kernel.errors import Invalid
from wasl.kernel.text import fold
from wasl.patients import rules

TODAY = datetime.date(2026, 11, 27)
KNOWN: dict[str, Any] = {"kind": "known", "family_name": "Gharbi", "birth_date": datetime.date(1980, 1, 1)}
CHANCE = random.Random(97)
NUMBERS = [rules.wasl_number(n) for n in (1_000_000_000, 9_999_999_999, *CHANCE.sample(range(10**9, 10**10), 40))]


def faults(
    values: dict[str, Any], identities: list[tuple[str, str]] | None = None, place: UUID | None = None
) -> set[str]:
    """The names of the fields that are wrong."""
    try:
        rules.checked(values, identities or [], place=place, today=TODAY)
    except Invalid as refusal:
        assert all(refusal.fields.values())
        return set(refusal.fields)
    return set()


@pytest.mark.parametrize("number", NUMBERS)
def test_every_number_is_its_own_proof(number: str) -> None:
    assert rules.is_wasl_number(number)
    assert int(number) % 97 == 1  # ISO 7064, 7.1


@pytest.mark.parametrize("number", NUMBERS)
def test_every_wrong_digit_is_noticed(number: str) -> None:
    for at in range(12):
        for digit in set("0123456789") - {number[at]}:
            assert not rules.is_wasl_number(number[:at] + digit + number[at + 1 :])


@pytest.mark.parametrize("number", NUMBERS)
def test_every_exchange_of_neighbours_is_noticed(number: str) -> None:
    for at in range(11):
        swapped = number[:at] + number[at + 1] + number[at] + number[at + 2 :]
        assert swapped == number or not rules.is_wasl_number(swapped)


@pytest.mark.parametrize("text", ["", "12345678901", "1234567890123", "012345678905", "12345678901x", "١٢٣٤٥٦٧٨٩٠١٢"])
def test_what_is_no_wasl_number(text: str) -> None:
    assert not rules.is_wasl_number(text)


@pytest.mark.parametrize("payload", [0, 999_999_999, 10_000_000_000])
def test_a_number_is_made_of_ten_digits(payload: int) -> None:
    with pytest.raises(ValueError, match="ten digits"):
        rules.wasl_number(payload)


@pytest.mark.parametrize(
    ("kind", "value", "good"),
    [
        ("tn_cin", "01234567", True), ("tn_cin", "0123 4567", True), ("tn_cin", "٠١٢٣٤٥٦٧", True),
        ("tn_cin", "1234567", False), ("tn_cin", "0123456a", False), ("tn_cin", "", False),
        ("tn_iuc", "12345678901", True), ("tn_iuc", "1234567890", False),
        ("dz_nin", "109851234567890123", True), ("dz_nin", "10985123456789012", False),
        ("passport", "X1", False),
    ],
)  # fmt: skip
def test_national_numbers_have_a_shape(kind: str, value: str, good: bool) -> None:
    assert bool(faults(KNOWN, [(kind, value)])) is not good


@pytest.mark.parametrize(("value", "good"), [("H-2026/0042", True), ("", False), ("a^b", False), ("x" * 65, False)])
def test_hospital_numbers_have_a_shape(value: str, good: bool) -> None:
    assert bool(faults(KNOWN, [("local", value)], place=uuid4())) is not good


def test_a_hospital_number_needs_its_hospital() -> None:
    assert faults(KNOWN, [("local", "42")]) == {"local"}


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({}, set()),
        ({"family_name": ""}, {"family_name"}),
        ({"family_name": " \u200f\n"}, {"family_name"}),
        ({"family_name": "", "family_name_ar": "الغربي"}, set()),
        ({"family_name": "الغربي"}, {"family_name"}),
        ({"given_name_ar": "Amel"}, {"given_name_ar"}),
        ({"family_name": "Gharbi^Amel"}, {"family_name"}),
        ({"given_name": "M'hamed-Ali"}, set()),
        ({"given_name": "R2D2"}, {"given_name"}),
        ({"given_name": "x" * 121}, {"given_name"}),
        ({"mother_name": "فاطمة"}, set()),
        ({"birth_date": None}, {"birth_date"}),
        ({"birth_date": "1980"}, {"birth_date"}),
        ({"birth_date": datetime.date(2026, 11, 28)}, {"birth_date"}),
        ({"birth_date": datetime.date(1880, 1, 1)}, {"birth_date"}),
        ({"died_on": datetime.date(1979, 1, 1)}, {"died_on"}),
        ({"sex": "x"}, {"sex"}),
        ({"kind": "x"}, {"kind"}),
        ({"phone": "abc"}, {"phone"}),
        ({"phone": "+216 98 123 456"}, set()),
        ({"kind": "unknown"}, {"description"}),
        ({"kind": "unknown", "description": "man, about 40"}, set()),
        ({"kind": "newborn"}, {"mother", "birth_order"}),
        ({"kind": "newborn", "mother": uuid4(), "birth_order": 0}, {"birth_order"}),
        ({"kind": "newborn", "mother": uuid4(), "birth_order": 1, "family_name": ""}, set()),
        ({"kind": "newborn", "mother": uuid4(), "birth_order": 1, "birth_date": None}, {"birth_date"}),
    ],
)
def test_what_is_asked_of_a_person(change: dict[str, Any], wrong: set[str]) -> None:
    assert faults(KNOWN | change) == wrong


def test_a_field_that_does_not_exist_is_a_mistake_of_the_program() -> None:
    with pytest.raises(TypeError, match="colour"):
        rules.checked({**KNOWN, "colour": "red"}, place=None, today=TODAY)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("98 123 456", "98123456"), ("+216 98.123.456", "98123456"), ("0021698123456", "98123456"),
        ("+213 550 12 34 56", "0550123456"), ("0550-12-34-56", "0550123456"), ("٩٨١٢٣٤٥٦", "98123456"),
        ("+33 1 23 45 67 89", "+33123456789"),
    ],
)  # fmt: skip
def test_a_phone_number_is_kept_in_one_form(typed: str, kept: str) -> None:
    assert rules.phone_form(typed) == kept


def test_emergency_access_says_why() -> None:
    rules.check_reason("unconscious after a fall")
    with pytest.raises(rules.NoReason):
        rules.check_reason("  urgent   ")


def test_who_registers_holds_a_post_there() -> None:
    place = uuid4()
    rules.check_post(place, Actor("person", uuid4(), "Nour", (Held("registrar", place),)))
    rules.check_post(None, SYSTEM)
    for place_asked, by in [(uuid4(), Actor("person", uuid4(), "Nour", (Held("registrar", place),))), (None, STRANGER)]:
        with pytest.raises(rules.NotYourPlace):
            rules.check_post(place_asked, by)


@pytest.mark.parametrize("role", ["planner", "administrator", "auditor", "client", "modality"])
def test_who_may_not_look_for_people(role: str) -> None:
    with pytest.raises(rules.MayNotSearch):
        rules.check_search(Actor("person", uuid4(), "x", (Held(role, None),)))


def test_the_search_form_of_a_name_is_letters_that_every_database_knows() -> None:
    assert rules.name_form("  بن  صَالِح, Émilie ") == "bn cal7 emilie"
    arabic = "ابتثجحخدذرزسشصضطظعغفقكلمنهويءپچڤگ"
    forms = {rules.name_form(letter) for letter in arabic}
    assert all(form.isascii() and form.isalnum() for form in forms)
    assert len(forms) == len({fold(letter) for letter in arabic})
