"""What came of a morning with an outage, beside the same one without: pure functions over what was lived through."""

import datetime
from collections.abc import Iterable

from wasl.edges.cli.drill.lives import Life, Lived
from wasl.edges.cli.drill.world import MINUTE
from wasl.radiology.services import Score


def score(calm: Lived, lived: Lived) -> Score:
    """The score of a drill.

    A case is late by the deadline of the calm morning: to the patient it is the same where minutes are lost.
    """
    failed = lived.failed or lived.ends
    struck = [life for life in lived.lives if life.exam.number in lived.struck]
    known = lived.back if lived.kind == "link" else lived.noticed
    seen = lived.noticed is not None and known is not None
    return Score(
        cases=len(struck),
        noticed=_minutes(failed, lived.noticed),
        offered=_last(known, (_offered(life, known, lived) for life in struck)) if seen and known else None,
        taken=_last(failed, (_taken(life, failed, lived) for life in struck)),
        ahead=min((_ahead(life) for life in lived.lives if _was_near(life, lived.ends)), default=None),
        late=len(_late(lived, calm) - _late(calm, calm)),
        lost=sum(not life.found for life in lived.lives),
        told=lived.told,
        steps=lived.steps,
    )  # fmt: skip


def _minutes(since: datetime.datetime, until: datetime.datetime | None) -> float | None:
    return None if until is None else round(max(0.0, (until - since) / MINUTE), 1)


def _last(since: datetime.datetime, moments: Iterable[datetime.datetime | None]) -> float | None:
    """The minutes until the last of some moments; None where one of them never came, or there is none."""
    found = list(moments)
    came = [moment for moment in found if moment is not None]
    return _minutes(since, max(came)) if found and len(came) == len(found) else None


def _taken(life: Life, since: datetime.datetime, lived: Lived) -> datetime.datetime | None:
    """When a reader who is there took a case after the outage began."""
    return min((at for at, reader in life.taken if at >= since and reader not in lived.gone), default=None)


def _offered(life: Life, known: datetime.datetime, lived: Lived) -> datetime.datetime | None:
    """When a case was before others once the outage was known: moved, nobody's again, or arrived; or taken before."""
    way = {"centre": life.moved, "reader": life.freed, "link": life.opened}[lived.kind]
    return min((at for at in (way, _taken(life, known, lived)) if at is not None and at >= known), default=None)


def _was_near(life: Life, ends: datetime.datetime) -> bool:
    """Whether a case came near its deadline, by the clock of its own reading."""
    return life.stepped is not None or _is_late(life, life.due, ends)


def _ahead(life: Life) -> float:
    """How long before its deadline a case was first passed on; nothing for one that was late and never was."""
    if life.stepped is None or life.due is None:
        return 0.0
    return _minutes(life.stepped, life.due) or 0.0


def _late(lived: Lived, promised: Lived) -> set[int]:
    pairs = zip(lived.lives, promised.lives, strict=True)
    return {life.exam.number for life, other in pairs if _is_late(life, other.due, lived.ends)}


def _is_late(life: Life, due: datetime.datetime | None, ends: datetime.datetime) -> bool:
    return due is not None and (life.signed or ends) > due
