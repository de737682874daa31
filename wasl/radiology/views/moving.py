"""What is done with images that are another patient's, of another exam, or an unknown person's; each can be undone."""

from collections.abc import Callable
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from wasl.accounts import queries as accounts
from wasl.archive import queries as archive
from wasl.archive import services as archive_services
from wasl.kernel.access import SYSTEM
from wasl.kernel.errors import NotAllowed, NotFound, Refused
from wasl.kernel.http import Request
from wasl.kernel.verbs import allowed
from wasl.patients import queries as patients
from wasl.radiology import queries, services

SHOWN = 20
WHAT = {
    "match": _("Said to be this patient's"),
    "move": _("Moved to another patient"),
    "identification": _("The unknown person was identified"),
    "came": _("Images came from another study"),
    "went": _("Images went to another study"),
    "separation": _("A study was made of images that were kept aside"),
}


def check_may_move(request: Request) -> None:
    """Who moves images may see how."""
    if not allowed("radiology.move_study", request.actor):
        raise NotAllowed


def history(request: Request, study: UUID) -> list[dict[str, object]]:
    """The steps of a study as its page shows them: in words, with the names of who did them and of whose they were."""
    steps = queries.steps_of(study, viewer=request.actor)
    keys = {key for step in steps for key in (step.patient, step.former) if key}
    known = patients.identities_of(keys, viewer=request.actor)
    people = [UUID(step.by.partition(":")[2]) for step in steps if step.by.startswith("person:")]
    names = accounts.names(people, viewer=SYSTEM)
    return [
        {
            "step": step, "what": WHAT[step.kind], "because": gettext(step.because) if step.because else "",
            "patient": known.get(step.patient) if step.patient else None,
            "former": known.get(step.former) if step.former else None,
            "who": names.get(UUID(step.by.partition(":")[2]), "") if step.by.startswith("person:") else "",
        }
        for step in steps
    ]  # fmt: skip


def back(request: Request, act: Callable[[], object], done: str, study: UUID) -> HttpResponse:
    """Do it and show the study again, with what was refused where it was."""
    try:
        act()
        messages.success(request, done)
    except NotAllowed:
        raise
    except Refused as refusal:
        messages.error(request, refusal.sentence)
    there = archive.has_images(study, viewer=request.actor)
    page = reverse("radiology:reconcile", args=[study]) if there else reverse("radiology:reconciliation")
    return HttpResponseRedirect(page)


@require_POST
def move(request: Request, key: UUID) -> HttpResponse:
    """Say that a study is another patient's, or answers another order."""
    check_may_move(request)
    found = archive.study(key, viewer=request.actor)
    order, patient = _key(request, "order"), _key(request, "patient")
    if found.patient_id is None:
        raise NotFound
    if patient and not order:
        patient = patients.patient(patient, viewer=request.actor).id
    because, owner = request.POST.get("because", ""), found.patient_id
    return back(
        request,
        lambda: services.move_study(
            key, out_of=owner, order=order, patient=None if order else patient, because=because, by=request.actor
        ),
        gettext("The images, and what was made of them, went to the other patient. Whoever had the report is told."),
        key,
    )


@require_POST
def regroup(request: Request, key: UUID) -> HttpResponse:
    """Say that series of a study belong to another, or make a study of their own."""
    check_may_move(request)
    try:
        series = [UUID(one) for one in request.POST.getlist("series")]
    except ValueError as wrong:
        raise NotFound from wrong
    into, because = _key(request, "into"), request.POST.get("because", "")
    whole = into and set(series) == set(archive.series_of(key, viewer=request.actor).values_list("id", flat=True))

    def act() -> object:
        if whole and into:
            return archive_services.merge_studies(key, into=into, because=because, by=request.actor)
        return archive_services.move_images(key, series=series, into=into, because=because, by=request.actor)

    return back(request, act, gettext("The series are where you said; their images are given so from now on."), key)


@require_POST
def undo(request: Request, study: UUID, kind: str, key: UUID) -> HttpResponse:
    """Undo one step that was made with a study's images."""
    check_may_move(request)
    if not any(step.key == key and step.kind == kind for step in queries.steps_of(study, viewer=request.actor)):
        raise NotFound
    verbs: dict[str, Callable[[], object]] = {
        "move": lambda: services.undo_move(key, by=request.actor),
        "identification": lambda: services.undo_identification(key, by=request.actor),
        "came": lambda: archive_services.undo_regrouping(key, by=request.actor),
        "went": lambda: archive_services.undo_regrouping(key, by=request.actor),
        "separation": lambda: archive_services.undo_separation(key, by=request.actor),
    }
    if kind not in verbs:
        raise Http404
    return back(request, verbs[kind], gettext("The step was undone; everything is as it was before it."), study)


def unknown(request: Request, key: UUID) -> HttpResponse:
    """An unknown person with the images made of them: whom a person who knows finds them to be."""
    check_may_move(request)
    person = patients.patient(key, viewer=request.actor)
    studies = list(archive.studies_of(key, viewer=request.actor))
    words = request.POST.get("q", "")[:80]
    people = [one for one in patients.search(words, viewer=request.actor, limit=8) if one.id != key] if words else []
    context = {"person": person, "studies": studies, "words": words, "people": people}
    return render(request, "radiology/unknown.html", context)


@require_POST
def identify(request: Request, key: UUID) -> HttpResponse:
    """Say who the unknown person is: everything goes to that patient."""
    check_may_move(request)
    chosen = _key(request, "patient")
    if chosen is None:
        raise NotFound
    found = patients.patient(chosen, viewer=request.actor).id
    try:
        services.identify_patient(key, patient=found, because=request.POST.get("because", ""), by=request.actor)
    except NotAllowed:
        raise
    except Refused as refusal:
        messages.error(request, refusal.sentence)
        return HttpResponseRedirect(reverse("radiology:unknown", args=[key]))
    messages.success(request, gettext("Everything that was done is the known patient's now."))
    return HttpResponseRedirect(reverse("radiology:reconciliation"))


@require_POST
def read_recall(request: Request, key: UUID) -> HttpResponse:
    """Say that one knows that a report was withdrawn."""
    services.read_recall(key, by=request.actor)
    return HttpResponseRedirect(reverse("radiology:results"))


def _key(request: Request, name: str) -> UUID | None:
    text = request.POST.get(name, "")
    try:
        return UUID(text) if text else None
    except ValueError as wrong:
        raise NotFound from wrong


urlpatterns: list[URLPattern] = [
    path("reconciliation/<uuid:key>/move/", move, name="move_study"),
    path("reconciliation/<uuid:key>/series/", regroup, name="move_series"),
    path("reconciliation/<uuid:study>/undo/<slug:kind>/<uuid:key>/", undo, name="undo_step"),
    path("reconciliation/unknown/<uuid:key>/", unknown, name="unknown"),
    path("reconciliation/unknown/<uuid:key>/identify/", identify, name="identify_patient"),
    path("recalls/<uuid:key>/", read_recall, name="read_recall"),
]
