"""Accounts, posts and machine clients: tables, sessions and journal after each verb."""

import datetime
import random
import threading
import uuid

import pytest
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db import connection, connections
from django.test import Client as Browser
from django.utils import timezone
from oauth2_provider.models import AccessToken

from tests.cast import Cast, cast
from wasl.accounts import queries, rules, services
from wasl.accounts.models import Client, Person, Post
from wasl.kernel.access import SYSTEM, Actor
from wasl.kernel.errors import NotAllowed, NotFound, Refused
from wasl.kernel.models import Fact

NAMES = {"given_name": "Rim", "family_name": "Chaabane"}


@pytest.fixture
def stage(db: None) -> Cast:
    return cast()


@pytest.fixture
def rim(db: None) -> Person:
    return services.add_person(username="rim", password="a long way in 7", by=SYSTEM, **NAMES)


def told(subject: uuid.UUID) -> list[str]:
    return [fact.name.split(".")[1] for fact in Fact.objects.filter(subject=subject).order_by("seq")]


def now(person: Person) -> Actor:
    return queries.actor_of(person.id)


def test_add_person(rim: Person) -> None:
    assert rim.check_password("a long way in 7")
    assert told(rim.id) == ["PersonAdded"]
    assert not now(rim).held


def test_a_user_name_is_used_once(rim: Person) -> None:
    with pytest.raises(rules.UserNameTaken):
        services.add_person(username="rim", password=None, by=SYSTEM, **NAMES)
    assert Person.objects.filter(username="rim").count() == 1


def test_give_and_end_a_post(stage: Cast, rim: Person) -> None:
    post = services.give_post(rim.id, role="radiologist", place=stage.university, by=stage.fatma)
    assert now(rim).holds("radiologist", stage.university)
    services.end_post(post.id, by=stage.fatma)
    assert not now(rim).held
    assert told(post.id) == ["PostGiven", "PostEnded"]
    with pytest.raises(rules.PostOver):
        services.end_post(post.id, by=stage.fatma)


def test_a_post_runs_in_its_period(stage: Cast, rim: Person) -> None:
    tomorrow = timezone.now() + datetime.timedelta(days=1)
    later = services.give_post(rim.id, role="requester", place=stage.other, since=tomorrow, by=SYSTEM)
    assert not now(rim).held
    services.end_post(later.id, by=SYSTEM)
    assert Post.objects.get(id=later.id).period.isempty  # it never begins
    with pytest.raises(rules.PostEndsEarly):
        services.give_post(rim.id, role="requester", place=stage.other, since=tomorrow, until=tomorrow, by=SYSTEM)


@pytest.mark.parametrize("role", ["wizard", "system", ""])
def test_roles_are_known(stage: Cast, rim: Person, role: str) -> None:
    with pytest.raises(rules.UnknownRole):
        services.give_post(rim.id, role=role, place=stage.other, by=SYSTEM)


def test_nobody_decides_about_themselves(stage: Cast) -> None:
    fatma = stage.fatma.id
    assert fatma
    mine = Post.objects.get(person_id=fatma)
    for act in (
        lambda: services.give_post(fatma, role="radiologist", place=stage.other, by=stage.fatma),
        lambda: services.end_post(mine.id, by=stage.fatma),
        lambda: services.close_person(fatma, by=stage.fatma),
        lambda: services.reset_password(fatma, password="x", by=stage.fatma),
    ):
        with pytest.raises(rules.NotYourself):
            act()


def test_an_administrator_of_a_place_decides_for_that_place(stage: Cast, rim: Person) -> None:
    services.give_post(rim.id, role="administrator", place=stage.regional, by=SYSTEM)
    rims = now(rim)
    newcomer = services.add_person(username="new", password=None, by=rims, **NAMES)
    services.give_post(newcomer.id, role="radiographer", place=stage.regional, by=rims)
    for place in (stage.other, None):
        with pytest.raises(rules.NotYourPlace):
            services.give_post(newcomer.id, role="radiographer", place=place, by=rims)
    assert stage.leila.id
    with pytest.raises(rules.NotYourPlace):
        services.close_person(stage.leila.id, by=rims)
    services.close_person(newcomer.id, by=rims)


@pytest.mark.parametrize("verb", ["add_person", "close_person", "give_post", "add_client"])
def test_only_administrators_give_accounts(stage: Cast, verb: str) -> None:
    every: dict[str, dict[str, object]] = {
        "add_person": {"username": "x", "password": None, **NAMES},
        "give_post": {"person": stage.zied.id, "role": "chief", "place": None},
        "close_person": {"key": stage.zied.id},
        "add_client": {"name": "x", "scopes": ["fhir.read"]},
    }
    for by in (stage.amel, stage.karim, stage.hatem):
        with pytest.raises(NotAllowed):
            getattr(services, verb)(by=by, **every[verb])


def test_closing_an_account_ends_its_posts_and_sessions(stage: Cast, rim: Person) -> None:
    post = services.give_post(rim.id, role="radiologist", place=stage.university, by=SYSTEM)
    browser = Browser()
    browser.force_login(rim)
    browser.get("/")
    assert UserSession.objects.filter(user=rim).exists()
    services.close_person(rim.id, by=stage.fatma)
    assert now(rim).kind == "stranger"
    assert not UserSession.objects.filter(user=rim).exists()
    assert not Session.objects.filter(session_key=browser.session.session_key).exists()
    assert told(post.id)[-1] == "PostEnded"
    assert told(rim.id)[-1] == "PersonClosed"
    with pytest.raises(NotFound):
        services.give_post(rim.id, role="chief", place=None, by=SYSTEM)


def test_a_new_password_ends_the_old_way_in(stage: Cast, rim: Person) -> None:
    Authenticator.objects.create(user=rim, type="totp", data={"secret": "x"})
    services.reset_password(rim.id, password="another way in 8", by=stage.fatma)
    rim.refresh_from_db()
    assert rim.check_password("another way in 8")
    assert not Authenticator.objects.filter(user=rim).exists()
    assert told(rim.id)[-1] == "PasswordReset"


def test_preferences(stage: Cast) -> None:
    services.change_preferences(language="ar", dark=True, by=stage.leila)
    leila = Person.objects.get(id=str(stage.leila.id))
    assert (leila.language, leila.dark) == ("ar", True)
    with pytest.raises(rules.UnknownLanguage):
        services.change_preferences(language="de", by=stage.leila)


def test_a_client_and_its_token(stage: Cast) -> None:
    client, key, secret = services.add_client(
        name="laboratory", scopes=["fhir.write", "fhir.read"], place=stage.regional, by=stage.fatma
    )
    browser = Browser()
    grant = {"grant_type": "client_credentials", "client_id": key, "client_secret": secret}
    answer = browser.post("/oauth/token/", {**grant, "scope": "fhir.read"})
    assert answer.status_code == 200, answer.content
    token = answer.json()["access_token"]
    actor = queries.actor_of_token(token)
    assert (actor.kind, actor.id, actor.scopes) == ("client", client.id, frozenset({"fhir.read"}))
    assert actor.places() == {stage.regional}
    for scope in ("dicomweb.read", "fhir.read everything"):
        assert browser.post("/oauth/token/", {**grant, "scope": scope}).status_code == 400
    assert browser.post("/oauth/token/", {**grant, "client_secret": "guessed"}).status_code == 401
    services.revoke_client(client.id, by=stage.fatma)
    assert queries.actor_of_token(token).kind == "stranger"
    assert not AccessToken.objects.filter(application=client.application_id).exists()
    assert browser.post("/oauth/token/", grant).status_code in (400, 401)
    assert told(client.id) == ["ClientAdded", "ClientRevoked"]


def test_the_secret_of_a_client_is_kept_as_a_hash(db: None) -> None:
    client, _, secret = services.add_client(name="x", scopes=["fhir.read"], by=SYSTEM)
    assert secret not in str(Client.objects.select_related("application").get(id=client.id).application.__dict__)


def test_clients_are_refused_what_is_wrong(db: None) -> None:
    services.add_client(name="x", scopes=["fhir.read"], by=SYSTEM)
    for refusal, name, scopes in (
        (rules.ClientNameTaken, "x", ["fhir.read"]),
        (rules.UnknownScope, "y", ["fhir.read", "money.print"]),
        (rules.NoScope, "y", []),
    ):
        with pytest.raises(refusal):
            services.add_client(name=name, scopes=scopes, by=SYSTEM)
    assert Client.objects.count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("nationwide", [True, False])
def test_a_post_is_held_once_whoever_gives_it_at_once(nationwide: bool) -> None:
    stage = cast()
    person = services.add_person(username="wanted", password=None, by=SYSTEM, **NAMES)
    chance = random.Random(11)
    outcomes: list[str] = []
    start = threading.Barrier(8, timeout=180)

    def give() -> None:
        start.wait()
        try:
            for _ in range(3):
                place = None if nationwide else chance.choice([stage.regional, stage.other])
                try:
                    services.give_post(person.id, role="planner", place=place, by=SYSTEM)
                    outcomes.append("given")
                except Refused as refusal:
                    outcomes.append(refusal.code)
        finally:
            connections.close_all()

    givers = [threading.Thread(target=give) for _ in range(8)]
    for giver in givers:
        giver.start()
    for giver in givers:
        giver.join()
    assert len(outcomes) == 24
    assert set(outcomes) == {"given", "PostHeld"}
    with connection.cursor() as cursor:
        cursor.execute(
            "select 1 from accounts_post a join accounts_post b on a.id < b.id and a.person_id = b.person_id"
            " and a.role = b.role and a.place_id is not distinct from b.place_id and a.period && b.period"
        )
        assert cursor.fetchone() is None
    assert Post.objects.filter(person=person).count() == outcomes.count("given")
