"""Which studies a viewer may see through DICOMweb, and the line in the access log that each look leaves.

The same grounds as everywhere (`patients.queries.ground`): a patient's study opens on a ground; a study that is
nobody's yet opens to those who make and read images at its place, so that it can be matched.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes
from uuid import UUID

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import Scope

from wasl.edges import gate
from wasl.kernel.access import Actor

CLINICAL = ("requester", "radiographer", "resident", "radiologist", "chief", "registrar", "client")
IMAGING = ("radiographer", "radiologist", "chief", "client")
SHARE = "share"  # the ground of who comes by a link and a code (edges/dicom/shared.py)
LOOK_SECONDS = 600  # looks of one person at one study within this time are one look

_MINE = """((r.place_id = any(%(clinical)s) and r.person is null) or r.person = %(person)s)
    and r.starts_at <= now() and (r.ends_at is null or r.ends_at > now()) and r.ground <> 'review'"""

# of `s`, a study, for `params(viewer)`: what is nobody's yet, what is of a patient, and either
NOBODY = "s.patient_id is null and s.place_id"
NOBODYS = f"({NOBODY} = any(%(imaging)s))"


def record_open(patient: str) -> str:
    """The condition that the record of a patient, whom a column names, is open to the viewer."""
    # the offset keeps the database from reading all relationships first: it asks for each patient as they come
    return f"""exists (
        select from patients_carerelationship r where r.patient_id = {patient} and {_MINE} offset 0)"""


PATIENTS = record_open("s.patient_id")
# whoever reviews the report of a study sees its images, and nothing that names who read them
NAMING = ("SR", "DOC", "KO", "PR")  # modalities of series that people write
_REVIEWED = """exists (
    select from patients_carerelationship r where r.person = %(person)s and r.ground = 'review'
      and r.patient_id = s.patient_id and r.source = s.id and r.starts_at <= now() and r.ends_at > now() offset 0)"""
BLIND = f"(e.modality <> all(%(naming)s) or not {_REVIEWED})"
VISIBLE = f"(s.instance_count > 0 and ({NOBODYS} or {PATIENTS} or {_REVIEWED}))"

# how many patients a viewer sees, as far as they are few
_FEW = f"select count(*) from (select from patients_carerelationship r where {_MINE} limit %(few)s) a"  # noqa: S608
# the same of all together: the database may begin with the patients whom a viewer sees
AMONG_SEEN = f"s.patient_id in (select r.patient_id from patients_carerelationship r where {_MINE})"  # noqa: S608  ours

_reach: dict[Actor, tuple[float, bool]] = {}

# the ground that is named first, in the order of `patients.queries`
GROUND = f"""(case when {_REVIEWED} then 'review' else (
    select r.ground from patients_carerelationship r
    where r.patient_id = s.patient_id
      and {_MINE}
    order by array_position(array['care', 'card', 'given', 'break_glass'], r.ground::text) limit 1
) end)"""  # noqa: S608  of our own words


@dataclass(frozen=True)
class Seen:
    """A study that the viewer may see: its key, whose it is, and on which ground."""

    key: UUID
    uid: str
    patient: UUID | None
    ground: str

    @property
    def blind(self) -> bool:
        """Whether what names the reader of its images is kept from who looks."""
        return self.ground in ("review", SHARE)


def params(viewer: Actor) -> dict[str, object]:
    """The parameters of VISIBLE."""
    return {
        "imaging": list(viewer.places(*IMAGING)),
        "clinical": list(viewer.places(*CLINICAL)),
        "person": viewer.id if viewer.held else None,
        "naming": list(NAMING),
    }


async def sees_few(viewer: Actor, few: int) -> bool:
    """Whether a viewer sees no more than so many patients; remembered for a minute."""
    until, answer = _reach.get(viewer, (0.0, False))
    if until > time.monotonic():
        return answer
    async with (await gate.searching()).connection() as connection:
        found = await connection.execute(_FEW.encode(), params(viewer) | {"few": few + 1})
        ((count,),) = await found.fetchall()
    if len(_reach) > 10_000:
        _reach.clear()
    _reach[viewer] = (time.monotonic() + gate.GRANT_SECONDS, count <= few)
    return bool(count <= few)


async def reader(request: Request) -> Actor:
    """Who asks to read. Raises 401 for strangers, 403 for machines without the scope."""
    return await _allowed(request, "dicomweb.read")


async def writer(request: Request) -> Actor:
    """Who asks to store. Raises 401 for strangers, 403 for machines without the scope."""
    return await _allowed(request, "dicomweb.write")


async def study(uid: str, *, viewer: Actor) -> Seen:
    """The study of this UID. Raises 404 alike when there is none and when the viewer may not know of it."""
    async with (await gate.pool()).connection() as connection:
        found = await connection.execute(
            "select id, patient_id, place_id from archive_study where uid = %s and instance_count > 0", (uid,)
        )
        row = await found.fetchone()
    seen = await opened(row[0], uid, row[1], row[2], viewer=viewer) if row else None
    if seen is None:
        raise HTTPException(404, "There is no such study that you can see.")
    return seen


async def opened(key: UUID, uid: str, patient: UUID | None, place: UUID | None, *, viewer: Actor) -> Seen | None:
    """A study as the viewer sees it, or None when they may not know of it."""
    if patient is None:
        return Seen(key, uid, None, "place") if place in viewer.places(*IMAGING) else None
    ground = await gate.ground_of(patient, viewer=viewer)
    if await gate.reviews(key, viewer=viewer, anew=ground is None):
        ground = "review"
    return Seen(key, uid, patient, ground) if ground else None


async def log(seen: Seen, what: str, *, by: Actor) -> None:
    """Write the look into the access log, once in ten minutes; a study that is nobody's opens no record."""
    if seen.patient is not None:
        await gate.log_access(
            seen.patient, what=what, ground=seen.ground, by=by, subject=seen.key, once_in=LOOK_SECONDS
        )


async def log_search(found: Iterable[tuple[UUID | None, str | None]], *, by: Actor) -> None:
    """Write one line for each patient of a search's answer, once in ten minutes."""
    looks = [(patient, ground, None) for patient, ground in found if patient and ground]
    await gate.log_accesses(looks, what="archive.search", by=by, once_in=LOOK_SECONDS)


def place(by: Actor) -> UUID | None:
    """The place where images and work come from: where the sender makes images, or stands for."""
    for role in IMAGING:
        if places := by.places(role):
            return min(places)
    return None


def check_origin(request: Request) -> None:
    """A page of another site may not write in the name of who is signed in here. Raises 403."""
    origin = request.headers.get("origin")
    if origin and origin.partition("://")[2] != request.headers.get("host"):
        raise HTTPException(403, "Another site may not store here.")


async def allowed(scope: Scope, needed: str) -> Actor:
    """Who asks. Raises 401 for strangers, 403 for machines without the scope that is needed."""
    actor = await gate.actor_of(dict(scope))
    if not actor.held:
        raise HTTPException(401, "Sign in, or send an access token.", {"www-authenticate": "Bearer"})
    if actor.kind == "client" and needed not in actor.scopes:
        raise HTTPException(403, f"The access token lacks the scope {needed}.")
    return actor


async def _allowed(request: Request, needed: str) -> Actor:
    try:
        texts = [unquote_to_bytes(request.scope.get(part) or b"").decode() for part in ("raw_path", "query_string")]
    except UnicodeDecodeError as error:
        raise HTTPException(400, "Names and values are written in UTF-8.") from error
    if "\0" in "".join(texts):
        raise HTTPException(400, "No name and no value has a null character.")
    return await allowed(request.scope, needed)
