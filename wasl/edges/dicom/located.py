"""Where a frame lies, found by its address: one question for a frame, one for all of a series that is being viewed."""

import time
from typing import NamedTuple
from uuid import UUID

from wasl.archive.dicom.offsets import ENTRY, NATIVE, OWNER, owner
from wasl.archive.services import changes
from wasl.edges import gate
from wasl.edges.dicom.fresh import SECONDS, Fresh
from wasl.edges.dicom.joined import Joined

NAMED = "i.id, i.path, i.sha256, i.transfer_syntax, i.frames, s.id, s.patient_id, s.place_id"
ROWS = "archive_instance i join archive_series e on e.id = i.series_id join archive_study s on s.id = e.study_id"
ONE = Joined(f"""
select q.turn, {NAMED}, i.frame_table from unnest(%s::text[], %s::text[], %s::text[]) with ordinality
    q (study, series, uid, turn), {ROWS} where not i.rejected and i.uid = q.uid and e.uid = q.series and s.uid = q.study
""")  # noqa: S608  of our own words
ALL = f"select i.uid, {NAMED}, i.frame_table from {ROWS} where s.uid = %s and e.uid = %s and not i.rejected"  # noqa: S608
ROW = 600  # bytes of a row without its table


class Located(NamedTuple):
    """A stored image, its file, whose it is, and where its frames lie (None: not known, empty: no read gives one)."""

    id: UUID
    path: str
    sha256: bytes
    syntax: str
    frames: int
    study: UUID
    patient: UUID | None
    place: UUID | None
    table: bytes | None

    def entry(self, number: int) -> tuple[int, int] | None:
        """Offset and length of a frame that exists, as `dicom.offsets` has them; None where the table does not say."""
        if not self.table or self.table[:OWNER] != owner(self.path) or number > max(self.frames, 1):
            return None
        if self.syntax in NATIVE:
            offset, length = ENTRY.unpack_from(self.table, OWNER)
            return offset + (number - 1) * length, length
        at = OWNER + ENTRY.size * (number - 1)
        if at + ENTRY.size > len(self.table):
            return None
        offset, length = ENTRY.unpack_from(self.table, at)
        return offset, length


_series: Fresh[tuple[str, str], dict[str, Located]] = Fresh()
_viewed: dict[tuple[str, str], float] = {}


async def located(study: str, series: str, instance: str) -> Located | None:
    """The image of an address, whoever asks."""
    key, now = (study, series), time.monotonic()
    known = _series.get(key)
    if known is None and _viewed.get(key, -SECONDS) > now - SECONDS:
        known = await _load(study, series)
    if known is not None and instance in known:
        return known[instance]
    if len(_viewed) > 10_000:
        _viewed.clear()
    _viewed[key] = now
    row = await ONE.ask(study, series, instance)
    return Located(*row) if row else None


async def _load(study: str, series: str) -> dict[str, Located]:
    since = changes()
    async with (await gate.pool()).connection() as connection:
        rows = await (await connection.execute(ALL.encode(), [study, series], prepare=True)).fetchall()
    found = {uid: Located(*row) for uid, *row in rows}
    _series.put((study, series), found, sum(ROW + len(one.table or b"") for one in found.values()), since=since)
    return found
