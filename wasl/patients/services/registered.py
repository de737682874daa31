"""A file follows from all that is said of its person: what desks declared, what systems told, what the register says.

What is derived is put over what the desks of the file said, which is kept beside it (`CivilWord`) and stands again when
nothing stronger speaks; the order in which it was said is nowhere in it, only when.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.utils import timezone

from wasl.kernel.access import SYSTEM, Actor
from wasl.kernel.events import emit
from wasl.patients import queries
from wasl.patients import rules as common
from wasl.patients.events import DeathWithdrawn, FileDerived, PatientDied, RegisterFollowed
from wasl.patients.models import CivilWord, Patient, SourceIdentity
from wasl.patients.queries.surviving import Spoken
from wasl.patients.rules import civil as rules
from wasl.patients.rules import surviving
from wasl.patients.rules.matching import saying
from wasl.patients.rules.surviving import Grade, Word
from wasl.patients.services.merging import lock_people

LEVEL, KIND = Patient.Level, Patient.Kind
DERIVED = (*surviving.FIELDS, "kind", "verified", "death_source", "level")


@dataclass
class Said:
    """All that is said of a person, file by file."""

    words: dict[UUID, CivilWord]
    acts: dict[UUID, list[rules.Taken]]
    spoken: dict[UUID, list[Spoken]]
    files: Sequence[Patient] = field(default=())

    def of(self, file: Patient) -> Sequence[Patient]:
        """The files of which a file speaks: of all of its person's, if it is the one under which they are found."""
        return self.files if file.head_id == file.id else [file]

    def acts_of(self, file: Patient) -> list[rules.Taken]:
        """The acts that say what is in a file."""
        return [act for one in self.of(file) for act in self.acts.get(one.id, ())]

    def spoken_of(self, file: Patient) -> list[Spoken]:
        """What systems say of the person of a file."""
        return [told for one in self.of(file) for told in self.spoken.get(one.id, ()) if told.stands]


def follow(key: UUID, *, by: Actor) -> None:
    """Bring a file, and that under which its person is found, to all that is said of them; part of a verb."""
    rows = {row.id: row for row in lock_people(key)}
    said = said_of(list(rows.values()))
    for file in dict.fromkeys((key, rows[key].head_id)):
        bring(rows[file], said, by)


def said_of(files: Sequence[Patient]) -> Said:
    """All that is said of the person of some files, which are all of theirs."""
    keys = [file.id for file in files]
    words = {word.patient_id: word for word in CivilWord.objects.filter(patient__in=keys)}
    return Said(words, queries.taken_of(keys, viewer=SYSTEM), queries.spoken_of(keys, viewer=SYSTEM), files)


def registered(file: Patient, said: Said) -> set[str]:
    """The fields of a file that the register says."""
    return set(rules.folded(said.acts_of(file)))


def bring(file: Patient, said: Said, by: Actor) -> list[str]:
    """Put on a locked file what is said of its person, and tell what changed; answers it. Part of a verb."""
    word = said.words.get(file.id) or CivilWord(patient=file)
    source = file.death_source
    register = bool(said.acts_of(file) or file.verified == Patient.Verified.REGISTER or source)
    was = (file.folded, {**word.before}, [*word.numbers], [*word.names])
    changed = [*take(file, word, said, desk_of(file, word)), *(["identities"] if _number(file, word, said) else [])]
    word.names = _names(file, said)
    file.folded = folded(file, word)
    if changed:
        file.version += 1
    if changed or file.folded != was[0]:
        file.save()
    if was[1:] != (word.before, word.numbers, word.names):
        word.save()
    if file.death_source and not source and file.died_on:
        emit(PatientDied(patient=file.id, died_on=file.died_on), by=by)
    elif source and not file.death_source:
        emit(DeathWithdrawn(patient=file.id), by=by)
    elif changed:
        told = RegisterFollowed if register else FileDerived
        emit(told(patient=file.id, fields=tuple(changed)), by=by)
    return changed


def correct(
    file: Patient, said: Said, changed: Sequence[str], put: Callable[[CivilWord], None], *, renamed: bool, by: Actor,
    place: UUID | None,
) -> CivilWord:  # fmt: skip
    """A desk corrects fields of a locked file; `put` writes them on the row. Part of a verb, which saves both.

    Who corrects what was seen on a document, or what another file of the person says, means it: it takes that place.
    """
    word = said.words.setdefault(file.id, CivilWord(patient=file))
    desk = desk_of(file, word)
    standing = surviving.survivors(_claims(file, said, desk))
    put(word)
    desk |= {name: getattr(file, name) for name in changed if name in surviving.FIELDS}
    if renamed:
        desk["kind"] = file.kind
    desk["level"] = common.level({**desk, "document": file.document})
    own = surviving.grade_of(file.document, str(desk["verified"]))
    for name in {"birth_date" if name == "birth_date_about" else name for name in changed} & {*surviving.ATTRIBUTES}:
        grade = max(own, standing[name].grade) if name in standing else own
        word.said[name] = (timezone.now().isoformat(), str(by), str(place or ""), grade.name)
    take(file, word, said, desk)
    word.names = _names(file, said)
    file.folded = folded(file, word)
    return word


def take(file: Patient, word: CivilWord, said: Said, desk: Mapping[str, object]) -> list[str]:
    """Derive a file in its row, and keep what its desks say beside it where that is not what stands; what changed."""
    new = derived(file, said, desk)
    kept = {name: value for name, value in desk.items() if new[name] != value and not _is_silent(name, file, word)}
    changed = sorted(name for name in DERIVED if getattr(file, name) != new[name])
    for name in DERIVED:
        setattr(file, name, new[name])
    word.before = rules.plain(kept)
    return changed


def derived(file: Patient, said: Said, desk: Mapping[str, object]) -> dict[str, object]:
    """What stands in a file by all that is said of its person, from nothing."""
    acts = rules.folded(said.acts_of(file))
    claims = [*_claims(file, said, desk), *surviving.told(acts, grade=Grade.VERIFIED, at=timezone.now())]
    if file.fed and not any(one.attribute in ("family_name", "family_name_ar") for one in claims):
        # nobody gives it a name any more: what was said of the file while it had a record
        former = (told for told in said.spoken.get(file.id, ()) if not told.stands)
        claims += [claim for told in former for claim in told.claims()]
    standing = surviving.survivors(claims)
    new = surviving.fields(standing)
    new |= {name: acts.get(name, desk[name]) for name in ("verified", "death_source")}
    family = [standing[name] for name in ("family_name", "family_name_ar") if name in standing]
    new["kind"] = desk["kind"]
    if desk["kind"] == KIND.UNKNOWN and (acts.get("verified") or any(not one.own for one in family)):
        new["kind"] = KIND.KNOWN.value
    elif desk["kind"] == KIND.KNOWN and not family:
        new["kind"] = KIND.UNKNOWN.value
    new["level"] = desk["level"]
    if acts.get("verified"):
        new["level"] = LEVEL.QUALIFIED.value
    elif desk["level"] != LEVEL.PROVISIONAL:  # a document may have been seen meanwhile
        new["level"] = common.level({**new, "document": file.document})
    return new


def _claims(file: Patient, said: Said, desk: Mapping[str, object]) -> Iterator[surviving.Claim]:
    yield from surviving.claims_of(_word(file, said.words.get(file.id), desk), own=True)
    for other in said.of(file):
        if other.id != file.id:
            word = said.words.get(other.id)
            yield from surviving.claims_of(_word(other, word, desk_of(other, word)), own=False)
    for told in said.spoken_of(file):
        yield from told.claims()


def _word(file: Patient, word: CivilWord | None, desk: Mapping[str, object]) -> Word:
    grade = surviving.grade_of(file.document, str(desk["verified"]))
    return Word(desk, file.created_at, grade, file.fed, word.said if word else {})


def desk_of(file: Patient, word: CivilWord | None) -> dict[str, object]:
    """What a file says by its desks alone."""
    before = rules.typed(word.before) if word else {}
    desk = {name: before.get(name, getattr(file, name)) for name in DERIVED}
    if file.fed:
        desk |= {name: surviving.BLANK[name] for name in surviving.FIELDS if _is_silent(name, file, word)}
    return desk


def _is_silent(name: str, file: Patient, word: CivilWord | None) -> bool:
    """Whether no desk said a field of a file that a system's record made."""
    asked = "birth_date" if name == "birth_date_about" else name
    return file.fed and name in surviving.FIELDS and not (word and asked in word.said)


def _number(file: Patient, word: CivilWord, said: Said) -> bool:
    """Mark the numbers that the register gives, write those that two hospitals say, and take away what was derived so.

    Answers whether anything changed. A number that one system alone says stays its record's word.
    """
    given = {f"{kind}|{value}" for act in said.acts.get(file.id, ()) for kind, value in rules.numbers(act.said)}
    agreed = _agreed(said.spoken_of(file))
    if not (given or agreed or word.numbers or file.verified or said.acts):
        return False
    agreed -= _written(file, said)
    rows = {f"{one.kind}|{one.value}": one for one in SourceIdentity.objects.filter(patient=file, place=None)}
    marked = {name for name, one in rows.items() if one.verified}
    given -= {
        name for name in given - marked
        if SourceIdentity.objects.filter(kind=name.split("|")[0], value=name.split("|")[1], verified=True).exists()
    }  # fmt: skip
    wanted = given | agreed
    gone = [name for name in word.numbers if name not in wanted]
    for name in gone:
        if name in rows:
            rows[name].delete()
    for name in sorted((marked - given) - set(gone)):
        SourceIdentity.objects.filter(id=rows[name].id).update(verified=False)
    fresh = sorted(name for name in wanted if name not in rows)
    for name in sorted(wanted):
        if name in rows and name in given - marked:
            SourceIdentity.objects.filter(id=rows[name].id).update(verified=True)
    for name in fresh:
        kind, value = name.split("|")
        SourceIdentity.objects.create(patient=file, kind=kind, value=value, verified=name in given)
    word.numbers = [*(name for name in word.numbers if name in wanted), *fresh]
    return marked != given or bool(fresh or gone)


def _agreed(spoken: Sequence[Spoken]) -> set[str]:
    """The national numbers that the systems of two hospitals say, each by itself."""
    said: dict[str, set[UUID | None]] = {}
    for told in spoken:
        for kind, value in saying.person(told.said)[1]:
            said.setdefault(f"{kind}|{value}", set()).add(told.place)
    return {name for name, places in said.items() if len(places) > 1}


def _written(file: Patient, said: Said) -> set[str]:
    """The national numbers that people wrote into the other files of a person."""
    others = {one.id: set(word.numbers) if (word := said.words.get(one.id)) else set() for one in said.of(file)}
    others.pop(file.id)
    rows = SourceIdentity.objects.filter(patient__in=others, place=None) if others else ()
    return {name for one in rows if (name := f"{one.kind}|{one.value}") not in others[one.patient_id]}


def _names(file: Patient, said: Said) -> list[str]:
    """All names by which the register and systems call a person, but for those that are the file's own."""
    own = {common.name_form(name) for name in (file.latin_name, file.arabic_name)}
    told = {name for one in said.spoken_of(file) for name in one.names() if common.name_form(name) not in own}
    return sorted({*rules.named(said.acts_of(file)), *told})


def folded(file: Patient, word: CivilWord | None) -> str:
    """The search form of all names of a person, the former ones too."""
    before = word.before if word else {}
    declared = [
        f"{before.get(given, getattr(file, given))} {before.get(family, getattr(file, family))}".strip()
        for given, family in (common.LATIN, common.ARABIC) if given in before or family in before
    ]  # fmt: skip
    names = (file.latin_name, file.arabic_name, *declared, *(word.names if word else ()))
    return " ".join(dict.fromkeys(common.name_form(name) for name in names if name)) or file.folded
