"""The dictionary of given names: looked up by those who say who is who, changed by data stewards of the country."""

from collections.abc import Callable
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils.http import urlencode
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from wasl.kernel.access import Held
from wasl.kernel.errors import NotAllowed, NotFound, Refused
from wasl.kernel.http import Request
from wasl.patients import queries, services
from wasl.patients.queries import KnownName
from wasl.patients.rules import given
from wasl.patients.rules.dictionary import LONGEST
from wasl.patients.rules.merging import LONGEST as LONGEST_REASON

CHANGES = 20


@require_safe
def names(request: Request) -> HttpResponse:
    """Names that are written, begin or sound as what is asked for, and how the dictionary changed last."""
    asked = request.GET.get("name", "")[:LONGEST]
    found = queries.given_names(asked, viewer=request.actor)
    changes = Paginator(queries.name_versions(viewer=request.actor), CHANGES).get_page(request.GET.get("page"))
    context = {
        "asked": asked, "found": found, "changes": changes, "may_change": Held("steward", None) in request.actor.held,
        "shipped": len(given.shipped_names()), "unread": any(one.read_at is None for one in changes),
        "sexes": KnownName.Sex.choices, "longest": LONGEST, "longest_reason": LONGEST_REASON,
    }  # fmt: skip
    return render(request, "patients/names.html", context)


@require_POST
def add_name(request: Request) -> HttpResponse:
    """Add a name with its spellings, which are parted by commas."""
    said = request.POST
    spellings = [text for text in said.get("spellings", "").replace("،", ",").split(",") if text.strip()]
    return _back(request, said.get("arabic", ""), lambda: services.add_given_name(
        sex=said.get("sex", ""), arabic=said.get("arabic", ""), spellings=spellings, because=_why(request),
        by=request.actor,
    ))  # fmt: skip


@require_POST
def add_spelling(request: Request) -> HttpResponse:
    """Say how a name is written too."""
    key, written = request.POST.get("key", ""), request.POST.get("written", "")
    return _back(request, key.partition(":")[2], lambda: services.add_spelling(
        key, written=written, because=_why(request), by=request.actor
    ))  # fmt: skip


@require_POST
def withdraw_spelling(request: Request, spelling: UUID) -> HttpResponse:
    """Take back a spelling that was added."""
    name = queries.spelling(spelling, viewer=request.actor).name.partition(":")[2]
    return _back(request, name, lambda: services.withdraw_spelling(spelling, because=_why(request), by=request.actor))


@require_POST
def relate(request: Request) -> HttpResponse:
    """Say that a name and another, which is looked up by a spelling, are one or two."""
    key, other = request.POST.get("key", ""), request.POST.get("other", "")
    queries.name_words(viewer=request.actor)  # who may not look is told nothing of what is there
    queries.read_newest(viewer=request.actor)
    holders = [name.key for name in given.holders(other) if name.key != key]
    if len(holders) != 1:
        messages.error(request, gettext("Write a spelling that is of one other name alone, best its Arabic form."))
        return _page(key.partition(":")[2])
    return _back(request, key.partition(":")[2], lambda: services.relate_names(
        key, holders[0], says=request.POST.get("says", ""), because=_why(request), by=request.actor
    ))  # fmt: skip


def _why(request: Request) -> str:
    return request.POST.get("because", "")


def _back(request: Request, name: str, act: Callable[[], object]) -> HttpResponse:
    """Do it and show the name again, with what was refused."""
    try:
        act()
    except (NotAllowed, NotFound):
        raise
    except Refused as refusal:
        fields = getattr(refusal, "fields", None) or {}
        messages.error(request, next(iter(fields.values()), refusal.sentence))
    else:
        messages.success(
            request, gettext("The matcher reads it so from now on; stored records are read again within minutes.")
        )
    return _page(name)


def _page(name: str) -> HttpResponse:
    return HttpResponseRedirect(f"{reverse('patients:names')}?{urlencode({'name': name})}")


urlpatterns: list[URLPattern] = [
    path("names/", names, name="names"),
    path("names/add/", add_name, name="add_given_name"),
    path("names/spell/", add_spelling, name="add_spelling"),
    path("names/relate/", relate, name="relate_names"),
    path("names/withdraw/<uuid:spelling>/", withdraw_spelling, name="withdraw_spelling"),
]
