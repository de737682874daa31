"""Key images as the reader showed them: as a picture, and as what the viewer needs to show them again."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse, JsonResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.views.decorators.http import require_GET

from wasl.kernel.http import Request, in_json
from wasl.patients import queries as patients
from wasl.patients import services as patients_services
from wasl.radiology import queries
from wasl.radiology.dicom.pictures import png
from wasl.radiology.queries import KeyImage


@require_GET
def key_image(request: Request, key: UUID) -> HttpResponse:
    """A key image, in the reader's window and with what is drawn on it, as PNG."""
    image = queries.key_image(key, viewer=request.actor)
    reading = image.report.reading
    content = png(image, reading.study_id, viewer=request.actor)
    _log(request, reading.patient_id, "radiology.key_image", image.report_id)
    return HttpResponse(content, content_type="image/png", headers={"Cache-Control": "no-store"})


@require_GET
@in_json
def marked_images(request: Request) -> JsonResponse:
    """The key images of the reports on a study (`study`), each with how its reader showed it."""
    images = queries.marked_images(request.GET.get("study", ""), viewer=request.actor)
    for report, patient in {image.report_id: image.report.reading.patient_id for image in images}.items():
        _log(request, patient, "radiology.marked_images", report)
    return JsonResponse({"images": [_said(image) for image in images]}, headers={"Cache-Control": "no-store"})


def _said(image: KeyImage) -> dict[str, Any]:
    report = image.report
    return {
        "id": str(image.id), "instance": image.instance_uid, "frame": image.frame, "said": image.said,
        "by": str(report.author), "at": f"{timezone.localtime(report.signed_at):%d/%m/%Y %H:%M}",
        "preliminary": report.state != "signed",
        **(image.view or {"window": None, "inverted": False, "drawings": []}),
    }  # fmt: skip


def _log(request: Request, patient: UUID, what: str, subject: UUID) -> None:
    ground = patients.require_ground(patient, viewer=request.actor)
    patients_services.log_access(patient, what=what, ground=ground, by=request.actor, subject=subject)


urlpatterns: list[URLPattern] = [
    path("images/<uuid:key>/picture.png", key_image, name="key_image"),
    path("marked/", marked_images, name="marked_images"),
]
