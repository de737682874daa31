"""After a split: what was written on the file meanwhile, whose each of it is, and where it is moved."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from wasl.kernel.errors import NotAllowed, NotFound, Refused
from wasl.kernel.http import Request, key_of
from wasl.kernel.verbs import allowed
from wasl.patients import queries, services
from wasl.patients.views.reviewing import check_may, written

SETTLED = 50


@require_safe
def split(request: Request, split: UUID) -> HttpResponse:
    """A record that went to its own person, and what was written on the other's file while it was there."""
    check_may(request)
    found = queries.split(split, viewer=request.actor)
    pair = (found.closed.patient, found.opened.patient)
    for file in pair:
        services.log_access(file.id, what="patients.review", ground="none", by=request.actor, subject=found.id)
    left = queries.written_between(found, viewer=request.actor)
    settled = list(queries.settled_of(found, viewer=request.actor).values())
    context = {
        "split": found,
        "pair": pair,
        "written": [(kind, *shown) for (kind, *_), shown in zip(left, written(left, request), strict=True)],
        "left": sum(len(rows) for _kind, _kept, rows in left),
        "settled": [
            (row, queries.keepers[row.kind].title) for row in settled[-SETTLED:] if row.kind in queries.keepers
        ],
        "moves": next((one for one in queries.movers if allowed(one.verb, request.actor)), None),
    }
    return render(request, "patients/split.html", context)


@require_POST
def settle(request: Request, split: UUID) -> HttpResponse:
    """Say of one thing whose it is."""
    check_may(request)
    try:
        services.settle_held(
            split, kind=request.POST.get("kind", ""), key=key_of(request.POST.get("key", "")),
            outcome=request.POST.get("outcome", ""), by=request.actor,
        )  # fmt: skip
    except (NotAllowed, NotFound):
        raise
    except Refused as refusal:
        messages.error(request, refusal.sentence)
    else:
        messages.success(request, gettext("Noted. It is off the list."))
    return HttpResponseRedirect(reverse("patients:split", args=[split]))


urlpatterns: list[URLPattern] = [
    path("splits/<uuid:split>/", split, name="split"),
    path("splits/<uuid:split>/settle/", settle, name="settle_held"),
]
