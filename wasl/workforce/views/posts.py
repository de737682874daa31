"""Established posts: of each hospital, filled and vacant, with who fills them; and what was written down of one."""

import contextlib
import datetime
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.dateformat import format as dated
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from wasl.kernel.access import Actor
from wasl.kernel.errors import NotAllowed, NotFound, Refused
from wasl.kernel.http import Listing, Request, key_of
from wasl.places import queries as places
from wasl.workforce import queries, services
from wasl.workforce.views.groups import specialty as titled

SEES = frozenset({"chief", "planner"})
BACK = 12  # months that are offered, this one included; an address may name an earlier one


class Asked(forms.Form):
    """Which posts a list shows; what an address names wrongly falls back to this month, radiology and the country."""

    month = forms.ChoiceField(label=_("Month"))
    specialty = forms.ChoiceField(label=_("Specialty"))
    region = forms.ChoiceField(label=_("Region"), required=False)
    known = forms.BooleanField(label=_("Only hospitals whose posts are known"), required=False)

    def __init__(self, request: Request) -> None:
        asked, viewer = request.GET, request.actor
        months = _months(asked.get("month", ""))
        known = queries.known_specialties(viewer=viewer)
        regions = [(str(row.id), row.name) for row in places.regions(viewer=viewer)]
        chosen = {
            "month": asked.get("month") if asked.get("month") in months else next(iter(months)),
            "specialty": asked.get("specialty") if asked.get("specialty") in known else queries.RADIOLOGY,
            "region": asked.get("region") if asked.get("region") in dict(regions) else "",
            "known": bool(asked.get("known")),
        }
        super().__init__(chosen)
        fields: dict[str, Any] = self.fields
        fields["month"].choices = [(name, dated(month, "F Y")) for name, month in months.items()]
        fields["specialty"].choices = [(name, titled(name)) for name in known]
        fields["region"].choices = [("", gettext("All")), *regions]
        self.at = queries.counted_at(months[str(chosen["month"])], now=timezone.now())
        self.specialty_asked = str(chosen["specialty"])
        self.region_asked = UUID(str(chosen["region"])) if chosen["region"] else None
        self.known_asked = bool(chosen["known"])


def _months(asked: str) -> dict[str, datetime.date]:
    """The months by how an address names them, the newest first, the one asked for among them where it has begun."""
    found = [timezone.localdate().replace(day=1)]
    while len(found) < BACK:
        found.append((found[-1] - datetime.timedelta(days=1)).replace(day=1))
    with contextlib.suppress(ValueError):
        month = datetime.date.fromisoformat(f"{asked}-01")
        if datetime.date.min < month < found[-1]:
            found.append(month)
    return {f"{month:%Y-%m}": month for month in found}


class Posts(forms.Form):
    """How many posts of a specialty a hospital has, from when on, and by which text."""

    specialty = forms.ChoiceField(label=_("Specialty"))
    number = forms.IntegerField(label=_("Established posts"), min_value=0, max_value=500)
    since = forms.DateField(
        label=_("From"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=_("This month at the earliest: months that are over stay as they were counted."),
    )  # fmt: skip
    reference = forms.CharField(
        label=_("Established by"), max_length=200, help_text=_("The decree, the budget or the decision, with its date.")
    )

    def __init__(self, data: QueryDict | None, viewer: Actor) -> None:
        super().__init__(data, initial={"since": timezone.localdate(), "specialty": queries.RADIOLOGY})
        fields: dict[str, Any] = self.fields
        fields["specialty"].choices = [(name, titled(name)) for name in queries.known_specialties(viewer=viewer)]


def posts(request: Request) -> HttpResponse:
    """The hospitals with their posts of a specialty in a month, and who fills them."""
    own = _own(request)
    form = Asked(request)
    place = key_of(request.GET["place"]) if request.GET.get("place") else None
    staffed = queries.staffing(
        form.at, specialty=form.specialty_asked, viewer=request.actor, region=form.region_asked, place=place
    )
    rows = places.places(viewer=request.actor, ids=own)
    rows = rows.filter(region=form.region_asked) if form.region_asked else rows
    rows = rows.filter(id=place) if place else rows
    listing = Listing(request, rows.filter(id__in=staffed) if form.known_asked else rows, sorts=("name_fr", "-name_fr"))
    context = {
        "form": form,
        "at": form.at,
        "listing": listing,
        "rows": [(row, staffed.get(row.id)) for row in listing.page],
        "narrowed": bool(place),
        "established": sum(one.posts.number for one in staffed.values()),
        "vacant": sum(one.vacant for one in staffed.values()),
        "hospitals": len(staffed),
    }
    return render(request, "workforce/posts.html", context)


def establish_posts(request: Request, key: UUID) -> HttpResponse:
    """All that was written down of one hospital's posts; and for planners, what replaces it."""
    own = _own(request)
    if own is not None and key not in own:
        raise NotFound
    place = places.place(key, viewer=request.actor)
    establishes = queries.establishes(key, request.actor)
    form = Posts(request.POST or None, request.actor) if establishes else None
    if request.method == "POST":
        if form is None:
            raise NotAllowed
        if form.is_valid() and _written(request, key, form):
            return redirect("workforce:establish_posts", key)
    history = [(row, titled(row.specialty)) for row in queries.posts_at(key, viewer=request.actor)]
    context = {"place": place, "form": form, "history": history, "today": timezone.localdate()}
    return render(request, "workforce/establish_posts.html", context, status=422 if form and form.errors else 200)


def _written(request: Request, key: UUID, form: Posts) -> bool:
    """Whether it was written down; if not, the form says why."""
    try:
        services.establish_posts(key, **form.cleaned_data, by=request.actor)
    except NotAllowed:
        raise
    except Refused as refusal:
        form.add_error(None, refusal.sentence)
        return False
    messages.success(request, gettext("The posts were written down. The evaluation counts them tonight."))
    return True


def _own(request: Request) -> frozenset[UUID] | None:
    """The hospitals whose posts are shown; None: all."""
    if not SEES & request.actor.roles:
        raise NotAllowed
    return queries.planned_places(viewer=request.actor)


urlpatterns: list[URLPattern] = [
    path("posts/", posts, name="posts"),
    path("posts/<uuid:key>/", establish_posts, name="establish_posts"),
]
