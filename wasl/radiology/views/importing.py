"""The disc of another hospital: read, laid beside the patient, and taken when somebody says that it is theirs."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext
from django.views.decorators.http import require_GET, require_POST

from wasl.archive import queries as archive
from wasl.archive import services as archive_services
from wasl.kernel.errors import NotAllowed, Refused
from wasl.kernel.http import Request
from wasl.kernel.verbs import allowed
from wasl.patients import queries as patients
from wasl.radiology import queries, services
from wasl.radiology.views.reconciliation import FIELDS

ORDERS = 10


@require_POST
def begin(request: Request, patient: UUID) -> HttpResponse:
    """Begin to read a disc for a patient."""
    _check(request)
    row = archive_services.begin_disc(patient, by=request.actor)
    return redirect("radiology:disc", row.id)


@require_GET
def disc(request: Request, key: UUID) -> HttpResponse:
    """The page: the patient, the place where the disc is dropped, and what was read of it."""
    _check(request)
    return render(request, "radiology/disc.html", _page(request, key))


@require_GET
def read(request: Request, key: UUID) -> HttpResponse:
    """What was read so far, again."""
    _check(request)
    return render(request, "radiology/_disc.html", _page(request, key))


@require_POST
def take(request: Request, key: UUID) -> HttpResponse:
    """The disc is the patient's."""
    _check(request)
    row = archive.disc(key, viewer=request.actor)
    try:
        order = UUID(request.POST["order"]) if request.POST.get("order") else None
        services.import_disc(
            key, because=request.POST.get("because", ""), compared="compared" in request.POST, order=order,
            by=request.actor,
        )  # fmt: skip
    except ValueError:
        return redirect("radiology:disc", key)
    except NotAllowed:
        raise
    except Refused as refusal:
        return render(request, "radiology/disc.html", _page(request, key, refusal), status=refusal.http)
    messages.success(request, gettext("The images of the disc are the patient's."))
    return redirect("record:summary", row.patient_id)


@require_POST
def drop(request: Request, key: UUID) -> HttpResponse:
    """The disc is given up."""
    _check(request)
    row = archive.disc(key, viewer=request.actor)
    try:
        archive_services.drop_disc(key, by=request.actor)
        messages.success(request, gettext("The disc is given up; nothing of it was kept."))
    except NotAllowed:
        raise
    except Refused as refusal:
        messages.error(request, refusal.sentence)
    return redirect("patients:patient", row.patient_id)


def _page(request: Request, key: UUID, refusal: Refused | None = None) -> dict[str, object]:
    row = archive.disc(key, viewer=request.actor)
    patients.require_ground(row.patient_id, viewer=request.actor)
    studies = queries.compared_disc(key, viewer=request.actor)
    links = allowed("radiology.link_study", request.actor)
    return {
        "disc": row,
        "open": row.taken_at is None and row.dropped_at is None,
        "place": row.place,
        "patient": patients.patient(row.patient_id, viewer=request.actor),
        "studies": studies,
        "differs": any(one.differs for one in studies),
        "orders": queries.orders_for_disc(key, viewer=request.actor)[:ORDERS] if links else [],
        "fields": FIELDS,
        "refusal": refusal,
        "given": request.POST,
    }


def _check(request: Request) -> None:
    if not allowed("radiology.import_disc", request.actor):
        raise NotAllowed


urlpatterns = [
    path("discs/<uuid:patient>/begin/", begin, name="begin_disc"),
    path("discs/<uuid:key>/", disc, name="disc"),
    path("discs/<uuid:key>/read/", read, name="disc_read"),
    path("discs/<uuid:key>/take/", take, name="disc_take"),
    path("discs/<uuid:key>/drop/", drop, name="disc_drop"),
]
