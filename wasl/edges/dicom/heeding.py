"""What is said over a thin line between two pieces: what the other side wants, and corrections in both directions.

The protocol is described in docs/reference/transfer.md.
"""

import json
import logging
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from django.utils.dateparse import parse_datetime

from wasl.archive import queries
from wasl.archive import services as archive
from wasl.archive.queries import Correcting
from wasl.edges.body import document
from wasl.kernel.access import SYSTEM, Actor
from wasl.kernel.errors import Refused

Key = tuple[str, bool]  # a note's UID, and whether it was lifted

log = logging.getLogger(__name__)


class Nonsense(ValueError):
    """This is no list of corrections."""


def wanted(*, viewer: Actor) -> dict[str, Any]:
    """The earlier exams that a site is asked for, the soonest needed first."""
    return {
        "wanted": [
            {"id": str(row.id), "study": row.manifest.study.uid, "deadline": row.deadline.isoformat()}
            for row in queries.wanted(viewer=viewer)
        ]
    }


def send_for(link: UUID, said: bytes) -> None:
    """Queue what the other side of a line wants. Raises KeyError, ValueError, TypeError, AttributeError, Refused."""
    for one in document(said)["wanted"]:
        deadline = parse_datetime(one["deadline"])
        if deadline is None or deadline.tzinfo is None:
            raise ValueError("no moment")
        archive.queue_prior(str(one["study"]), link=link, want=UUID(one["id"]), deadline=deadline, by=SYSTEM)


def letter(made: Sequence[Correcting], heard: Iterable[Key]) -> bytes:
    """What one end tells the other: corrections made here, in their order, and which of its own were heard."""
    return json.dumps({"made": [_told(one) for one in made], "heard": [list(key) for key in heard]}).encode()


def read(body: bytes) -> tuple[list[Correcting], list[Key]]:
    """Such a letter as it came. Raises Nonsense."""
    try:
        said = document(body)
        return [_made(one) for one in said["made"]], [_key(one) for one in said["heard"]]
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise Nonsense from error


def take(made: Iterable[Correcting], *, link: UUID | None, by: Actor) -> list[Key]:
    """Do here what the other end did, in its order; those that are done with.

    What comes too early is told again. What is refused would be refused again: it is done with, and the log says so.
    """
    heard, held_up = [], set[str]()
    for one in made:
        if one.study_uid in held_up:  # of one study nothing passes what went before
            continue
        try:
            done = archive.hear_correction(one, link=link, by=by)
        except Refused as refusal:
            log.warning("A correction that came over a line was refused: %s", refusal.code)
            archive.note_corrections_told([one.key], link=link, by=by)
            done = True
        if done:
            heard.append(one.key)
        else:
            held_up.add(one.study_uid)
    return heard


def answer(body: bytes, *, by: Actor) -> bytes:
    """What a site that calls is told when it tells its corrections. Raises Nonsense."""
    made, told = read(body)
    archive.note_corrections_told(told, link=None, by=by)
    heard = take(made, link=None, by=by)
    return letter(queries.corrections_for_sender(viewer=by), heard)


def _told(one: Correcting) -> dict[str, Any]:
    return {
        "study": one.study_uid, "note": one.note, "reason": one.reason, "instances": one.instances,
        "restored": one.restored,
    }  # fmt: skip


def _made(said: Any) -> Correcting:  # noqa: ANN401
    instances = said["instances"]
    if not isinstance(instances, list):
        raise TypeError
    note, restored = _key([said["note"], said["restored"]])
    return Correcting(str(said["study"])[:64], note, str(said["reason"]), tuple(map(str, instances)), restored)


def _key(said: Any) -> Key:  # noqa: ANN401
    note, restored = said
    if not isinstance(note, str) or not isinstance(restored, bool):
        raise TypeError
    return note, restored
