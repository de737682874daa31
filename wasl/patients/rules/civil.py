"""The civil register's feed: what an act must say, what acts say together, and what people may still change."""

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from wasl.kernel.access import Actor
from wasl.kernel.errors import Invalid, NotAllowed, Refused
from wasl.patients.rules.matching import saying

STEWARDS = frozenset({"steward"})
KINDS = ("birth", "death", "name_change", "correction", "annulment")
OF_A_PERSON = ("birth", "death", "name_change")  # the others are of another act
HEAD = ("registry", "number", "kind", "acted_on", "happened_on")
PERSON = ("nid", "first_lat", "last_lat", "first_ar", "last_ar", "sex", "dob", "father", "mother", "commune")
NEW = ("new_first_lat", "new_last_lat", "new_first_ar", "new_last_ar")
MOTHER = ("mother_nid", "mother_first_lat", "mother_last_lat", "mother_first_ar", "mother_last_ar", "mother_dob")
FATHER = ("father_nid", "father_first_lat", "father_last_lat", "father_first_ar", "father_last_ar", "father_dob")
BIRTH = ("birth_order", *MOTHER, *FATHER)
THREAD = ("birth_registry", "birth_number")  # the act of birth of whom a death or a change of name is about
OF = ("of_registry", "of_kind", "of_number")  # the act that is corrected or annulled
COLUMNS = (*HEAD, *PERSON, *NEW, *BIRTH, *THREAD, *OF)
NAMES = {"first_lat": "given_name", "last_lat": "family_name", "first_ar": "given_name_ar", "last_ar": "family_name_ar"}
RENAMED = {f"new_{column}": name for column, name in NAMES.items()}
SAID_BY_BIRTH = (*NAMES.values(), "sex", "birth_date", "birth_date_about", "father_name", "mother_name")

Content = Mapping[str, str]
Key = tuple[str, str, str]  # registry, kind, number


class NotAnAct(Invalid):
    """This is no act of the register."""


class UnknownColumn(Invalid):
    """No act of the register has a column {column}: one that is misspelled would be lost."""


class ColumnNotThere(Invalid):
    """The file has no column {column}: its first line names the columns."""


class ActSaysOtherwise(Refused):
    """This act came before and said something else: an act is changed by a correction, with a number of its own."""


class SaidByTheRegister(Refused):
    """The civil register says this of the person: it is corrected there, and comes here by itself."""


class NotWaiting(Refused):
    """This act does not wait any more; look at what became of it."""


class NotDecided(Refused):
    """No steward said whose this act is: only the register takes it back."""


class NotStewardOfTheCountry(NotAllowed):
    """Acts of the civil register are for data stewards of the whole country."""


class AnotherActOfBirth(Refused):
    """This person has an act of birth already, and nobody is born twice."""


class NobodyIsBornByIt(Invalid):
    """Only an act of birth makes a new person: choose whose act this is."""


def check_steward(viewer: Actor) -> None:
    """The register is the country's, and its acts name people whom no hospital may know."""
    if viewer.is_system:
        return
    if not any(held.role in STEWARDS and held.place is None for held in viewer.held):
        raise NotStewardOfTheCountry


def check_waiting(state: str) -> None:
    """Only what waits is decided."""
    if state != "waiting":
        raise NotWaiting


def check_decided(state: str, how: str) -> None:
    """What a steward said, a steward takes back."""
    if (state, how) != ("done", "person"):
        raise NotDecided


def check_still_open(changed: Iterable[str], registered: Iterable[str]) -> None:
    """What the register says is not typed over."""
    if set(changed) & set(registered):
        raise SaidByTheRegister


@dataclass(frozen=True)
class Act:
    """An act as it was sent, in order: what it is, when, of whom, and of which other act."""

    registry: str
    kind: str
    number: str
    acted_on: datetime.date
    happened_on: datetime.date
    said: Content = field(hash=False)

    @property
    def key(self) -> Key:
        """By what the register itself knows the act."""
        return self.registry, self.kind, self.number

    @property
    def of(self) -> Key:
        """The act that this one corrects or annuls; of the same registry where none is named."""
        told = self.said
        return told.get("of_registry", self.registry), told.get("of_kind", ""), told.get("of_number", "")

    @property
    def birth(self) -> Key | None:
        """The act of birth of whom the act is about, where it names one."""
        number = self.said.get("birth_number", "")
        return (self.said.get("birth_registry", self.registry), "birth", number) if number else None


def annulled(key: Key, acts: Mapping[Key, Act]) -> bool:
    """Whether an act is annulled by one that is not annulled itself. Annulments that name each other stand."""
    return _annulled(key, acts, frozenset())


def _annulled(key: Key, acts: Mapping[Key, Act], above: frozenset[Key]) -> bool:
    by = [one.key for one in acts.values() if one.kind == "annulment" and one.of == key and one.key not in above]
    return any(not _annulled(one, acts, above | {key}) for one in by)


def effective(act: Act, acts: Mapping[Key, Act]) -> dict[str, str]:
    """What an act says with its corrections, in their order; columns that a correction leaves empty stay."""
    fixes = [one for one in acts.values() if one.kind == "correction" and one.of == act.key]
    said = {**act.said, "happened_on": act.happened_on.isoformat()}
    for one in sorted(fixes, key=lambda one: (one.acted_on, one.registry, one.number)):
        if not annulled(one.key, acts):
            said |= {name: text for name, text in one.said.items() if name not in OF}
            said["happened_on"] = one.happened_on.isoformat()
    return said


def record(kind: str, said: Content) -> dict[str, str]:
    """The person of an act by the matcher's columns: after a change of name, with the new one."""
    texts = {name: said.get(name, "") for name in PERSON}
    if kind == "name_change":
        texts |= {name: said[f"new_{name}"] for name in NAMES if said.get(f"new_{name}")}
    return {name: text for name, text in _with_parents(texts, said).items() if text}


def asked(said: Content) -> dict[str, str]:
    """The person whom an act is about, as they were called before it."""
    return {name: text for name, text in _with_parents({n: said.get(n, "") for n in PERSON}, said).items() if text}


def mother(said: Content) -> dict[str, str]:
    """The mother of a birth, by the matcher's columns."""
    return _parent(said, "mother")


def _parent(said: Content, who: str) -> dict[str, str]:
    columns = ("nid", "first_lat", "last_lat", "first_ar", "last_ar", "dob")
    found = {column: said[f"{who}_{column}"] for column in columns if said.get(f"{who}_{column}")}
    return {**found, "sex": "F" if who == "mother" else "M"} if found else {}


def _with_parents(texts: dict[str, str], said: Content) -> dict[str, str]:
    """The parents' names, from their own columns where a birth has them: the mother's whole, the father's given."""
    for who in ("mother", "father"):
        parts = _parent(said, who)
        scripts = [
            " ".join(filter(None, (parts.get(f"first_{s}"), parts.get(f"last_{s}") if who == "mother" else "")))
            for s in ("lat", "ar")
        ]
        texts[who] = texts[who] or next(filter(None, scripts), "")
    return texts


def numbers(said: Content) -> list[tuple[str, str]]:
    """The national number that an act gives, with its kind."""
    return saying.person(said)[1]


@dataclass(frozen=True)
class Taken:
    """An act that is a file's: its kind, its order, and what it says with its corrections."""

    kind: str
    order: tuple[str, str, str, str]  # when it happened, when it was written, the registry, the number
    said: Content


def folded(acts: Sequence[Taken]) -> dict[str, object]:
    """What the register says of a person: births, then changes of name in their order, and the earliest death."""
    values: dict[str, object] = {}
    for act in sorted(acts, key=lambda one: (one.kind != "birth", one.order)):
        if act.kind == "birth":
            values |= _born(act.said)
        elif act.kind == "name_change":
            values |= {name: act.said[column] for column, name in RENAMED.items() if act.said.get(column)}
            values["verified"] = "register"
        elif "died_on" not in values:
            values |= {"died_on": datetime.date.fromisoformat(act.said["happened_on"]), "death_source": "register"}
    return values


def _born(said: Content) -> dict[str, object]:
    person, _ = saying.person(record("birth", said))
    known = {name: person[name] for name in SAID_BY_BIRTH if person.get(name) not in (None, "", "unknown")}
    return {**known, "verified": "register"}


def named(acts: Iterable[Taken]) -> list[str]:
    """All names by which the register calls a person, the former ones too."""
    found: list[str] = []
    for act in acts:
        for columns in (("first_lat", "last_lat"), ("first_ar", "last_ar")):
            for prefix in ("", "new_"):
                found.append(" ".join(filter(None, (act.said.get(prefix + column) for column in columns))))
    return sorted({name for name in found if name})


def plain(values: Mapping[str, object]) -> dict[str, object]:
    """Fields of a person as JSON keeps them."""
    return {name: value.isoformat() if isinstance(value, datetime.date) else value for name, value in values.items()}


def typed(values: Mapping[str, object]) -> dict[str, object]:
    """Fields of a person from JSON."""
    days = ("birth_date", "died_on")
    return {
        name: datetime.date.fromisoformat(str(value)) if name in days and value else value
        for name, value in values.items()
    }
