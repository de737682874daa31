"""The gate of the fast doors asks what the pages ask, and remembers for a minute at most."""

import datetime
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.hashers import make_password
from django.test import Client as Browser
from django.test import override_settings
from django.utils import timezone
from oauth2_provider.models import AccessToken

from tests.cast import Cast, cast
from wasl.accounts import services
from wasl.accounts.models import Person
from wasl.edges import gate
from wasl.kernel.access import SYSTEM, Actor


@pytest.fixture
def stage(db: None) -> Cast:
    gate._grants.clear()
    return cast()


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        """Seconds."""
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(gate, "time", clock)
    return clock


def who(cookie: str = "", bearer: str = "", address: str = "192.0.2.7") -> Actor:
    """Whom the gate sees behind a request."""
    headers = [(b"cookie", f"sessionid={cookie}".encode())] if cookie else []
    headers += [(b"authorization", f"Bearer {bearer}".encode())] if bearer else []
    scope: dict[str, Any] = {"headers": headers, "client": (address, 1)}
    return async_to_sync(gate.actor_of)(scope)


def session_of(username: str) -> str:
    browser = Browser()
    browser.force_login(Person.objects.get(username=username))
    return str(browser.session.session_key)


def test_strangers(stage: Cast) -> None:
    assert who() == who(cookie="no-such-session") == who(bearer="no-such-token")
    assert not who().held


def test_a_session_is_its_person(stage: Cast) -> None:
    actor = who(cookie=session_of("leila"))
    assert actor == stage.leila
    assert actor.address == "192.0.2.7"


def test_a_session_without_a_second_factor_holds_nothing(stage: Cast) -> None:
    cookie = session_of("leila")
    with override_settings(DEMO=False):  # then she is no person at all
        assert who(cookie=cookie).kind == "stranger"
    Person.objects.filter(username="leila").update(demo=False, password=make_password("x"))
    assert not who(cookie=session_of("leila"), address="192.0.2.8").held


def test_a_closed_account_is_refused_within_a_minute(stage: Cast, clock: Clock) -> None:
    cookie = session_of("leila")
    assert who(cookie=cookie).held
    assert stage.leila.id
    services.close_person(stage.leila.id, by=stage.fatma)
    clock.now += gate.GRANT_SECONDS + 1
    assert who(cookie=cookie).kind == "stranger"
    assert gate.GRANT_SECONDS <= 60


def test_an_ended_post_is_gone_within_a_minute(stage: Cast, clock: Clock) -> None:
    cookie = session_of("zied")
    zied = Person.objects.get(username="zied")
    assert who(cookie=cookie).roles == {"requester"}
    services.end_post(zied.posts.get().id, by=stage.fatma)
    clock.now += gate.GRANT_SECONDS + 1
    assert not who(cookie=cookie).held


def test_a_revoked_client_is_refused_within_a_minute(stage: Cast, clock: Clock) -> None:
    client, _, _ = services.add_client(name="lab", scopes=["fhir.read"], place=stage.other, by=SYSTEM)
    expires = timezone.now() + datetime.timedelta(hours=1)
    AccessToken.objects.create(application=client.application, token="t0ken", expires=expires, scope="fhir.read")
    actor = who(bearer="t0ken")
    assert (actor.kind, actor.scopes, actor.places()) == ("client", frozenset({"fhir.read"}), frozenset({stage.other}))
    services.revoke_client(client.id, by=SYSTEM)
    clock.now += gate.GRANT_SECONDS + 1
    assert who(bearer="t0ken").kind == "stranger"


def test_a_grant_is_remembered_meanwhile(stage: Cast, clock: Clock, django_assert_num_queries: Any) -> None:  # noqa: ANN401
    cookie = session_of("leila")
    who(cookie=cookie)
    with django_assert_num_queries(0):
        assert who(cookie=cookie).held


def test_a_refusal_is_not_remembered(stage: Cast, clock: Clock) -> None:
    rim = services.add_person(
        username="rim", password=None, given_name="Rim", family_name="C", demo=True, by=SYSTEM
    )  # fmt: skip
    cookie = session_of("rim")
    assert not who(cookie=cookie).held
    services.give_post(rim.id, role="radiographer", place=stage.regional, by=SYSTEM)
    assert who(cookie=cookie).roles == {"radiographer"}
