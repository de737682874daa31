"""The dictionary of given names: what is one name, what is known to be two, and what it does not know."""

import pytest

from wasl.patients.rules.given import differ, known_names, parts, same, sexes, within


@pytest.mark.parametrize("entry", known_names(), ids=lambda entry: str(entry[1]))
def test_every_spelling_in_the_table_is_its_name(entry: tuple[str, str, tuple[str, ...]]) -> None:
    _sex, arabic, latin = entry
    for spelled in latin:
        assert same(parts(arabic), parts(spelled))
        assert not differ(parts(arabic), parts(spelled.upper()))


@pytest.mark.parametrize(
    "names",
    [
        "Hassan, Hussein", "Hassen, حسين", "Amine, Imen", "أمين, إيمان", "Omar, Ammar", "Karim, Karima",
        "Mohamed, محمود", "Hanen, حنين", "Dalel, دليله", "Mohamed Ali, Mohamed Amine", "Abdelhamid, Abdelghani",
    ],
)  # fmt: skip
def test_names_that_skeletons_confuse_are_known_to_differ(names: str) -> None:
    one, other = names.split(", ")
    assert differ(parts(one), parts(other))
    assert differ(parts(other), parts(one))


@pytest.mark.parametrize(
    "names", ["Mohamed, Med", "Hadi, Hedi", "Nour Eddine, نورالدين", "فاطمة الزهراء, Fatma Zohra", "Abd El Kader, Aek"]
)
def test_one_name_written_otherwise_does_not_differ(names: str) -> None:
    one, other = names.split(", ")
    assert same(parts(one), parts(other))
    assert not differ(parts(one), parts(other))


@pytest.mark.parametrize("names", ["Mohamed Amine, Amine", "Mohamed, محمد أمين", "Fatma, فاطمة الزهراء"])
def test_a_part_of_a_name_is_neither_the_same_nor_another(names: str) -> None:
    one, other = names.split(", ")
    assert within(parts(one), parts(other))
    assert not differ(parts(one), parts(other))
    assert not same(parts(one), parts(other))


@pytest.mark.parametrize("strange", ["Xqzt", "Rwnzl", "", "-", "王", "A" * 500])
def test_of_a_name_it_does_not_know_it_says_nothing(strange: str) -> None:
    assert not differ(parts(strange), parts("Mohamed"))
    assert not differ(parts("Mohamed"), parts(strange))


def test_a_name_says_a_sex_only_when_every_reading_has_it() -> None:
    assert (sexes("Fatma"), sexes("كريم"), sexes("Malek"), sexes("Xqzt")) == ("f", "m", "", "")
