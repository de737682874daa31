"""Case conferences: the list, one with its cases, key images and decisions, and an order's images brought to one."""

from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from wasl.archive import queries as archive
from wasl.kernel.access import Actor
from wasl.kernel.errors import Invalid, NotAllowed, Refused
from wasl.kernel.http import Listing, Request, key_of
from wasl.patients import queries as patients
from wasl.patients import services as patients_services
from wasl.radiology import queries, services
from wasl.radiology.queries import Conference, ConferenceCase, Order
from wasl.radiology.rules import conferences as rules

SHELVES = {"open": pgettext_lazy("conferences", "Open"), "closed": pgettext_lazy("conferences", "Closed")}
CHOICES = 24  # images of a study that are offered, evenly over it


class Calling(forms.Form):
    """A conference: its title, when, and who is invited."""

    title = forms.CharField(
        label=_("Title"), max_length=rules.TITLE, widget=forms.TextInput(attrs={"dir": "auto"}),
        help_text=_("It names no patient: invitations show it."),
    )  # fmt: skip
    starts_at = forms.DateTimeField(
        label=_("Date and time"), widget=forms.DateTimeInput(attrs={"type": "datetime-local"})
    )

    def __init__(self, *args: object, viewer: Actor, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        place = queries.asks_for(viewer=viewer)
        doctors = queries.doctors_at(place, viewer=viewer) if place else {}
        for name, label, choices in (
            ("people", _("Colleagues invited by name"), [(k, n) for k, n in doctors.items() if k != viewer.id]),
            ("places", _("Hospitals of which any doctor may join"), queries.askable_places(viewer=viewer)),
        ):
            self.fields[name] = forms.MultipleChoiceField(
                label=label, choices=choices, required=False, widget=forms.CheckboxSelectMultiple
            )


def conferences(request: Request) -> HttpResponse:
    """The conferences to which the viewer is invited, open or closed."""
    if not rules.DOCTORS & request.actor.roles:
        raise NotAllowed
    shelf = request.GET.get("show", "")
    shelf = shelf if shelf in SHELVES else "open"
    rows = queries.conferences(viewer=request.actor, closed=shelf == "closed")
    listing = Listing(request, rows, sorts=("-starts_at",) if shelf == "closed" else ("starts_at",))
    context = {"listing": listing, "rows": list(listing.page), "shelf": shelf, "shelves": SHELVES.items()}
    return render(request, "radiology/conferences.html", context)


def open_conference(request: Request) -> HttpResponse:
    """Call a conference."""
    place = queries.asks_for(viewer=request.actor)
    if place is None:
        raise NotAllowed
    form = Calling(request.POST or None, viewer=request.actor)
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        try:
            made = services.open_conference(
                title=said["title"], place=place, starts_at=said["starts_at"], by=request.actor,
                places=[UUID(key) for key in said["places"]], people=[UUID(key) for key in said["people"]],
            )  # fmt: skip
        except Invalid as refusal:
            form.add_error("title" if refusal.code == "ConferenceTitleMissing" else "places", refusal.sentence)
        else:
            return redirect("radiology:conference", made.id)
    return render(request, "radiology/open_conference.html", {"form": form}, status=422 if form.errors else 200)


def conference(request: Request, key: UUID) -> HttpResponse:
    """One conference: who is invited and joined; for who joined, its cases with their images and decisions."""
    return _shown(request, queries.conference(key, viewer=request.actor))


@require_POST
def join(request: Request, key: UUID) -> HttpResponse:
    """Join; the cases are open from now on."""
    try:
        services.join_conference(key, by=request.actor)
    except Refused as refusal:
        return _refused(request, key, refusal)
    return redirect("radiology:conference", key)


@require_POST
def close(request: Request, key: UUID) -> HttpResponse:
    """Close a conference for good."""
    try:
        services.close_conference(key, by=request.actor)
    except Refused as refusal:
        return _refused(request, key, refusal)
    messages.success(request, gettext("The conference is closed. Its decisions stand on the orders’ pages."))
    return redirect("radiology:conference", key)


@require_POST
def decide(request: Request, key: UUID) -> HttpResponse:
    """Write down what was decided about a case."""
    case = queries.conference_case(key, viewer=request.actor)
    present = [key_of(person) for person in request.POST.getlist("present")]
    try:
        services.decide_case(key, decision=request.POST.get("decision", ""), present=present, by=request.actor)
    except Refused as refusal:
        return _refused(request, case.conference_id, refusal, case=key)
    return redirect("radiology:conference", case.conference_id)


def add_case(request: Request, key: UUID) -> HttpResponse:
    """Bring an order's images to a conference that the viewer joined."""
    found = queries.order(key, viewer=request.actor)
    if not queries.may_bring(found, viewer=request.actor):
        raise NotAllowed
    refusal: Refused | None = None
    if request.method == "POST":
        try:
            case = _bring(request, found)
        except NotAllowed:
            raise
        except Refused as no:
            refusal = no
        else:
            return redirect("radiology:conference", case.conference_id)
    else:
        _log(request, found.patient_id, "radiology.conference", found.id)
    context = {
        "order": found,
        "patient": patients.patient(found.patient_id, viewer=request.actor),
        "conferences": list(queries.joinable_conferences(viewer=request.actor)),
        "given": request.POST,
        "longest": rules.LONGEST,
        "most": rules.MOST_IMAGES,
        "refusal": refusal,
        **_choices(request, found),
    }
    return render(request, "radiology/add_case.html", context, status=refusal.http if refusal else 200)


def _bring(request: Request, order: Order) -> ConferenceCase:
    images = []
    for chosen in request.POST.getlist("images"):
        uid, _colon, frame = chosen.partition(":")
        if not frame.isdecimal() or len(frame) > 8:
            raise rules.NotAnImageOfTheCase
        images.append((uid, int(frame)))
    return services.add_case(
        key_of(request.POST.get("conference", "")), order=order.id, question=request.POST.get("question", ""),
        images=images, by=request.actor,
    )  # fmt: skip


def _choices(request: Request, order: Order) -> dict[str, object]:
    """The images of an order's exam to choose from, evenly over it; the key images of its report are chosen already."""
    studies = queries.studies_of_order(order.id, viewer=request.actor)
    if not studies:
        return {}
    study = archive.study(studies[-1], viewer=request.actor)
    rows = list(archive.instances_of(study.id, viewer=request.actor).filter(frames__gt=0))
    report = queries.reports_of_orders([order.id], viewer=request.actor).get(order.id)
    marked = queries.key_images([report], viewer=request.actor) if report else []
    frames = {image.instance_uid: image.frame for image in marked}
    given = set(request.POST.getlist("images"))
    step = max(1, -(-len(rows) // CHOICES))
    shown = [row for number, row in enumerate(rows) if number % step == 0 or row.uid in frames]
    values = [(row, frames.get(row.uid, 1)) for row in shown]
    chosen = given if request.method == "POST" else {f"{uid}:{frame}" for uid, frame in frames.items()}
    return {"study_uid": study.uid, "choices": [(row, frame, f"{row.uid}:{frame}" in chosen) for row, frame in values]}


def _shown(
    request: Request, row: Conference, *, refusal: Refused | None = None, case: UUID | None = None
) -> HttpResponse:
    viewer = request.actor
    cases = queries.cases_of_conference(row.id, viewer=viewer)
    names = patients.identities_of({one.order.patient_id for one in cases}, viewer=viewer)
    joined = queries.joined(row.id, viewer=viewer)
    seen = set(
        archive.studies(viewer=viewer).filter(id__in=[one.study_id for one in cases]).values_list("id", flat=True)
    )
    for one in cases:
        _log(request, one.order.patient_id, "radiology.conference", one.id)
    context = {
        "conference": row,
        "joined": joined.items(),
        "has_joined": viewer.id in joined,
        "cases": [_case(one, names, joined, seen) for one in cases],
        "may_close": row.closed_at is None and row.convener_id == viewer.id,
        "longest": rules.LONGEST,
        "given": request.POST,
        "wrong_case": case,
        "refusal": refusal,
    }
    return render(request, "radiology/conference.html", context, status=refusal.http if refusal else 200)


def _case(
    one: ConferenceCase, names: dict[UUID, patients.Patient], joined: dict[UUID, str], seen: set[UUID]
) -> dict[str, object]:
    return {
        "case": one,
        "patient": names.get(one.order.patient_id),
        "opened": one.study_id in seen,
        "images": list(one.images.all()) if one.study_id in seen else [],
        "present": [joined[key] for key in one.present if key in joined],
    }


def _refused(request: Request, key: UUID, refusal: Refused, case: UUID | None = None) -> HttpResponse:
    """The page again, with why not; nothing of it for those who are not invited."""
    return _shown(request, queries.conference(key, viewer=request.actor), refusal=refusal, case=case)


def _log(request: Request, patient: UUID, what: str, subject: UUID) -> None:
    ground = patients.require_ground(patient, viewer=request.actor)
    patients_services.log_access(patient, what=what, ground=ground, by=request.actor, subject=subject)


urlpatterns: list[URLPattern] = [
    path("conferences/", conferences, name="conferences"),
    path("conferences/new/", open_conference, name="open_conference"),
    path("conferences/<uuid:key>/", conference, name="conference"),
    path("conferences/<uuid:key>/join/", join, name="join_conference"),
    path("conferences/<uuid:key>/close/", close, name="close_conference"),
    path("conferences/cases/<uuid:key>/decide/", decide, name="decide_case"),
    path("orders/<uuid:key>/conference/", add_case, name="add_case"),
]
