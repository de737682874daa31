"""Ordering an exam: choose it by words in any language, answer what it asks, say what is to be found out."""

import datetime
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from wasl.kernel.errors import Invalid, NotAllowed, NotFound
from wasl.kernel.http import Request
from wasl.kernel.verbs import allowed
from wasl.patients import queries as patients
from wasl.patients import services as patients_services
from wasl.places import queries as places
from wasl.radiology import queries, services
from wasl.radiology.queries import Order, Procedure
from wasl.radiology.rules import ordering as rules
from wasl.radiology.rules import repeats, safety
from wasl.radiology.views.earlier import earlier_shown, moment_of

URGENCIES = (
    ("P0", _("vital emergency")), ("P1", _("emergency")), ("P2", _("urgent")), ("P3", _("routine")),
)  # fmt: skip
SIDES = (("L", _("left")), ("R", _("right")), ("B", _("both sides")))
REASONS = [(code, words) for code, words in Order.Because.choices if code != repeats.VITAL]
FOUND = 12  # exams shown for the words typed

TITLES = {
    "pregnancy": _("Pregnancy"),
    "renal": _("Renal function"),
    "renal_egfr": _("Filtration rate (mL/min/1.73 m²)"),
    "renal_creatinine": _("or creatinine (µmol/L)"),
    "renal_date": _("Date of the measurement"),
    "allergy": _("Allergies"),
    "allergy_what": _("To what, and how the patient reacted"),
    "implants": _("Implants and foreign bodies"),
    "implants_what": _("Which one: make, model, since when"),
    "implants_conditional": _("The device is stated to be MR conditional"),
    "proceed_because": _("Why the exam is to be done all the same"),
}


class OrderForm(forms.Form):
    """What an order says, and an answer to every question of its exam; what is missing is refused by the rules."""

    urgency = forms.ChoiceField(label=_("Urgency"), choices=URGENCIES, required=False, initial="P3")
    question = forms.CharField(
        label=_("Clinical question"), required=False, max_length=4000,
        widget=forms.Textarea(attrs={"rows": 4, "class": "form-control", "dir": "auto"}),
        help_text=_("What is seen, since when, and what the images are to answer."),
    )  # fmt: skip
    scheduled_for = forms.DateTimeField(
        label=_("To be done on"), required=False, input_formats=["%Y-%m-%dT%H:%M"],
        widget=forms.DateTimeInput(attrs={"type": "datetime-local", "class": "form-control"}, format="%Y-%m-%dT%H:%M"),
        help_text=_("Leave empty: as soon as possible."),
    )  # fmt: skip
    made_at = forms.DateTimeField(
        label=_("When it was made"), required=False, input_formats=["%Y-%m-%dT%H:%M"],
        widget=forms.DateTimeInput(attrs={"type": "datetime-local", "class": "form-control"}, format="%Y-%m-%dT%H:%M"),
        help_text=_("The hour on the paper. Nobody is asked to make the exam again, and its images are looked for."),
    )  # fmt: skip

    def __init__(self, data: QueryDict | None, *, exam: safety.Exam | None, subject: safety.Subject) -> None:
        super().__init__(data)
        self.exam, self.subject = exam, subject
        self.questions: list[tuple[str, list[str]]] = []
        self.dangers: list[str] = []
        if exam is None:
            return
        given = safety.kept(exam, subject, _plain(data)) if data else {}
        if exam.sided:
            self.fields["side"] = forms.ChoiceField(label=_("Side"), choices=SIDES, required=False)
        self.fields["repeat_because"] = forms.ChoiceField(
            label=_("Why another exam is needed"), choices=REASONS, required=False
        )
        self.fields["repeat_note"] = forms.CharField(
            label=_("In your words"), required=False, max_length=300,
            widget=forms.TextInput(attrs={"class": "form-control", "dir": "auto"}),
            help_text=_("Needed for another reason only."),
        )  # fmt: skip
        for question in safety.asked(exam, subject):
            self._ask(question, given)
        self.dangers = safety.dangers(exam, subject, given)
        if self.dangers or given.get("proceed_because"):
            self.fields["proceed_because"] = _words("proceed_because")

    def _ask(self, question: str, given: dict[str, str]) -> None:
        """Add a question, and what follows from the answer given so far."""
        self.fields[question] = forms.ChoiceField(
            label=TITLES[question], choices=list(safety.ANSWERS[question].items()), required=False
        )
        answer, more = given.get(question, ""), []
        if question == "renal" and answer == "known":
            more = ["renal_egfr", "renal_creatinine", "renal_date"]
        elif question == "allergy" and answer in ("contrast", "other"):
            more = ["allergy_what"]
        elif question == "implants" and answer not in ("", "no", "unknown"):
            more = ["implants_what"]
            if self.exam and self.exam.modality == "MR" and answer in safety.FORBIDDEN_IN_MAGNET:
                more.append("implants_conditional")
        for name in more:
            self.fields[name] = _words(name)
        self.questions.append((question, more))

    @property
    def asked(self) -> list[tuple[forms.BoundField, list[forms.BoundField]]]:
        """The questions of the exam, each with what follows from its answer."""
        return [(self[question], [self[name] for name in more]) for question, more in self.questions]

    @property
    def made(self) -> bool:
        """Whether an hour was given at which the exam was made: then its field is open."""
        return bool(self["made_at"].value())

    def clean_scheduled_for(self) -> datetime.datetime | None:
        """An exam is ordered for now or later."""
        moment: datetime.datetime | None = self.cleaned_data["scheduled_for"]
        if moment and moment < timezone.now() - datetime.timedelta(minutes=5):
            raise forms.ValidationError(gettext("This moment has passed."))
        return moment

    def clean_made_at(self) -> datetime.datetime | None:
        """An exam that was made was made before now."""
        moment: datetime.datetime | None = self.cleaned_data["made_at"]
        try:
            if moment:
                rules.check_made(moment, now=timezone.now())
        except rules.NotMadeBefore as refusal:
            raise forms.ValidationError(refusal.sentence) from refusal
        return moment

    def clean(self) -> dict[str, object]:
        """An exam was made, or is to be made."""
        given: dict[str, object] = super().clean() or {}
        if given.get("made_at") and given.get("scheduled_for"):
            self.add_error("scheduled_for", gettext("Leave empty: this exam was made already."))
        return given


def _plain(data: QueryDict) -> dict[str, str]:
    """What was sent, one text for each name."""
    return {name: str(data.get(name, "")) for name in data}


def _words(name: str) -> forms.Field:
    """The field of what follows from an answer."""
    if name == "renal_date":
        today = timezone.localdate().isoformat()
        return forms.CharField(
            label=TITLES[name], required=False,
            widget=forms.DateInput(attrs={"type": "date", "class": "form-control", "max": today}),
        )  # fmt: skip
    if name == "implants_conditional":
        return forms.ChoiceField(label=TITLES[name], required=False, choices=(("yes", _("yes")), ("no", _("no"))))
    numeric = name.startswith("renal")
    attrs = {"class": "form-control", "inputmode": "decimal"} if numeric else {"class": "form-control", "dir": "auto"}
    return forms.CharField(
        label=TITLES[name], required=False, max_length=12 if numeric else 300, widget=forms.TextInput(attrs=attrs)
    )


def order_exam(request: Request, patient: UUID) -> HttpResponse:
    """The order form of a patient whose record is open to the doctor who asks; a closed one is opened first."""
    ground = _ground(request, patient)
    if ground is None:
        return HttpResponseRedirect(reverse("patients:patient", args=[patient]))
    posted = request.method == "POST"
    chosen, form = _form(request, patient, (request.POST if posted else request.GET).get("procedure", ""))
    if posted:
        done = _send(request, patient, chosen, form)
        if done is not None:
            return done
    context = _context(request, patient, chosen, form)
    if request.htmx and not posted:
        return render(request, "radiology/_procedures.html", context)
    if not posted:
        patients_services.log_access(patient, what="radiology.order_exam", ground=ground, by=request.actor)
    return render(request, "radiology/order_exam.html", context, status=422 if form.errors else 200)


@require_POST
def questions(request: Request, patient: UUID) -> HttpResponse:
    """The questions of the exam chosen, with what was answered so far; nothing is sent and nothing is wrong yet."""
    if _ground(request, patient) is None:
        raise NotAllowed
    chosen, form = _form(request, patient, request.GET.get("procedure") or request.POST.get("procedure", ""))
    form.errors.clear()
    return render(request, "radiology/_exam.html", _context(request, patient, chosen, form))


def _ground(request: Request, patient: UUID) -> str | None:
    """On which ground the record is open to the doctor who asks. Raises NotAllowed for those who never order."""
    if not allowed("radiology.send_order", request.actor):
        raise NotAllowed
    return patients.ground(patient, viewer=request.actor)


def _form(request: Request, patient: UUID, key: str) -> tuple[Procedure | None, OrderForm]:
    """The exam chosen, if it is on offer, and the form that asks its questions."""
    chosen = _procedure(request, key)
    exam = queries.exam_of(chosen, viewer=request.actor) if chosen else None
    data = request.POST if request.method == "POST" else None
    return chosen, OrderForm(data, exam=exam, subject=queries.subject(patient, viewer=request.actor))


def _procedure(request: Request, key: str) -> Procedure | None:
    try:
        found = queries.procedure(UUID(key), viewer=request.actor)
    except (ValueError, NotFound):
        return None
    return found if found.active else None


def _context(request: Request, patient: UUID, chosen: Procedure | None, form: OrderForm) -> dict[str, object]:
    words = request.GET.get("q", "")[:80]
    at, place = request.actor.places("requester"), _place(request)
    return {
        "patient": patients.patient(patient, viewer=request.actor),
        "procedures": queries.procedures(viewer=request.actor, words=words)[:FOUND],
        "words": words,
        "chosen": chosen,
        "form": form,
        "earlier": earlier_shown(request, patient, chosen, place) if chosen and place else [],
        "places": list(places.places(viewer=request.actor, ids=at)),
        "place": place,
        "here": reverse("radiology:order_exam", args=[patient]),
        "asks": reverse("radiology:order_questions", args=[patient]),
        "uses": reverse("radiology:use_earlier_exam", args=[patient]),
    }


def _place(request: Request) -> UUID | None:
    """The hospital that asks: the one chosen in the form, or in the shell, or the only one."""
    at = request.actor.places("requester")
    for given in (request.POST.get("place", ""), str(getattr(request, "place", None) or "")):
        found = next((place for place in at if str(place) == given), None)
        if found:
            return found
    return min(at, default=None)


def _send(request: Request, patient: UUID, chosen: Procedure | None, form: OrderForm) -> HttpResponse | None:
    """Send the order and show it; None when something is wrong, which then stands beside its field."""
    place = _place(request)
    if place is None:
        raise rules.NotYourHospital
    valid = form.is_valid()
    if chosen is None:
        form.add_error(None, gettext("Choose an exam."))
        return None
    if not valid:
        return None
    try:
        order = _written(request, patient, place, chosen, form.cleaned_data)
    except Invalid as refusal:
        for name, sentence in refusal.fields.items():
            form.fields.setdefault(name, _words(name) if name in TITLES else forms.CharField(required=False))
            form.add_error(name, sentence)
        if not refusal.fields:
            form.add_error(None, refusal.sentence)
        return None
    messages.success(
        request,
        gettext("The order was entered; its images are looked for.")
        if form.made
        else gettext("The order was sent; it is on the modality's worklist."),
    )
    return HttpResponseRedirect(reverse("radiology:order", args=[order.id]))


def _written(request: Request, patient: UUID, place: UUID, exam: Procedure, given: dict[str, Any]) -> Order:
    """Send the order, or enter that of an exam that was made already."""
    about: dict[str, Any] = {
        "patient": patient, "place": place, "procedure": exam.id, "urgency": given["urgency"],
        "question": given["question"], "answers": _plain(request.POST), "side": given.get("side", ""),
        "repeat_because": given["repeat_because"], "repeat_note": given["repeat_note"], "by": request.actor,
    }  # fmt: skip
    if made_at := given["made_at"]:
        return services.enter_order(made_at=made_at, **about)
    return services.send_order(scheduled_for=given["scheduled_for"], **about)


@require_POST
def use_earlier_exam(request: Request, patient: UUID) -> HttpResponse:
    """Order nothing, and lead to the report of the exam that stands for the one chosen, or to that exam."""
    if _ground(request, patient) is None:
        raise NotAllowed
    chosen, place = _procedure(request, request.POST.get("procedure", "")), _place(request)
    if chosen is None or place is None:
        raise repeats.NothingEarlier
    earlier = services.use_earlier_exam(
        patient, procedure=chosen.id, place=place, side=request.POST.get("side", ""), at=moment_of(request),
        by=request.actor,
    )  # fmt: skip
    messages.success(request, gettext("No exam was ordered: the earlier one is used."))
    report = queries.reports_of_orders([earlier.id], viewer=request.actor).get(earlier.id)
    page, key = ("radiology:report", report) if report else ("radiology:order", earlier.id)
    return HttpResponseRedirect(reverse(page, args=[key]))


urlpatterns: list[URLPattern] = [
    path("orders/new/<uuid:patient>/", order_exam, name="order_exam"),
    path("orders/new/<uuid:patient>/questions/", questions, name="order_questions"),
    path("orders/new/<uuid:patient>/earlier/", use_earlier_exam, name="use_earlier_exam"),
]
