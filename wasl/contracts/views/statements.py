"""The pages of statements: what each month comes to, confirmed and disputed; nothing here leads to a patient."""

import datetime
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from django import forms
from django.conf import settings
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import get_language, gettext, pgettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from wasl.contracts import queries, services
from wasl.contracts.queries import Dispute, Statement, StatementLine
from wasl.contracts.rules import statements as rules
from wasl.contracts.views.acts import kind_of
from wasl.contracts.views.sessions import SEES
from wasl.kernel.access import Actor, Held
from wasl.kernel.errors import NotAllowed, Refused
from wasl.kernel.http import Listing, Request, csv_table
from wasl.kernel.verbs import allowed
from wasl.places import queries as places

STAGES = {
    "reader": (pgettext_lazy("statement", "closed"), "blue"),
    "waiting": (_("to be confirmed"), "azure"),
    "disputed": (_("disputed"), "orange"),
    "agreed": (_("confirmed by both"), "green"),
}
LINE_COLOURS = {"paid": "green", "reversed": "red", "open": "azure", "refused": "secondary"}
DISPUTABLE = (StatementLine.State.PAID, StatementLine.State.OPEN)


class Rule(forms.Form):
    """When a month is closed by itself, from a day on."""

    since = forms.DateField(label=_("Holds from"), widget=forms.DateInput(attrs={"type": "date"}))
    days = forms.IntegerField(label=_("Days after the end of the month"), min_value=1, max_value=rules.MOST_DAYS)
    source = forms.CharField(label=_("Text or decision"), max_length=200)


@dataclass(frozen=True)
class Side:
    """One of the two hospitals of a statement: who confirmed for it, and whether the viewer speaks for it."""

    name: str
    title: str
    place: str
    by: str
    at: datetime.datetime | None
    mine: bool


def statements(request: Request) -> HttpResponse:
    """What waits for the viewer, the months that may be closed, and every statement."""
    return _page(request, None)


def _page(request: Request, refusal: Refused | None) -> HttpResponse:
    if not SEES & request.actor.roles:
        raise NotAllowed
    viewer = request.actor
    due = queries.months_to_close(viewer=viewer) if allowed("contracts.close_month", viewer) else []
    names = {one.id: one.name for one in places.places(viewer=viewer, ids={one.provider for one in due})}
    listing = Listing(
        request, queries.statements(viewer=viewer), sorts=("-closing__month", "closing__month", "-amount")
    )
    context = {
        "listing": listing, "refusal": refusal,
        "rows": [(row, STAGES[row.stage]) for row in listing.page],  # type: ignore[attr-defined]
        "waiting": [(row, STAGES[row.stage]) for row in _waiting(viewer)],  # type: ignore[attr-defined]
        "due": [(one, names[one.provider]) for one in due],
        "days": queries.closing_days(timezone.localdate(), viewer=viewer),
        "sets": allowed("contracts.set_closing_rule", viewer),
    }  # fmt: skip
    return render(request, "contracts/statements.html", context, status=refusal.http if refusal else 200)


def _waiting(viewer: Actor) -> list[Statement]:
    return list(queries.statements_waiting(viewer=viewer).order_by("closing__month", "id")[:50])


def set_rule(request: Request) -> HttpResponse:
    """Write when a month is closed by itself; what held before stays known."""
    if not allowed("contracts.set_closing_rule", request.actor):
        raise NotAllowed
    rule = queries.closing_rule(timezone.localdate(), viewer=request.actor)
    form = Rule(request.POST or None, initial={"days": rule.days, "source": rule.source} if rule else {})
    if request.method == "POST" and form.is_valid():
        try:
            services.set_closing_rule(**form.cleaned_data, by=request.actor)
        except Refused as refusal:
            form.add_error(None, refusal.sentence)
        else:
            return redirect("contracts:statements")
    context = {"form": form, "rule": rule, "house": rules.HOUSE_DAYS}
    return render(request, "contracts/closing_rule.html", context, status=422 if form.errors else 200)


@require_POST
def close(request: Request, key: UUID) -> HttpResponse:
    """Close a month of a provider."""
    if not allowed("contracts.close_month", request.actor):
        raise NotAllowed
    try:
        month = datetime.date.fromisoformat(request.POST.get("month", ""))
        services.close_month(key, month=month.replace(day=1), by=request.actor)
    except ValueError:
        return _page(request, rules.NothingToClose())
    except Refused as refusal:
        if refusal.http in (403, 404):
            raise
        return _page(request, refusal)
    return redirect("contracts:statements")


def statement(request: Request, key: UUID) -> HttpResponse:
    """One statement, to be read line by line, and what the viewer may do with it."""
    return _statement(request, key, None)


def _statement(request: Request, key: UUID, refusal: Refused | None) -> HttpResponse:
    found = queries.statement(key, viewer=request.actor)
    lines = queries.lines_of(found, viewer=request.actor)
    counts = queries.compared(found, viewer=request.actor) if found.beneficiary_id else None
    disputes = list(queries.disputes_of(found, viewer=request.actor))
    sides = _sides(found, request.actor)
    speaks = [side for side in sides if side.mine] if not (found.provider_by_id and found.beneficiary_by_id) else []
    disputed = {one.reading for one in disputes}
    listing = Listing(request, lines, sorts=("number", "-number", "-amount"), size=50)
    differ = list(lines.filter(act__reading__in=counts.only_given, month=found.closing.month)) if counts else []
    context = {
        "statement": found, "state": STAGES[found.stage], "refusal": refusal,  # type: ignore[attr-defined]
        "sides": sides, "speaks": speaks, "counts": counts, "disputed": disputed, "listing": listing,
        "rows": [(line, LINE_COLOURS[line.state], counts is not None and line.act.reading in counts.received)
                 for line in listing.page],
        "disputable": DISPUTABLE, "differ": differ,
        "disputes": [(one, _may(one, sides, request.actor)) for one in disputes],
        "printed": found.papers.exists(),
        "invented": lines.filter(entry__fee__price__scale__invented=True).exists(),
    }  # fmt: skip
    return render(request, "contracts/statement.html", context, status=refusal.http if refusal else 200)


def _sides(found: Statement, viewer: Actor) -> list[Side]:
    if found.beneficiary is None:
        return []
    titles = {"provider": gettext("Provider"), "beneficiary": gettext("Beneficiary")}
    hospitals = {"provider": found.closing.provider, "beneficiary": found.beneficiary}
    return [
        Side(name, title, hospitals[name].name, str(getattr(found, f"{name}_by") or ""), getattr(found, f"{name}_at"),
             rules.binds(hospitals[name].id, viewer))
        for name, title in titles.items()
    ]  # fmt: skip


def _may(dispute: Dispute, sides: list[Side], viewer: Actor) -> str:
    """What the viewer may do of a dispute: answer it, settle it, or nothing."""
    if dispute.state == Dispute.State.OPEN and viewer.id != dispute.opened_by_id:
        return "answer" if any(side.mine for side in sides if side.name != dispute.side) else ""
    took_part = viewer.id in (dispute.opened_by_id, dispute.answered_by_id)
    ministry = Held("planner", None) in viewer.held
    return "settle" if dispute.state == Dispute.State.KEPT and ministry and not took_part else ""


def _decide(act: Callable[[Request, UUID], UUID]) -> Callable[[Request, UUID], HttpResponse]:
    """A decision on a statement, and its page again; a refusal is said on it."""

    @require_POST
    def decided(request: Request, key: UUID) -> HttpResponse:
        try:
            return redirect("contracts:statement", act(request, key))
        except Refused as refusal:
            if refusal.http in (403, 404):
                raise
            return _statement(request, _of(request, key), refusal)

    return decided


def _of(request: Request, key: UUID) -> UUID:
    """The statement that a key names, its own or that of a dispute of it."""
    return queries.statement_of_dispute(key, viewer=request.actor) or key


def _said(request: Request, name: str) -> str:
    return str(request.POST.get(name, ""))


def _confirm(request: Request, key: UUID) -> UUID:
    services.confirm_statement(key, side=_said(request, "side"), by=request.actor)
    return key


def _dispute(request: Request, key: UUID) -> UUID:
    try:
        reading = UUID(_said(request, "reading"))
    except ValueError as error:
        raise rules.NotDisputable from error
    services.dispute_line(
        key, reading=reading, side=_said(request, "side"), because=_said(request, "because"), by=request.actor
    )
    return key


def _accept(request: Request, key: UUID) -> UUID:
    services.accept_dispute(key, by=request.actor)
    return _of(request, key)


def _keep(request: Request, key: UUID) -> UUID:
    services.keep_line(key, because=_said(request, "because"), by=request.actor)
    return _of(request, key)


def _settle(request: Request, key: UUID) -> UUID:
    upheld = _said(request, "upheld") == "1"
    services.settle_dispute(key, upheld=upheld, because=_said(request, "because"), by=request.actor)
    return _of(request, key)


confirm, dispute, accept, keep, settle = map(_decide, (_confirm, _dispute, _accept, _keep, _settle))


def statement_pdf(request: Request, key: UUID) -> HttpResponse:
    """The sealed PDF, byte for byte, in the language in force or in French."""
    language = (get_language() or settings.LANGUAGE_CODE)[:2]
    paper = queries.paper_of(key, language=language, viewer=request.actor)
    name = f"wasl-{paper.statement.closing.month:%Y-%m}-{paper.language}"
    headers = {"Content-Disposition": f'inline; filename="{name}.pdf"'}
    return HttpResponse(bytes(paper.pdf), content_type="application/pdf", headers=headers)


def statement_csv(request: Request, key: UUID) -> HttpResponseBase:
    """The lines of a statement as CSV, each with what it rests on; of a pair, with whether its report was received."""
    found = queries.statement(key, viewer=request.actor)
    counts = queries.compared(found, viewer=request.actor) if found.beneficiary_id else None
    lines = queries.lines_of(found, viewer=request.actor).iterator(chunk_size=1000)
    return csv_table(_table(lines, counts), name=f"wasl-{found.closing.month:%Y-%m}-statement")


def _table(lines: Iterator[StatementLine], counts: queries.Comparison | None) -> Iterator[list[object]]:
    yield [
        gettext("No."), gettext("Month"), pgettext("act", "Signed"), gettext("Exam"), gettext("Modality"),
        gettext("Urgency"), gettext("Reader"), gettext("Given by"), gettext("Received by"), gettext("State"),
        gettext("Why"), gettext("Mode"), gettext("Hours"), gettext("Session"), gettext("Agreement"), gettext("Scale"),
        gettext("Version"), gettext("Amount"), gettext("Currency"), gettext("Report received"), pgettext("act", "Kind"),
    ]  # fmt: skip
    for line in lines:
        act, fee = line.act, line.entry.fee if line.entry else None
        scale = fee.price.scale if fee else None
        received = "" if counts is None else gettext("yes") if act.reading in counts.received else gettext("no")
        yield [
            line.number, f"{line.month:%Y-%m}",  # type: ignore[attr-defined]  # as the query counted it
            timezone.localtime(act.done_at).isoformat(timespec="seconds"), act.procedure, act.modality, act.urgency,
            act.reader.name, act.provider.name, act.beneficiary.name, line.get_state_display(), line.get_why_display(),
            fee.get_mode_display() if fee else "", fee.get_hours_display() if fee else "",
            fee.session_id or "" if fee else "", fee.agreement_id if fee else "",
            scale.code if scale else "", scale.version if scale else "",
            f"{Decimal(line.amount).scaleb(-settings.CURRENCY_DECIMALS)}", settings.CURRENCY, received,
            kind_of(act),
        ]  # fmt: skip


urlpatterns: list[URLPattern] = [
    path("statements/", statements, name="statements"),
    path("statements/rule/", set_rule, name="set_closing_rule"),
    path("statements/close/<uuid:key>/", close, name="close_month"),
    path("statements/<uuid:key>/", statement, name="statement"),
    path("statements/<uuid:key>/statement.pdf", statement_pdf, name="statement_pdf"),
    path("statements/<uuid:key>/lines.csv", statement_csv, name="statement_csv"),
    path("statements/<uuid:key>/confirm/", confirm, name="confirm_statement"),
    path("statements/<uuid:key>/dispute/", dispute, name="dispute_line"),
    path("disputes/<uuid:key>/accept/", accept, name="accept_dispute"),
    path("disputes/<uuid:key>/keep/", keep, name="keep_line"),
    path("disputes/<uuid:key>/settle/", settle, name="settle_dispute"),
]
