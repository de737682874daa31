"""The card and the wristband, to be printed."""

from uuid import UUID

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from wasl.kernel.http import Request
from wasl.patients import queries, services


@require_safe
def card_pdf(request: Request, key: UUID) -> HttpResponse:
    """The card, 85.6 by 53.98 mm (ISO/IEC 7810, ID-1)."""
    return _printed(request, key, "card")


@require_safe
def wristband_pdf(request: Request, key: UUID) -> HttpResponse:
    """A band for the wrist, 25 mm wide."""
    return _printed(request, key, "wristband")


def _printed(request: Request, key: UUID, what: str) -> HttpResponse:
    ground = queries.require_ground(key, viewer=request.actor)
    person = queries.patient(key, viewer=request.actor)
    services.log_access(key, what=f"patients.{what}", ground=ground, by=request.actor)
    answer = HttpResponse(services.label(person, what), content_type="application/pdf")
    answer["Content-Disposition"] = f'inline; filename="{what}.pdf"'
    return answer
