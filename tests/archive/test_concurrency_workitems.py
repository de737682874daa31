"""Sixteen sessions at once: a workitem is one performer's, and every subscriber hears of it once and in order."""

from functools import partial
from uuid import uuid4

import pytest
from django.db import connection

from tests.at_once import at_once
from tests.cast import cast
from tests.workitems import state, task
from wasl.archive import services as archive
from wasl.archive.models import Subscriber, Workitem
from wasl.archive.rules import workitems
from wasl.kernel.access import Actor, Held
from wasl.kernel.models import Fact

pytestmark = pytest.mark.django_db(transaction=True)
SESSIONS = 16

# a subscriber hears of each workitem once: as one that was there when it subscribed, or as a new one
UNHEARD = """
    select s.ae_title, w.uid from archive_subscriber s cross join archive_workitem w where s.worklist and 1 <>
      (select count(*) from archive_workitemevent e where e.subscriber_id = s.id and e.workitem_id = w.id
       and e.content -> '00741000' -> 'Value' ->> 0 = 'SCHEDULED')"""
OUT_OF_ORDER = """
    select s.id from archive_subscriber s where s.last <>
      (select count(*) from archive_workitemevent e where e.subscriber_id = s.id and e.number between 1 and s.last)"""


def machine(place: object, name: str) -> Actor:
    return Actor(kind="client", id=uuid4(), name=name, held=(Held("client", place),))  # type: ignore[arg-type]


def test_of_all_who_claim_a_workitem_one_has_it() -> None:
    stage = cast()
    archive.create_workitem("1.2.1", attributes=task(), place=stage.regional, by=stage.sami)
    claims = [
        partial(
            archive.change_workitem_state, "1.2.1", attributes=state("IN PROGRESS", f"2.25.{number}"),
            by=machine(stage.regional, f"gpu{number}"),
        )
        for number in range(1, SESSIONS + 1)
    ]  # fmt: skip
    assert at_once(*claims) == ["AlreadyClaimed"] * (SESSIONS - 1)
    row = Workitem.objects.get()
    assert row.state == workitems.IN_PROGRESS
    assert Fact.objects.filter(name="archive.WorkitemStateChanged").count() == 1
    ends = [
        partial(
            archive.change_workitem_state, "1.2.1", attributes=state("CANCELED", f"2.25.{number}"), by=stage.sami
        )
        for number in range(1, SESSIONS + 1)
    ]  # fmt: skip
    assert at_once(*ends) == ["TransactionIncorrect"] * (SESSIONS - 1)
    row.refresh_from_db()
    assert row.state == workitems.CANCELED


def test_nothing_is_missed_by_who_subscribes_at_the_moment_it_comes() -> None:
    stage = cast()
    machines = [machine(stage.regional, f"gpu{number}") for number in range(SESSIONS // 2)]
    subscribing = [
        partial(
            archive.subscribe_workitems, workitems.WORKLIST, ae_title=f"GPU{number}", lock=True, keys=[], by=by
        )
        for number, by in enumerate(machines)
    ]  # fmt: skip
    coming = [
        partial(archive.create_workitem, f"1.2.{number}", attributes=task(), place=stage.regional, by=stage.sami)
        for number in range(SESSIONS // 2)
    ]
    assert at_once(*(act for pair in zip(subscribing, coming, strict=True) for act in pair)) == []
    assert Subscriber.objects.count() == Workitem.objects.count() == SESSIONS // 2
    with connection.cursor() as cursor:
        for invariant in (UNHEARD, OUT_OF_ORDER):
            cursor.execute(invariant)
            assert cursor.fetchall() == []
