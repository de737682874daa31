"""Which of all that is said of a person stands in their file: attribute by attribute, a pure function of what is said.

Verified above seen on a document, above declared at a desk, above told by a system; then what was said last; then what
is said most often. What was typed in one script says nothing about the other.
"""

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from uuid import UUID

from wasl.kernel.errors import Invalid
from wasl.patients.rules import ARABIC, EITHER, LATIN, name_form, phone_form
from wasl.patients.rules.names import ARABIC as SCRIPT
from wasl.patients.rules.names import skeleton, spoken

NAMES = (*LATIN, *ARABIC, *EITHER)
ATTRIBUTES = (*NAMES, "sex", "birth_date", "phone", "commune", "died_on")
# the fields of a file, of which a birth date and whether only its year is known are one attribute
FIELDS = (*ATTRIBUTES, "birth_date_about")
BLANK: dict[str, object] = {
    **dict.fromkeys(FIELDS, ""), "sex": "unknown", "birth_date": None, "died_on": None, "birth_date_about": False,
}  # fmt: skip
EMPTIED = frozenset({*EITHER, "phone", "commune", "died_on"})  # of which a desk may say that there is none
TWICE = "died_on"  # another file's word of a death is not enough, until a second one says so


class NothingToTake(Invalid):
    """This record says nothing of it any more, or says what the file says."""


class Grade(IntEnum):
    """How much a word is worth."""

    PLACEHOLDER = 0  # a name that says that there is none yet
    FED = 1
    DECLARED = 2
    SEEN = 3
    VERIFIED = 4


@dataclass(frozen=True)
class Claim:
    """What somebody says of one attribute, when, and how much that is worth; `own` is the file's own desk."""

    attribute: str
    value: object
    grade: Grade
    at: datetime.datetime
    about: bool = False  # of a birth date: its year alone is known
    own: bool = False
    meant: bool = False  # a desk said it on purpose, as a correction: that there is none, too
    record: UUID | None = None

    @property
    def speaks(self) -> bool:
        """Whether it says anything."""
        return self.value != BLANK[self.attribute] or (self.meant and self.attribute in EMPTIED)


@dataclass(frozen=True)
class Word:
    """What the desks say of one file: its values, when and how surely each was said, and which were said on purpose."""

    values: Mapping[str, object]
    at: datetime.datetime
    grade: Grade
    fed: bool  # a system's record made the file: what was not said on purpose is no desk's word
    said: Mapping[str, Sequence[str]]  # attribute -> when, by whom, where, and as how much worth


def grade_of(document: str, verified: str) -> Grade:
    """How much the word of a file's desks is worth: a chip was read, a document was seen, or neither."""
    return Grade.VERIFIED if verified == "chip" else Grade.SEEN if document else Grade.DECLARED


def claims_of(word: Word, *, own: bool) -> list[Claim]:
    """What the desks say of a file, attribute by attribute."""
    found = []
    for name in ATTRIBUTES:
        said = word.said.get(name)
        if word.fed and not said:
            continue
        at, grade = word.at, word.grade
        if said:
            at, grade = datetime.datetime.fromisoformat(said[0]), max(grade, Grade[said[3]])
        about = name == "birth_date" and bool(word.values["birth_date_about"])
        found.append(Claim(name, word.values[name], grade, at, about=about, own=own, meant=bool(said)))
    return [one for one in found if one.speaks]


def told(
    values: Mapping[str, object], *, grade: Grade, at: datetime.datetime, record: UUID | None = None
) -> list[Claim]:
    """What a record, or the register, says of a person, attribute by attribute."""
    about = bool(values.get("birth_date_about"))
    found = [
        Claim(name, values[name], grade, at, about=about and name == "birth_date", record=record)
        for name in ATTRIBUTES
        if name in values
    ]
    return [one for one in found if one.speaks]


def survivors(claims: Iterable[Claim]) -> dict[str, Claim]:
    """The word that stands, by attribute; nothing is said of those that are not there."""
    by: dict[str, list[Claim]] = {}
    for one in claims:
        by.setdefault(one.attribute, []).append(one)
    by[TWICE] = _deaths(by.get(TWICE, []))
    return {name: _first(some) for name, some in by.items() if some}


def _deaths(claims: Sequence[Claim]) -> list[Claim]:
    """A death needs a certificate or two who tell of it; what its own desk was told, a file says as told."""
    days = [one.value for one in claims]
    return [one for one in claims if one.own or one.grade == Grade.VERIFIED or days.count(one.value) > 1]


def _first(claims: Sequence[Claim]) -> Claim:
    spoken = [(one.value, one.about) for one in claims]

    def worth(one: Claim) -> tuple[object, ...]:
        return one.grade, one.at, spoken.count((one.value, one.about)), one.own

    best = max(claims, key=worth)
    # what the register presumes stays presumed, and so does what a clerk wrote on purpose
    if best.about and best.grade < Grade.VERIFIED and not best.meant:
        fuller = [one for one in claims if not one.about and _year(one) == _year(best)]
        return max(fuller, key=worth, default=best)
    return best


def _year(claim: Claim) -> int:
    return claim.value.year if isinstance(claim.value, datetime.date) else 0


def fields(standing: Mapping[str, Claim]) -> dict[str, object]:
    """The fields of a file by the words that stand; what nobody says is blank."""
    values = {**BLANK, **{name: one.value for name, one in standing.items()}}
    return values | {"birth_date_about": "birth_date" in standing and standing["birth_date"].about}


def is_otherwise(claim: Claim, file: Mapping[str, object]) -> bool:
    """Whether a record says of an attribute what the file does not say; a name in other spaces or capitals is one."""
    there = file[claim.attribute]
    if claim.attribute == "birth_date":
        if claim.about and isinstance(there, datetime.date):
            return _year(claim) != there.year
        return (claim.value, claim.about) != (there, bool(file["birth_date_about"]))
    if claim.attribute == "phone":
        return phone_form(str(claim.value)) != phone_form(str(there))
    if claim.attribute in NAMES or claim.attribute == "commune":
        one, other = str(claim.value), str(there)
        if bool(SCRIPT.search(one)) != bool(SCRIPT.search(other)):  # a parent or a town in the other script
            return _sounds(one) != _sounds(other)
        return name_form(one) != name_form(other)
    return claim.value != there


def _sounds(name: str) -> str:
    return "".join(skeleton(word) for word in spoken(name))
