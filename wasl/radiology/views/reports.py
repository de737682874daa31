"""A signed report with its addenda, its PDF, and the public page that says what a digest proves."""

from uuid import UUID

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import URLPattern, path, re_path, reverse
from django.views.decorators.http import require_POST

from wasl.archive import queries as archive
from wasl.kernel.errors import Refused
from wasl.kernel.http import Request
from wasl.kernel.verbs import allowed
from wasl.patients import queries as patients
from wasl.patients import services as patients_services
from wasl.radiology import queries, services
from wasl.radiology.queries import Report
from wasl.radiology.views.opinions import opinions_on
from wasl.radiology.views.readings import CATEGORIES, SECTION_TITLES
from wasl.workforce import queries as workforce


def report(request: Request, key: UUID) -> HttpResponse:
    """A signed report and its addenda, with key images, and who read it; the doctor who asked has now read it."""
    chain = queries.chain(key, viewer=request.actor)
    patient = _opened(chain[0], request, "radiology.report")
    if allowed("radiology.read_report", request.actor):
        for part in chain:
            services.read_report(part.id, by=request.actor)
    return render(request, "radiology/report.html", _page(request, chain, patient))


def _opened(found: Report, request: Request, what: str) -> patients.Patient:
    """Write the access, on its ground, and say whose report it is."""
    key = found.reading.patient_id
    ground = patients.require_ground(key, viewer=request.actor)
    patients_services.log_access(key, what=what, ground=ground, by=request.actor, subject=found.id)
    return patients.patient(key, viewer=request.actor)


def _page(
    request: Request, chain: list[Report], patient: patients.Patient, refusal: Refused | None = None
) -> dict[str, object]:
    images = queries.key_images([part.id for part in chain], viewer=request.actor)
    workers = workforce.workers_of([part.author_id for part in chain], viewer=request.actor)
    rows = archive.instances_of(chain[0].reading.study_id, viewer=request.actor)
    series = {row.uid: row.series.uid for row in rows.filter(uid__in=[image.instance_uid for image in images])}
    parts = [
        {
            "report": part,
            "sections": [(SECTION_TITLES[n], part.sections[n], n) for n in SECTION_TITLES
                         if n != "title" and n in part.sections],
            "advised": queries.follow_up_words(part, viewer=request.actor),
            "images": [(image, series.get(image.instance_uid, "")) for image in images if image.report_id == part.id],
            "readers": queries.attribution(part, viewer=request.actor),
            "worker": workers.get(part.author_id),
        }
        for part in chain
    ]  # fmt: skip
    reading, viewer = chain[0].reading, request.actor
    alone = [one.id for one in queries.findings_of(reading.id, viewer=viewer)]
    told = dict.fromkeys([*([chain[0].finalises_id] if chain[0].finalises_id else []), *alone, *(p.id for p in chain)])
    over_read = queries.over_read_of(chain[0].id, viewer=viewer)
    return {
        "parts": parts,
        "owed": [
            {"it": owed, "category": CATEGORIES[owed.category], "may_answer": queries.may_answer(owed, viewer=viewer)}
            for key in told
            if (owed := queries.obligation_of(key, viewer=viewer))
        ],
        "preliminary": chain[0].state == "preliminary",
        "compares": chain[0].finalises_id is not None and viewer.id in (chain[0].author_id, chain[0].drafted_by_id),
        "over_read": over_read,
        "may_over_read": over_read is None and queries.may_over_read(chain[0], viewer=viewer),
        "first": chain[0],
        "reading": reading,
        "order": reading.order,
        "patient": patient,
        "study_uid": reading.study.uid,
        "receipts": queries.receipts_of([part.id for part in chain], viewer=request.actor),
        "may_add": allowed("radiology.begin_addendum", request.actor) and reading.state == "signed",
        "notice": queries.notice_of(reading, viewer=request.actor),
        "refusal": refusal,
        **opinions_on(reading.order_id, request),
    }


def report_pdf(request: Request, key: UUID) -> HttpResponse:
    """The sealed PDF, byte for byte; its file name says nothing of the patient."""
    found = queries.report(key, viewer=request.actor)
    document = queries.document(key, viewer=request.actor)
    _opened(found, request, "radiology.report_pdf")
    return HttpResponse(
        bytes(document.pdf),
        content_type="application/pdf",
        headers={"Content-Disposition": f'inline; filename="{found.reading.order.accession}.pdf"'},
    )


@require_POST
def begin_addendum(request: Request, key: UUID) -> HttpResponse:
    """Begin an addendum and open the case to write it."""
    draft = services.begin_addendum(key, by=request.actor)
    return HttpResponseRedirect(reverse("radiology:reading", args=[draft.reading_id]))


@require_POST
def acknowledge(request: Request, key: UUID) -> HttpResponse:
    """Acknowledge a critical result by name, and show the report."""
    services.acknowledge_result(key, by=request.actor)
    return HttpResponseRedirect(reverse("radiology:report", args=[key]))


def verify(request: Request, digest: str) -> HttpResponse:
    """What a digest proves, to anybody who asks; it names no patient."""
    found = queries.verified(digest, viewer=request.actor)
    return render(request, "radiology/verify.html", {"found": found, "digest": digest}, status=200 if found else 404)


urlpatterns: list[URLPattern] = [
    path("reports/<uuid:key>/", report, name="report"),
    path("reports/<uuid:key>/report.pdf", report_pdf, name="report_pdf"),
    path("reports/<uuid:key>/addendum/", begin_addendum, name="begin_addendum"),
    path("reports/<uuid:key>/acknowledge/", acknowledge, name="acknowledge_result"),
    re_path(r"^verify/(?P<digest>[0-9a-f]{64})/$", verify, name="verify"),
]
