"""Finding people: by any number, by phone, by birth date, by name in either script, by several of them together."""

import datetime
import re
from dataclasses import dataclass
from functools import reduce
from operator import and_
from uuid import UUID

from django.contrib.postgres.search import TrigramSimilarity, TrigramWordSimilarity
from django.db.models import Q, QuerySet
from django.utils.translation import gettext

from wasl.kernel.access import Actor
from wasl.kernel.errors import Refused
from wasl.patients import rules
from wasl.patients.models import Patient, RecordKey, RecordLink, SourceIdentity, SourceRecord
from wasl.patients.queries.access import ground
from wasl.patients.rules import numbers
from wasl.patients.rules.matching import live
from wasl.patients.rules.names import skeleton, spoken

LIMIT = 20
POOL = 200  # how many are fetched, in no order, before the best are chosen
SHORT = 3  # a shorter word alone finds too many: the trigram index cannot help
DATE = re.compile(r"(?<!\d)(?:(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})|(\d{1,2})[-/.](\d{1,2})[-/.](\d{4}))(?!\d)")


@dataclass(frozen=True)
class Asked:
    """What somebody typed, taken apart."""

    words: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    born: datetime.date | None = None
    year: int | None = None

    @property
    def enough(self) -> bool:
        """Whether this is narrow enough to be worth looking."""
        return bool(self.numbers or self.born or any(len(w) >= SHORT for w in self.words) or (self.year and self.words))


def _visible_numbers(viewer: Actor) -> QuerySet[SourceIdentity]:
    """National numbers, and the hospital numbers of the viewer's own places."""
    rows = SourceIdentity.objects.all()
    return rows if viewer.is_system else rows.filter(~Q(kind="local") | Q(place__in=viewer.places()))


def search(text: str, *, viewer: Actor, limit: int = LIMIT) -> list[Patient]:
    """People who answer to all that was typed, best first; a name that nobody bears finds the names most like it."""
    rules.check_search(viewer)
    asked = _asked(text)
    if not asked.enough:
        return []
    found = list(Patient.objects.filter(_all_of(asked, viewer))[:POOL])
    if not found and asked.words:
        found = list(_alike(asked, viewer)[:limit])
    else:
        found.sort(key=lambda p: (-len(set(p.folded.split()) & set(asked.words)), p.folded, p.number))
    return _persons(found)[:limit]


def by_number(number: str, *, viewer: Actor) -> Patient | None:
    """The person of a Wasl number, if there is one; a retired number is its person's for ever."""
    rules.check_search(viewer)
    bare = rules.digits(number)
    return Patient.objects.filter(files__number=bare).first() if rules.is_wasl_number(bare) else None


def said_of_number(number: str, *, viewer: Actor) -> list[Refused]:
    """What there is to say of a Wasl number: mistyped, somebody's who is closed to the viewer, retired, of a dead one.

    Empty where nobody has it, or where the viewer may not know whether somebody does.
    """
    bare = rules.digits(number)
    if not re.fullmatch(r"[0-9]{12}", bare):
        return []
    if not rules.is_wasl_number(bare):
        return [numbers.NumberMistyped()]
    found = Patient.objects.select_related("head").filter(number=bare).first()
    if found is None:
        return []
    if ground(found.id, viewer=viewer) is None:
        return [numbers.NumberRestricted()] if viewer.roles & rules.CLINICAL else []
    retired, head = found.head_id != found.id, found.head
    return [
        *([numbers.NumberSuperseded(number=head.printed_number)] if retired else []),
        *([numbers.NumberOfDeceased()] if head.died_on else []),
    ]


def file_by_number(number: str, *, viewer: Actor) -> Patient | None:
    """The file of a Wasl number itself, even if the number was retired: for what is put back where it was."""
    rules.check_search(viewer)
    return Patient.objects.filter(number=rules.digits(number)).first()


def by_local_number(value: str, *, place: UUID, viewer: Actor) -> Patient | None:
    """The person of a hospital's own number, asked by somebody who works there."""
    rules.check_search(viewer)
    own = _visible_numbers(viewer).filter(kind="local", place=place, value=" ".join(value.split()))
    own = own.exclude(retired_at__isnull=False, replaced_by__isnull=True)  # the hospital removed it
    return Patient.objects.filter(files__identities__in=own).first()


def is_told(value: str, *, place: UUID, viewer: Actor) -> bool:
    """Whether a hospital ever told of one of its numbers, asked by the hospital itself."""
    if not viewer.is_system and place not in viewer.places():
        return False
    return SourceRecord.objects.filter(place=place, local_id=" ".join(value.split())).exists()


def candidates(
    *, header_id: str, header_name: str, birth_date: datetime.date | None, sex: str, place: UUID | None, viewer: Actor
) -> list[tuple[Patient, str]]:
    """Who the patient of an image header may be, each with why, surest first; `header_name` is a DICOM PN."""
    rules.check_search(viewer)
    found: dict[Patient, str] = {}
    if place and header_id and (known := by_local_number(header_id, place=place, viewer=viewer)):
        found[known] = gettext("The hospital number in the images is this person's.")
    if header_id and (known := by_number(header_id, viewer=viewer)):
        found.setdefault(known, gettext("The Wasl number in the images is this person's."))
    words = {word: key for word, key in _words(re.sub(r"[\^=]", " ", header_name)).items() if len(word) > 1}
    for person in _by_name(words, birth_date, sex):
        same = birth_date is not None and person.birth_date == birth_date
        why = gettext("Same birth date and a like name.") if same else gettext("A like name.")
        found.setdefault(person, why)
    persons: dict[Patient, str] = {}
    for person, why in zip(_each(list(found)), found.values(), strict=True):
        persons.setdefault(person, why)
    return list(persons.items())[:LIMIT]


def _persons(files: list[Patient]) -> list[Patient]:
    """Each person once, in their order, under the file in which they are kept."""
    return list(dict.fromkeys(_each(files)))


def _each(files: list[Patient]) -> list[Patient]:
    """The person of each file; nothing is asked where no file was retired."""
    heads = {file.id: file for file in files}
    if missing := {file.head_id for file in files} - heads.keys():
        heads |= Patient.objects.in_bulk(missing)
    return [heads[file.head_id] for file in files]


def _by_name(words: dict[str, str], born: datetime.date | None, sex: str) -> list[Patient]:
    """People of that name: born that day with a word of it in common, or else bearing every word."""
    if not words:
        return []
    people = _born_and_named(born, words)
    if not people and len(words) > 1 and any(len(w) >= SHORT for w in words):
        people = list(Patient.objects.filter(reduce(and_, (Q(folded__contains=w) for w in words)))[:LIMIT])
    wanted = {"M": "male", "F": "female", "O": "other"}.get(sex, sex)
    return sorted(people, key=lambda p: (-_shared(p, words), bool(wanted) and p.sex not in (wanted, "unknown")))


def _born_and_named(born: datetime.date | None, words: dict[str, str]) -> list[Patient]:
    """People born that day who bear one of the words, or one much like it; those who bear most of them first."""
    if born is None or not words:
        return []
    likeness = TrigramSimilarity("folded", " ".join(sorted(words)))
    people = Patient.objects.filter(birth_date=born).order_by(likeness.desc(), "number")[:POOL]
    return sorted((p for p in people if _shared(p, words)), key=lambda p: -_shared(p, words))


def _words(name: str) -> dict[str, str]:
    """The words of a name in search form, each with its skeleton."""
    return {form: skeleton(word) for word in spoken(name) for form in rules.name_form(word).split()}


def _shared(person: Patient, words: dict[str, str]) -> int:
    """How many words of a name a person bears, bears but for a letter or two, or bears in the other script."""
    own = person.folded.split()
    wholes = (person.given_name, person.family_name, person.given_name_ar, person.family_name_ar)
    keys = {skeleton(part) for whole in wholes for part in (whole, *spoken(whole))}  # Nour Eddine is one name, or two
    return sum(
        (len(key) > 1 and key in keys) or any(word == mine or _close(word, mine) for mine in own)
        for word, key in words.items()
    )


def _close(one: str, other: str) -> bool:
    """Whether two words of at least four letters have most pairs of letters in common (Dice, 0.5)."""
    if min(len(one), len(other)) < 4:
        return False
    pairs = [{word[i : i + 2] for i in range(len(word) - 1)} for word in (one, other)]
    return 2 * len(pairs[0] & pairs[1]) >= 0.5 * (len(pairs[0]) + len(pairs[1]))


def _asked(text: str) -> Asked:
    """Take apart what was typed: a date, numbers, a year, and the words of a name."""
    text = text[:200].translate(rules.EASTERN)
    born = None
    if (found := DATE.search(text)) and (born := _date(found)):
        text = text.replace(found.group(), " ", 1)
    whole = rules.digits(text)
    if re.fullmatch(r"\+?\d{6,20}", whole):
        return Asked(numbers=(whole,), born=born)
    year, words, numbers = None, [], []
    for word in text.split():
        bare = rules.digits(word)
        if re.fullmatch(r"(18|19|20)\d\d", bare):
            year = int(bare)
        elif any(c.isdigit() for c in word):
            numbers.append(word)
        else:
            words += rules.name_form(word).split()
    return Asked(tuple(words), tuple(numbers), born, year)


def _date(found: re.Match[str]) -> datetime.date | None:
    year, month, day = found.groups()[:3] if found.group(1) else found.groups()[:2:-1]
    try:
        return datetime.date(int(year), int(month), int(day))
    except ValueError:
        return None


def _all_of(asked: Asked, viewer: Actor) -> Q:
    parts = [_bears(number, viewer) for number in asked.numbers]
    if asked.born:
        parts.append(Q(birth_date=asked.born))
    return reduce(and_, [*parts, *_year(asked), *(Q(folded__contains=word) for word in asked.words)])


def _year(asked: Asked) -> list[Q]:
    if asked.year is None:
        return []
    return [Q(birth_date__range=(datetime.date(asked.year, 1, 1), datetime.date(asked.year, 12, 31)))]


def _bears(number: str, viewer: Actor) -> Q:
    """Whose Wasl number, national number, phone or own hospital number this is; each asked from its own index."""
    bare = rules.digits(number)
    theirs = _visible_numbers(viewer).filter(value__in={bare, number})
    keys = set(theirs.values_list("patient", flat=True)[:LIMIT])
    keys |= set(Patient.objects.filter(Q(number=bare) | Q(phone=rules.phone_form(number)))
                .values_list("id", flat=True)[:LIMIT])  # fmt: skip
    said = live.indexed([live.row({"nid": bare, "phone": rules.phone_form(number)})])[0].keys
    records = RecordKey.objects.filter(key__in=said).values("record")[:LIMIT]  # what a record alone says
    keys |= set(RecordLink.objects.filter(record__in=records, closed_at=None).values_list("patient", flat=True))
    return Q(id__in=keys)


def _alike(asked: Asked, viewer: Actor) -> QuerySet[Patient]:
    """People whose names are most like the words typed (pg_trgm word similarity, by the index)."""
    name = " ".join(asked.words)
    others = Asked(numbers=asked.numbers, born=asked.born, year=asked.year)
    rows = Patient.objects.filter(folded__trigram_word_similar=name)
    if others.numbers or others.born or others.year:
        rows = rows.filter(_all_of(others, viewer))
    return rows.annotate(likeness=TrigramWordSimilarity(name, "folded")).order_by("-likeness", "number")
