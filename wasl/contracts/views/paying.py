"""The page of what acts are paid, and of those that somebody must decide of; nothing here leads to a patient."""

import datetime
from collections.abc import Iterator
from decimal import Decimal
from uuid import UUID

from django.conf import settings
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext, pgettext
from django.views.decorators.http import require_POST

from wasl.contracts import queries, services
from wasl.contracts.queries import Act, Fee
from wasl.contracts.rules.sessions import month_of
from wasl.contracts.views.acts import kind_of
from wasl.contracts.views.sessions import MODES, SEES
from wasl.kernel.errors import NotAllowed, Refused
from wasl.kernel.http import Listing, Request, csv_table

DAYS_OF_A_MONTH = 31


def pay(request: Request) -> HttpResponse:
    """What the acts of a month are paid, by pair of hospitals and act by act."""
    return _page(request, None)


def _page(request: Request, refusal: Refused | None) -> HttpResponse:
    if not SEES & request.actor.roles:
        raise NotAllowed
    month = _month(request)
    sums = queries.sums(month, viewer=request.actor)
    listing = Listing(request, queries.paid_acts(month, viewer=request.actor), sorts=("-done_at", "done_at"))
    context = {
        "listing": listing, "acts": [(act, _state(act)) for act in listing.page],
        "sums": sums, "total": sum(one.amount for one in sums), "month": month, "modes": MODES, "refusal": refusal,
        "before": (month - datetime.timedelta(days=1)).replace(day=1), "me": request.actor.id,
        "after": (month + datetime.timedelta(days=DAYS_OF_A_MONTH)).replace(day=1), "now": month_of(timezone.now()),
        "held": list(queries.held(viewer=request.actor).order_by("act__done_at")[:50]),
        "decides": request.actor.places("chief"), "invented": queries.is_invented(month, viewer=request.actor),
    }  # fmt: skip
    return render(request, "contracts/pay.html", context, status=refusal.http if refusal else 200)


def _month(request: Request) -> datetime.date:
    """The month that the address names (2026-11), or this one."""
    try:
        return datetime.date.fromisoformat(f"{request.GET.get('month', '')}-01")
    except ValueError:
        return month_of(timezone.now())


def _state(act: Act) -> str:
    """What is known of the pay of an act, in words."""
    hold = getattr(act, "hold", None)
    if act.paid:  # type: ignore[attr-defined]  # as the query prefetched it
        return gettext("paid")
    if hold is None or hold.decision == queries.Hold.Decision.OVER:
        return gettext("waits for its session")
    return str(hold.get_decision_display() if hold.decision else hold.get_reason_display())


@require_POST
def release(request: Request, key: UUID) -> HttpResponse:
    """Pay a held act all the same."""
    mode = request.POST.get("mode", "")
    try:
        services.release_act(key, mode=mode, because=request.POST.get("because", ""), by=request.actor)
    except Refused as refusal:
        return _refused(request, refusal)
    return redirect("contracts:pay")


@require_POST
def refuse(request: Request, key: UUID) -> HttpResponse:
    """Do not pay a held act."""
    try:
        services.refuse_act(key, because=request.POST.get("because", ""), by=request.actor)
    except Refused as refusal:
        return _refused(request, refusal)
    return redirect("contracts:pay")


def _refused(request: Request, refusal: Refused) -> HttpResponse:
    if refusal.http in (403, 404):
        raise refusal
    return _page(request, refusal)


def pay_csv(request: Request) -> HttpResponseBase:
    """The acts of a month and what each is paid, as CSV."""
    if not SEES & request.actor.roles:
        raise NotAllowed
    month = _month(request)
    acts = queries.paid_acts(month, viewer=request.actor).order_by("done_at", "id").iterator(chunk_size=1000)
    return csv_table(_lines(acts), name=f"wasl-{month:%Y-%m}")


def _lines(acts: Iterator[Act]) -> Iterator[list[object]]:
    yield [
        pgettext("act", "Signed"), gettext("Exam"), gettext("Modality"), gettext("Urgency"), gettext("Reader"),
        gettext("Given by"), gettext("Received by"), gettext("State"), gettext("Mode"), gettext("Hours"),
        gettext("Scale"), gettext("Version"), gettext("Amount"), gettext("Currency"), pgettext("act", "Kind"),
    ]  # fmt: skip
    for act in acts:
        fee = act.paid[0] if act.paid else None  # type: ignore[attr-defined]  # as the query prefetched it
        yield [
            timezone.localtime(act.done_at).isoformat(timespec="seconds"), act.procedure, act.modality, act.urgency,
            act.reader.name, act.provider.name, act.beneficiary.name, _state(act),
            *(_fee(fee) if fee else [""] * 6), kind_of(act),
        ]  # fmt: skip


def _fee(fee: Fee) -> list[object]:
    scale = fee.price.scale
    amount = Decimal(fee.price.amount).scaleb(-settings.CURRENCY_DECIMALS)
    return [fee.get_mode_display(), fee.get_hours_display(), scale.code, scale.version, f"{amount}", settings.CURRENCY]


urlpatterns: list[URLPattern] = [
    path("pay/", pay, name="pay"),
    path("pay/acts.csv", pay_csv, name="pay_csv"),
    path("pay/<uuid:key>/release/", release, name="release_act"),
    path("pay/<uuid:key>/refuse/", refuse, name="refuse_act"),
]
