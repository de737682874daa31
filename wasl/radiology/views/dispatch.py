"""The next case: taken, passed over; how readers take their cases; and the rule that decides, with its versions."""

import datetime
from contextlib import suppress
from dataclasses import asdict, fields
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from wasl.kernel.errors import NotAllowed, NotFound, Refused
from wasl.kernel.http import Request
from wasl.kernel.verbs import allowed
from wasl.radiology import queries, services
from wasl.radiology.queries import Reading, Skip
from wasl.radiology.rules import dispatch as rules
from wasl.radiology.rules.dispatch import Proposal, Weights

REASONS: dict[str, Promise] = {
    "only": _("It is the only case that waits for you."),
    "deadline": _("It is due first of the {number} cases that wait for you."),
    "waited": _("It has waited longest."),
    "scarce": _("Few others on duty may read it: {number}."),
    "alone": _("Nobody else on duty may read it."),
    "short": _("It is short ({number} points), and longer ones have time."),
    "focus": _("You often read this region."),
    "language": _("You write in the language of the doctor who asked."),
    "light": _("Your last hour was the lightest: {number} points."),
    "balance": _("Waiting, deadline and length together put it before {number} cases."),
}
SKIPS = dict(Skip.Reason.choices)
# what each weight means: its name, and a sentence
WEIGHTS: dict[str, tuple[Promise, Promise]] = {
    "horizon": (_("Deadlines press from"), _("minutes before a case is due; before that all have time alike")),
    "waiting": (_("A minute of waiting"), _("minutes forward for each minute waited")),
    "give_way": (_("Long cases give way"), _("minutes back for each point, while there is a day or more; less and "
                                             "less as time runs out")),
    "scarce": (_("Rare competence"), _("minutes forward when nobody else on duty may read it")),
    "focus": (_("Region"), _("minutes forward for a region that the reader often reads")),
    "language": (_("Language"), _("minutes forward when the reader writes in the language of who asked")),
    "balance": (_("Equal loads"), _("minutes back for ten points, when the reader’s last hour was an hour’s points "
                                    "heavier than the colleagues’")),
    "protect_after": (_("Protected from"), _("hours on duty, after which long cases go to others; 0: never")),
    "protect": (_("Protection"), _("minutes back for each point then")),
}  # fmt: skip


class Draft(forms.Form):
    """The weights of a rule, and why they are so."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        for name, (title, sentence) in WEIGHTS.items():
            self.fields[name] = forms.FloatField(
                label=str(title), help_text=str(sentence), min_value=0, max_value=rules.MOST_WEIGHT
            )
        self.fields["why"] = forms.CharField(
            label=_("Why this rule"), max_length=2000, widget=forms.Textarea(attrs={"rows": 3, "dir": "auto"})
        )


def next_case(request: Request) -> dict[str, object]:
    """What the worklist shows first: the case that is proposed to the viewer, and why."""
    if not allowed("radiology.take_next_reading", request.actor):
        return {}
    for proposal in queries.line(viewer=request.actor).proposals:
        with suppress(NotFound):  # a colleague took and signed it meanwhile
            return {"next": _shown(queries.reading(UUID(str(proposal.case.id)), viewer=request.actor), proposal)}
    return {}


def _shown(reading: Reading, proposal: Proposal) -> dict[str, object]:
    left = reading.due_at - timezone.now()
    return {
        "reading": reading,
        "left": abs(left).total_seconds(),
        "late": left < datetime.timedelta(),
        "reasons": [_sentence(reason.name, reason.number) for reason in proposal.reasons],
    }


def _sentence(name: str, number: int) -> str:
    if name == "scarce" and not number:
        name = "alone"
    return str(REASONS[name]).format(number=number)


@require_POST
def take_next_reading(request: Request) -> HttpResponse:
    """Take the next case and open it; when nothing waits any more, say so on the worklist."""
    try:
        taken = services.take_next_reading(by=request.actor)
    except rules.NothingToRead as refusal:
        messages.info(request, refusal.sentence)
        return redirect("radiology:readings")
    return redirect("radiology:reading", taken.id)


def skip_reading(request: Request, key: UUID) -> HttpResponse:
    """Ask why a case is passed over, then pass over it."""
    proposal = queries.line(viewer=request.actor).at(key)
    if proposal is None:
        raise rules.NotInYourLine
    refusal = None
    if request.method == "POST":
        reason, note = request.POST.get("reason", ""), request.POST.get("note", "")
        try:
            services.skip_reading(key, reason=reason, note=note, by=request.actor)
        except rules.SkipReasonMissing as error:
            refusal = error
        else:
            said = gettext("Passed over. It is proposed to you again in {minutes} minutes.")
            messages.success(request, said.format(minutes=rules.SKIP_MINUTES))
            return redirect("radiology:readings")
    context = {
        "next": _shown(queries.reading(key, viewer=request.actor), proposal),
        "choices": SKIPS.items(),
        "given": request.POST,
        "refusal": refusal,
    }
    return render(request, "radiology/skip.html", context, status=refusal.http if refusal else 200)


def profiles(request: Request) -> HttpResponse:
    """How the viewer, and the readers whom the viewer heads, took their cases in a month."""
    if not {"radiologist", "chief"} & request.actor.roles:
        raise NotAllowed
    today = timezone.localdate()
    month = _month(request.GET.get("month", "")) or today.replace(day=1)
    rows = queries.profiles(month, viewer=request.actor)
    context = {
        "month": month,
        "before": (month - datetime.timedelta(days=1)).replace(day=1),
        "after": (month + datetime.timedelta(days=31)).replace(day=1) if month < today.replace(day=1) else None,
        "rows": [(row, [(SKIPS[name], number) for name, number in row.skips.items()]) for row in rows],
        "least": rules.FAIR_NUMBER,
    }
    return render(request, "radiology/profiles.html", context)


def _month(text: str) -> datetime.date | None:
    try:
        return datetime.date.fromisoformat(f"{text}-01")
    except ValueError:
        return None


def dispatch(request: Request) -> HttpResponse:
    """The rule that decides who reads what next, in words, its versions, and how much work exams are."""
    _require_planner(request)
    return _rules(request, None)


@require_POST
def draft_rule(request: Request) -> HttpResponse:
    """Write the next version of the rule."""
    _require_planner(request)
    form = Draft(request.POST)
    if not form.is_valid():
        return _rules(request, form)
    weights = {field.name: form.cleaned_data[field.name] for field in fields(Weights)}
    try:
        services.draft_rule(weights=weights, why=form.cleaned_data["why"], by=request.actor)
    except Refused as refusal:
        form.add_error(None, refusal.sentence)
        return _rules(request, form)
    messages.success(request, gettext("The draft is written. It decides nothing until it is published."))
    return redirect("radiology:dispatch")


@require_POST
def publish_rule(request: Request, key: UUID) -> HttpResponse:
    """Let a draft decide from now on."""
    services.publish_rule(key, by=request.actor)
    messages.success(request, gettext("The rule is published: it decides from now on."))
    return redirect("radiology:dispatch")


@require_POST
def adopt_efforts(request: Request) -> HttpResponse:
    """Let exams be as much work as they were found to take."""
    try:
        changed = services.adopt_efforts(by=request.actor)
    except rules.NothingMeasured as refusal:
        messages.info(request, refusal.sentence)
    else:
        messages.success(request, gettext("Efforts adopted: {number}.").format(number=changed))
    return redirect("radiology:dispatch")


def _rules(request: Request, form: Draft | None) -> HttpResponse:
    viewer = request.actor
    versions = list(queries.dispatch_rules(viewer=viewer))
    draft = next((row for row in versions if row.published_at is None), None)
    in_force = queries.rule_in_force(viewer=viewer)
    first = {**asdict(in_force.weights), **(draft.weights if draft else {}), "why": draft.why if draft else ""}
    known = queries.Efforts(queries.efforts(viewer=viewer))
    context = {
        "in_force": in_force.version,
        "sentences": [(title, getattr(in_force.weights, name), text) for name, (title, text) in WEIGHTS.items()],
        "versions": [row for row in versions if row.published_at is not None],
        "draft": draft,
        "form": form or Draft(initial=first),
        "efforts": queries.efforts(viewer=viewer),
        "measured": [
            (row, known.points(row.procedure, row.modality)) for row in queries.measured_efforts(viewer=viewer)
        ],
    }
    return render(request, "radiology/dispatch.html", context, status=422 if form else 200)


def _require_planner(request: Request) -> None:
    if not allowed("radiology.draft_rule", request.actor):
        raise NotAllowed


urlpatterns: list[URLPattern] = [
    path("readings/next/", take_next_reading, name="take_next_reading"),
    path("readings/profiles/", profiles, name="profiles"),
    path("readings/<uuid:key>/skip/", skip_reading, name="skip_reading"),
    path("dispatch/", dispatch, name="dispatch"),
    path("dispatch/draft/", draft_rule, name="draft_rule"),
    path("dispatch/<uuid:key>/publish/", publish_rule, name="publish_rule"),
    path("dispatch/efforts/", adopt_efforts, name="adopt_efforts"),
]
