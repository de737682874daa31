"""The planner's page of holidays: what is foreseen, what was announced, what is worked again."""

import datetime
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from wasl.kernel.errors import NotAllowed, Refused
from wasl.kernel.http import Request
from wasl.kernel.verbs import allowed
from wasl.places import queries, services


class NewHoliday(forms.Form):
    """Which day is a holiday, and what it is called."""

    day = forms.DateField(label=_("Day"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    name_fr = forms.CharField(label=_("Name in French"), max_length=200)
    name_ar = forms.CharField(
        label=_("Name in Arabic"), max_length=200, widget=forms.TextInput(attrs={"dir": "rtl", "lang": "ar"})
    )
    name_en = forms.CharField(label=_("Name in English"), max_length=200)
    source = forms.CharField(label=_("Decree or announcement"), max_length=200, required=False)
    estimated = forms.BooleanField(label=_("An estimate: it waits to be announced"), required=False)


def holidays(request: Request) -> HttpResponse:
    """The holidays of a year, and a form for one more."""
    if not allowed("places.set_holiday", request.actor):
        raise NotAllowed
    asked = request.GET.get("year", "")
    year = int(asked) if asked.isdecimal() and len(asked) == 4 else timezone.localdate().year
    form = NewHoliday(request.POST or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            services.set_holiday(
                given["day"], names=(given["name_ar"], given["name_fr"], given["name_en"]),
                estimated=given["estimated"], source=given["source"], by=request.actor,
            )  # fmt: skip
        except Refused as refusal:
            form.add_error(None, refusal.sentence)
        else:
            messages.success(request, gettext("The holiday was entered."))
            return _year(given["day"])
    rows = queries.holidays(year, viewer=request.actor)
    context = {"rows": rows, "year": year, "form": form, "before": year - 1, "after": year + 1}
    return render(request, "places/holidays.html", context, status=422 if form.errors else 200)


@require_POST
def confirm_holiday(request: Request, key: UUID) -> HttpResponse:
    """It was announced, for the day foreseen or another."""
    try:
        day = datetime.date.fromisoformat(request.POST.get("day", ""))
    except ValueError:
        day = None
    holiday = services.confirm_holiday(key, day=day, by=request.actor)
    messages.success(request, gettext("The holiday is announced."))
    return _year(holiday.day)


@require_POST
def remove_holiday(request: Request, key: UUID) -> HttpResponse:
    """The day is worked."""
    holiday = services.remove_holiday(key, by=request.actor)
    messages.success(request, gettext("This day is worked."))
    return _year(holiday.day)


def _year(day: datetime.date) -> HttpResponse:
    return redirect(f"{reverse('places:holidays')}?year={day.year}")


urlpatterns: list[URLPattern] = [
    path("holidays/", holidays, name="holidays"),
    path("holidays/<uuid:key>/confirm/", confirm_holiday, name="confirm_holiday"),
    path("holidays/<uuid:key>/remove/", remove_holiday, name="remove_holiday"),
]
