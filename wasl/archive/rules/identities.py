"""Who the patient of an image header says to be, and whose number it gives; what names nobody is nobody's."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_noop

Elements = Mapping[str, Any]  # DICOM JSON (PS3.18, F.2)

# why a study is somebody's, where nobody said so: written in English, read in every language
BY_HEADER = gettext_noop("Its header says so, as its hospital's record of the person.")
WASL = "WASL"  # the issuer of Wasl numbers in images that Wasl gives
# what consoles write where there is no patient, or none that they may name
NOBODY = frozenset({
    "anon", "anonym", "anonyme", "anonymous", "anonymise", "anonymized", "anonymised", "unknown", "inconnu", "inconnue",
    "noname", "nobody", "none", "null", "na", "nn", "test", "tests", "testpatient", "essai", "phantom", "fantome", "qc",
    "qa", "service", "demo", "dummy", "patient", "xxx", "مجهول", "مجهولة", "تجربة",
})  # fmt: skip
PLACE = re.compile(r"(?:urn:wasl:place:)?(?P<code>[a-z0-9_-]+)(?::patient)?", re.IGNORECASE)
NATIONAL = {"urn:wasl:tn:cin": 8, "urn:wasl:tn:iuc": 11, "urn:wasl:dz:nin": 18}  # issuers, and how many digits
ARABIC = re.compile(r"[\u0600-\u06ff]")
ID, ISSUER, QUALIFIERS, ENTITY = "00100020", "00100021", "00100024", "00400032"
NAME, BORN, SEX, OTHER_IDS, OTHER_NAMES, MOTHER = (
    "00100010", "00100030", "00100040", "00101002", "00101001", "00101060",
)  # fmt: skip


@dataclass(frozen=True)
class Named:
    """A number, who issued it in the header's own words (nobody is said: empty), and what is said of the person."""

    number: str
    issuer: str
    said: Mapping[str, str]

    @property
    def why_nobodys(self) -> str:
        """Why this is nobody's, whoever may be known; empty where it names somebody."""
        bare = re.sub(r"[\W_]", "", self.number)
        if len(bare) < 2 or len(set(bare)) == 1 or _is_nobody(self.number):
            return "number"
        names = [self.said.get(name, "") for name in ("first_lat", "last_lat", "first_ar", "last_ar")]
        given, family = names[0] or names[2], names[1] or names[3]
        if len(given) < 2 or len(family) < 2 or any(_is_nobody(name) for name in names):
            return "name"
        return ""

    @property
    def is_wasls(self) -> bool:
        """Whether the number is said to be Wasl's own."""
        return self.issuer in (WASL, "urn:wasl:patient")

    @property
    def code(self) -> str:
        """The code of the place that issued the number, if the header says one."""
        found = PLACE.fullmatch(self.issuer)
        return found["code"] if found else ""


def named(elements: Elements) -> Named:
    """What a header says of its patient (PS3.3, C.2.3 and C.7.1.1)."""
    said: dict[str, str] = {}
    for family, given in _names(elements, NAME):
        script = "ar" if ARABIC.search(family + given) else "lat"
        said.setdefault(f"first_{script}", given)
        said.setdefault(f"last_{script}", family)
    for family, _given in _names(elements, OTHER_NAMES):
        said.setdefault("other_ar" if ARABIC.search(family) else "other_lat", family)
    for family, given in _names(elements, MOTHER):
        said.setdefault("mother", f"{given} {family}".strip())
    born = re.fullmatch(r"(\d{4})[.-]?(\d\d)[.-]?(\d\d)", _text(elements, BORN))
    said |= {"dob": "-".join(born.groups()) if born else "", "sex": _text(elements, SEX)[:1]}
    said["nid"] = next((number for number, issuer in _others(elements) if _is_national(number, issuer)), "")
    return Named(" ".join(_text(elements, ID).split()), _issuer(elements), {k: v for k, v in said.items() if v})


def _is_national(number: str, issuer: str) -> bool:
    return number.isascii() and number.isdigit() and NATIONAL.get(issuer) == len(number)


def _others(elements: Elements) -> Iterator[tuple[str, str]]:
    for item in _items(elements, OTHER_IDS):
        yield _text(item, ID), _issuer(item)


def _issuer(elements: Elements) -> str:
    """The issuer's name, or what its qualifiers call it where it has none."""
    told = (_text(item, ENTITY) for item in _items(elements, QUALIFIERS))
    return _text(elements, ISSUER) or next(filter(None, told), "")


def _items(elements: Elements, tag: str) -> list[Elements]:
    found = elements.get(tag)
    values = found.get("Value") if isinstance(found, dict) else None
    return [one for one in values or () if isinstance(one, dict)] if isinstance(values, list) else []


def _text(elements: Elements, tag: str) -> str:
    found = elements.get(tag)
    values = found.get("Value") if isinstance(found, dict) else None
    value = values[0] if isinstance(values, list) and values else None
    return str(value).strip()[:200] if isinstance(value, str | int) else ""


def _names(elements: Elements, tag: str) -> Iterator[tuple[str, str]]:
    """Family and given names of each component group of each value: Latin, and whatever script the others are in."""
    for value in _items(elements, tag):
        for group in ("Alphabetic", "Ideographic", "Phonetic"):
            if isinstance(text := value.get(group), str) and text.strip(" ^"):
                family, given, middle = [part.strip()[:120] for part in (*text.split("^"), "", "")[:3]]
                yield family, f"{given} {middle}".strip()[:120]


def _is_nobody(name: str) -> bool:
    words = re.findall(r"\w+", name.casefold().replace("é", "e").replace("ô", "o"))
    return any(word.rstrip("0123456789_") in NOBODY for word in words)
