"""The inbox of the doctor who asked: critical results first, then what was not read yet."""

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils import timezone

from wasl.kernel.errors import NotAllowed
from wasl.kernel.http import Request
from wasl.patients import queries as patients
from wasl.radiology import queries
from wasl.radiology.rules import results as rules
from wasl.radiology.views.readings import CATEGORIES

SHOWN = 50


def results(request: Request) -> HttpResponse:
    """The results that lie before the viewer; made for a telephone held in one hand."""
    if not rules.CLINICIANS & request.actor.roles:
        raise NotAllowed
    kind = request.GET.get("show", "")
    shown = list(queries.results(viewer=request.actor, kind=kind)[:SHOWN])
    names = patients.identities_of([row.report.reading.patient_id for row in shown], viewer=request.actor)
    now = timezone.now()
    lines = []
    for row in shown:
        obligation = getattr(row.report, "obligation", None)
        left = (obligation.due_at - now).total_seconds() if obligation else 0.0
        lines.append(
            {
                "receipt": row,
                "report": row.report,
                "patient": names.get(row.report.reading.patient_id),
                "obligation": obligation,
                "open": bool(obligation and obligation.acknowledged_at is None),
                "late": left < 0,
                "left": abs(left),
                "category": CATEGORIES[obligation.category] if obligation else "",
                "answers": obligation is not None and queries.may_answer(obligation, viewer=request.actor),
            }
        )
    fragment = request.htmx and request.htmx.target == "results"
    context = {"lines": lines, "kind": kind, "recalls": list(queries.recalls(viewer=request.actor)[:SHOWN])}
    return render(request, "radiology/_results.html" if fragment else "radiology/results.html", context)


urlpatterns: list[URLPattern] = [path("results/", results, name="results")]
