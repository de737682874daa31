"""Who may register, find and open patients, what a number and a name look like, and what is refused."""

import datetime
import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import TypeVar
from uuid import UUID

from django.utils.translation import gettext

from wasl.kernel.access import Actor
from wasl.kernel.errors import Invalid, NotAllowed, Refused
from wasl.kernel.text import fold
from wasl.patients.rules.dictionary import EDITORS
from wasl.patients.rules.merging import REVIEWERS

M = TypeVar("M")

CLINICAL = frozenset({"requester", "radiographer", "resident", "radiologist", "chief", "registrar"})
RECEPTION = frozenset({"registrar", "requester", "radiographer", "chief", "system"})

CAN: dict[str, frozenset[str]] = {
    "register_patient": RECEPTION,
    "correct_patient": RECEPTION,
    "add_identity": RECEPTION,
    "take_value": RECEPTION,
    **dict.fromkeys(("follow_said", "rebuild_file"), frozenset({"system"})),
    "receive_record": frozenset({"registrar", "client", "system"}),
    "replace_number": frozenset({"client", "system"}),
    "remove_number": frozenset({"client", "system"}),
    "load_patients": frozenset({"system"}),
    "index_patients": frozenset({"system"}),
    "count_rarity": frozenset({"system"}),
    "count_quality": frozenset({"system"}),
    **dict.fromkeys(("add_given_name", "add_spelling", "withdraw_spelling", "relate_names"), EDITORS),
    "read_names_again": frozenset({"system"}),
    "open_for_care": CLINICAL | {"system"},
    "close_for_care": CLINICAL | {"system"},
    "open_for_review": frozenset({"radiologist"}),
    "close_for_review": frozenset({"radiologist", "system"}),
    "present_card": CLINICAL,
    "break_glass": frozenset({"requester", "radiographer", "radiologist", "chief"}),
    "open_review": REVIEWERS | {"system"},
    "take_review": REVIEWERS,
    "judge_review": REVIEWERS,
    "undo_merge": REVIEWERS,
    "withdraw_difference": REVIEWERS,
    "split_record": REVIEWERS,
    "undo_split": REVIEWERS,
    "receive_act": frozenset({"client", "system"}),
    "decide_act": frozenset({"steward"}),
    "undo_act": frozenset({"steward"}),
    "try_acts": frozenset({"system"}),
    "follow_register": frozenset({"system"}),
    "draw_numbers": frozenset({"administrator", "system"}),
    "withdraw_numbers": frozenset({"administrator", "system"}),
    "settle_held": REVIEWERS,
}

CARD_HOURS = 12  # how long a presented card or number opens the record to the place where it was presented
MOST_TRIES, TRY_MINUTES = 10, 10  # wrong numbers of a patient that one person may present, and in which time
GLASS_HOURS = 1  # how long emergency access lasts

LATIN = ("given_name", "family_name")
ARABIC = ("given_name_ar", "family_name_ar")
EITHER = ("father_name", "mother_name")
FIELDS = frozenset({
    *LATIN, *ARABIC, *EITHER, "kind", "sex", "birth_date", "birth_date_about", "phone", "commune", "region", "mother",
    "birth_order", "description", "died_on", "document",
})  # fmt: skip
LENGTHS = {**dict.fromkeys((*LATIN, *ARABIC, *EITHER, "commune"), 120), "description": 300}
SEXES = ("male", "female", "other", "unknown")
KINDS = ("known", "unknown", "newborn")
DOCUMENTS = ("", "card", "passport", "birth", "family", "residence")  # that a person at a desk sees
OLDEST = 130  # years
# how many digits a national number has; nothing else of it is checked, since no check digit is published
DIGITS = {"tn_cin": 8, "tn_iuc": 11, "dz_nin": 18}
LOCAL = re.compile(r"[0-9A-Za-z][0-9A-Za-z ./_-]{0,63}")
# letter for letter, since the trigrams of a database whose locale is C know no others than these
_PLAIN = str.maketrans("ابتثجحخدذرزسشصضطظعغفقكلمنهويءپچڤگ", "abt4j75d1rzsxc0683gfqklmnhwy2pevi")
EASTERN = str.maketrans("٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹", "0123456789" * 2)


class NoGround(NotAllowed):
    """Nothing opens this patient's record to you: neither a card presented here, nor care, nor an emergency."""


class NoReason(Invalid):
    """Emergency access needs a reason of at least ten letters; the patient and an auditor will read it."""


class NotYourPlace(NotAllowed):
    """You hold no post at this place."""


class TooManyTries(Refused):
    """This person's number was mistyped too often. Try again in ten minutes, or ask a colleague."""

    http = 429
    fhir_issue = "throttled"


class NotTheirNumber(Invalid):
    """This is not the number on this person's card, nor their national number."""


class ProvisionalElsewhere(NotAllowed):
    """It is not sure yet who this person is: the record opens where it was begun, by care, or in an emergency."""


class MayNotSearch(NotAllowed):
    """Your posts do not let you look for patients."""


class ChangedMeanwhile(Refused):
    """Somebody else corrected this person meanwhile; look at what is there now, then correct it again."""


class LocalNumberTaken(Refused):
    """Another person already has this hospital number here."""


class NoPatientAsked(Invalid):
    """Send Parameters with a Patient as `resource`, and if wanted `onlyCertainMatches` (boolean) and `count`."""

    http = 400
    fhir_issue = "invalid"


class NothingSaid(Invalid):
    """A record needs the number that the place has for the person."""


class NewbornRegistered(Refused):
    """This newborn is registered already: same mother, same day, same birth order."""


def check_reason(because: str) -> None:
    """Emergency access says why."""
    if len(because.strip()) < 10:
        raise NoReason


def check_post(place: UUID | None, by: Actor) -> None:
    """Who registers at a place holds a post there."""
    if not by.is_system and place not in by.places():
        raise NotYourPlace


def check_reach(place: UUID, by: Actor) -> None:
    """An administrator of some hospitals administers those, one of the country all."""
    if not by.is_system and not by.holds("administrator", place):
        raise NotYourPlace


def check_local_id(text: str) -> str:
    """A place's own number as it is kept."""
    kept = " ".join(text.split())
    if not LOCAL.fullmatch(kept):
        raise NothingSaid
    return kept


def check_tries(wrong: int) -> None:
    """A number is proof as long as it cannot be guessed."""
    if wrong >= MOST_TRIES:
        raise TooManyTries


def check_presented(typed: str, theirs: Sequence[str]) -> None:
    """What was typed or scanned is one of the person's own numbers."""
    if digits(typed) not in theirs:
        raise NotTheirNumber


def check_sure(level: str, here: bool) -> None:
    """A number opens a record elsewhere only of who is known by a name; `here` is where a record of them was made."""
    if level == "provisional" and not here:
        raise ProvisionalElsewhere


def check_search(viewer: Actor) -> None:
    """Looking for people is for those who receive and care for them."""
    if not viewer.is_system and not viewer.roles & CLINICAL:
        raise MayNotSearch


def level(person: Mapping[str, object]) -> str:
    """How sure it is who somebody is: verified above seen above told; who has no name of their own is provisional.

    `person` has `kind`, `given_name`, `given_name_ar`, `document` and `verified`, as a patient has them.
    """
    nameless = not (person["given_name"] or person["given_name_ar"])
    if person["kind"] == "unknown" or (person["kind"] == "newborn" and nameless):
        return "provisional"
    return "qualified" if person["verified"] else "checked" if person["document"] else "declared"


def check_match(viewer: Actor) -> None:
    """Asking who somebody is, with all that is known of them, is for reception, care, and hospitals' own systems."""
    if not viewer.is_system and not viewer.roles & (CLINICAL | {"client"}):
        raise MayNotSearch


def check_mother(found: M | None) -> M:
    """A newborn's mother is a registered woman; `found` is she, or None when no woman was found."""
    if found is None:
        raise Invalid({"mother": gettext("This is not the mother: look for her by name or number.")})
    return found


def check_region(known: bool) -> None:
    """A region is one of the country's own."""
    if not known:
        raise Invalid({"region": gettext("This region is not known.")})


def digits(text: str) -> str:
    """The text with Arabic digits made Western, and without the spaces and dashes that people write in numbers."""
    return re.sub(r"[\s\u200e\u200f.\-]", "", text.translate(EASTERN))


def name_form(text: str) -> str:
    """The search form of a name in either script, in letters that every database's trigram index knows."""
    return fold(text).translate(_PLAIN)


def wasl_number(payload: int) -> str:
    """The Wasl number of ten digits that mean nothing: two check digits follow (ISO 7064, MOD 97-10)."""
    if not 1_000_000_000 <= payload <= 9_999_999_999:
        raise ValueError("ten digits, the first not zero")
    return f"{payload}{98 - payload * 100 % 97:02d}"


def is_wasl_number(text: str) -> bool:
    """Whether these twelve digits carry their own check digits."""
    return bool(re.fullmatch(r"[1-9][0-9]{11}", text)) and wasl_number(int(text[:10])) == text


def phone_form(text: str) -> str:
    """A phone number as it is kept: digits, in the country's own form where the prefix is +216 or +213."""
    bare = digits(text).strip("()/")
    bare = re.sub(r"^00", "+", bare)
    return re.sub(r"^\+213(?=[0-9]{8,9}$)", "0", re.sub(r"^\+216(?=[0-9]{8}$)", "", bare))


def checked(
    values: Mapping[str, object],
    identities: Sequence[tuple[str, str]] = (),
    *,
    place: UUID | None,
    today: datetime.date,
) -> tuple[dict[str, object], list[tuple[str, str]]]:
    """A person and their numbers as they are kept. Raises Invalid with a sentence for each field that is wrong."""
    if strangers := set(values) - FIELDS:
        raise TypeError(f"a patient has no {', '.join(sorted(strangers))}")
    faults: dict[str, str] = {}
    person = {name: _tidy(name, value) for name, value in values.items()}
    _check_names(person, faults)
    _check_choices(person, faults)
    _check_dates(person, faults, today)
    _check_kind(person, faults)
    numbers = [(kind, checked_identity(kind, value, place, faults)) for kind, value in identities]
    if faults:
        raise Invalid(faults)
    return person, numbers


def readable(values: Mapping[str, object], *, today: datetime.date) -> dict[str, object]:
    """A person as a machine told it: what no clerk could have written is left out, and nothing is refused."""
    person = {name: _tidy(name, value) for name, value in values.items()}
    faults: dict[str, str] = {}
    _check_names(person, faults)
    _check_dates(person, faults, today)
    person |= {name: None if name == "birth_date" else "" for name in faults}
    named = person.get("family_name") or person.get("family_name_ar")
    return person | {"kind": "known" if named else "unknown"}


def checked_identity(kind: str, value: str, place: UUID | None, faults: dict[str, str]) -> str:
    """A number as it is kept; what is wrong with it goes into `faults`."""
    if kind == "local":
        kept = " ".join(value.split())
        if place is None:
            faults[kind] = gettext("A hospital number needs its hospital.")
        elif not LOCAL.fullmatch(kept):
            faults[kind] = gettext("A hospital number has at most 64 letters, digits, dots, dashes and slashes.")
        return kept
    kept = digits(value)
    if kind not in DIGITS:
        faults["identities"] = gettext("This kind of number is not known.")
    elif not re.fullmatch(rf"[0-9]{{{DIGITS[kind]}}}", kept):
        faults[kind] = gettext("This number has {digits} digits.").format(digits=DIGITS[kind])
    return kept


def _tidy(name: str, value: object) -> object:
    """Text without the spaces around and the controls within."""
    if not isinstance(value, str):
        return value
    text = " ".join("".join(c for c in value if unicodedata.category(c) not in ("Cc", "Cf") or c.isspace()).split())
    return phone_form(text) if name == "phone" else text


def _check_names(person: Mapping[str, object], faults: dict[str, str]) -> None:
    for name, longest in LENGTHS.items():
        text = str(person.get(name) or "")
        if len(text) > longest:
            faults[name] = gettext("At most {longest} letters.").format(longest=longest)
        elif name in (*LATIN, *ARABIC, *EITHER) and not all(_in_a_name(c) for c in text):
            faults[name] = gettext("A name is made of letters, spaces, dashes and apostrophes.")
        elif name in LATIN and _has("ARABIC", text):
            faults[name] = gettext("Write this name in Latin letters.")
        elif name in ARABIC and _has("LATIN", text):
            faults[name] = gettext("Write this name in Arabic letters.")
    if person.get("phone") and not re.fullmatch(r"\+?[0-9]{6,18}", str(person["phone"])):
        faults["phone"] = gettext("A phone number has 6 to 18 digits.")


def _in_a_name(character: str) -> bool:
    return unicodedata.category(character)[0] in "LM" or character in " -'’."


def _has(script: str, text: str) -> bool:
    return any(c.isalpha() and unicodedata.name(c, "").startswith(script) for c in text)


def _check_choices(person: Mapping[str, object], faults: dict[str, str]) -> None:
    if person.get("sex", "unknown") not in SEXES:
        faults["sex"] = gettext("Choose one of the answers.")
    if person.get("kind", "known") not in KINDS:
        faults["kind"] = gettext("Choose one of the answers.")
    if person.get("document", "") not in DOCUMENTS:
        faults["document"] = gettext("Choose one of the answers.")


def _check_dates(person: Mapping[str, object], faults: dict[str, str], today: datetime.date) -> None:
    born, died = person.get("birth_date"), person.get("died_on")
    for name, day in (("birth_date", born), ("died_on", died)):
        if day is None:
            continue
        if not isinstance(day, datetime.date):
            faults[name] = gettext("This is not a date.")
        elif day > today:
            faults[name] = gettext("This day has not come yet.")
        elif day.year < today.year - OLDEST:
            faults[name] = gettext("Nobody is that old.")
    if isinstance(born, datetime.date) and isinstance(died, datetime.date) and died < born:
        faults["died_on"] = gettext("Nobody dies before being born.")


def _check_kind(person: Mapping[str, object], faults: dict[str, str]) -> None:
    kind = person.get("kind", "known")
    if kind == "known":
        if not person.get("family_name") and not person.get("family_name_ar"):
            faults.setdefault("family_name", gettext("Write the family name, in Latin or in Arabic letters."))
        if person.get("birth_date") is None:
            faults.setdefault("birth_date", gettext("Write the birth date; if only the year is known, say so."))
    elif kind == "unknown" and not person.get("description"):
        faults.setdefault("description", gettext("Describe what is seen: about what age, clothes, where found."))
    elif kind == "newborn":
        order = person.get("birth_order")
        if person.get("mother") is None:
            faults["mother"] = gettext("A newborn is registered with the mother.")
        if not isinstance(order, int) or not 1 <= order <= 9:
            faults["birth_order"] = gettext("Say which of the birth: 1 for an only child.")
        if person.get("birth_date") is None:
            faults.setdefault("birth_date", gettext("Write the day of birth."))
