"""What the pages of orders show of their vetting."""

from wasl.kernel.http import Request
from wasl.kernel.verbs import allowed
from wasl.radiology import queries
from wasl.radiology.queries import Order, Verdict
from wasl.radiology.rules import vetting as rules

COLOURS = {
    "accepted": "green", "changed": "orange", "refused": "red", "bypassed": "purple", "unasked": "purple",
    "right": "green", "wrong": "red",
}  # fmt: skip


def verdicts(rows: list[Verdict]) -> list[tuple[Verdict, str]]:
    """What was decided of an exam, each with its colour."""
    return [(row, COLOURS[row.kind]) for row in rows]


def of_order(order: Order, request: Request) -> dict[str, object]:
    """What the page of an order shows of its vetting."""
    vetting, said = queries.vetting_of(order, viewer=request.actor)
    if vetting is None:
        return {}
    here = any(request.actor.holds(role, order.place_id) for role in rules.CAN["bypass_vetting"])
    waits = order.state == Order.State.VETTING
    return {
        "vetting": vetting, "said": verdicts(said), "waits_vetting": waits,
        "nobody": waits and queries.nobody_vets(order, viewer=request.actor),
        "may_vet": queries.may_vet(order, viewer=request.actor),
        "may_bypass": waits and here and order.urgency == "P0" and allowed("radiology.bypass_vetting", request.actor),
    }  # fmt: skip
