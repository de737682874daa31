"""One shift: whose it is and was, offered by its reader, given to another by its planners."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from wasl.kernel.errors import NotAllowed, Refused
from wasl.kernel.http import Request
from wasl.kernel.verbs import allowed
from wasl.workforce import queries, services


def shift(request: Request, key: UUID) -> HttpResponse:
    """One shift, and what may be done with it."""
    return _shift(request, queries.shift(key, viewer=request.actor))


@require_POST
def propose_swap(request: Request, key: UUID) -> HttpResponse:
    """Offer one's shift to a colleague: `to` is the colleague, or the colleague and one of their shifts."""
    if not allowed("workforce.propose_swap", request.actor):
        raise NotAllowed
    found = queries.shift(key, viewer=request.actor)
    colleague, _, against = request.POST.get("to", "").partition(":")
    try:
        services.propose_swap(
            key, colleague=_key(colleague), against=_key(against) if against else None, by=request.actor
        )
    except Refused as refusal:
        return _shift(request, found, refusal=refusal)
    messages.success(request, gettext("It is proposed. The shift stays yours until your colleague agrees."))
    return redirect("workforce:my_shifts")


@require_POST
def replace_worker(request: Request, key: UUID) -> HttpResponse:
    """Put another reader on a shift."""
    found = queries.shift(key, viewer=request.actor)
    try:
        services.replace_worker(key, worker=_key(request.POST.get("to", "")), by=request.actor)
    except Refused as refusal:
        return _shift(request, found, refusal=refusal)
    messages.success(request, gettext("The shift has another reader now."))
    return redirect("workforce:roster", found.roster_id)


def _shift(request: Request, found: queries.Shift, *, refusal: Refused | None = None) -> HttpResponse:
    actor, group = request.actor, found.roster.group
    open_ = found.replaced_at is None and found.roster.state == "published" and found.period.lower > timezone.now()
    mine = found.worker.person_id == actor.id
    others = list(queries.candidates(group.specialty, viewer=actor, but=found.worker_id)) if open_ else []
    back: dict[UUID, list[queries.Shift]] = {}
    for row in queries.in_return(found, viewer=actor) if open_ and mine else []:
        back.setdefault(row.worker_id, []).append(row)
    context = {
        "shift": found, "mine": mine, "open": open_, "refusal": refusal,
        "colleagues": [(row, back.get(row.id, [])) for row in others],
        "replaces": open_ and queries.plans(group.lead_id, actor),
    }  # fmt: skip
    return render(request, "workforce/shift.html", context, status=refusal.http if refusal else 200)


def _key(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        return UUID(int=0)  # which nobody has


urlpatterns: list[URLPattern] = [
    path("shifts/<uuid:key>/", shift, name="shift"),
    path("shifts/<uuid:key>/propose/", propose_swap, name="propose_swap"),
    path("shifts/<uuid:key>/replace/", replace_worker, name="replace_worker"),
]
