"""Two files side by side: what agrees, what is only spelled otherwise, and what differs."""

from collections.abc import Collection
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from wasl.kernel.text import fold
from wasl.patients.rules.matching import words
from wasl.patients.rules.names import skeleton, spoken

FIELDS: dict[str, str | Promise] = {
    "latin_name": _("Name, Latin letters"),
    "arabic_name": _("Name, Arabic letters"),
    "either_name": _("Name, either script"),
    "sex": _("Sex"),
    "birth_date": _("Birth date"),
    "father_name": _("Father"),
    "mother_name": _("Mother"),
    "phone": _("Phone"),
    "commune": _("Commune"),
    "national": _("National number"),
    "local": _("Hospital number"),
}
NAMES = frozenset({"latin_name", "arabic_name", "either_name", "father_name", "mother_name", "commune"})
HOUSEHOLD = ("phone", "commune", "mother_name", "father_name")  # what people of one household share
SAME, ALIKE, DIFFERENT, UNSAID = "same", "alike", "different", ""


@dataclass(frozen=True)
class Line:
    """One field of two files and how the two stand to each other."""

    field: str
    title: str | Promise
    one: str
    other: str
    stands: str


def line(field: str, one: str, other: str) -> Line:
    """Two values of a field beside each other."""
    return Line(field, FIELDS[field], one, other, _stands(field, one, other))


def numbers(field: str, one: Collection[str], other: Collection[str], *, shown: tuple[str, str]) -> Line:
    """The numbers of a kind of two people, of whom each may have several: one in common is enough. Shown masked."""
    stands = UNSAID if not one or not other else SAME if set(one) & set(other) else DIFFERENT
    return Line(field, FIELDS[field], *shown, stands)


def _stands(field: str, one: str, other: str) -> str:
    if not one or not other:
        return UNSAID
    if fold(one) == fold(other):
        return SAME
    if field not in NAMES:
        return DIFFERENT
    mine, theirs = ([skeleton(word) for word in spoken(name)] for name in (one, other))
    alike = sorted(mine) == sorted(theirs) or "".join(mine) == "".join(theirs)  # Ben Salah, Bensalah
    return ALIKE if alike else DIFFERENT


def said(reason: str) -> str:
    """A machine's reason in words: `field:level:bits`, as the live matcher writes it; empty where it says nothing."""
    field, _colon, rest = reason.partition(":")
    level = rest.partition(":")[0]
    return words.of(field, int(level)) if level.isdecimal() else ""


def speaks_for(reason: str) -> bool:
    """Whether a machine's reason speaks for one person, by the sign of its bits."""
    return not reason.rpartition(":")[2].startswith("-")
