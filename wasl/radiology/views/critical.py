"""Critical results: who holds which, what was answered, the code on paper, and how many are answered in time."""

import datetime
from collections.abc import Iterator
from functools import reduce
from operator import add
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from wasl.kernel.errors import Invalid, NotAllowed, Refused
from wasl.kernel.http import Request, csv_table
from wasl.patients import queries as patients
from wasl.patients import services as patients_services
from wasl.places import queries as places
from wasl.radiology import queries, services
from wasl.radiology.queries import Obligation
from wasl.radiology.rules import results as rules
from wasl.radiology.views.readings import CATEGORIES

SHOWN = 100
How = Obligation.How


def _clock() -> forms.DateTimeInput:
    return forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")


class Told(forms.Form):
    """Who was told, how, when, what, and that it was read back."""

    receiver = forms.ChoiceField(label=_("Whom I told"))
    how = forms.ChoiceField(
        label=_("How"), choices=[(how.value, how.label) for how in (How.PHONE, How.PERSON, How.MESSAGE)]
    )
    at = forms.DateTimeField(label=_("When"), widget=_clock())
    said = forms.CharField(
        label=_("What I said"), max_length=300, widget=forms.Textarea(attrs={"rows": 2, "dir": "auto"})
    )
    read_back = forms.BooleanField(
        label=_("They read it back to me, and it was right"), widget=forms.CheckboxInput(), required=False
    )

    def __init__(self, data: QueryDict | None, obligation: Obligation, receivers: list[tuple[str, str]]) -> None:
        super().__init__(data, initial={"at": timezone.localtime(), "said": obligation.what})
        self.fields["receiver"].choices = receivers  # type: ignore[attr-defined]


class Paper(forms.Form):
    """What stands on the paper."""

    code = forms.CharField(
        label=_("Code"), max_length=30,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false",
                                      "dir": "ltr", "class": "code"}),
    )  # fmt: skip
    at = forms.DateTimeField(label=_("Time written on the paper"), widget=_clock())


def owed(request: Request) -> HttpResponse:
    """The open critical results that the viewer, or the department that the viewer heads, signed; and those held."""
    if not rules.READERS & request.actor.roles:
        raise NotAllowed
    rows = list(queries.owed(viewer=request.actor)[:SHOWN])
    names = patients.identities_of([row.report.reading.patient_id for row in rows], viewer=request.actor)
    now = timezone.now()
    lines = [
        {
            "owed": row,
            "report": row.report,
            "patient": names.get(row.report.reading.patient_id),
            "category": CATEGORIES[row.category],
            "late": row.due_at < now,
            "left": abs((row.due_at - now).total_seconds()),
            "mine": row.holder_id == request.actor.id,
        }
        for row in rows
    ]
    fragment = request.htmx and request.htmx.target == "owed"
    return render(request, "radiology/_owed.html" if fragment else "radiology/owed.html", {"lines": lines})


def critical_result(request: Request, key: UUID) -> HttpResponse:
    """One critical result: who holds it and held it, what was answered, and what the viewer may do about it."""
    return _page(request, key)


def _page(request: Request, key: UUID, *, told: Told | None = None, refusal: Refused | None = None) -> HttpResponse:
    row = queries.owed_result(key, viewer=request.actor)
    report, now = row.report, timezone.now()
    _log(request, row, "radiology.critical_result")
    receivers = queries.receivers(report, viewer=request.actor)
    answers, tells = queries.may_answer(row, viewer=request.actor), queries.may_tell(row, viewer=request.actor)
    others = [(str(person), name) for person, name in receivers.items()]
    waits = row.acknowledged_at is None
    context = {
        "owed": row,
        "report": report,
        "patient": patients.patient(report.reading.patient_id, viewer=request.actor),
        "readable": patients.ground(report.reading.patient_id, viewer=request.actor) is not None,
        "category": CATEGORIES[row.category],
        "late": row.due_at < now,
        "left": abs((row.due_at - now).total_seconds()),
        "handings": queries.handings_of([row.id], viewer=request.actor).get(row.id, []),
        "may_answer": waits and answers,
        "told": (told or Told(None, row, others)) if waits and tells else None,
        "others": [pair for pair in others if pair[0] != str(row.holder_id)] if waits and _holds(request, row) else [],
        "code": rules.printed(row.code) if waits and row.code and (tells or _holds(request, row)) else "",
        "refusal": refusal,
    }
    status = refusal.http if refusal else 422 if told and told.errors else 200
    return render(request, "radiology/critical_result.html", context, status=status)


def _log(request: Request, row: Obligation, what: str) -> None:
    """Write the access; who tells or is told of a critical result cares for the patient."""
    patient = row.report.reading.patient_id
    ground = patients.ground(patient, viewer=request.actor) or "care"
    patients_services.log_access(patient, what=what, ground=ground, by=request.actor, subject=row.report_id)


def _holds(request: Request, row: Obligation) -> bool:
    return row.holder_id == request.actor.id


@require_POST
def record_communication(request: Request, key: UUID) -> HttpResponse:
    """Write down that one told the result to a named doctor, and how."""
    row = queries.owed_result(key, viewer=request.actor)
    receivers = queries.receivers(row.report, viewer=request.actor)
    form = Told(request.POST, row, [(str(person), name) for person, name in receivers.items()])
    if not form.is_valid():
        return _page(request, key, told=form)
    asked = form.cleaned_data
    try:
        services.record_communication(
            key, receiver=UUID(asked["receiver"]), how=asked["how"], at=asked["at"], said=asked["said"],
            read_back=asked["read_back"], by=request.actor,
        )  # fmt: skip
    except NotAllowed:
        raise
    except Refused as refusal:
        return _page(request, key, told=form, refusal=refusal)
    messages.success(request, gettext("It is written down: this result is answered."))
    return redirect("radiology:critical_result", key)


@require_POST
def hand_over_result(request: Request, key: UUID) -> HttpResponse:
    """Hand a result that one holds over to a doctor of the hospital that asked."""
    queries.owed_result(key, viewer=request.actor)
    try:
        to = UUID(request.POST.get("to", ""))
    except ValueError as error:
        raise Invalid from error
    try:
        services.hand_over_result(key, to=to, by=request.actor)
    except NotAllowed:
        raise
    except Refused as refusal:
        return _page(request, key, refusal=refusal)
    messages.success(request, gettext("Handed over. The time goes on as before."))
    return redirect("radiology:results")


def notice(request: Request, key: UUID) -> HttpResponse:
    """The notice to print: what was found, and the code to enter once the network is back."""
    row = queries.owed_result(key, viewer=request.actor)
    tells = queries.may_tell(row, viewer=request.actor)
    if row.code is None or row.acknowledged_at is not None or not (tells or _holds(request, row)):
        raise NotAllowed
    _log(request, row, "radiology.critical_notice")
    context = {
        "owed": row,
        "report": row.report,
        "patient": patients.patient(row.report.reading.patient_id, viewer=request.actor),
        "category": CATEGORIES[row.category],
        "code": rules.printed(row.code),
    }
    return render(request, "radiology/critical_notice.html", context)


def acknowledge_by_code(request: Request) -> HttpResponse:
    """Enter the code and the time that stand on paper, once the network is back."""
    if not rules.CLINICIANS & request.actor.roles:
        raise NotAllowed
    form = Paper(request.POST or None, initial={"at": timezone.localtime()})
    refusal = None
    if form.is_valid():
        try:
            asked = form.cleaned_data
            row = services.acknowledge_by_code(asked["code"], at=asked["at"], by=request.actor)
        except Refused as refused:
            refusal = refused
        else:
            if row is not None:
                messages.success(request, gettext("It is written down: this result is answered."))
                return redirect("radiology:critical_result", row.report_id)
            form.add_error("code", gettext("This is no code of a critical result of your hospital. Read it again."))
    status = refusal.http if refusal else 422 if form.errors else 200
    return render(request, "radiology/critical_code.html", {"form": form, "refusal": refusal}, status=status)


def _month(request: Request) -> datetime.date:
    """The first day of the month asked for, else of this one."""
    try:
        asked = datetime.date.fromisoformat(f"{request.GET.get('month', '')}-01")
    except ValueError:
        return timezone.localdate().replace(day=1)
    return asked if 2000 <= asked.year <= 2999 else timezone.localdate().replace(day=1)


def _closures(request: Request) -> tuple[datetime.date, datetime.date, list[tuple[str, queries.Closure]]]:
    """The first and the last day of the month, and its lines by hospital, the whole last where there are several."""
    first = _month(request)
    last = (first + datetime.timedelta(days=32)).replace(day=1) - datetime.timedelta(days=1)
    titles = {place.id: place.name for place in places.places(viewer=request.actor)}
    found = queries.closures(since=first, until=last, viewer=request.actor)
    lines = sorted(((titles.get(row.place, ""), row) for row in found), key=lambda line: (line[0], line[1].category))
    if len({row.place for row in found}) > 1:
        whole = gettext("All hospitals")
        lines += [
            (whole, reduce(add, part)) for n in CATEGORIES if (part := [row for row in found if row.category == n])
        ]
    return first, last, lines


def closures(request: Request) -> HttpResponse:
    """How many critical results of a month were answered in time, by hospital and category."""
    first, last, lines = _closures(request)
    context = {
        "month": first,
        "before": first - datetime.timedelta(days=1),
        "after": last + datetime.timedelta(days=1) if last < timezone.localdate() else None,
        "lines": [(title, CATEGORIES[row.category], row) for title, row in lines],
    }
    return render(request, "radiology/closures.html", context)


def closures_csv(request: Request) -> HttpResponseBase:
    """The same as CSV."""
    first, _last, lines = _closures(request)
    return csv_table([list(row) for row in _table(first, lines)], name="wasl")


def _table(month: datetime.date, lines: list[tuple[str, queries.Closure]]) -> Iterator[tuple[object, ...]]:
    yield (
        gettext("Month"), gettext("Hospital"), gettext("Category"), gettext("Raised"), gettext("Answered in time"),
        gettext("Due"), gettext("Answered late"), gettext("Unanswered"), "%",
    )  # fmt: skip
    for title, row in lines:
        rate = "" if row.rate is None else round(row.rate, 1)
        yield f"{month:%Y-%m}", title, row.category, row.raised, row.in_time, row.due, row.late, row.open, rate


urlpatterns: list[URLPattern] = [
    path("results/owed/", owed, name="owed"),
    path("results/code/", acknowledge_by_code, name="acknowledge_by_code"),
    path("results/<uuid:key>/", critical_result, name="critical_result"),
    path("results/<uuid:key>/told/", record_communication, name="record_communication"),
    path("results/<uuid:key>/hand-over/", hand_over_result, name="hand_over_result"),
    path("results/<uuid:key>/notice/", notice, name="critical_notice"),
    path("service/critical/", closures, name="closures"),
    path("service/critical.csv", closures_csv, name="closures_csv"),
]
