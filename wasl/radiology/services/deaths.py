"""The patient of an order died: what is asked for and not begun is cancelled; what was made is read."""

from uuid import UUID

from wasl.kernel.access import Actor
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb
from wasl.radiology import queries
from wasl.radiology.events import OrderCancelled
from wasl.radiology.models import Order
from wasl.radiology.rules import ordering as rules
from wasl.radiology.services.ordering import save_state


@verb
def cancel_for_death(patient: UUID, *, by: Actor) -> list[Order]:
    """Cancel a dead person's orders that no exam was begun for and no images answer; told twice, it is done once."""
    orders = list(queries.unbegun_orders(patient, viewer=by).select_for_update(of=("self",)).order_by("id"))
    for order in orders:
        order.state, order.cancelled_because = Order.State.CANCELLED, rules.DIED
        save_state(order, "cancelled_because")
        emit(OrderCancelled(order=order.id, patient=order.patient_id, place=order.place_id), by=by)
    return orders
