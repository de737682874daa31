"""Opening a record on a ground, and who looked."""

from uuid import UUID

from django import forms
from django.apps import apps
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from wasl.kernel.apps import ModuleConfig
from wasl.kernel.errors import Invalid
from wasl.kernel.http import Listing, Request
from wasl.patients import queries, rules, services
from wasl.patients.queries import Access, CareRelationship
from wasl.patients.views.forms import styled
from wasl.patients.views.people import patient
from wasl.places import queries as places

GROUNDS: dict[str, str | Promise] = {
    **dict(CareRelationship.Ground.choices),
    "none": _("none: identity only"),
    "system": _("Wasl itself, at work"),
    "steward": _("data steward"),
    "release": _("a copy without names"),
    "share": _("a link and a code, given to somebody outside"),
    "worklist": _("a reader chose among the exams offered"),
    "expertise": _("this hospital was asked for an opinion"),
}
# what was looked at, where a common word says it better than the name it is logged under
THINGS: dict[str, str | Promise] = {
    "file": pgettext_lazy("access log", "file"),
    "identity": pgettext_lazy("access log", "identity"),
    "card": pgettext_lazy("access log", "card"),
    "wristband": pgettext_lazy("access log", "wristband"),
    "match": pgettext_lazy("access log", "asked who somebody is"),
    "receive_record": pgettext_lazy("access log", "what a hospital's system said of the person"),
    "cross_reference": pgettext_lazy("access log", "the person's other numbers"),
    "wrong_number": pgettext_lazy("access log", "a wrong number was presented"),
    "accesses": pgettext_lazy("access log", "this page"),
    "review": pgettext_lazy("access log", "whether two files are one person's"),
    "civil_act": pgettext_lazy("access log", "whose an act of the civil register is"),
    "quality": pgettext_lazy("access log", "list of records whose identity is incomplete or in doubt"),
    "timeline": pgettext_lazy("access log", "timeline"),
    "summary": pgettext_lazy("access log", "the record on one page"),
    "order": pgettext_lazy("access log", "order"),
    "order_exam": pgettext_lazy("access log", "order form"),
    "study": pgettext_lazy("access log", "study"),
    "release": pgettext_lazy("access log", "a copy without names was asked for"),
    "release_images": pgettext_lazy("access log", "pictures of a copy without names"),
    "release_copies": pgettext_lazy("access log", "a copy without names was taken"),
    "crosswalk": pgettext_lazy("access log", "for whom a pseudonym stands"),
    "share_study": pgettext_lazy("access log", "study, to share it outside"),
    "shares": pgettext_lazy("access log", "shares of a study"),
    "share_opened": pgettext_lazy("access log", "shared study opened"),
    "share_wrong_code": pgettext_lazy("access log", "a wrong code of a shared study"),
    "share_looked": pgettext_lazy("access log", "images of a shared study"),
    "share_images": pgettext_lazy("access log", "images of a shared study, taken away"),
    "share_report": pgettext_lazy("access log", "report of a shared study"),
    "disc": pgettext_lazy("access log", "disc of another hospital"),
    "studies": pgettext_lazy("access log", "studies"),
    "images": pgettext_lazy("access log", "images"),
    "reading": pgettext_lazy("access log", "reading"),
    "report": pgettext_lazy("access log", "report"),
    "report_pdf": pgettext_lazy("access log", "report as PDF"),
    "expertise": pgettext_lazy("access log", "opinion of another hospital"),
    "conference": pgettext_lazy("access log", "case conference"),
}


@require_POST
def present(request: Request, key: UUID) -> HttpResponse:
    """The patient's card or number was presented: what was typed or scanned proves it."""
    try:
        services.present_card(key, place=request.place, number=request.POST.get("number", ""), by=request.actor)
    except Invalid as refusal:
        services.log_access(key, what=services.WRONG_NUMBER, ground="none", by=request.actor)
        return patient(request, key, refusal=refusal)
    except rules.ProvisionalElsewhere as refusal:
        return patient(request, key, refusal=refusal)
    messages.success(request, gettext("The record is open to your hospital until tomorrow at the latest."))
    return redirect("patients:patient", key)


class GlassForm(forms.Form):
    """Why the record must be opened now."""

    because = forms.CharField(
        label=_("Why must this record be opened now?"), max_length=300, widget=forms.Textarea(attrs={"rows": 3})
    )


def break_glass(request: Request, key: UUID) -> HttpResponse:
    """Emergency access: a reason, an hour, and the patient and an auditor will know."""
    person = queries.patient(key, viewer=request.actor)
    form = styled(GlassForm(request.POST or None))
    if request.method == "POST" and form.is_valid():
        try:
            services.break_glass(key, place=request.place, because=form.cleaned_data["because"], by=request.actor)
        except Invalid as refusal:
            form.add_error("because", refusal.sentence)
        else:
            messages.warning(request, gettext("Emergency access: this record is open to you for one hour."))
            return redirect("patients:patient", key)
    services.log_access(key, what="patients.identity", ground="none", by=request.actor)
    return render(request, "patients/break_glass.html", {"patient": person, "form": form})


@require_safe
def accesses(request: Request, key: UUID) -> HttpResponse:
    """Who looked at what, when, from where and on which ground; this look is written down too."""
    ground = queries.require_ground(key, viewer=request.actor)
    services.log_access(key, what="patients.accesses", ground=ground, by=request.actor)
    listing = Listing(request, queries.accesses(key, viewer=request.actor), sorts=("-created_at", "who"))
    shown = list(listing.page)
    where = {line.place for line in shown if line.place}
    named: dict[UUID | None, str] = {p.id: p.name for p in places.places(viewer=request.actor, ids=where)}
    context = {
        "patient": queries.patient(key, viewer=request.actor),
        "listing": listing,
        "lines": [(line, *_said(line), named.get(line.place, "")) for line in shown],
    }
    return render(request, "patients/accesses.html", context)


def _said(line: Access) -> tuple[object, object, object]:
    """The module, the thing and the ground of a line in words."""
    module, _dot, thing = line.what.partition(".")
    plate = apps.app_configs.get(module)
    title = plate.title if isinstance(plate, ModuleConfig) else module
    return title, THINGS.get(thing, thing.replace("_", " ")), GROUNDS.get(line.ground, line.ground)
