"""What every page shows around its content: the place, the person, the language, the search, the way to other pages."""

from functools import cached_property
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import get_language

from wasl.accounts.queries import ROLE_TITLES, every_demo_post, unread_messages
from wasl.edges.web.navigation import entries_for
from wasl.kernel.access import STRANGER, Actor
from wasl.places import queries as places

IN_BAR = 7  # pages that a bar holds at the width of a desk, in French and in Arabic


class Link:
    """An entry of the navigation as this page shows it."""

    def __init__(self, title: str | Promise, icon: str, address: str, here: bool) -> None:
        self.title = title
        self.icon = icon
        self.address = address
        self.here = here


class Shell:
    """The shell of one page; what a page does not show is not computed."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request
        self.actor: Actor = getattr(request, "actor", STRANGER)
        self.demo = settings.DEMO
        self.country = settings.COUNTRY_TITLES[settings.COUNTRY]
        self.languages = settings.LANGUAGES
        self.code = (get_language() or settings.LANGUAGE_CODE)[:2]
        self.language = dict(settings.LANGUAGES)[self.code]

    @cached_property
    def person(self) -> str:
        """The name of the person who signed in, in the script of the page; empty for a stranger."""
        user = getattr(self.request, "user", None)
        return user.name if user is not None and user.is_authenticated else ""

    @property
    def initials(self) -> str:
        """The first letters of the person's names."""
        return initials(self.person)

    @cached_property
    def demo_people(self) -> list[dict[str, str]]:
        """The people of the demonstration, where it runs: name, user name, and what each of them does where."""
        found: dict[UUID, dict[str, str]] = {}
        for post in every_demo_post():
            title = str(ROLE_TITLES.get(post.role, ""))
            what = f"{title} · {post.place.name}" if post.place else title
            if seen := found.get(post.person_id):
                seen["what"] += f", {what}"
            else:
                name = post.person.name
                found[post.person_id] = {
                    "username": post.person.username, "name": name, "initials": initials(name), "what": what
                }  # fmt: skip
        return list(found.values())

    @property
    def dark(self) -> bool:
        """Whether the person reads in a dark room."""
        user = getattr(self.request, "user", None)
        return bool(user is not None and user.is_authenticated and user.dark)

    @property
    def roles(self) -> str:
        """The person's roles, each once."""
        return " · ".join(str(ROLE_TITLES[role]) for role in sorted(self.actor.roles) if role in ROLE_TITLES)

    @property
    def search(self) -> str:
        """The address of the patient search, for those who have patients."""
        return next((entry.address or "" for entry in entries_for(self.actor) if entry.url == "patients:search"), "")

    @cached_property
    def places(self) -> list[object]:
        """The places where the person holds a post."""
        mine = self.actor.places()
        return list(places.places(viewer=self.actor, ids=mine)) if mine else []

    @cached_property
    def place(self) -> object:
        """The place where the person works now."""
        chosen: UUID | None = getattr(self.request, "place", None)
        return next((place for place in self.places if getattr(place, "id", None) == chosen), None)

    @cached_property
    def bell(self) -> tuple[int, bool] | None:
        """How many messages the person has not read, and whether one is urgent; None where nobody is told anything."""
        return unread_messages(viewer=self.actor) if self.actor.held and not settings.GATEWAY else None

    @property
    def national(self) -> bool:
        """Whether a role is held for the whole country."""
        return any(held.place is None for held in self.actor.held)

    @cached_property
    def navigation(self) -> list[Link]:
        """The pages of the person's roles, as many as a bar holds."""
        return self._links[:IN_BAR]

    @cached_property
    def more(self) -> list[Link]:
        """The pages of the person's roles that stand in a menu behind the bar."""
        return self._links[IN_BAR:]

    @property
    def elsewhere(self) -> Link | None:
        """The page of the menu that is shown now."""
        return next((link for link in self.more if link.here), None)

    @cached_property
    def _links(self) -> list[Link]:
        here = self.request.path
        return [
            Link(entry.title, entry.icon, entry.address or "", here.startswith(entry.address or " "))
            for entry in entries_for(self.actor)
            if not entry.tile_only
        ]


def initials(name: str) -> str:
    """The first letters of the first two words of a name."""
    return " ".join(word[0] for word in name.split()[:2])


def shell(request: HttpRequest) -> dict[str, object]:
    """The shell's part of the context."""
    return {"shell": Shell(request)}
