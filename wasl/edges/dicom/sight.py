"""Which studies a viewer may see through DICOMweb, and the line in the access log that each look leaves.

The same grounds as everywhere (`patients.queries.ground`): a patient's study opens on a ground; a study that is
nobody's yet opens to those who make and read images at its place, so that it can be matched.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from starlette.exceptions import HTTPException
from starlette.requests import Request

from wasl.edges import gate
from wasl.kernel.access import Actor

CLINICAL = ("requester", "radiographer", "radiologist", "chief", "registrar", "client")
IMAGING = ("radiographer", "radiologist", "chief", "client")
LOOK_SECONDS = 600  # looks of one person at one study within this time are one look

# of `s`, a study, for `params(viewer)`
VISIBLE = """(
    (s.patient_id is null and s.place_id = any(%(imaging)s))
    or exists (
        select from patients_carerelationship r
        where r.patient_id = s.patient_id
          and ((r.place_id = any(%(clinical)s) and r.person is null) or r.person = %(person)s)
          and r.starts_at <= now() and (r.ends_at is null or r.ends_at > now())
    )
)"""

# the ground that is named first, in the order of `patients.queries`
GROUND = """(
    select r.ground from patients_carerelationship r
    where r.patient_id = s.patient_id
      and ((r.place_id = any(%(clinical)s) and r.person is null) or r.person = %(person)s)
      and r.starts_at <= now() and (r.ends_at is null or r.ends_at > now())
    order by array_position(array['care', 'card', 'given', 'break_glass'], r.ground::text) limit 1
)"""


@dataclass(frozen=True)
class Seen:
    """A study that the viewer may see: its key, whose it is, and on which ground."""

    key: UUID
    uid: str
    patient: UUID | None
    ground: str


def params(viewer: Actor) -> dict[str, object]:
    """The parameters of VISIBLE."""
    return {
        "imaging": list(viewer.places(*IMAGING)),
        "clinical": list(viewer.places(*CLINICAL)),
        "person": viewer.id if viewer.held else None,
    }


async def reader(request: Request) -> Actor:
    """Who asks to read. Raises 401 for strangers, 403 for machines without the scope."""
    return await _allowed(request, "dicomweb.read")


async def writer(request: Request) -> Actor:
    """Who asks to store. Raises 401 for strangers, 403 for machines without the scope."""
    return await _allowed(request, "dicomweb.write")


async def study(uid: str, *, viewer: Actor) -> Seen:
    """The study of this UID. Raises 404 alike when there is none and when the viewer may not know of it."""
    async with (await gate.pool()).connection() as connection:
        found = await connection.execute("select id, patient_id, place_id from archive_study where uid = %s", (uid,))
        row = await found.fetchone()
    if row is not None:
        key, patient, place = row
        if patient is None:
            if place in viewer.places(*IMAGING):
                return Seen(key, uid, None, "place")
        elif ground := await gate.ground_of(patient, viewer=viewer):
            return Seen(key, uid, patient, ground)
    raise HTTPException(404, "There is no such study that you can see.")


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


async def _allowed(request: Request, scope: str) -> Actor:
    if "\0" in request.url.path or b"%00" in request.scope["query_string"]:
        raise HTTPException(400, "No name and no value has a null character.")
    actor = await gate.actor_of(dict(request.scope))
    if not actor.held:
        raise HTTPException(401, "Sign in, or send an access token.", {"www-authenticate": "Bearer"})
    if actor.kind == "client" and scope not in actor.scopes:
        raise HTTPException(403, f"The access token lacks the scope {scope}.")
    return actor
