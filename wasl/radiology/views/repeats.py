"""Repeated exams as those see them who answer for it: for how long exams stand, and how often they are repeated."""

import datetime
from collections.abc import Iterable
from dataclasses import dataclass

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.dateformat import format as dated
from django.utils.formats import number_format
from django.utils.translation import gettext, pgettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from wasl.kernel.errors import NotAllowed, NotFound, Refused
from wasl.kernel.http import Request, csv_table
from wasl.radiology import queries, services
from wasl.radiology.queries import Order, Repeats, Share
from wasl.radiology.rules import ordering, vetting
from wasl.radiology.rules import repeats as rules

MONTHS = 12


class Validity(forms.Form):
    """For how long exams of a modality, or of one of its regions, stand for another, from a day on."""

    exams = forms.ChoiceField(label=_("Exams"))
    days = forms.IntegerField(
        label=_("Days"), min_value=0, max_value=rules.MOST_DAYS, initial=rules.DAYS,
        help_text=_("0: each may be made again at once, and nothing is asked."),
    )  # fmt: skip
    owner = forms.CharField(
        label=_("Who answers for it clinically"), max_length=120, widget=forms.TextInput({"dir": "auto"})
    )  # fmt: skip
    since = forms.DateField(label=_("Holds from"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))

    def __init__(self, data: object, request: Request) -> None:
        super().__init__(data)  # type: ignore[arg-type]
        self.fields["exams"].choices = list(_exams(request).items())  # type: ignore[attr-defined]
        self.fields["since"].initial = timezone.localdate()


def _exams(request: Request) -> dict[str, str]:
    """Every modality of the catalogue and each of its regions, in words."""
    found: dict[str, str] = {}
    for row in queries.procedures(viewer=request.actor).order_by("modality", "region_name"):
        found.setdefault(row.modality, gettext("{modality}: every exam").format(modality=row.modality))
        found.setdefault(f"{row.modality} {row.region}", f"{row.modality} · {row.region_name}")
    return found


def validities(request: Request) -> HttpResponse:
    """For how long exams stand for another, and by whose word."""
    return _validities(request)


def _validities(request: Request, form: Validity | None = None) -> HttpResponse:
    if not rules.SEES_VALIDITIES & request.actor.roles:
        raise NotAllowed
    exams = _exams(request)
    rows = queries.validities(viewer=request.actor)
    context = {
        "lines": [(row, exams.get(f"{row.modality} {row.region}".strip(), row.modality)) for row in rows],
        "days": rules.DAYS, "form": form or (Validity(None, request) if _may_write(request) else None),
    }  # fmt: skip
    return render(request, "radiology/validities.html", context, status=422 if form else 200)


def _may_write(request: Request) -> bool:
    try:
        ordering.check_catalogue(request.actor)
    except NotAllowed:
        return False
    return True


@require_POST
def set_validity(request: Request) -> HttpResponse:
    """Set for how long exams stand for another, from a day on."""
    if not _may_write(request):
        raise NotAllowed
    form = Validity(request.POST, request)
    if form.is_valid():
        given = form.cleaned_data
        modality, _space, region = given["exams"].partition(" ")
        try:
            services.set_validity(
                modality, region=region, days=given["days"], owner=given["owner"], since=given["since"],
                by=request.actor,
            )  # fmt: skip
        except (NotAllowed, NotFound):
            raise
        except Refused as refusal:
            form.add_error(None, refusal.sentence)
        else:
            messages.success(request, gettext("It was written down."))
            return redirect("radiology:validities")
    return _validities(request, form)


@dataclass(frozen=True)
class Plot:
    """A small drawing 100 wide and 40 high of a share through the months in which enough was made to say one."""

    title: str
    points: list[tuple[float, float, str]]  # across, from the top, and in words
    last: str

    @property
    def line(self) -> str:
        """The points as a polyline has them."""
        return " ".join(f"{x},{y}" for x, y, _words in self.points)

    @property
    def summary(self) -> str:
        """The first and the last month, for who hears the page."""
        return " – ".join(dict.fromkeys((self.points[0][2], self.points[-1][2]))) if self.points else ""


def repeats(request: Request) -> HttpResponse:
    """How often an earlier exam was shown, used or passed over in a month, and how often exams are repeated."""
    first, until, lines = _lines(request)
    months = _months(first)
    context = {
        "month": first, "before": first - datetime.timedelta(days=1),
        "after": until + datetime.timedelta(days=1) if until < timezone.localdate() else None,
        "lines": [(line, _reasons(line), _repeated(line)) for line in lines if line.month == first],
        "plots": [_plot(lines, days, months) for days in rules.SPANS], "fewest": vetting.FEWEST,
    }  # fmt: skip
    return render(request, "radiology/repeats.html", context)


def repeats_csv(request: Request) -> HttpResponseBase:
    """The same for the twelve months up to this one; what rests on too few is left empty."""
    first, _until, lines = _lines(request)
    about = "repeats"
    head: list[object] = [
        gettext("Month"), gettext("Hospital"), pgettext(about, "Shown"), pgettext(about, "Used"),
        pgettext(about, "Ordered all the same"), *(str(words) for _code, words in Order.Because.choices),
        pgettext(about, "Exams performed"),
        *map(_title, rules.SPANS),
    ]  # fmt: skip
    rows = [head]
    for line in lines:
        shares = (line.used, line.ordered)
        reasons = [line.because(code) for code in Order.Because.values if code != rules.VITAL]
        repeated = [line.repeated(days) for days in rules.SPANS]
        rows.append([
            f"{line.month:%Y-%m}", line.name, _number(line.used, line.shown), *map(_number, shares),
            *map(_number, reasons), line.reasons[rules.VITAL] if line.reasons[rules.VITAL] >= vetting.FEWEST else "",
            _number(repeated[0], line.performed), *map(_number, repeated),
        ])  # fmt: skip
    return csv_table(rows, name=pgettext("file", "repeated-exams"))


def _number(share: Share, number: int | None = None) -> object:
    return (share.number if number is None else number) if share.told else ""


def _reasons(line: Repeats) -> list[tuple[str, Share]]:
    """Why exams were ordered all the same, the most frequent reason first; nothing of too few."""
    found = [(str(words), line.because(code)) for code, words in Order.Because.choices if code != rules.VITAL]
    return sorted((one for one in found if one[1].number and one[1].told), key=lambda one: -one[1].number)


def _repeated(line: Repeats) -> list[tuple[str, Share]]:
    return [(_title(days), line.repeated(days)) for days in rules.SPANS]


def _title(days: int) -> str:
    return gettext("Repeated within {days} days").format(days=days)


def _months(until: datetime.date) -> list[datetime.date]:
    months = [until]
    while len(months) < MONTHS:
        months.insert(0, (months[0] - datetime.timedelta(days=1)).replace(day=1))
    return months


def _plot(lines: Iterable[Repeats], days: int, months: list[datetime.date]) -> Plot:
    """The exams repeated within so many days at all these hospitals, month by month, on the scale of its highest."""
    known = []
    for at, month in enumerate(months):
        shares = [line.repeated(days) for line in lines if line.month == month]
        share = Share(sum(one.number for one in shares), sum(one.of for one in shares))
        if share.told:
            said = gettext("{share} %").format(share=number_format(round(share.percent, 1), 1))
            known.append((at, share, said, f"{dated(month, 'M Y')} : {said} ({share.number}/{share.of})"))
    most = max((share.percent for _at, share, _said, _words in known), default=0) or 1
    points = [
        (round(100 * (at + 0.5) / MONTHS, 2), round(37 - 34 * share.percent / most, 2), words)
        for at, share, _said, words in known
    ]
    return Plot(_title(days), points, known[-1][2] if known else "–")


def _lines(request: Request) -> tuple[datetime.date, datetime.date, list[Repeats]]:
    """The month asked for, its first and its last day, and the lines of the twelve months up to it."""
    if not rules.SEES_REPEATS & request.actor.roles:
        raise NotAllowed
    today = timezone.localdate()
    try:
        first = datetime.date.fromisoformat(f"{request.GET.get('month', '')}-01")
    except ValueError:
        first = today.replace(day=1)
    if not today.year - 100 < first.year <= today.year + 1:
        first = today.replace(day=1)
    until = (first + datetime.timedelta(days=31)).replace(day=1) - datetime.timedelta(days=1)
    return first, until, queries.repeats(_months(first)[0], until, viewer=request.actor)


urlpatterns: list[URLPattern] = [
    path("catalogue/validity/", validities, name="validities"),
    path("catalogue/validity/set/", set_validity, name="set_validity"),
    path("repeats/", repeats, name="repeats"),
    path("repeats.csv", repeats_csv, name="repeats_csv"),
]
