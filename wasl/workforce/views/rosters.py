"""The month of a group: seen by its readers, drafted by its planners."""

import calendar
import datetime
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from wasl.kernel.access import Actor
from wasl.kernel.errors import Refused
from wasl.kernel.http import Request
from wasl.places import queries as places
from wasl.workforce import queries, services
from wasl.workforce.views.picture import Picture

HOURS = [(str(hour), f"{hour:02}:00") for hour in range(24)]


class Pattern(forms.Form):
    """Who is on duty on which days, from when until when."""

    worker = forms.ChoiceField(label=_("Reader"))
    begins = forms.ChoiceField(label=pgettext_lazy("hour", "From"), choices=HOURS, initial="20")
    ends = forms.ChoiceField(
        label=pgettext_lazy("hour", "Until"),
        choices=HOURS,
        initial="8",
        help_text=_("The next day, when that is not later."),
    )
    kind = forms.ChoiceField(label=_("How"), choices=queries.Shift.Kind.choices, initial="oncall")
    days = forms.MultipleChoiceField(required=False)
    weekdays = forms.MultipleChoiceField(required=False, choices=[(str(n), n) for n in range(7)])

    def __init__(self, data: QueryDict | None, roster: queries.Roster, viewer: Actor) -> None:
        super().__init__(data)
        fields: dict[str, Any] = self.fields
        readers = queries.candidates(roster.group.specialty, viewer=viewer)
        fields["worker"].choices = [(str(row.id), row.person.name) for row in readers]
        self.month = roster.month
        length = calendar.monthrange(roster.month.year, roster.month.month)[1]
        self.all = [roster.month.replace(day=number) for number in range(1, length + 1)]
        fields["days"].choices = [(str(day.day), day.day) for day in self.all]

    def chosen(self) -> list[datetime.date]:
        """The days chosen one by one, and those of the weekdays chosen."""
        days, weekdays = self.cleaned_data["days"], self.cleaned_data["weekdays"]
        return [day for day in self.all if str(day.day) in days or str(day.weekday()) in weekdays]


def roster(request: Request, key: UUID) -> HttpResponse:
    """A month as a picture and as a list of days; its planners put readers on duty here while it is a draft."""
    return _month(request, queries.roster(key, viewer=request.actor))


@require_POST
def add_pattern(request: Request, key: UUID) -> HttpResponse:
    """Put a reader on duty on some days."""
    found = queries.roster(key, viewer=request.actor)
    form = Pattern(request.POST, found, request.actor)
    if not form.is_valid():
        return _month(request, found, form=form)
    given = form.cleaned_data
    try:
        services.add_pattern(
            key, worker=UUID(given["worker"]), days=form.chosen(), begins=int(given["begins"]), ends=int(given["ends"]),
            kind=given["kind"], by=request.actor,
        )  # fmt: skip
    except Refused as refusal:
        form.add_error(None, refusal.sentence)
        return _month(request, found, form=form)
    if not request.htmx:
        return redirect("workforce:roster", key)
    again = request.POST.copy()  # who, from when and how stay chosen; the days do not
    for field in ("days", "weekdays"):
        again.pop(field, None)
    return _month(request, found, form=Pattern(again, found, request.actor))


@require_POST
def remove_shift(request: Request, key: UUID) -> HttpResponse:
    """Take a reader off a shift of a draft."""
    found = queries.shift(key, viewer=request.actor).roster
    services.remove_shift(key, by=request.actor)
    return _month(request, found) if request.htmx else redirect("workforce:roster", found.id)


@require_POST
def publish_roster(request: Request, key: UUID) -> HttpResponse:
    """Publish the month, or say what is left open."""
    try:
        services.publish_roster(key, by=request.actor)
    except Refused as refusal:
        if refusal.code != "GapsLeft":
            raise
        messages.error(request, refusal.sentence)
        return redirect("workforce:roster", key)
    messages.success(request, gettext("The month is published: its readers see it."))
    return redirect("workforce:roster", key)


def _month(request: Request, found: queries.Roster, *, form: Pattern | None = None) -> HttpResponse:
    first = found.month
    last = first.replace(day=calendar.monthrange(first.year, first.month)[1])
    gaps = queries.gaps_of(found, viewer=request.actor)
    plans = queries.plans(found.group.lead_id, request.actor)
    drafts = plans and found.state == queries.Roster.State.DRAFT
    context = {
        "roster": found,
        "gaps": gaps,
        "picture": Picture(
            found, queries.shifts_of(found, viewer=request.actor), gaps,
            places.calendar(first, last, viewer=request.actor), viewer=request.actor.id,
        ),
        "plans": plans,
        "drafts": drafts,
        "form": form or (Pattern(None, found, request.actor) if drafts else None),
        "members": [row.place for row in queries.group(found.group_id, viewer=request.actor).members],  # type: ignore[attr-defined]
    }  # fmt: skip
    page = "workforce/_roster.html" if request.htmx else "workforce/roster.html"
    return render(request, page, context, status=422 if form and form.is_bound and form.errors else 200)


urlpatterns: list[URLPattern] = [
    path("rosters/<uuid:key>/", roster, name="roster"),
    path("rosters/<uuid:key>/pattern/", add_pattern, name="add_pattern"),
    path("rosters/<uuid:key>/publish/", publish_roster, name="publish_roster"),
    path("shifts/<uuid:key>/remove/", remove_shift, name="remove_shift"),
]
