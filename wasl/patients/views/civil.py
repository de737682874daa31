"""Acts of the civil register: those that wait and why, those that are done, and saying whose one is."""

from collections.abc import Mapping
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from wasl.kernel.errors import Invalid, NotAllowed, NotFound, Refused
from wasl.kernel.http import Listing, Request, key_of
from wasl.patients import queries, services
from wasl.patients.queries import CivilAct, CivilStanding, Patient
from wasl.patients.views.forms import styled
from wasl.patients.views.registration import GRADES
from wasl.patients.views.reviewing import ReasonForm

NEW = "new"  # what the form says of somebody whom nobody knows yet
SEXES = {"M": Patient.Sex.MALE, "F": Patient.Sex.FEMALE}
# what an act says of people, in the order of reading; numbers are shown by their ends
LINES = (
    (_("Name, Latin letters"), ("first_lat", "last_lat")),
    (_("Name, Arabic letters"), ("first_ar", "last_ar")),
    (_("New name, Latin letters"), ("new_first_lat", "new_last_lat")),
    (_("New name, Arabic letters"), ("new_first_ar", "new_last_ar")),
    (_("Birth date"), ("dob",)),
    (_("Sex"), ("sex",)),
    (_("Birth order"), ("birth_order",)),
    (_("National number"), ("nid",)),
    (_("Father"), ("father", "father_first_lat", "father_last_lat", "father_first_ar", "father_last_ar")),
    (_("Mother"), ("mother", "mother_first_lat", "mother_last_lat", "mother_first_ar", "mother_last_ar")),
    (_("Commune"), ("commune",)),
    (_("Act of birth"), ("birth_registry", "birth_number")),
    (_("Act that is meant"), ("of_registry", "of_kind", "of_number")),
)


@require_safe
def civil(request: Request) -> HttpResponse:
    """The acts that wait, of one kind or for one reason; those done last; how many came in each month."""
    kind, why = request.GET.get("kind", ""), request.GET.get("why", "")
    kind, why = (kind if kind in CivilAct.Kind else ""), (why if why in CivilStanding.Why else "")
    waiting = queries.waiting_acts(viewer=request.actor, kind=kind, why=why)
    listing = Listing(request, waiting, sorts=("act__created_at",))
    context = {
        "listing": listing,
        "waiting": [_shown(one) for one in listing.page],
        "done": [_shown(one) for one in queries.settled_acts(viewer=request.actor, kind=kind)],
        "months": queries.acts_by_month(viewer=request.actor),
        "kind": kind,
        "why": why,
        "kinds": CivilAct.Kind.choices,
        "reasons": CivilStanding.Why.choices,
    }
    return render(request, "patients/civil.html", context)


def civil_act(
    request: Request, act: UUID, form: ReasonForm | None = None, refusal: Refused | None = None
) -> HttpResponse:
    """One act: what it says, where it stands, and who may be meant."""
    standing = queries.civil_act(act, viewer=request.actor)
    said, _annulled = queries.effective_of(standing.act, viewer=request.actor)
    waits = standing.state == "waiting" and standing.act.kind in ("birth", "death", "name_change")
    people = queries.candidates_of(act, viewer=request.actor) if waits else []
    shown = [one.patient for one in people] + ([standing.patient] if standing.patient else [])
    for patient in shown:
        services.log_access(patient.id, what="patients.civil_act", ground="none", by=request.actor, subject=act)
    context = {
        **_shown(standing),
        "lines": [(title, text) for title, columns in LINES if (text := _text(said, columns))],
        "people": [(one, *GRADES[one.grade]) for one in people],
        "waits": waits,
        "form": styled(form or ReasonForm()),
        "refusal": refusal,
    }
    return render(request, "patients/civil_act.html", context, status=refusal.http if refusal else 200)


@require_POST
def decide_act(request: Request, act: UUID) -> HttpResponse:
    """Say whose an act is, or that it is of somebody new."""
    form, whose = ReasonForm(request.POST), request.POST.get("patient", "")
    if not form.is_valid():
        return civil_act(request, act, form, Invalid({"because": str(form["because"].errors[0])}))
    if not whose:
        return civil_act(request, act, form, Invalid({"patient": gettext("Choose whose act this is.")}))
    patient = None if whose == NEW else key_of(whose)
    try:
        services.decide_act(act, patient=patient, because=form.cleaned_data["because"], by=request.actor)
    except (NotAllowed, NotFound):
        raise
    except Refused as refusal:
        return civil_act(request, act, form, refusal)
    messages.success(request, gettext("Decided: the act was taken into the file."))
    return redirect("patients:civil")


@require_POST
def undo_act(request: Request, act: UUID) -> HttpResponse:
    """Take back what a steward said of an act."""
    form = ReasonForm(request.POST)
    if not form.is_valid():
        return civil_act(request, act, form, Invalid({"because": str(form["because"].errors[0])}))
    try:
        services.undo_act(act, because=form.cleaned_data["because"], by=request.actor)
    except (NotAllowed, NotFound):
        raise
    except Refused as refusal:
        return civil_act(request, act, form, refusal)
    messages.success(request, gettext("Taken back: the file is as without the act, which waits again."))
    return redirect("patients:civil_act", act)


def _shown(standing: CivilStanding) -> dict[str, object]:
    """An act as a list shows it: of whom it is, in both scripts, as the register calls them."""
    said: Mapping[str, str] = standing.taken or standing.act.said
    names = [_text(said, columns) for columns in (("first_lat", "last_lat"), ("first_ar", "last_ar"))]
    return {"standing": standing, "act": standing.act, "names": [name for name in names if name]}


def _text(said: Mapping[str, str], columns: tuple[str, ...]) -> str:
    """What some columns say together; of a national number the end alone."""
    texts = [said[column] for column in columns if said.get(column)]
    if columns == ("nid",):
        return "".join(f"••••{text[-3:]}" for text in texts)
    if columns == ("dob",):
        return "".join("/".join(reversed(text.split("-"))) for text in texts)
    if columns == ("sex",):
        return "".join(str(SEXES[text[:1].upper()].label) if text[:1].upper() in SEXES else text for text in texts)
    return " ".join(dict.fromkeys(texts))
