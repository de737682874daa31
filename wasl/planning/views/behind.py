"""What stands behind a figure: its cases, and the facts of each."""

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils import timezone

from wasl.kernel.errors import NotFound
from wasl.kernel.http import Listing, Request
from wasl.places import queries as places
from wasl.planning import queries
from wasl.planning.rules.indicators import indicator
from wasl.planning.rules.operational import SOLE
from wasl.planning.rules.writing import slice_in_words
from wasl.planning.views.pages import month_of
from wasl.planning.views.shown import URGENCIES


def cases(request: Request) -> HttpResponse:
    """The cases behind a figure, the newest first; no patient is named."""
    month = month_of(request.GET.get("month", "")) or timezone.localdate().replace(day=1)
    part = request.GET.get("slice", "")
    asked = queries.Narrowed(month, _key(request, "region"), _key(request, "place"), part)
    listing = Listing(
        request, queries.cases_behind(asked, viewer=request.actor),
        sorts=("-ordered_at", "ordered_at", "reported_at", "-reported_at"),
    )  # fmt: skip
    context = {
        "month": month,
        "about": indicator(request.GET.get("indicator", "ordered")),
        "listing": listing,
        "urgencies": URGENCIES,
        "narrowed": [*_names(asked, request), *([slice_in_words(part, URGENCIES)] if _said(part) else [])],
    }
    return render(request, "planning/cases.html", context)


def _key(request: Request, name: str) -> UUID | None:
    """The key that the address names; one that is none is nowhere."""
    text = request.GET.get(name, "")
    try:
        return UUID(text) if text else None
    except ValueError as error:
        raise NotFound from error


def _said(part: str) -> bool:
    name, _, value = part.partition(":")
    return name in ("urgency", "modality") or (name == "hour" and value.isdecimal())


def _names(asked: queries.Narrowed, request: Request) -> list[str]:
    if asked.place:
        return [places.place(asked.place, viewer=request.actor).name]
    return [row.name for row in places.regions(viewer=request.actor) if row.id == asked.region]


def case(request: Request, key: UUID) -> HttpResponse:
    """One case and the facts that its figures come from."""
    found = queries.case(key, viewer=request.actor)
    facts = [(told, SOLE[told.name]) for told in queries.facts_of(key, viewer=request.actor)]
    return render(request, "planning/case.html", {"case": found, "facts": facts, "urgencies": URGENCIES})


urlpatterns: list[URLPattern] = [
    path("cases/", cases, name="cases"),
    path("cases/<uuid:key>/", case, name="case"),
]
