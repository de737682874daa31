"""Finding a person, the person's file, and the card."""

import datetime
from uuid import UUID

import segno
from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.safestring import mark_safe
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from wasl.accounts import queries as accounts
from wasl.kernel.errors import NotFound, Refused
from wasl.kernel.http import Request
from wasl.kernel.verbs import allowed
from wasl.patients import queries, rules, services
from wasl.patients.views.forms import NUMBERS, PersonForm, styled

LONGEST = 80


def search(request: Request) -> HttpResponse:
    """Find people while one types. What is typed comes in the body: names and numbers do not belong in addresses."""
    text = request.POST.get("q", "")[:LONGEST]
    found = queries.search(text, viewer=request.actor)
    if "open" in request.POST and len(found) == 1:
        return redirect("patients:patient", found[0].id)
    holder = queries.by_number(text, viewer=request.actor)  # of a retired number too
    context = {
        "text": text,
        "typed": rules.digits(text),
        "holder": holder.id if holder else None,
        "found": found,
        "full": len(found) == queries.LIMIT,
        "may_register": allowed("patients.register_patient", request.actor),
    }
    return render(request, "patients/_found.html" if request.htmx else "patients/search.html", context)


class NumberForm(forms.Form):
    """One more number by which others know the person."""

    kind = forms.ChoiceField(label=_("Kind of number"), choices=NUMBERS)
    value = forms.CharField(label=_("Number"), max_length=64)


def patient(
    request: Request, key: UUID, form: forms.Form | None = None, refusal: Refused | None = None
) -> HttpResponse:
    """A person's file where a ground opens it; elsewhere who it is, and the ways to open it."""
    person = queries.patient(key, viewer=request.actor)
    ground = queries.ground(key, viewer=request.actor)
    services.log_access(
        key, what="patients.file" if ground else "patients.identity", ground=ground or "none", by=request.actor
    )
    context: dict[str, object] = {"patient": person, "may_break": allowed("patients.break_glass", request.actor)}
    if ground is None:
        status = refusal.http if refusal else 200
        return render(request, "patients/closed.html", context | {"refusal": refusal}, status=status)
    context |= {
        "numbers": queries.numbers_of(key, viewer=request.actor),
        "otherwise": [_shown(one) for one in queries.said_otherwise(key, viewer=request.actor)],
        "relations": queries.relations(key, viewer=request.actor),
        "form": styled(form or NumberForm()),
        "may_correct": allowed("patients.correct_patient", request.actor),
        "may_decide": allowed("patients.judge_review", request.actor),
        "retired": len(queries.same_person(key, viewer=request.actor)) - 1,
        "apps": accounts.apps(viewer=request.actor),
        "may_order": "requester" in request.actor.roles,
        "may_import": bool({"radiographer", "radiologist", "chief", "registrar"} & request.actor.roles),
        "may_ask": bool({"radiographer", "radiologist", "chief"} & request.actor.roles),
    }
    return render(request, "patients/patient.html", context)


@require_POST
def add_number(request: Request, key: UUID) -> HttpResponse:
    """Write down one more number."""
    queries.require_ground(key, viewer=request.actor)
    form = NumberForm(request.POST)
    if form.is_valid():
        asked = form.cleaned_data
        try:
            services.add_identity(key, kind=asked["kind"], value=asked["value"], place=request.place, by=request.actor)
        except Refused as refusal:
            if refusal.http not in (409, 422):
                raise
            form.add_error("value", refusal.sentence)
        else:
            messages.success(request, gettext("The number was added."))
            return redirect("patients:patient", key)
    return patient(request, key, form)


def _shown(said: queries.Otherwise) -> dict[str, object]:
    """What a hospital's system says otherwise, as the page shows it."""
    claim = said.claim
    value = claim.value
    if isinstance(value, datetime.date):
        value = f"{value:%Y}" if claim.about else f"{value:%d/%m/%Y}"
    elif claim.attribute == "sex":
        value = capfirst(queries.Patient.Sex(str(value)).label)
    return {"title": PersonForm.base_fields[claim.attribute].label, "value": value, "said": said}


@require_POST
def take_value(request: Request, key: UUID) -> HttpResponse:
    """Take what a hospital's system says into the file."""
    version = request.POST.get("version", "")
    try:
        services.take_value(
            key, attribute=request.POST.get("attribute", ""), record=UUID(request.POST.get("record", "")),
            version=int(version) if version.isdecimal() else 0, place=request.place, by=request.actor,
        )  # fmt: skip
    except ValueError as wrong:
        raise NotFound from wrong
    except Refused as refusal:
        if refusal.http not in (409, 422):
            raise
        messages.error(request, refusal.sentence)
    else:
        messages.success(request, gettext("Taken into the file."))
    return redirect("patients:patient", key)


@require_safe
def card(request: Request, key: UUID) -> HttpResponse:
    """The card to print: the number as digits and as a QR code, the name in both scripts."""
    ground = queries.require_ground(key, viewer=request.actor)
    person = queries.patient(key, viewer=request.actor)
    services.log_access(key, what="patients.card", ground=ground, by=request.actor)
    code = segno.make(person.number, error="m", micro=False).svg_inline(scale=4, border=2, omitsize=True)
    return render(request, "patients/card.html", {"patient": person, "code": mark_safe(code)})  # noqa: S308  # digits
