"""The viewer's layouts: the list of one's own and one's hospital's, files of them, what the viewer asks and saves."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from wasl.archive import queries, services
from wasl.archive.dicom import layouts as dicom
from wasl.archive.queries import Layout
from wasl.archive.rules import layouts as rules
from wasl.kernel.access import Actor
from wasl.kernel.errors import NotAllowed, Refused
from wasl.kernel.http import Request, in_json, json_of
from wasl.kernel.verbs import allowed

LARGEST = 20_000  # bytes of a layout as JSON
PLANES = {"axial": _("axial"), "coronal": _("coronal"), "sagittal": _("sagittal"), "oblique": _("oblique")}


@require_http_methods(["GET", "POST"])
@in_json
def viewer_layout(request: Request) -> JsonResponse:
    """How an exam (`study`) is to lie in the viewer, alone or with an earlier one (`earlier`); POST: from now on."""
    uid, earlier = request.GET.get("study", ""), request.GET.get("earlier") == "1"
    try:
        kind = queries.kind_of_study(uid, earlier=earlier, viewer=request.actor)
    except rules.NoKind:
        if request.method == "POST":
            raise
        return JsonResponse({"kind": "", "layout": None, "may_save": False})  # a report alone: the viewer shows that
    if request.method == "POST":
        sent = json_of(request, most=LARGEST)
        arrangement = rules.arranged(sent, earlier=earlier)
        services.save_layout(
            uid, name=str(sent.get("name", "")), arrangement=arrangement, earlier=earlier,
            shared=sent.get("shared") is True, by=request.actor,
        )  # fmt: skip
    found = queries.layout_for(kind, viewer=request.actor)
    own, shared = (ask(kind, viewer=request.actor) for ask in (queries.own_layout, queries.shared_layout))
    may = allowed("archive.save_layout", request.actor)
    return JsonResponse({
        "kind": _kind_words(kind), "layout": found and _said(found), "own": own and _named(own),
        "shared": shared and _named(shared), "may_save": may, "may_share": _may_share(request.actor),
        "list": reverse("archive:layouts"), "token": get_token(request) if may else "",
    })  # fmt: skip


@require_GET
def layouts(request: Request) -> HttpResponse:
    """One's own layouts and those of one's hospitals, and a form for one that comes from elsewhere."""
    _check_reader(request)
    rows = [_row(layout, request.actor) for layout in queries.layouts(viewer=request.actor)]
    context = {"rows": rows, "may_share": _may_share(request.actor), "letters": rules.LETTERS}
    return render(request, "archive/layouts.html", context)


@require_GET
def export_layout(request: Request, key: UUID) -> HttpResponse:
    """A layout as a file: a DICOM Hanging Protocol."""
    layout = queries.layout(key, viewer=request.actor)
    headers = {"Content-Disposition": f'attachment; filename="layout-{layout.modality.lower()}.dcm"'}
    return HttpResponse(dicom.written(layout), content_type="application/dicom", headers=headers)


@require_POST
def import_layout(request: Request) -> HttpResponse:
    """Take a layout from a DICOM Hanging Protocol."""
    _check_reader(request)
    file = request.FILES.get("file")

    def act() -> str:
        if file is None or file.size is None:
            raise rules.NotALayoutFile
        name, kind, arrangement = dicom.read(file.read(dicom.LARGEST + 1))
        shared = "shared" in request.POST
        row = services.import_layout(kind, name=name, arrangement=arrangement, shared=shared, by=request.actor)
        return gettext("“{name}” was imported.").format(name=row.name)

    return _done(request, act)


@require_POST
def rename_layout(request: Request, key: UUID) -> HttpResponse:
    """Call a layout something else."""
    queries.layout(key, viewer=request.actor)

    def act() -> str:
        services.rename_layout(key, name=request.POST.get("name", ""), by=request.actor)
        return gettext("The layout has its new name.")

    return _done(request, act)


@require_POST
def use_layout(request: Request, key: UUID) -> HttpResponse:
    """Have the viewer take a layout by itself, or no longer."""
    used = request.POST.get("used") == "1"
    services.use_layout(key, used=used, by=request.actor)
    messages.success(request, gettext("The viewer uses it.") if used else gettext("The viewer no longer uses it."))
    return redirect("archive:layouts")


@require_POST
def forget_layout(request: Request, key: UUID) -> HttpResponse:
    """Keep a layout no longer."""
    services.forget_layout(key, by=request.actor)
    messages.success(request, gettext("The layout is forgotten."))
    return redirect("archive:layouts")


def _done(request: Request, act: Callable[[], str]) -> HttpResponse:
    """Do something to the list, and say on it what became of that."""
    try:
        messages.success(request, act())
    except NotAllowed:
        raise
    except Refused as refusal:
        messages.error(request, refusal.sentence)
    return redirect("archive:layouts")


def _row(layout: Layout, viewer: Actor) -> dict[str, object]:
    """A layout as the list shows it."""
    boxes = [box and _box_words(box) for box in layout.boxes]
    mine = layout.person_id is not None
    may = mine or any(held.role == "chief" and held.place == layout.place_id for held in viewer.held)
    kind, plan = _kind_words(dicom.kind_of(layout)), f"plan-{layout.columns}"
    return {"layout": layout, "boxes": boxes, "kind": kind, "plan": plan, "mine": mine, "may": may}


def _box_words(box: dict[str, Any]) -> dict[str, object]:
    """What stands in a place, in few words: what the series is called, else its plane and number."""
    number = box["number"]
    called = box["description"] or (f"{box['modality']} {number}" if number is not None else box["modality"])
    return {"called": called, "plane": PLANES.get(box["plane"], ""), "earlier": box["earlier"]}


def _kind_words(kind: rules.Kind) -> str:
    """A kind of exam, as the images say it."""
    return " · ".join(filter(None, (kind.modality, kind.body_part or kind.procedure)))


def _said(layout: Layout) -> dict[str, object]:
    return {"rows": layout.rows, "columns": layout.columns, "boxes": layout.boxes, "name": layout.name}


def _named(layout: Layout) -> dict[str, object]:
    forget = reverse("archive:forget_layout", args=[layout.id])
    return {"name": layout.name, "used": layout.used, "forget": forget}


def _may_share(actor: Actor) -> bool:
    """Whether somebody keeps layouts for the hospital where they are at work."""
    try:
        rules.check_shares(actor.at, by=actor)
    except NotAllowed:
        return False
    return True


def _check_reader(request: Request) -> None:
    if not allowed("archive.save_layout", request.actor):
        raise NotAllowed


urlpatterns = [
    path("layouts/", layouts, name="layouts"),
    path("layouts/of/", viewer_layout, name="viewer_layout"),
    path("layouts/import/", import_layout, name="import_layout"),
    path("layouts/<uuid:key>/export/", export_layout, name="export_layout"),
    path("layouts/<uuid:key>/rename/", rename_layout, name="rename_layout"),
    path("layouts/<uuid:key>/use/", use_layout, name="use_layout"),
    path("layouts/<uuid:key>/forget/", forget_layout, name="forget_layout"),
]
