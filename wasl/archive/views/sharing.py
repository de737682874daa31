"""A study shared outside: for whom and until when, the link and the code shown once, who opened it, and its end."""

from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext_lazy, pgettext_lazy
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST

from wasl.accounts import queries as accounts
from wasl.archive import queries, services
from wasl.archive.queries import Study
from wasl.archive.rules import sharing as rules
from wasl.kernel.errors import Invalid, NotAllowed, Refused
from wasl.kernel.http import Request
from wasl.kernel.verbs import allowed
from wasl.patients import queries as patients
from wasl.patients import services as patients_services

DAYS = (1, 3, 7, 14, 30, 90)  # that are offered, as far as the setting lets them
USES: dict[str, str | Promise] = {
    "opened": pgettext_lazy("share", "opened"),
    "refused": pgettext_lazy("share", "wrong code"),
    "images": pgettext_lazy("share", "images taken away"),
    "report": pgettext_lazy("share", "report opened"),
}


class ShareForm(forms.Form):
    """For whom, why, until when, and with what."""

    recipient = forms.CharField(label=_("For whom"), max_length=80, widget=forms.TextInput(attrs={"dir": "auto"}))
    institution = forms.CharField(label=_("Institution"), max_length=100, widget=forms.TextInput(attrs={"dir": "auto"}))
    address = forms.CharField(
        label=_("Where the link is sent"), max_length=200, required=False,
        widget=forms.TextInput(attrs={"dir": "auto", "autocomplete": "off"}),
        help_text=_("An e-mail address or a telephone number, to remember it: Wasl sends nothing there."),
    )  # fmt: skip
    because = forms.CharField(label=_("Why"), max_length=300, widget=forms.TextInput(attrs={"dir": "auto"}))
    hours = forms.TypedChoiceField(label=_("For how long"), coerce=int, initial=rules.HOURS)
    with_report = forms.BooleanField(label=_("With the signed report"), required=False)

    def __init__(self, data: object = None) -> None:
        super().__init__(data)  # type: ignore[arg-type]
        days = [day for day in DAYS if day <= settings.SHARE_DAYS] or [settings.SHARE_DAYS]
        words = ngettext_lazy("{days} day", "{days} days", "days")
        self.fields["hours"].choices = [(day * 24, words.format(days=day)) for day in days]  # type: ignore[attr-defined]


@require_http_methods(["GET", "HEAD", "POST"])
def share(request: Request, key: UUID) -> HttpResponse:
    """The shares of a study and a form for one more; a new one's link and code are shown this once."""
    if not allowed("archive.share_study", request.actor):
        raise NotAllowed
    study = queries.study(key, viewer=request.actor)
    form = ShareForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = services.share_study(key, **form.cleaned_data, by=request.actor)
        except Invalid as refusal:
            form.add_error(None, refusal.sentence)
        else:
            address = f"{settings.ADDRESS}/shared/{made.token}/"
            context = {"study": study, "share": made.share, "address": address, "code": made.code}
            return render(request, "archive/share_made.html", context)
    return render(request, "archive/share.html", _context(request, study, form))


def _context(request: Request, study: Study, form: ShareForm) -> dict[str, object]:
    """What the page shows; that the study was looked at is written down."""
    rows = queries.shares_of(study.id, viewer=request.actor)
    if study.patient_id:
        ground = queries.ground(study.id, viewer=request.actor) or "place"
        patients_services.log_access(
            study.patient_id, what="archive.shares", ground=ground, by=request.actor, subject=study.id
        )
    uses = queries.uses_of([row.id for row in rows], viewer=request.actor)
    keys = {row.id: UUID(row.shared_by.partition(":")[2]) for row in rows if row.shared_by.startswith("person:")}
    names = accounts.names(keys.values(), viewer=request.actor)
    named = {key: names.get(person, "") for key, person in keys.items()}
    people = patients.identities_of({study.patient_id}, viewer=request.actor) if study.patient_id else {}
    return {
        "study": study,
        "patient": next(iter(people.values()), None),
        "form": form,
        "rows": [
            (row, named.get(row.id, "Wasl"), [(use.at, USES[use.what]) for use in uses.get(row.id, ())]) for row in rows
        ],
    }


@require_POST
def withdraw(request: Request, key: UUID) -> HttpResponse:
    """End a share at once."""
    study = queries.share(key, viewer=request.actor).study_id
    try:
        services.withdraw_share(key, by=request.actor)
        messages.success(request, gettext("The link opens nothing any more."))
    except NotAllowed:
        raise
    except Refused as refusal:
        messages.error(request, refusal.sentence)
    return redirect("archive:share_study", study)


urlpatterns = [
    path("<uuid:key>/share/", share, name="share_study"),
    path("shares/<uuid:key>/withdraw/", withdraw, name="withdraw_share"),
]
