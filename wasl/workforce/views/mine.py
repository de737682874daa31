"""A reader's own page: when on duty, what colleagues propose, and the calendar address."""

from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from wasl.kernel.errors import NotAllowed
from wasl.kernel.http import Request
from wasl.kernel.verbs import allowed
from wasl.places import queries as places
from wasl.workforce import queries, services


def my_shifts(request: Request) -> HttpResponse:
    """The viewer's shifts to come, the swaps that wait, and the calendar."""
    actor = request.actor
    if not allowed("workforce.propose_swap", actor) or actor.id is None:
        raise NotAllowed
    shifts = list(queries.my_shifts(viewer=actor))
    dates = [timezone.localdate(row.period.lower) for row in shifts]
    days = {day.date: day for day in places.calendar(dates[0], dates[-1], viewer=actor)} if dates else {}
    context = {
        "worker": queries.worker_of(actor.id, viewer=actor),
        "shifts": [(row, days[date]) for row, date in zip(shifts, dates, strict=True)],
        "waiting": queries.swaps_waiting(viewer=actor),
        "offered": queries.swaps_offered(viewer=actor),
        "settled": queries.swaps_settled(viewer=actor),
        "calendar": queries.calendar_of(viewer=actor),
    }
    return render(request, "workforce/my_shifts.html", context)


@require_POST
def accept_swap(request: Request, key: UUID) -> HttpResponse:
    """Agree."""
    services.accept_swap(key, by=request.actor)
    messages.success(request, gettext("Agreed: the shifts have changed hands."))
    return redirect("workforce:my_shifts")


@require_POST
def decline_swap(request: Request, key: UUID) -> HttpResponse:
    """Do not agree."""
    services.decline_swap(key, by=request.actor)
    return redirect("workforce:my_shifts")


@require_POST
def withdraw_swap(request: Request, key: UUID) -> HttpResponse:
    """Take an offer back."""
    services.withdraw_swap(key, by=request.actor)
    return redirect("workforce:my_shifts")


@require_POST
def renew_calendar(request: Request) -> HttpResponse:
    """A new secret address, shown this once."""
    secret = services.renew_calendar(by=request.actor)
    address = f"{settings.ADDRESS}{reverse('workforce:calendar', args=[secret])}"
    context = {"address": address, "opens": "webcal://" + address.partition("://")[2]}
    return render(request, "workforce/calendar.html", context)


@require_POST
def revoke_calendar(request: Request) -> HttpResponse:
    """Let the address open nothing any more."""
    services.revoke_calendar(by=request.actor)
    messages.success(request, gettext("The address opens nothing any more."))
    return redirect("workforce:my_shifts")


urlpatterns: list[URLPattern] = [
    path("mine/", my_shifts, name="my_shifts"),
    path("mine/calendar/", renew_calendar, name="renew_calendar"),
    path("mine/calendar/revoke/", revoke_calendar, name="revoke_calendar"),
    path("swaps/<uuid:key>/accept/", accept_swap, name="accept_swap"),
    path("swaps/<uuid:key>/decline/", decline_swap, name="decline_swap"),
    path("swaps/<uuid:key>/withdraw/", withdraw_swap, name="withdraw_swap"),
]
