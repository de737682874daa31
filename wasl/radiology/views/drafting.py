"""The form by which a draft of an agreement is written, and written anew."""

import datetime
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.dates import WEEKDAYS
from django.utils.text import format_lazy
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from wasl.kernel.access import Actor
from wasl.kernel.errors import Invalid, Refused
from wasl.kernel.http import Request
from wasl.places import queries as places
from wasl.radiology import queries, services
from wasl.radiology.queries import Agreement
from wasl.radiology.rules import agreements as rules
from wasl.radiology.rules.agreements import Terms
from wasl.radiology.views.agreements import clock, require_binding, version_read
from wasl.radiology.views.ordering import URGENCIES

DAY = datetime.timedelta(days=1)
USUAL_DAYS = 365  # of a new draft
ENDS = {"from": pgettext_lazy("hour", "from"), "to": pgettext_lazy("hour", "to")}
TURNS = (1, 2)  # in which the hours of a day are given, such as morning and afternoon
ROWS = tuple(f"{day}_{turn}" for day in range(7) for turn in TURNS)


class Draft(forms.Form):
    """What two hospitals would agree on, as the page asks for it."""

    provider = forms.ChoiceField(label=_("Provider: the hospital that reads"))
    beneficiary = forms.ChoiceField(label=_("Beneficiary: the hospital whose exams are read"))
    modalities = forms.MultipleChoiceField(
        label=_("Every exam of"), required=False, widget=forms.CheckboxSelectMultiple
    )
    procedures = forms.MultipleChoiceField(
        label=_("Single exams of other modalities"), required=False, widget=forms.CheckboxSelectMultiple
    )
    urgencies = forms.MultipleChoiceField(
        label=_("Urgency"), required=False, choices=URGENCIES, widget=forms.CheckboxSelectMultiple
    )
    hours = forms.ChoiceField(
        label=_("Hours"), widget=forms.RadioSelect,
        choices=[("always", _("day and night, every day")), ("weekly", _("at these hours"))],
    )  # fmt: skip
    since = forms.DateField(label=_("First day"), widget=forms.DateInput({"type": "date"}, "%Y-%m-%d"))
    until = forms.DateField(label=_("Last day"), widget=forms.DateInput({"type": "date"}, "%Y-%m-%d"))
    scale = forms.CharField(
        label=_("Scale"), max_length=40, help_text=_("The code of the tariff by which readings are paid.")
    )
    text = forms.CharField(
        label=_("Text"), required=False, max_length=20_000, widget=forms.Textarea({"rows": 6, "dir": "auto"})
    )

    def __init__(self, data: object, viewer: Actor, initial: dict[str, Any]) -> None:
        super().__init__(data, initial=initial)  # type: ignore[arg-type]
        known = sorted(((str(p.id), p.name) for p in places.places(viewer=viewer)), key=lambda p: p[1])
        exams = list(queries.procedures(viewer=viewer))
        kinds = sorted({exam.modality for exam in exams})
        for name in ("provider", "beneficiary"):
            self.fields[name].choices = [("", "–"), *known]  # type: ignore[attr-defined]
        self.fields["modalities"].choices = [(kind, kind) for kind in kinds]  # type: ignore[attr-defined]
        self.fields["procedures"].choices = [  # type: ignore[attr-defined]
            (kind, [(str(exam.id), exam.name) for exam in exams if exam.modality == kind]) for kind in kinds
        ]
        for urgency, words in URGENCIES:
            label = format_lazy("{words}, {unit}", words=words, unit=_("minutes"))
            self.fields[f"minutes_{urgency}"] = forms.IntegerField(
                required=False,
                min_value=1,
                max_value=rules.MOST_MINUTES,
                widget=forms.NumberInput({"aria-label": label}),
            )
        for day in range(7):
            for turn in TURNS:
                for end, words in ENDS.items():
                    label = format_lazy("{day}, {end}", day=WEEKDAYS[day], end=words)
                    clock = forms.TimeInput({"type": "time", "aria-label": label}, "%H:%M")
                    self.fields[f"{end}_{day}_{turn}"] = forms.TimeField(required=False, widget=clock)

    @property
    def response_times(self) -> list[tuple[Any, Any]]:
        """The tick of each class of urgency, and the field of its minutes."""
        return [(tick, self[f"minutes_{tick.data['value']}"]) for tick in self["urgencies"]]

    @property
    def single_exams(self) -> list[tuple[str, list[tuple[str, str, bool]]]]:
        """The exams of each modality: key, name, and whether it is ticked."""
        ticked = {str(key) for key in self["procedures"].value() or ()}
        kinds: Any = self.fields["procedures"]
        return [(kind, [(key, name, key in ticked) for key, name in exams]) for kind, exams in kinds.choices]

    @property
    def days(self) -> list[tuple[Any, list[tuple[Any, Any]]]]:
        """Each day of the week with the fields of its hours: from when to when, twice."""
        return [
            (WEEKDAYS[day], [(self[f"from_{day}_{turn}"], self[f"to_{day}_{turn}"]) for turn in TURNS])
            for day in range(7)
        ]

    def terms(self) -> Terms:
        """What the form says."""
        said = self.cleaned_data
        return Terms(
            modalities=tuple(said["modalities"]), procedures=tuple(UUID(key) for key in said["procedures"]),
            minutes={urgency: said[f"minutes_{urgency}"] for urgency in said["urgencies"]},
            hours=self._hours() if said["hours"] == "weekly" else (), since=said["since"], until=said["until"],
            scale=said["scale"], text=said["text"],
        )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        """Hours that are asked for are given: both ends of a day, and some day."""
        said = self.cleaned_data
        ends = [(said.get(f"from_{at}"), said.get(f"to_{at}")) for at in ROWS]
        halves = any((start is None) != (end is None) for start, end in ends)
        if said.get("hours") == "weekly" and (halves or all(start is None for start, _end in ends)):
            self.add_error("hours", gettext("Give the hours of at least one day, from and to."))
        return said

    def _hours(self) -> tuple[tuple[int, int], ...]:
        """The hours of the week; what ends before it begins ends the next day."""
        spans = []
        for row in ROWS:
            start, end = (self.cleaned_data[f"{name}_{row}"] for name in ("from", "to"))
            if start is not None:
                first, last = (rules.DAY * int(row[0]) + at.hour * 60 + at.minute for at in (start, end))
                spans.append((first, last if last > first else last + rules.DAY))
        return rules.in_week(spans)


def draft_agreement(request: Request) -> HttpResponse:
    """Write down what one hospital would read for another."""
    require_binding(request)
    today = timezone.localdate()
    at = request.actor.at
    initial = {
        "provider": str(at) if at and rules.binds(at, request.actor) else "", "hours": "always",
        "urgencies": [urgency for urgency, _words in URGENCIES],
        "since": today, "until": today + datetime.timedelta(days=USUAL_DAYS - 1),
    }  # fmt: skip
    form = Draft(request.POST or None, request.actor, initial)
    if form.is_valid():
        provider, beneficiary = UUID(form.cleaned_data["provider"]), UUID(form.cleaned_data["beneficiary"])
        try:
            drafted = services.draft_agreement(
                provider=provider, beneficiary=beneficiary, terms=form.terms(), by=request.actor
            )
        except Refused as refusal:
            _say(form, refusal)
        else:
            messages.success(
                request, gettext("The draft was written. It binds nobody until both hospitals have signed.")
            )
            return redirect("radiology:agreement", drafted.id)
    return _form(request, form, None)


def change_agreement(request: Request, key: UUID) -> HttpResponse:
    """Write a draft anew; the two hospitals stay."""
    found = queries.agreement(key, viewer=request.actor)
    rules.check_draft(found.state, found.version, found.version)
    parties = {"provider": str(found.provider_id), "beneficiary": str(found.beneficiary_id)}
    data = None
    if request.method == "POST":
        data = request.POST.copy()
        data.update(parties)
    form = Draft(data, request.actor, {**_initial(found, request.actor), **parties})
    if form.is_valid():
        try:
            services.change_agreement(key, terms=form.terms(), version=version_read(request), by=request.actor)
        except Refused as refusal:
            _say(form, refusal)
        else:
            messages.success(request, gettext("The draft was changed. Whoever had signed it signs again."))
            return redirect("radiology:agreement", key)
    return _form(request, form, found)


def _initial(found: Agreement, viewer: Actor) -> dict[str, Any]:
    """A draft as its form shows it."""
    scope, minutes = queries.scope_of(found, viewer=viewer)
    initial: dict[str, Any] = {
        "modalities": [part.modality for part in scope if not part.procedures],
        "procedures": [str(exam.id) for part in scope for exam in part.procedures],
        "urgencies": list(minutes), "hours": "weekly" if found.hours else "always", "since": found.agreed.lower,
        "until": found.agreed.upper - DAY, "scale": found.scale, "text": found.text,
    }  # fmt: skip
    initial |= {f"minutes_{urgency}": number for urgency, number in minutes.items()}
    taken: dict[int, int] = {}
    for day, start, minutes_long in rules.by_day((span.lower, span.upper) for span in found.hours):
        turn = taken[day] = taken.get(day, 0) + 1
        row = f"{day}_{turn}"
        initial |= {f"from_{row}": clock(start), f"to_{row}": clock((start + minutes_long) % rules.DAY)}
    return initial


def _form(request: Request, form: Draft, found: Agreement | None) -> HttpResponse:
    context = {"form": form, "agreement": found}
    return render(request, "radiology/draft_agreement.html", context, status=422 if form.errors else 200)


def _say(form: Draft, refusal: Refused) -> None:
    """A refusal beside the fields that it is about."""
    fields = refusal.fields if isinstance(refusal, Invalid) else {}
    for name, sentence in fields.items():
        form.add_error(name if name in form.fields else None, sentence)
    if not fields:
        form.add_error(None, refusal.sentence)


urlpatterns: list[URLPattern] = [
    path("agreements/new/", draft_agreement, name="draft_agreement"),
    path("agreements/<uuid:key>/change/", change_agreement, name="change_agreement"),
]
