"""Writing in a record by hand: one short form for each kind of statement, and taking back what one wrote."""

from collections.abc import Callable
from typing import NamedTuple, TypeVar
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from wasl.kernel.errors import NotFound, Refused
from wasl.kernel.http import Request
from wasl.kernel.verbs import allowed
from wasl.patients import queries as patients
from wasl.record import services
from wasl.record.rules import noting as rules

F = TypeVar("F", bound=forms.Field)

KINDS: dict[str, str | Promise] = {
    "medication": pgettext_lazy("allergy", "a medicine"),
    "food": pgettext_lazy("allergy", "a food"),
    "environment": pgettext_lazy("allergy", "something around us"),
    "biologic": pgettext_lazy("allergy", "a biological product"),
}
RISKS: dict[str, str | Promise] = {
    "high": pgettext_lazy("allergy", "high: it may cost the life"),
    "low": pgettext_lazy("allergy", "low"),
    "unable-to-assess": pgettext_lazy("allergy", "cannot be told"),
}


def _text(label: object, *, required: bool = False, most: int = rules.LONGEST) -> forms.CharField:
    return forms.CharField(label=label, required=required, max_length=most)  # type: ignore[arg-type]  # a lazy text


def _day(label: object, *, required: bool = False) -> forms.DateField:
    widget = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
    return forms.DateField(label=label, required=required, widget=widget)  # type: ignore[arg-type]  # a lazy text


def _number(label: object) -> forms.DecimalField:
    widget = forms.TextInput(attrs={"inputmode": "decimal", "dir": "ltr", "autocomplete": "off"})
    field = forms.DecimalField(label=label, required=False, max_digits=18, decimal_places=8, widget=widget)  # type: ignore[arg-type]
    field.localize = True
    return _half(field)


def _half(field: F) -> F:
    """A field that shares its line with the next."""
    field.wide = "col-6"  # type: ignore[attr-defined]  # read by the template
    return field


class AllergyForm(forms.Form):
    """What somebody does not bear."""

    text = _text(_("What is not borne"), required=True)
    category = forms.ChoiceField(label=_("It is"), required=False, choices=[("", "–"), *KINDS.items()])
    criticality = forms.ChoiceField(label=_("Risk"), required=False, choices=[("", "–"), *RISKS.items()])
    reaction = _text(_("What happened"))


class ProblemForm(forms.Form):
    """What somebody has or had."""

    text = _text(_("Problem or diagnosis"), required=True)
    since = _day(_("Since"))
    past = forms.BooleanField(label=_("It is over"), required=False)


class MedicineForm(forms.Form):
    """What somebody takes."""

    text = _text(_("Medicine, with its strength"), required=True)
    dose = _text(_("How it is taken"))
    since = _day(_("Since"))


class VaccineForm(forms.Form):
    """What somebody was vaccinated with."""

    text = _text(_("Vaccine"), required=True)
    day = _day(_("Day"), required=True)
    dose = _half(forms.IntegerField(label=_("Which dose"), required=False, min_value=1, max_value=20))
    lot = _half(_text(_("Lot number"), most=40))


class ResultForm(forms.Form):
    """What the laboratory found."""

    text = _text(_("Analysis"), required=True)
    day = _day(_("Day"), required=True)
    value = _number(_("Value"))
    unit = _half(_text(_("Unit"), most=40))
    words = _text(_("Or in words"))
    low = _number(_("Usual from"))
    high = _number(pgettext_lazy("usual range", "to"))


class Kind(NamedTuple):
    """A kind of statement: its heading, its form, its verb."""

    title: str | Promise
    form: type[forms.Form]
    verb: str
    act: Callable[..., object]


NOTES = {
    "allergies": Kind(_("Write down an allergy"), AllergyForm, "note_allergy", services.note_allergy),
    "problems": Kind(_("Write down a problem"), ProblemForm, "note_problem", services.note_problem),
    "medicines": Kind(_("Write down a medicine"), MedicineForm, "note_medicine", services.note_medicine),
    "immunizations": Kind(_("Write down a vaccination"), VaccineForm, "note_vaccine", services.note_vaccine),
    "results": Kind(_("Write down a result"), ResultForm, "note_result", services.note_result),
}


def note(request: Request, patient: UUID, section: str) -> HttpResponse:
    """The form of one kind of statement; sent, it is in the record."""
    patients.require_ground(patient, viewer=request.actor)
    if section not in NOTES:
        raise NotFound
    kind = NOTES[section]
    form = kind.form(request.POST or None, initial={"day": timezone.localdate()})
    if request.method == "POST" and form.is_valid():
        try:
            kind.act(patient, by=request.actor, **form.cleaned_data)
        except Refused as refusal:
            if refusal.http not in (409, 422):
                raise
            form.add_error(None, refusal.sentence)
        else:
            messages.success(request, gettext("It is written in the record."))
            return redirect("record:summary", patient)
    if not allowed(f"record.{kind.verb}", request.actor):
        raise NotFound
    context = {"patient": patients.patient(patient, viewer=request.actor), "form": form, "title": kind.title}
    return render(request, "record/note.html", context, status=422 if form.errors else 200)


@require_POST
def note_none(request: Request, patient: UUID, section: str) -> HttpResponse:
    """Somebody asked, and there is none."""
    patients.require_ground(patient, viewer=request.actor)
    services.note_none(patient, section=section, by=request.actor)
    messages.success(request, gettext("It is written in the record."))
    return redirect("record:summary", patient)


@require_POST
def withdraw_resource(request: Request, patient: UUID, type: str, key: UUID) -> HttpResponse:
    """What one's own place wrote is taken back; its versions stay."""
    patients.require_ground(patient, viewer=request.actor)
    services.withdraw_resource(type, key, by=request.actor)
    messages.success(request, gettext("It was taken back; who wrote it, and that it was taken back, stays known."))
    return redirect("record:summary", patient)
