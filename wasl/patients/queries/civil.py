"""Acts of the civil register: where each stands, and whose an act is."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count, F, Q, QuerySet
from django.db.models.functions import TruncMonth
from django.utils import timezone

from wasl.kernel.access import SYSTEM, Actor
from wasl.kernel.errors import NotFound
from wasl.patients.models import CivilAct, CivilStanding, Patient, SourceIdentity
from wasl.patients.queries.matching import Match, match
from wasl.patients.rules import civil as rules
from wasl.patients.rules import civil_lines
from wasl.patients.rules.matching import fields
from wasl.patients.rules.matching.live import Grade, Terms

How, State, Why = CivilStanding.How, CivilStanding.State, CivilStanding.Why
LATEST = 100  # acts that are done, on the page
MONTHS = 12
AT_ONCE = 5_000  # acts in one question


@dataclass(frozen=True)
class Whose:
    """Whose an act is and how that was found, or why it waits; a birth may be somebody's whom nobody knew."""

    patient: UUID | None = None
    how: str = ""
    why: str = ""
    score: float | None = None
    terms: Terms = ()


@dataclass(frozen=True)
class Month:
    """How many acts of a kind came in a month, and how many of them wait still."""

    month: datetime.date
    kind: str
    count: int
    waiting: int

    @property
    def title(self) -> str:
        """The kind in words."""
        return str(CivilAct.Kind(self.kind).label)


def _visible(viewer: Actor) -> QuerySet[CivilStanding]:
    """Acts of the register are for data stewards of the whole country. Raises NotStewardOfTheCountry."""
    rules.check_steward(viewer)
    return CivilStanding.objects.select_related("act", "patient__head")


def waiting_acts(*, viewer: Actor, kind: str = "", why: str = "") -> QuerySet[CivilStanding]:
    """Acts that wait, those that came first before the others; of one kind, or for one reason."""
    rows = _visible(viewer).filter(state=State.WAITING)
    rows = rows.filter(act__kind=kind) if kind else rows
    return (rows.filter(why=why) if why else rows).order_by("act__created_at", "id")


def settled_acts(*, viewer: Actor, kind: str = "") -> list[CivilStanding]:
    """The acts that were done or annulled last."""
    rows = _visible(viewer).exclude(state=State.WAITING)
    return list((rows.filter(act__kind=kind) if kind else rows).order_by(F("settled_at").desc(), "-id")[:LATEST])


def acts_by_month(*, viewer: Actor) -> list[Month]:
    """How many acts of each kind came in each of the last twelve months, the latest first."""
    since = (timezone.localdate().replace(day=1) - datetime.timedelta(days=31 * (MONTHS - 1))).replace(day=1)
    rows = _visible(viewer).filter(act__created_at__date__gte=since)
    months = rows.annotate(month=TruncMonth("act__created_at")).values("month", "act__kind")
    counted = months.annotate(count=Count("id"), waiting=Count("id", filter=Q(state=State.WAITING)))
    return [
        Month(row["month"].date(), row["act__kind"], row["count"], row["waiting"])
        for row in counted.order_by("-month", "act__kind")
    ]


def count_states(standings: Sequence[UUID], *, viewer: Actor) -> dict[str, int]:
    """How many of some acts are done, wait and are annulled now."""
    rows = _visible(viewer)
    counted = dict.fromkeys((State.DONE.value, State.WAITING.value, State.ANNULLED.value), 0)
    for at in range(0, len(standings), AT_ONCE):
        some = rows.filter(id__in=standings[at : at + AT_ONCE]).values_list("state").annotate(count=Count("id"))
        for state, count in some:
            counted[state] += count
    return counted


def civil_act(key: UUID, *, viewer: Actor) -> CivilStanding:
    """Where one act stands, by the key of the act. Raises NotFound."""
    found = _visible(viewer).filter(act=key).first()
    if found is None:
        raise NotFound
    return found


def acts_of(patient: UUID, *, viewer: Actor) -> list[CivilStanding]:
    """The acts that were taken into a person's files, by the day of what happened."""
    rows = _visible(viewer).filter(patient__head__files=patient, state=State.DONE)
    return list(rows.order_by("act__happened_on", "id"))


def candidates_of(act: UUID, *, viewer: Actor) -> list[Match]:
    """Who may be the person of an act that waits, the most probable first."""
    standing = civil_act(act, viewer=viewer)
    said = effective_of(standing.act, viewer=viewer)[0]
    found = {one.patient.id: one for one in match(rules.record(standing.act.kind, said), viewer=SYSTEM)}
    for one in match(rules.asked(said), viewer=SYSTEM):
        found.setdefault(one.patient.id, one)
    return sorted(found.values(), key=lambda one: -one.score)


def act_columns(header: Sequence[str], *, viewer: Actor) -> list[str]:
    """The columns of a file of acts. Raises UnknownColumn, and ColumnNotThere."""
    rules.check_steward(viewer)
    return civil_lines.columns(header)


def _act(row: CivilAct) -> rules.Act:
    """A kept act as the rules read it."""
    return rules.Act(row.registry, row.kind, row.number, row.acted_on, row.happened_on, row.said)


def effective_of(row: CivilAct, *, viewer: Actor) -> tuple[dict[str, str], bool]:
    """What an act says with its corrections, and whether it is annulled."""
    rules.check_steward(viewer)
    known = {key: _act(found) for key, found in _about(row).items()}
    return rules.effective(_act(row), known), rules.annulled(_act(row).key, known)


def _about(row: CivilAct) -> dict[rules.Key, CivilAct]:
    """The acts that correct or annul an act, and those that annul them."""
    found: dict[rules.Key, CivilAct] = {}
    fresh = [row]
    while fresh:
        named = Q()
        for one in fresh:
            named |= Q(of_registry=one.registry, of_kind=one.kind, of_number=one.number)
        fresh = [one for one in CivilAct.objects.filter(named) if _act(one).key not in found]
        found |= {_act(one).key: one for one in fresh}
    return found


def whose(act: CivilAct, said: Mapping[str, str], *, viewer: Actor) -> Whose:
    """Whose an act is that says this, by what is certain alone."""
    rules.check_steward(viewer)
    for find in (_by_birth, _by_number, _by_mother):
        if found := find(act, said):
            return found
    return _by_match(act, said)


def _by_birth(act: CivilAct, said: Mapping[str, str]) -> Whose | None:
    """By the act of birth that it names, if the birth date says so too."""
    number = said.get("birth_number", "")
    if act.kind == "birth" or not number or not said.get("dob"):
        return None
    named = {"act__registry": said.get("birth_registry", act.registry), "act__number": number}
    birth = CivilStanding.objects.filter(act__kind="birth", **named).select_related("patient").first()
    if birth is None:
        return None
    if birth.state != State.DONE or birth.patient is None:
        return Whose(why=Why.NO_ACT)
    return _if_agreed(birth.patient, said, How.BIRTH)


def _by_number(act: CivilAct, said: Mapping[str, str]) -> Whose | None:
    """By a national number that the register gave, if the birth date says so too."""
    for kind, value in rules.numbers(said):
        owner = SourceIdentity.objects.filter(kind=kind, value=value, verified=True).select_related("patient").first()
        if owner is None or not said.get("dob"):
            continue
        if act.kind == "birth" and _births(owner.patient, act).exists():
            return Whose(why=Why.DONE_ALREADY)
        return _if_agreed(owner.patient, said, How.NUMBER)
    return None


def _if_agreed(patient: Patient, said: Mapping[str, str], how: str) -> Whose:
    """The person, unless birth date or sex say that it is another one: a number may be mistyped in a register too."""
    born, known = fields.born(said.get("dob", "")), patient.birth_date
    sex = {"male": 1, "female": 2}.get(patient.sex, 0)
    full = not patient.birth_date_about and born.day
    day = (born.year, born.month, born.day) if full else (born.year,)
    theirs = () if known is None else (known.year, known.month, known.day) if full else (known.year,)
    if day != theirs or {sex, fields.sex(said.get("sex", ""))} == {1, 2}:
        return Whose(why=Why.CONTRADICTED)
    return Whose(patient.id, how)


def _by_mother(act: CivilAct, said: Mapping[str, str]) -> Whose | None:
    """A newborn without a name, by its mother, its day and its order of birth."""
    mother = rules.mother(said)
    born = fields.born(said.get("dob", ""))
    if act.kind != "birth" or not mother or not born.day:
        return None
    day = datetime.date(*born)
    there = Patient.objects.filter(kind="newborn", birth_date=day, birth_order=int(said["birth_order"]))
    there = there.filter(head=F("id")).exclude(verified=Patient.Verified.REGISTER)
    if not there.exists():
        return None
    known = {one.patient.id: one for one in match(mother, viewer=SYSTEM).matches}
    newborns = list(there.filter(mother__head__in=known).select_related("mother"))
    certain = [one for one in newborns if one.mother and known[one.mother.head_id].grade == Grade.CERTAIN]
    if len(certain) == len(newborns) == 1:
        return _if_agreed(certain[0], said, How.MOTHER)
    return Whose(why=Why.SEVERAL if len(newborns) > 1 else Why.UNSURE) if newborns else None


def _by_match(act: CivilAct, said: Mapping[str, str]) -> Whose:
    """By all that is said of the person, under the name before and the name after; a birth else of somebody new."""
    spoken = [rules.asked(said), rules.record(act.kind, said)]
    found: dict[UUID, Match] = {}
    for texts in spoken[: 1 if spoken[0] == spoken[1] else 2]:
        for one in match(texts, viewer=SYSTEM).matches:
            known = found.get(one.patient.id)
            if one.grade != Grade.POSSIBLE and (known is None or known.score < one.score):
                found[one.patient.id] = one
    if act.kind == "birth":  # two births at one registry are two people's, twins' perhaps
        others = CivilStanding.objects.filter(act__kind="birth", act__registry=act.registry, state=State.DONE)
        born = others.exclude(act=act).filter(patient__head__in=found).values_list("patient__head", flat=True)
        found = {key: one for key, one in found.items() if key not in set(born)}
    certain = [one for one in found.values() if one.grade == Grade.CERTAIN]
    if len(certain) == 1:
        (one,) = certain
        if act.kind == "birth" and _births(one.patient, act).exists():
            return Whose(why=Why.DONE_ALREADY)
        return Whose(one.patient.id, How.MATCH, score=one.score, terms=one.terms)
    if found:
        return Whose(why=Why.SEVERAL if len(found) > 1 else Why.UNSURE)
    return Whose(how=How.NEW) if act.kind == "birth" else Whose(why=Why.NOBODY)


def _births(patient: Patient, but: CivilAct) -> QuerySet[CivilStanding]:
    """Other acts of birth of a person."""
    rows = CivilStanding.objects.filter(act__kind="birth", state=State.DONE, patient__head=patient.head_id)
    return rows.exclude(act=but)


def has_other_birth(patient: Patient, act: CivilAct, *, viewer: Actor) -> bool:
    """Whether a person has an act of birth besides this one."""
    rules.check_steward(viewer)
    return _births(patient, act).exists()
