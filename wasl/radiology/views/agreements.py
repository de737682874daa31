"""The pages of agreements: those of one's hospital, and one of them to read, to sign and to end."""

import datetime
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from wasl.accounts import queries as accounts
from wasl.kernel.access import Actor
from wasl.kernel.errors import NotAllowed, Refused
from wasl.kernel.http import Listing, Request
from wasl.radiology import queries, services
from wasl.radiology.queries import Agreement
from wasl.radiology.rules import agreements as rules
from wasl.radiology.views.ordering import URGENCIES
from wasl.radiology.views.orders import URGENCY_COLOURS

BINDING = frozenset(rules.BINDING)
DAY = datetime.timedelta(days=1)
SOON = datetime.timedelta(days=rules.WARNING_DAYS)
SHELVES = {
    "in_force": (_("In force"), queries.agreements_in_force),
    "to_sign": (_("To be signed by you"), queries.agreements_to_sign),
    "drafts": (_("Drafts"), queries.drafts),
    "to_come": (_("To come"), queries.agreements_to_come),
    "ended": (_("Ended"), queries.ended_agreements),
}
SORTS = ("period__endswith", "provider__name_fr", "beneficiary__name_fr")
TOLD = {
    "radiology.AgreementDrafted": _("Drafted"),
    "radiology.AgreementChanged": _("Changed; to be signed again"),
    "radiology.AgreementSigned": _("Signed by one hospital"),
    "radiology.AgreementMade": _("Signed by both hospitals"),
    "radiology.AgreementEnding": _("Both hospitals were told that it ends"),
    "radiology.AgreementEnded": _("Notice was given: it ends early"),
}


def agreements(request: Request) -> HttpResponse:
    """The agreements of the viewer's hospitals, a shelf at a time; above them what ends, and what waits for one."""
    require_binding(request)
    shelf = request.GET.get("show", "")
    shelf = shelf if shelf in SHELVES else "in_force"
    listing = Listing(request, SHELVES[shelf][1](viewer=request.actor), sorts=SORTS)
    today = timezone.localdate()
    context = {
        "listing": listing,
        "shelf": shelf,
        "shelves": [(key, title) for key, (title, _query) in SHELVES.items()],
        "to_sign": queries.agreements_to_sign(viewer=request.actor).count(),
        "warnings": [(row, row.agreement.period.upper - DAY) for row in queries.end_warnings(viewer=request.actor)],
        "stranded": [(line, *_urgency(line.urgency)) for line in queries.stranded(viewer=request.actor)],
        "rows": [(row, row.period.upper - DAY, _state(row, today)) for row in listing.page],
    }
    return render(request, "radiology/agreements.html", context)


def agreement(request: Request, key: UUID) -> HttpResponse:
    """One agreement, to be read like a document, and what the viewer may do with it."""
    return _shown(request, queries.agreement(key, viewer=request.actor))


@require_POST
def sign_agreement(request: Request, key: UUID) -> HttpResponse:
    """Sign for one of the two hospitals what the page showed."""
    try:
        signed = services.sign_agreement(
            key, side=request.POST.get("side", ""), version=version_read(request), by=request.actor
        )
    except Refused as refusal:
        return _refused(request, key, refusal)
    made = signed.state == Agreement.State.SIGNED
    messages.success(
        request,
        gettext("Both hospitals have signed: the agreement holds.") if made else gettext("You have signed."),
    )
    return redirect("radiology:agreement", key)


@require_POST
def end_agreement(request: Request, key: UUID) -> HttpResponse:
    """Give notice: the last day, and why."""
    try:
        last_day = parse_date(request.POST.get("last_day", ""))
    except ValueError:  # shaped like a day, and none
        last_day = None
    try:
        services.end_agreement(
            key, last_day=last_day or datetime.date.min, because=request.POST.get("because", ""), by=request.actor
        )
    except Refused as refusal:
        return _refused(request, key, refusal)
    messages.success(request, gettext("Notice was given. Both hospitals are told."))
    return redirect("radiology:agreement", key)


@require_POST
def read_end_warning(request: Request, key: UUID) -> HttpResponse:
    """Say that one knows that an agreement ends."""
    services.read_end_warning(key, by=request.actor)
    return redirect("radiology:agreements")


def version_read(request: Request) -> int:
    """The version of the draft that the page showed; 0, which no draft has, when it does not say."""
    version = request.POST.get("version", "")
    return int(version) if version.isdecimal() and len(version) < 9 else 0


@dataclass(frozen=True)
class Bar:
    """A day of the week as the page draws it: its hours as bars of a drawing 1440 wide, and in words."""

    day: object
    bars: tuple[tuple[int, int], ...]
    words: tuple[str, ...]


def _week(hours: Iterable[Any]) -> list[Bar]:
    spans = [(span.lower, span.upper) for span in hours] or [(0, rules.WEEK)]
    found = []
    for day in range(7):
        start = day * rules.DAY
        parts = [(max(a, start) - start, min(b, start + rules.DAY) - start) for a, b in spans]
        bars = tuple((a, b - a) for a, b in parts if a < b)
        words = tuple(f"{clock(a)}–{clock(b)}" for a, b in parts if a < b)
        found.append(Bar(WEEKDAYS[day], bars, words))
    return found


def clock(minute: int) -> str:
    """A minute of the day as a clock shows it."""
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _shown(request: Request, found: Agreement, refusal: Refused | None = None) -> HttpResponse:
    scope, minutes = queries.scope_of(found, viewer=request.actor)
    today = timezone.localdate()
    last_day = found.period.upper - DAY
    times = [
        (words, URGENCY_COLOURS[key], minutes[key], queries.target_minutes(key, on=today, viewer=request.actor))
        for key, words in URGENCIES if key in minutes
    ]  # fmt: skip
    sides = [_side(found, side, request.actor, today) for side in rules.SIDES]
    context = {
        "agreement": found,
        "state": _state(found, today),
        "sides": sides,
        "scope": scope,
        "times": [(words, colour, own * 60 if own else None, usual * 60) for words, colour, own, usual in times],
        "always": not found.hours,
        "week": _week(found.hours),
        "last_day": last_day,
        "agreed_last_day": found.agreed.upper - DAY,
        "life": _life(found, request.actor),
        "may_change": found.state == Agreement.State.DRAFT,
        "may_end": found.state == Agreement.State.SIGNED and found.ended_at is None and last_day > today,
        "today": today,
        "given": request.POST,
        "refusal": refusal,
    }
    return render(request, "radiology/agreement.html", context, status=refusal.http if refusal else 200)


def _side(found: Agreement, side: str, viewer: Actor, today: datetime.date) -> dict[str, object]:
    """One of the two hospitals: what it is here, who signed for it, and whether the viewer may."""
    other = next(name for name in rules.SIDES if name != side)
    signer, place = getattr(found, f"{side}_signer"), getattr(found, side)
    may = rules.binds(place.id, viewer) and signer is None and found.agreed.upper > today
    return {
        "name": side,
        "title": gettext("Provider structure") if side == "provider" else gettext("Beneficiary structure"),
        "place": place,
        "signer": signer,
        "signed_at": getattr(found, f"{side}_signed_at"),
        "may_sign": may and getattr(found, f"{other}_signer_id") != viewer.id,
    }


def _urgency(key: str) -> tuple[object, str]:
    return dict(URGENCIES)[key], URGENCY_COLOURS[key]


def _state(found: Agreement, today: datetime.date) -> tuple[str, str]:
    """In a word and a colour: how an agreement stands."""
    if found.state == Agreement.State.DRAFT:
        return found.get_state_display(), "azure"
    if found.period.upper <= today:
        return gettext("ended"), "secondary"
    if found.period.lower > today:
        return gettext("to come"), "azure"
    ends_soon = found.period.upper <= today + SOON + DAY
    return (gettext("ends soon"), "orange") if ends_soon else (gettext("in force"), "green")


def _life(found: Agreement, viewer: Actor) -> list[dict[str, object]]:
    facts = [fact for fact in queries.life_of(found, viewer=viewer) if fact.name in TOLD]
    people = {UUID(fact.actor[7:]) for fact in facts if fact.actor.startswith("person:")}
    names = accounts.names(people, viewer=viewer)
    return [
        {"at": fact.at, "what": TOLD[fact.name],
         "by": names.get(UUID(fact.actor[7:]), "") if fact.actor.startswith("person:") else "Wasl"}
        for fact in facts
    ]  # fmt: skip


def _refused(request: Request, key: UUID, refusal: Refused) -> HttpResponse:
    """The agreement again, with why not; nothing of it for those who do not see it."""
    require_binding(request)
    return _shown(request, queries.agreement(key, viewer=request.actor), refusal)


def require_binding(request: Request) -> None:
    """These pages are for those who bind some hospital."""
    if not BINDING & request.actor.roles:
        raise NotAllowed


urlpatterns: list[URLPattern] = [
    path("agreements/", agreements, name="agreements"),
    path("agreements/<uuid:key>/", agreement, name="agreement"),
    path("agreements/<uuid:key>/sign/", sign_agreement, name="sign_agreement"),
    path("agreements/<uuid:key>/end/", end_agreement, name="end_agreement"),
    path("agreements/warnings/<uuid:key>/read/", read_end_warning, name="read_end_warning"),
]
