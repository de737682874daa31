"""The sessions in which radiologists of the demo country read for other hospitals, and the invented scale of it."""

import contextlib
import datetime
from collections.abc import Sequence
from itertools import cycle

from django.db import transaction
from django.utils import timezone

from wasl.accounts import queries as accounts
from wasl.contracts import queries
from wasl.contracts import services as contracts
from wasl.contracts.queries import Kind
from wasl.edges.cli.demo.country import SCALES, SINCE, Country
from wasl.kernel.access import SYSTEM, Actor
from wasl.kernel.errors import Refused
from wasl.workforce import queries as workforce

DAYS = 30  # of sessions, up to today
# in thousandths of a dinar, in hundredths of an Algerian one: of no text, and said so on every page
PRICES = {"TN": {"CT": 12_000, "MR": 20_000, "": 6_000}, "DZ": {"CT": 120_000, "MR": 200_000, "": 60_000}}
URGENT = 3, 2  # an urgent act is paid three halves

Turns = Sequence[tuple[datetime.datetime, Actor]]  # when each session began, the newest first, and whose it is


@transaction.atomic
def declare(country: Country) -> Turns:
    """A session for every day of the past weeks, every third of them Leila's, validated by the head of department."""
    turns = _turns(country)
    if queries.scales(viewer=SYSTEM).exists():
        return turns
    up, down = URGENT
    prices = [
        (Kind(modality=modality, mode=mode), amount * (up if mode else down) // down)
        for modality, amount in PRICES[country.code].items() for mode in ("", "urgent")
    ]  # fmt: skip
    scale = contracts.draft_scale(
        code=SCALES[country.code],
        source="",
        invented=True,
        since=timezone.localdate() - SINCE,
        prices=prices,
        by=SYSTEM,
    )
    contracts.publish_scale(scale.id, by=SYSTEM)
    for begins, reader in turns:
        worker = workforce.worker_of(reader.id, viewer=SYSTEM) if reader.id else None
        if worker is None:
            continue
        session = contracts.declare_session(worker.person_id, begins_at=begins, mode="urgent", by=reader)
        (head,) = accounts.holders("chief", place=worker.place_id, viewer=SYSTEM)[:1]
        if begins < turns[0][0]:  # the newest waits for the chief
            with contextlib.suppress(Refused):  # the eleventh of a long month
                contracts.validate_session(session.id, by=accounts.actor_of(head.id))
    return turns


def on_session(turns: Turns, at: datetime.datetime) -> Actor | None:
    """Who reads remotely at a moment."""
    return next((reader for begins, reader in turns if begins <= at), None)


def _turns(country: Country) -> Turns:
    leila, *others = country.readers
    colleagues = cycle(others)
    first = timezone.localtime().replace(hour=8, minute=0, second=0, microsecond=0)
    days = [first - datetime.timedelta(days=n) for n in range(DAYS)]
    return [(day, next(colleagues) if day.toordinal() % 3 else leila) for day in days]
