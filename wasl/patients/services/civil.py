"""The civil register's feed: each act is kept as it came, and taken into a file as soon as it is certain whose it is.

Acts come in any order. What cannot be done yet waits, and is tried again when the act comes that it names, or somebody
who shares a key with it. One act is taken at a time, and nobody at a desk waits for that.
"""

from collections.abc import Iterable, Mapping
from uuid import UUID

from django.db import connection
from django.db.models import Q
from django.utils import timezone

from wasl.kernel.access import SYSTEM, Actor
from wasl.kernel.errors import NotFound
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb
from wasl.patients import queries
from wasl.patients import rules as common
from wasl.patients.events import CivilActReceived, CivilActTaken, CivilActUndone, PatientRegistered
from wasl.patients.models import CivilAct, CivilStanding, Patient, RecordKey, RecordLink, SourceRecord
from wasl.patients.queries.civil import Whose
from wasl.patients.rules import civil as rules
from wasl.patients.rules import civil_lines
from wasl.patients.rules.matching import live, saying, weighing
from wasl.patients.rules.merging import check_merge_reason, check_person
from wasl.patients.services.records import Saying, say_again, write_records
from wasl.patients.services.registered import follow
from wasl.patients.services.registration import enter_patient

How, State, Why = CivilStanding.How, CivilStanding.State, CivilStanding.Why
KEPT = (How.NEW, How.PERSON)  # whose such an act is, no correction of it changes
AT_ONCE = 50


@verb
def receive_act(texts: Mapping[str, object], *, by: Actor) -> CivilStanding:
    """Keep an act of the civil register, and take it into the file of whom it is about; received twice, it is one act.

    `texts` are the columns of the feed. Raises NotAnAct, and ActSaysOtherwise where the act came before and differs.
    """
    act = civil_lines.read(texts, today=timezone.localdate())
    _take_turn()
    known = CivilAct.objects.filter(registry=act.registry, kind=act.kind, number=act.number).first()
    if known is not None:
        same = (known.acted_on, known.happened_on, known.said) == (act.acted_on, act.happened_on, act.said)
        if not same:
            raise rules.ActSaysOtherwise
        return known.standing
    row = CivilAct.objects.create(
        registry=act.registry, kind=act.kind, number=act.number, acted_on=act.acted_on, happened_on=act.happened_on,
        said=act.said, received_by=str(by), **_threads(act),
    )  # fmt: skip
    standing = CivilStanding.objects.create(act=row, state=State.WAITING, why=Why.NOBODY, tried_at=timezone.now())
    emit(CivilActReceived(act=row.id, kind=row.kind, registry=row.registry), by=by)
    _work([standing.id, *_standings(_naming(row))], by=by)
    standing.refresh_from_db()
    return standing


def _threads(act: rules.Act) -> dict[str, str]:
    """The other acts that an act names, as they are kept."""
    of_registry, of_kind, of_number = act.of if act.kind not in rules.OF_A_PERSON else ("", "", "")
    birth_registry, _kind, birth_number = act.birth or ("", "", "")
    return {
        "of_registry": of_registry, "of_kind": of_kind, "of_number": of_number, "birth_registry": birth_registry,
        "birth_number": birth_number,
    }  # fmt: skip


@verb
def decide_act(key: UUID, *, patient: UUID | None, because: str, by: Actor) -> CivilStanding:
    """Say whose an act is that waits; of a birth also that it is somebody new, where no patient is named."""
    standing, why = _in_hand(key, because, by)
    rules.check_waiting(standing.state)
    if standing.act.kind not in rules.OF_A_PERSON or (patient is None and standing.act.kind != "birth"):
        raise rules.NobodyIsBornByIt
    if patient is not None:
        file = queries.patient(patient, viewer=SYSTEM)
        if standing.act.kind == "birth" and queries.has_other_birth(file, standing.act, viewer=SYSTEM):
            raise rules.AnotherActOfBirth
    said, _annulled = queries.effective_of(standing.act, viewer=SYSTEM)
    standing.because = why
    more = _attach(standing, said, Whose(patient, How.PERSON), by=by)
    _work(more, by=by)
    return standing


@verb
def undo_act(key: UUID, *, because: str, by: Actor) -> CivilStanding:
    """Take back what a steward said of an act: the file is as without it, and the act waits again."""
    standing, why = _in_hand(key, because, by)
    rules.check_decided(standing.state, standing.how)
    said, _annulled = queries.effective_of(standing.act, viewer=SYSTEM)
    more = _detach(standing, by=by)
    standing.because = why
    _wait(standing, Why.UNSURE, said)
    _work([one for one in more if one != standing.id], by=by)
    return standing


@verb
def try_acts(*, by: Actor, patient: UUID | None = None) -> int:
    """Try acts again that wait: those that a person who came or changed may be meant by, or those tried longest ago.

    Answers how many were tried.
    """
    _take_turn()
    waiting = CivilStanding.objects.filter(state=State.WAITING)
    found = _woken(patient) if patient else list(waiting.order_by("tried_at").values_list("id", flat=True)[:AT_ONCE])
    _work(found, by=by)
    return len(found)


@verb
def follow_register(*files: UUID, by: Actor) -> None:
    """Bring files to what the register says of their person, after it was said who is one; told twice, once."""
    _take_turn()
    for file in files:
        follow(file, by=by)


def _in_hand(key: UUID, because: str, by: Actor) -> tuple[CivilStanding, str]:
    """Where an act stands, held for a steward to decide of it, and the reason given for that."""
    check_person(by)
    rules.check_steward(by)
    why = check_merge_reason(because)
    _take_turn()
    standing = CivilStanding.objects.select_for_update(of=("self",)).select_related("act").filter(act=key).first()
    if standing is None:
        raise NotFound
    return standing, why


def _take_turn() -> None:
    """One act after the other: two that wait for each other would else both wait for ever."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(hashtextextended('patients:civil', 0))")


def _work(keys: Iterable[UUID], *, by: Actor) -> None:
    """Settle acts, and those that follow from them, until nothing follows any more."""
    queue = list(dict.fromkeys(keys))
    while queue:
        standing = CivilStanding.objects.select_related("act").get(id=queue.pop(0))
        more = _settle(standing, by=by)
        queue += [key for key in more if key not in queue]


def _settle(standing: CivilStanding, *, by: Actor) -> list[UUID]:
    """Put an act where it stands by all that is known now; answers which acts that concerns."""
    act = standing.act
    said, annulled = queries.effective_of(act, viewer=SYSTEM)
    if act.kind not in rules.OF_A_PERSON:
        return _settle_about(standing, annulled, by)
    if annulled:
        return _annul(standing, by=by) if standing.state != State.ANNULLED else []
    if standing.state == State.DONE and standing.taken == said:
        return _follow_birth(standing, said, by=by)
    more: list[UUID] = []
    if standing.state == State.DONE and standing.how in KEPT:
        return _attach(standing, said, Whose(standing.patient_id, standing.how), by=by)
    if standing.state == State.DONE:
        more = _detach(standing, by=by)
    found = queries.whose(act, said, viewer=SYSTEM)
    if found.why:
        _wait(standing, found.why, said)
        return more
    return [*more, *_attach(standing, said, found, by=by)]


def _settle_about(standing: CivilStanding, annulled: bool, by: Actor) -> list[UUID]:
    """A correction or an annulment is done as soon as the act is there that it names, whose turn it is then."""
    act, was = standing.act, standing.state
    target = CivilAct.objects.filter(registry=act.of_registry, kind=act.of_kind, number=act.of_number).first()
    if target is None:
        _wait(standing, Why.NO_ACT, {})
        return []
    standing.state = State.ANNULLED if annulled else State.DONE
    if was == standing.state:
        return []
    standing.why, standing.how = "", How.ACT
    standing.settled_at, standing.settled_by = timezone.now(), str(by)
    standing.save()
    emit(CivilActUndone(act=act.id, patient=None) if annulled
         else CivilActTaken(act=act.id, patient=None, how=How.ACT.value), by=by)  # fmt: skip
    return _standings([target])


def _follow_birth(standing: CivilStanding, said: Mapping[str, str], *, by: Actor) -> list[UUID]:
    """An act that names its act of birth goes where that one goes, if it came meanwhile, or is annulled."""
    if standing.how in KEPT or not said.get("birth_number"):
        return []
    found = queries.whose(standing.act, said, viewer=SYSTEM)
    if found.patient == standing.patient_id:
        standing.how = found.how
        standing.save(update_fields=("how",))
        return []
    led = (standing.how, found.how, found.why)
    if How.BIRTH not in led and Why.CONTRADICTED not in led and Why.NO_ACT not in led:
        return []  # others resemble the person now: what was certain is not taken back for that
    more = _detach(standing, by=by)
    if found.why:
        _wait(standing, found.why, said)
        return more
    return [*more, *_attach(standing, said, found, by=by)]


def _wait(standing: CivilStanding, why: str, said: Mapping[str, str]) -> None:
    """Let an act wait, to be found by who shares a key with it."""
    texts = [rules.asked(said), rules.record(standing.act.kind, said), rules.mother(said)]
    found = live.indexed([live.row(one) for one in texts if one]) if said else []
    standing.state, standing.why, standing.how = State.WAITING, why, ""
    standing.settled_at, standing.settled_by, standing.tried_at = None, "", timezone.now()
    standing.keys = sorted({int(key) for one in found for key in one.keys})
    standing.save()


def _attach(standing: CivilStanding, said: Mapping[str, str], found: Whose, *, by: Actor) -> list[UUID]:
    """Take an act into a file, or give a number to whom nobody knew; answers which acts that wakes."""
    patient = found.patient or _newcomer(said, by=by).id
    now = timezone.now()
    standing.state, standing.why, standing.how, standing.patient_id = State.DONE, "", found.how, patient
    standing.taken, standing.score, standing.reasons = dict(said), found.score, list(found.terms)
    standing.settled_at, standing.settled_by, standing.keys = now, str(by), []
    standing.because = standing.because if found.how == How.PERSON else ""
    if standing.act.kind != "death":
        _say(standing, patient, said, by=by)
    standing.save()
    emit(CivilActTaken(act=standing.act_id, patient=patient, how=found.how), by=by)
    follow(patient, by=by)
    return _woken(patient, standing.act)


def _newcomer(said: Mapping[str, str], *, by: Actor) -> Patient:
    values, _numbers = saying.person(rules.record("birth", said))
    patient = enter_patient(common.readable(values, today=timezone.localdate()), by=by)
    emit(PatientRegistered(patient=patient.id, place=None), by=by)
    return patient


def _say(standing: CivilStanding, patient: UUID, said: Mapping[str, str], *, by: Actor) -> None:
    """The register's own record of the person, by which they are found; it was another's, or said something else."""
    texts = rules.record(standing.act.kind, said)
    if standing.record_id is None:
        standing.record = SourceRecord.objects.create(place=None)
        write_records(patient, [Saying(texts)], by=by, state=RecordLink.State.AUTO, score=standing.score,
                      terms=tuple(standing.reasons), records=[standing.record])  # fmt: skip
        return
    record = SourceRecord.objects.select_for_update().get(id=standing.record_id)
    say_again(record, texts, by=by)
    if not RecordLink.objects.filter(record=record, closed_at=None).exists():
        RecordLink.objects.create(
            record=record, patient_id=patient, state=RecordLink.State.AUTO, score=standing.score,
            reasons=list(standing.reasons), model=weighing.mark(), opened_at=timezone.now(), opened_by=str(by),
        )  # fmt: skip


def _detach(standing: CivilStanding, *, by: Actor) -> list[UUID]:
    """Take an act out of a file, which is as without it; answers which acts that concerns."""
    patient = standing.patient_id
    if patient is None:
        return []
    more = _woken(patient, standing.act)
    RecordLink.objects.filter(record=standing.record_id, record__isnull=False, closed_at=None).update(
        closed_at=timezone.now(), closed_by=str(by)
    )
    standing.state, standing.why, standing.how, standing.patient = State.WAITING, Why.NOBODY, "", None
    standing.taken, standing.score, standing.reasons, standing.because = None, None, [], ""
    standing.settled_at, standing.settled_by = None, ""
    standing.save()
    emit(CivilActUndone(act=standing.act_id, patient=patient), by=by)
    follow(patient, by=by)
    return more


def _annul(standing: CivilStanding, *, by: Actor) -> list[UUID]:
    """The register takes an act back: the file is as if it had never come, and what was made for it stays."""
    was = standing.patient_id
    more = _detach(standing, by=by)
    standing.state, standing.why, standing.how = State.ANNULLED, "", ""
    standing.settled_at, standing.settled_by = timezone.now(), str(by)
    standing.save()
    if was is None:  # or it was told already
        emit(CivilActUndone(act=standing.act_id, patient=None), by=by)
    return more


def _naming(act: CivilAct) -> list[CivilAct]:
    """The acts that came before the act that they name."""
    named = Q(of_registry=act.registry, of_kind=act.kind, of_number=act.number)
    if act.kind == "birth":
        named |= Q(birth_registry=act.registry, birth_number=act.number)
    return list(CivilAct.objects.filter(named).order_by("id"))


def _standings(acts: Iterable[CivilAct]) -> list[UUID]:
    return list(CivilStanding.objects.filter(act__in=list(acts)).order_by("id").values_list("id", flat=True))


def _woken(patient: UUID, act: CivilAct | None = None) -> list[UUID]:
    """The acts that wait and share a key with what is said of a person; and those that name an act of theirs."""
    links = RecordLink.objects.filter(patient__head__files=patient, closed_at=None).values("record")
    keys = list(RecordKey.objects.filter(record__in=links).values_list("key", flat=True).distinct())
    waiting = CivilStanding.objects.filter(state=State.WAITING, keys__overlap=keys) if keys else []
    found = [one.id for one in waiting]
    return [*found, *(_standings(_naming(act)) if act else [])]
