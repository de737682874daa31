"""What a gateway's start page says of its line: whether the centre answers, what waits, how much room there is."""

import datetime
from dataclasses import dataclass

from django.conf import settings
from django.utils import timezone

from wasl.archive import queries as archive
from wasl.archive import services as archiving
from wasl.kernel.access import Actor

# the pages that are of use where no order, no report and no patient's record is kept
LOCAL = frozenset({"archive:studies", "archive:upload", "archive:conflicts", "archive:sources", "accounts:people"})
GIGABYTE = 1 << 30
LITTLE_ROOM = 5 * GIGABYTE  # some ten CT studies: time enough to act
NO_ROOM = 16 << 20  # an X-ray image: one that is larger than what is left is refused
STALE = datetime.timedelta(minutes=1)  # without a word, whatever the last one was
DRIFT = 5.0  # seconds between two clocks, from which orders and images change places


@dataclass(frozen=True)
class Line:
    """The line of a gateway, as people need to know it."""

    silent_since: datetime.datetime | None
    heard: bool  # at any time
    studies: int  # that wait to be sent
    size: int  # bytes of them
    exams: int  # that the worklist names
    room: float  # bytes that may still be taken
    renew_by: datetime.datetime | None  # the certificate's end, when it comes near and nothing renewed it
    over: bool  # whether that end is past
    apart: int  # seconds between the clocks, when they matter

    @property
    def full(self) -> bool:
        """Whether images are being refused for want of room."""
        return self.room < NO_ROOM

    @property
    def little_room(self) -> bool:
        """Whether there soon will be no room."""
        return self.room < LITTLE_ROOM


def line(*, viewer: Actor) -> Line | None:
    """The line of this gateway; None where there is none, and for who holds no post."""
    if not settings.GATEWAY or not viewer.held:
        return None
    centre = archive.centre(viewer=viewer)
    studies, size = archive.waiting(viewer=viewer)
    now = timezone.now()
    silent = centre.silent_since if centre else None
    if centre and centre.heard_at and not silent and now - centre.heard_at > STALE:
        silent = centre.heard_at  # nobody even asks: the process that keeps the line is down
    until = centre.certificate_until if centre else None
    near = until is not None and until - now < datetime.timedelta(days=14)
    return Line(
        silent_since=silent, heard=bool(centre and centre.heard_at), studies=studies, size=size,
        exams=archive.expected(viewer=viewer).count(), room=archiving.room(), renew_by=until if near else None,
        over=until is not None and until <= now,
        apart=round(abs(centre.apart)) if centre and abs(centre.apart) > DRIFT else 0,
    )  # fmt: skip
