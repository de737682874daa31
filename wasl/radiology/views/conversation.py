"""The conversation about a case: what was said, who saw it, a line to write, and calls logged in one tap.

It stands in the pages of the order and of the case, and on a page of its own, to which messages lead.
"""

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.views.decorators.http import require_POST

from wasl.kernel.errors import Invalid
from wasl.kernel.http import Request
from wasl.patients import queries as patients
from wasl.patients import services as patients_services
from wasl.radiology import queries, services
from wasl.radiology.queries import Order
from wasl.radiology.rules.conversation import LENGTH, state


def conversation(request: Request, key: UUID) -> HttpResponse:
    """What was said about a case; whoever is shown it has seen it. A page that knows it already is told so."""
    order = queries.talked_of(key, viewer=request.actor)
    if request.htmx and request.GET.get("known") == queries.state_of_talk(key, viewer=request.actor):
        return HttpResponse(status=204)
    return _shown(request, order)


@require_POST
def write_remark(request: Request, key: UUID) -> HttpResponse:
    """Write to the others."""
    text = request.POST.get("text", "")
    try:
        services.write_remark(key, text=text, by=request.actor)
    except Invalid as refusal:
        return _shown(request, queries.talked_of(key, viewer=request.actor), refusal=refusal, typed=text)
    return _answered(request, key)


@require_POST
def log_call(request: Request, key: UUID) -> HttpResponse:
    """Log a call that was just made."""
    queries.talked_of(key, viewer=request.actor)
    try:
        callee = UUID(request.POST.get("callee", ""))
    except ValueError as error:
        raise Invalid from error
    services.log_call(key, callee=callee, reached=request.POST.get("reached") == "1", by=request.actor)
    return _answered(request, key)


def _answered(request: Request, key: UUID) -> HttpResponse:
    if not request.htmx:
        return redirect("radiology:conversation", key)
    return _shown(request, queries.talked_of(key, viewer=request.actor))


def _shown(request: Request, order: Order, *, refusal: Invalid | None = None, typed: str = "") -> HttpResponse:
    """The conversation as the page needs it: its lines alone, with the form, or as a page; it was seen, and by whom."""
    viewer = request.actor
    said = queries.remarks(order.id, viewer=viewer)
    last = said[-1].number if said else 0
    seen = queries.seen_by(order.id, viewer=viewer)
    if said and viewer.id not in {mark.person_id for mark in seen.get(last, ())}:
        services.see_remarks(order.id, upto=last, by=viewer)
        seen = queries.seen_by(order.id, viewer=viewer)
    ground = patients.ground(order.patient_id, viewer=viewer) or "worklist"
    patients_services.log_access(
        order.patient_id, what="radiology.conversation", ground=ground, by=viewer, subject=order.id
    )
    context = {
        "order": order,
        "lines": [
            {"remark": row, "seen": [mark for mark in seen.get(row.number, ()) if mark.person_id != row.author_id]}
            for row in said
        ],
        # of what is shown, not asked anew: what others did meanwhile is not known to this page
        "known": state(last, len({mark.id for row in seen.values() for mark in row})),
        "callees": sorted(queries.may_be_called(order.id, viewer=viewer).items(), key=lambda pair: pair[1]),
        "length": LENGTH,
        "refusal": refusal,
        "typed": typed,
    }
    status = 422 if refusal else 200
    if request.htmx:
        lines = request.htmx.target == "remarks"
        name = "radiology/_remarks.html" if lines else "radiology/_conversation.html"
        return render(request, name, context, status=status)
    context["patient"] = patients.identities_of([order.patient_id], viewer=viewer).get(order.patient_id)
    return render(request, "radiology/conversation.html", context, status=status)


urlpatterns: list[URLPattern] = [
    path("orders/<uuid:key>/conversation/", conversation, name="conversation"),
    path("orders/<uuid:key>/conversation/write/", write_remark, name="write_remark"),
    path("orders/<uuid:key>/conversation/call/", log_call, name="log_call"),
]
