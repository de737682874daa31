"""The ministry's page: how many exams, how fast, where; every figure leads to its cases."""

import datetime
import io
import math
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID

import xlsxwriter
from django import forms
from django.conf import settings
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from wasl.kernel.access import Actor
from wasl.kernel.http import Request, csv_table
from wasl.places import queries as places
from wasl.radiology import queries
from wasl.radiology.queries import Line, Question
from wasl.radiology.views.ordering import URGENCIES
from wasl.radiology.views.outlines import OUTLINES

STEP_TITLES = {
    "ordered": pgettext_lazy("step", "ordered"),
    "performed": pgettext_lazy("step", "performed"),
    "received": pgettext_lazy("step", "received"),
    "complete": pgettext_lazy("step", "complete"),
    "claimed": pgettext_lazy("step", "claimed"),
    "preliminary": pgettext_lazy("step", "preliminary report"),
    "reported": pgettext_lazy("step", "first report"),
    "signed": pgettext_lazy("step", "signed"),
    "acknowledged": pgettext_lazy("step", "acknowledged"),
}
GROUP_TITLES = {
    "place": _("Hospital"),
    "region": _("Region"),
    "modality": _("Modality"),
    "urgency": _("Urgency"),
    "hour": _("Hour"),
}
CASES_A_PAGE = 50
MOST_PAGES = 10_000
MOST_DAYS = 3 * 366  # of one question: more would hold the database for too long
TALL = 40
MAP_TALL = 420


class Filters(forms.Form):
    """What the address of the page may narrow; anything wrong, or too long, falls back to the last thirty days."""

    since = forms.DateField(label=_("From"), widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(label=_("To"), widget=forms.DateInput(attrs={"type": "date"}))
    by = forms.ChoiceField(label=_("Grouped by"), choices=list(GROUP_TITLES.items()))
    region = forms.ChoiceField(label=_("Region"), required=False)
    place = forms.ChoiceField(label=_("Hospital"), required=False)
    modality = forms.ChoiceField(
        label=_("Modality"), required=False,
        choices=[("", _("All")), *((m, m) for m in ("CR", "DX", "CT", "MR", "US", "MG", "XA", "NM"))],
    )  # fmt: skip
    urgency = forms.ChoiceField(label=_("Urgency"), required=False, choices=[("", _("All")), *URGENCIES])
    hour = forms.TypedChoiceField(
        label=_("Hour"), required=False, coerce=int, empty_value=None,
        choices=[("", _("All")), *((h, f"{h:02d}:00") for h in range(24))],
    )  # fmt: skip

    def __init__(self, data: dict[str, str], viewer: Actor) -> None:
        super().__init__(data)
        self.places = list(places.places(viewer=viewer).order_by("name_fr"))
        regions = places.regions(viewer=viewer)
        self.fields["region"].choices = [("", _("All")), *((str(r.id), r.name) for r in regions)]  # type: ignore[attr-defined]
        self.fields["place"].choices = [("", _("All")), *((str(p.id), p.name) for p in self.places)]  # type: ignore[attr-defined]

    def question(self) -> Question:
        """The question that the address asks."""
        asked = self.cleaned_data
        chosen: frozenset[UUID] | None = None
        if asked["place"]:
            chosen = frozenset({UUID(asked["place"])})
        elif asked["region"]:
            chosen = frozenset(p.id for p in self.places if str(p.region_id) == asked["region"])
        return Question(asked["since"], asked["until"], chosen, asked["modality"], asked["urgency"], asked["hour"])


def _asked(request: Request) -> tuple[Filters, Question]:
    today = timezone.localdate()
    usual = {"since": str(today - datetime.timedelta(days=29)), "until": str(today), "by": "place"}
    form = Filters({**usual, **{k: str(v) for k, v in request.GET.items() if v}}, request.actor)
    if not form.is_valid() or not 0 <= (form.cleaned_data["until"] - form.cleaned_data["since"]).days <= MOST_DAYS:
        form = Filters(usual, request.actor)
        form.is_valid()
    return form, form.question()


def service(request: Request) -> HttpResponse:
    """Volumes, turnaround of every step, the map, and the groups."""
    form, question = _asked(request)
    by = form.cleaned_data["by"]
    totals = queries.turnaround(question, by="", viewer=request.actor)
    lines = queries.turnaround(question, by=by, viewer=request.actor)
    days = queries.volumes(question, viewer=request.actor)
    context = {
        "form": form,
        "total": totals[0] if totals else None,
        "lines": [{"title": title, "line": line, "query": query} for title, line, query in _named(lines, by, request)],
        "by_title": GROUP_TITLES[by],
        "spans": [(name, *(STEP_TITLES[s] for s in ends)) for name, ends in queries.SPANS.items()],
        "bars": _bars(days),
        "most_a_day": max((ordered for _, ordered, _ in days), default=0),
        "map": _map(question, request.actor),
        "address": request.GET.urlencode(),
    }
    return render(request, "radiology/_service.html" if request.htmx else "radiology/service.html", context)


def _named(lines: Iterable[Line], by: str, request: Request) -> Iterator[tuple[str, Line, str]]:
    """Each group with its title in the language in force, and the address of its cases."""
    titles: dict[str, str] = {}
    if by == "place":
        titles = {str(p.id): p.name for p in places.places(viewer=request.actor)}
    elif by == "urgency":
        titles = {key: str(words) for key, words in URGENCIES}
    elif by == "region":
        titles = {str(r.id): r.name for r in places.regions(viewer=request.actor)}
    for line in lines:
        query = request.GET.copy()
        query[by] = line.key
        title = f"{int(line.key):02d}:00" if by == "hour" else titles.get(line.key, line.key)
        yield title, line, query.urlencode()


def _bars(days: list[tuple[datetime.date, int, int]]) -> list[dict[str, object]]:
    """The days as bars in a drawing 100 wide and TALL high."""
    most = max((ordered for _, ordered, _ in days), default=0) or 1
    width = 100 / max(len(days), 1)
    return [
        {"day": day, "ordered": ordered, "signed": signed, "x": round(n * width, 3), "width": round(width * 0.8, 3),
         "height": round(TALL * ordered / most, 2), "top": round(TALL - TALL * ordered / most, 2),
         "inner": round(TALL * signed / most, 2), "inner_top": round(TALL - TALL * signed / most, 2)}
        for n, (day, ordered, signed) in enumerate(days)
    ]  # fmt: skip


def _map(question: Question, viewer: Actor) -> dict[str, Any]:
    """The country and its regions: each region's size by its exams, its shade by its median from complete to signed."""
    lines = {line.key: line for line in queries.turnaround(replace(question, places=None), by="region", viewer=viewer)}
    rings = [[tuple(map(float, p.split(","))) for p in ring.split()] for ring in OUTLINES[settings.COUNTRY]]
    west, north = min(x for ring in rings for x, _ in ring), max(y for ring in rings for _, y in ring)
    east, south = max(x for ring in rings for x, _ in ring), min(y for ring in rings for _, y in ring)
    scale = MAP_TALL / (north - south)
    narrow = math.cos(math.radians((north + south) / 2))  # a degree of longitude is shorter than one of latitude

    def at(longitude: float, latitude: float) -> tuple[float, float]:
        return round((longitude - west) * scale * narrow + 12, 1), round((north - latitude) * scale + 12, 1)

    most = max((line.ordered for line in lines.values()), default=1)
    points = []
    for region in places.regions(viewer=viewer):
        line = lines.get(str(region.id))
        median = line.spans["complete_signed"].p50 if line else None
        x, y = at(region.longitude, region.latitude)
        r = round(4 + 15 * ((line.ordered if line else 0) / most) ** 0.5, 1)
        points.append(
            {"region": region, "line": line, "median": median, "shade": _shade(median), "x": x, "y": y, "r": r}
        )
    points.sort(key=lambda point: -point["r"])  # the small ones are drawn over the large ones
    outline = " ".join(f"M{'L'.join(f'{x} {y}' for x, y in (at(*p) for p in ring))}Z" for ring in rings)
    width, height = at(east, south)
    return {"points": points, "outline": outline, "width": round(width + 12), "height": round(height + 12)}


def _shade(seconds: float | None) -> str:
    """Nothing known, within an hour, within four, slower."""
    if seconds is None:
        return "none"
    return "fast" if seconds <= 3600 else "fair" if seconds <= 4 * 3600 else "slow"


def cases(request: Request) -> HttpResponse:
    """The cases behind a figure, with the moments of their steps."""
    form, question = _asked(request)
    asked = request.GET.get("page", "1")
    page = min(max(int(asked), 1), MOST_PAGES) if asked.isdecimal() and len(asked) < 9 else 1
    found = queries.cases(question, viewer=request.actor, limit=CASES_A_PAGE + 1, offset=(page - 1) * CASES_A_PAGE)
    names = {p.id: p.name for p in form.places}
    exams = {p.code: p.name for p in queries.procedures(viewer=request.actor)}
    urgencies = dict(URGENCIES)
    query = request.GET.copy()
    query.pop("page", None)
    context = {
        "form": form,
        "cases": [
            (
                names.get(case.place, ""),
                exams.get(case.procedure, case.procedure),
                urgencies.get(case.urgency, ""),
                case,
            )
            for case in found[:CASES_A_PAGE]
        ],
        "steps": [(step, STEP_TITLES[step]) for step in queries.MOMENTS],
        "page": page,
        "more": len(found) > CASES_A_PAGE,
        "address": query.urlencode(),
    }
    return render(request, "radiology/cases.html", context)


def _table(request: Request) -> Iterator[list[object]]:
    """The page's table as rows: a head, then a line a group; times are minutes."""
    form, question = _asked(request)
    by = form.cleaned_data["by"]
    spans = [f"{STEP_TITLES[a]} → {STEP_TITLES[b]}" for a, b in queries.SPANS.values()]
    yield [
        str(GROUP_TITLES[by]), gettext("Ordered"), gettext("Signed"), gettext("With a deadline"), gettext("In time"),
        gettext("Preliminary"), gettext("Final in time"),
        *(f"{span}, {what}" for span in spans for what in (gettext("cases"), "p50 (min)", "p90 (min)")),
    ]  # fmt: skip
    lines = queries.turnaround(question, by=by, viewer=request.actor)
    for title, line, _address in _named(lines, by, request):
        times = [x for s in line.spans.values() for x in (s.cases, _minutes(s.p50), _minutes(s.p90))]
        yield [title, line.ordered, line.signed, line.due, line.in_time, line.preliminary, line.finalised, *times]


def _minutes(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds / 60, 1)


def table_csv(request: Request) -> HttpResponseBase:
    """The table as CSV."""
    return csv_table(list(_table(request)), name="wasl")  # refused now, not once the answer began


def table_xlsx(request: Request) -> HttpResponse:
    """The table as a spreadsheet."""
    file = io.BytesIO()
    book = xlsxwriter.Workbook(
        file, {"constant_memory": True, "in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    )
    sheet = book.add_worksheet()
    for number, row in enumerate(_table(request)):
        sheet.write_row(number, 0, ["" if value is None else value for value in row])
    book.close()
    return HttpResponse(
        file.getvalue(),
        content_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        headers={"Content-Disposition": 'attachment; filename="wasl.xlsx"'},
    )


urlpatterns: list[URLPattern] = [
    path("service/", service, name="service"),
    path("service/cases/", cases, name="cases"),
    path("service/table.csv", table_csv, name="service_csv"),
    path("service/table.xlsx", table_xlsx, name="service_xlsx"),
]
