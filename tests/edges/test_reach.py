"""A post reaches no further than its place, and a look is logged where it was taken."""

import pytest
from asgiref.sync import async_to_sync
from django.conf import settings
from django.test import Client

from tests import make
from tests.cast import Cast, cast
from wasl.accounts import queries as accounts_queries
from wasl.accounts import rules as accounts_rules
from wasl.accounts import services as accounts
from wasl.accounts.models import Person
from wasl.archive import queries as archive_queries
from wasl.archive import services as archive
from wasl.contracts import queries as contracts
from wasl.edges import gate
from wasl.kernel.access import SYSTEM, Actor
from wasl.kernel.errors import NotAllowed
from wasl.patients import services as patients
from wasl.radiology.queries.turnaround import _visible as judged

pytestmark = pytest.mark.django_db


@pytest.fixture
def stage() -> Cast:
    gate._grants.clear()
    return cast()


def local(stage: Cast, role: str) -> Actor:
    """Zied, who now holds this role at his hospital too."""
    assert stage.zied.id
    accounts.give_post(stage.zied.id, role=role, place=stage.other, by=SYSTEM)
    return accounts_queries.actor_of(stage.zied.id, address="192.0.2.1")


def test_an_administrator_of_a_place_lets_no_machine_in_elsewhere(stage: Cast) -> None:
    zied = local(stage, "administrator")
    source = make.source(stage)
    with pytest.raises(NotAllowed):
        make.source(stage, ae_title="MINE", place=stage.regional, by=zied)
    with pytest.raises(NotAllowed):
        archive.close_source(source.id, by=zied)
    assert not archive_queries.sources(viewer=zied).filter(id=source.id).exists()
    own = make.source(stage, ae_title="MINE", place=stage.other, by=zied)
    assert list(archive_queries.sources(viewer=zied)) == [own]
    assert set(archive_queries.sources(viewer=stage.fatma)) == {own, source}
    archive.close_source(own.id, by=zied)
    archive.close_source(source.id, by=stage.fatma)


def test_an_administrator_of_a_place_makes_no_client_elsewhere(stage: Cast) -> None:
    zied = local(stage, "administrator")
    for place in (None, stage.regional):
        with pytest.raises(accounts_rules.NotYourPlace):
            accounts.add_client(name="spy", scopes=["fhir.read"], place=place, by=zied)
    other, _, _ = accounts.add_client(name="lab", scopes=["fhir.read"], place=stage.regional, by=SYSTEM)
    with pytest.raises(accounts_rules.NotYourPlace):
        accounts.revoke_client(other.id, by=zied)
    own, _, _ = accounts.add_client(name="own", scopes=["fhir.read"], place=stage.other, by=zied)
    accounts.revoke_client(own.id, by=zied)


def test_a_planner_of_a_place_judges_that_place(stage: Cast) -> None:
    assert judged(local(stage, "planner")) == frozenset({stage.other})
    assert judged(stage.hatem) is None
    assert "WHERE" not in str(contracts.acts(viewer=stage.hatem).query)
    assert str(stage.other.hex) in str(contracts.acts(viewer=local(stage, "chief")).query).replace("-", "")


def test_a_look_is_logged_at_the_place_chosen(stage: Cast) -> None:
    assert stage.zied.id
    accounts.give_post(stage.zied.id, role="requester", place=stage.regional, by=SYSTEM)
    patient = make.patient(stage)
    browser = Client()
    browser.force_login(Person.objects.get(id=stage.zied.id))
    cookie = browser.cookies[settings.SESSION_COOKIE_NAME].value
    for place in (stage.regional, stage.other):
        browser.post("/choose/place/", {"place": str(place)})
        browser.get(f"/patients/{patient.id}/")
        assert patient.accesses.latest("created_at").place == place
        gate._grants.clear()
        headers = [(b"cookie", f"{settings.SESSION_COOKIE_NAME}={cookie}".encode())]
        who = async_to_sync(gate.actor_of)({"headers": headers, "client": ("192.0.2.7", 1)})
        assert who.at == place
        patients.log_access(patient.id, what="archive.images", ground="card", by=who)
        assert patient.accesses.latest("created_at").place == place


def test_a_place_that_was_lost_is_not_where_one_is(stage: Cast) -> None:
    browser = Client()
    browser.force_login(Person.objects.get(username="zied"))
    session = browser.session
    session["place"] = str(stage.regional)
    session.save()
    assert browser.get("/").wsgi_request.actor.at == stage.other  # type: ignore[attr-defined]
    assert stage.hatem.at is None
