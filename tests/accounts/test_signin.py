"""Signing in through the pages: passwords, second factors, lockout, sessions, a ministry's identity."""

import re

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from allauth.usersessions.models import UserSession
from django.core.cache import cache
from django.http import HttpRequest
from django.test import Client as Browser
from django.test import RequestFactory, override_settings

from tests.cast import Cast, cast
from wasl.accounts import services
from wasl.accounts.models import Person
from wasl.edges.web.signin import Ministry
from wasl.kernel.access import SYSTEM

PASSWORD = "a long way in 7"


@pytest.fixture
def stage(db: None) -> Cast:
    cache.clear()
    return cast()


@pytest.fixture
def rim(stage: Cast) -> Person:
    """A real person: nothing of the demonstration's leave is hers."""
    person = services.add_person(username="rim", password=PASSWORD, given_name="Rim", family_name="C", by=SYSTEM)
    services.give_post(person.id, role="radiologist", place=stage.university, by=SYSTEM)
    return person


def sign_in(browser: Browser, username: str = "rim", password: str = PASSWORD) -> int:
    return browser.post("/account/login/", {"login": username, "password": password}).status_code


def code(secret: str, ahead: int = 0) -> str:
    """What an authenticator's app shows now, or so many seconds later: whole days, where a clock was set."""
    counter = next(iter(yield_hotp_counters_from_time())) + ahead // 30
    return str(format_hotp_value(hotp_value(secret, counter)))


def set_up_app(browser: Browser) -> str:
    """Set up an app that shows codes; its secret."""
    page = browser.get("/account/2fa/totp/activate/").content.decode()
    found = re.search(r'value="([A-Z2-7]{32})"', page)
    assert found, page
    answer = browser.post("/account/2fa/totp/activate/", {"code": code(found[1])})
    assert answer.status_code == 302, answer.content
    return found[1]


def test_without_a_second_factor_nothing_opens_but_the_way_to_one(rim: Person) -> None:
    browser = Browser()
    assert sign_in(browser) == 302
    start = browser.get("/").content.decode()
    assert "/account/2fa/totp/activate/" in start
    assert browser.get("/radiology/service/").status_code == 403
    assert browser.get("/accounts/people/").status_code == 403


@pytest.mark.django_db(transaction=True)  # the second factor counts once it is committed
def test_setting_up_an_app_opens_the_house_and_is_asked_for_next_time(rim: Person) -> None:
    browser = Browser()
    sign_in(browser)
    secret = set_up_app(browser)
    assert browser.get("/").context["tiles"]
    again = Browser()
    sign_in(again)
    assert again.get("/").headers["Location"] == "/account/login/"  # half signed in is not signed in
    assert again.post("/account/2fa/authenticate/", {"code": "000000"}).status_code == 200
    cache.clear()  # forget that this code was used: the next one comes in half a minute
    assert again.post("/account/2fa/authenticate/", {"code": code(secret)}).status_code == 302
    assert again.get("/").context["tiles"]


def test_a_recovery_code_opens_once(rim: Person) -> None:
    browser = Browser()
    sign_in(browser)
    set_up_app(browser)
    kept = Authenticator.objects.get(user=rim, type="recovery_codes").wrap().get_unused_codes()
    first, second = Browser(), Browser()
    for one in (first, second):
        sign_in(one)
    assert first.post("/account/2fa/authenticate/", {"code": kept[0]}).status_code == 302
    assert second.post("/account/2fa/authenticate/", {"code": kept[0]}).status_code == 200
    assert first.get("/").status_code == 200


def test_a_passkey_can_be_offered_and_added(rim: Person) -> None:
    assert 'id="passkey_login"' in Browser().get("/account/login/").content.decode()
    browser = Browser()
    sign_in(browser)
    assert "publicKey" in browser.get("/account/2fa/webauthn/add/").content.decode()
    offered = Browser().get("/account/2fa/webauthn/login/", headers={"x-requested-with": "XMLHttpRequest"})
    assert "challenge" in offered.content.decode()


def test_after_five_wrong_passwords_the_right_one_waits(rim: Person) -> None:
    browser = Browser()
    for _ in range(5):
        assert sign_in(browser, password="guessed") == 200
    assert sign_in(browser) == 200
    assert browser.get("/account/password/").status_code == 302
    assert sign_in(Browser(), username="leila", password="guessed") == 200  # others are not locked out


def test_what_is_said_does_not_tell_who_exists(rim: Person) -> None:
    def errors(username: str) -> list[str]:
        page = Browser().post("/account/login/", {"login": username, "password": "guessed"})
        return [str(error) for error in page.context["form"].non_field_errors()]

    assert errors("rim") == errors("nobody-of-this-name") != []


def test_nobody_makes_or_resets_an_account_alone(stage: Cast) -> None:
    for address in ("signup/", "password/reset/", "email/"):
        assert Browser().get(f"/account/{address}").status_code == 404


def test_people_of_the_demonstration_need_no_second_factor_and_exist_only_there(stage: Cast) -> None:
    leila = Person.objects.get(username="leila")
    leila.set_password(PASSWORD)
    leila.save()
    browser = Browser()
    assert sign_in(browser, "leila") == 302
    assert browser.get("/").context["tiles"]
    with override_settings(DEMO=False):
        assert sign_in(Browser(), "leila") == 200
        assert "leila" not in Browser().get("/account/login/").content.decode()
        assert browser.get("/", follow=True).context.get("tiles") is None  # a session from before is void too


def test_sessions_are_listed_and_ended(rim: Person) -> None:
    here, elsewhere = Browser(), Browser()
    for browser in (here, elsewhere):
        sign_in(browser)
        browser.get("/")
    assert UserSession.objects.filter(user=rim).count() == 2
    assert here.get("/account/sessions/").status_code == 200
    here.post("/account/sessions/")
    assert elsewhere.get("/").headers["Location"] == "/account/login/"
    assert here.get("/").status_code == 200


def test_weak_passwords_are_refused(rim: Person) -> None:
    browser = Browser()
    sign_in(browser)
    for weak in ("short", "123456789012345", "password1234"):
        answer = browser.post("/account/password/", {"oldpassword": PASSWORD, "password1": weak, "password2": weak})
        assert answer.status_code == 200
        cache.clear()
    rim.refresh_from_db()
    assert rim.check_password(PASSWORD)


class Claims:
    """What a ministry says of somebody, as allauth hands it over."""

    is_existing = False

    def __init__(self, **claims: str) -> None:
        self.account = self
        self.extra_data = {"userinfo": claims}
        self.connected: Person | None = None

    def connect(self, request: HttpRequest, person: Person) -> None:
        self.connected = person


@pytest.mark.parametrize(("username", "opens"), [("rim", True), ("unknown", False), ("leila", False), ("", False)])
def test_a_ministrys_identity_opens_only_an_account_that_exists(rim: Person, username: str, opens: bool) -> None:
    from allauth.core.exceptions import ImmediateHttpResponse
    from django.contrib.messages.storage.base import BaseStorage

    request = RequestFactory().get("/")
    request._messages = BaseStorage(request)  # type: ignore[attr-defined]
    claims = Claims(preferred_username=username)
    adapter = Ministry(request)
    assert not adapter.is_open_for_signup(request, claims)
    if opens:
        adapter.pre_social_login(request, claims)
        assert claims.connected == rim
    else:
        with pytest.raises(ImmediateHttpResponse):
            adapter.pre_social_login(request, claims)
        assert claims.connected is None
