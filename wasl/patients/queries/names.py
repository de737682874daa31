"""The dictionary of given names as it stands: the shipped table and what people wrote since."""

from dataclasses import dataclass
from uuid import UUID

from django.db.models import F, Q, QuerySet

from wasl.kernel.access import Actor
from wasl.kernel.errors import NotAllowed, NotFound
from wasl.patients.models import KnownName, NameVersion, NameWord, Spelling
from wasl.patients.rules import given
from wasl.patients.rules.dictionary import READERS
from wasl.patients.rules.names import coarse

FOUND = 30  # names in an answer


@dataclass(frozen=True)
class Entry:
    """A name as the page shows it: its spellings, those added by people with their rows, and what was said of it."""

    name: given.Name
    shipped: tuple[str, ...]
    added: tuple[Spelling, ...]
    same: tuple[given.Name, ...]
    apart: tuple[given.Name, ...]


def _visible(viewer: Actor) -> QuerySet[NameVersion]:
    """The dictionary names no patient; it is for those who say who is who."""
    if not viewer.is_system and not viewer.roles & READERS:
        raise NotAllowed
    return NameVersion.objects.all()


def read_newest(*, viewer: Actor) -> given.Edits:
    """Read names by the newest version from now on, in this process; whoever compares or writes records asks first."""
    newest = NameVersion.objects.order_by("-number").values_list("id", "number").first() if viewer.held else None
    key, number = newest or ("", 0)
    if given.edits().mark != str(key):
        given.use(edits_at(number, viewer=viewer))
    return given.edits()


def edits_at(number: int, *, viewer: Actor) -> given.Edits:
    """What people had written into the dictionary at a version; nothing at version 0."""
    if not viewer.held:
        return given.Edits()
    holds = Q(since__number__lte=number) & (Q(until=None) | Q(until__number__gt=number))
    version = NameVersion.objects.filter(number=number).values_list("id", flat=True).first()
    names = KnownName.objects.filter(since__number__lte=number).order_by("since__number", "id")
    spellings = Spelling.objects.filter(holds).order_by("since__number", "id")
    words = NameWord.objects.filter(holds, says="same").order_by("since__number", "id")
    return given.Edits(
        mark=str(version or ""),
        names=tuple(names.values_list("sex", "arabic")),
        spellings=tuple(spellings.values_list("name", "written")),
        same=tuple(words.values_list("one", "other")),
    )


def given_names(text: str, *, viewer: Actor) -> list[Entry]:
    """The names that are written so, begin so or sound so, those written so first."""
    _visible(viewer)
    read_newest(viewer=viewer)
    asked, sound = given.form(text), coarse(text)
    if not asked:
        return []
    found = []
    for name in given.known_names():
        forms = [given.form(one) for one in (name.arabic, *name.spellings)]
        if asked in forms:
            found.append((0, name))
        elif any(one.startswith(asked) for one in forms):
            found.append((1, name))
        elif len(sound) > 1 and coarse(name.arabic) == sound:
            found.append((2, name))
    return _entries([name for _, name in sorted(found, key=lambda one: one[0])[:FOUND]])


def given_name(key: str, *, viewer: Actor) -> Entry:
    """One name, by its key. Raises NotFound."""
    _visible(viewer)
    read_newest(viewer=viewer)
    found = next((name for name in given.known_names() if name.key == key), None)
    if found is None:
        raise NotFound
    return _entries([found])[0]


def _entries(names: list[given.Name]) -> list[Entry]:
    known = {name.key: name for name in given.known_names()}
    keys = [name.key for name in names]
    added: dict[str, list[Spelling]] = {}
    for row in Spelling.objects.filter(name__in=keys, until=None).select_related("since").order_by("since__number"):
        added.setdefault(row.name, []).append(row)
    said: dict[tuple[str, str], list[given.Name]] = {}
    for word in NameWord.objects.filter(Q(one__in=keys) | Q(other__in=keys), until=None).order_by("since__number"):
        said.setdefault((word.one, word.says), []).append(known[word.other])
        said.setdefault((word.other, word.says), []).append(known[word.one])
    return [
        Entry(
            name,
            tuple(text for text in name.spellings if all(text != row.written for row in added.get(name.key, ()))),
            tuple(added.get(name.key, ())),
            tuple(said.get((name.key, "same"), ())),
            tuple(said.get((name.key, "different"), ())),
        )
        for name in names
    ]


def name_words(*, viewer: Actor) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """The pairs of names that are said to be one, and those said to be two."""
    _visible(viewer)
    rows = list(NameWord.objects.filter(until=None).order_by("since__number"))
    return (
        [(row.one, row.other) for row in rows if row.says == "same"],
        [(row.one, row.other) for row in rows if row.says == "different"],
    )


def name_versions(*, viewer: Actor) -> QuerySet[NameVersion]:
    """The changes of the dictionary, last first, each with what it changed."""
    return _visible(viewer).prefetch_related("names", "spellings", "withdrawn", "words").order_by("-number")


def spelling(key: UUID, *, viewer: Actor) -> Spelling:
    """A spelling that somebody added. Raises NotFound."""
    _visible(viewer)
    found = Spelling.objects.filter(id=key).select_related("since").first()
    if found is None:
        raise NotFound
    return found


def unread_versions(*, viewer: Actor) -> list[NameVersion]:
    """The versions by which not every stored record was read yet, the oldest first; for Wasl itself."""
    rows = NameVersion.objects.filter(read_at=None) if viewer.is_system else NameVersion.objects.none()
    return list(rows.order_by(F("number")))
