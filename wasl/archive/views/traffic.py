"""What comes in from where, what waits on the lines, how the stores and the jobs stand: seen at a glance."""

from dataclasses import dataclass

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils import timezone

from wasl.archive import queries, services
from wasl.archive.queries import Flow
from wasl.kernel.errors import NotAllowed
from wasl.kernel.http import Request

SEES = frozenset({"administrator"})
SHOWN = 25  # machines on one page
HIGH = 28  # units of a chart's height


@dataclass(frozen=True)
class Shown:
    """A machine's line of the page: what came, and the drawing of its week."""

    flow: Flow
    drawing: str  # the path of an SVG of one unit an hour, HIGH units high
    most: int  # images of the fullest hour


def traffic(request: Request) -> HttpResponse:
    """The page, or what of it changes; without scripts it is the same when it is asked for again."""
    if not SEES & request.actor.roles:
        raise NotAllowed
    viewer = request.actor
    page = Paginator(queries.flows(viewer=viewer), SHOWN).get_page(request.GET.get("page"))
    charts = queries.charts([row.key for row in page], viewer=viewer)
    state, alone = queries.copies_lately(viewer=viewer)
    runs = queries.phantoms(viewer=viewer)
    context = {
        "page": page,
        "rows": [Shown(row, drawn(charts[row.key]), max(charts[row.key])) for row in page],
        "abandoned": queries.abandoned(viewer=viewer),
        "lines": list(queries.links(viewer=viewer)),
        "room": services.room(),
        "state": state,
        "alone": alone,
        "jobs": queries.jobs(viewer=viewer),
        "runs": runs,
        "now": timezone.now(),
    }
    return render(request, "archive/_traffic.html" if request.htmx else "archive/traffic.html", context)


def drawn(hours: list[int]) -> str:
    """Bars as one path: an hour is one unit wide, the fullest reaches the top, and one with images is seen."""
    most = max(hours, default=0)
    bars = (
        f"M{at} {HIGH}v-{max(1, round(HIGH * number / most))}h1V{HIGH}z" for at, number in enumerate(hours) if number
    )
    return "".join(bars)


urlpatterns = [path("traffic/", traffic, name="traffic")]
