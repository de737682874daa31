"""Apps (SMART App Launch 2.2, OAuth 2.1) over the whole ASGI application: how they are let in, and what they see."""

import contextlib
import datetime
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.utils import timezone
from jwcrypto.jwk import JWK
from jwcrypto.jwt import JWT
from pytest_django.plugin import DjangoDbBlocker

from tests import make
from tests import shelf as notes
from tests.cast import Cast, cast
from tests.edges import smart
from tests.edges.foreign import HOST, Door, door, session
from tests.edges.smart import App, Signer, bearer, registered
from tests.patients.who import merge
from tests.tables import empty_tables
from wasl.accounts import services as accounts_services
from wasl.accounts.models import Launch, Permit, Post, Proof
from wasl.edges import gate
from wasl.edges.web.oauth import assertions
from wasl.kernel.access import SYSTEM
from wasl.kernel.models import Fact
from wasl.patients import services as patients
from wasl.patients.models import Access, CareRelationship

pytestmark = pytest.mark.django_db
Who = dict[str, str]
READS = "launch/patient patient/*.rs"


@dataclass
class World:
    """Two patients whom Amel cares for, one of them with two files; an app; and Zied, who knows neither."""

    door: Door
    stage: Cast
    salma: UUID
    second: UUID  # Salma's other file
    rim: UUID
    app: App
    amel: Who
    zied: Who

    def ids(self, address: str, who: Who) -> list[str]:
        """What a search finds, under the keys that it has."""
        answer = self.door.get(address, who)
        assert answer.status_code == 200, answer.text
        return sorted(one["resource"]["id"] for one in answer.json().get("entry", []))

    def status(self, address: str, who: Who, method: str = "GET", **more: Any) -> int:  # noqa: ANN401
        return int(self.door.ask(method, address, who, **more).status_code)


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    patch = pytest.MonkeyPatch()
    with django_db_blocker.unblock(), door() as opened:
        notes.stand(patch)
        stage = cast()
        salma = make.patient(stage)
        second = make.patient(stage, given_name="Selma", given_name_ar="سالمة", birth_date=datetime.date(1970, 2, 2))
        rim = make.patient(stage, given_name="Rim", family_name="Ayadi", given_name_ar="ريم",
                           family_name_ar="العيادي", birth_date=datetime.date(1991, 1, 1))  # fmt: skip
        for patient in (salma, second, rim):
            patients.open_for_care(patient.id, place=stage.regional, source=uuid4(), because="tests", by=SYSTEM)
            for number in range(2):
                notes.write(patient=patient.id, number=f"{patient.number} {number}", words="Épanchement")
        merge(stage, salma.id, second.id)
        yield World(
            opened, stage, salma.id, second.id, rim.id, registered(opened, "Growth"), session(stage.amel),
            session(stage.zied),
        )  # fmt: skip
        notes.fall()
        empty_tables()
    patch.undo()


@pytest.fixture
def _django_db_helper(world: World, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """In place of pytest-django's own: what these tests do is committed, so that the service's connections see it."""
    with django_db_blocker.unblock():
        gate._grants.clear()
        yield


def test_an_app_finds_all_it_needs_from_the_fhir_address_alone(world: World) -> None:
    found = world.door.get("/fhir/.well-known/smart-configuration", headers={"origin": "https://anywhere.example"})
    said = found.json()
    assert found.headers["access-control-allow-origin"] == "https://anywhere.example"
    assert (said["issuer"], said["code_challenge_methods_supported"]) == (f"{HOST}/fhir", ["S256"])
    assert said["authorization_endpoint"] == f"{HOST}/oauth/authorize/"
    assert world.door.get("/fhir/.well-known/openid-configuration").json() == said
    assert [key["alg"] for key in world.door.get(said["jwks_uri"]).json()["keys"]] == ["RS256"]
    security = world.door.get("/fhir/metadata").json()["rest"][0]["security"]
    uris = {one["url"]: one["valueUri"] for one in security["extension"][0]["extension"]}
    assert (uris["token"], uris["authorize"]) == (said["token_endpoint"], said["authorization_endpoint"])


def test_a_person_chooses_the_patient_and_lets_the_app_in(world: World) -> None:
    app = world.app
    scope = f"{READS} openid fhirUser offline_access user/Practitioner.rs"
    page = app.asks(world.amel, scope=scope)
    assert "Appli Growth" in page.text and "app.example" in page.text and 'name="allow"' not in page.text
    assert "form-action 'self' https://app.example" in page.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    found = app.asks(world.amel, {"find": "1", "q": "Ayadi"}, scope=scope)
    assert str(world.rim) in found.text and 'name="allow"' in found.text
    assert str(world.rim) not in app.asks(world.zied, {"find": "1", "q": "Ayadi"}, scope=scope).text
    assert app.asks(world.zied, {"allow": "1", "patient": str(world.rim)}, scope=scope).status_code == 403
    assert smart.back(app.asks(world.amel, {"refuse": "1"}))["error"] == "access_denied"
    assert app.asks(None).headers["location"].startswith("/account/login/")
    answer = app.redeems(app.code(world.amel, scope, world.rim)).json()
    assert (answer["patient"], answer["token_type"], answer["scope"]) == (str(world.rim), "Bearer", scope)
    keys = JWK(**world.door.get("/oauth/keys/").json()["keys"][0])
    claims = json.loads(JWT(jwt=answer["id_token"], key=keys, algs=["RS256"]).claims)
    assert (claims["iss"], claims["aud"], claims["sub"]) == (f"{HOST}/fhir", app.client, str(world.stage.amel.id))
    assert ("fhirUser" in claims) == (world.status(f"/fhir/Practitioner/{world.stage.amel.id}", world.amel) == 200)
    leila = session(world.stage.leila)  # whom the staff list knows
    who = app.let_in(leila, "openid fhirUser user/Practitioner.rs")
    known = json.loads(JWT(jwt=app.answer["id_token"], key=keys, algs=["RS256"]).claims)
    assert known["fhirUser"] == f"{HOST}/fhir/Practitioner/{world.stage.leila.id}"
    assert world.status(known["fhirUser"], who) == 200
    given = Fact.objects.filter(name="accounts.PermitGiven", data__patient=str(world.rim)).latest("seq")
    assert (given.data["patient"], given.actor) == (str(world.rim), f"person:{world.stage.amel.id}")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"code_challenge": ""}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": ""}, "invalid_request"),
        ({"aud": "https://elsewhere.example/fhir"}, "invalid_request"),
        ({"response_type": "token"}, "unauthorized_client"),
        ({"scope": "patient/Observation.rs?category=laboratory"}, "invalid_scope"),
        ({"scope": "system/*.rs"}, "invalid_scope"),
        ({"scope": "patient/*.cud"}, "invalid_scope"),
        ({"scope": "launch patient/*.rs"}, "invalid_request"),
        ({"scope": "launch patient/*.rs", "launch": "never-given"}, "invalid_request"),
        ({"scope": "openid", "prompt": "none"}, "login_required"),
        ({"nonce": "n" * 256}, "invalid_request"),
        ({"code_challenge": "c" * 129}, "invalid_request"),
        ({"scope": f"user/{'X' * 60}.rs"}, "invalid_scope"),
        ({"nonce": "n" * 256}, "invalid_request"),
        ({"code_challenge": "c" * 129}, "invalid_request"),
        ({"scope": "user/" + "X" * 60 + ".rs"}, "invalid_scope"),
    ],
)
def test_what_is_wrong_goes_back_to_the_app(world: World, changes: dict[str, str], says: str) -> None:
    assert smart.back(world.app.asks(world.amel, None, **changes))["error"] == says


@pytest.mark.parametrize(
    "odd",
    [{"claims": "{"}, {"claims": "[" * 3_000}, {"claims": '{"id_token": {}}'}, {"max_age": "soon"},
     {"id_token_hint": "x"}, {"prompt": "login consent"}, {"ui_locales": "ar fr"}, {"launch": "x" * 3_000},
     {"scope": "openid " * 300}, {"response_mode": "fragment"}],
)  # fmt: skip
def test_what_is_odd_breaks_nothing(world: World, odd: dict[str, str]) -> None:
    asked = {"scope": "openid user/*.rs", "nonce": "n"} | odd
    assert world.app.asks(world.amel, None, **asked).status_code in (200, 302, 400)
    assert world.app.asks(world.amel, {"allow": "1"}, **asked).status_code in (302, 400)


@pytest.mark.parametrize(
    "changes",
    [{"redirect_uri": f"{smart.BACK}/"}, {"redirect_uri": f"{smart.BACK}?x=1"}, {"redirect_uri": ""},
     {"redirect_uri": "https://evil.example/back"}, {"client_id": "nobody"}, {"client_id": "\0"}],
)  # fmt: skip
def test_nobody_is_sent_to_an_address_that_is_not_registered(world: World, changes: dict[str, str]) -> None:
    answer = world.app.asks(world.amel, None, **changes)
    assert answer.status_code == 400
    assert "location" not in answer.headers


def test_a_code_is_fetched_once_by_whoever_asked_for_it(world: World) -> None:
    app, other = world.app, registered(world.door, "Other")
    code = app.code(world.amel, READS, world.rim)
    for wrong in ({"code_verifier": "x" * 50}, {"code_verifier": ""}, {"redirect_uri": f"{smart.BACK}/"}):
        assert app.redeems(code, **wrong).status_code in (400, 401)
    assert other.redeems(code).status_code in (400, 401)
    who = bearer(app.redeems(code).json()["access_token"])
    assert world.status(f"/fhir/Patient/{world.rim}", who) == 200
    assert app.redeems(code).json()["error"] == "invalid_grant"  # it comes twice: what came of it is void
    gate._grants.clear()
    assert world.status(f"/fhir/Patient/{world.rim}", who) == 401


def test_a_refresh_token_that_comes_twice_ends_its_family(world: World) -> None:
    app = world.app
    app.let_in(world.amel, READS, world.rim)
    assert "refresh_token" not in app.answer
    app.let_in(world.amel, f"{READS} offline_access", world.rim)
    first = app.answer["refresh_token"]
    second = app.fetches(grant_type="refresh_token", refresh_token=first).json()
    assert (second["patient"], second["scope"]) == (str(world.rim), app.answer["scope"])
    assert world.status(f"/fhir/Patient/{world.rim}", bearer(app.answer["access_token"])) == 401
    narrower = app.fetches(grant_type="refresh_token", refresh_token=second["refresh_token"], scope="patient/Patient.r")
    assert narrower.json()["scope"] == "patient/Patient.r"
    who = bearer(narrower.json()["access_token"])
    assert world.status(f"/fhir/Patient/{world.rim}", who) == 200
    assert world.status("/fhir/Observation", who) == 403
    wider = app.fetches(grant_type="refresh_token", refresh_token=second["refresh_token"], scope="user/*.rs")
    assert wider.status_code == 400
    gate._grants.clear()
    assert world.status(f"/fhir/Patient/{world.rim}", who) == 401
    last = app.fetches(grant_type="refresh_token", refresh_token=narrower.json()["refresh_token"])
    assert last.json() == {"error": "invalid_grant"}
    assert Permit.objects.filter(client=app.key).latest("created_at").ended_at


def test_an_app_of_one_patient_sees_this_patient_as_in_a_world_without_others(world: World) -> None:
    who = world.app.let_in(world.amel, f"{READS} patient/Observation.rs", world.salma)
    files = {str(world.salma), str(world.second)}
    everything = [kind for kind in ("Patient", "Observation", "ServiceRequest", "DiagnosticReport", "ImagingStudy")]
    for query in ("", "?_summary=count&_total=accurate", "?_sort=-_lastUpdated&_count=500", "?_lastUpdated=ge2020"):
        seen = {kind: world.door.get(f"/fhir/{kind}{query}", who).json() for kind in everything}
        CareRelationship.objects.filter(patient=world.rim).update(starts_at=timezone.now() + datetime.timedelta(days=1))
        alone = {kind: world.door.get(f"/fhir/{kind}{query}", who).json() for kind in everything}
        CareRelationship.objects.filter(patient=world.rim).update(starts_at=timezone.now() - datetime.timedelta(days=1))
        assert seen == alone
    assert files <= set(world.ids("/fhir/Patient?_lastUpdated=ge2020", who)) == files
    mine = world.ids("/fhir/Observation", who)
    assert mine == world.ids(f"/fhir/Observation?patient={world.salma}", world.amel) and len(mine) == 4
    (hers, *_) = world.ids(f"/fhir/Observation?patient={world.rim}", world.amel)
    assert world.ids(f"/fhir/Observation?patient={world.rim}", who) == []
    for address in (f"Observation/{hers}", f"Observation/{hers}/_history", f"Observation/{hers}/_history/1",
                    f"Patient/{world.rim}", f"Patient/{world.rim}/_history"):  # fmt: skip
        assert world.status(f"/fhir/{address}", world.amel) == 200
        assert world.status(f"/fhir/{address}", who) == 404
    number = world.door.get(f"/fhir/Patient/{world.rim}", world.amel).json()["identifier"][0]["value"]
    told = world.door.get(f"/fhir/Patient?identifier=urn:wasl:patient|{number}", who).json()
    none = world.door.get("/fhir/Patient?identifier=urn:wasl:patient|1", who).json()
    assert ("entry" in told, told["total"]) == ("entry" in none, none["total"]) == (False, 0)
    body = {"resourceType": "Parameters", "parameter": []}
    headers = {"content-type": "application/fhir+json"}
    assert world.status("/fhir/Patient/$match", who, "POST", json=body, headers=headers) == 403


@pytest.mark.parametrize(
    ("scope", "reads", "searches", "patients"),
    [
        ("patient/Observation.rs", True, True, False),
        ("patient/Observation.r", True, False, False),
        ("patient/Observation.s", False, True, False),
        ("patient/*.read", True, True, True),
        ("user/Observation.read", True, True, False),
        ("user/*.rs", True, True, True),
        ("user/Patient.rs", False, False, True),
        ("patient/Observation.cruds", True, True, False),  # of which nothing is written
    ],
)
def test_a_type_without_scope_is_forbidden(
    world: World, scope: str, reads: bool, searches: bool, patients: bool
) -> None:
    who = world.app.let_in(world.amel, f"launch/patient {scope}", world.rim)
    (note, *_) = world.ids(f"/fhir/Observation?patient={world.rim}", world.amel)
    assert (world.status(f"/fhir/Observation/{note}", who) == 200) == reads
    assert (world.status("/fhir/Observation", who) == 200) == searches
    assert (world.status(f"/fhir/Patient/{world.rim}", who) == 200) == patients
    if not reads:
        refused = world.door.get(f"/fhir/Observation/{note}", who)
        assert (refused.status_code, refused.json()["resourceType"]) == (403, "OperationOutcome")
    assert "Observation.cruds" not in world.app.answer["scope"]
    sent = world.door.ask("PUT", "/fhir/Patient?identifier=a|b", who, json={"resourceType": "Patient"})
    assert sent.status_code == 403
    for address in ("/dicom-web/studies", "/live/", "/viewer/"):  # these know sessions and machines alone
        assert world.status(address, who) in (302, 401, 403, 404)


def test_a_token_never_opens_more_than_its_person_may_see_now(world: World) -> None:
    other = make.patient(world.stage, given_name="Ines", birth_date=datetime.date(1999, 9, 9))
    patients.open_for_care(other.id, place=world.stage.regional, source=uuid4(), because="tests", by=SYSTEM)
    who = world.app.let_in(world.amel, "user/*.rs launch/patient patient/*.rs", other.id)
    assert world.status(f"/fhir/Patient/{other.id}", who) == 200
    line = Access.objects.filter(patient=other.id, what="record.Patient").latest("created_at")
    assert (line.actor, line.ground) == (f"person:{world.stage.amel.id}", "care")
    assert line.actor_name == f"{world.stage.amel.name} · Growth"
    assert world.ids("/fhir/Patient?_lastUpdated=ge2020", who) == world.ids(
        "/fhir/Patient?_lastUpdated=ge2020", world.amel
    )
    CareRelationship.objects.filter(patient=other.id).update(ends_at=timezone.now())
    assert world.status(f"/fhir/Patient/{other.id}", who) == 404
    post = Post.objects.get(person=world.stage.amel.id)
    period = post.period
    Post.objects.filter(id=post.id).update(period=(period.lower, timezone.now()))
    try:
        gate._grants.clear()  # as a minute later
        assert world.status("/fhir/Patient", who) == 403
    finally:
        Post.objects.filter(id=post.id).update(period=period)


def test_an_app_is_opened_from_the_patients_page_once_by_its_person(world: World) -> None:
    page = world.door.get(f"/patients/{world.rim}/", world.amel)
    assert "Ouvrir dans Appli Growth" in page.text
    form = {"app": str(world.app.key), "patient": str(world.rim), "csrfmiddlewaretoken": "c" * 32}

    def opens(who: Who) -> Any:  # noqa: ANN401
        cookie = {"cookie": f"{who['cookie']}; csrftoken={'c' * 32}"}
        return world.door.ask("POST", "/oauth/launch/", cookie, data=form, headers={"referer": HOST})

    assert opens(world.zied).status_code == 404
    address = opens(world.amel).headers["refresh"].removeprefix("0; url=")
    assert address.startswith("https://app.example/launch?iss=http%3A%2F%2Ftestserver%2Ffhir&launch=")
    assert str(world.rim) not in address
    launch, scope = address.rpartition("launch=")[2], "launch patient/*.rs"
    other = registered(world.door, "Thief")
    assert smart.back(other.asks(world.amel, scope=scope, launch=launch))["error"] == "invalid_request"
    assert smart.back(world.app.asks(world.zied, scope=scope, launch=launch))["error"] == "invalid_request"
    assert "Ayadi" in world.app.asks(world.amel, scope=scope, launch=launch).text
    who = world.app.let_in(world.amel, scope, launch=launch)
    assert (world.app.answer["patient"], world.ids("/fhir/Patient?_lastUpdated=ge2020", who)) == (
        str(world.rim),
        [str(world.rim)],
    )
    assert (
        smart.back(world.app.asks(world.amel, {"allow": "1"}, scope=scope, launch=launch))["error"] == "invalid_request"
    )
    late = opens(world.amel).headers["refresh"].rpartition("launch=")[2]
    Launch.objects.filter(used_at=None).update(until=timezone.now())
    assert smart.back(world.app.asks(world.amel, scope=scope, launch=late))["error"] == "invalid_request"
    accounts_services.revoke_client(other.key, by=SYSTEM)
    assert "Thief" not in world.door.get(f"/patients/{world.rim}/", world.amel).text


def test_a_client_hears_of_its_own_tokens_and_gives_them_back(world: World) -> None:
    app, other = (registered(world.door, name, public=False) for name in ("Server", "Another"))
    who = app.let_in(world.amel, f"{READS} offline_access", world.rim)
    given = {"token": app.answer["access_token"]}

    def told(by: App) -> Any:  # noqa: ANN401
        sent = given | {"client_id": by.client, "client_secret": by.secret}
        return world.door.ask("POST", "/oauth/introspect/", data=sent).json()

    assert (told(app)["active"], told(app)["patient"], told(app)["sub"]) == (
        True,
        str(world.rim),
        str(world.stage.amel.id),
    )
    assert told(other) == {"active": False}
    assert world.status("/oauth/introspect/", {}, "POST", data=given) == 401
    for one, opens in ((other, 200), (app, 401)):
        world.door.ask("POST", "/oauth/revoke/", data=given | {"client_id": one.client, "client_secret": one.secret})
        gate._grants.clear()
        assert world.status(f"/fhir/Patient/{world.rim}", who) == opens
    assert told(app) == {"active": False}
    assert app.fetches(grant_type="refresh_token", refresh_token=app.answer["refresh_token"]).status_code == 400
    who = app.let_in(world.amel, READS, world.rim)
    mine = Permit.objects.filter(client=app.key, ended_at=None).latest("created_at")
    page = world.door.get("/accounts/apps/", world.amel).text
    assert "Appli Server" in page and str(mine.id) in page and str(world.rim) not in page
    assert str(mine.id) not in world.door.get("/accounts/apps/", world.zied).text
    for person, status, opens in ((world.zied, 404, 200), (world.amel, 302, 401)):
        cookie = {"cookie": f"{person['cookie']}; csrftoken={'c' * 32}"}
        form = {"csrfmiddlewaretoken": "c" * 32}
        assert world.status(f"/accounts/apps/{mine.id}/end/", cookie, "POST", data=form) == status
        gate._grants.clear()
        assert world.status(f"/fhir/Patient/{world.rim}", who) == opens
    who = app.let_in(world.amel, READS, world.rim)
    accounts_services.revoke_client(app.key, by=SYSTEM)
    gate._grants.clear()
    assert world.status(f"/fhir/Patient/{world.rim}", who) == 401
    assert not Permit.objects.filter(client=app.key, ended_at=None).exists()


def test_pages_of_apps_may_read_and_others_not(world: World) -> None:
    who = world.app.let_in(world.amel, READS, world.rim)
    for origin, may in (("https://app.example", True), ("https://evil.example", False), ("null", False)):
        asked = {"origin": origin, "access-control-request-method": "GET"}
        before = world.door.ask("OPTIONS", f"/fhir/Patient/{world.rim}", headers=asked)
        read = world.door.get(f"/fhir/Patient/{world.rim}", who, headers={"origin": origin})
        fetched = world.door.ask("POST", "/oauth/token/", data={}, headers={"origin": origin})
        for answer in (before, read, fetched):
            assert (answer.headers.get("access-control-allow-origin") == origin) == may
            assert "access-control-allow-credentials" not in answer.headers


@pytest.fixture(scope="module")
def signer(world: World, django_db_blocker: DjangoDbBlocker) -> Signer:
    signer = Signer()
    with django_db_blocker.unblock():
        _, signer.client, _ = accounts_services.add_client(
            name="backend", scopes=["system/Observation.rs"], place=world.stage.regional, keys=signer.keys, by=SYSTEM
        )
    return signer


def proves(world: World, assertion: str, **more: str) -> Any:  # noqa: ANN401
    form = {
        "grant_type": "client_credentials", "scope": "system/Observation.rs", "client_assertion": assertion,
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    }  # fmt: skip
    return world.door.ask("POST", "/oauth/token/", data=form | more)


def test_a_machine_proves_itself_by_its_key_once_an_assertion(world: World, signer: Signer) -> None:
    assertion = signer.assertion()
    answer = proves(world, assertion)
    assert answer.status_code == 200, answer.text
    who = bearer(answer.json()["access_token"])
    assert len(world.ids("/fhir/Observation", who)) == 6
    assert world.status("/fhir/Patient", who) == 403
    assert proves(world, assertion).status_code == 401
    assert proves(world, signer.assertion(), scope="system/*.rs").json()["error"] == "invalid_scope"
    assert proves(world, signer.assertion(), scope="system/Observation.r").status_code == 200
    assert Proof.objects.count() == 3


@pytest.mark.parametrize(
    ("header", "claims"),
    [
        ({"alg": "none"}, {}), ({"kid": "two"}, {}), ({}, {"aud": f"{HOST}/fhir"}), ({}, {"aud": None}),
        ({}, {"iss": "somebody"}), ({}, {"sub": "somebody"}), ({}, {"exp": 1}), ({}, {"exp": 99_999_999_999}),
        ({}, {"exp": None}), ({}, {"exp": "soon"}), ({}, {"exp": True}), ({}, {"jti": None}), ({}, {"jti": "x" * 300}),
        ({}, {"jti": "\0" * 3_000}),
    ],
)  # fmt: skip
def test_an_assertion_that_is_not_as_it_has_to_be_proves_nothing(
    world: World, signer: Signer, header: dict[str, str], claims: dict[str, object]
) -> None:
    assert proves(world, signer.assertion(header=header, **claims)).status_code == 401


def test_an_assertion_of_another_key_or_another_kind_proves_nothing(world: World, signer: Signer) -> None:
    stranger = JWK.generate(kty="EC", crv="P-384", kid="one")
    weak = JWK.generate(kty="oct", size=256, kid="one")
    assert proves(world, signer.assertion(key=stranger)).status_code == 401
    assert proves(world, signer.assertion(key=weak, header={"alg": "HS256"})).status_code == 401
    for text in ("", "a.b.c", "{}", "[" * 7_000, signer.assertion() + "x", "\0"):
        assert proves(world, text).status_code in (400, 401)
    assert proves(world, signer.assertion(), client_id="another").status_code == 401
    assert proves(world, signer.assertion(), client_assertion_type="urn:other").status_code == 401
    secretly = {"grant_type": "client_credentials", "client_id": signer.client, "client_secret": ""}
    assert world.door.ask("POST", "/oauth/token/", data=secretly).status_code == 401


def test_keys_at_an_address_are_fetched_with_care(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    signer = Signer()
    asked: list[str] = []
    said: dict[str, Any] = {"status": 200, "body": ""}

    class Keys(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(said["status"])
            self.send_header("location", "/elsewhere")
            self.end_headers()
            with contextlib.suppress(ConnectionError):
                self.wfile.write(str(said["body"]).encode())

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Keys) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        _, signer.client, secret = accounts_services.add_client(
            name="far keys", scopes=["system/*.rs"], keys_uri=f"http://127.0.0.1:{server.server_port}/keys", by=SYSTEM
        )
        assert secret == ""
        monkeypatch.setattr(assertions, "AGAIN_SECONDS", -1)
        for wrong in ({"status": 302}, {"body": "no"}, {"body": "[1]"}, {"body": '{"keys": 1}'}, {"body": "[" * 50_000},
                      {"body": signer.keys + " " * 70_000}, {"body": signer.keys, "status": 500}):  # fmt: skip
            said.update({"status": 200, "body": signer.keys} | wrong)
            assert proves(world, signer.assertion(), scope="system/*.rs").status_code == 401, wrong
        said.update(status=200, body=signer.keys)
        assert proves(world, signer.assertion(), scope="system/*.rs").status_code == 200
        before = len(asked)
        assert proves(world, signer.assertion(), scope="system/*.rs").status_code == 200
        assert len(asked) == before  # what is known is not asked again
        signer.key = JWK.generate(kty="RSA", size=2048, kid="two")
        said["body"] = signer.keys
        header = {"kid": "two", "alg": "RS384"}
        assert proves(world, signer.assertion(header=header), scope="system/*.rs").status_code == 200
        assert set(asked) == {"/keys"}
        server.shutdown()
