"""Who may change the dictionary of given names, and what is refused there."""

import unicodedata
from collections.abc import Iterable, Sequence

from django.utils.translation import gettext

from wasl.kernel.access import Actor, Held
from wasl.kernel.errors import Invalid, NotAllowed, Refused
from wasl.patients.rules import given

EDITORS, READERS = frozenset({"steward"}), frozenset({"steward", "registrar"})
LONGEST = 120
SAME, DIFFERENT = "same", "different"


class CountryEdits(NotAllowed):
    """The dictionary is the whole country's: a data steward of the country changes it."""


class SpellingTaken(Refused):
    """This is a spelling of another name: {name}. A spelling is of one name."""


class SpellingThere(Refused):
    """This name is written so already."""


class GivenNameThere(Refused):
    """This name is in the dictionary already."""


class SaidAlready(Refused):
    """That is what holds of these two names already."""


class NamesApart(Refused):
    """Somebody said that {one} and {other} are two names. Say first that they are one, if that was wrong."""


class NamesTogether(Refused):
    """These two are one name by way of another that is one with both. Take that apart first."""


def check_editor(by: Actor) -> None:
    """What the whole country's records are compared by is changed for the whole country."""
    if Held("steward", None) not in by.held:
        raise CountryEdits


def check_written(text: str) -> str:
    """A spelling as it is kept: letters of one script, and what stands between words."""
    kept = " ".join(text.split())
    scripts = {unicodedata.name(c, "").partition(" ")[0] for c in kept if c.isalpha()}
    if len(kept) > LONGEST or len(scripts) != 1 or not scripts <= {"LATIN", "ARABIC"} or not given.form(kept):
        raise Invalid({"written": gettext("Write a name in Latin or in Arabic letters, at most 120.")})
    if any(not (c.isalpha() or unicodedata.category(c) == "Mn" or c in " -'’.") for c in kept):
        raise Invalid({"written": gettext("A name is made of letters, spaces, dashes and apostrophes.")})
    return kept


def check_arabic(text: str) -> str:
    """The form by which a name is known."""
    kept = check_written(text)
    if not unicodedata.name(next(c for c in kept if c.isalpha())).startswith("ARABIC"):
        raise Invalid({"arabic": gettext("Write this name in Arabic letters.")})
    return kept


def check_sex(sex: str) -> str:
    """A name is a man's or a woman's; one that is both is two entries."""
    if sex not in ("m", "f"):
        raise Invalid({"sex": gettext("Choose one of the answers.")})
    return sex


def check_free(key: str, written: str, holders: Iterable[given.Name]) -> None:
    """A spelling that people add is of no other name, and not of this one yet."""
    found = list(holders)
    for name in found:
        if name.key != key:
            raise SpellingTaken(name=name.arabic)
    if found:
        raise SpellingThere


def check_new(key: str, known: Iterable[given.Name]) -> None:
    """A name is added once."""
    if any(name.key == key for name in known):
        raise GivenNameThere


def check_word(
    one: str, other: str, says: str, same: Sequence[tuple[str, str]], apart: Iterable[tuple[str, str]]
) -> None:
    """One name or two: never both, by whatever way. `same` and `apart` are what holds now."""
    if says not in (SAME, DIFFERENT) or one == other:
        raise Invalid({"says": gettext("Choose one of the answers.")})
    pair = (one, other) if one < other else (other, one)
    if pair in (same if says == SAME else list(apart)):
        raise SaidAlready
    if says == DIFFERENT:
        left = given.united(tuple(known for known in same if known != pair))
        if one in left and left[one] == left.get(other):
            raise NamesTogether
        return
    bound = given.united((*same, pair))
    for first, second in apart:
        if (first, second) != pair and first in bound and bound[first] == bound.get(second):
            raise NamesApart(one=first.partition(":")[2], other=second.partition(":")[2])
