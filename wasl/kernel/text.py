"""Search forms of Arabic, French and Latin text, the order of names where the database has no ICU, written money."""

import unicodedata
from decimal import Decimal
from functools import lru_cache

from babel.numbers import format_currency
from django.conf import settings
from pyuca import Collator

# letters that writers use for one another
_ALIKE = str.maketrans(
    {
        **dict.fromkeys("أإآٱ", "ا"),
        "ى": "ي",
        "ئ": "ي",
        "ؤ": "و",
        "ة": "ه",
        "ک": "ك",
        "ی": "ي",
        "ڨ": "ق",
        "ـ": None,
        **dict.fromkeys("'’ʼ`´", None),
        "œ": "oe",
        "æ": "ae",
    }
)


def fold(text: str) -> str:
    """The search form: lower case, no accents, no Arabic vowel marks, letters that stand for one another made one."""
    alike = unicodedata.normalize("NFKC", text).lower().translate(_ALIKE)
    bare = "".join(c for c in unicodedata.normalize("NFKD", alike) if not unicodedata.combining(c))
    return " ".join("".join(c if c.isalnum() else " " for c in bare.translate(_ALIKE)).split())


def written(name: str) -> list[str]:
    """The groups of a name as images carry it (`FAMILY^GIVEN=…`, DICOM PS3.5, 6.2.1), each as people write it."""
    return [group.replace("^", " ").strip() for group in name.split("=") if group.strip("^ ")]


def written_money(amount: int, *, language: str) -> str:
    """An amount of the currency's smallest unit, as people of the country write it: `12,500 DT`."""
    locale = "en" if language == "en" else f"{language}_{settings.COUNTRY}"
    return format_currency(
        Decimal(amount).scaleb(-settings.CURRENCY_DECIMALS), settings.CURRENCY, locale=locale, currency_digits=True
    )


@lru_cache(maxsize=1)
def _collator() -> Collator:
    return Collator()


def sort_key(text: str) -> str:
    """A key whose order of characters is the order of names (Unicode collation; alef forms together)."""
    weights = _collator().sort_key(text.translate(_ALIKE))
    return "".join(f"{weight:04x}" for weight in weights)
