"""What was published of a month: on paper, as a table, as a FHIR MeasureReport; and the events it was counted from."""

import json
from collections.abc import Iterator
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils.translation import get_language, gettext
from django.views.decorators.http import require_POST

from wasl.kernel.errors import NotAllowed, NotFound, Refused
from wasl.kernel.fhir import owned
from wasl.kernel.http import Request, csv_table
from wasl.planning import queries, services
from wasl.planning.views.pages import month_of


def releases(request: Request) -> HttpResponse:
    """What was published, and the months that may be."""
    rows = list(queries.releases(viewer=request.actor).prefetch_related("papers"))
    months = queries.months_over(viewer=request.actor)
    return render(request, "planning/releases.html", {"releases": rows, "months": months})


@require_POST
def release_month(request: Request) -> HttpResponse:
    """Publish a month."""
    month = month_of(request.POST.get("month", ""))
    if month is None:
        raise NotFound
    try:
        services.release_month(month, by=request.actor)
    except NotAllowed:
        raise
    except Refused as refusal:
        messages.error(request, refusal.sentence)
    else:
        messages.success(request, gettext("The evaluation was published; it is being printed."))
    return HttpResponseRedirect(reverse("planning:releases"))


def release_pdf(request: Request, key: UUID) -> HttpResponse:
    """The sealed PDF, byte for byte, in the language in force or in French."""
    language = (get_language() or settings.LANGUAGE_CODE)[:2]
    paper = queries.paper_of(key, language=language, viewer=request.actor)
    name = f"wasl-evaluation-{paper.release.month:%Y-%m}-{paper.language}"
    headers = {"Content-Disposition": f'inline; filename="{name}.pdf"'}
    return HttpResponse(bytes(paper.pdf), content_type="application/pdf", headers=headers)


def release_csv(request: Request, key: UUID) -> HttpResponseBase:
    """The figures as CSV, one a line."""
    found = queries.release(key, viewer=request.actor)
    language = (get_language() or settings.LANGUAGE_CODE)[:2]
    return csv_table(
        queries.release_table(found, language=language, viewer=request.actor),
        name=f"wasl-evaluation-{found.month:%Y-%m}",
    )


def release_fhir(request: Request, key: UUID) -> HttpResponse:
    """The release as a FHIR MeasureReport."""
    found = queries.release(key, viewer=request.actor)
    body = json.dumps(owned["MeasureReport"].render(found), ensure_ascii=False)
    return HttpResponse(body, content_type="application/fhir+json")


def events(request: Request, month: str) -> HttpResponseBase:
    """The operational events of a month's cases, a line of syslog each, in the form of IHE SOLE."""
    queries.releases(viewer=request.actor)  # for the whole country
    found = month_of(month)
    if found is None:
        raise NotFound
    told = queries.operational_log(found, viewer=request.actor)  # refused now, not once the answer began
    headers = {"Content-Disposition": f'attachment; filename="wasl-events-{month}.log"'}
    lines: Iterator[str] = (f"{line}\n" for line in told)
    return StreamingHttpResponse(lines, content_type="text/plain; charset=utf-8", headers=headers)


urlpatterns: list[URLPattern] = [
    path("releases/", releases, name="releases"),
    path("releases/publish/", release_month, name="release_month"),
    path("releases/<uuid:key>/evaluation.pdf", release_pdf, name="release_pdf"),
    path("releases/<uuid:key>/figures.csv", release_csv, name="release_csv"),
    path("releases/<uuid:key>/measure-report.json", release_fhir, name="release_fhir"),
    path("events/<str:month>/events.log", events, name="events"),
]
