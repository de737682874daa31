"""Months that end, and the people of both hospitals who look at what they come to."""

import datetime
import functools
import operator
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from django.db.models import Q, QuerySet
from django.utils import timezone

from tests import make
from tests.cast import Cast
from tests.contracts.paid import scale, session
from wasl.accounts import queries as accounts_queries
from wasl.accounts import services as accounts
from wasl.contracts import services
from wasl.contracts.models import Statement
from wasl.contracts.rules.sessions import midnight, month_of
from wasl.contracts.rules.statements import next_month
from wasl.kernel.access import SYSTEM, Actor
from wasl.kernel.events import tell
from wasl.kernel.models import Notice
from wasl.radiology.models import Report

HEARD = ("wasl.contracts.", "wasl.radiology.listeners.results.")


def hear() -> None:
    """Tell what follows for contracts and for the doctors who asked; nobody prints a report here."""
    while owed := _owed().order_by("fact__seq", "created_at").first():
        tell(notice=str(owed.id))


def _owed() -> QuerySet[Notice]:
    whose = functools.reduce(operator.or_, (Q(listener__startswith=name) for name in HEARD))
    return Notice.objects.filter(whose, told_at__isnull=True)


def this_month() -> datetime.date:
    return month_of(timezone.now())


@contextmanager
def after_it(days: int = 6) -> Iterator[datetime.date]:
    """So many days into the month that follows; gives its first day."""
    month = next_month(this_month())
    at = midnight(month) + datetime.timedelta(days=days - 1, hours=9)
    with patch.object(timezone, "now", lambda: at):
        yield month


def signed(stage: Cast, times: int = 1) -> list[Report]:
    """Reports that Leila signs, and everybody hears of."""
    made = [make.signed_report(stage) for _ in range(times)]
    hear()
    return made


def month(stage: Cast, acts: int = 2) -> list[Report]:
    """Acts of Leila's in a validated session, by a scale."""
    scale()
    session(stage)
    return signed(stage, acts)


def closed(stage: Cast) -> tuple[Statement, Statement]:
    """The month closed: Leila's statement, and that of the two hospitals."""
    with after_it():
        services.close_month(stage.university, month=month_before(), by=stage.karim)
        hear()
    return Statement.objects.get(reader=stage.leila.id), Statement.objects.get(beneficiary=stage.regional)


def month_before() -> datetime.date:
    """The month before the one that the clock says."""
    return (this_month() - datetime.timedelta(days=1)).replace(day=1)


def rim(stage: Cast, *, name: str = "rim", role: str = "chief") -> Actor:
    """Somebody who heads imaging at the regional hospital, and binds it."""
    person = accounts.add_person(
        username=name, password=None, given_name=name.title(), family_name="Saidi", demo=True, by=SYSTEM
    )
    accounts.give_post(person.id, role=role, place=stage.regional, by=SYSTEM)
    return accounts_queries.actor_of(person.id, address="192.0.2.1")
