"""The administrator's pages: people, their posts, and their way back in."""

import datetime
import secrets
from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from wasl.accounts import queries, services
from wasl.kernel.access import Actor
from wasl.kernel.errors import Refused
from wasl.kernel.http import Listing, Request
from wasl.places import queries as places


class NewPerson(forms.Form):
    """Who receives an account."""

    username = forms.SlugField(label=_("user name"), max_length=60)
    given_name = forms.CharField(label=_("given name"), max_length=80)
    family_name = forms.CharField(label=_("family name"), max_length=80)
    given_name_ar = forms.CharField(label=_("given name in Arabic"), max_length=80, required=False)
    family_name_ar = forms.CharField(label=_("family name in Arabic"), max_length=80, required=False)
    email = forms.EmailField(label=_("e-mail"), required=False)
    phone = forms.CharField(label=_("phone"), max_length=20, required=False)
    language = forms.ChoiceField(label=_("language"), choices=settings.LANGUAGES, initial=settings.LANGUAGE_CODE)


class NewPost(forms.Form):
    """Which role somebody holds, where, and until when."""

    role = forms.ChoiceField(label=_("Role"), choices=[*queries.ROLE_TITLES.items()])
    place = forms.ChoiceField(label=_("Place"), required=False)
    until = forms.DateTimeField(
        label=_("Until"), required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )  # fmt: skip

    def __init__(self, data: object, viewer: Actor) -> None:
        super().__init__(data)  # type: ignore[arg-type]
        known = [(str(place.id), place.name) for place in places.places(viewer=viewer)]
        self.fields["place"].choices = [("", _("The whole country")), *sorted(known, key=lambda p: p[1])]  # type: ignore[attr-defined]

    def values(self) -> tuple[str, UUID | None, datetime.datetime | None]:
        """Role, place and end."""
        place = self.cleaned_data["place"]
        return self.cleaned_data["role"], UUID(place) if place else None, self.cleaned_data["until"]


def people(request: Request) -> HttpResponse:
    """Everybody who has an account, with the posts held now."""
    asked = request.GET.get("q", "")
    rows = queries.people(asked, viewer=request.actor)
    listing = Listing(request, rows, sorts=("family_name", "username", "-created_at"))
    return render(request, "accounts/people.html", {"listing": listing, "asked": asked})


def add_person(request: Request) -> HttpResponse:
    """Give somebody an account; its first password is shown this once."""
    queries.require_administrator(viewer=request.actor)
    form = NewPerson(request.POST or None)
    if form.is_valid():
        password = secrets.token_urlsafe(12)
        try:
            person = services.add_person(password=password, by=request.actor, **form.cleaned_data)
        except Refused as refusal:
            form.add_error("username", refusal.sentence)
        else:
            return _password(request, person.id, password)
    return render(request, "accounts/add_person.html", {"form": form}, status=422 if form.errors else 200)


def person(request: Request, key: UUID) -> HttpResponse:
    """One account: its posts past and present, and what an administrator may do with it."""
    queries.require_administrator(viewer=request.actor)
    form = NewPost(request.POST or None, request.actor)
    if request.method == "POST" and form.is_valid():
        role, place, until = form.values()
        try:
            services.give_post(key, role=role, place=place, until=until, by=request.actor)
        except Refused as refusal:
            form.add_error(None, refusal.sentence)
        else:
            messages.success(request, gettext("The post was given."))
            return redirect("accounts:person", key)
    context = {
        "form": form,
        "whom": queries.person(key, viewer=request.actor),
        "posts": queries.posts_of(key, viewer=request.actor),
    }
    return render(request, "accounts/person.html", context, status=422 if form.errors else 200)


@require_POST
def end_post(request: Request, key: UUID, post: UUID) -> HttpResponse:
    """End a post now."""
    services.end_post(post, by=request.actor)
    messages.success(request, gettext("The post ended."))
    return redirect("accounts:person", key)


@require_POST
def reset_password(request: Request, key: UUID) -> HttpResponse:
    """Give somebody a new way in, shown this once; the old one and all sessions end."""
    password = secrets.token_urlsafe(12)
    services.reset_password(key, password=password, by=request.actor)
    return _password(request, key, password)


@require_POST
def close_person(request: Request, key: UUID) -> HttpResponse:
    """Close an account."""
    services.close_person(key, by=request.actor)
    messages.success(request, gettext("The account was closed."))
    return redirect("accounts:person", key)


def _password(request: Request, key: UUID, password: str) -> HttpResponse:
    whom = queries.person(key, viewer=request.actor)
    return render(request, "accounts/password.html", {"whom": whom, "password": password})


urlpatterns: list[URLPattern] = [
    path("people/", people, name="people"),
    path("people/new/", add_person, name="add_person"),
    path("people/<uuid:key>/", person, name="person"),
    path("people/<uuid:key>/posts/<uuid:post>/end/", end_post, name="end_post"),
    path("people/<uuid:key>/password/", reset_password, name="reset_password"),
    path("people/<uuid:key>/close/", close_person, name="close_person"),
]
