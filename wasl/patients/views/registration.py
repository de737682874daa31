"""Registering a person, and correcting what is known."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from wasl.kernel.errors import NotAllowed, Refused
from wasl.kernel.http import Request
from wasl.kernel.verbs import allowed
from wasl.patients import queries, rules, services
from wasl.patients.queries import Match, Patient
from wasl.patients.views.forms import PersonForm

# refusals of one number, shown beside its field
BESIDE = {"LocalNumberTaken": "local", **dict.fromkeys(("NotReservedHere", "NumberUsed", "BlockWithdrawn"), "reserved")}
KINDS = {"known": _("Known person"), "newborn": _("Newborn"), "unknown": _("Unknown person")}


GRADES: dict[str, tuple[str | Promise, str]] = {
    "certain": (_("This is the person"), "bg-green-lt"),
    "probable": (_("Probably this person"), "bg-orange-lt"),
    "possible": (_("Perhaps this person"), "bg-blue-lt"),
    "related": (_("Same family and day of birth, or same number"), "bg-secondary-lt"),
}


def register(request: Request) -> HttpResponse:
    """Give a person a number; people who may be the same are shown before anybody is made."""
    if not allowed("patients.register_patient", request.actor):
        raise NotAllowed
    asked = request.POST.get("kind", request.GET.get("kind", ""))
    kind = asked if asked in KINDS else "known"
    reserved = any(one.left for one in queries.blocks(viewer=request.actor, place=request.place)) and bool(
        request.place
    )
    form = PersonForm(kind, request.POST if request.method == "POST" else None, request.actor, reserved=reserved)
    alike: list[Match] = []
    if form.is_bound and form.is_valid():
        found = list(queries.match_person(form.values(), form.identities(), place=request.place, viewer=request.actor))
        # who came since, or fits what was changed since, was not shown yet
        shown = set(request.POST.getlist("told_apart"))
        alike = found if any(str(match.patient.id) not in shown for match in found) else []
        if not alike and (made := _register(form, request)):
            messages.success(request, gettext("Registered. The record is open to your hospital; print the card now."))
            return redirect("patients:patient", made.id)
    people = [(match, *GRADES[match.grade]) for match in alike]
    context = {"form": form, "kind": kind, "kinds": KINDS.items(), "people": people}
    return render(request, "patients/register.html", context, status=422 if form.errors else 200)


def _register(form: PersonForm, request: Request) -> Patient | None:
    """Register, or put what is wrong beside the fields."""
    values = form.values()
    try:
        if form.kind == "newborn":
            values["mother"] = _mother(form.cleaned_data["mother_number"], request)
        return services.register_patient(
            place=request.place, by=request.actor, kind=form.kind, identities=form.identities(),
            number=form.cleaned_data.get("reserved", ""), **values,
        )  # fmt: skip
    except Refused as refusal:
        if isinstance(refusal, NotAllowed):
            raise
        form.take(refusal, BESIDE.get(refusal.code))
        return None


def _mother(number: str, request: Request) -> UUID | None:
    if not number:
        return None
    found = queries.by_number(number, viewer=request.actor)
    if found is None and request.place:
        found = queries.by_local_number(number, place=request.place, viewer=request.actor)
    return rules.check_mother(found).id


def correct(request: Request, key: UUID) -> HttpResponse:
    """Correct what is known; an unknown person or a newborn gets a name this way."""
    ground = queries.require_ground(key, viewer=request.actor)
    if not allowed("patients.correct_patient", request.actor):
        raise NotAllowed
    person = queries.patient(key, viewer=request.actor)
    kind = "known" if person.kind == "unknown" else person.kind
    form = PersonForm(kind, request.POST if request.method == "POST" else None, request.actor, person)
    if form.is_bound and form.is_valid():
        version = request.POST.get("version", "")
        try:
            services.correct_patient(
                key, version=int(version) if version.isdecimal() else 0, place=request.place, by=request.actor,
                **form.values(), kind=kind,
            )  # fmt: skip
        except Refused as refusal:
            if isinstance(refusal, NotAllowed):
                raise
            form.take(refusal)
        else:
            messages.success(request, gettext("Corrected."))
            return redirect("patients:patient", key)
    if not form.is_bound:
        services.log_access(key, what="patients.file", ground=ground, by=request.actor)
    context = {"form": form, "patient": person, "version": request.POST.get("version", person.version)}
    return render(request, "patients/correct.html", context, status=422 if form.errors else 200)
