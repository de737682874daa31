"""What is about to be late, how it was passed on, and the centres that are dark; made for a phone."""

import datetime
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
from wasl.radiology import queries, services
from wasl.radiology.queries import EscalationStep, Outlook, Reading
from wasl.radiology.rules import escalation as rules
from wasl.radiology.rules.reading import is_held
from wasl.radiology.views.orders import URGENCY_COLOURS

SHOWN = 100
SEES = frozenset({"resident", "radiologist", "chief", "planner"})


def _line(row: Reading, steps: list[EscalationStep], outlook: Outlook | None, request: Request) -> dict[str, object]:
    now = timezone.now()
    left = row.due_at - now
    return {
        "reading": row,
        "colour": URGENCY_COLOURS[row.urgency],
        "open": row.state in ("waiting", "claimed"),
        "held": is_held(row.state, row.claimed_until, now),
        "left": abs(left).total_seconds(),
        "late": left < datetime.timedelta(),
        "foreseen": outlook and outlook.late,
        "finish": outlook.finish if outlook else None,
        "steps": steps,
        "in_hand": [
            step
            for step in steps
            if step.acknowledged_at is None and rules.was_passed_to(step.person_id, step.centre_id, request.actor)
        ],
    }  # fmt: skip


def escalations(request: Request) -> HttpResponse:
    """What is due soon or was passed on, the soonest due first, and the centres that the viewer answers for."""
    _require(request)
    return _list(request)


def _list(request: Request, *, refusal: Refused | None = None) -> HttpResponse:
    rows = list(queries.escalations(viewer=request.actor)[:SHOWN])
    keys = [row.id for row in rows]
    steps, outlook = queries.steps_done(keys, viewer=request.actor), queries.outlook(keys, viewer=request.actor)
    fragment = request.htmx and request.htmx.target == "escalations"
    context = {
        "lines": [_line(row, steps.get(row.id, []), outlook.get(row.id), request) for row in rows],
        "centres": queries.centres(viewer=request.actor) if _answers(request) else [],
        "drills": [] if fragment else queries.rehearsed(viewer=request.actor),
        "limits": queries.escalation_limits(viewer=request.actor),
        "refusal": refusal,
    }
    page = "radiology/_escalations.html" if fragment else "radiology/escalations.html"
    return render(request, page, context, status=refusal.http if refusal else 200)


def escalation(request: Request, key: UUID) -> HttpResponse:
    """One case: when it is due, how it was passed on, and what the viewer may do about it; it names no patient."""
    _require(request)
    return _case(request, key)


def _case(request: Request, key: UUID, *, refusal: Refused | None = None) -> HttpResponse:
    row = queries.escalation(key, viewer=request.actor)
    steps = queries.steps_done([key], viewer=request.actor).get(key, [])
    outlook = queries.outlook([key], viewer=request.actor).get(key)
    reads = queries.readings(viewer=request.actor).filter(id=key).exists()
    line = _line(row, steps, outlook, request)
    context = {
        **line,
        "line": line,
        "reads": reads and allowed("radiology.claim_reading", request.actor),
        "passes": line["open"] and allowed("radiology.escalate_reading", request.actor),
        "given": request.POST.get("reason", ""),
        "refusal": refusal,
    }
    return render(request, "radiology/escalation.html", context, status=refusal.http if refusal else 200)


@require_POST
def escalate_reading(request: Request, key: UUID) -> HttpResponse:
    """Pass a case on now, with the reason."""
    queries.escalation(key, viewer=request.actor)
    try:
        step = services.escalate_reading(key, reason=request.POST.get("reason", ""), by=request.actor)
    except NotAllowed:
        raise
    except Refused as refusal:
        return _case(request, key, refusal=refusal)
    if step.because == EscalationStep.Because.NOBODY:
        messages.warning(request, gettext("There is nobody else to pass it on to: phone somebody."))
    else:
        messages.success(request, gettext("Passed on: {to}.").format(to=step.centre or step.person))
    return redirect("radiology:escalation", key)


@require_POST
def acknowledge_step(request: Request, key: UUID) -> HttpResponse:
    """Say that one has the case in hand."""
    step = services.acknowledge_step(key, by=request.actor)
    messages.success(request, gettext("Noted: you have it in hand. The time goes on."))
    return redirect("radiology:escalation", step.reading_id)


@require_POST
def declare_centre_dark(request: Request, key: UUID) -> HttpResponse:
    """Declare that a centre no longer reads."""
    return _declare(request, key, dark=True)


@require_POST
def declare_centre_back(request: Request, key: UUID) -> HttpResponse:
    """Declare that a centre reads again."""
    return _declare(request, key, dark=False)


def _declare(request: Request, key: UUID, *, dark: bool) -> HttpResponse:
    because = request.POST.get("because", "")
    try:
        if dark:
            services.declare_centre_dark(key, because=because, by=request.actor)
        else:
            services.declare_centre_back(key, because=because, by=request.actor)
    except NotAllowed:
        raise
    except Refused as refusal:
        return _list(request, refusal=refusal)
    said = gettext("It is dark: its cases go to other centres.") if dark else gettext("It reads again from now on.")
    messages.success(request, said)
    return redirect("radiology:escalations")


def _answers(request: Request) -> bool:
    return allowed("radiology.declare_centre_dark", request.actor)


def _require(request: Request) -> None:
    if not SEES & request.actor.roles:
        raise NotAllowed


urlpatterns: list[URLPattern] = [
    path("escalations/", escalations, name="escalations"),
    path("escalations/<uuid:key>/", escalation, name="escalation"),
    path("escalations/<uuid:key>/pass-on/", escalate_reading, name="escalate_reading"),
    path("escalations/steps/<uuid:key>/", acknowledge_step, name="acknowledge_step"),
    path("escalations/centres/<uuid:key>/dark/", declare_centre_dark, name="declare_centre_dark"),
    path("escalations/centres/<uuid:key>/back/", declare_centre_back, name="declare_centre_back"),
]
