"""Reading the journal: the story of a subject or a patient, and the proof that nobody touched it."""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from django.db import connection

from wasl.kernel.models import Fact

_BROKEN = """
with walked as (
  select f.seq, f.chain, f.position, f.hash,
         row_number() over w as expected,
         kernel_fact_hash(coalesce(lag(f.hash) over w, ''::bytea), f) as computed
  from kernel_fact f where f.chain is not null
  window w as (partition by f.chain order by f.position)
)
select seq, chain, case when position <> expected then 'a fact before this one is missing'
                        else 'this fact, or the one before it, was changed' end
from walked where position <> expected or hash <> computed
union all
select seq, null, 'this fact was never sealed' from kernel_fact where hash is null
union all
select null, c.number, 'the last facts of this chain are missing'
from kernel_chain c
where c.length <> (select count(*) from kernel_fact f where f.chain = c.number)
   or (c.length > 0 and c.hash is distinct from
       (select f.hash from kernel_fact f where f.chain = c.number order by f.position desc limit 1))
order by 1 limit %s
"""


@dataclass(frozen=True)
class Break:
    """A place where the journal does not hold together."""

    seq: int | None
    chain: int | None
    what: str


def verify(limit: int = 100) -> list[Break]:
    """Every place where the journal was edited, cut or never sealed; empty when it is whole."""
    with connection.cursor() as cursor:
        cursor.execute(_BROKEN, (limit,))
        return [Break(*row) for row in cursor.fetchall()]


def facts(*, subject: UUID | None = None, patient: UUID | None = None, since: int = 0) -> Iterator[Fact]:
    """The facts after number `since`, oldest first, of one subject or one patient."""
    rows = Fact.objects.filter(seq__gt=since).order_by("seq")
    if subject:
        rows = rows.filter(subject=subject)
    if patient:
        rows = rows.filter(data__patient=str(patient))
    return rows.iterator()
