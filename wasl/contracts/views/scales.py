"""The pages of scales: what acts are paid, read by everybody concerned, written by the planner."""

import csv
import io
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from uuid import UUID

from django import forms
from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from wasl.contracts import queries, services
from wasl.contracts.rules import scales as rules
from wasl.contracts.views.sessions import SEES
from wasl.kernel.errors import NotAllowed, Refused
from wasl.kernel.http import Listing, Request
from wasl.kernel.verbs import allowed


class Draft(forms.Form):
    """A version of a scale, its prices as lines."""

    code = forms.CharField(label=_("Code"), max_length=40, help_text=_("The agreements name the scale by it."))
    source = forms.CharField(label=_("Legal text"), max_length=300, required=False)
    invented = forms.BooleanField(label=_("An invented example: no text sets these amounts"), required=False)
    since = forms.DateField(label=_("Holds from"), widget=forms.DateInput(attrs={"type": "date"}))
    prices = forms.CharField(
        label=_("Prices"), widget=forms.Textarea(attrs={"rows": 10, "class": "font-monospace", "dir": "ltr"}),
        help_text=_("A line for each price: exam; modality; urgency; mode; hours; amount. What is left empty says "
                    "nothing of it, and the most exact line counts. Mode: scheduled or urgent. Hours: official or "
                    "outside. Of a second reading, or of the third reader who decides, the line says so before the "
                    "amount: second or arbiter. Without such a line they are no acts, and nothing is owed for them."),
    )  # fmt: skip


def scales(request: Request) -> HttpResponse:
    """Every scale and its versions."""
    if not SEES & request.actor.roles:
        raise NotAllowed
    listing = Listing(request, queries.scales(viewer=request.actor), sorts=("-period", "code", "-code"))
    context = {
        "listing": listing,
        "today": timezone.localdate(),
        "writes": allowed("contracts.draft_scale", request.actor),
    }
    return render(request, "contracts/scales.html", context)


def scale(request: Request, key: UUID) -> HttpResponse:
    """One version with its prices."""
    return _scale(request, key, None)


def _scale(request: Request, key: UUID, refusal: Refused | None) -> HttpResponse:
    found = queries.scale(key, viewer=request.actor)
    prices = _prices_of(found)
    said = {one.part for one in prices}
    unnamed = [part.label for part in queries.Part if part.value not in said]
    context = {
        "scale": found, "prices": prices, "unnamed": unnamed, "refusal": refusal,
        "writes": allowed("contracts.publish_scale", request.actor),
    }  # fmt: skip
    return render(request, "contracts/scale.html", context, status=refusal.http if refusal else 200)


def draft(request: Request) -> HttpResponse:
    """Write a version, from nothing or from another one."""
    if not allowed("contracts.draft_scale", request.actor):
        raise NotAllowed
    form = Draft(request.POST or None, initial=_initial(request))
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        try:
            made = services.draft_scale(
                code=said["code"], source=said["source"], invented=said["invented"], since=said["since"],
                prices=list(_prices(said["prices"])), by=request.actor,
            )  # fmt: skip
        except Refused as refusal:
            form.add_error(
                {"BadScaleCode": "code", "SourceMissing": "source"}.get(refusal.code, "prices"), refusal.sentence
            )
        else:
            return redirect("contracts:scale", made.id)
    return render(
        request,
        "contracts/draft_scale.html",
        {"form": form, "expertise": rules.EXPERTISE},
        status=422 if form.errors else 200,
    )


def _initial(request: Request) -> dict[str, object]:
    """A new version begins as the one it follows."""
    try:
        found = queries.scale(UUID(request.GET.get("after", "")), viewer=request.actor)
    except (ValueError, Refused):
        return {}
    lines = (_written(one) for one in _prices_of(found))
    return {"code": found.code, "source": found.source, "invented": found.invented, "prices": "\n".join(lines)}


def _prices_of(found: queries.Scale) -> list[queries.Price]:
    """What a scale says, of reports before all else."""
    return sorted(found.prices.order_by(*rules.KIND), key=lambda one: queries.Part.values.index(one.part))


def _written(one: queries.Price) -> str:
    said = [getattr(one, name) for name in rules.KIND]
    if one.part == queries.Part.REPORT:
        said.pop()
    return ";".join((*said, f"{Decimal(one.amount).scaleb(-settings.CURRENCY_DECIMALS)}"))


def _prices(text: str) -> Iterator[tuple[rules.Kind, int]]:
    """The lines of a form: amounts as people write them, 12,5 or 12.500."""
    for number, row in enumerate(csv.reader(io.StringIO(text), delimiter=";"), 1):
        said = [value.strip() for value in row]
        if not any(said):
            continue
        if len(said) not in (len(rules.KIND), len(rules.KIND) + 1):
            raise rules.BadLine(line=number)
        yield rules.Kind(*said[:-1]), _amount(said[-1], number)


def _amount(written: str, line: int) -> int:
    wrong = rules.BadPrice(line=line, unit=settings.CURRENCY, places=settings.CURRENCY_DECIMALS)
    try:
        amount = Decimal(written.replace(",", ".")).scaleb(settings.CURRENCY_DECIMALS)
        if amount != amount.to_integral_value():
            raise wrong
    except InvalidOperation as error:
        raise wrong from error
    return int(amount)


@require_POST
def publish(request: Request, key: UUID) -> HttpResponse:
    """Let a draft be what is paid by, from its date on."""
    try:
        services.publish_scale(key, by=request.actor)
    except Refused as refusal:
        if refusal.http in (403, 404):
            raise
        return _scale(request, key, refusal)
    return redirect("contracts:scale", key)


@require_POST
def discard(request: Request, key: UUID) -> HttpResponse:
    """Throw a draft away."""
    services.discard_scale(key, by=request.actor)
    return redirect("contracts:scales")


urlpatterns: list[URLPattern] = [
    path("scales/", scales, name="scales"),
    path("scales/new/", draft, name="draft_scale"),
    path("scales/<uuid:key>/", scale, name="scale"),
    path("scales/<uuid:key>/publish/", publish, name="publish_scale"),
    path("scales/<uuid:key>/discard/", discard, name="discard_scale"),
]
