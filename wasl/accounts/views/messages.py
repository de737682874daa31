"""What one is told: the bell of every page, the list, and the way to what a message is about."""

from uuid import UUID

from django.contrib import messages as notices
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from wasl.accounts import queries, services
from wasl.kernel.http import Listing, Request


def messages(request: Request) -> HttpResponse:
    """One's messages, the newest first, or those not read yet."""
    unread = request.GET.get("show", "") == "unread"
    listing = Listing(request, queries.messages(viewer=request.actor, unread=unread), sorts=("-created_at",))
    rows = [{"message": row, "title": queries.MESSAGE_TITLES.get(row.kind, row.kind)} for row in listing.page]
    context = {"listing": listing, "rows": rows, "only_unread": unread, "page_url": request.get_full_path()}
    return render(request, "accounts/_messages.html" if request.htmx else "accounts/messages.html", context)


def bell(request: Request) -> HttpResponse:
    """How many messages wait now."""
    unread, urgent = queries.unread_messages(viewer=request.actor)
    return render(request, "accounts/_bell.html", {"unread": unread, "urgent": urgent})


def open_message(request: Request, key: UUID) -> HttpResponse:
    """Read a message: it leads to what it is about."""
    return HttpResponseRedirect(services.read_message(key, by=request.actor).link)


@require_POST
def read_messages(request: Request) -> HttpResponse:
    """Mark every message as read."""
    read = services.read_messages(by=request.actor)
    words = ngettext("{count} message marked as read.", "{count} messages marked as read.", read)
    notices.success(request, words.format(count=read))
    return redirect("accounts:messages")


urlpatterns: list[URLPattern] = [
    path("messages/", messages, name="messages"),
    path("messages/bell/", bell, name="bell"),
    path("messages/read/", read_messages, name="read_messages"),
    path("messages/<uuid:key>/", open_message, name="open_message"),
]
