"""Drills are kept: who rehearsed which outage, and how it went. They are held elsewhere, in a world of their own."""

from dataclasses import asdict
from typing import cast
from uuid import UUID

from wasl.kernel.access import Actor
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb
from wasl.radiology.events import DrillHeld
from wasl.radiology.models import Drill
from wasl.radiology.rules import drills as rules
from wasl.radiology.rules.drills import Score as Score


@verb
def keep_drill(kind: str, *, seed: int, score: Score, by: Actor) -> Drill:
    """Keep how a drill went that somebody held who heads a centre or plans; it is never changed."""
    rules.check_drill(kind, score)
    drill = Drill.objects.create(kind=kind, seed=seed, held_by_id=cast(UUID, by.id), **asdict(score))
    emit(DrillHeld(drill=drill.id, kind=kind, seed=seed, passed=rules.is_passed(score)), by=by)
    return drill
