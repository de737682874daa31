"""One study: its series, how much of it is here, which images are missing, and where it is on its way to.

At a hospital's gateway a doctor writes a preliminary word on it, which whoever sees the study prints.
"""

from uuid import UUID, uuid4

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from wasl.archive import dicom, queries, services
from wasl.archive.queries import Study
from wasl.archive.rules import preliminary as rules
from wasl.archive.views.failures import why
from wasl.archive.views.links import RANKS
from wasl.kernel.errors import Invalid, NotAllowed, Refused
from wasl.kernel.http import Request
from wasl.kernel.verbs import allowed
from wasl.patients import queries as patients
from wasl.patients import services as patients_services

SHOWN = 200  # missing images that are named


@require_GET
def study(request: Request, key: UUID) -> HttpResponse:
    """The page, or the part of it that moves while images come."""
    found = queries.study(key, viewer=request.actor)
    missing = queries.missing(key, viewer=request.actor)
    transfers = list(queries.transfers_of(key, viewer=request.actor)[:20])
    context: dict[str, object] = {
        "study": found,
        "manifest": queries.owed([key], viewer=request.actor).get(key),
        "missing": missing[:SHOWN],
        "more": max(missing.count() - SHOWN, 0),
        "series": queries.series_of(key, viewer=request.actor),
        "marks": queries.marks_of(key, viewer=request.actor),
        "transfers": [(row, why(row.error)) for row in transfers],
        "ranks": [(str(rank), words) for rank, words in enumerate(RANKS)],
        "may_copy": allowed("archive.ask_release", request.actor),
        "may_share": bool(found.patient_id) and allowed("archive.share_study", request.actor),
        "sends": allowed("archive.queue_transfer", request.actor),
        "lines": queries.links(viewer=request.actor),
        "preliminaries": queries.preliminaries_of(key, viewer=request.actor),
        "may_write": _may_write(request),
        "under_way": any(row.ended_at is None for row in transfers),
    }
    if request.htmx:
        return render(request, "archive/_study.html", context)
    context["patient"] = _patient(found, request)
    return render(request, "archive/study.html", context)


def _patient(found: Study, request: Request) -> "patients.Patient | None":
    """Whose the study is; that it was looked at is written down."""
    if found.patient_id is None:
        return None
    ground = queries.ground(found.id, viewer=request.actor) or "place"
    patients_services.log_access(
        found.patient_id, what="archive.study", ground=ground, by=request.actor, subject=found.id
    )
    return patients.identities_of({found.patient_id}, viewer=request.actor).get(found.patient_id)


@require_POST
def send(request: Request, key: UUID) -> HttpResponse:
    """Send the study over a line, or say how urgent it is on its way."""
    queries.study(key, viewer=request.actor)
    try:
        rank = int(request.POST.get("rank", "3"))
        if request.POST.get("link"):
            services.queue_transfer(key, link=UUID(request.POST["link"]), rank=rank, by=request.actor)
            messages.success(request, gettext("The study is sent as soon as the link lets it."))
        else:
            services.rank_transfer(key, rank=rank, by=request.actor)
            messages.success(request, gettext("The urgency is changed."))
    except Refused as refusal:
        if isinstance(refusal, NotAllowed):
            raise
        messages.error(request, refusal.sentence)
    except ValueError:
        messages.error(request, gettext("Choose a link and an urgency."))
    return redirect("archive:study", key)


@require_http_methods(["GET", "HEAD", "POST"])
def preliminary(request: Request, key: UUID) -> HttpResponse:
    """What was written of the study before the centre could read it, to be printed, and room for more."""
    found = queries.study(key, viewer=request.actor)
    text, refusal = request.POST.get("text", ""), None
    if request.method == "POST":
        try:
            _write(request, found, text)
        except Invalid as wrong:
            refusal = wrong
        else:
            messages.success(request, gettext("Written down. It goes to the centre with the images."))
            return redirect("archive:preliminary", key)
    context = {
        "study": found, "patient": _patient(found, request), "text": text, "refusal": refusal, "most": rules.MOST,
        "preliminaries": queries.preliminaries_of(key, viewer=request.actor), "may_write": _may_write(request),
    }  # fmt: skip
    return render(request, "archive/preliminary.html", context, status=422 if refusal else 200)


def _may_write(request: Request) -> bool:
    return settings.GATEWAY and allowed("archive.write_preliminary", request.actor)


def _write(request: Request, found: Study, text: str) -> None:
    person = request.user
    if person.is_anonymous or not allowed("archive.write_preliminary", request.actor):
        raise NotAllowed
    rules.check_preliminary(text, gateway=settings.GATEWAY)  # before anything lies in the store
    author = f"{person.family_name}^{person.given_name}"
    document = dicom.preliminary.written(found, text=text, author=author, key=uuid4(), at=timezone.now())
    services.write_preliminary(found.id, text=text, document=document, by=request.actor)


urlpatterns = [
    path("<uuid:key>/", study, name="study"),
    path("<uuid:key>/preliminary/", preliminary, name="preliminary"),
    path("<uuid:key>/send/", send, name="send_study"),
]
