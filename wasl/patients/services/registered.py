"""What the register says of a file, taken into it and given back: a file follows from the acts that stand, and from
what people had declared; the order in which the acts came is nowhere in it.
"""

from collections.abc import Sequence
from uuid import UUID

from wasl.kernel.access import Actor
from wasl.kernel.events import emit
from wasl.patients import rules as common
from wasl.patients.events import DeathWithdrawn, PatientDied, RegisterFollowed
from wasl.patients.models import CivilAct, CivilStanding, CivilWord, Patient, SourceIdentity
from wasl.patients.rules import civil as rules
from wasl.patients.services.merging import lock_people

LEVEL = Patient.Level


def follow(key: UUID, *, by: Actor) -> None:
    """Bring a file, and that under which its person is found, to what the acts say that stand; part of a verb."""
    rows = {row.id: row for row in lock_people(key)}
    for file in dict.fromkeys((key, rows[key].head_id)):
        _follow(rows[file], list(rows), by)


def _follow(file: Patient, files: Sequence[UUID], by: Actor) -> None:
    own = _taken([file.id])
    acts = _taken(files) if file.head_id == file.id else own
    word = CivilWord.objects.filter(patient=file).first()
    if word is None and not acts:
        return
    word = word or CivilWord(patient=file)
    was = (file.death_source, [*word.numbers])
    changed = _take(file, word, rules.folded(acts))
    numbered = _number(file, word, own)
    word.names = rules.named(acts)
    file.folded = folded(file, word)
    if changed or numbered:
        file.version += 1
    file.save()
    word.save()
    _tell(file, was[0], (*changed, *(["identities"] if numbered else [])), by)


def _taken(files: Sequence[UUID]) -> list[rules.Taken]:
    rows = CivilStanding.objects.filter(patient__in=files, state=CivilStanding.State.DONE).select_related("act")
    return [_as_taken(one.act, one.taken) for one in rows if one.taken is not None]


def _as_taken(act: CivilAct, said: rules.Content) -> rules.Taken:
    return rules.Taken(act.kind, (said["happened_on"], act.acted_on.isoformat(), act.registry, act.number), said)


def _take(file: Patient, word: CivilWord, values: dict[str, object]) -> list[str]:
    """Put on a file what the register says, and what people had declared where it says nothing any more."""
    before = rules.typed(word.before)
    if values.get("verified"):
        values["level"] = LEVEL.QUALIFIED.value
        if file.kind == "unknown" or "kind" in before:
            values["kind"] = "known"
    restored = {name: before.pop(name) for name in list(before) if name not in values}
    before |= {name: getattr(file, name) for name in values if name not in before}
    new = {**restored, **values}
    changed = sorted(name for name in new if getattr(file, name) != new[name])
    for name in new:
        setattr(file, name, new[name])
    if file.level != LEVEL.PROVISIONAL:  # a document may have been seen meanwhile
        file.level = LEVEL(common.level(vars(file)))
    word.before = rules.plain(before)
    return changed


def _number(file: Patient, word: CivilWord, acts: Sequence[rules.Taken]) -> bool:
    """Mark the numbers that the register gives, and take away what it alone had given; whether anything changed."""
    given = {f"{kind}|{value}" for act in acts for kind, value in rules.numbers(act.said)}
    rows = {f"{one.kind}|{one.value}": one for one in SourceIdentity.objects.filter(patient=file, place=None)}
    marked = {name for name, one in rows.items() if one.verified}
    elsewhere = {
        name for name in given - marked
        if SourceIdentity.objects.filter(kind=name.split("|")[0], value=name.split("|")[1], verified=True).exists()
    }  # fmt: skip
    given -= elsewhere
    for name in marked - given:
        if name in word.numbers:
            rows[name].delete()
        else:
            SourceIdentity.objects.filter(id=rows[name].id).update(verified=False)
    for name in sorted(given - marked):
        kind, value = name.split("|")
        if name in rows:
            SourceIdentity.objects.filter(id=rows[name].id).update(verified=True)
        else:
            SourceIdentity.objects.create(patient=file, kind=kind, value=value, verified=True)
            word.numbers = [*word.numbers, name]
    word.numbers = [name for name in word.numbers if name in given]
    return marked != given


def folded(file: Patient, word: CivilWord | None) -> str:
    """The search form of all names of a person, the former ones too."""
    before = rules.typed(word.before) if word else {}
    declared = (
        f"{before.get('given_name', '')} {before.get('family_name', '')}".strip(),
        f"{before.get('given_name_ar', '')} {before.get('family_name_ar', '')}".strip(),
    )
    names = (file.latin_name, file.arabic_name, *declared, *(word.names if word else ()))
    return " ".join(dict.fromkeys(common.name_form(name) for name in names if name)) or file.folded


def _tell(file: Patient, source: str, changed: Sequence[str], by: Actor) -> None:
    if file.death_source and not source and file.died_on:
        emit(PatientDied(patient=file.id, died_on=file.died_on), by=by)
    elif source and not file.death_source:
        emit(DeathWithdrawn(patient=file.id), by=by)
    elif changed:
        emit(RegisterFollowed(patient=file.id, fields=tuple(changed)), by=by)
