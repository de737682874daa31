"""Preliminary reports: issuing one, seeing what the final one changes, classing it and signing; and over-reading."""

from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from wasl.kernel.errors import NotFound, Refused
from wasl.kernel.http import Request, in_json
from wasl.patients import queries as patients
from wasl.patients import services as patients_services
from wasl.radiology import queries, services
from wasl.radiology.queries import Report
from wasl.radiology.rules import finalising as rules
from wasl.radiology.rules import reading as reading_rules
from wasl.radiology.views.display import screen_of
from wasl.radiology.views.editor import asked, count
from wasl.radiology.views.readings import SECTION_TITLES

# what a signer may call a change, and what each means
CHANGES = [
    ("wording", pgettext_lazy("change", "wording only"), _("Other words, the same meaning.")),
    ("minor", pgettext_lazy("change", "minor discrepancy"), _("It would not have changed what is done.")),
    ("major", pgettext_lazy("change", "major discrepancy"), _("It changes what is done for the patient.")),
]


class OverReading(forms.Form):
    """What a second reader found."""

    verdict = forms.ChoiceField(
        label=_("Do you agree?"), widget=forms.RadioSelect({"class": "form-check-input"}),
        choices=[
            ("agrees", pgettext_lazy("over-read", "agreement")), *((key, words) for key, words, _what in CHANGES[1:])
        ],
    )  # fmt: skip
    reason = forms.CharField(
        label=_("What you read differently"), required=False, max_length=rules.LONGEST_REASON,
        widget=forms.Textarea({"rows": 4, "dir": "auto"}),
    )  # fmt: skip


@require_POST
@in_json
def issue_preliminary(request: Request, key: UUID) -> JsonResponse:
    """Issue the revision that the reader saw, and say where the report is."""
    issued = services.issue_preliminary(key, revision=count(asked(request), "revision"), by=request.actor)
    messages.success(request, gettext("The preliminary report was issued. A radiologist makes it final."))
    return JsonResponse({"address": reverse("radiology:report", args=[issued.id])})


def finalise(request: Request, key: UUID) -> HttpResponse:
    """What the final report of a case changes, for the reader who holds it: to be classed, then signed."""
    case = queries.reading(key, viewer=request.actor)
    before = queries.preliminary_of(key, viewer=request.actor)
    draft = queries.draft_of(key, viewer=request.actor)
    if before is None or draft is None or draft.adds_to_id:
        raise NotFound
    reading_rules.check_mine(case.state, case.claimed_by_id, request.actor.id)
    change = request.POST.get("change", "")
    refusal: Refused | None = None
    if request.method == "POST":
        seen = request.POST.get("revision", "")
        try:
            revision = int(seen) if seen.isdecimal() and len(seen) < 9 else -1
            signed = services.sign_report(
                draft.id, revision=revision, change=change, screen=screen_of(request), by=request.actor
            )
        except Refused as refused:
            refusal = refused
        else:
            return HttpResponseRedirect(reverse("radiology:report", args=[signed.id]))
    return _compared(request, before, draft, refusal=refusal, chosen=change)


def changes(request: Request, key: UUID) -> HttpResponse:
    """What changed from a preliminary report to the final one, for who wrote the one and who signed the other."""
    return _compared(request, *queries.finals_of(key, viewer=request.actor))


def _compared(
    request: Request, before: Report, after: Report, *, refusal: Refused | None = None, chosen: str = ""
) -> HttpResponse:
    reading = after.reading
    ground = patients.ground(reading.patient_id, viewer=request.actor) or "author"
    patients_services.log_access(
        reading.patient_id, what="radiology.compare", ground=ground, by=request.actor, subject=after.id
    )
    context = {
        "before": before,
        "after": after,
        "signs": after.state == "draft",
        "same": rules.says_the_same(before, after),
        "sections": [(SECTION_TITLES[name], cut) for name, cut in rules.differences(before, after)],
        "critical": rules.critical_change(before, after),
        "critical_cut": rules.pieces(
            before.critical_what if before.critical else "", after.critical_what if after.critical else ""
        ),
        "choices": CHANGES,
        "chosen": chosen,
        "reading": reading,
        "order": reading.order,
        "patient": patients.patient(reading.patient_id, viewer=request.actor),
        "refusal": refusal,
    }
    return render(request, "radiology/compare.html", context, status=refusal.http if refusal else 200)


@require_POST
def begin_over_reading(request: Request, key: UUID) -> HttpResponse:
    """Take a report to over-read it, and open it."""
    services.begin_over_reading(key, by=request.actor)
    return HttpResponseRedirect(reverse("radiology:over_read_report", args=[key]))


def over_read(request: Request, key: UUID) -> HttpResponse:
    """Say whether one agrees with a signed report; a discrepancy opens one's addendum to it."""
    found = queries.report(key, viewer=request.actor)
    if request.method != "POST" and not queries.may_over_read(found, viewer=request.actor):
        raise NotFound
    form = OverReading(request.POST or None)
    if form.is_valid():
        said = form.cleaned_data
        try:
            services.over_read_report(key, verdict=said["verdict"], reason=said["reason"], by=request.actor)
        except rules.NoReason as refusal:
            form.add_error("reason", refusal.sentence)
        else:
            if said["verdict"] == "agrees":
                messages.success(request, gettext("Your agreement was noted."))
                return HttpResponseRedirect(reverse("radiology:report", args=[key]))
            messages.success(request, gettext("Noted. Write your addendum: the signed report stays as it is."))
            return HttpResponseRedirect(reverse("radiology:reading", args=[found.reading_id]))
    ground = patients.require_ground(found.reading.patient_id, viewer=request.actor)
    patients_services.log_access(
        found.reading.patient_id, what="radiology.over_read", ground=ground, by=request.actor, subject=key
    )
    context = {
        "form": form, "report": found, "reading": found.reading, "order": found.reading.order,
        "study_uid": found.reading.study.uid,
        "patient": patients.patient(found.reading.patient_id, viewer=request.actor),
        "sections": [(SECTION_TITLES[name], text) for name, text in found.sections.items() if name != "title"],
    }  # fmt: skip
    return render(request, "radiology/over_read.html", context, status=422 if form.errors else 200)


urlpatterns: list[URLPattern] = [
    path("reports/<uuid:key>/issue/", issue_preliminary, name="issue_preliminary"),
    path("readings/<uuid:key>/finalise/", finalise, name="finalise"),
    path("reports/<uuid:key>/changes/", changes, name="changes"),
    path("reports/<uuid:key>/over-read/begin/", begin_over_reading, name="begin_over_reading"),
    path("reports/<uuid:key>/over-read/", over_read, name="over_read_report"),
]
