"""In which order studies go over a line."""

import datetime

LAST_URGENT = 2  # of the ranks of urgency: 0 vital, 1 emergency, 2 urgent; 3 routine and 4 no hurry come behind
NEVER = datetime.datetime.max.replace(tzinfo=datetime.UTC)

Turn = tuple[int, bool, datetime.datetime, datetime.datetime]


def turn(rank: int, *, prior: bool, deadline: datetime.datetime | None, arrived: datetime.datetime) -> Turn:
    """When a study goes over a line, the smallest first: its class of urgency, then its deadline, then its arrival.

    Earlier exams that the other side wants for a case are a class of their own, behind the last of the urgent and
    before routine: what a reader waits for now goes before what he compares it with.
    """
    return rank, prior, deadline or NEVER, arrived


def prior_rank(rank: int) -> tuple[int, bool]:
    """The rank of a study that is wanted as an earlier exam, and whether it goes as one: what is urgent stays so."""
    return (rank, False) if rank <= LAST_URGENT else (LAST_URGENT, True)
