"""Opinions asked of other hospitals: asked from an order, listed for both sides, answered on a page of their own."""

from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from wasl.kernel.access import Actor
from wasl.kernel.errors import Invalid, NotAllowed, Refused
from wasl.kernel.http import Listing, Request
from wasl.kernel.verbs import allowed
from wasl.patients import queries as patients
from wasl.patients import services as patients_services
from wasl.radiology import queries, services
from wasl.radiology.queries import Expertise, Order
from wasl.radiology.rules import expertise as rules
from wasl.radiology.views.opinions import clock
from wasl.radiology.views.ordering import URGENCIES
from wasl.radiology.views.orders import URGENCY_COLOURS

SHELVES = {
    "asked": pgettext_lazy("expertise", "Asked of us"),
    "ours": pgettext_lazy("expertise", "Asked by us"),
    "ended": pgettext_lazy("expertise", "Ended"),
}
SORTS = ("due_at", "-created_at")


class Asking(forms.Form):
    """What is asked, of whom, and how urgently."""

    urgency = forms.ChoiceField(label=_("How urgent the answer is"), choices=[("", "—"), *URGENCIES])
    question = forms.CharField(
        label=_("Your question"), max_length=rules.LONGEST,
        widget=forms.Textarea(attrs={"rows": 5, "dir": "auto"}),
        help_text=_("The expert sees the images and the patient’s record from when they take the question."),
    )  # fmt: skip

    def __init__(self, *args: object, viewer: Actor, place: UUID | None, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        reload = {"hx-get": "", "hx-trigger": "change", "hx-target": "#experts", "hx-include": "this"}
        self.fields["expert_place"] = forms.ChoiceField(
            label=_("Hospital that you ask"), choices=[("", "—"), *queries.askable_places(viewer=viewer)],
            widget=forms.Select(attrs=reload),
        )  # fmt: skip
        doctors = queries.doctors_at(place, viewer=viewer) if place else {}
        self.fields["expert"] = forms.ChoiceField(
            label=_("Doctor"), required=False, choices=[("", _("any doctor there")), *doctors.items()]
        )


class Target(forms.Form):
    """How soon opinions of a class are to be given."""

    urgency = forms.ChoiceField(label=_("Urgency"), choices=URGENCIES)
    minutes = forms.IntegerField(label=_("Minutes"), min_value=1, max_value=rules.MOST_MINUTES)
    since = forms.DateField(label=_("Holds from"), widget=forms.DateInput(attrs={"type": "date"}))


def expertises(request: Request) -> HttpResponse:
    """What the viewer's hospital was asked, what it asks of others, and what ended."""
    if not rules.DOCTORS & request.actor.roles:
        raise NotAllowed
    shelf = request.GET.get("show", "")
    shelf = shelf if shelf in SHELVES else "asked"
    ended = shelf == "ended"
    rows = queries.expertises(viewer=request.actor, side="" if ended else shelf, ended=ended)
    listing = Listing(request, rows, sorts=SORTS[::-1] if ended else SORTS)
    names = patients.identities_of({row.order.patient_id for row in listing.page}, viewer=request.actor)
    context = {
        "listing": listing,
        "shelf": shelf,
        "shelves": SHELVES.items(),
        "lines": [{**_line(row), "patient": names.get(row.order.patient_id)} for row in listing.page],
    }
    return render(request, "radiology/expertises.html", context)


def expertise(request: Request, key: UUID) -> HttpResponse:
    """One question with its clock, its images for the expert, and its answer."""
    return _shown(request, queries.expertise(key, viewer=request.actor))


def request_expertise(request: Request, key: UUID) -> HttpResponse:
    """Ask another hospital for an opinion on the images of an order."""
    found = queries.order(key, viewer=request.actor)
    if not queries.may_ask_experts(found, viewer=request.actor):
        raise NotAllowed
    given = request.POST if request.method == "POST" else request.GET
    place = _key(given.get("expert_place", ""))
    form = Asking(request.POST or None, initial=_again(request), viewer=request.actor, place=place)
    if request.htmx and request.method == "GET":
        return render(request, "radiology/_experts.html", {"form": form})
    if request.method == "POST" and form.is_valid() and (row := _request(request, found, form)):
        messages.success(request, gettext("The question is on its way."))
        return redirect("radiology:expertise", row.id)
    context = {"form": form, "order": found, "patient": patients.patient(found.patient_id, viewer=request.actor)}
    _log(request, found.patient_id, found.id)
    return render(request, "radiology/request_expertise.html", context, status=422 if form.errors else 200)


def _request(request: Request, order: Order, form: Asking) -> Expertise | None:
    said = form.cleaned_data
    place = queries.asks_for(viewer=request.actor)
    if place is None:
        raise NotAllowed
    try:
        return services.request_expertise(
            order.id, place=place, expert_place=UUID(said["expert_place"]), expert=_key(said["expert"]),
            urgency=said["urgency"], question=said["question"], by=request.actor,
        )  # fmt: skip
    except NotAllowed:
        raise
    except Refused as refusal:
        names = {"ExpertiseQuestionMissing": "question", "ExpertiseTooLong": "question", "NotADoctorThere": "expert"}
        form.add_error(names.get(refusal.code, "expert_place"), refusal.sentence)
    return None


def _again(request: Request) -> dict[str, object]:
    """A question that was declined is asked again in the same words."""
    try:
        before = queries.expertise(UUID(request.GET.get("again", "")), viewer=request.actor)
    except (ValueError, Refused):
        return {}
    return {"question": before.question, "urgency": before.urgency}


@require_POST
def take(request: Request, key: UUID) -> HttpResponse:
    """Take a question; the images are open from now on."""
    try:
        services.take_expertise(key, by=request.actor)
    except Refused as refusal:
        return _refused(request, key, refusal)
    return redirect("radiology:expertise", key)


@require_POST
def answer(request: Request, key: UUID) -> HttpResponse:
    """Sign the answer."""
    try:
        services.answer_expertise(key, text=request.POST.get("text", ""), by=request.actor)
    except Refused as refusal:
        return _refused(request, key, refusal)
    messages.success(request, gettext("The answer is signed. The hospital that asked is told."))
    return redirect("radiology:expertise", key)


@require_POST
def decline(request: Request, key: UUID) -> HttpResponse:
    """Say why one gives no opinion."""
    try:
        services.decline_expertise(key, because=request.POST.get("because", ""), by=request.actor)
    except Refused as refusal:
        return _refused(request, key, refusal)
    messages.success(request, gettext("Who asked is told, and may ask another."))
    return redirect("radiology:expertises")


@require_POST
def withdraw(request: Request, key: UUID) -> HttpResponse:
    """Take a question back."""
    try:
        services.withdraw_expertise(key, because=request.POST.get("because", ""), by=request.actor)
    except Refused as refusal:
        return _refused(request, key, refusal)
    messages.success(request, gettext("The question was taken back."))
    return redirect("radiology:expertise", key)


def set_target(request: Request) -> HttpResponse:
    """How soon opinions are to be given, set by the ministry, with what held before."""
    if not allowed("radiology.set_expertise_target", request.actor):
        raise NotAllowed
    form = Target(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            services.set_expertise_target(**form.cleaned_data, by=request.actor)
        except Invalid as refusal:
            form.add_error("since", refusal.sentence)
        else:
            messages.success(request, gettext("The response time is set."))
            return redirect("radiology:set_expertise_target")
    today = timezone.localdate()
    rows = [
        (row, row.minutes * 60, row.period.lower > today, row.period.upper is None or row.period.upper > today)
        for row in queries.expertise_targets(viewer=request.actor)
    ]
    context = {"form": form, "rows": rows}
    return render(request, "radiology/expertise_targets.html", context, status=422 if form.errors else 200)


def _line(row: Expertise) -> dict[str, object]:
    return {**clock(row), "colour": URGENCY_COLOURS[row.urgency]}


def _shown(request: Request, row: Expertise, *, refusal: Refused | None = None) -> HttpResponse:
    viewer, patient = request.actor, row.order.patient_id
    _log(request, patient, row.id)
    here, is_open = viewer.places(*rules.DOCTORS), row.state in Expertise.OPEN
    asked = is_open and row.expert_place_id in here and row.expert_asked_id in (None, viewer.id)
    opened = patients.ground(patient, viewer=viewer) is not None
    mine = row.state == "taken" and row.expert_id == viewer.id
    context = {
        **_line(row),
        "patient": patients.identities_of([patient], viewer=viewer).get(patient),
        "opened": opened,
        "report": queries.reports_of_orders([row.order_id], viewer=viewer).get(row.order_id) if opened else None,
        "may_take": asked and row.state == "asked",
        "may_answer": asked and mine,
        "may_decline": asked and (row.state == "asked" or mine),
        "may_withdraw": is_open and row.place_id in here,
        "may_ask_again": row.state == "declined" and row.place_id in here
        and queries.may_ask_experts(row.order, viewer=viewer),
        "intact": row.state != "answered" or queries.digest_of_expertise(row, viewer=viewer) == row.digest,
        "given": request.POST,
        "longest": rules.LONGEST,
        "refusal": refusal,
    }  # fmt: skip
    return render(request, "radiology/expertise.html", context, status=refusal.http if refusal else 200)


def _refused(request: Request, key: UUID, refusal: Refused) -> HttpResponse:
    """The page again, with why not; nothing of it for those who do not see it."""
    return _shown(request, queries.expertise(key, viewer=request.actor), refusal=refusal)


def _log(request: Request, patient: UUID, subject: UUID) -> None:
    ground = patients.ground(patient, viewer=request.actor) or "expertise"
    patients_services.log_access(
        patient, what="radiology.expertise", ground=ground, by=request.actor, subject=subject
    )  # fmt: skip


def _key(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


urlpatterns: list[URLPattern] = [
    path("expertise/", expertises, name="expertises"),
    path("expertise/targets/", set_target, name="set_expertise_target"),
    path("expertise/<uuid:key>/", expertise, name="expertise"),
    path("expertise/<uuid:key>/take/", take, name="take_expertise"),
    path("expertise/<uuid:key>/answer/", answer, name="answer_expertise"),
    path("expertise/<uuid:key>/decline/", decline, name="decline_expertise"),
    path("expertise/<uuid:key>/withdraw/", withdraw, name="withdraw_expertise"),
    path("orders/<uuid:key>/expertise/", request_expertise, name="request_expertise"),
]
