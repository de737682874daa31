"""What others were asked about an order, and said: opinions and conferences, for the pages of the order and report."""

import datetime
from uuid import UUID

from django.utils import timezone

from wasl.kernel.http import Request
from wasl.radiology import queries
from wasl.radiology.queries import Expertise

STATE_COLOURS = {"asked": "azure", "taken": "orange", "answered": "green", "declined": "red", "withdrawn": "secondary"}


def opinions_on(order: UUID, request: Request) -> dict[str, object]:
    """The opinions and decisions on an order that the viewer may read, and whether others may be asked."""
    found = queries.expertises_of(order, viewer=request.actor)
    asked = queries.order(order, viewer=request.actor)
    return {
        "opinions": [clock(row) for row in found],
        "may_ask_experts": queries.may_ask_experts(asked, viewer=request.actor),
        "brought": queries.conference_cases_of(order, viewer=request.actor),
        "may_bring": queries.may_bring(asked, viewer=request.actor),
    }


def clock(row: Expertise) -> dict[str, object]:
    """A question with its state and its clock, which runs while it is open and a response time was set."""
    left = row.due_at - timezone.now() if row.due_at and row.state in Expertise.OPEN else None
    return {
        "row": row,
        "state_colour": STATE_COLOURS[row.state],
        "left": abs(left).total_seconds() if left is not None else None,
        "late": left is not None and left < datetime.timedelta(),
    }
