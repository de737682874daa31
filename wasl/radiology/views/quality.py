"""Image quality: rejected beside the images, answered on the radiographers' page, counted for each machine."""

import datetime
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext, pgettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from wasl.archive import queries as archive
from wasl.kernel.errors import NotAllowed, Refused
from wasl.kernel.http import Request, csv_table, key_of
from wasl.places import queries as places
from wasl.radiology import queries, services
from wasl.radiology.queries import Machine, Reading, Reject
from wasl.radiology.rules import comparing
from wasl.radiology.rules import quality as rules

MOST_DAYS = 366
SHOWN = 50


def rejecting(case: Reading, request: Request) -> dict[str, object]:
    """The series of a case, each with what was found wrong with it."""
    found = queries.rejects_of(case.id, viewer=request.actor)
    rows = [(series, found.get(series.uid)) for series in archive.series_of(case.study_id, viewer=request.actor)]
    return {"rejecting": rows, "rejected": len(found), "reasons": Reject.Reason.choices}


@require_POST
def reject(request: Request, key: UUID) -> HttpResponse:
    """Reject a series of the case that one reads, or take that back, and show them again."""
    refusal = None
    try:
        if taken_back := request.POST.get("withdraw", ""):
            services.withdraw_reject(key_of(taken_back), by=request.actor)
        else:
            services.reject_series(
                key, series_uid=request.POST.get("series", ""), reason=request.POST.get("reason", ""),
                again="again" in request.POST, by=request.actor,
            )  # fmt: skip
    except NotAllowed:
        raise
    except Refused as found:
        refusal = found
    case = queries.reading(key, viewer=request.actor)
    context = {"reading": case, "refusal": refusal, "opened": True, **rejecting(case, request)}
    return render(request, "radiology/_quality.html", context)


@require_POST
def answer(request: Request, key: UUID) -> HttpResponse:
    """Say what was done about a rejected series."""
    try:
        services.answer_reject(key, outcome=request.POST.get("outcome", ""), by=request.actor)
    except NotAllowed:
        raise
    except Refused as refusal:
        messages.error(request, refusal.sentence)
    else:
        messages.success(request, gettext("The answer was written down."))
    return HttpResponseRedirect(reverse("radiology:exams"))


class Period(forms.Form):
    """From which day to which; anything wrong, or too long, falls back to the last thirty days."""

    since = forms.DateField(label=_("From"), widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(label=_("To"), widget=forms.DateInput(attrs={"type": "date"}))


def period_of(request: Request) -> tuple[Period, datetime.date, datetime.date]:
    """The period that the address asks for, or the last thirty days."""
    today = timezone.localdate()
    usual = {"since": str(today - datetime.timedelta(days=29)), "until": str(today)}
    form = Period({**usual, **{k: v for k, v in request.GET.items() if v}})
    if not form.is_valid() or not 0 <= (form.cleaned_data["until"] - form.cleaned_data["since"]).days <= MOST_DAYS:
        form = Period(usual)
        form.is_valid()
    return form, form.cleaned_data["since"], form.cleaned_data["until"]


def _named(machines: list[Machine], request: Request) -> list[dict[str, object]]:
    titles = {p.id: p.name for p in places.places(viewer=request.actor)}
    words = dict(Reject.Reason.choices)
    return [
        {"machine": one, "place": titles.get(one.place, ""),
         "reasons": [(words[reason], number) for reason, number in one.reasons.most_common()]}
        for one in machines
    ]  # fmt: skip


def quality(request: Request) -> HttpResponse:
    """The reject analysis: each machine, its series, how many readers rejected, and why."""
    if not rules.SEES_REJECTS & request.actor.roles:
        raise NotAllowed
    form, since, until = period_of(request)
    machines = queries.rejected_between(since, until, viewer=request.actor)
    context = _comparisons(since, until, request) | {
        "form": form, "lines": _named(machines, request), "fewest": rules.FEWEST, "address": request.GET.urlencode(),
        "series": sum(one.series for one in machines), "rejected": sum(one.rejected for one in machines),
    }  # fmt: skip
    return render(request, "radiology/quality.html", context)


def _comparisons(since: datetime.date, until: datetime.date, request: Request) -> dict[str, object]:
    """How often each reading centre names no comparison though there was one, and, for its head, in which reports."""
    if not comparing.SEES_COMPARISONS & request.actor.roles:
        return {}
    titles = {p.id: p.name for p in places.places(viewer=request.actor)}
    centres = queries.compared_between(since, until, viewer=request.actor)
    return {
        "sees_comparisons": True,
        "centres": [{"it": one, "place": titles.get(one.place, "")} for one in centres],
        "missing": queries.without_comparison(since, until, viewer=request.actor)[:SHOWN],
    }


def quality_csv(request: Request) -> HttpResponseBase:
    """The same as a table, one line for each machine and reason."""
    if not rules.SEES_REJECTS & request.actor.roles:
        raise NotAllowed
    _form, since, until = period_of(request)
    head = (gettext("Hospital"), gettext("Machine"), gettext("Modality"), gettext("Series read"), gettext("Rejected"),
            *(str(words) for _value, words in Reject.Reason.choices))  # fmt: skip
    rows = [
        (line["place"], one.name, one.modality, one.series, one.rejected,
         *(one.reasons[reason] for reason in Reject.Reason.values))
        for line in _named(queries.rejected_between(since, until, viewer=request.actor), request)
        if isinstance(one := line["machine"], Machine)
    ]  # fmt: skip
    return csv_table([head, *rows], name=pgettext("file", "image-quality"))


urlpatterns: list[URLPattern] = [
    path("readings/<uuid:key>/quality/", reject, name="reject_series"),
    path("rejects/<uuid:key>/answer/", answer, name="answer_reject"),
    path("quality/", quality, name="quality"),
    path("quality.csv", quality_csv, name="quality_csv"),
]
