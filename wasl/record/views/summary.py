"""The first page of a record: what whoever treats a patient has to know, over all hospitals, on one page."""

import datetime
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from wasl.accounts import queries as accounts
from wasl.kernel.access import Actor
from wasl.kernel.http import Request
from wasl.kernel.verbs import allowed
from wasl.places import queries as places
from wasl.record import queries
from wasl.record.rules import noting
from wasl.record.rules import summary as rules
from wasl.record.rules.summary import Part, Said, Thing
from wasl.record.views.noting import NOTES
from wasl.record.views.opening import opened
from wasl.record.views.timeline import lines_of, person_of

IMAGING = "ImagingStudy"
SHOWN = 12  # things of a section that are seen at once; the others on demand
LATEST = 6  # exams with images


@dataclass(frozen=True)
class Voice:
    """What one place says of a thing, as a reader sees it."""

    said: Said
    place: str
    author: str
    own: bool  # said at the viewer's own place, who may take it back


@dataclass(frozen=True)
class Row:
    """A thing of a section with everybody who speaks of it, and the drawing of its values."""

    thing: Thing
    first: Voice
    others: list[Voice]
    line: str
    band: tuple[float, float] | None
    words: str


@dataclass(frozen=True)
class Card:
    """A section as the page shows it."""

    part: Part
    rows: list[Row]
    more: list[Row]
    denied: list[Voice]
    note: bool  # whether the viewer may write here
    none: bool  # or that there is none


@require_safe
def summary(request: Request, patient: UUID) -> HttpResponse:
    """A patient's record on one page, on a ground; elsewhere the ways to open it."""
    context, closed = opened(request, patient, "record.summary")
    if closed:
        return closed
    parts, _entries = queries.sections(patient, viewer=request.actor)
    images = queries.newest(patient, [IMAGING], most=LATEST, viewer=request.actor)
    cards = _cards(parts, request.actor)
    context |= {
        "cards": [
            card
            for card in cards
            if card.part.state == "said" or card.note or card.none or card.part.section.name in rules.ASKED
        ],
        "grave": [row for card in cards for row in (*card.rows, *card.more) if row.thing.grave],
        "images": lines_of(images, request.actor),
    }
    return render(request, "record/summary.html", context)


def _cards(parts: Iterable[Part], viewer: Actor) -> list[Card]:
    parts = list(parts)
    said = [one for part in parts for one in part.said]
    writes, mine = allowed("record.note_none", viewer), viewer.places()
    people = accounts.names({key for one in said if (key := person_of(one.author))}, viewer=viewer)
    where = {
        place.id: place.name for place in places.places(viewer=viewer, ids={one.place for one in said if one.place})
    }

    def voice(one: Said) -> Voice:
        key = person_of(one.author)
        said_at = where.get(one.place, "") if one.place else ""
        return Voice(
            one,
            said_at,
            people.get(key, "") if key else "",
            own=writes and one.place in mine and queries.is_kept(one.type),
        )

    def row(thing: Thing) -> Row:
        others = [voice(one) for one in thing.said[1:]] if thing.newest.type != "Observation" else []
        line, band = _drawn(thing)
        return Row(thing, voice(thing.newest), others, line, band, _in_words(thing))

    cards = []
    for part in parts:
        rows = [row(thing) for thing in part.things]
        denied = [voice(one) for one in part.denied]
        name = part.section.name
        none = writes and name in noting.NONE and part.state == "unasked"
        cards.append(Card(part, rows[:SHOWN], rows[SHOWN:], denied, note=writes and name in NOTES, none=none))
    return cards


def _drawn(thing: Thing) -> tuple[str, tuple[float, float] | None]:
    """The values of an analysis as the points of a line in a box of 100 by 30, and the band of what is usual."""
    points = thing.trend
    if not points:
        return "", None
    low, high = thing.newest.range
    values = [value for _at, value in points]
    least, most = (
        min([*values, *([low] if low is not None else [])]),
        max([*values, *([high] if high is not None else [])]),
    )
    begun, wide = points[0][0], (points[-1][0] - points[0][0]) / datetime.timedelta(seconds=1) or 1.0

    def at(value: float) -> float:
        return round(27 - 24 * (value - least) / (most - least), 1) if most > least else 15.0

    line = " ".join(f"{round(3 + 94 * (when - begun).total_seconds() / wide, 1)},{at(value)}" for when, value in points)
    return line, (at(high if high is not None else most), at(low if low is not None else least)) if (
        low is not None or high is not None) else None  # fmt: skip


def _in_words(thing: Thing) -> str:
    """The drawing, for who hears the page."""
    points = thing.trend
    if not points:
        return ""
    values = [value for _at, value in points]
    return gettext("{count} values since {day}: from {least} to {most}, last {last}").format(
        count=len(points), day=f"{timezone.localtime(points[0][0]):%d/%m/%Y}", least=f"{min(values):g}",
        most=f"{max(values):g}", last=f"{values[-1]:g}",
    )  # fmt: skip
