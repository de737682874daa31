"""Sessions: declared, validated up to the rule's number, never two at a time, whoever tries at once."""

import datetime
import random
from collections.abc import Callable
from functools import partial

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from tests.at_once import at_once
from tests.cast import Cast, cast
from tests.contracts.paid import rule
from wasl.contracts import queries, services
from wasl.contracts.models import Session
from wasl.contracts.rules import sessions as rules
from wasl.kernel.access import STRANGER
from wasl.kernel.errors import NotAllowed, NotFound
from wasl.kernel.models import Fact
from wasl.workforce.rules import rosters as roster_rules

pytestmark = pytest.mark.django_db
# eight in the morning of the first day of this month, so that ten sessions lie in it
FIRST = timezone.localtime().replace(day=1, hour=8, minute=0, second=0, microsecond=0)


@pytest.fixture
def stage() -> Cast:
    found = cast()
    rule()
    return found


def declare(stage: Cast, day: int = 0, **values: object) -> Session:
    """Leila declares twenty-four hours, so many days after the first of the month."""
    assert stage.leila.id is not None
    at = FIRST + datetime.timedelta(days=day)
    return services.declare_session(stage.leila.id, begins_at=at, mode="urgent", by=stage.leila)


def told(session: Session) -> list[str]:
    names = Fact.objects.filter(subject=session.id).order_by("seq").values_list("name", flat=True)
    return [name.removeprefix("contracts.") for name in names]


def test_from_declared_to_validated(stage: Cast) -> None:
    session = declare(stage)
    assert (session.provider_id, session.state, session.number) == (stage.university, "declared", None)
    assert session.period.upper - session.period.lower == datetime.timedelta(hours=24)
    services.validate_session(session.id, by=stage.karim)
    session.refresh_from_db()
    assert (session.state, session.number, session.decided_by_id) == ("validated", 1, stage.karim.id)
    assert told(session) == ["SessionDeclared", "SessionValidated"]
    for again in (services.validate_session, services.withdraw_session):
        with pytest.raises((rules.SessionDecided, NotAllowed)):
            again(session.id, by=stage.karim)
    services.cancel_session(session.id, because="Elle n’était pas de garde.", by=stage.karim)
    session.refresh_from_db()
    assert (session.state, session.number) == ("cancelled", None)
    declare(stage)  # the hours are free again


def test_refused_for_a_reason(stage: Cast) -> None:
    session = declare(stage)
    with pytest.raises(rules.ReasonMissing):
        services.refuse_session(session.id, because=" ", by=stage.karim)
    services.refuse_session(session.id, because="Congé.", by=stage.karim)
    session.refresh_from_db()
    assert (session.state, session.because) == ("refused", "Congé.")
    second = declare(stage)
    services.withdraw_session(second.id, by=stage.leila)
    assert told(second) == ["SessionDeclared", "SessionWithdrawn"]


def test_the_eleventh_is_not_validated(stage: Cast) -> None:
    made = [declare(stage, day) for day in range(11)]
    for session in made[:10]:
        services.validate_session(session.id, by=stage.karim)
    assert stage.leila.id is not None
    assert queries.validated(stage.leila.id, month=rules.month_of(FIRST), viewer=stage.leila) == 10
    with pytest.raises(rules.MonthIsFull):
        services.validate_session(made[10].id, by=stage.karim)
    with pytest.raises(IntegrityError), transaction.atomic():  # nor by a hand that knows no rule
        Session.objects.filter(id=made[10].id).update(state="validated", number=11)
    services.cancel_session(made[3].id, because="Erreur.", by=stage.karim)
    services.validate_session(made[10].id, by=stage.karim)
    made[10].refresh_from_db()
    assert made[10].number == 4


def test_who_may(stage: Cast) -> None:
    session = declare(stage)
    assert stage.leila.id is not None
    assert stage.zied.id is not None
    for other in (stage.amel, stage.hatem, stage.zied, STRANGER):
        with pytest.raises(NotAllowed):
            services.declare_session(stage.leila.id, begins_at=FIRST, mode="urgent", by=other)
        with pytest.raises(NotAllowed):
            services.validate_session(session.id, by=other)
    with pytest.raises(NotAllowed):
        services.validate_session(session.id, by=stage.leila)
    with pytest.raises(rules.NotAReader):
        services.declare_session(stage.zied.id, begins_at=FIRST, mode="urgent", by=stage.karim)
    with pytest.raises(rules.SessionTooFar):
        declare(stage, 100)
    with pytest.raises(rules.SessionsOverlap):
        declare(stage)
    with pytest.raises(NotFound):
        services.validate_session(stage.leila.id, by=stage.karim)
    for viewer in (stage.leila, stage.karim, stage.hatem):
        assert queries.sessions(viewer=viewer).count() == 1
    for viewer in (stage.amel, stage.zied, stage.fatma, STRANGER):
        assert queries.sessions(viewer=viewer).count() == 0
    assert queries.sessions_waiting(viewer=stage.karim).count() == 1
    assert queries.sessions_waiting(viewer=stage.leila).count() == 0


def test_rules_have_dates(stage: Cast) -> None:
    tomorrow = timezone.localdate() + datetime.timedelta(days=1)
    rule(since=tomorrow, most=4, length=12)
    assert declare(stage).most == 10
    assert stage.leila.id is not None
    later = timezone.localtime() + datetime.timedelta(days=3)  # never in the hours of the other one
    other = services.declare_session(stage.leila.id, begins_at=later, mode="scheduled", by=stage.leila)
    assert (other.most, other.period.upper - other.period.lower) == (4, datetime.timedelta(hours=12))
    with pytest.raises(roster_rules.SessionRuleNotLater):
        rule(since=tomorrow)
    with pytest.raises(roster_rules.BadSessionRule):
        rule(since=tomorrow + datetime.timedelta(days=1), most=0)


def test_without_a_rule_there_is_no_session() -> None:
    with pytest.raises(rules.NoSessionRule):
        declare(cast())


INVARIANTS = """
select 'more than the rule allows' from contracts_session where state = 'validated'
  group by reader_id, month having count(*) > min(most)
union all
select 'two at a time' from contracts_session a join contracts_session b on a.id < b.id and a.reader_id = b.reader_id
  and a.period && b.period and a.state in ('declared', 'validated') and b.state in ('declared', 'validated')
union all
select 'a number twice' from contracts_session where number is not null group by reader_id, month, number
  having count(*) > 1
"""


@pytest.mark.django_db(transaction=True)
def test_sixteen_at_once_never_make_an_eleventh() -> None:
    stage = cast()
    rule()
    chance = random.Random(7)
    for round_ in range(4):
        acts: list[Callable[[], object]] = [partial(declare, stage, chance.randrange(14)) for _ in range(8)]
        known = list(Session.objects.values_list("id", flat=True))
        for key in chance.sample(known, min(8, len(known))):
            acts.append(
                partial(services.cancel_session, key, because="Erreur.", by=stage.karim)
                if chance.random() < 0.25
                else partial(services.validate_session, key, by=stage.karim)
            )
        refusals = set(at_once(*acts))
        assert refusals <= {"SessionsOverlap", "SessionDecided", "MonthIsFull"}, (round_, refusals)
    for session in Session.objects.filter(state="declared"):
        at_once(partial(services.validate_session, session.id, by=stage.karim))
    assert Session.objects.filter(state="validated").exists()
    with connection.cursor() as cursor:
        cursor.execute(INVARIANTS)
        assert cursor.fetchall() == []
