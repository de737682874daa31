"""The page of acts: how many readings one hospital gave to another, month by month."""

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.translation import pgettext

from wasl.contracts import queries
from wasl.contracts.queries import Act
from wasl.contracts.rules.scales import EXPERTISE
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


def kind_of(act: Act) -> str:
    """What kind of act it is, in words: a report, an opinion, or one of the two of a report that was read again."""
    return pgettext("act", "opinion") if act.procedure == EXPERTISE else str(act.get_part_display())


urlpatterns: list[URLPattern] = [path("acts/", acts, name="acts")]
