"""What the modality worklist shows: the exams still to be made at a place, with their patients and stations."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from wasl.archive import queries as archive
from wasl.kernel.access import SYSTEM, Actor
from wasl.patients import queries as patients
from wasl.patients.queries import Patient
from wasl.radiology.models import Order, Verdict
from wasl.radiology.queries.orders import OPEN, _visible
from wasl.radiology.queries.vetting import protocols_of

WORKLIST = 1000  # an answer longer than this helps nobody at a console


@dataclass(frozen=True)
class Scheduled:
    """An exam still to be made: its order, its patient, the AE titles of the stations that may make it.

    And where it was vetted, the verdict that says how.
    """

    order: Order
    patient: Patient
    stations: tuple[str, ...]
    verdict: Verdict | None = None


def worklist(*, viewer: Actor, modality: str = "", accession: str = "") -> list[Scheduled]:
    """The exams still to be made at the viewer's places, most urgent first, then by hour; four queries in all."""
    at = viewer.places("modality", "radiographer")
    rows = _visible(viewer).filter(place__in=at, state__in=OPEN)
    if modality:
        rows = rows.filter(procedure__modality=modality)
    if accession:
        rows = rows.filter(accession=accession)
    orders = list(rows.order_by("urgency", "scheduled_for", "id")[:WORKLIST])
    known = patients.identities_of({order.patient_id for order in orders}, viewer=viewer)
    stations = _stations(at)
    vetted = protocols_of([order.id for order in orders], viewer=viewer)
    return [
        Scheduled(order, known[order.patient_id], _able(stations.get(order.place_id, ()), order.procedure.modality),
                  vetted.get(order.id))
        for order in orders
    ]  # fmt: skip


def _stations(places: frozenset[UUID]) -> dict[UUID, list[tuple[str, str]]]:
    """AE title and modality of every station that may send, by place."""
    found: dict[UUID, list[tuple[str, str]]] = {}
    for source in archive.sources(viewer=SYSTEM).filter(place__in=places, active=True).order_by("ae_title"):
        found.setdefault(source.place_id, []).append((source.ae_title, source.modality))
    return found


def _able(stations: Sequence[tuple[str, str]], modality: str) -> tuple[str, ...]:
    return tuple(title for title, makes in stations if makes in ("", modality))
