"""Vetting as those see it who answer for it: which exams are vetted, how soon, by which protocols, and the rates."""

import datetime
from collections.abc import Callable
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext, pgettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from wasl.kernel.errors import NotAllowed, NotFound, Refused
from wasl.kernel.http import Request, csv_table
from wasl.kernel.verbs import allowed
from wasl.places import queries as places
from wasl.radiology import queries, services
from wasl.radiology.rules import agreements
from wasl.radiology.rules import vetting as rules
from wasl.radiology.views.ordering import URGENCIES

# figure -> its title, and whether it is of the exams vetted before, of all, and so on (queries.VettingRate.share)
FIGURES: dict[str, Promise] = {
    "accepted": pgettext_lazy("exams", "Accepted"),
    "changed": pgettext_lazy("exams", "Changed"),
    "refused": pgettext_lazy("exams", "Refused"),
    "in_time": pgettext_lazy("exams", "Vetted in time"),
    "without": pgettext_lazy("exams", "Gone on without"),
    "right": pgettext_lazy("exams", "Found right afterwards"),
}


def _day() -> forms.DateField:
    return forms.DateField(label=_("Holds from"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))


class Exams(forms.Form):
    """An exam of the catalogue, or every exam of a modality."""

    exam = forms.ChoiceField(label=_("Exam"))

    def __init__(self, data: object, request: Request) -> None:
        super().__init__(data)  # type: ignore[arg-type]
        rows = list(queries.procedures(viewer=request.actor))
        kinds = [(kind, gettext("{modality}: every exam").format(modality=kind)) for kind in _modalities(rows)]
        self.modality = {str(row.id): row.modality for row in rows}
        self.fields["exam"].choices = [*kinds, *((str(r.id), f"{r.modality} · {r.name}") for r in rows)]  # type: ignore[attr-defined]

    @property
    def named(self) -> dict[str, object]:
        """The modality, and the exam where one is named."""
        exam = self.cleaned_data["exam"]
        if exam in self.modality:
            return {"modality": self.modality[exam], "procedure": UUID(exam)}
        return {"modality": exam, "procedure": None}


def _modalities(rows: list[queries.Procedure]) -> list[str]:
    return sorted({row.modality for row in rows})


class Rule(Exams):
    """Which exams of a hospital are vetted, from a day on."""

    place = forms.ChoiceField(label=_("Hospital"))
    needed = forms.TypedChoiceField(
        label=_("Vetted before it is made"), choices=[("yes", _("yes")), ("no", _("no"))],
        coerce=lambda value: value == "yes",
    )  # fmt: skip
    since = _day()
    field_order = ("place", "exam", "needed", "since")

    def __init__(self, data: object, request: Request) -> None:
        super().__init__(data, request)
        at = queries.ruled_places(viewer=request.actor)
        rows = [row for row in places.places(viewer=request.actor) if at is None or row.id in at]
        self.fields["place"].choices = [(str(row.id), row.name) for row in rows]  # type: ignore[attr-defined]
        self.fields["since"].initial = timezone.localdate()


class Target(forms.Form):
    """In how many minutes a class is vetted, from a day on."""

    urgency = forms.ChoiceField(label=_("Urgency"), choices=URGENCIES)
    minutes = forms.IntegerField(label=_("Minutes"), min_value=1, max_value=rules.MOST_MINUTES)
    since = _day()


class Catalogued(Exams):
    """A protocol of the catalogue."""

    code = forms.CharField(label=_("Code"), max_length=16)
    name_ar = forms.CharField(label=_("Name in Arabic"), max_length=120, widget=forms.TextInput(attrs={"dir": "auto"}))
    name_fr = forms.CharField(label=_("Name in French"), max_length=120, widget=forms.TextInput(attrs={"dir": "auto"}))
    name_en = forms.CharField(label=_("Name in English"), max_length=120, widget=forms.TextInput(attrs={"dir": "auto"}))


def vetting_rules(request: Request) -> HttpResponse:
    """Which exams are vetted, how soon, and by which protocols."""
    return _page(request)


def _page(request: Request, **given: forms.Form) -> HttpResponse:
    viewer = request.actor
    if not {*agreements.BINDING, *rules.CAN["add_protocol"]} & viewer.roles:
        raise NotAllowed
    made: dict[str, Callable[[], forms.Form]] = {
        "set_vetting_rule": lambda: Rule(None, request),
        "set_vetting_target": lambda: Target(initial={"since": timezone.localdate()}),
        "add_protocol": lambda: Catalogued(None, request),
    }
    context = {
        "rules": queries.vetting_rules(viewer=viewer), "targets": queries.vetting_targets(viewer=viewer),
        "protocols": queries.protocols(viewer=viewer),
        **{verb: given.get(verb) or form() for verb, form in made.items() if _may(verb, request)},
    }  # fmt: skip
    return render(request, "radiology/vetting_rules.html", context, status=422 if given else 200)


def _may(verb: str, request: Request) -> bool:
    """Whether the viewer is shown the form of a verb: rules are a hospital's, targets and protocols the country's."""
    if not allowed(f"radiology.{verb}", request.actor):
        return False
    return verb == "set_vetting_rule" or any(held.place is None for held in request.actor.held)


@require_POST
def set_vetting_rule(request: Request) -> HttpResponse:
    """Write which exams of a hospital are vetted."""
    _require("set_vetting_rule", request)
    form = Rule(request.POST, request)

    def act() -> None:
        about = {name: form.cleaned_data[name] for name in ("needed", "since")}
        services.set_vetting_rule(UUID(form.cleaned_data["place"]), **form.named, **about, by=request.actor)  # type: ignore[arg-type]

    return _done(request, "set_vetting_rule", form, act)


@require_POST
def set_vetting_target(request: Request) -> HttpResponse:
    """Write in how many minutes a class is vetted."""
    _require("set_vetting_target", request)
    form = Target(request.POST)
    return _done(
        request, "set_vetting_target", form, lambda: services.set_vetting_target(**form.cleaned_data, by=request.actor)
    )


@require_POST
def add_protocol(request: Request) -> HttpResponse:
    """Enter a protocol in the catalogue."""
    _require("add_protocol", request)
    form = Catalogued(request.POST, request)

    def act() -> None:
        names = tuple(form.cleaned_data[f"name_{language}"] for language in ("ar", "fr", "en"))
        services.add_protocol(code=form.cleaned_data["code"], names=names, **form.named, by=request.actor)  # type: ignore[arg-type]

    return _done(request, "add_protocol", form, act)


def _require(verb: str, request: Request) -> None:
    if not _may(verb, request):
        raise NotAllowed


def _done(request: Request, verb: str, form: forms.Form, act: Callable[[], object]) -> HttpResponse:
    if not form.is_valid():
        return _page(request, **{verb: form})
    try:
        act()
    except (NotAllowed, NotFound):
        raise
    except Refused as refusal:
        form.add_error(None, refusal.sentence)
        return _page(request, **{verb: form})
    messages.success(request, gettext("It was written down."))
    return redirect("radiology:vetting_rules")


def vetting_rates(request: Request) -> HttpResponse:
    """How many exams of a month were accepted, changed, refused or went on without, by hospital."""
    first, last, rates = _rates(request)
    context = {
        "month": first, "before": first - datetime.timedelta(days=1),
        "after": last + datetime.timedelta(days=1) if last < timezone.localdate() else None,
        "figures": list(FIGURES.values()), "fewest": rules.FEWEST,
        "lines": [(rate, [(title, rate.share(name)) for name, title in FIGURES.items()]) for rate in rates],
    }  # fmt: skip
    return render(request, "radiology/vetting_rates.html", context)


def vetting_rates_csv(request: Request) -> HttpResponseBase:
    """The same as a table: each figure with its number and what it is a share of, empty where there are too few."""
    first, _last, rates = _rates(request)
    titles = [str(title) for title in FIGURES.values()]
    head: list[object] = [
        gettext("Month"),
        gettext("Hospital"),
        *(cell for title in titles for cell in (title, gettext("of"))),
    ]
    rows: list[list[object]] = [head]
    for rate in rates:
        shares = [rate.share(name) for name in FIGURES]
        cells = (cell for share in shares for cell in ((share.number, share.of) if share.told else ("", "")))
        rows.append([f"{first:%Y-%m}", rate.place, *cells])
    return csv_table(rows, name=pgettext("file", "vetting"))


def _rates(request: Request) -> tuple[datetime.date, datetime.date, list[queries.VettingRate]]:
    if not rules.SEES_RATES & request.actor.roles:
        raise NotAllowed
    try:
        first = datetime.date.fromisoformat(f"{request.GET.get('month', '')}-01")
    except ValueError:
        first = timezone.localdate().replace(day=1)
    last = (first + datetime.timedelta(days=31)).replace(day=1) - datetime.timedelta(days=1)
    return first, last, queries.vetting_rates(first, last, viewer=request.actor)


urlpatterns: list[URLPattern] = [
    path("vetting/rules/", vetting_rules, name="vetting_rules"),
    path("vetting/rules/exams/", set_vetting_rule, name="set_vetting_rule"),
    path("vetting/rules/targets/", set_vetting_target, name="set_vetting_target"),
    path("vetting/rules/protocols/", add_protocol, name="add_protocol"),
    path("vetting/rates/", vetting_rates, name="vetting_rates"),
    path("vetting/rates.csv", vetting_rates_csv, name="vetting_rates_csv"),
]
