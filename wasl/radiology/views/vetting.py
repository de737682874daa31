"""Vetting: what waits, one exam with what speaks for and against it, the decision, and what is owed afterwards."""

from collections.abc import Callable
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from wasl.kernel.errors import NotAllowed, NotFound, Refused
from wasl.kernel.http import Listing, Request
from wasl.patients import queries as patients
from wasl.patients import services as patients_services
from wasl.radiology import queries, services
from wasl.radiology.queries import Order, Verdict
from wasl.radiology.rules import safety
from wasl.radiology.rules import vetting as rules
from wasl.radiology.views.ordering import SIDES, TITLES
from wasl.radiology.views.orders import URGENCY_COLOURS, shown
from wasl.radiology.views.verdicts import verdicts

SHOWN = 200
EARLIER = 20


def _text(label: object, rows: int = 2, **more: object) -> forms.CharField:
    widget = forms.Textarea(attrs={"rows": rows, "dir": "auto"})
    return forms.CharField(label=label, max_length=2000, widget=widget, **more)  # type: ignore[arg-type]


class Protocolled(forms.Form):
    """How the exam is made."""

    protocol = forms.ChoiceField(label=_("Protocol"), required=False)
    instructions = _text(_("Protocol in words"), 3, required=False)
    contrast = forms.TypedChoiceField(
        label=_("Contrast medium"), choices=[("", "–"), ("yes", _("given")), ("no", _("not given"))],
        coerce=lambda value: value == "yes",
    )  # fmt: skip

    def __init__(self, data: object, order: Order, request: Request, **kwargs: str) -> None:
        super().__init__(data, **kwargs)  # type: ignore[arg-type]
        rows = queries.protocols_for(order.procedure, viewer=request.actor)
        self.fields["protocol"].choices = [("", _("none of the list")), *((str(row.id), row.name) for row in rows)]  # type: ignore[attr-defined]

    @property
    def said(self) -> dict[str, object]:
        """What the verbs take."""
        return {**self.cleaned_data, "protocol": UUID(key) if (key := self.cleaned_data["protocol"]) else None}


class Changed(Protocolled):
    """Another exam, why, and how it is made."""

    procedure = forms.ChoiceField(label=_("Exam to be made instead"))
    side = forms.ChoiceField(label=_("Side"), choices=[("", "–"), *SIDES], required=False)
    because = _text(_("Why the exam is changed"))

    field_order = ("procedure", "side", "because")

    def __init__(self, data: object, order: Order, request: Request, **kwargs: str) -> None:
        super().__init__(data, order, request, **kwargs)
        exams = [exam for exam in queries.procedures(viewer=request.actor) if exam.id != order.procedure_id]
        exams.sort(key=lambda exam: (exam.region != order.procedure.region, exam.modality, exam.code))
        self.fields["procedure"].choices = [("", "–"), *((str(e.id), f"{e.modality} · {e.name}") for e in exams)]  # type: ignore[attr-defined]
        # the protocols of the other exam are not known before it is chosen: in words
        del self.fields["protocol"]
        self.fields["instructions"].required = True

    @property
    def said(self) -> dict[str, object]:
        """What the verb takes."""
        return {**self.cleaned_data, "procedure": UUID(self.cleaned_data["procedure"])}


class RefusedExam(forms.Form):
    """Why an exam is refused, and what should be done instead."""

    reason = forms.ChoiceField(label=_("Reason"), choices=[("", "–"), *Verdict.Reason.choices])
    note = _text(_("Explain it to the doctor who asked"))
    alternative = _text(_("What should be done instead"))


def vettings(request: Request) -> HttpResponse:
    """The exams that wait to be vetted, and those that went on without and are vetted afterwards."""
    if not rules.VETTERS & request.actor.roles:
        raise NotAllowed
    waiting = Listing(request, queries.orders_to_vet(viewer=request.actor), sorts=("urgency", "created_at"))
    owed = list(queries.orders_to_vet_afterwards(viewer=request.actor)[:SHOWN])
    known = patients.identities_of({row.patient_id for row in [*waiting.page, *owed]}, viewer=request.actor)
    context = {
        "listing": waiting,
        "waiting": [_line(row, known) for row in waiting.page],
        "owed": [_line(row, known) for row in owed],
    }
    return render(request, "radiology/_vettings.html" if request.htmx else "radiology/vettings.html", context)


def _line(order: Order, known: dict[UUID, patients.Patient]) -> dict[str, object]:
    """An order with its clock, which nothing stops."""
    now, due = timezone.now(), order.vetting.due_at
    return {
        "order": order, "patient": known.get(order.patient_id), "colour": URGENCY_COLOURS[order.urgency],
        "due": due, "late": due is not None and due < now, "left": abs(due - now).total_seconds() if due else None,
        "waited": (now - order.vetting.created_at).total_seconds(),
    }  # fmt: skip


def vetting(request: Request, key: UUID) -> HttpResponse:
    """One exam to be vetted: the question, the answers, what was done before, and the decision."""
    return _page(request, _vetted(request, key))


def _vetted(request: Request, key: UUID) -> Order:
    order = queries.order(key, viewer=request.actor)
    if not queries.may_vet(order, viewer=request.actor):
        raise rules.NotYoursToVet
    return order


def _page(
    request: Request, order: Order, given: dict[str, forms.Form] | None = None, refusal: Refused | None = None
) -> HttpResponse:  # fmt: skip
    ground = patients.ground(order.patient_id, viewer=request.actor) or "place"
    patients_services.log_access(
        order.patient_id, what="radiology.vetting", ground=ground, by=request.actor, subject=order.id
    )
    (row,) = shown([order], request)
    wrong = refusal is not None or any(form.errors for form in (given or {}).values())
    earlier = queries.orders_of(order.patient_id, viewer=request.actor).exclude(id=order.id)
    earlier = earlier.exclude(state__in=Order.ENDED)[:EARLIER]
    vetting, said = queries.vetting_of(order, viewer=request.actor)
    forms_ = {
        "accept": Protocolled(None, order, request, prefix="accept"),
        "change": Changed(None, order, request, prefix="change"),
        "refuse": RefusedExam(prefix="refuse"), **(given or {}),
    }  # fmt: skip
    owed = queries.orders_to_vet_afterwards(viewer=request.actor).filter(id=order.id).exists()
    context = {
        **row, **answered(order), **forms_, "refusal": refusal, "vetting": vetting, "said": verdicts(said),
        "dangers": safety.dangers(
            queries.exam_of(order.procedure, viewer=request.actor),
            queries.subject(order.patient_id, viewer=request.actor), order.answers,
        ),
        "line": _line(order, {}) if vetting else None, "waits": order.state == Order.State.VETTING, "owed": owed,
        "earlier": [(other, other["order"].procedure.region == order.procedure.region)  # type: ignore[attr-defined]
                    for other in shown(list(earlier), request)],
    }  # fmt: skip
    return render(request, "radiology/vetting.html", context, status=422 if wrong else 200)


def answered(order: Order) -> dict[str, object]:
    """The safety answers of an order, in words."""
    asked = [question for question in safety.ANSWERS if question in order.answers]
    return {
        "answers": [(TITLES[question], safety.in_words(question, order.answers)) for question in asked],
        "because": order.answers.get("proceed_because", ""),
    }


@require_POST
def accept_exam(request: Request, key: UUID) -> HttpResponse:
    """Accept an exam, with its protocol."""
    order = _vetted(request, key)
    form = Protocolled(request.POST, order, request, prefix="accept")
    return _decide(request, order, "accept", form, services.accept_exam, gettext("Accepted: the exam goes on."))


@require_POST
def change_exam(request: Request, key: UUID) -> HttpResponse:
    """Let another exam be made."""
    order = _vetted(request, key)
    form = Changed(request.POST, order, request, prefix="change")
    said = gettext("Changed: the other exam goes on, and the doctor who asked is told.")
    return _decide(request, order, "change", form, services.change_exam, said)


@require_POST
def refuse_exam(request: Request, key: UUID) -> HttpResponse:
    """Refuse an exam."""
    order = _vetted(request, key)
    form = RefusedExam(request.POST, prefix="refuse")
    said = gettext("Refused: the doctor who asked is told why, and what to do instead.")
    return _decide(request, order, "refuse", form, services.refuse_exam, said)


def _decide(
    request: Request, order: Order, name: str, form: forms.Form, verb: Callable[..., object], said: str
) -> HttpResponse:
    """Do it and show what waits next; what is wrong stands on the form, and nothing is lost of what was written."""
    if not form.is_valid():
        return _page(request, order, {name: form})
    try:
        verb(order.id, **getattr(form, "said", form.cleaned_data), by=request.actor)
    except (NotAllowed, NotFound):
        raise
    except Refused as refusal:
        return _page(request, queries.order(order.id, viewer=request.actor), {name: form}, refusal)
    messages.success(request, said)
    return redirect("radiology:vettings")


@require_POST
def vet_afterwards(request: Request, key: UUID) -> HttpResponse:
    """Say whether it was right that an exam went on without vetting."""
    order = _vetted(request, key)
    right, note = request.POST.get("right") == "yes", request.POST.get("note", "")
    try:
        services.vet_afterwards(key, right=right, note=note, by=request.actor)
    except (NotAllowed, NotFound):
        raise
    except Refused as refusal:
        return _page(request, order, refusal=refusal)
    messages.success(request, gettext("It was written down."))
    return redirect("radiology:vettings")


@require_POST
def bypass_vetting(request: Request, key: UUID) -> HttpResponse:
    """Let a vital emergency go on without being vetted."""
    try:
        services.bypass_vetting(key, because=request.POST.get("because", ""), by=request.actor)
    except (NotAllowed, NotFound):
        raise
    except Refused as refusal:
        messages.error(request, refusal.sentence)
    else:
        messages.success(request, gettext("The exam goes on now; a radiologist vets it afterwards."))
    return redirect("radiology:order", key)


urlpatterns: list[URLPattern] = [
    path("vetting/", vettings, name="vettings"),
    path("orders/<uuid:key>/vetting/", vetting, name="vet_exam"),
    path("orders/<uuid:key>/vetting/accept/", accept_exam, name="accept_exam"),
    path("orders/<uuid:key>/vetting/change/", change_exam, name="change_exam"),
    path("orders/<uuid:key>/vetting/refuse/", refuse_exam, name="refuse_exam"),
    path("orders/<uuid:key>/vetting/bypass/", bypass_vetting, name="bypass_vetting"),
    path("orders/<uuid:key>/vetting/afterwards/", vet_afterwards, name="vet_afterwards"),
]
