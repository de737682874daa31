"""How exams of the catalogue are split: which fan out into body regions, and choosing the regions of one."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.utils.translation import gettext

from wasl.kernel.errors import NotAllowed, NotFound, Refused
from wasl.kernel.http import Listing, Request
from wasl.radiology import queries, services
from wasl.radiology.queries import Procedure, Region
from wasl.radiology.rules import ordering as rules

SEES = frozenset({"chief", "planner", "administrator"})
LABELS = dict(Region.Body.choices)


def catalogue(request: Request) -> HttpResponse:
    """The exams whose readings are split as soon as they are opened, and, to be searched, all others."""
    if not SEES & request.actor.roles:
        raise NotAllowed
    words = request.GET.get("q", "")[:80]
    rows = queries.procedures(viewer=request.actor, words=words)
    context = {
        "split": [(exam, _words(exam)) for exam in rows.exclude(regions=[])],
        "listing": Listing(request, rows.filter(regions=[]), sorts=("code", "-code", "modality", "-modality")),
        "words": words, "writes": _may_write(request),
    }  # fmt: skip
    return render(request, "radiology/catalogue.html", context)


def exam_regions(request: Request, key: UUID) -> HttpResponse:
    """Choose into which regions readings of an exam are split as soon as they are opened."""
    if not _may_write(request):
        raise NotAllowed
    exam, refusal = queries.procedure(key, viewer=request.actor), None
    ticked = set(exam.regions)
    if request.method == "POST":
        ticked = set(request.POST.getlist("body"))
        try:
            services.set_exam_regions(key, regions=ticked, by=request.actor)
        except (NotAllowed, NotFound):
            raise
        except Refused as refused:
            refusal = refused
        else:
            by_itself = gettext("{exam}: from now on its readings are split as soon as they are opened.")
            said = by_itself if ticked else gettext("{exam}: from now on its readings are split by hand alone.")
            messages.success(request, said.format(exam=exam.name))
            return redirect("radiology:catalogue")
    choices = [(body, label, body in ticked) for body, label in LABELS.items()]
    context = {"exam": exam, "choices": choices, "refusal": refusal}
    return render(request, "radiology/exam_regions.html", context, status=refusal.http if refusal else 200)


def _words(exam: Procedure) -> list[str]:
    return [str(LABELS[body]) for body in exam.regions]


def _may_write(request: Request) -> bool:
    try:
        rules.check_catalogue(request.actor)
    except NotAllowed:
        return False
    return True


urlpatterns: list[URLPattern] = [
    path("catalogue/", catalogue, name="catalogue"),
    path("catalogue/<uuid:key>/regions/", exam_regions, name="exam_regions"),
]
