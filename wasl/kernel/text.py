"""Search forms of Arabic, French and Latin text, and the order of names where the database has no ICU."""

import unicodedata
from functools import lru_cache

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


@lru_cache(maxsize=1)
def _collator() -> Collator:
    return Collator()


def sort_key(text: str) -> str:
    """A key whose order of characters is the order of names (Unicode collation; alef forms together)."""
    weights = _collator().sort_key(text.translate(_ALIKE))
    return "".join(f"{weight:04x}" for weight in weights)
