"""Random searches beside a plain model of what FHIR says of them, over sixty resources."""

import datetime
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django.plugin import DjangoDbBlocker

from tests.edges.corpus import LOINC, UCUM, World, _django_db_helper, concept, standing
from wasl.kernel.text import fold
from wasl.record import queries as record

__all__ = ["_django_db_helper"]

pytestmark = pytest.mark.django_db

CODES = ("718-7", "2339-0", "19005-8", "94500-6")
STATES = ("final", "amended", "preliminary")
WORDS = ("Épanchement", "pleural", "صورة", "normale", "Œdème")
UNITS = ("mmol/L", "mg/dL")
PREFIXES = ("eq", "ne", "gt", "lt", "ge", "le", "sa", "eb")
NUMBERS = ("5.4", "5", "6.30", "12", "0.5", "1e1", "100")
DATES = ("2026-11", "2026-11-03", "2026-11-03T09:00:00Z", "2025", "2026-12-01")


@dataclass(frozen=True)
class Note:
    """An Observation as the model knows it."""

    name: str
    code: str
    status: str
    words: str | None
    amount: str | None
    unit: str
    day: datetime.datetime | None
    about: str | None  # the name of another one, which it has as member


def notes(seed: int = 7) -> list[Note]:
    """Sixty notes of every kind, always the same."""
    pick = random.Random(seed)
    made: list[Note] = []
    for number in range(60):
        words = " ".join(pick.sample(WORDS, 2)) if pick.random() < 0.5 else None
        day = datetime.datetime(2026, 11, pick.randint(1, 6), pick.randint(8, 10), tzinfo=datetime.UTC)
        made.append(Note(
            f"n{number:02}", pick.choice(CODES), pick.choice(STATES), words,
            None if words else pick.choice(NUMBERS[:5]), pick.choice(UNITS), day if pick.random() < 0.8 else None,
            pick.choice(made).name if made and pick.random() < 0.4 else None,
        ))  # fmt: skip
    return made


NOTES = notes()


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    with standing(django_db_blocker) as made:
        for note in NOTES:
            body: dict[str, Any] = {"status": note.status, "code": concept(note.code)}
            if note.words:
                body["valueString"] = note.words
            if note.amount:
                body["valueQuantity"] = {"value": record.read(note.amount), "system": UCUM, "code": note.unit}
            if note.day:
                body["effectiveDateTime"] = note.day.isoformat()
            if note.about:
                body["hasMember"] = [{"reference": f"Observation/{made.keys[note.about]}"}]
            made.keep(note.name, "Observation", subject={"reference": f"Patient/{made.salma}"}, **body)
        yield made


Test = Callable[[Note], bool]
Asked = tuple[str, str, Test]  # the parameter, its value, and what the model says of a note


def half(text: str) -> Decimal:
    exponent = int(Decimal(text).as_tuple().exponent)
    return Decimal(5).scaleb(exponent - (1 if exponent <= 0 else 2))


def amounts(prefix: str, text: str, unit: str) -> Test:
    asked, room = Decimal(text), half(text)

    def meets(note: Note) -> bool:
        if note.amount is None or (unit and note.unit != unit):
            return False
        said = Decimal(note.amount)
        low, high = said - half(note.amount), said + half(note.amount)
        inside = asked - room <= low and high <= asked + room
        return {
            "eq": inside, "ne": not inside, "gt": said > asked, "lt": said < asked, "ge": said >= asked,
            "le": said <= asked, "sa": low > asked, "eb": high < asked,
        }[prefix]  # fmt: skip

    return meets


def span(text: str) -> tuple[datetime.datetime, datetime.datetime]:
    """The time in Tunis that a text means."""
    tunis = datetime.timezone(datetime.timedelta(hours=1))
    if "T" in text:
        start = datetime.datetime.fromisoformat(text)
        return start, start + datetime.timedelta(seconds=1)
    parts = [int(part) for part in text.split("-")]
    year, month, day = (*parts, 1, 1)[:3]
    start = datetime.datetime(year, month, day, tzinfo=tunis)
    if len(parts) == 3:
        return start, start + datetime.timedelta(days=1)
    year, month = (parts[0] + 1, 1) if len(parts) == 1 or parts[1] == 12 else (parts[0], parts[1] + 1)
    return start, start.replace(year=year, month=month)


def dates(prefix: str, text: str) -> Test:
    start, end = span(text)

    def meets(note: Note) -> bool:
        if note.day is None:
            return False
        low, high = note.day, note.day + datetime.timedelta(seconds=1)
        inside = start <= low and high <= end
        return {
            "eq": inside, "ne": not inside, "gt": high > end, "lt": low < start, "ge": high > end or inside,
            "le": low < start or inside, "sa": low >= end, "eb": high <= start,
        }[prefix]  # fmt: skip

    return meets


def texts(modifier: str, text: str) -> Test:
    asked = fold(text)
    tests: dict[str, Test] = {
        "": lambda note: note.words is not None and fold(note.words).startswith(asked),
        ":contains": lambda note: note.words is not None and asked in fold(note.words),
        ":exact": lambda note: note.words == text,
    }
    return tests[modifier]


def member(test: Test) -> Test:
    """Of what a note has as member."""
    known = {note.name: note for note in NOTES}
    return lambda note: note.about is not None and test(known[note.about])


def members_of(test: Test) -> Test:
    """Of what has a note as member."""
    return lambda note: any(other.about == note.name and test(other) for other in NOTES)


@st.composite
def plain(draw: st.DrawFn) -> Asked:
    """One parameter of a note itself."""
    kind = draw(st.sampled_from(("code", "status", "words", "amount", "date", "missing", "composite")))
    prefix = draw(st.sampled_from(PREFIXES))
    number, unit = draw(st.sampled_from(NUMBERS)), draw(st.sampled_from(("", *UNITS)))
    code = draw(st.sampled_from(CODES))
    value = f"{prefix}{number}" + (f"|{UCUM}|{unit}" if unit else "")
    match kind:
        case "code":
            some = draw(st.lists(st.sampled_from(CODES), min_size=1, max_size=3))
            form = draw(st.sampled_from(("{}", LOINC + "|{}")))
            if draw(st.booleans()):
                return "code:not", ",".join(map(form.format, some)), lambda note: note.code not in some
            return "code", ",".join(map(form.format, some)), lambda note: note.code in some
        case "status":
            state = draw(st.sampled_from(STATES))
            return "status", state, lambda note: note.status == state
        case "words":
            modifier = draw(st.sampled_from(("", ":contains", ":exact")))
            text = draw(st.sampled_from((*WORDS, "epan", "ŒD", "pleural normale", "Épanchement pleural", "اشعة")))
            return f"value-string{modifier}", text, texts(modifier, text)
        case "amount":
            return "value-quantity", value, amounts(prefix, number, unit)
        case "date":
            text = draw(st.sampled_from(DATES))
            return "date", f"{prefix}{text}", dates(prefix, text)
        case "composite":
            meets = amounts(prefix, number, unit)
            return "code-value-quantity", f"{code}${value}", lambda note: note.code == code and meets(note)
    name, has = draw(st.sampled_from([
        ("value-quantity", lambda note: note.amount is not None), ("date", lambda note: note.day is not None),
        ("has-member", lambda note: note.about is not None), ("value-string", lambda note: note.words is not None),
    ]))  # fmt: skip
    missing = draw(st.booleans())
    return f"{name}:missing", str(missing).lower(), lambda note: has(note) is not missing


@st.composite
def asked(draw: st.DrawFn) -> Asked:
    """One parameter, perhaps of a note behind another."""
    name, value, meets = draw(plain())
    for _ in range(draw(st.integers(0, 2))):
        if draw(st.booleans()) and not name.startswith("_has"):
            name, meets = f"has-member:Observation.{name}", member(meets)
        else:
            name, meets = f"_has:Observation:has-member:{name}", members_of(meets)
    return name, value, meets


KEYS: dict[str, Callable[[Note], Any]] = {
    "code": lambda note: note.code,
    "status": lambda note: note.status,
    "value-string": lambda note: fold(note.words) if note.words else None,
    "value-quantity": lambda note: Decimal(note.amount) - half(note.amount) if note.amount else None,
    "_id": lambda note: note.name,
}


def ordered(found: list[Note], keys: list[tuple[str, bool]]) -> list[str]:
    """Notes in the order of several keys; made one after another, their names are in the order of their ids."""
    found = sorted(found, key=lambda note: note.name, reverse=keys[-1][1] if keys else False)
    for name, turned in reversed(keys):
        key = KEYS[name]
        there = sorted((note for note in found if key(note) is not None), key=key, reverse=turned)
        found = there + [note for note in found if key(note) is None]
    return [note.name for note in found]


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(asked(), min_size=1, max_size=3),
    st.lists(st.tuples(st.sampled_from(sorted(KEYS)), st.booleans()), max_size=3, unique_by=lambda key: key[0]),
)
def test_a_search_finds_what_the_model_finds(
    world: World, questions: list[Asked], keys: list[tuple[str, bool]]
) -> None:
    meant = [note for note in NOTES if all(meets(note) for _, _, meets in questions)]
    pairs = [(name, value) for name, value, _ in questions]
    pairs += [("_sort", ",".join(f"{'-' * turned}{name}" for name, turned in keys))] if keys else []
    found, address = list[str](), f"Observation?{urlencode([*pairs, ('_count', '17'), ('_total', 'accurate')])}"
    while address:
        bundle = world.bundle(address)
        assert bundle["total"] == len(meant)
        names = {str(key): name for name, key in world.keys.items()}
        found += [names[entry["resource"]["id"]] for entry in bundle.get("entry", ())]
        address = next((link["url"] for link in bundle["link"] if link["relation"] == "next"), "")
    assert found == ordered(meant, keys)
