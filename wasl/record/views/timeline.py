"""The timeline: all that is known of a patient, from every hospital, on one page."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from django.views.decorators.http import require_safe

from wasl.accounts import queries as accounts
from wasl.kernel.access import Actor
from wasl.kernel.http import Listing, Request
from wasl.places import queries as places
from wasl.record import queries
from wasl.record.queries import Entry
from wasl.record.rules import wording
from wasl.record.views.opening import opened

# type of resource: its name one by one, its name in the filter, its icon
TYPES: dict[str, tuple[str | Promise, str | Promise, str]] = {
    "ServiceRequest": (_("Imaging request"), _("Imaging requests"), "clipboard-list"),
    "ImagingStudy": (_("Imaging exam"), _("Imaging exams"), "photo-scan"),
    "DiagnosticReport": (_("Report"), _("Reports"), "report-medical"),
}
# of what the record itself keeps
KEPT: dict[str, str | Promise] = {
    "Observation": pgettext_lazy("record", "Observation"),
    "Condition": pgettext_lazy("record", "Problem or diagnosis"),
    "AllergyIntolerance": pgettext_lazy("record", "Allergy or intolerance"),
    "FamilyMemberHistory": pgettext_lazy("record", "Family history"),
    "ClinicalImpression": pgettext_lazy("record", "Clinical impression"),
    "RiskAssessment": pgettext_lazy("record", "Risk assessment"),
    "DetectedIssue": pgettext_lazy("record", "Detected issue"),
    "AdverseEvent": pgettext_lazy("record", "Adverse event"),
    "Flag": pgettext_lazy("record", "Alert"),
    "BodyStructure": pgettext_lazy("record", "Body structure"),
    "Specimen": pgettext_lazy("record", "Specimen"),
    "Media": pgettext_lazy("record", "Photo, video or sound"),
    "Procedure": pgettext_lazy("record", "Procedure"),
    "Immunization": pgettext_lazy("record", "Vaccination"),
    "ImmunizationEvaluation": pgettext_lazy("record", "Evaluation of a vaccination"),
    "ImmunizationRecommendation": pgettext_lazy("record", "Recommended vaccinations"),
    "MedicationStatement": pgettext_lazy("record", "Medication taken"),
    "MedicationRequest": pgettext_lazy("record", "Prescription"),
    "MedicationAdministration": pgettext_lazy("record", "Medication administered"),
    "MedicationDispense": pgettext_lazy("record", "Medication dispensed"),
    "Medication": pgettext_lazy("record", "Medication"),
    "VisionPrescription": pgettext_lazy("record", "Prescription for glasses"),
    "NutritionOrder": pgettext_lazy("record", "Diet order"),
    "DeviceRequest": pgettext_lazy("record", "Device request"),
    "DeviceUseStatement": pgettext_lazy("record", "Device used"),
    "CarePlan": pgettext_lazy("record", "Care plan"),
    "CareTeam": pgettext_lazy("record", "Care team"),
    "Goal": pgettext_lazy("record", "Goal of care"),
    "Encounter": pgettext_lazy("record", "Encounter"),
    "EpisodeOfCare": pgettext_lazy("record", "Episode of care"),
    "Communication": pgettext_lazy("record", "Message to or about the patient"),
    "CommunicationRequest": pgettext_lazy("record", "Request to communicate"),
    "RelatedPerson": pgettext_lazy("record", "Relative or carer"),
    "Coverage": pgettext_lazy("record", "Health cover"),
    "DocumentReference": pgettext_lazy("record", "Document"),
    "Composition": pgettext_lazy("record", "Clinical document"),
    "List": pgettext_lazy("record", "List"),
    "Questionnaire": pgettext_lazy("record", "Questionnaire"),
    "QuestionnaireResponse": pgettext_lazy("record", "Answers to a questionnaire"),
}
TYPES |= {kind: (name, name, "file-text") for kind, name in KEPT.items()}
# where the owner of a type shows it
PAGES = {"ServiceRequest": "radiology:order", "DiagnosticReport": "radiology:report"}
# request-status, imagingstudy-status, diagnostic-report-status (FHIR R4): in words, and in which colour
STATUSES: dict[str, tuple[str | Promise, str]] = {
    "draft": (pgettext_lazy("record", "draft"), "secondary"),
    "active": (pgettext_lazy("record", "under way"), "blue"),
    "on-hold": (pgettext_lazy("record", "on hold"), "yellow"),
    "revoked": (pgettext_lazy("record", "cancelled"), "secondary"),
    "completed": (pgettext_lazy("record", "performed"), "green"),
    "registered": (pgettext_lazy("record", "arriving"), "blue"),
    "available": (pgettext_lazy("record", "available"), "green"),
    "cancelled": (pgettext_lazy("record", "cancelled"), "secondary"),
    "partial": (pgettext_lazy("record", "partial"), "yellow"),
    "preliminary": (pgettext_lazy("record", "preliminary"), "yellow"),
    "final": (pgettext_lazy("record", "final"), "green"),
    "amended": (pgettext_lazy("record", "amended"), "orange"),
    "appended": (pgettext_lazy("record", "final, with addendum"), "green"),
    "corrected": (pgettext_lazy("record", "corrected"), "orange"),
    "entered-in-error": (pgettext_lazy("record", "entered in error"), "red"),
}
MACHINES: dict[str, str | Promise] = {"modality": _("imaging device"), "client": _("hospital system")}


@dataclass(frozen=True)
class Line:
    """One resource as the timeline shows it."""

    what: str | Promise
    icon: str
    title: str
    detail: str
    date: datetime
    place: str
    author: str | Promise
    status: tuple[str | Promise, str]
    page: str
    images: str


@require_safe
def timeline(request: Request, patient: UUID) -> HttpResponse:
    """A patient's record over all hospitals, newest first, on a ground; elsewhere the ways to open it."""
    context, closed = opened(request, patient, "record.timeline")
    if closed:
        return closed
    counts = queries.types(patient, viewer=request.actor)
    chosen = request.GET.get("type", "")
    rows = queries.timeline(patient, viewer=request.actor, type=chosen if chosen in counts else "")
    listing = Listing(request, rows, sorts=("-date",))
    context |= {
        "listing": listing,
        "lines": lines_of(list(listing.page), request.actor),
        "types": [(kind, TYPES.get(kind, (kind, kind, ""))[1], count) for kind, count in counts.items()],
        "all": sum(counts.values()),
        "chosen": chosen if chosen in counts else "",
    }
    return render(request, "record/timeline.html", context)


def lines_of(entries: Iterable[Entry], viewer: Actor) -> list[Line]:
    """The entries in words, with the names of their hospitals and authors asked for together."""
    rows = [(entry, queries.read(entry.body)) for entry in entries]
    people = accounts.names({key for entry, _body in rows if (key := person_of(entry.author))}, viewer=viewer)
    where = {place.id: place.name for place in places.places(viewer=viewer, ids={e.place for e, _ in rows if e.place})}
    return [_line(entry, body, people, where) for entry, body in rows]


def _line(entry: Entry, body: dict[str, Any], people: dict[UUID, str], where: dict[UUID, str]) -> Line:
    what, _many, icon = TYPES.get(entry.type, (entry.type, entry.type, "file-text"))
    key = person_of(entry.author)
    author: str | Promise = people.get(key, "") if key else MACHINES.get(entry.author.partition(":")[0], "")
    status = str(body.get("status", ""))
    return Line(
        what=what,
        icon=icon,
        title=wording.title(body),
        detail=wording.detail(body),
        date=entry.date,
        place=where.get(entry.place, "") if entry.place else "",
        author=author,
        status=STATUSES.get(status, (status, "secondary")),
        page=_page(PAGES.get(entry.type, ""), entry.id),
        images=_images(body) if entry.type == "ImagingStudy" else "",
    )


def person_of(author: str) -> UUID | None:
    kind, _colon, key = author.partition(":")
    return UUID(key) if kind == "person" and key else None


def _images(body: dict[str, Any]) -> str:
    """The viewer at this study, by its DICOM UID."""
    values = [i.get("value", "") for i in body.get("identifier", ()) if i.get("system") == "urn:dicom:uid"]
    return f"/viewer/viewer?StudyInstanceUIDs={values[0].removeprefix('urn:oid:')}" if values else ""


def _page(name: str, key: UUID) -> str:
    """The owner's page of a resource, where there is one."""
    try:
        return reverse(name, args=[key]) if name else ""
    except NoReverseMatch:
        return ""
