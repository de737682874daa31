"""The page of acts: how many readings one hospital gave to another, month by month."""

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path

from wasl.contracts import queries
from wasl.kernel.errors import NotAllowed
from wasl.kernel.http import Request

SEES = frozenset({"radiologist", "chief", "planner"})


def acts(request: Request) -> HttpResponse:
    """The acts that concern the viewer, counted; nothing here leads to a patient."""
    if not SEES & request.actor.roles:
        raise NotAllowed
    lines = queries.lines(viewer=request.actor)
    context = {"lines": lines, "total": sum(line.acts for line in lines)}
    return render(request, "contracts/acts.html", context)


urlpatterns: list[URLPattern] = [path("acts/", acts, name="acts")]
