"""How good identities are, hospital by hospital and month by month, and what is behind each figure."""

import datetime
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django import forms
from django.db.models import QuerySet
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.utils.dateformat import format as dated
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from wasl.kernel.errors import NotFound
from wasl.kernel.http import Listing, Request, csv_table
from wasl.kernel.verbs import allowed
from wasl.patients import queries, rules, services
from wasl.patients.queries import Merge, Patient, QualityCount, RecordLink, ReviewCase, Split
from wasl.patients.rules import quality
from wasl.patients.rules.quality import GROUPS, MEASURES, Measure
from wasl.patients.views import figures
from wasl.places import queries as places

WORST = ""  # the field that most records lack, where none is asked for


class Asked(forms.Form):
    """What an address may choose: a counted month, a group of figures, and the figure that is drawn."""

    month = forms.ChoiceField(label=_("Month"))
    group = forms.ChoiceField(label=pgettext_lazy("quality of identities", "Table"))
    drawn = forms.ChoiceField(label=pgettext_lazy("quality of identities", "Drawn"), required=False)

    def __init__(self, request: Request) -> None:
        counted = [row.month for row in queries.quality_months(viewer=request.actor)]
        known = [f"{month:%Y-%m}" for month in counted]
        asked, group, drawn = (request.GET.get(name, "") for name in ("month", "group", "drawn"))
        chosen = asked if asked in known else next(iter(known), "")
        self.group_asked = group if group in GROUPS else next(iter(GROUPS))
        self.drawn_asked = drawn if drawn in MEASURES else WORST
        self.month_asked = _month(chosen)
        super().__init__({"month": chosen, "group": self.group_asked, "drawn": self.drawn_asked})
        drawable = [(code, one.title) for code, one in MEASURES.items() if code != "records"]
        choices = {
            "month": [(f"{month:%Y-%m}", dated(month, "F Y")) for month in counted],
            "group": list(GROUPS.items()),
            "drawn": [(WORST, _("the worst field")), *drawable],
        }
        for name, some in choices.items():
            self.fields[name].choices = some  # type: ignore[attr-defined]

    @property
    def columns(self) -> list[Measure]:
        """The measures of the table: how many records there are, and the group that was chosen."""
        return [one for one in MEASURES.values() if one.group in ("", self.group_asked)]


def _month(text: str) -> datetime.date | None:
    """The month that an address names as 2026-10; None where it names none."""
    try:
        return datetime.datetime.strptime(text, "%Y-%m").date()  # noqa: DTZ007  a month has no zone
    except ValueError:
        return None


@require_safe
def hospitals(request: Request) -> HttpResponse:
    """The hospitals beside each other in a month; who answers for one is led to it."""
    own = queries.quality_places(viewer=request.actor)
    if own is not None and len(own) == 1:
        return redirect("patients:quality_place", next(iter(own)))
    form = Asked(request)
    if form.month_asked is None:
        return render(request, "patients/quality.html", {"form": form})
    month, viewer, measures = form.month_asked, request.actor, {one.code for one in form.columns} | set(quality.FIELDS)
    rows = list(queries.quality_counts(since=month, until=month, viewer=viewer, measures=measures))
    drawn = form.drawn_asked or figures.worst(rows, month)
    since = figures.months_until(month)[0]
    year = list(queries.quality_counts(since=since, until=month, viewer=viewer, measures=[drawn]))
    lines = figures.by_place(rows, month, form.columns)
    table = figures.Table(request, lines, form.columns)
    context = {
        **_page(form, request), "table": table, "drawn": MEASURES[drawn], "beside": gettext("Hospital"),
        "plots": figures.plots_of_places(year, MEASURES[drawn], month),
    }  # fmt: skip
    return render(request, "patients/quality.html", context)


@require_safe
def hospital(request: Request, place: UUID) -> HttpResponse:
    """One hospital, month by month."""
    own = queries.quality_places(viewer=request.actor)
    if own is not None and place not in own:
        raise NotFound
    found, form = places.place(place, viewer=request.actor), Asked(request)
    if form.month_asked is None:
        return render(request, "patients/quality.html", {"form": form, "hospital": found})
    rows = list(_counts(form.month_asked, request, place=place))
    table = figures.Table(request, figures.by_month(rows, form.columns), form.columns)
    group = [one for one in form.columns if one.group]
    context = {
        **_page(form, request), "hospital": found, "table": table, "beside": gettext("Month"), "drawn": None,
        "plots": figures.plots_of_measures(rows, group, form.month_asked), "national": own is None or len(own) > 1,
    }  # fmt: skip
    return render(request, "patients/quality.html", context)


def _page(form: Asked, request: Request) -> dict[str, object]:
    counted = next(row for row in queries.quality_months(viewer=request.actor) if row.month == form.month_asked)
    return {
        "form": form, "month": form.month_asked, "columns": form.columns, "counted_at": counted.counted_at,
        "address": request.GET.urlencode(),
    }  # fmt: skip


def _counts(month: datetime.date, request: Request, *, place: UUID | None = None) -> Iterator[QualityCount]:
    """What was counted of the months that are drawn."""
    since = figures.months_until(month)[0]
    yield from queries.quality_counts(since=since, until=month, viewer=request.actor, place=place)


@require_safe
def table_csv(request: Request) -> HttpResponseBase:
    """What was counted of the drawn months as CSV, a count a line; of one hospital, where one is named."""
    form, place = Asked(request), _key(request.GET.get("place", ""))
    own = queries.quality_places(viewer=request.actor)
    if own is not None and place is not None and place not in own:
        raise NotFound
    rows = _counts(form.month_asked, request, place=place) if form.month_asked else iter(())
    return csv_table(figures.lines_of_csv(list(rows)), name=f"wasl-identities-{form['month'].value()}")


@require_safe
def behind(request: Request) -> HttpResponse:
    """The records or pairs that a figure is about; each who is shown here finds it in the access log."""
    measure, month = MEASURES.get(request.GET.get("measure", "")), _month(request.GET.get("month", ""))
    place = _key(request.GET.get("place", ""))
    queries.quality_places(viewer=request.actor)
    if measure is None or month is None or not measure.listed:
        raise NotFound
    about: dict[str, Any] = {"month": month, "place": place, "viewer": request.actor}
    of_pairs = measure.group == "pairs"
    found: QuerySet[Any] = (queries.pairs_behind if of_pairs else queries.records_behind)(measure.code, **about)
    listing = Listing(request, found, sorts=("-created_at", "created_at"))
    shown = [_pair(row) if of_pairs else _record(row) for row in listing.page]
    people = {file.id: "none" for row in shown for file in row.files}
    services.log_accesses(people, what="patients.quality", by=request.actor)
    context = {
        "measure": measure, "month": month, "listing": listing, "shown": shown,
        "hospital": places.place(place, viewer=request.actor) if place else None,
        "may_look": bool(request.actor.roles & rules.CLINICAL),
        "may_decide": allowed("patients.judge_review", request.actor),
    }  # fmt: skip
    return render(request, "patients/quality_behind.html", context)


@dataclass(frozen=True)
class Shown:
    """A record or a pair as the page lists it: whose files, since when, and where who decides looks at it."""

    files: tuple[Patient, ...]
    at: datetime.datetime
    number: str = ""  # of the hospital
    page: str = ""
    key: UUID | None = None


def _record(link: RecordLink) -> Shown:
    return Shown((link.patient,), link.record.created_at, number=link.record.local_id)


def _pair(row: ReviewCase | Merge | Split) -> Shown:
    if isinstance(row, Split):
        return Shown((row.closed.patient, row.opened.patient), row.created_at, page="patients:split", key=row.id)
    page = "patients:review" if isinstance(row, ReviewCase) else "patients:merge"
    return Shown((row.one, row.other), row.created_at, page=page, key=row.id)


def _key(text: str) -> UUID | None:
    """The key that an address names; one that is none is nowhere."""
    try:
        return UUID(text) if text else None
    except ValueError as wrong:
        raise NotFound from wrong


urlpatterns: list[URLPattern] = [
    path("quality/", hospitals, name="quality"),
    path("quality/table.csv", table_csv, name="quality_csv"),
    path("quality/behind/", behind, name="quality_behind"),
    path("quality/<uuid:place>/", hospital, name="quality_place"),
]
