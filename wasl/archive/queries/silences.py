"""Lines that say nothing for too long: links of this instance, and gateways of hospitals; and who can mend them."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from wasl.accounts import queries as accounts
from wasl.archive.models import Link, Silence
from wasl.kernel.access import Actor


@dataclass(frozen=True)
class SilentLine:
    """A line that is silent, since when: a link, or a gateway; and whose it is, nobody's for one of every place."""

    since: datetime
    place: UUID | None
    link: UUID | None = None
    gateway: UUID | None = None


def silent_lines(*, viewer: Actor) -> list[SilentLine]:
    """The lines that have been silent for longer than they may and that nobody misses yet; for Wasl itself."""
    if not viewer.is_system:
        return []
    missed = Silence.objects.filter(ended_at__isnull=True)
    links = Link.objects.filter(active=True, silent_since__lte=timezone.now() - settings.LINE_SILENCE)
    links = links.exclude(id__in=missed.filter(link__isnull=False).values("link"))
    gateways = accounts.silent_gateways(viewer=viewer)
    gateways = gateways.exclude(id__in=missed.filter(gateway__isnull=False).values("gateway"))
    return [
        *(SilentLine(row.silent_since, row.place_id, link=row.id) for row in links if row.silent_since),
        *(SilentLine(row.seen_at, row.place_id, gateway=row.id) for row in gateways if row.seen_at),
    ]


def silences_over(*, viewer: Actor) -> dict[UUID, bool]:
    """The silences that are over; and whether their line was heard since, or else is closed. For Wasl itself."""
    found = {}
    rows = Silence.objects.filter(ended_at__isnull=True).select_related("link", "gateway")
    for row in rows if viewer.is_system else ():
        heard = closed = False
        if row.link is not None:
            heard = row.link.silent_since is None or row.link.silent_since > row.since
            closed = not row.link.active
        elif row.gateway is not None:
            heard = row.gateway.seen_at is not None and row.gateway.seen_at > row.since
            closed = row.gateway.revoked_at is not None
        if heard or closed:
            found[row.id] = heard
    return found


def people_of_line(place: UUID | None, *, viewer: Actor) -> list[UUID]:
    """Who looks after a line: the administrators of its place, and those of the whole country."""
    found: set[UUID] = set()
    for where in {place, None}:
        people = accounts.holders("administrator", place=where, viewer=viewer).filter(is_active=True)
        found.update(people.values_list("id", flat=True))
    return sorted(found)
