"""Numbers set aside for work without a network: drawn for a place, given once each, withdrawn with what is left."""

import secrets
from uuid import UUID

from django.db import connection
from django.utils import timezone

from wasl.kernel.access import Actor
from wasl.kernel.errors import NotFound
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb
from wasl.patients import rules as common
from wasl.patients.events import NumbersDrawn, NumbersWithdrawn
from wasl.patients.models import NumberBlock, WaslNumber
from wasl.patients.rules import numbers as rules
from wasl.places import queries as places

TAKE = """
insert into patients_waslnumber (number, block_id) select number, %s from unnest(%s::text[]) as drawn(number)
order by number on conflict do nothing returning number
"""


@verb
def draw_numbers(size: int, *, place: UUID, by: Actor) -> tuple[NumberBlock, list[str]]:
    """Set aside so many new Wasl numbers for a place; answers them with their block. Nobody else is given any."""
    rules.check_size(size)
    where = places.place(place, viewer=by)
    common.check_reach(where.id, by)
    block = NumberBlock.objects.create(place_id=where.id, size=size, drawn_by=str(by))
    taken: list[str] = []
    while len(taken) < size:
        taken += _take(block, size - len(taken))
    emit(NumbersDrawn(block=block.id, place=where.id, size=size), by=by)
    return block, sorted(taken)


def _take(block: NumberBlock, count: int) -> list[str]:
    """So many numbers at most that nobody has and no block holds: the database knows all that were ever given."""
    drawn = {common.wasl_number(1_000_000_000 + secrets.randbelow(9_000_000_000)) for _ in range(count)}
    with connection.cursor() as cursor:
        cursor.execute(TAKE, [block.id, sorted(drawn)])
        return [number for (number,) in cursor.fetchall()]


@verb
def withdraw_numbers(block: UUID, *, because: str, by: Actor) -> NumberBlock:
    """Withdraw a block that was lost or is needed no more: what was given stays, what is left is never given."""
    row = NumberBlock.objects.select_for_update().filter(id=block).first()
    if row is None:
        raise NotFound
    common.check_reach(row.place_id, by)
    row.withdrawn_because = rules.check_withdrawal(row.withdrawn_at is not None, because)
    row.withdrawn_at, row.withdrawn_by = timezone.now(), str(by)
    row.save(update_fields=("withdrawn_at", "withdrawn_by", "withdrawn_because"))
    left = WaslNumber.objects.filter(block=row, patient=None).count()
    emit(NumbersWithdrawn(block=row.id, place=row.place_id, left=left), by=by)
    return row
