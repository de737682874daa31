"""The studies whose images the viewer may open, latest first, and how it is known that each is whole."""

from uuid import UUID

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_POST

from wasl.archive import queries, rules, services
from wasl.archive.queries import Study
from wasl.kernel.errors import NotAllowed, Refused
from wasl.kernel.http import Listing, Request
from wasl.kernel.verbs import allowed
from wasl.patients import queries as patients

SORTS = ("-last_arrival_at", "last_arrival_at", "started_at", "instance_count", "place")
SEES_LIST = frozenset({"requester", "radiographer", "radiologist", "chief"})
STATES = {
    "": _("All"), "arriving": _("Arriving"), "complete": _("Complete"), "nobodys": _("Of no patient yet"),
}  # fmt: skip
MODALITIES = ("CT", "MR", "CR", "DX", "US", "MG", "XA", "NM", "PT", "SC")
DAY = {"type": "date", "class": "form-control"}


class Filters(forms.Form):
    """What the address of the page may narrow; anything wrong narrows nothing."""

    modality = forms.ChoiceField(
        label=_("Modality"), required=False, choices=[("", _("All")), *((name, name) for name in MODALITIES)],
        widget=forms.Select(attrs={"class": "form-select"}),
    )  # fmt: skip
    since = forms.DateField(label=_("Made since"), required=False, widget=forms.DateInput(attrs=DAY))
    until = forms.DateField(label=_("Made until"), required=False, widget=forms.DateInput(attrs=DAY))


@require_GET
def studies(request: Request) -> HttpResponse:
    """The list, narrowed by state, modality and date."""
    if not SEES_LIST & request.actor.roles:
        raise NotAllowed
    filters = Filters(request.GET)
    state = request.GET.get("state", "")
    rows = _narrowed(queries.studies(viewer=request.actor), filters, state)
    listing = Listing(request, rows, sorts=SORTS)
    page = list(listing.page)
    owed = queries.owed([row.id for row in page], viewer=request.actor)
    context = {
        "listing": listing,
        "rows": [
            (study, patient, owed.get(study.id)) for study, patient in zip(page, _people(page, request), strict=True)
        ],
        "filters": filters,
        "states": STATES.items(),
        "state": state,
        "may_send": allowed("archive.receive", request.actor),
        "may_reject": allowed("archive.restore_images", request.actor),
    }
    if request.htmx:
        return render(request, "archive/_studies.html", context)
    context |= {
        "awaited": queries.awaited_studies(viewer=request.actor),
        "may_bring": allowed("archive.bring_announced", request.actor),
    }
    return render(request, "archive/studies.html", context)


@require_POST
def bring_announced(request: Request, key: UUID) -> HttpResponse:
    """Have a study brought that a system announced."""
    if not allowed("archive.bring_announced", request.actor):
        raise NotAllowed
    try:
        services.bring_announced(key, by=request.actor)
        messages.success(request, gettext("The images are being brought."))
    except rules.NotAnnounced:
        raise
    except Refused as refusal:
        messages.error(request, refusal.sentence)
    return redirect("archive:studies")


def _narrowed(rows: QuerySet[Study], filters: Filters, state: str) -> QuerySet[Study]:
    filters.is_valid()
    asked = filters.cleaned_data
    if asked.get("modality"):
        rows = rows.filter(modalities__contains=[asked["modality"]])
    if asked.get("since"):
        rows = rows.filter(started_at__date__gte=asked["since"])
    if asked.get("until"):
        rows = rows.filter(started_at__date__lte=asked["until"])
    if state in ("arriving", "complete"):
        rows = rows.filter(complete_at__isnull=state == "arriving")
    return rows.filter(patient__isnull=True) if state == "nobodys" else rows


def _people(rows: list[Study], request: Request) -> list[patients.Patient | None]:
    """The patients of the rows in one question."""
    keys: set[UUID] = {row.patient_id for row in rows if row.patient_id}
    known = patients.identities_of(keys, viewer=request.actor)
    return [known.get(row.patient_id) if row.patient_id else None for row in rows]


urlpatterns = [
    path("", studies, name="studies"),
    path("announced/<uuid:key>/bring/", bring_announced, name="bring_announced"),
]
