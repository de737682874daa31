"""A study on its way to another Wasl is as urgent as its order."""

from contextlib import suppress
from uuid import UUID

from wasl.archive import services as archive
from wasl.archive.events import TransferQueued
from wasl.kernel.access import SYSTEM
from wasl.kernel.errors import Refused
from wasl.kernel.events import Told, after
from wasl.radiology import queries
from wasl.radiology.events import StudyLinked


@after(TransferQueued)
def rank_what_is_sent(event: TransferQueued, told: Told) -> None:
    """A study whose order is known goes with the order's urgency."""
    _rank(event.study)


@after(StudyLinked)
def rank_once_linked(event: StudyLinked, told: Told) -> None:
    """A study on its way that turns out to answer an order is now as urgent as that."""
    _rank(event.study)


def _rank(study: UUID) -> None:
    order = queries.order_of_study(study, viewer=SYSTEM)
    if order is None:
        return
    with suppress(Refused):  # it is not on its way
        archive.rank_transfer(study, rank=int(order.urgency[1:]), by=SYSTEM)
