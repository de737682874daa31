"""Several readers on one patient: a case is split, each region has a page to be read on, and all become one report."""

from typing import TypedDict
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_POST

from wasl.kernel.errors import NotAllowed, Refused
from wasl.kernel.http import Request
from wasl.patients import queries as patients
from wasl.patients import services as patients_services
from wasl.radiology import queries, services
from wasl.radiology.queries import Reading, Region
from wasl.radiology.rules import regions as rules
from wasl.radiology.views.parts import regions_in
from wasl.radiology.views.readings import CATEGORIES, _answers, _around, _line


def regions(request: Request, key: UUID) -> HttpResponse:
    """The regions of a case as they stand, for its open page; a page that knows it already is told so."""
    case = queries.reading(key, viewer=request.actor)
    if not request.htmx:
        return redirect("radiology:reading", key)
    context = regions_in(case, request)
    if request.GET.get("known") == context["regions_known"]:
        return HttpResponse(status=204)
    return render(request, "radiology/_regions.html", {"reading": case, **context})


def split(request: Request, key: UUID) -> HttpResponse:
    """Choose the body regions that others read; those that the exam usually has are ticked."""
    case = queries.reading(key, viewer=request.actor)
    if not queries.may_split(case, viewer=request.actor):
        raise NotAllowed
    there = {row.body for row in queries.regions_of(key, viewer=request.actor) if row.state != "withdrawn"}
    procedure, refusal = case.order.procedure, None
    ticked = set(rules.usual(procedure.regions, procedure.region))
    if request.method == "POST":
        ticked = set(request.POST.getlist("body"))
        try:
            made = services.split_reading(key, bodies=ticked, by=request.actor)
        except Refused as refused:
            refusal = refused
        else:
            said = ngettext("{n} region waits for its reader.", "{n} regions wait for their readers.", len(made))
            messages.success(request, said.format(n=len(made)))
            return redirect("radiology:reading", key)
    choices = [(body, label, body in there, body in ticked) for body, label in Region.Body.choices]
    return _form(request, "split", case, refusal, {"choices": choices})


def take_back(request: Request, key: UUID) -> HttpResponse:
    """Choose the regions that one reads oneself after all, and say why."""
    case = queries.reading(key, viewer=request.actor)
    if case.state != "claimed" or case.claimed_by_id != request.actor.id:
        raise NotAllowed
    refusal = None
    if request.method == "POST":
        try:
            services.take_back_regions(
                key, regions=_keys(request), because=request.POST.get("because", ""), by=request.actor
            )
        except Refused as refused:
            refusal = refused
        else:
            messages.success(request, gettext("You read these regions yourself. Their readers are told."))
            return redirect("radiology:reading", key)
    ticked = {*request.POST.getlist("region"), *request.GET.getlist("region")}
    rows = [(row, str(row.id) in ticked) for row in queries.open_regions(key, viewer=request.actor)]
    return _form(request, "take_back", case, refusal, {"rows": rows})


def _keys(request: Request) -> set[UUID]:
    """What was ticked; what is no key at all is no region either."""
    try:
        return {UUID(text) for text in request.POST.getlist("region")}
    except ValueError:
        return set()


def _form(
    request: Request, name: str, case: Reading, refusal: Refused | None, context: dict[str, object]
) -> HttpResponse:
    about = {
        "reading": case,
        "order": case.order,
        "patient": patients.identities_of([case.patient_id], viewer=request.actor).get(case.patient_id),
        "given": request.POST,
        "refusal": refusal,
    }
    _log(request, case)
    return render(request, f"radiology/{name}.html", {**about, **context}, status=refusal.http if refusal else 200)


@require_POST
def merge(request: Request, key: UUID) -> HttpResponse:
    """Put what was handed in into the draft, and open it."""
    try:
        services.merge_regions(key, language=getattr(request.user, "language", "fr"), by=request.actor)
    except NotAllowed:
        raise
    except Refused as refusal:
        queries.reading(key, viewer=request.actor)
        messages.error(request, refusal.sentence)
    else:
        messages.success(request, gettext("What was handed in stands in the report now. Read it before you sign."))
    return redirect("radiology:reading", key)


def region(request: Request, key: UUID) -> HttpResponse:
    """One region beside its images, for who reads it; whoever else sees the case is led to it."""
    found = queries.region(key, viewer=request.actor)
    if found.reading.state == "signed":
        return redirect("radiology:report", found.reading_id)
    if found.reader_id != request.actor.id:
        return redirect("radiology:reading", found.reading_id)
    if found.state == "withdrawn" or found.reading.state == "withdrawn":
        messages.warning(request, rules.RegionEnded().sentence)
        return redirect("radiology:readings")
    return _page(request, found)


def _page(request: Request, row: Region, *, refusal: Refused | None = None) -> HttpResponse:
    """The page of one's own region, with what was sent where it was refused."""
    case, viewer = row.reading, request.actor
    _log(request, case)
    context = {
        **_line(case, {}, request),
        **_around(case, request),
        "region": row,
        "patient": patients.patient(case.patient_id, viewer=viewer),
        "order": case.order,
        "study_uid": case.study.uid,
        "answers": _answers(case),
        "findings": [one for one in queries.findings_of(case.id, viewer=viewer) if one.region_id == row.id],
        "talks": queries.may_talk(case.order_id, viewer=viewer),
        "text": {name: request.POST.get(name, getattr(row, name)) for name in ("findings", "conclusion")},
        "longest": rules.LONGEST,
        "longest_finding": rules.LONGEST_FINDING,
        "categories": list(CATEGORIES.items()),
        "given": request.POST,
        "refusal": refusal,
    }
    return render(request, "radiology/region.html", context, status=refusal.http if refusal else 200)


@require_POST
def claim(request: Request, key: UUID) -> HttpResponse:
    """Take a region and open it; when another reader was quicker, say so and show the worklist again."""
    found = queries.region(key, viewer=request.actor)
    try:
        services.claim_region(key, by=request.actor)
    except NotAllowed:
        raise
    except Refused as refusal:
        messages.error(request, refusal.sentence)
        return redirect("radiology:readings")
    return redirect("radiology:region", found.id)


@require_POST
def save(request: Request, key: UUID) -> HttpResponse:
    """Save the text as it stands; the page is told the revision that it writes upon next."""
    mine = _mine_again(request, key)
    refusal = None
    try:
        mine = services.save_region(key, **_written(request), by=request.actor)
    except Refused as refused:
        refusal = refused
    if not request.htmx:
        return _page(request, mine, refusal=refusal) if refusal else redirect("radiology:region", key)
    context = {"region": mine, "refusal": refusal, "at": timezone.localtime()}
    return render(request, "radiology/_region_saved.html", context, status=refusal.http if refusal else 200)


@require_POST
def keep(request: Request, key: UUID) -> HttpResponse:
    """A sign of life of the reader; a page whose region went back to the list meanwhile is told so."""
    try:
        services.keep_region(key, by=request.actor)
    except NotAllowed:
        raise
    except Refused as refusal:
        context = {"refusal": refusal}
        return render(request, "radiology/_region_saved.html", context, status=refusal.http)
    return HttpResponse(status=204)


@require_POST
def hand_in(request: Request, key: UUID) -> HttpResponse:
    """Hand the text in as it stands on the page."""
    mine = _mine_again(request, key)
    try:
        services.hand_in_region(key, **_written(request), by=request.actor)
    except Refused as refusal:
        return _page(request, mine, refusal=refusal)
    messages.success(request, gettext("Handed in. The leading reader puts it into the report."))
    return redirect("radiology:readings")


@require_POST
def hand_back(request: Request, key: UUID) -> HttpResponse:
    """Give a region back to the worklist, with its text."""
    mine = _mine(request, key)
    try:
        services.hand_back_region(key, by=request.actor)
    except Refused as refusal:
        return _page(request, mine, refusal=refusal)
    messages.success(request, gettext("The region is back on the worklist, with your text."))
    return redirect("radiology:readings")


@require_POST
def release(request: Request, key: UUID) -> HttpResponse:
    """Release a critical finding of one's region now, before any report."""
    mine = _mine(request, key)
    category = request.POST.get("category", "1")
    try:
        services.release_finding(
            key, what=request.POST.get("what", ""), category=int(category) if category in ("1", "2", "3") else 0,
            language=getattr(request.user, "language", "fr"), by=request.actor,
        )  # fmt: skip
    except Refused as refusal:
        return _page(request, mine, refusal=refusal)
    messages.success(request, gettext("Released. The doctor who asked must acknowledge it now."))
    return redirect("radiology:region", key)


def _mine(request: Request, key: UUID) -> Region:
    """One's own region; nobody else writes in it. Raises NotYourRegion."""
    found = queries.region(key, viewer=request.actor)
    if found.reader_id != request.actor.id:
        raise rules.NotYourRegion
    return found


def _mine_again(request: Request, key: UUID) -> Region:
    """One's own region; one that went back to the list since its reader was silent is theirs who writes on, first."""
    if queries.region(key, viewer=request.actor).state == Region.State.WAITING:
        services.claim_region(key, by=request.actor)
    return _mine(request, key)


class Written(TypedDict):
    """What stands on the page, and the revision that it was written upon."""

    findings: str
    conclusion: str
    revision: int


def _written(request: Request) -> Written:
    revision = request.POST.get("revision", "")
    return {
        "findings": request.POST.get("findings", ""),
        "conclusion": request.POST.get("conclusion", ""),
        "revision": int(revision) if revision.isdecimal() and len(revision) < 9 else 0,
    }


def _log(request: Request, case: Reading) -> None:
    """Write the access to the case, so that its readers are told too should it turn out another patient's."""
    ground = patients.ground(case.patient_id, viewer=request.actor) or "worklist"
    patients_services.log_access(
        case.patient_id, what="radiology.region", ground=ground, by=request.actor, subject=case.id
    )


urlpatterns: list[URLPattern] = [
    path("readings/<uuid:key>/regions/", regions, name="regions"),
    path("readings/<uuid:key>/split/", split, name="split_reading"),
    path("readings/<uuid:key>/take-back/", take_back, name="take_back_regions"),
    path("readings/<uuid:key>/merge/", merge, name="merge_regions"),
    path("regions/<uuid:key>/", region, name="region"),
    path("regions/<uuid:key>/claim/", claim, name="claim_region"),
    path("regions/<uuid:key>/save/", save, name="save_region"),
    path("regions/<uuid:key>/keep/", keep, name="keep_region"),
    path("regions/<uuid:key>/hand-in/", hand_in, name="hand_in_region"),
    path("regions/<uuid:key>/hand-back/", hand_back, name="hand_back_region"),
    path("regions/<uuid:key>/release/", release, name="release_finding"),
]
