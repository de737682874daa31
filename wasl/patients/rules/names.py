"""The consonant skeleton of North African names: one form for what Arabic, French and clerks write in many.

Arabic leaves short vowels out, French writes sounds as it hears them: محمد, Mohamed and Mohammed share their consonants
and little else. A skeleton keeps those. Its letters: `b t d s z j x k g c f l m n r h w y` stand for consonants (`x` is
خ, `g` غ, `c` ش), `B` for servant names (عبد), `D` for ...eddine, and `A` for a final -a, which often tells a
woman's name. Why, and what it gets wrong: docs/explanation/decisions/0024-names.md.
"""

import re
import unicodedata
from functools import lru_cache

ARABIC = re.compile(r"[\u0600-\u06ff]")
_WORD = re.compile(r"[a-z]+|[\u0621-\u06d3]+")
_ELIDED = re.compile(r"\b([mdn])['’ʼ`´]")  # M'hamed is one word
_MARKS = re.compile(r"[\u064b-\u065f\u0670\u0640]")
_ALIKE = str.maketrans({**dict.fromkeys("أإآٱ", "ا"), "ؤ": "و", "ئ": "ي", "ی": "ي", "ک": "ك", "ے": "ي"})

# what each Arabic letter sounds like to who writes French; those not here are vowels, or heard by few
_SOUNDS = {
    **dict.fromkeys("تثط", "t"), **dict.fromkeys("دذضظ", "d"), **dict.fromkeys("سص", "s"),
    **dict.fromkeys("قكڨگ", "k"), **dict.fromkeys("حه", "h"), **dict.fromkeys("بپ", "b"), **dict.fromkeys("فڤ", "f"),
    **dict.fromkeys("شچ", "c"),
    "ج": "j", "خ": "x", "غ": "g", "ر": "r", "ز": "z", "ل": "l", "م": "m", "ن": "n",
}  # fmt: skip
# what French, and a few English, spellings sound like; the first that fits is taken
_SPELLINGS = (
    ("tch", "c"), ("kh", "x"), ("gh", "g"), ("ch", "c"), ("sh", "c"), ("dj", "j"), ("th", "t"), ("dh", "d"),
    ("ph", "f"), ("ck", "k"), ("cq", "k"), ("qu", "k"), ("gue", "k"), ("gui", "k"), ("x", "ks"),
)  # fmt: skip
_LETTERS = {
    **{letter: letter for letter in "bdfhjklmnrstz"}, "c": "k", "g": "k", "q": "k", "p": "b", "v": "f", "w": "w",
}  # fmt: skip
VOWELS = frozenset("aeiouy")
_UNIT = re.compile("|".join([*(spelled for spelled, _ in _SPELLINGS), "."]))
_SOUNDED = {**_LETTERS, **dict(_SPELLINGS)}
# what is done to a Latin word before it is taken apart, in this order
_SMOOTHED = tuple((re.compile(pattern), by) for pattern, by in (
    (r"([^aeiouy])\1", r"\1"), (r"^i(?=[aeou])", "y"), (r"^ou(?=[aeiy])|(?<=a)ou(?=[aei])|ou(?=a)", "w"),
    (r"(?<=.)w(?![aeiouy])", ""), (r"(?<=.)(?<![ckgstdp])h$", ""), (r"(?<!d)g(?=[eiy])", "j"), (r"c(?=[eiy])", "s"),
))  # fmt: skip

# names whose usual spelling says something else than it sounds
IRREGULAR = {
    "med": "mhmd", "mohd": "mhmd", "mhamed": "Mhmd", "امحمد": "Mhmd", "aek": "Bkdr", "abdou": "bd", "عبدو": "bd",
    "fethi": "fth", "fathi": "fth", "fethia": "fthA", "fathia": "fthA", "fethallah": "fthl", "fathallah": "fthl",
    "adham": "dhm", "adhem": "dhm", "ishak": "shk", "ishaq": "shk", "isaac": "shk", "souad": "sd", "mouad": "md",
    "mouadh": "md", "larbi": "rb", "lazhar": "zhr", "lamine": "mn", "lakhdar": "xdr", "لخضر": "xdr", "laid": "d",
    "elyes": "ls", "elyas": "ls", "elias": "ls", "الياس": "ls", "elhem": "lhm", "ilhem": "lhm", "الهام": "lhm",
    "ould": "wld", "ouled": "wld", "anwar": "nr", "الله": "l", "daoud": "dwd",
    "ben": "bn", "bin": "bn", "ibn": "bn", "b": "bn",
    "بن": "bn", "ابن": "bn", "bou": "b", "abou": "b", "abu": "b", "بو": "b", "ابو": "b",
}  # fmt: skip
_ARTICLES = frozenset({"el", "al", "l", "ال"})
_SERVANT = re.compile(r"abd(?:[eaou]+l?|(?=[^aeiouy]))(?=.{2})")
_OF_FAITH = re.compile(r"(?<=[^aeiouy])(?:[eu]|ou)?dd?[iy]ne?$|[eu]dd?[iy]ne?$")  # Noureddine, Nordine, Salahuddin
_FAITH = frozenset({"eddine", "eddin", "dine", "edine", "uddin", "addine", "din", "الدين"})
_GLUED = re.compile(r"(?:el(?=[^aeiouyl].{3})|e(?=([bcdfgjklmnrstz])\1.{3}))")  # Elhadi, Ennaceri
_KIN = re.compile(r"(?:a?(b)ou|(b)e(n))(?=.{3})")  # Bouazizi, Benyoussef
_KIN_AR = re.compile(r"(?:ا?(ب)و|(ب)(ن))(?=..)")
_COARSE = str.maketrans({"x": "k", "g": "k", "z": "s", "c": "s", "h": None, "w": None, "y": None, "A": None})
_TWICE = re.compile(r"(.)\1+")


def spoken(text: str) -> list[str]:
    """The words of a name: lower case, without accents, Arabic vowel marks and apostrophes."""
    return list(_words(text))


@lru_cache(maxsize=65_536)
def _words(text: str) -> tuple[str, ...]:
    bare = text.lower()
    if not bare.isascii():
        bare = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).lower().replace("ç", "s"))
        bare = _MARKS.sub("", bare)
        bare = "".join(c for c in bare if not unicodedata.combining(c)).translate(_ALIKE)
    return tuple(_WORD.findall(_ELIDED.sub(r"\1", bare)))


@lru_cache(maxsize=65_536)
def skeleton(name: str) -> str:
    """The consonants of a given or family name, in either script, its words joined; empty when there are none."""
    left, parts = spoken(name), []
    while left:
        word = left.pop(0)
        if word in _ARTICLES and left:
            continue
        if word in ("abd", "عبد") and left:
            while left[0] in _ARTICLES and len(left) > 1:
                left.pop(0)
            parts.append("B" + _word(left.pop(0)))
        elif word in _FAITH and parts:
            parts.append("D")
        else:
            parts.append(_word(word))
    return "".join(parts)


def coarse(name: str) -> str:
    """A skeleton with what is often misheard or left out made one: what records are brought together by."""
    return coarsened(skeleton(name))


@lru_cache(maxsize=65_536)
def coarsened(bones: str) -> str:
    """A skeleton with what is often misheard or left out made one."""
    return _TWICE.sub(r"\1", bones.translate(_COARSE))


@lru_cache(maxsize=65_536)
def _word(word: str) -> str:
    if word in IRREGULAR:
        return IRREGULAR[word]
    return _arabic(word) if ARABIC.match(word) else _latin(word)


def _arabic(word: str) -> str:
    if word.startswith("ال") and len(word) > 4:
        word = word[2:]
    if word.startswith("عبد") and len(word) > 4:
        rest = word[3:].removeprefix("ال")
        return "B" + _word(rest)
    if word.endswith("الدين") and len(word) > 6:
        return _word(word[:-5]) + "D"
    if kin := _KIN_AR.match(word):
        return ("bn" if kin[3] else "b") + _word(word[kin.end() :])
    if word.endswith("اة"):
        return _arabic_sounds(word[:-1]) + "t"
    final = "A" if re.search(r"(?:[ةاى]|اء)$", word) and len(word) > 2 else ""
    return _arabic_sounds(word) + final


def _arabic_sounds(word: str) -> str:
    word = word.replace("تش", "ش")
    sounds = []
    for at, letter in enumerate(word):
        last = at == len(word) - 1
        if letter == "و":
            if at == 0 or word[at - 1] == "ا" or (not last and word[at + 1] in "اةى"):
                sounds.append("w")
        elif letter == "ي":
            sounds.append("y" if at == 0 else "")
        elif letter in "حه" and last:
            continue
        else:
            sounds.append(_SOUNDS.get(letter, ""))
    return "".join(sounds)


def _latin(word: str) -> str:
    if servant := _SERVANT.match(word):
        return "B" + _latin_sounds(word[servant.end() :])
    if (faith := _OF_FAITH.search(word)) and faith.start() > 2:
        return _word(word[: faith.start()]) + "D"
    if glued := _GLUED.match(word):
        word = word[glued.end() :]
    if kin := _KIN.match(word):
        return ("bn" if kin[3] else "b") + _latin_sounds(word[kin.end() :])
    return _latin_sounds(word)


def _latin_sounds(word: str) -> str:
    final = "A" if len(word) > 2 and word.endswith("a") else ""
    for pattern, by in _SMOOTHED:
        word = pattern.sub(by, word)
    sounds = [_SOUNDED.get(unit, "") for unit in _UNIT.findall(word)]
    return ("y" if word.startswith("y") else "") + "".join(sounds) + final
