"""Follow-up: the exams that reports recommended, until they are made; and how many were late."""

import datetime
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext, pgettext_lazy
from django.views.decorators.http import require_POST

from wasl.kernel.access import Held
from wasl.kernel.errors import NotAllowed, Refused
from wasl.kernel.http import Request
from wasl.patients import queries as patients
from wasl.places import queries as places
from wasl.radiology import queries, services
from wasl.radiology.rules import followups as rules

SHOWN = 100
YEAR = datetime.timedelta(days=365)
STATES = {
    "open": pgettext_lazy("recommendations", "To be made"),
    "done": pgettext_lazy("recommendations", "Made"),
    "dismissed": pgettext_lazy("recommendations", "Dismissed"),
}


def recommendations(request: Request) -> HttpResponse:
    """The recommended exams of the viewer's hospitals, and for who judges a service how many were late."""
    return _page(request)


def _page(request: Request, *, refusal: Refused | None = None) -> HttpResponse:
    judges = Held("planner", None) in request.actor.held or bool(request.actor.places("planner", "chief"))
    if not judges and not rules.CLINICIANS & request.actor.roles:
        raise NotAllowed
    state = request.GET.get("state", "")
    state = state if state in STATES else "open"
    rows = list(queries.due_recommendations(viewer=request.actor, state=state)[:SHOWN])
    names = patients.identities_of([row.patient_id for row in rows], viewer=request.actor)
    today = timezone.localdate()
    context = {
        "state": state,
        "states": STATES.items(),
        "lines": [(row, names.get(row.patient_id), row.due_on < today) for row in rows],
        "clinician": bool(rules.CLINICIANS & request.actor.roles),
        "figures": _figures(request, today) if judges else None,
        "refusal": refusal,
    }
    return render(request, "radiology/recommendations.html", context, status=refusal.http if refusal else 200)


def _figures(request: Request, today: datetime.date) -> list[tuple[str, queries.Followed]]:
    """What became of the recommendations that came due in the last twelve months, by hospital."""
    titles = {place.id: place.name for place in places.places(viewer=request.actor)}
    found = queries.followed(since=today - YEAR, until=today, viewer=request.actor)
    return sorted(((titles.get(row.place, ""), row) for row in found), key=lambda line: line[0])


@require_POST
def dismiss_recommendation(request: Request, key: UUID) -> HttpResponse:
    """Say why a recommended exam is not made."""
    try:
        services.dismiss_recommendation(key, because=request.POST.get("because", ""), by=request.actor)
    except NotAllowed:
        raise
    except Refused as refusal:
        if refusal.http == 404:
            raise
        return _page(request, refusal=refusal)
    messages.success(request, gettext("It is no longer waited for; the reason is kept."))
    return redirect("radiology:recommendations")


urlpatterns: list[URLPattern] = [
    path("follow-up/", recommendations, name="recommendations"),
    path("follow-up/<uuid:key>/dismiss/", dismiss_recommendation, name="dismiss_recommendation"),
]
