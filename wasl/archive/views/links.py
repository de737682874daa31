"""The links to other Wasls: what waits on each, how fast it goes, since when it is silent; and what comes in."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_POST

from wasl.archive import queries, services
from wasl.archive.queries import Link
from wasl.archive.views.failures import why
from wasl.kernel.errors import NotAllowed
from wasl.kernel.http import Request
from wasl.kernel.verbs import allowed

SEES = frozenset({"administrator", "radiographer", "chief"})
SHOWN = 50  # studies of each kind on the page
RANKS = (_("vital emergency"), _("emergency"), _("urgent"), _("routine"), _("no hurry"))
PRIORS = _("earlier exams that are wanted")  # a class of their own, behind the urgent


@require_GET
def links(request: Request) -> HttpResponse:
    """The lines, what is on its way over them, and what sites still owe."""
    if not SEES & request.actor.roles:
        raise NotAllowed
    context = {
        "lines": [_line(row, request) for row in queries.links(viewer=request.actor)],
        "failed": [(row, why(row.error)) for row in queries.failed_transfers(viewer=request.actor)[:SHOWN]],
        "owed": list(queries.manifests(viewer=request.actor)[:SHOWN]),
        "ranks": RANKS,
        "closes": allowed("archive.close_link", request.actor),
    }
    return render(request, "archive/_links.html" if request.htmx else "archive/links.html", context)


def _line(row: Link, request: Request) -> dict[str, object]:
    """A line as the page shows it: how many studies wait in each class of urgency."""
    waiting = queries.waiting_by_rank(row.id, viewer=request.actor)
    said = [(3 if prior else rank, PRIORS if prior else RANKS[rank], number) for rank, prior, number in waiting]
    return {"link": row, "waiting": said, "why": why(row.error)}


@require_POST
def close(request: Request, key: UUID) -> HttpResponse:
    """Send nothing more over a line."""
    services.close_link(key, by=request.actor)
    messages.success(request, gettext("Nothing more is sent over this link."))
    return redirect("archive:links")


urlpatterns = [
    path("links/", links, name="links"),
    path("links/<uuid:key>/close/", close, name="close_link"),
]
