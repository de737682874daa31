"""The shell of the pages: languages, places, themes, refusals, the policy of the browser, what strangers see."""

import importlib.util
import re
from pathlib import Path
from typing import Any

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.auth.models import AnonymousUser
from django.contrib.staticfiles import finders
from django.core.cache import caches
from django.http import QueryDict
from django.template import Context, Template
from django.template.loader import render_to_string
from django.test import Client, RequestFactory
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import translation

from tests.cast import Cast, cast
from wasl.accounts import services
from wasl.accounts.models import Person
from wasl.edges.web.middleware import PUBLIC_PATHS, PUBLIC_VIEWS
from wasl.edges.web.navigation import ENTRIES
from wasl.edges.web.templatetags.wasl import duration, icon, plain_name
from wasl.kernel.access import SYSTEM, Actor
from wasl.kernel.http import Listing, Request

pytestmark = pytest.mark.django_db
HERE = Path(__file__).resolve().parents[2] / "wasl"
HTMX = {"HX-Request": "true"}


@pytest.fixture
def stage() -> Cast:
    return cast()


def browser_of(actor: Actor) -> Client:
    """A browser in which this person of the demonstration signed in."""
    client = Client()
    client.force_login(Person.objects.get(id=str(actor.id)))
    return client


def vendor() -> Any:  # noqa: ANN401  the build's own script, which no package holds
    spec = importlib.util.spec_from_file_location("vendor", HERE.parent / "frontend/vendor.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def page_of(browser: Client, address: str = "/") -> str:
    return browser.get(address).content.decode()


SPOKEN = {
    "ar": ("rtl", "مرحبا، أمل الغربي"),
    "fr": ("ltr", "Bienvenue, Amel Gharbi"),
    "en": ("ltr", "Welcome, Amel Gharbi"),
}


@pytest.mark.parametrize("language", SPOKEN)
def test_a_page_speaks_the_language_of_its_person(stage: Cast, language: str) -> None:
    browser = browser_of(stage.amel)
    answer = browser.post("/choose/language/", {"language": language, "next": "/patients/"})
    assert answer.headers["Location"] == "/patients/"
    direction, welcome = SPOKEN[language]
    elsewhere = page_of(browser_of(stage.amel))  # another browser: the language is the person's
    assert f'<html lang="{language}" dir="{direction}"' in elsewhere
    assert welcome in elsewhere
    assert ("tabler.rtl" in elsewhere) == (direction == "rtl")


@pytest.mark.parametrize(("language", "says"), [("ar", "تسجيل الدخول"), ("fr", "Se connecter"), ("en", "Sign in")])
def test_a_stranger_is_spoken_to_in_the_browsers_language(stage: Cast, language: str, says: str) -> None:
    browser = Client(headers={"accept-language": language})
    assert says in page_of(browser, "/account/login/")
    browser.post("/choose/language/", {"language": "ar"})
    assert 'dir="rtl"' in page_of(browser, "/account/login/")


def test_a_language_or_an_address_that_is_not_ours_changes_nothing(stage: Cast) -> None:
    browser = browser_of(stage.amel)
    answer = browser.post("/choose/language/", {"language": "de", "next": "https://elsewhere.example/"})
    assert answer.headers["Location"] == "/"
    assert 'lang="fr"' in page_of(browser)
    assert browser.get("/choose/language/").status_code == 405


def test_the_theme_is_the_persons(stage: Cast) -> None:
    browser = browser_of(stage.leila)
    assert 'data-bs-theme="light"' in page_of(browser)
    browser.post("/choose/theme/", {"dark": "1"})
    assert 'data-bs-theme="dark"' in page_of(browser_of(stage.leila))


def test_the_place_is_one_where_a_post_is_held(stage: Cast) -> None:
    assert stage.leila.id
    services.give_post(stage.leila.id, role="radiologist", place=stage.regional, by=SYSTEM)
    browser = browser_of(stage.leila)
    assert browser.get("/").wsgi_request.place == stage.university  # type: ignore[attr-defined]
    browser.post("/choose/place/", {"place": str(stage.regional)})
    assert browser.get("/").wsgi_request.place == stage.regional  # type: ignore[attr-defined]
    for wrong in (str(stage.other), "nowhere", ""):
        assert browser.post("/choose/place/", {"place": wrong}).status_code == 404
    assert browser.get("/").wsgi_request.place == stage.regional  # type: ignore[attr-defined]
    assert browser_of(stage.hatem).get("/").wsgi_request.place is None  # type: ignore[attr-defined]


def test_pages_are_those_of_the_role(stage: Cast) -> None:
    planner, reader = page_of(browser_of(stage.hatem)), page_of(browser_of(stage.leila))
    assert "/radiology/service/" in planner
    assert "/radiology/service/" not in reader
    assert 'role="search"' in reader
    assert 'role="search"' not in planner


def test_no_entry_leads_to_a_refusal(stage: Cast) -> None:
    for actor in (stage.amel, stage.sami, stage.nour, stage.leila, stage.karim, stage.hatem, stage.fatma):
        browser = browser_of(actor)
        for entry in ENTRIES:
            if entry.roles & actor.roles and entry.address:
                assert browser.get(entry.address, follow=True).status_code == 200, f"{actor.name}: {entry.url}"


def addresses(patterns: list[URLPattern | URLResolver], before: str = "", space: str = "") -> list[tuple[str, str]]:
    """Every page's address with its values filled in, and its name."""
    found = []
    for pattern in patterns:
        route = before + str(pattern.pattern).lstrip("^").removesuffix(r"\Z").removesuffix("$")
        if isinstance(pattern, URLResolver):
            inner = f"{space}{pattern.namespace}:" if pattern.namespace else space
            found += addresses(pattern.url_patterns, route, inner)
        else:
            filled = re.sub(r"<uuid:\w+>", "01a21d8d-460d-778c-b529-69d9f1a0922c", route)
            found.append(("/" + re.sub(r"<(?:\w+:)?\w+>", "1", filled), f"{space}{pattern.name}"))
    return found


def test_strangers_are_sent_to_the_sign_in_page_from_every_page(stage: Cast) -> None:
    walked = 0
    for address, name in addresses(get_resolver().url_patterns):
        if name not in PUBLIC_VIEWS and not address.startswith(PUBLIC_PATHS):
            answer = Client().get(address)
            assert (answer.status_code, answer.headers.get("Location", "")[:15]) == (302, "/account/login/"), address
            walked += 1
    assert walked > 10


def test_a_session_that_ended_leaves_the_page_alone(stage: Cast) -> None:
    answer = Client().post("/accounts/people/new/", {"username": "half written"}, headers=HTMX)
    assert answer.status_code == 401
    assert answer.headers["HX-Retarget"] == "#notices"
    assert "/account/login/" in answer.content.decode()
    assert "<html" not in answer.content.decode()


def test_a_refusal_is_a_page_or_a_fragment(stage: Cast) -> None:
    browser = browser_of(stage.amel)
    page = browser.get("/accounts/people/")
    assert page.status_code == 403
    assert "Vous n’êtes pas autorisé à faire cela." in page.content.decode()
    assert "<html" in page.content.decode()
    fragment = browser.get("/accounts/people/", headers=HTMX)
    assert fragment.status_code == 403
    assert fragment.headers["HX-Retarget"] == "#notices"
    assert "<html" not in fragment.content.decode()
    assert "Vous n’êtes pas autorisé à faire cela." in fragment.content.decode()


def test_an_address_that_leads_nowhere_says_so(stage: Cast) -> None:
    answer = browser_of(stage.amel).get("/nothing/here/")
    assert answer.status_code == 404
    assert "Il n’y a rien à cette adresse" in answer.content.decode()


def test_the_page_of_a_failure_stands_alone() -> None:
    html = render_to_string("500.html")
    assert html.startswith("<!doctype html>")
    assert html.count("<h1") == 1
    assert 'id="refusal"' in html  # what HTMX shows of it
    named = re.findall(r'href="/static/([^"]+)"', html)
    assert named
    assert all(finders.find(name) for name in named)


def test_a_page_that_is_refused_says_so_and_an_act_too(stage: Cast) -> None:
    browser = browser_of(stage.amel)
    assert "Cette page ne peut pas être affichée" in page_of(browser, "/accounts/people/")
    assert "L’opération n’a pas été faite" in browser.post("/accounts/people/new/").content.decode()


def test_a_form_without_its_token_is_refused_in_words(stage: Cast) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(Person.objects.get(username="amel"))
    answer = browser.post("/choose/theme/", {"dark": "1"})
    assert answer.status_code == 403
    assert "resté ouvert trop longtemps" in answer.content.decode()


def test_the_browser_is_told_to_run_nothing_that_is_written_into_a_page(stage: Cast) -> None:
    for browser in (Client(), browser_of(stage.amel)):
        policy = browser.get("/account/login/" if "sessionid" not in browser.cookies else "/").headers
        assert "default-src 'self'" in policy["Content-Security-Policy"]
        assert "unsafe" not in policy["Content-Security-Policy"]
        assert "camera=()" in policy["Permissions-Policy"]
    assert browser_of(stage.amel).get("/").headers["Cache-Control"] == "no-store"


def test_a_session_is_seen_once_in_a_while_and_wherever_it_moves(stage: Cast) -> None:
    browser = browser_of(stage.amel)

    def seen(**client: str) -> Any:  # noqa: ANN401
        browser.get("/", **client)  # type: ignore[arg-type]
        return UserSession.objects.values_list("last_seen_at", "ip").get(user=str(stage.amel.id))

    first = seen()
    assert seen() == first, "not a transaction for each request"
    moved = seen(REMOTE_ADDR="192.0.2.77")
    assert moved[0] > first[0]
    assert moved[1] == "192.0.2.77"
    caches["process"].clear()  # as after five minutes
    assert seen()[0] > moved[0]


@pytest.mark.parametrize("path", sorted(HERE.rglob("templates/**/*.html")), ids=lambda path: path.name)
def test_templates_hold_nothing_that_the_policy_forbids(path: Path) -> None:
    text = path.read_text()
    assert not re.search(r"<script(?![^>]*\b(src=|type=\"application/json\"))", text), "an inline script"
    assert not re.search(r"\s(style|on[a-z]+)=[\"']", text), "an inline style or handler"
    assert not re.search(r"(src|href)=[\"'](https?:)?//", text), "something from another host"


def test_no_template_uses_what_was_left_out_of_the_style_sheet() -> None:
    left_out = vendor().NOT_STYLED
    for path in HERE.rglob("templates/**/*.html"):
        for classes in re.findall(r'class="([^"]*)"', path.read_text()):
            for name in classes.split():
                assert not name.startswith(left_out) or name in ("link", "tag"), f"{path.name} uses {name}"


def test_a_style_sheet_is_slimmed_by_whole_rules() -> None:
    css = ".btn,.carousel-item{a:b}.carousel{c:d}@media (x){.modal{e:f}.mt-xxl-2{g:h}.row{i:j}}.toast:not(.show){k:l}"
    assert vendor().slim(css) == ".btn{a:b}@media (x){.row{i:j}}"
    css = ".markdown>table:not(.x,:is(.y,.z))>*,.table:not(caption,.w)>*{a:b}"
    assert vendor().slim(css) == ".table:not(caption,.w)>*{a:b}"


@pytest.mark.parametrize(
    ("seconds", "french", "arabic"),
    [
        (None, "–", "–"),
        (45.4, "45 s", "45 ث"),
        (720, "12 min", "12 د"),
        (4800, "1 h 20", "1 س 20"),
        (3600, "1 h 00", "1 س 00"),
        (86400, "1 jour", "يوم واحد"),
        (2 * 86400, "2 jours", "يومان"),
        (3 * 86400 + 4 * 3600, "3 j 4 h", "3 ي 4 س"),
    ],
)
def test_durations(seconds: float | None, french: str, arabic: str) -> None:
    with translation.override("fr"):
        assert duration(seconds) == french
    with translation.override("ar"):
        assert duration(seconds) == arabic


def test_icons_are_in_the_sprite() -> None:
    sprite = set((HERE.parent / "frontend/icons.txt").read_text().split())
    used = set()
    for path in HERE.rglob("templates/**/*.html"):
        used |= set(re.findall(r"""{% icon ["']([\w-]+)["']""", path.read_text()))
    assert used <= sprite
    assert {entry.icon for entry in ENTRIES} <= sprite
    assert 'aria-hidden="true"' in icon("bell")
    assert 'aria-label="Bell"' in icon("bell", "Bell")


def listing(query: str, size: int = 2) -> tuple[Request, "Listing[Person]"]:
    request = RequestFactory().get(f"/?{query}")
    request.user = AnonymousUser()
    assert isinstance(request.GET, QueryDict)
    return request, Listing(request, Person.objects.all(), sorts=("username", "family_name"), size=size)  # type: ignore[return-value]


def test_a_list_pages_and_sorts_in_its_address(stage: Cast) -> None:
    text = '{% load wasl %}{% sort rows "username" "Name" %}{% pages rows %}'
    request, rows = listing("sort=-username&page=2&q=a")
    html = Template(text).render(Context({"request": request, "rows": rows}))
    assert [p.username for p in rows.page] == ["sami", "nour"]
    assert 'aria-sort="descending"' in html
    assert "?sort=username&amp;page=1&amp;q=a" in html  # a second press turns the order round, from the first page
    assert "?sort=-username&amp;page=3&amp;q=a" in html
    _, wrong = listing("sort=password&page=many")
    assert (wrong.sort, wrong.page.number) == ("username", 1)


def test_an_address_with_changes(stage: Cast) -> None:
    request = RequestFactory().get("/?a=1&b=2")
    text = '{% load wasl %}{% address a=3 b="" c="x y" %}'
    assert Template(text).render(Context({"request": request}, autoescape=False)) == "a=3&c=x+y"


@pytest.mark.parametrize(
    ("carried", "plain"),
    [
        ("BEN SALAH^SALMA", "BEN SALAH SALMA"),
        ("Jlassi^Abir=الجلاصي^عبير", "Jlassi Abir · الجلاصي عبير"),
        ("^=^^", ""),
        ("", ""),
    ],
)
def test_names_of_images_are_written_as_people_write_them(carried: str, plain: str) -> None:
    assert plain_name(carried) == plain


def test_a_bar_holds_seven_pages_and_a_menu_the_others(stage: Cast) -> None:
    browser = browser_of(stage.karim)
    mine = [reverse(entry.url) for entry in ENTRIES if "chief" in entry.roles and not entry.tile_only]
    page = page_of(browser, mine[-1])
    bar = re.search('<div class="bar-links">.*?</div>', page, re.DOTALL)
    menu = re.search('<details class="menu bar-more">.*?</details>', page, re.DOTALL)
    assert bar
    assert menu
    assert re.findall('<a href="([^"]+)"', bar[0]) == mine[:7]
    assert re.findall('<a href="([^"]+)"', menu[0]) == mine[7:]
    assert 'class="here"' in menu[0]
    assert 'class="here"' not in bar[0]
    assert "bar-more" not in page_of(browser_of(stage.amel))  # who has few pages needs no menu
