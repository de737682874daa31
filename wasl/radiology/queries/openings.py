"""To which centres cases are open beside those that cover them, and from which they were taken when these went dark."""

from collections.abc import Iterable
from uuid import UUID

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from wasl.kernel.access import Actor
from wasl.radiology.models import Opening, Reading
from wasl.workforce import queries as workforce

WAITS = (Reading.State.WAITING, Reading.State.CLAIMED)


def _open() -> QuerySet[Opening]:
    """What is open to a centre more than those that cover it."""
    return Opening.objects.filter(ended_at__isnull=True, reading__state__in=WAITS)


def _taken() -> QuerySet[Opening]:
    """What went from a dark centre to another one, and was not opened to it again since."""
    again = Opening.objects.filter(reading=OuterRef("reading"), centre=OuterRef("outage__place"), ended_at=None)
    rows = Opening.objects.filter(outage__isnull=False, reading__state__in=WAITS)
    return rows.exclude(Exists(again))


def served_by(reader: UUID, *, viewer: Actor) -> Q:
    """The readings that a reader serves now: by a cover, unless they went elsewhere, or opened to the reader's centre.

    Whether an agreement lets the reader's hospital read them is another question (`may_be_read_by`).
    """
    served, able, home = Q(pk__in=()), Q(pk__in=()), None
    for cover in workforce.covers(reader, viewer=viewer):
        kinds = Q(modality__in=cover.modalities) if cover.modalities else Q(pk__isnull=False)
        served |= Q(place=cover.place_id) & kinds
        able |= kinds
        home = cover.worker.place_id
    if home is None:  # who reads for nobody reads nothing that is opened either
        return served
    taken, opened = _taken().filter(outage__place=home), _open().filter(centre=home)
    return (served & ~Q(id__in=taken.values("reading"))) | (able & Q(id__in=opened.values("reading")))


def is_served(reading: Reading, *, reader: UUID, viewer: Actor) -> bool:
    """Whether a reader serves a case now."""
    return Reading.objects.filter(served_by(reader, viewer=viewer), id=reading.id).exists()


def opened_orders(reader: UUID, *, viewer: Actor) -> QuerySet[Opening]:
    """The orders whose case is open to a reader's centre."""
    worker = workforce.worker_of(reader, viewer=viewer)
    return _open().filter(centre=worker.place_id if worker else None).values("reading__order")  # type: ignore[return-value]


def _by_centre(
    places: Iterable[UUID],
) -> tuple[dict[UUID, frozenset[tuple[UUID, str]]], dict[UUID, frozenset[UUID]]]:
    """What is open to some centres, with its modality, and what was taken from them; for those who rank cases."""
    keys = list(places)
    opened: dict[UUID, set[tuple[UUID, str]]] = {}
    for centre, case, kind in _open().filter(centre__in=keys).values_list("centre", "reading", "reading__modality"):
        opened.setdefault(centre, set()).add((case, kind))
    taken: dict[UUID, set[UUID]] = {}
    for place, case in _taken().annotate(dark=F("outage__place")).filter(dark__in=keys).values_list("dark", "reading"):
        taken.setdefault(place, set()).add(case)
    return (
        {place: frozenset(rows) for place, rows in opened.items()},
        {place: frozenset(rows) for place, rows in taken.items()},
    )
