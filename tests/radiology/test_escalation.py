"""Cases are passed on before they are late, each step once; a dark centre's cases go to others, and stay there."""

import random
from collections import Counter
from collections.abc import Callable
from functools import partial
from uuid import UUID

import pytest
from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests import make
from tests.at_once import at_once
from tests.cast import Cast, cast
from tests.contracts import paid
from tests.hear import hear
from tests.radiology.escalating import HOUR, MINUTE, WHY, due_in, neighbour, on_duty, person, waited
from tests.radiology.test_reading import second_reader, silence
from wasl.accounts.models import Message
from wasl.contracts.models import Act, Fee
from wasl.contracts.services import declare_session, validate_session
from wasl.kernel.access import STRANGER, SYSTEM, Actor
from wasl.kernel.errors import NotAllowed, NotFound
from wasl.kernel.models import Fact
from wasl.radiology import queries, services
from wasl.radiology.listeners.escalation import escalate
from wasl.radiology.models import EscalationRule, EscalationStep, Opening, Outage, Presence, Reading
from wasl.radiology.rules import dispatch
from wasl.radiology.rules import escalation as rules
from wasl.radiology.rules import reading as reading_rules
from wasl.workforce.models import Shift

pytestmark = pytest.mark.django_db
LONG_AGO = timezone.now() - HOUR


@pytest.fixture
def stage() -> Cast:
    return cast()


def steps(case: Reading) -> list[tuple[int, str, UUID | None]]:
    rows = EscalationStep.objects.filter(reading=case).order_by("number")
    return [(row.number, row.because, row.person_id or row.centre_id) for row in rows]


def let_time_pass() -> None:
    """Let the steps that were done lie further back than the pace of the rule; the database keeps them as they were."""
    with connection.cursor() as cursor:
        cursor.execute("set local session_replication_role = replica")
        cursor.execute("update radiology_escalationstep set created_at = created_at - interval '3 minutes'")
        cursor.execute("set local session_replication_role = origin")


def told(whom: Actor) -> list[str]:
    return sorted(Message.objects.filter(person=whom.id).values_list("kind", flat=True))


def test_step_by_step_before_it_is_late(stage: Cast) -> None:
    near, far = neighbour(stage), neighbour(stage, 2, region="TN-61")
    mounir = second_reader(stage)
    on_duty(stage.leila, mounir)
    case = due_in(make.reading(stage, urgency="P1"), 19)
    services.skip_reading(case.id, reason="known", by=stage.leila)
    for number in range(1, 5):
        escalate(0)
        escalate(0)  # told again at once, nothing is done
        assert len(steps(case)) == number
        let_time_pass()
    escalate(0)
    assert steps(case) == [
        (1, "time", mounir.id), (2, "time", stage.karim.id), (3, "time", near.place), (4, "time", far.place),
    ]  # fmt: skip
    facts = Fact.objects.filter(subject=case.id, name="radiology.ReadingEscalated").order_by("seq")
    assert [fact.data["step"] for fact in facts] == [1, 2, 3, 4]
    assert facts[2].data["agreement"] == str(near.agreement and near.agreement.id)
    hear()
    for whom in (mounir, stage.karim, near.reader, near.chief, far.reader):
        assert told(whom) == ["radiology.escalated"]
    assert told(stage.leila) == []
    # it is open to the neighbours now, and to the first centre still
    for reader in (near.reader, far.reader, mounir):
        assert list(queries.readings(viewer=reader)) == [case]
    assert services.take_next_reading(by=near.reader).id == case.id


def test_what_is_not_about_to_be_late_stays(stage: Cast) -> None:
    case = due_in(make.reading(stage, urgency="P1"), 30)
    escalate(0)
    assert steps(case) == []
    # two hours of work stand before one reader: it is foreseen before the last twenty minutes
    on_duty(stage.leila)
    services.set_effort("CT", points=30, since=timezone.localdate(), by=SYSTEM)
    other = due_in(make.reading(stage, urgency="P1"), 45)
    due_in(case, 50)
    escalate(0)
    assert (len(steps(other)), len(steps(case))) == (0, 1)


def test_without_anybody_it_goes_on_at_once_and_says_so(stage: Cast) -> None:
    neighbour(stage, agreed=False)
    far = neighbour(stage, 2, region="TN-61")
    case = due_in(make.reading(stage, urgency="P1"), 15)
    escalate(0)
    assert steps(case) == [(1, "nobody", None)]
    escalate(0)
    assert steps(case)[1:] == [(2, "time", stage.karim.id)]
    let_time_pass()
    escalate(0)
    escalate(0)
    assert steps(case)[2:] == [(3, "nobody", None), (4, "time", far.place)]


def test_who_reads_is_told_and_their_chief_and_no_neighbour(stage: Cast) -> None:
    neighbour(stage)
    case = due_in(make.reading(stage, urgency="P1"), 12)
    services.claim_reading(case.id, by=stage.leila)
    for _ in range(4):
        escalate(0)
        let_time_pass()
    assert steps(case) == [(1, "time", stage.leila.id), (2, "time", stage.karim.id)]
    with pytest.raises(rules.IsBeingRead):
        services.escalate_reading(case.id, reason=WHY, by=stage.karim)
    # silent, it goes back to the worklist, and on to the neighbour
    silence(case)
    services.time_out_reading(case.id, by=SYSTEM)
    escalate(0)
    assert len(steps(case)) == 3
    # the final report has a deadline of its own, and its own steps
    due_in(case, 10)
    escalate(0)
    assert EscalationStep.objects.filter(reading=case, number=1).count() == 2


def test_by_hand_with_a_reason(stage: Cast) -> None:
    near = neighbour(stage)
    case = make.reading(stage, urgency="P1")
    with pytest.raises(rules.EscalationReasonMissing):
        services.escalate_reading(case.id, reason="quick", by=stage.karim)
    assert steps(case) == []
    services.escalate_reading(case.id, reason=WHY, by=stage.karim)  # nobody is on duty: it is the chief's at once
    assert steps(case) == [(1, "nobody", None), (2, "hand", stage.karim.id)]
    step = services.acknowledge_step(EscalationStep.objects.get(number=2).id, by=stage.karim)
    assert (step.acknowledged_by_id, step.acknowledged_at is not None) == (stage.karim.id, True)
    services.acknowledge_step(step.id, by=stage.karim)
    assert Fact.objects.filter(name="radiology.StepAcknowledged").count() == 1
    services.escalate_reading(case.id, reason=WHY, by=stage.leila)
    assert list(queries.readings(viewer=near.reader)) == [case]
    services.acknowledge_step(EscalationStep.objects.get(number=3).id, by=near.chief)
    assert services.escalate_reading(case.id, reason=WHY, by=stage.karim).because == "nobody"
    with pytest.raises(rules.EscalatedAllTheWay):
        services.escalate_reading(case.id, reason=WHY, by=stage.karim)
    with transaction.atomic(), pytest.raises(IntegrityError):
        EscalationStep.objects.filter(number=3).update(reason="another")
    services.withdraw_reading(case.id, by=SYSTEM)
    with pytest.raises(reading_rules.ReadingIsWithdrawn):
        services.escalate_reading(case.id, reason=WHY, by=stage.karim)
    assert services.pass_on_reading(case.id, by=SYSTEM) is None


def test_strangers(stage: Cast) -> None:
    """Who has no business here sees nothing, passes nothing on, and declares nothing."""
    on_duty(stage.leila)
    case = due_in(make.reading(stage, urgency="P1"), 15)
    services.pass_on_reading(case.id, by=SYSTEM)
    step = EscalationStep.objects.get()
    away = neighbour(stage, agreed=False)
    for viewer in (stage.zied, stage.amel, stage.fatma, STRANGER, away.reader, away.chief):
        assert not queries.escalations(viewer=viewer)
        assert not queries.escalated_readings(viewer=viewer)
        assert not queries.outages(viewer=viewer)
        assert queries.readings_to_pass_on(viewer=viewer) == queries.centres_gone_dark(viewer=viewer) == []
        assert queries.centres_back(viewer=viewer) == queries.silent_claims(stage.university, viewer=viewer) == []
        assert queries.redistribution(stage.university, viewer=viewer).moves == []
        assert queries.target_of(case, step=2, viewer=viewer) == queries.Target()
        with pytest.raises(NotFound):
            queries.escalation(case.id, viewer=viewer)
        for act in (
            partial(services.escalate_reading, case.id, reason=WHY),
            partial(services.acknowledge_step, step.id),
            partial(services.declare_centre_dark, stage.university, because=WHY),
            partial(services.declare_centre_back, stage.university, because=WHY),
        ):
            with pytest.raises((NotAllowed, NotFound)):
                act(by=viewer)
    assert not queries.steps_done([case.id], viewer=STRANGER)
    assert not queries.outlook([case.id], viewer=STRANGER)
    for viewer in (stage.leila, stage.karim, stage.hatem):
        assert list(queries.escalations(viewer=viewer)) == list(queries.escalated_readings(viewer=viewer)) == [case]
    assert [row.place.id for row in queries.centres(viewer=stage.karim)] == [stage.university]
    assert [row.place.id for row in queries.centres(viewer=away.chief)] == [away.place]


def test_the_rule_is_dated(stage: Cast) -> None:
    assert queries.escalation_limits(viewer=SYSTEM) == rules.Limits(10, 3, 15, 45)
    today = timezone.localdate()
    services.set_escalation_rule(rules.Limits(20, 5, 30, 60), since=today, by=stage.hatem)
    assert queries.escalation_limits(viewer=SYSTEM) == rules.Limits(20, 5, 30, 60)
    with pytest.raises(rules.EscalationRuleNotLater):
        services.set_escalation_rule(rules.Limits(20, 5, 30), since=today, by=stage.hatem)
    with pytest.raises(rules.BadEscalationRule):
        services.set_escalation_rule(rules.Limits(9, 3, 30), since=today, by=stage.hatem)
    with pytest.raises(NotAllowed):
        services.set_escalation_rule(rules.Limits(), since=today, by=stage.karim)
    with transaction.atomic(), pytest.raises(IntegrityError):
        EscalationRule.objects.update(ahead=9)
    with transaction.atomic(), pytest.raises(IntegrityError):
        EscalationRule.objects.update(silence_routine=29)


def test_a_centre_is_found_dark_by_its_silence_and_back_by_a_sign_of_life(stage: Cast) -> None:
    near = neighbour(stage)
    case = waited(make.reading(stage, urgency="P1"), 16)
    escalate(0)
    assert not Outage.objects.exists()  # nobody is on duty by a roster: silence says nothing
    on_duty(stage.leila)
    services.note_presence(by=stage.leila)
    escalate(0)
    assert not Outage.objects.exists()
    Presence.objects.update(seen_at=timezone.now() - 16 * MINUTE)
    escalate(0)
    outage = Outage.objects.get()
    assert (outage.place_id, outage.declared_by, outage.period.upper) == (stage.university, None, None)
    assert list(queries.readings(viewer=near.reader)) == [case]
    assert not queries.readings(viewer=stage.leila).exists()
    escalate(0)
    assert Outage.objects.count() == Opening.objects.count() == 1
    # what comes to the worklist is looked at again: a sign of life, and new cases are the centre's
    services.note_presence(by=stage.leila)
    assert Presence.objects.get().seen_at > outage.period.lower
    fresh = make.reading(stage, urgency="P1")
    escalate(0)
    assert Outage.objects.get().period.upper is not None
    assert list(queries.readings(viewer=stage.leila)) == [fresh]
    assert list(queries.readings(viewer=near.reader)) == [case], "nothing is snatched back"
    names = Fact.objects.filter(subject=outage.id).order_by("seq").values_list("name", flat=True)
    assert list(names) == ["radiology.CentreWentDark", "radiology.CentreCameBack"]


def test_a_centre_is_missed_for_its_routine_exams_too(stage: Cast) -> None:
    """After a longer silence, of people at work: who is on call at home sleeps, and is called for what is urgent."""
    near = neighbour(stage)
    case = waited(make.reading(stage, urgency="P2"), 46)
    on_duty(stage.leila, kind="oncall", since=2 * HOUR)
    escalate(0)
    assert not Outage.objects.exists()
    shift = Shift.objects.get()
    Shift.objects.update(kind="onsite")
    services.note_presence(by=stage.leila)
    Presence.objects.update(seen_at=timezone.now() - 44 * MINUTE)
    escalate(0)
    assert not Outage.objects.exists(), "a meal"
    # a night on call, then half an hour on site: expected there for half an hour
    Presence.objects.update(seen_at=timezone.now() - 24 * HOUR)
    begun, until = timezone.now() - MINUTE * 30, shift.period.upper
    Shift.objects.update(kind="oncall", period=DateTimeTZRange(shift.period.lower, begun))
    Shift.objects.create(
        roster=shift.roster, worker=shift.worker, period=DateTimeTZRange(begun, until), kind="onsite"
    )  # fmt: skip
    escalate(0)
    assert not Outage.objects.exists(), "the day has just begun"
    Shift.objects.filter(kind="oncall").delete()
    Shift.objects.update(period=shift.period)
    escalate(0)
    assert Outage.objects.get().place_id == stage.university
    assert list(queries.readings(viewer=near.reader)) == [case]


def test_while_somebody_is_there_nobody_asks_what_waits(stage: Cast) -> None:
    make.reading(stage)
    on_duty(stage.leila)
    services.note_presence(by=stage.leila)
    with CaptureQueriesContext(connection) as asked:
        assert queries.centres_gone_dark(viewer=SYSTEM) == []
    assert "radiology_presence" in str(asked.captured_queries)
    assert '"radiology_reading"' not in str(asked.captured_queries)


def test_who_is_seen(stage: Cast) -> None:
    """Looking at the worklist, taking a case and having it open are signs of life; a fresh one is kept."""
    services.note_presence(by=stage.leila)
    first = Presence.objects.get().seen_at
    services.note_presence(by=stage.leila)
    assert Presence.objects.get().seen_at == first
    Presence.objects.update(seen_at=LONG_AGO)
    case = make.reading(stage)
    services.claim_reading(case.id, by=stage.leila)
    assert Presence.objects.get().seen_at > LONG_AGO
    Presence.objects.update(seen_at=LONG_AGO)
    services.keep_reading(case.id, by=stage.leila)
    assert Presence.objects.get().seen_at > LONG_AGO


def test_a_dark_centre_is_emptied_in_one_pass(stage: Cast) -> None:
    """Urgent first, to the region first, balanced; nothing goes twice, and what nobody may read stays and is told."""
    near, also = neighbour(stage), neighbour(stage, 2)
    far = neighbour(stage, 3, region="TN-61")
    neighbour(stage, 4, modality="MR")  # an agreement, and nobody who reads a CT
    cases = [make.reading(stage, urgency=urgency) for urgency in ("P2", "P0", "P1", "P2")]
    held, silent = make.reading(stage), make.reading(stage)
    for case in (held, silent):
        services.claim_reading(case.id, by=stage.leila)
    silence(silent)
    xray = make.procedure(modality="XA")
    nobodys = make.reading(stage, order=make.order(stage, procedure=xray.id))
    outage = services.declare_centre_dark(stage.university, because=WHY, by=stage.karim)
    hear()
    went = {row.reading_id: row.centre_id for row in Opening.objects.all()}
    assert set(went) == {silent.id, *(case.id for case in cases)}
    assert sorted(Counter(went.values()).values()) == [2, 3]
    assert set(went.values()) == {near.place, also.place}
    facts = Fact.objects.filter(name="radiology.ReadingRedistributed").order_by("seq")
    assert [UUID(fact.data["reading"]) for fact in facts][:2] == [cases[1].id, cases[2].id]
    assert services.redistribute_readings(outage.id, by=SYSTEM) == 0
    outage.refresh_from_db()
    assert outage.unread == 1
    # who answers is told; who declared it knows that, and not what is left
    assert told(stage.karim) == ["radiology.left_unread"]
    assert told(stage.hatem) == ["radiology.centre_dark", "radiology.left_unread"]
    assert told(near.reader) == told(near.chief) == ["radiology.redistributed"]
    assert told(far.reader) == []
    # what is held may be finished; what went cannot be taken by the dark centre, and can by the other
    assert set(queries.readings(viewer=stage.leila)) == {held, nobodys}
    for case in cases:
        with pytest.raises(reading_rules.NotYourHospitals):
            services.claim_reading(case.id, by=stage.leila)
    with pytest.raises(dispatch.NotInYourLine):
        services.skip_reading(cases[1].id, reason="known", by=stage.leila)
    taker = near.reader if went[cases[1].id] == near.place else also.reader
    assert services.take_next_reading(by=taker).id == cases[1].id
    assert list(queries.orders(viewer=taker))
    # what comes later while it is dark goes the same way, and what comes once it is back does not
    later = make.reading(stage)
    escalate(0)
    assert Opening.objects.filter(reading=later).count() == 1
    services.declare_centre_back(stage.university, because=WHY, by=stage.hatem)
    fresh = make.reading(stage)
    escalate(0)
    assert not Opening.objects.filter(reading=fresh).exists()
    assert set(queries.readings(viewer=stage.leila)) == {held, nobodys, fresh}


def test_the_neighbour_goes_dark_too(stage: Cast) -> None:
    near = neighbour(stage)
    case = make.reading(stage)
    services.declare_centre_dark(stage.university, because=WHY, by=stage.karim)
    escalate(0)
    services.declare_centre_back(stage.university, because=WHY, by=stage.karim)
    services.declare_centre_dark(near.place, because=WHY, by=near.chief)
    escalate(0)
    assert list(queries.readings(viewer=stage.leila)) == [case]
    assert not queries.readings(viewer=near.reader).exists()
    assert [opening.ended_at is None for opening in Opening.objects.order_by("created_at")] == [False, True]
    assert services.take_next_reading(by=stage.leila).id == case.id


def test_dark_is_declared_once_by_who_answers(stage: Cast) -> None:
    near = neighbour(stage, agreed=False)
    for act in (services.declare_centre_dark, services.declare_centre_back):
        with pytest.raises(rules.EscalationReasonMissing):
            act(stage.university, because="dark", by=stage.karim)
        with pytest.raises(rules.NotYourCentre):
            act(near.place, because=WHY, by=stage.karim)
    with pytest.raises(rules.CentreIsNotDark):
        services.declare_centre_back(stage.university, because=WHY, by=stage.karim)
    with pytest.raises(rules.ReadsForNobody):
        services.declare_centre_dark(stage.other, because=WHY, by=stage.hatem)
    outage = services.declare_centre_dark(stage.university, because=WHY, by=stage.karim)
    with pytest.raises(rules.CentreIsDark):
        services.declare_centre_dark(stage.university, because=WHY, by=stage.hatem)
    # what a person declared no sign of life ends
    services.note_presence(by=stage.leila)
    escalate(0)
    assert [row.id for row in queries.outages(viewer=stage.hatem)] == [outage.id]


def test_the_act_is_paid_by_the_agreement_of_who_read_it(stage: Cast) -> None:
    paid.rule()
    paid.scale()
    near = neighbour(stage)
    assert near.reader.id
    case = make.reading(stage)
    services.declare_centre_dark(stage.university, because=WHY, by=stage.karim)
    hear()
    session = declare_session(near.reader.id, begins_at=timezone.now() - HOUR, mode="urgent", by=near.reader)
    validate_session(session.id, by=near.chief)
    due = case.due_at
    services.claim_reading(case.id, by=near.reader)
    written = make.draft(stage, case.id, by=near.reader)
    services.sign_report(written.id, revision=written.revision, by=near.reader)
    hear()
    act, fee = Act.objects.get(), Fee.objects.get()
    assert (act.provider_id, act.beneficiary_id, act.reader_id) == (near.place, stage.regional, near.reader.id)
    assert (fee.agreement, fee.price.amount) == (near.agreement, 15_000)
    case.refresh_from_db()
    assert case.due_at == due, "the clock goes on as it was promised"


def test_an_agreement_that_ended_opens_nothing(stage: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    near = neighbour(stage, until=timezone.localdate())
    case = make.reading(stage)
    services.declare_centre_dark(stage.university, because=WHY, by=stage.karim)
    hear()
    assert list(queries.readings(viewer=near.reader)) == [case]
    now = timezone.now
    monkeypatch.setattr(timezone, "now", lambda: now() + 24 * HOUR)
    assert not queries.readings(viewer=near.reader).exists()
    with pytest.raises(reading_rules.NoAgreement):
        services.claim_reading(case.id, by=near.reader)


# what never is, whatever happened: questions that have no answer
IN_FORCE = f"""exists (select 1 from radiology_agreedexam e join radiology_order r on r.id = c.order_id
  where e.agreement_id = o.agreement_id and e.provider_id = o.centre_id and e.beneficiary_id = c.place_id
    and e.state = 'signed' and e.modality = c.modality and e.urgency = c.urgency
    and (e.procedure_id is null or e.procedure_id = r.procedure_id)
    and e.period @> (o.created_at at time zone '{settings.TIME_ZONE}')::date)"""
NEVER = {
    "an open reading is routed to a centre without an agreement in force": f"""
        select o.id from radiology_opening o join radiology_reading c on c.id = o.reading_id
        where c.state in ('waiting', 'claimed') and o.ended_at is null and not {IN_FORCE}""",
    "a step is done twice": """select 1 from radiology_escalationstep group by reading_id, due_at, number
        having count(*) > 1""",
    "a case goes twice in an outage": """select 1 from radiology_opening where outage_id is not null
        group by reading_id, outage_id having count(*) > 1""",
    "a step has no fact, or two": """select s.id from radiology_escalationstep s where 1 <> (
        select count(*) from kernel_fact f where f.subject = s.reading_id and f.name = 'radiology.ReadingEscalated'
        and (f.data->>'step')::int = s.number)""",
    "a case went from a dark centre and has nobody": """
        select c.id from radiology_reading c join radiology_opening o on o.reading_id = c.id
        where o.outage_id is not null and not exists (
          select 1 from radiology_opening n where n.reading_id = c.id and n.ended_at is null)""",
}  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_whatever_happens_at_once_these_hold() -> None:
    """Sixteen sessions pass on, redistribute, declare, claim and give back at random; then one question a promise."""
    stage = cast()
    sites = [neighbour(stage), neighbour(stage, 2, region="TN-61")]
    second = person("chef9", "chief", stage.university)
    on_duty(stage.leila)
    services.declare_centre_dark(stage.university, because=WHY, by=stage.karim)
    cases = [due_in(make.reading(stage, urgency="P1"), 15) for _ in range(6)]
    chiefs = {stage.university: stage.karim, **{site.place: site.chief for site in sites}}
    readers = [stage.leila, *(site.reader for site in sites)]
    allowed = {
        "CentreIsDark", "CentreIsNotDark", "EscalatedAllTheWay", "IsBeingRead", "AlreadyClaimed", "NotYourHospitals",
        "NotYourReading", "NotFound", "NothingToRead",
    }  # fmt: skip
    for turn in range(3):
        chance = random.Random(turn)

        def act(chance: random.Random = chance) -> Callable[[], object]:
            case, place, reader = chance.choice(cases), chance.choice(list(chiefs)), chance.choice(readers)
            dark = [outage.id for outage in Outage.objects.filter(period__upper_inf=True)]
            acts: list[Callable[[], object]] = [
                partial(services.pass_on_reading, case.id, by=SYSTEM),
                partial(services.escalate_reading, case.id, reason=WHY, by=second),
                partial(services.declare_centre_dark, place, because=WHY, by=chiefs[place]),
                partial(services.declare_centre_back, place, because=WHY, by=chiefs[place]),
                partial(services.claim_reading, case.id, by=reader),
                partial(services.hand_back_reading, case.id, by=reader),
                *(partial(services.redistribute_readings, key, by=SYSTEM) for key in dark * 2),
            ]
            return chance.choice(acts)

        assert set(at_once(*(act() for _ in range(16)))) <= allowed
        for outage in Outage.objects.filter(period__upper_inf=True):
            at_once(*[partial(services.redistribute_readings, outage.id, by=SYSTEM)] * 3)
    assert EscalationStep.objects.exists() and Opening.objects.exists(), "something happened"
    with connection.cursor() as cursor:
        for never, question in NEVER.items():
            cursor.execute(question)
            assert cursor.fetchall() == [], never


@pytest.mark.django_db(transaction=True)
def test_two_workers_do_a_step_once() -> None:
    stage = cast()
    on_duty(stage.leila)
    case = due_in(make.reading(stage, urgency="P1"), 15)
    at_once(*[partial(services.pass_on_reading, case.id, by=SYSTEM)] * 8)
    assert steps(case) == [(1, "time", stage.leila.id)]
    at_once(*[partial(services.find_centre_dark, stage.university, by=SYSTEM)] * 4)
    assert not Outage.objects.exists()
    waited(case, 16)
    at_once(*[partial(services.find_centre_dark, stage.university, by=SYSTEM)] * 8)
    assert Outage.objects.count() == 1
