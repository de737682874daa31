"""The pages of a record open on a ground, and each look at them is written down."""

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render

from wasl.kernel.errors import NotAllowed
from wasl.kernel.http import Request
from wasl.kernel.verbs import allowed
from wasl.patients import queries as patients
from wasl.patients import services as access


def opened(request: Request, patient: UUID, what: str) -> tuple[dict[str, object], HttpResponse | None]:
    """Whose record a page shows; and where no ground opens it, the ways to open it, which are shown instead."""
    context: dict[str, object] = {"patient": patients.patient(patient, viewer=request.actor)}
    try:
        ground = patients.require_ground(patient, viewer=request.actor)
    except NotAllowed:
        access.log_access(patient, what="patients.identity", ground="none", by=request.actor)
        context["may_break"] = allowed("patients.break_glass", request.actor)
        return context, render(request, "patients/closed.html", context, status=NotAllowed.http)
    access.log_access(patient, what=what, ground=ground, by=request.actor)
    return context, None
