"""The radiographer's page: what is to be done on the machines today, and saying that it is begun and done."""

import datetime
from collections.abc import Callable
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from wasl.kernel.errors import NotAllowed, Refused
from wasl.kernel.http import Request
from wasl.radiology import queries, services
from wasl.radiology.queries import Order
from wasl.radiology.rules import safety
from wasl.radiology.views.orders import URGENCY_COLOURS, shown

SEES_EXAMS = frozenset({"radiographer", "chief"})
SHOWN = 200


def exams(request: Request) -> HttpResponse:
    """The exams to be made until tonight, most urgent first, then those of later days."""
    if not SEES_EXAMS & request.actor.roles:
        raise NotAllowed
    fragment = request.htmx and request.htmx.target == "exams"
    return render(request, "radiology/_exams.html" if fragment else "radiology/exams.html", _page(request))


def _page(request: Request, refusal: Refused | None = None) -> dict[str, object]:
    viewer = request.actor
    tonight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0) + datetime.timedelta(days=1)
    rows = shown(list(queries.exams(viewer=viewer)[:SHOWN]), request)
    vetted = queries.protocols_of([order.id for row in rows if isinstance(order := row["order"], Order)], viewer=viewer)
    for row in rows:
        order = row["order"]
        if isinstance(order, Order):
            row["alerts"], row["verdict"] = _alerts(order.answers), vetted.get(order.id)
    today = [row for row in rows if getattr(row["order"], "scheduled_for", tonight) < tonight]
    later = [row for row in rows if row not in today]
    return {
        "today": today, "later": later, "refusal": refusal,
        "rejects": list(queries.rejects_to_answer(viewer=viewer)[:SHOWN]),
        "to_vet": [(row, URGENCY_COLOURS[row.urgency]) for row in queries.exams_to_vet(viewer=viewer)[:SHOWN]],
        "may_move": "radiographer" in request.actor.roles,
    }  # fmt: skip


def _alerts(answers: dict[str, str]) -> list[str]:
    """The answers that whoever makes the exam must not miss."""
    harmless = {"pregnancy": ("no",), "allergy": ("no",), "implants": ("no",), "renal": ("known",)}
    return [safety.in_words(q, answers) for q in safety.ANSWERS if answers.get(q) and answers[q] not in harmless[q]]


@require_POST
def start(request: Request, key: UUID) -> HttpResponse:
    """Say that an exam has begun."""
    return _move(request, key, services.start_exam)


@require_POST
def break_off(request: Request, key: UUID) -> HttpResponse:
    """Say that an exam was broken off."""
    return _move(request, key, services.break_off_exam)


@require_POST
def perform(request: Request, key: UUID) -> HttpResponse:
    """Say that an exam is done."""
    return _move(request, key, services.perform_exam)


def _move(request: Request, key: UUID, verb: Callable[..., object]) -> HttpResponse:
    """Do it and show the list again; what was refused stands above the list."""
    refusal = None
    try:
        verb(key, by=request.actor)
    except NotAllowed:
        raise
    except Refused as found:
        refusal = found
    if request.htmx:
        return render(request, "radiology/_exams.html", _page(request, refusal))
    if refusal:
        messages.error(request, refusal.sentence)
    return HttpResponseRedirect(reverse("radiology:exams"))


urlpatterns: list[URLPattern] = [
    path("exams/", exams, name="exams"),
    path("exams/<uuid:key>/start/", start, name="start_exam"),
    path("exams/<uuid:key>/break-off/", break_off, name="break_off_exam"),
    path("exams/<uuid:key>/perform/", perform, name="perform_exam"),
]
