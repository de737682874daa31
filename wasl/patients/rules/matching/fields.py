"""One field of a record, read as people write it: a date, a number, a phone, a sex. Nothing here refuses: what says
nothing is absent.
"""

import datetime
import re
from typing import NamedTuple

_EASTERN = str.maketrans("٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹", "0123456789" * 2)
_NO_DIGIT = re.compile(r"[^0-9]")
_PREFIX = re.compile(r"^(?:00)?21[36](?=[0-9]{8,10}$)")
NUMBER_LENGTHS = {7: 8, 8: 8, 11: 11, 12: 12, 17: 18, 18: 18}  # a spreadsheet loses the first zero
# what is written where a name is not known yet, or never was; a newborn's says that a name will come
_NEWBORN = frozenset({
    "nn", "bb", "bebe", "nouveaune", "nouveau", "newborn", "nne", "nouveaunee", "nouveaunes", "fils", "fille", "jumeau",
    "jumelle", "bbde", "garcon", "مولود", "مولودة", "رضيع", "رضيعة", "ابن", "ابنة", "بنت", "طفل", "مولودجديد",
    "baby",
})  # fmt: skip
_NOBODY = frozenset({
    "x", "xx", "xxx", "inconnu", "inconnue", "unknown", "anonyme", "sans", "neant", "sansnom", "snp", "مجهول", "مجهولة",
    "غيرمعروف", "na", "nd", "null", "none",
})  # fmt: skip


class Born(NamedTuple):
    """A birth date as far as it is known; zero stands for what is not."""

    year: int = 0
    month: int = 0
    day: int = 0


def born(text: str) -> Born:
    """A date written 1964-02-29, 29/02/1964 or 19640229, or a year alone; what is no date is absent."""
    bare = text.translate(_EASTERN).strip()
    if found := re.fullmatch(r"(\d{4})[-/.]?(\d\d?)[-/.]?(\d\d?)(?:[T ].*)?", bare):
        year, month, day = (int(part) for part in found.groups())
    elif found := re.fullmatch(r"(\d\d?)[-/.](\d\d?)[-/.](\d{4})", bare):
        day, month, year = (int(part) for part in found.groups())
    elif found := re.fullmatch(r"(\d{4})(?:[-/.](\d\d?))?", bare):
        year, month, day = int(found[1]), int(found[2] or 0), 0
    else:
        return Born()
    if not 1850 <= year <= 2200:
        return Born()
    if month > 12 >= day:
        month, day = day, month
    if not 1 <= month <= 12:
        return Born(year)
    try:
        datetime.date(year, month, day)
    except ValueError:
        return Born(year)
    return Born(year, month, day)


def number(text: str) -> tuple[int, int]:
    """How many digits a national number of this shape has (8 CIN, 11 IUC, 18 NIN, 0 for none), and its value."""
    bare = _digits(text)
    length = NUMBER_LENGTHS.get(len(bare), 0)
    value = int(bare) if length else 0
    nothing = not value or bare == bare[0] * len(bare) or bare in "0123456789012345678"
    return (0, 0) if nothing else (length, value)


def phone(text: str) -> int:
    """A phone number without the country's prefix and the leading zero, or 0."""
    bare = _PREFIX.sub("", _digits(text)).lstrip("0")
    return int(bare) if 6 <= len(bare) <= 15 and bare != bare[0] * len(bare) else 0


def _digits(text: str) -> str:
    return text if text.isascii() and text.isdigit() else _NO_DIGIT.sub("", text.translate(_EASTERN))


def sex(text: str) -> int:
    """1 for male, 2 for female, 0 for what says neither."""
    word = text.strip().lower()
    if word in ("m", "male", "h", "homme", "masculin", "1", "ذكر", "garcon"):
        return 1
    return 2 if word in ("f", "female", "femme", "féminin", "feminin", "2", "أنثى", "انثى", "fille") else 0


def is_newborns(words: list[str]) -> bool:
    """Whether the words that stand for a given name say that a newborn has none yet."""
    return bool(words) and (words[0] in _NEWBORN or "".join(words) in _NEWBORN)


def is_nobodys(words: list[str]) -> bool:
    """Whether the words that stand for a name say that it is not known."""
    return "".join(words) in _NOBODY
