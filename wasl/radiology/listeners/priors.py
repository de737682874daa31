"""An exam is ordered: the patient's earlier exams are fetched before somebody needs them for comparison."""

from wasl.archive import services as archive
from wasl.archive.events import ImagesAnnounced
from wasl.kernel.access import SYSTEM
from wasl.kernel.events import Event, Told, after
from wasl.radiology import queries
from wasl.radiology.events import OrderSent, ReadingOpened
from wasl.radiology.queries import Order


@after(OrderSent)
def fetch_priors(event: OrderSent, told: Told) -> None:
    """The archives of the order's place, and of places that know the patient, are asked for exams like it."""
    order = queries.order(event.order, viewer=SYSTEM)
    archive.fetch_priors(
        event.patient, place=event.place, needed=order.scheduled_for, by=SYSTEM, **queries.like(order, viewer=SYSTEM)
    )


@after(OrderSent, ReadingOpened)
def want_priors(event: Event, told: Told) -> None:
    """What sites have named of the patient and not sent yet is wanted before the case is to be read."""
    if isinstance(event, OrderSent | ReadingOpened):
        _want(queries.order(event.order, viewer=SYSTEM))


@after(ImagesAnnounced)
def want_what_is_named(event: ImagesAnnounced, told: Told) -> None:
    """A site names a study: if its patient has a case that is open, it is wanted for that."""
    for order in queries.cases_beside(event.study, viewer=SYSTEM):
        _want(order)


def _want(order: Order) -> None:
    archive.want_priors(
        order.patient_id, exams=queries.other_exams(order, viewer=SYSTEM), like=queries.like(order, viewer=SYSTEM),
        deadline=queries.needed_by(order, viewer=SYSTEM), by=SYSTEM,
    )  # fmt: skip
