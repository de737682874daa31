"""The evaluation of the country, a region, a hospital; and how each indicator is computed."""

import datetime
from collections.abc import Mapping
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.dateformat import format as dated
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from wasl.kernel.access import Held
from wasl.kernel.errors import NotAllowed, NotFound, Refused
from wasl.kernel.http import Request
from wasl.places import queries as places
from wasl.planning import queries, services
from wasl.planning.rules.indicators import INDICATORS, THEMES
from wasl.planning.views.cover import beside_cover
from wasl.planning.views.shown import by_slice, by_theme, drawn, shown, sliced, tiles

USUAL = "wait_p90"  # the indicator of the map and the trend, where none is asked for
# the columns of a table of regions or hospitals
COLUMNS = ("performed", "rate", "wait_p90", "late", "remote", "night", "kilometres")


def month_of(text: str) -> datetime.date | None:
    """The month that an address names as 2026-10; None where it names none."""
    try:
        return datetime.datetime.strptime(text, "%Y-%m").date()  # noqa: DTZ007  a month has no zone
    except ValueError:
        return None


class Asked(forms.Form):
    """What an address may choose: a counted month and an indicator; anything else falls back to the last and usual."""

    month = forms.ChoiceField(label=_("Month"))
    indicator = forms.ChoiceField(label=_("Map and trend"))

    def __init__(self, request: Request, *, hospitals: bool) -> None:
        counted = [row.month for row in queries.months(viewer=request.actor)]
        known = {code: one.title for code, one in INDICATORS.items() if one.hospitals or not hospitals}
        asked = request.GET.get("month", "")
        self.months = [f"{month:%Y-%m}" for month in counted]
        chosen = asked if asked in self.months else next(iter(self.months), "")
        about = request.GET.get("indicator", "")
        self.month_asked = month_of(chosen)
        self.about = about if about in known else USUAL
        super().__init__({"month": chosen, "indicator": self.about})
        self.fields["month"].choices = [(f"{m:%Y-%m}", dated(m, "F Y")) for m in counted]  # type: ignore[attr-defined]
        self.fields["indicator"].choices = list(known.items())  # type: ignore[attr-defined]


def country(request: Request) -> HttpResponse:
    """The whole country with its regions; who evaluates one hospital is led there, who several chooses."""
    own = queries.own_places(viewer=request.actor)
    if own is not None:
        if len(own) == 1:
            return redirect("planning:hospital", next(iter(own)))
        rows = places.places(viewer=request.actor, ids=own).order_by("name_fr")
        return render(request, "planning/choose.html", {"hospitals": rows})
    regions = list(places.regions(viewer=request.actor))
    form = Asked(request, hospitals=False)
    figures = {} if form.month_asked is None else {
        (row.region_id, row.indicator): row
        for row in queries.figures_beside(form.month_asked, viewer=request.actor)
    }  # fmt: skip
    query = f"?month={form['month'].value()}&indicator={form.about}"
    addresses = {row.id: f"{reverse('planning:region', args=[row.id])}{query}" for row in regions}
    map_tiles, across = tiles([
        (row.name, addresses[row.id], row.latitude, row.longitude, figures.get((row.id, form.about)))
        for row in regions
    ])  # fmt: skip
    beside = [
        (row.name, addresses[row.id], _cells({code: figures.get((row.id, code)) for code in COLUMNS}))
        for row in regions if (row.id, "ordered") in figures
    ]  # fmt: skip
    cover = beside_cover(((row.name, addresses[row.id], _of(figures, row.id)) for row in regions), regions=True)
    context = {
        **_scope(request, form), "title": gettext("Evaluation"), "tiles": map_tiles, "across": across,
        "beside": beside, "beside_title": gettext("Regions"), "cover": cover, "national": True,
    }  # fmt: skip
    return render(request, "planning/scope.html", context)


def region(request: Request, key: UUID) -> HttpResponse:
    """One region with its hospitals."""
    own = queries.own_places(viewer=request.actor)
    found = next((row for row in places.regions(viewer=request.actor) if row.id == key), None)
    if found is None or own is not None:
        raise NotFound
    form = Asked(request, hospitals=False)
    figures = {} if form.month_asked is None else {
        (row.place_id, row.indicator): row
        for row in queries.figures_beside(form.month_asked, viewer=request.actor, region=key)
    }  # fmt: skip
    query = f"?month={form['month'].value()}&indicator={form.about}"
    hospitals = list(places.places(viewer=request.actor).filter(region=key).order_by("name_fr"))
    addresses = {row.id: f"{reverse('planning:hospital', args=[row.id])}{query}" for row in hospitals}
    columns = [code for code in COLUMNS if INDICATORS[code].hospitals]
    beside = [
        (row.name, addresses[row.id], _cells({code: figures.get((row.id, code)) for code in columns}))
        for row in hospitals if (row.id, "ordered") in figures
    ]  # fmt: skip
    cover = beside_cover((row.name, addresses[row.id], _of(figures, row.id)) for row in hospitals)
    context = {
        **_scope(request, form, region=key), "title": found.name, "population": found, "beside": beside,
        "beside_title": gettext("Hospitals"), "cover": cover, "national": True,
    }  # fmt: skip
    return render(request, "planning/scope.html", context)


def hospital(request: Request, key: UUID) -> HttpResponse:
    """One hospital, by class of urgency and by hour."""
    own = queries.own_places(viewer=request.actor)
    if own is not None and key not in own:
        raise NotFound
    found = places.place(key, viewer=request.actor)
    form = Asked(request, hospitals=True)
    context = {**_scope(request, form, place=key), "title": found.name, "national": own is None,
               "region": found.region, "beside_title": gettext("Hospital")}  # fmt: skip
    return render(request, "planning/scope.html", context)


def _scope(
    request: Request, form: Asked, *, region: UUID | None = None, place: UUID | None = None
) -> dict[str, object]:
    """What the pages of all scopes show: figures by theme and by slice, and the trend of one of them."""
    month, viewer = form.month_asked, request.actor
    if month is None:
        return {"form": form, "month": None}
    figures = queries.figures_of(month, viewer=viewer, region=region, place=place)
    whole = {row.indicator: row for row in figures if not row.slice}
    points, line = drawn(queries.trend(form.about, until=month, viewer=viewer, region=region, place=place))
    counted = next(row for row in queries.months(viewer=viewer) if row.month == month)
    return {
        "form": form,
        "month": month,
        "counted_at": counted.counted_at,
        "themes": by_theme(figures),
        "points": points,
        "line": line,
        "about": INDICATORS[form.about],
        "columns": [INDICATORS[code] for code in COLUMNS if region is None or INDICATORS[code].hospitals],
        "slices": [
            (title, sliced(name), rows)
            for name, title in (("urgency", gettext("By urgency")), ("hour", gettext("By hour of the order")),
                                ("modality", gettext("By modality")))
            if (rows := by_slice(figures, name))
        ],
        "minimum": queries.minimum(on=month, viewer=viewer),
        "cover": beside_cover([(gettext("This hospital"), "", whole)]),  # of several places, where there are
    }  # fmt: skip


def _of(figures: Mapping[tuple[UUID | None, str], "queries.Figure"], key: UUID) -> dict[str, "queries.Figure"]:
    """The figures of one place, by indicator."""
    return {code: found for code in INDICATORS if (found := figures.get((key, code)))}


def _cells(figures: dict[str, "queries.Figure | None"]) -> list[object]:
    return [shown(figure) if figure else None for figure in figures.values()]


def indicators(request: Request) -> HttpResponse:
    """How each indicator is computed, from what, and of how few nothing is said."""
    queries.own_places(viewer=request.actor)  # who evaluates nothing sees nothing
    themes = [(title, [one for one in INDICATORS.values() if one.theme == theme]) for theme, title in THEMES.items()]
    context = {
        "themes": themes,
        "disclosures": queries.disclosures(viewer=request.actor),
        "minimum": queries.minimum(on=timezone.localdate(), viewer=request.actor),
        "form": Minimum() if Held("planner", None) in request.actor.held else None,
    }
    return render(request, "planning/indicators.html", context)


class Minimum(forms.Form):
    """Of how few a figure is withheld, from a date on."""

    minimum = forms.IntegerField(label=_("Withhold below"), min_value=1, max_value=100)
    since = forms.DateField(label=_("From"), widget=forms.DateInput(attrs={"type": "date"}))
    source = forms.CharField(label=_("Set in"), max_length=200)


@require_POST
def set_disclosure(request: Request) -> HttpResponse:
    """Set of how few a figure is withheld."""
    if Held("planner", None) not in request.actor.held:
        raise NotAllowed
    form = Minimum(request.POST)
    if not form.is_valid():
        messages.error(request, gettext("Say a number from 1 to 100, a date, and where it is set."))
        return HttpResponseRedirect(reverse("planning:indicators"))
    try:
        services.set_disclosure(**form.cleaned_data, by=request.actor)
    except NotAllowed:
        raise
    except Refused as refusal:
        messages.error(request, refusal.sentence)
    else:
        messages.success(request, gettext("The minimum was set."))
    return HttpResponseRedirect(reverse("planning:indicators"))


urlpatterns: list[URLPattern] = [
    path("", country, name="country"),
    path("region/<uuid:key>/", region, name="region"),
    path("hospital/<uuid:key>/", hospital, name="hospital"),
    path("indicators/", indicators, name="indicators"),
    path("indicators/minimum/", set_disclosure, name="set_disclosure"),
]
