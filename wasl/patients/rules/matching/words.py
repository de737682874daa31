"""What a level says, in words: the terms by which every decision is explained."""

from collections.abc import Mapping
from functools import cache

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Said = str | Promise


# levels at which what the two say can be one person's without an error; any other has something to be looked at
AGREE: Mapping[str, frozenset[int]] = {
    "given": frozenset(range(1, 6)), "family": frozenset({1, 2, 3, 4, 5, 8}), "born": frozenset({1, 4, 9}),
    "number": frozenset({1, 2}), "phone": frozenset({1, 2}), "sex": frozenset({1}), "commune": frozenset({1}),
    "father": frozenset(range(1, 6)), "mother": frozenset(range(1, 6)), "local": frozenset({1}),
}  # fmt: skip


def of(field: str, level: int) -> str:
    """The sentence of a field at a level in the language in force; empty where the level says nothing."""
    return str(_sentences().get(field, {}).get(level, ""))


@cache
def _sentences() -> Mapping[str, Mapping[int, Said]]:
    return {
        "given": {
            1: _("same given name, letter for letter"),
            2: _("same given name, spelled otherwise"),
            3: _("same given name in the other script"),
            4: _("given names nearly the same: one letter apart, or sounds that are often confused"),
            5: _("one given name is a part of the other"),
            6: _("given names somewhat alike"),
            7: _("different given names"),
            8: _("two given names that are known to be different"),
        },
        "family": {
            1: _("same family name, letter for letter"),
            2: _("same family name, spelled otherwise"),
            3: _("same family name in the other script"),
            4: _("family names nearly the same: one letter apart, or sounds that are often confused"),
            5: _("one family name is a part of the other"),
            6: _("family names somewhat alike"),
            7: _("different family names"),
            8: _("the family name of one is the other family name of the other, as after a marriage"),
        },
        "exchanged": {1: _("given and family name have changed places")},
        "born": {
            1: _("same birth date"),
            2: _("birth dates differ by day and month exchanged"),
            3: _("birth dates differ by one digit"),
            4: _("same birth year; one date is known by its year alone"),
            5: _("same day and month, birth years one or two apart"),
            6: _("same birth year, another day"),
            7: _("birth years at most two apart"),
            8: _("birth years more than two apart"),
            9: _("same birth date, a first of January that may stand for the year alone"),
        },
        "number": {
            1: _("same national number"),
            2: _("same national number, which several people use"),
            3: _("national numbers differ by one digit"),
            4: _("two different national numbers"),
        },
        "phone": {
            1: _("same phone"),
            2: _("same phone, which several people use"),
            3: _("phones differ by one digit"),
            4: _("different phones"),
        },
        "sex": {1: _("same sex"), 2: _("sexes differ")},
        "commune": {1: _("same commune"), 2: _("different communes")},
        "father": _parents(_("same father’s name"), _("fathers’ names somewhat alike"), _("different fathers’ names")),
        "mother": _parents(_("same mother’s name"), _("mothers’ names somewhat alike"), _("different mothers’ names")),
        "local": {
            1: _("same number of the same hospital"),
            2: _("two numbers of one hospital"),
        },
        "twin": {1: _("somebody of that family, born that day, has another given name")},
    }


def _parents(same: Said, alike: Said, different: Said) -> Mapping[int, Said]:
    return {**dict.fromkeys(range(1, 6), same), 6: alike, 7: different, 8: different}
