"""Lines that fell silent for too long, and are heard again."""

from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from wasl.archive import queries
from wasl.archive.events import LineHeard, LineMissed
from wasl.archive.models import Silence
from wasl.archive.queries.silences import SilentLine
from wasl.kernel.access import Actor
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb


@verb
def miss_line(line: SilentLine, *, by: Actor) -> Silence | None:
    """Note that a line is silent for too long; found again, it is one silence until it is heard."""
    if line not in queries.silent_lines(viewer=by):
        return None
    try:
        with transaction.atomic():
            silence = Silence.objects.create(link_id=line.link, gateway_id=line.gateway, since=line.since)
    except IntegrityError:  # it is missed already
        return None
    emit(LineMissed(silence=silence.id, place=line.place, link=line.link, gateway=line.gateway), by=by)
    return silence


@verb
def hear_line(key: UUID, *, by: Actor) -> None:
    """Note that a silent line is heard again, or that nobody waits for it any more; told again, it was over before."""
    silence = Silence.objects.select_for_update(of=("self",)).select_related("link", "gateway").get(id=key)
    heard = queries.silences_over(viewer=by).get(key)
    if heard is None:
        return
    silence.ended_at = timezone.now()
    silence.save(update_fields=("ended_at",))
    line = silence.link or silence.gateway
    told = LineHeard(
        silence=key, place=line.place_id if line else None, heard=heard, link=silence.link_id,
        gateway=silence.gateway_id,
    )  # fmt: skip
    emit(told, by=by)
