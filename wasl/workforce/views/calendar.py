"""A reader's own shifts for the calendar of a phone (iCalendar, RFC 5545), at a secret address.

Whoever knows the address reads it, so it says little: when, where and how the reader is on duty; nobody else's name,
and no patient. A shift that went to a colleague stays, cancelled, so that phones take it away.
"""

import datetime

from django.http import HttpResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext, override
from django.views.decorators.http import require_safe
from icalendar import Calendar, Event

from wasl.kernel.errors import NotFound
from wasl.kernel.http import Request
from wasl.workforce import queries

AGAIN = datetime.timedelta(hours=1)  # when phones look again (RFC 7986, 5.7)


@require_safe
def calendar(request: Request, secret: str) -> HttpResponse:
    """The shifts, in the reader's language."""
    try:
        worker, shifts = queries.calendar_shifts(secret, viewer=request.actor)
    except NotFound:  # a program asks, and reads no page
        return HttpResponse(status=404)
    with override(worker.person.language):
        body = written(shifts)
    answer = HttpResponse(body, content_type="text/calendar; charset=utf-8")
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["X-Robots-Tag"] = "noindex"
    return answer


def written(shifts: list[queries.Shift]) -> bytes:
    """Shifts as a calendar, in the language in force."""
    made = Calendar()
    made.add("prodid", "-//Wasl//Rosters//EN")
    made.add("version", "2.0")
    made.add("calscale", "GREGORIAN")
    made.add("method", "PUBLISH")
    title = gettext("On duty (Wasl)")
    made.add("name", title)  # RFC 7986
    made.add("x-wr-calname", title)  # what phones read that know no RFC 7986
    made.add("refresh-interval", AGAIN, parameters={"VALUE": "DURATION"})
    for shift in shifts:
        made.add_component(_event(shift))
    body: bytes = made.to_ical()
    return body


def _event(shift: queries.Shift) -> Event:
    """One shift; it never changes but by being handed over, and then once."""
    gone, group = shift.replaced_at, shift.roster.group
    told = gone or shift.roster.published_at or shift.created_at
    made = Event()
    made.add("uid", f"{shift.id}@wasl")
    made.add("sequence", 1 if gone else 0)
    made.add("status", "CANCELLED" if gone else "CONFIRMED")
    made.add("dtstamp", told.astimezone(datetime.UTC))
    made.add("last-modified", told.astimezone(datetime.UTC))
    made.add("dtstart", shift.period.lower.astimezone(datetime.UTC))
    made.add("dtend", shift.period.upper.astimezone(datetime.UTC))
    made.add("summary", f"{shift.get_kind_display()} · {group.name}")
    made.add("location", group.lead.name)
    return made


urlpatterns: list[URLPattern] = [path("calendar/<str:secret>.ics", calendar, name="calendar")]
