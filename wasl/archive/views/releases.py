"""Copies that name nobody: asked for, looked at by a second pair of eyes, taken away, and gone after a while."""

from uuid import UUID

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import FileResponse, Http404, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from wasl.accounts import queries as accounts
from wasl.archive import queries, rules, services
from wasl.archive.queries import Project, Receiver, Release
from wasl.archive.views import receivers
from wasl.kernel.errors import NotAllowed, Refused
from wasl.kernel.http import Listing, Request
from wasl.kernel.verbs import allowed

SORTS = ("-created_at", "created_at")
PICTURES = 12  # of one page; text in each is looked for when it was not before
OPTIONS: dict[str, str | Promise] = dict(
    zip(
        rules.OPTIONS,
        (
            _("dates as they are"), _("dates put back by the same number of days"), _("sex, age, size and weight"),
            _("the device"), _("the hospital"), _("the original UIDs"), _("words of anatomy and technique"),
            _("private numbers that are known to be safe"),
        ),
        strict=True,
    )
)  # fmt: skip
LEFT_OUT: dict[str, str | Promise] = {
    "no picture": _("no picture: reports and documents"),
    "cannot be read": _("cannot be read"),
    "text that cannot be painted over": _("text that cannot be painted over"),
}


class AskForm(forms.Form):
    """For which project, why, and what is kept."""

    project = forms.ChoiceField(label=_("Project"))
    purpose = forms.ChoiceField(label=_("For"), choices=Release.Purpose.choices)
    options = forms.MultipleChoiceField(
        label=_("What is kept"), required=False, choices=list(OPTIONS.items()), widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, data: QueryDict | None, projects: QuerySet[Project]) -> None:
        super().__init__(data)
        self.fields["project"].choices = [(str(row.id), row.name) for row in projects]  # type: ignore[attr-defined]
        for name in ("project", "purpose"):
            self.fields[name].widget.attrs["class"] = "form-select"


@require_GET
def releases(request: Request) -> HttpResponse:
    """The list with the state of each, and for the data steward a form for a new project."""
    _check(request)
    listing = Listing(request, queries.releases(viewer=request.actor), sorts=SORTS)
    rows = list(listing.page)
    names = _names(rows, request)
    context = {
        "listing": listing,
        "rows": [(row, _state(row), names.get(row.asked_by, "Wasl")) for row in rows],
        "may_open": allowed("archive.open_project", request.actor),
        "may_send": allowed("archive.add_receiver", request.actor),
    }
    return render(request, "archive/releases.html", context)


@require_POST
def open_project(request: Request) -> HttpResponse:
    """A new project of the place where one works."""
    if not allowed("archive.open_project", request.actor):
        raise NotAllowed
    name = request.POST.get("name", "").strip()
    try:
        if name and request.place:
            services.open_project(name, place=request.place, by=request.actor)
            messages.success(request, gettext("The project is open."))
        else:
            messages.error(request, gettext("A project has a name."))
    except NotAllowed:
        raise
    except Refused as refusal:
        messages.error(request, refusal.sentence)
    return redirect("archive:releases")


@require_http_methods(["GET", "HEAD", "POST"])
def ask(request: Request, study: UUID) -> HttpResponse:
    """Ask for copies of a study."""
    _check(request)
    found = queries.study(study, viewer=request.actor)
    form = AskForm(request.POST or None, queries.projects(viewer=request.actor))
    if request.method == "POST" and form.is_valid():
        asked = form.cleaned_data
        try:
            row = services.ask_release(
                UUID(asked["project"]), studies=[study], purpose=asked["purpose"], options=asked["options"],
                by=request.actor,
            )  # fmt: skip
        except NotAllowed:
            raise
        except Refused as refusal:
            form.add_error(None, refusal.sentence)
        else:
            return redirect("archive:release", row.id)
    return render(request, "archive/ask_release.html", {"study": found, "form": form})


@require_GET
def release(request: Request, key: UUID) -> HttpResponse:
    """One release: its state, its pictures as they will be, and what may be done with it. Nobody is named here."""
    _check(request)
    row = queries.release(key, viewer=request.actor)
    may_look = queries.may_open(row, viewer=request.actor)
    images = queries.images_of_release(key, viewer=request.actor).defer("metadata")
    listing = Listing(request, images.filter(frames__gt=0), sorts=("pk",), size=PICTURES) if may_look else None
    state = _state(row)
    names = _names([row], request)
    here = queries.released_file(key, viewer=request.actor) is not None
    sends = state == "ready" and here and allowed("archive.send_release", request.actor) and row.purpose != "teaching"
    sent = receivers.sent(key, request)
    gone_to = {one["row"].receiver_id for one in sent}  # type: ignore[attr-defined]
    context = {
        "release": row,
        "state": state,
        "asked_by": names.get(row.asked_by, "Wasl"),
        "decided_by": names.get(row.approved_by or row.refused_by, ""),
        "options": [OPTIONS[name] for name in row.options],
        "left_out": [(LEFT_OUT.get(why, why), count) for why, count in row.left_out.items()],
        "listing": listing,
        "decides": state == "waiting" and request.actor.holds("steward", row.project.place_id),
        "own": row.asked_by == str(request.actor),
        "may_take": may_look and state == "ready" and here,
        "sends": sends,
        "sent": sent,
        "under_way": any(one["row"].ended_at is None for one in sent),  # type: ignore[attr-defined]
        "receivers": _receivers(row, request).exclude(id__in=gone_to) if sends else [],
    }
    return render(request, "archive/release.html", context)


@require_POST
def decide(request: Request, key: UUID) -> HttpResponse:
    """Approve a release, or refuse it."""
    if not allowed("archive.approve_release", request.actor):
        raise NotAllowed
    queries.release(key, viewer=request.actor)
    try:
        if request.POST.get("decision") == "approve":
            services.approve_release(key, by=request.actor)
            messages.success(request, gettext("Approved: the copies are being made."))
        else:
            services.refuse_release(key, because=request.POST.get("because", ""), by=request.actor)
            messages.success(request, gettext("Refused: nothing is copied."))
    except Refused as refusal:
        if isinstance(refusal, NotAllowed) and not isinstance(refusal, rules.NotYourRelease):
            raise
        messages.error(request, refusal.sentence)
    return redirect("archive:release", key)


@require_POST
def fetch(request: Request, key: UUID) -> HttpResponseBase:
    """The copies as a ZIP, piece by piece; who took them is written down."""
    _check(request)
    services.fetch_release(key, by=request.actor)
    found = queries.released_file(key, viewer=request.actor)
    if found is None:
        raise Http404
    return FileResponse(found.open("rb"), as_attachment=True, filename=f"release-{key.hex[:8]}.zip")


def _receivers(row: Release, request: Request) -> QuerySet[Receiver]:
    return queries.receivers(viewer=request.actor).filter(place=row.project.place_id)


def _state(row: Release) -> str:
    """Where a release stands."""
    if row.refused_at:
        return "refused"
    if row.gone_at:
        return "gone"
    if row.ended_at:
        return "ready"
    return "making" if row.approved_at or row.purpose == Release.Purpose.TEACHING else "waiting"


def _names(rows: list[Release], request: Request) -> dict[str, str]:
    """The names of who asked and decided, by the actor as it is written."""
    said = {actor for row in rows for actor in (row.asked_by, row.approved_by, row.refused_by)}
    keys = {actor: UUID(actor.partition(":")[2]) for actor in said if actor.startswith("person:")}
    names = accounts.names(keys.values(), viewer=request.actor)
    return {actor: names[key] for actor, key in keys.items() if key in names}


def _check(request: Request) -> None:
    if not allowed("archive.ask_release", request.actor):
        raise NotAllowed


urlpatterns = [
    path("releases/", releases, name="releases"),
    path("releases/project/", open_project, name="open_project"),
    path("releases/ask/<uuid:study>/", ask, name="ask_release"),
    path("releases/<uuid:key>/", release, name="release"),
    path("releases/<uuid:key>/decide/", decide, name="decide_release"),
    path("releases/<uuid:key>/fetch/", fetch, name="fetch_release"),
]
