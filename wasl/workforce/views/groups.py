"""Groups of hospitals: the list with who is on duty now, one more, and what changes in one."""

import datetime
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from wasl.kernel.access import Actor
from wasl.kernel.errors import NotAllowed, Refused
from wasl.kernel.http import Request
from wasl.kernel.verbs import allowed
from wasl.places import queries as places
from wasl.workforce import queries, services

SEES = frozenset({"radiologist", "chief", "planner"})
AHEAD = 12  # months that can be drafted


class NewGroup(forms.Form):
    """Which hospitals are covered together, and who leads."""

    name_fr = forms.CharField(label=_("Name in French"), max_length=120)
    name_ar = forms.CharField(
        label=_("Name in Arabic"), max_length=120, widget=forms.TextInput(attrs={"dir": "rtl", "lang": "ar"})
    )
    name_en = forms.CharField(label=_("Name in English"), max_length=120)
    specialty = forms.ChoiceField(label=_("Specialty"))
    lead = forms.ChoiceField(
        label=_("Hospital that leads"), help_text=_("Its heads of department plan the months of the group.")
    )
    minimum = forms.IntegerField(label=_("On duty at every hour, at least"), min_value=1, max_value=20, initial=1)
    hospitals = forms.MultipleChoiceField(
        label=_("Hospitals"), widget=forms.CheckboxSelectMultiple(attrs={"class": "form-check-input"})
    )

    def __init__(self, data: QueryDict | None, viewer: Actor) -> None:
        super().__init__(data)
        known = hospitals(viewer)
        fields: dict[str, Any] = self.fields
        fields["lead"].choices = [("", "–"), *known]
        fields["hospitals"].choices = known
        fields["specialty"].choices = [(name, specialty(name)) for name in queries.every_specialty()]


def specialty(name: str) -> str:
    """A specialty's title in the language in force."""
    return str(queries.SPECIALTIES.get(name, name))


def hospitals(viewer: Actor) -> list[tuple[str, str]]:
    """All hospitals, by name."""
    return sorted(((str(row.id), row.name) for row in places.places(viewer=viewer)), key=lambda pair: pair[1])


def months(group: queries.Group) -> list[tuple[str, str]]:
    """The months that have no roster yet, this one first."""
    taken = {roster.month for roster in group.planned}  # type: ignore[attr-defined]  # prefetched
    month, found = timezone.localdate().replace(day=1), []
    for _number in range(AHEAD):
        if month not in taken:
            found.append((month.isoformat(), date_format(month, "F Y")))
        month = (month + datetime.timedelta(days=31)).replace(day=1)
    return found


def rosters(request: Request) -> HttpResponse:
    """The groups that the viewer knows: who is on duty now, and the months."""
    if not SEES & request.actor.roles:
        raise NotAllowed
    now = queries.duties(timezone.now(), viewer=request.actor)
    rows = [
        {
            "group": group,
            "specialty": specialty(group.specialty),
            "now": now.get(group.id, []),
            **_rights(group, request),
        }
        for group in queries.groups(viewer=request.actor)
    ]
    founds = allowed("workforce.found_group", request.actor)
    return render(request, "workforce/rosters.html", {"rows": rows, "founds": founds})


def _rights(group: queries.Group, request: Request) -> dict[str, object]:
    plans = queries.plans(group.lead_id, request.actor)
    decides = allowed("workforce.join_group", request.actor) and request.actor.holds("planner", group.lead_id)
    return {"plans": plans, "decides": decides, "months": months(group) if plans else []}


def found_group(request: Request) -> HttpResponse:
    """Join hospitals in a group."""
    if not allowed("workforce.found_group", request.actor):
        raise NotAllowed
    form = NewGroup(request.POST or None, request.actor)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            services.found_group(
                names=(given["name_ar"], given["name_fr"], given["name_en"]), specialty=given["specialty"],
                lead=UUID(given["lead"]), hospitals=[UUID(key) for key in given["hospitals"]],
                minimum=given["minimum"], by=request.actor,
            )  # fmt: skip
        except Refused as refusal:
            form.add_error(None, refusal.sentence)
        else:
            messages.success(request, gettext("The group was made."))
            return redirect("workforce:rosters")
    return render(request, "workforce/found_group.html", {"form": form}, status=422 if form.errors else 200)


def group(request: Request, key: UUID) -> HttpResponse:
    """One group, for who decides about it: its hospitals, and how many are on duty."""
    found = queries.group(key, viewer=request.actor)
    rights = _rights(found, request)
    if not rights["decides"]:
        raise NotAllowed
    members = {str(row.place_id) for row in found.members}  # type: ignore[attr-defined]  # prefetched
    others = [pair for pair in hospitals(request.actor) if pair[0] not in members]
    context = {"group": found, "specialty": specialty(found.specialty), "others": others}
    return render(request, "workforce/group.html", context)


@require_POST
def join_group(request: Request, key: UUID) -> HttpResponse:
    """One more hospital."""
    services.join_group(key, place=_place(request), by=request.actor)
    messages.success(request, gettext("The group covers this hospital from now on."))
    return redirect("workforce:group", key)


@require_POST
def leave_group(request: Request, key: UUID) -> HttpResponse:
    """One hospital less."""
    services.leave_group(key, place=_place(request), by=request.actor)
    messages.success(request, gettext("The group no longer covers this hospital."))
    return redirect("workforce:group", key)


@require_POST
def set_minimum(request: Request, key: UUID) -> HttpResponse:
    """How many are on duty at every hour."""
    asked = request.POST.get("minimum", "")
    services.set_minimum(key, minimum=int(asked) if asked.isdecimal() and len(asked) < 3 else 0, by=request.actor)
    messages.success(request, gettext("Drafts ask for so many from now on; published months stay as they are."))
    return redirect("workforce:group", key)


@require_POST
def draft_roster(request: Request, key: UUID) -> HttpResponse:
    """Begin a month."""
    try:
        month = datetime.date.fromisoformat(request.POST.get("month", ""))
    except ValueError:
        month = datetime.date.min  # a month that is over
    roster = services.draft_roster(key, month=month, by=request.actor)
    return redirect("workforce:roster", roster.id)


def _place(request: Request) -> UUID:
    try:
        return UUID(request.POST.get("place", ""))
    except ValueError:
        return UUID(int=0)  # which no hospital has


urlpatterns: list[URLPattern] = [
    path("rosters/", rosters, name="rosters"),
    path("groups/new/", found_group, name="found_group"),
    path("groups/<uuid:key>/", group, name="group"),
    path("groups/<uuid:key>/join/", join_group, name="join_group"),
    path("groups/<uuid:key>/leave/", leave_group, name="leave_group"),
    path("groups/<uuid:key>/minimum/", set_minimum, name="set_minimum"),
    path("groups/<uuid:key>/draft/", draft_roster, name="draft_roster"),
]
