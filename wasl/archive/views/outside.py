"""A patient's earlier exams in outside archives: asked for on a ground, and brought here while one looks on."""

import datetime
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from wasl.archive import queries, services
from wasl.kernel.errors import NotAllowed, Refused
from wasl.kernel.http import Request
from wasl.kernel.verbs import allowed
from wasl.patients import queries as patients

QUESTIONS = 5  # of one patient, shown at once


class AskForm(forms.Form):
    """Which archive is asked, and for whom."""

    source = forms.ChoiceField(label=_("Archive"))
    number = forms.CharField(label=_("Number there"), max_length=64, required=False)
    name = forms.CharField(
        label=_("Name there"), max_length=64, required=False, help_text=_("As it begins, in the letters used there.")
    )
    born = forms.DateField(
        label=_("Birth date"), required=False, widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
    )

    def __init__(self, data: QueryDict | None, initial: dict[str, object], archives: list[tuple[str, str]]) -> None:
        super().__init__(data, initial=initial)
        self.fields["source"].choices = archives  # type: ignore[attr-defined]
        for field in self.fields.values():
            select = isinstance(field.widget, forms.Select)
            field.widget.attrs["class"] = "form-select" if select else "form-control"

    def keys(self) -> dict[str, str]:
        """What is asked, in DICOM's words."""
        said = self.cleaned_data
        born: datetime.date | None = said["born"]
        keys = {
            "PatientID": said["number"],
            "PatientName": said["name"],
            "PatientBirthDate": f"{born:%Y%m%d}" if born else "",
        }
        return {keyword: value for keyword, value in keys.items() if value}


@require_http_methods(["GET", "HEAD", "POST"])
def outside(request: Request, key: UUID) -> HttpResponse:
    """The questions asked about a patient with what was found, and a form for one more."""
    if not allowed("archive.ask_for_studies", request.actor):
        raise NotAllowed
    patients.require_ground(key, viewer=request.actor)
    person = patients.patient(key, viewer=request.actor)
    archives = [(str(row.id), f"{row.name}, {row.place.name}") for row in queries.archives(viewer=request.actor)]
    numbers = [row.value for row in patients.numbers_of(key, viewer=request.actor) if row.kind == "local"]
    initial: dict[str, object] = {
        "number": numbers[0] if numbers else "", "name": person.family_name, "born": person.birth_date
    }  # fmt: skip
    form = AskForm(request.POST or None, initial, archives)
    if request.method == "POST" and form.is_valid() and _ask(form, key, request):
        return redirect("archive:outside", key)
    context = {"patient": person, "form": form, "archives": archives, **_answers(request, key)}
    return render(request, "archive/outside.html", context)


@require_GET
def outside_answers(request: Request, key: UUID) -> HttpResponse:
    """What was found, again: it asks for itself while something is on its way."""
    if not allowed("archive.ask_for_studies", request.actor):
        raise NotAllowed
    patients.require_ground(key, viewer=request.actor)
    return render(request, "archive/_outside.html", _answers(request, key))


@require_POST
def bring(request: Request, key: UUID, inquiry: UUID) -> HttpResponse:
    """Have one exam brought."""
    services.bring_studies(inquiry, uids=request.POST.getlist("study"), by=request.actor)
    messages.success(request, gettext("The images are being brought."))
    return redirect(f"{reverse('archive:outside', args=[key])}#answers")


def _ask(form: AskForm, key: UUID, request: Request) -> bool:
    try:
        services.ask_for_studies(UUID(form.cleaned_data["source"]), patient=key, keys=form.keys(), by=request.actor)
    except NotAllowed:
        raise
    except Refused as refusal:
        form.add_error(None, refusal.sentence)
        return False
    return True


def _answers(request: Request, key: UUID) -> dict[str, object]:
    asked = list(queries.inquiries(key, viewer=request.actor)[:QUESTIONS])
    answers = [(one, [_row(o) for o in queries.offers(one.id, viewer=request.actor)]) for one in asked]
    waiting = any(one.answered_at is None or any(row["coming"] for row in rows) for one, rows in answers)
    return {"answers": answers, "waiting": waiting, "patient_key": key}


def _row(offer: queries.Offer) -> dict[str, object]:
    """An exam as it is shown: names parted by script, days as dates."""
    about = offer.about
    return {
        **about, "names": [group.replace("^", " ").strip() for group in about["name"].split("=")],
        "day": _day(about["date"]), "birth": _day(about["born"]), "here": offer.here, "coming": offer.coming,
        "failed": offer.failed,
    }  # fmt: skip


def _day(text: str) -> datetime.date | None:
    try:
        return datetime.datetime.strptime(text, "%Y%m%d").date()  # noqa: DTZ007  a day
    except ValueError:
        return None


urlpatterns = [
    path("outside/<uuid:key>/", outside, name="outside"),
    path("outside/<uuid:key>/answers/", outside_answers, name="outside_answers"),
    path("outside/<uuid:key>/bring/<uuid:inquiry>/", bring, name="bring_studies"),
]
