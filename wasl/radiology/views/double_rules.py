"""The rules of double reading for those who answer for readers: what is read twice, and what that brings."""

from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from wasl.kernel.errors import NotAllowed, NotFound, Refused
from wasl.kernel.http import Request
from wasl.kernel.verbs import allowed
from wasl.places import queries as places
from wasl.radiology import queries, services
from wasl.radiology.queries import DoubleRule
from wasl.radiology.rules import double as rules
from wasl.radiology.views.ordering import URGENCIES
from wasl.radiology.views.vetting_rules import Exams


class Rule(Exams):
    """Which signed reports are read a second time, from a day on."""

    name = forms.CharField(label=_("Name of the rule"), max_length=80, widget=forms.TextInput({"dir": "auto"}))
    centre = forms.ChoiceField(label=_("Readers of"), required=False)
    urgencies = forms.MultipleChoiceField(
        label=_("Urgency"), choices=URGENCIES, required=False,
        widget=forms.CheckboxSelectMultiple({"class": "form-check-input"}),
        help_text=_("None chosen: all."),
    )  # fmt: skip
    night_from = forms.IntegerField(label=_("Signed from this hour on"), min_value=0, max_value=23, required=False)
    night_until = forms.IntegerField(
        label=_("and before this hour"), min_value=0, max_value=23, required=False,
        help_text=_("Local hours, over midnight too: 22 and 6."),
    )  # fmt: skip
    duty_hours = forms.IntegerField(
        label=_("Signed after so many hours on duty"), min_value=1, max_value=rules.LONGEST_DUTY, required=False
    )
    first_reports = forms.IntegerField(
        label=_("The first so many reports of a reader"), min_value=1, max_value=rules.MOST_REPORTS, required=False,
        help_text=_("In the modality of the exam."),
    )  # fmt: skip
    one_in = forms.IntegerField(
        label=_("Of those, one in"),
        min_value=1,
        max_value=rules.MOST_ONE_IN,
        initial=1,
        help_text=_("1 is every one. Which ones is told by the signature: nobody can know before."),
    )
    within = forms.IntegerField(
        label=_("Hours until it is read again"), min_value=1, max_value=rules.MOST_HOURS, initial=24
    )
    since = forms.DateField(
        label=_("Holds from"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )  # fmt: skip
    field_order = ("name", "centre", "exam")

    def __init__(self, data: object, request: Request) -> None:
        super().__init__(data, request)
        exam, centre = self.fields["exam"], self.fields["centre"]
        exam.required = False
        exam.choices = [("", gettext("any exam")), *exam.choices]  # type: ignore[attr-defined]
        at = queries.ruled_centres(viewer=request.actor)
        rows = [(str(row.id), row.name) for row in places.places(viewer=request.actor) if at is None or row.id in at]
        centre.choices = [("", gettext("the whole country")), *rows] if at is None else rows  # type: ignore[attr-defined]
        self.fields["since"].initial = timezone.localdate()

    @property
    def asked(self) -> rules.Asked:
        """What the rule asks for; half a night is none that can be."""
        given, named = self.cleaned_data, self.named
        begins, ends = given["night_from"], given["night_until"]
        night = None if begins is None and ends is None else (
            -1 if begins is None else begins, -1 if ends is None else ends
        )  # fmt: skip
        return rules.Asked(
            modality=str(named["modality"]), procedure=named["procedure"],  # type: ignore[arg-type]
            urgencies=tuple(given["urgencies"]), night=night, duty_hours=given["duty_hours"],
            first_reports=given["first_reports"], one_in=given["one_in"], within=given["within"],
        )  # fmt: skip


def double_rules(request: Request) -> HttpResponse:
    """Which reports are read twice, by rule, and what each rule brought."""
    return _rules(request)


def _rules(request: Request, form: Rule | None = None) -> HttpResponse:
    viewer = request.actor
    if not rules.SEES_RULES & viewer.roles:
        raise NotAllowed
    at, today = queries.ruled_centres(viewer=viewer), timezone.localdate()
    lines = [
        {"it": one, "words": _in_words(one.rule), "now": one.rule.period.upper is None or one.rule.period.upper > today,
         "ends": one.rule.period.upper is None and (at is None or one.rule.centre_id in at)}
        for one in queries.double_yields(viewer=viewer)
    ]  # fmt: skip
    context = {"lines": lines, "fewest": rules.FEWEST, "form": form or Rule(None, request)}
    return render(request, "radiology/double_rules.html", context, status=422 if form else 200)


def _in_words(rule: DoubleRule) -> list[str]:
    """What a rule asks for, one condition after the other."""
    urgencies = dict(URGENCIES)
    said = [rule.procedure.name if rule.procedure else rule.modality or gettext("any exam")]
    if rule.urgencies:
        said.append(" · ".join(str(urgencies[one]) for one in rule.urgencies))
    if rule.night_from is not None:
        said.append(
            gettext("signed from {begins}:00 to {ends}:00").format(begins=rule.night_from, ends=rule.night_until)
        )
    if rule.duty_hours:
        said.append(gettext("after {hours} h on duty").format(hours=rule.duty_hours))
    if rule.first_reports:
        said.append(gettext("the first {number} reports of a reader").format(number=rule.first_reports))
    if rule.one_in > 1:
        said.append(gettext("one in {number}").format(number=rule.one_in))
    said.append(gettext("read again within {hours} h").format(hours=rule.within))
    return said


@require_POST
def set_double_rule(request: Request) -> HttpResponse:
    """Set which reports are read twice from a date on."""
    if not allowed("radiology.set_double_rule", request.actor):
        raise NotAllowed
    form = Rule(request.POST, request)
    if form.is_valid():
        given = form.cleaned_data
        centre = UUID(given["centre"]) if given["centre"] else None
        try:
            services.set_double_rule(given["name"], form.asked, centre=centre, since=given["since"], by=request.actor)
        except (NotAllowed, NotFound):
            raise
        except Refused as refusal:
            form.add_error(None, refusal.sentence)
        else:
            messages.success(request, gettext("The rule was set."))
            return redirect("radiology:double_rules")
    return _rules(request, form)


@require_POST
def end_double_rule(request: Request, key: UUID) -> HttpResponse:
    """End a rule with this day."""
    services.end_double_rule(key, by=request.actor)
    messages.success(request, gettext("The rule ends with this day. What it asked for is still read."))
    return redirect("radiology:double_rules")


urlpatterns: list[URLPattern] = [
    path("double/rules/", double_rules, name="double_rules"),
    path("double/rules/set/", set_double_rule, name="set_double_rule"),
    path("double/rules/<uuid:key>/end/", end_double_rule, name="end_double_rule"),
]
