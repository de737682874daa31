"""Images that belong to nobody yet: what their header says beside the orders and patients they may belong to."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from wasl.archive import queries as archive
from wasl.archive import services as archive_services
from wasl.archive.queries import Study
from wasl.kernel.errors import NotAllowed, NotFound, Refused
from wasl.kernel.http import Listing, Request
from wasl.kernel.verbs import allowed
from wasl.patients import queries as patients
from wasl.patients.queries import Patient
from wasl.radiology import queries, services
from wasl.radiology.queries import Link
from wasl.radiology.rules import linking as rules
from wasl.radiology.views.moving import SHOWN, history

FIELDS = {"id": _("Number"), "name": _("Name"), "birth_date": _("Birth date"), "sex": _("Sex")}
SORTS = ("-last_arrival_at", "last_arrival_at", "header_name")
RECENT = 20


def reconciliation(request: Request) -> HttpResponse:
    """The studies that belong to nobody, and the links made lately, which can be taken back."""
    _check(request)
    listing = Listing(request, queries.nobodys(viewer=request.actor), sorts=SORTS, size=20)
    links = list(queries.recent_links(viewer=request.actor)[:RECENT])
    known = patients.identities_of({link.order.patient_id for link in links}, viewer=request.actor)
    said = list(queries.by_header(viewer=request.actor)[:RECENT])
    owners = patients.identities_of({one.patient_id for one in said if one.patient_id}, viewer=request.actor)
    unknown = queries.unknown_patients(viewer=request.actor)
    people = patients.identities_of(unknown, viewer=request.actor)
    context = {
        "listing": listing,
        "links": [_shown(link, known) for link in links],
        "by_header": [(one, owners.get(one.patient_id)) for one in said if one.patient_id],
        "unknown": [people[key] for key in unknown],
    }
    return render(request, "radiology/reconciliation.html", context)


def _check(request: Request) -> None:
    if not allowed("radiology.link_study", request.actor):
        raise NotAllowed


def _shown(link: Link, known: dict[UUID, Patient]) -> dict[str, object]:
    """A link as a list shows it; the reasons of the house are translated, a person's stay as they were written."""
    return {"link": link, "patient": known.get(link.order.patient_id), "because": gettext(link.because)}


def study(request: Request, key: UUID) -> HttpResponse:
    """One study of nobody: its header as received, and side by side whom it may belong to."""
    _check(request)
    return render(request, "radiology/reconcile.html", _page(request, key))


def _page(request: Request, key: UUID, refusal: Refused | None = None) -> dict[str, object]:
    found = archive.study(key, viewer=request.actor)
    words = request.POST.get("q", "")[:80]
    owner = patients.patient(found.patient_id, viewer=request.actor) if found.patient_id else None
    return {
        "study": found,
        "order": queries.order_of_study(key, viewer=request.actor),
        "owner": owner,
        "compared": queries.compare(found, owner, viewer=request.actor) if owner else [],
        "suggestions": [
            one for one in queries.suggestions(key, viewer=request.actor) if owner is None or one.patient.id != owner.id
        ],
        "people": [one for one in _people(request, found, words) if owner is None or one["patient"] != owner],
        "series": list(archive.series_of(key, viewer=request.actor)),
        "joinable": list(archive.joinable(key, viewer=request.actor)[:SHOWN]),
        "steps": history(request, key),
        "words": words,
        "fields": FIELDS,
        "refusal": refusal,
        "given": request.POST,
    }


def _people(request: Request, found: Study, words: str) -> list[dict[str, object]]:
    """The patients that were searched for, or else those that the header resembles, compared with the header."""
    if words:
        people = [(patient, "") for patient in patients.search(words, viewer=request.actor, limit=8)]
    else:
        people = patients.candidates(
            header_id=found.header_id, header_name=found.header_name, birth_date=found.birth_date, sex=found.sex,
            place=found.place_id, viewer=request.actor,
        )[:8]  # fmt: skip
    return [
        {"patient": patient, "why": why, "compared": queries.compare(found, patient, viewer=request.actor)}
        for patient, why in people
    ]


@require_POST
def link(request: Request, key: UUID) -> HttpResponse:
    """Say that the study answers the order chosen, or (without an order) that it is the patient's chosen."""
    _check(request)
    because = request.POST.get("because", "")
    try:
        if request.POST.get("order"):
            services.link_study(_key(request, "order"), study=key, because=because, by=request.actor)
        else:
            rules.check_link_reason(because)
            patient = patients.patient(_key(request, "patient"), viewer=request.actor)
            archive_services.match_study(key, patient=patient.id, because=because.strip(), by=request.actor)
    except NotAllowed:
        raise
    except Refused as refusal:
        return render(request, "radiology/reconcile.html", _page(request, key, refusal), status=refusal.http)
    messages.success(request, gettext("The images have found their patient."))
    return HttpResponseRedirect(reverse("radiology:reconcile", args=[key]))


def _key(request: Request, name: str) -> UUID:
    try:
        return UUID(request.POST.get(name, ""))
    except ValueError as wrong:
        raise NotFound from wrong


@require_POST
def unlink(request: Request, key: UUID) -> HttpResponse:
    """Take a study back from its order, and from its patient."""
    _check(request)
    if queries.order_of_study(key, viewer=request.actor):
        services.unlink_study(key, by=request.actor)
    else:
        archive_services.unmatch_study(key, by=request.actor)
    messages.success(request, gettext("The images were taken back; they belong to nobody now."))
    return HttpResponseRedirect(reverse("radiology:reconcile", args=[key]))


urlpatterns: list[URLPattern] = [
    path("reconciliation/", reconciliation, name="reconciliation"),
    path("reconciliation/<uuid:key>/", study, name="reconcile"),
    path("reconciliation/<uuid:key>/link/", link, name="link_study"),
    path("reconciliation/<uuid:key>/unlink/", unlink, name="unlink_study"),
]
