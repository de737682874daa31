"""Invented populations with their truth, for training and measuring the matching of identities.

Families of three generations, twins, grandsons named after grandfathers, husbands' names, children under a parent's
number or phone, newborns without a name, several records a person over several sources, two scripts, and errors of
typing. What it assumes is in `World`: each rate can be changed, and training and benches use several worlds.

Spellings do not come from the normaliser: a name is a row of sounds that is written down by chance (`_sounded`), or a
known name whose spelling a clerk changes (`HABITS`); a seventh of given names is in no dictionary.
"""

import datetime
import random
import string
from collections.abc import Iterator
from dataclasses import dataclass, field

from wasl.patients.rules.given import known_names
from wasl.patients.rules.matching.records import COLUMNS

CONSONANTS = (
    ("ب", "b"), ("ت", "t"), ("ج", "j|dj"), ("ح", "h"), ("خ", "kh"), ("د", "d"), ("ر", "r"), ("ز", "z"), ("س", "s|ss|c"),
    ("ش", "ch|ch|sh"), ("ص", "s|ss"), ("ط", "t"), ("غ", "gh|g"), ("ف", "f"), ("ق", "k|g|q"), ("ك", "k"), ("ل", "l"),
    ("م", "m"), ("ن", "n"), ("ه", "h"), ("ع", "|a"), ("ث", "th|t"), ("ذ", "dh|d"), ("ض", "dh|d"),
)  # fmt: skip
# sounds: 1 2 3 are the root's consonants, lower case short vowels (not written in Arabic), upper case long ones
FAMILY_SHAPES = (
    "1a22A3I",
    "1A2i3I",
    "1a2I3I",
    "ma12U3I",
    "1a23AwI",
    "1a2a3I",
    "1e2A3I",
    "1a23UnI",
    "1u2ay3I",
    "1a2IdI",
)
MALE_SHAPES = ("1A2i3", "1a2I3", "ma12U3", "1u2ay3", "1a22A3", "mu1A2i3")
SHORT = {"a": "a|a|e", "i": "i|e", "u": "ou|o|u", "e": "e|a"}
LONG = {"A": ("ا", "a|a|e"), "I": ("ي", "i|i|y"), "U": ("و", "ou|ou|u")}
ARABIC = {"m": "م", "w": "و", "n": "ن", "y": "ي", "d": "د"} | {sound: letter for sound, (letter, _) in LONG.items()}
HABITS = (
    ("ou", "u"), ("ou", "o"), ("o", "ou"), ("i", "y"), ("y", "i"), ("e", "a"), ("a", "e"), ("ss", "s"), ("s", "ss"),
    ("c", "ss"), ("k", "q"), ("k", "c"), ("dj", "j"), ("j", "dj"), ("ch", "sh"), ("h", ""), ("aa", "a"), ("ee", "i"),
    ("m", "mm"), ("l", "ll"), ("n", "nn"), ("dh", "d"), ("th", "t"), ("gh", "g"), ("w", "ou"), ("ou", "w"), ("ï", "i"),
)  # fmt: skip
ARABIC_HABITS = (("أ", "ا"), ("إ", "ا"), ("آ", "ا"), ("ة", "ه"), ("ى", "ي"), ("ئ", "ي"), ("ق", "ڨ"), ("ؤ", "و"))
COMMUNES = 300


@dataclass(frozen=True)
class World:
    """What a population is like: shares between 0 and 1."""

    people: int = 20_000
    seed: int = 1
    country: str = "TN"
    more_records: tuple[float, ...] = (0.70, 0.20, 0.07, 0.03)  # one, two, three, four records
    number: float = 0.55
    mother: float = 0.30
    father: float = 0.45
    phone: float = 0.65
    date: float = 0.95
    commune: float = 0.80
    sex: float = 0.97
    scripts: tuple[float, float, float] = (0.45, 0.30, 0.25)  # Latin alone, Arabic alone, both
    other_spelling: float = 0.30
    habit: float = 0.15
    typing: float = 0.03
    date_error: float = 0.035
    year_alone: float = 0.02
    exchanged: float = 0.012
    married: float = 0.25
    relatives_number: float = 0.05
    number_error: float = 0.01
    relatives_phone: float = 0.35
    phone_changed: float = 0.20
    moved: float = 0.10
    twins: float = 0.03
    alike_twins: float = 0.25  # of twins, whose names begin alike
    named_after: float = 0.08
    compound: float = 0.12
    part_of_compound: float = 0.20
    newborn: float = 0.10  # of children's records, before they have a name
    unknown_name: float = 0.14  # of people whose given name is in no dictionary
    full_parents: float = 0.30  # parents' family names are written too
    wrong_sex: float = 0.004


@dataclass
class Name:
    """A name: its Arabic form and its usual Latin spelling, and the others."""

    arabic: str
    latin: tuple[str, ...]


@dataclass
class Person:
    """Somebody invented."""

    key: int
    given: list[Name]
    family: Name
    male: bool
    born: datetime.date
    commune: int
    phone: str
    number: str
    father: "Person | None" = None
    mother: "Person | None" = None
    husband: "Person | None" = None
    usual: dict[int, str] = field(default_factory=dict)


def records(world: World) -> Iterator[tuple[list[str], int]]:
    """The records of a population in the order of COLUMNS, mixed, each with the person that it is of."""
    chance = random.Random(world.seed)  # noqa: S311  a population that can be made again
    maker = _Maker(world, chance)
    rows = []
    for person in maker.people():
        count = chance.choices((1, 2, 3, 4), world.more_records)[0]
        rows += [(maker.record(person, first=n == 0), person.key) for n in range(count)]
    chance.shuffle(rows)
    for at, (row, key) in enumerate(rows):
        row[0] = f"r{at}"
        yield row, key


class _Maker:
    def __init__(self, world: World, chance: random.Random) -> None:
        self.world, self.chance = world, chance
        self.locals: dict[int, int] = {}
        known = {True: [], False: []}  # type: dict[bool, list[Name]]
        for sex, arabic, latin in known_names():
            known[sex == "m"].append(Name(arabic, latin))
        for names in known.values():
            chance.shuffle(names)
        strange = {sex: [self._sounded(MALE_SHAPES, female=not sex) for _ in range(400)] for sex in (True, False)}
        self.given = {sex: (known[sex], _zipf(len(known[sex]), 0.9)) for sex in known}
        self.strange = strange
        self.families = [self._family() for _ in range(max(400, min(8000, world.people // 25)))]
        self.family_weights = _zipf(len(self.families), 0.75)
        communes = [self._sounded(FAMILY_SHAPES) for _ in range(COMMUNES)]
        self.communes, self.commune_weights = communes, _zipf(COMMUNES, 0.7)

    def _sounded(self, shapes: tuple[str, ...], *, female: bool = False) -> Name:
        """A name of a root of three consonants in a shape, written down several times by chance."""
        root = self.chance.sample(CONSONANTS, 3)
        shape = self.chance.choice(shapes) + ("a" if female else "")
        arabic = "".join(root[int(c) - 1][0] if c.isdigit() else ARABIC.get(c, "") for c in _once(shape))
        arabic += "ة" if female else ""
        return Name(arabic, tuple(dict.fromkeys(self._written(root, shape) for _ in range(5))))

    def _written(self, root: list[tuple[str, str]], shape: str) -> str:
        pick = self.chance.choice
        heard = [root[int(c) - 1][1] if c.isdigit() else SHORT.get(c) or LONG.get(c, ("", c))[1] for c in shape]
        text = "".join(pick(spelled.split("|")) for spelled in heard)
        return (text or "a").capitalize()

    def _family(self) -> Name:
        kind = self.chance.random()
        if kind < 0.66:
            name = self._sounded(FAMILY_SHAPES)
            if self.world.country == "TN" and self.chance.random() < 0.6:
                return Name("ال" + name.arabic, name.latin)
            return name
        first = self._given(male=True)
        if kind < 0.85:
            joined = self.chance.random() < 0.5
            ben = [f"Ben{s.lower()}" if joined else f"Ben {s}" for s in first.latin]
            return Name(f"بن {first.arabic}", tuple([*ben, f"Ben {first.latin[0]}", f"Ben{first.latin[0].lower()}"]))
        if kind < 0.93:
            other = self._sounded(MALE_SHAPES)
            return Name("بو" + other.arabic, tuple(f"Bou{s.lower()}" for s in other.latin))
        return first

    def _given(self, *, male: bool) -> Name:
        if self.chance.random() < self.world.unknown_name:
            return self.chance.choice(self.strange[male])
        names, weights = self.given[male]
        return self.chance.choices(names, cum_weights=weights)[0]

    def _beginning_like(self, name: Name, male: bool) -> Name:
        """Another name with the same first letters, if there is one."""
        alike = [other for other in self.given[male][0] if other.latin[0][:3] == name.latin[0][:3]]
        return self.chance.choice(alike) if alike else name

    def people(self) -> Iterator[Person]:
        """People, family by family, until there are enough."""
        made = 0
        while made < self.world.people:
            for person in self._household(made):
                made += 1
                yield person

    def _person(self, key: int, family: Name, male: bool, born: datetime.date, commune: int) -> Person:
        given = [self._given(male=male)]
        if self.chance.random() < self.world.compound:
            known = self.given[male][0]
            given.insert(0, known[self.chance.randrange(3)])
        return Person(key, given, family, male, born, commune, self._phone(), self._number())

    def _phone(self) -> str:
        if self.world.country == "TN":
            return self.chance.choice("2459") + "".join(self.chance.choices(string.digits, k=7))
        return "0" + self.chance.choice("567") + "".join(self.chance.choices(string.digits, k=8))

    def _number(self) -> str:
        if self.world.country == "TN":
            return self.chance.choice("01") + "".join(self.chance.choices(string.digits, k=7))
        return self.chance.choice("12") + "".join(self.chance.choices(string.digits, k=17))

    def _day(self, first: int, last: int) -> datetime.date:
        start = datetime.date(first, 1, 1)
        return start + datetime.timedelta(days=self.chance.randrange((last - first + 1) * 365))

    def _household(self, key: int) -> list[Person]:
        pick = self.chance.choices
        family, maiden = pick(self.families, cum_weights=self.family_weights, k=2)
        commune = pick(range(COMMUNES), cum_weights=self.commune_weights)[0]
        old = self.chance.randrange(1930, 1998)
        father = self._person(key, family, True, self._day(old, old + 1), commune)
        mother = self._person(key + 1, maiden, False, self._day(old + 1, old + 6), commune)
        mother.husband = father
        people = [father, mother]
        if self.chance.random() < 0.5:
            grand = self._person(key + 2, family, True, self._day(old - 30, old - 22), commune)
            father.father = grand
            people.append(grand)
        born = old + self.chance.randrange(20, 30)
        for _ in range(self.chance.choice((0, 1, 2, 2, 3, 3, 4, 5))):
            born += self.chance.randrange(1, 4)
            if born > 2025:
                break
            day = self._day(born, born)
            for _twin in range(2 if self.chance.random() < self.world.twins else 1):
                child = self._person(key + len(people), family, self.chance.random() < 0.51, day, commune)
                if people[-1].born == day and self._yes(self.world.alike_twins):
                    child.male = people[-1].male
                    child.given = [*child.given[:-1], self._beginning_like(people[-1].given[-1], child.male)]
                while any(child.given[-1].arabic == one.given[-1].arabic for one in people):
                    child.given[-1] = self._given(male=child.male)
                elder = father.father
                free = elder and all(one is elder or one.given is not elder.given for one in people)
                if child.male and elder and free and self._yes(self.world.named_after):
                    child.given = elder.given
                child.father, child.mother = father, mother
                people.append(child)
        return people

    def record(self, person: Person, *, first: bool) -> list[str]:
        """A record of a person, as one of the sources has it."""
        w, yes = self.world, self._yes
        child = person.born.year > 2008
        placeholder = person.born.year > 2015 and first and yes(w.newborn)
        script = self.chance.choices((0, 1, 2), w.scripts)[0]
        family, other = self._family_names(person)
        row = dict.fromkeys(COLUMNS, "")
        source = (person.commune // 8) * 2 + self.chance.randrange(3) if yes(0.8) else self.chance.randrange(80)
        self.locals[source] = self.locals.get(source, 0) + 1
        row["src"], row["local_id"], row["country"] = f"h{source}", str(self.locals[source]), w.country
        given, exchanged = [] if placeholder else person.given, yes(w.exchanged)
        if len(given) > 1 and yes(w.part_of_compound):
            given = [self.chance.choice(given)]
        for letters in ("lat", "ar"):
            if script == (1 if letters == "lat" else 0):
                continue
            names = [" ".join(self._write(person, n, letters) for n in given), self._write(person, family, letters)]
            if placeholder:
                names[0] = self.chance.choice(
                    ("Nouveau-né", "NN", "BB", "Bébé") if letters == "lat" else ("مولود", "رضيع")
                )
            if exchanged:
                names.reverse()
            row[f"first_{letters}"], row[f"last_{letters}"] = names
            row[f"other_{letters}"] = self._write(person, other, letters) if other else ""
        if yes(w.sex):
            row["sex"] = "M" if person.male != yes(w.wrong_sex) else "F"
        row["dob"] = self._date(person.born) if yes(w.date) else ""
        row["nid"] = self._their_number(person, child)
        row["phone"] = self._their_phone(person, child)
        place = self.chance.randrange(COMMUNES) if yes(w.moved) else person.commune
        row["commune"] = self.communes[place].latin[0] if yes(w.commune) else ""
        for name, parent, rate in (("father", person.father, w.father), ("mother", person.mother, w.mother)):
            if parent and yes(rate):
                row[name] = self._parent(parent, "ar" if script == 1 else "lat")
        return list(row.values())

    def _yes(self, share: float) -> bool:
        return self.chance.random() < share

    def _family_names(self, person: Person) -> tuple[Name, Name | None]:
        if person.husband and self._yes(self.world.married):
            return person.husband.family, person.family if self._yes(0.4) else None
        if person.husband and self._yes(0.2):
            return person.family, person.husband.family
        return person.family, None

    def _write(self, person: Person, name: Name, letters: str) -> str:
        chance = self.chance
        if letters == "ar":
            text = name.arabic
            for one, other in ARABIC_HABITS:
                if one in text and self._yes(0.15):
                    text = text.replace(one, other)
            if text.startswith("ال") and len(text) > 4 and self._yes(0.2):
                text = text[2:]
            if text.startswith("بن ") and self._yes(0.25):
                text = text.replace(" ", "")
        else:
            text = person.usual.setdefault(id(name), chance.choices(name.latin, _falling(len(name.latin)))[0])
            if self._yes(self.world.other_spelling):
                text = chance.choice(name.latin)
            if self._yes(self.world.habit):
                one, other = chance.choice(HABITS)
                text = text[0] + text[1:].replace(one, other, 1)
            if self._yes(0.3):
                text = text.upper()
        return self._mistyped(text) if self._yes(self.world.typing) else text

    def _mistyped(self, text: str) -> str:
        if len(text) < 3:
            return text
        at, kind = self.chance.randrange(len(text) - 1), self.chance.randrange(4)
        letter = self.chance.choice(string.ascii_lowercase if text.isascii() else "ابتثجحخدرزسشصطعغفقكلمنهوي")
        return {
            0: text[:at] + letter + text[at + 1 :],
            1: text[:at] + text[at + 1 :],
            2: text[:at] + letter + text[at:],
            3: text[:at] + text[at + 1] + text[at] + text[at + 2 :],
        }[kind]

    def _date(self, born: datetime.date) -> str:
        if self._yes(self.world.year_alone * (2.5 if born.year < 1965 else 0.6)):
            return f"{born.year}-01-01" if self._yes(0.6) else str(born.year)
        if not self._yes(self.world.date_error):
            return born.isoformat()
        kind = self.chance.random()
        if kind < 0.4 and born.day <= 12:
            return f"{born.year}-{born.day:02d}-{born.month:02d}"
        if kind < 0.7:
            return (born + datetime.timedelta(days=self.chance.choice((-10, -1, 1, 10, 30, -30)))).isoformat()
        if kind < 0.9:
            return f"{born.year + self.chance.choice((-1, 1, -2, 2, 10, -10))}-{born.month:02d}-{min(born.day, 28):02d}"
        return self._day(born.year, born.year).isoformat()

    def _their_number(self, person: Person, child: bool) -> str:
        relatives = [p for p in (person.father, person.mother, person.husband) if p]
        text = person.number
        if relatives and self._yes(self.world.relatives_number * (3 if child else 0.4)):
            return self.chance.choice(relatives).number
        if child or not self._yes(self.world.number):
            return ""
        if self._yes(self.world.number_error):
            at = self.chance.randrange(len(text))
            text = text[:at] + self.chance.choice(string.digits) + text[at + 1 :]
        return text

    def _their_phone(self, person: Person, child: bool) -> str:
        if not self._yes(self.world.phone):
            return ""
        relatives = [p for p in (person.father, person.mother, person.husband) if p]
        if relatives and (child or self._yes(self.world.relatives_phone)):
            return self.chance.choice(relatives).phone
        return self._phone() if self._yes(self.world.phone_changed) else person.phone

    def _parent(self, parent: Person, letters: str) -> str:
        text = " ".join(self._write(parent, name, letters) for name in parent.given[:2])
        return f"{text} {self._write(parent, parent.family, letters)}" if self._yes(self.world.full_parents) else text


def _zipf(count: int, steep: float) -> list[float]:
    total, sums = 0.0, []
    for rank in range(1, count + 1):
        total += rank**-steep
        sums.append(total)
    return sums


def _falling(count: int) -> list[float]:
    return [1 / (1 + n) for n in range(count)]


def _once(shape: str) -> str:
    """Arabic writes a doubled consonant once."""
    return "".join(c for n, c in enumerate(shape) if n == 0 or c != shape[n - 1])
