"""The FHIR service under its real server, and the commands that follow the journal beside it."""

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest
from django.conf import settings
from psycopg.conninfo import make_conninfo
from pytest_django.plugin import DjangoDbBlocker

from tests import make
from tests.cast import Cast, cast
from tests.edges.foreign import session, token
from tests.edges.scenes import PATIENCE, Command, environment, eventually, free_port
from tests.tables import empty_tables
from wasl.radiology import services as radiology
from wasl.record.models import Entry, Version

pytestmark = pytest.mark.django_db


def here(**more: str) -> dict[str, str]:
    """The environment of a command that works on the tests' own database."""
    database = make_conninfo(os.environ["WASL_DATABASE_URL"], dbname=str(settings.DATABASES["default"]["NAME"]))
    return environment(settings.DATA, WASL_DATABASE_URL=database, WASL_DEMO="1", **more)


@dataclass
class Served:
    """The server, whom it knows, and how to ask it."""

    stage: Cast
    client: httpx.Client


@pytest.fixture(scope="module")
def server(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[tuple[Cast, str]]:
    """The cast, committed, and the address of a server that knows it."""
    port = str(free_port())
    with (
        django_db_blocker.unblock(),
        Command("serve", env=here(WASL_HTTP_PORT=port, WASL_HTTP_WORKERS="2")) as server,
        httpx.Client(base_url=(address := f"http://127.0.0.1:{port}/fhir"), timeout=PATIENCE) as client,
    ):
        assert eventually(lambda: answers(client)), server.said
        yield cast(), address
        assert server.end() == 0
        assert "Traceback" not in server.said
        empty_tables()


@pytest.fixture
def _django_db_helper(server: tuple[Cast, str], django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """In place of pytest-django's own: what a test commits stays for the others of this file."""
    with django_db_blocker.unblock():
        yield


@pytest.fixture
def served(server: tuple[Cast, str], db: None) -> Iterator[Served]:
    stage, address = server
    with httpx.Client(base_url=address, timeout=60) as client:
        yield Served(stage, client)


def answers(client: httpx.Client) -> bool:
    try:
        return client.get("/metadata").status_code == 200
    except httpx.ConnectError:
        return False


def test_what_a_verb_committed_is_readable_at_once_through_every_worker(served: Served) -> None:
    served.client.headers.update(session(served.stage.amel))
    for _ in range(10):
        order = make.order(served.stage)
        answer = served.client.get(f"/ServiceRequest/{order.id}")
        assert answer.status_code == 200
        assert answer.content == Entry.objects.get(type="ServiceRequest", id=order.id).body.encode()
        radiology.cancel_order(order.id, because="asked by mistake", by=served.stage.amel)
        answer = served.client.get(f"/ServiceRequest/{order.id}")
        assert (answer.json()["status"], answer.headers["etag"]) == ("revoked", 'W/"2"')
        first = served.client.get(f"/ServiceRequest/{order.id}/_history/1")
        assert first.content == Version.objects.get(resource=order.id, version=1).body.encode()


def test_a_machine_searches_over_the_wire(served: Served) -> None:
    order = make.order(served.stage)
    served.client.headers.update(token("laboratory", "system/*.read", place=served.stage.regional))
    found = served.client.get("/ServiceRequest", params={"patient": str(order.patient_id), "status": "active"}).json()
    assert [entry["resource"]["id"] for entry in found["entry"]] == [str(order.id)]
    assert found["entry"][0]["fullUrl"] == f"{str(served.client.base_url).rstrip('/')}/ServiceRequest/{order.id}"
    posted = served.client.post("/ServiceRequest/_search", data={"identifier": order.accession}).json()
    assert [entry["resource"]["id"] for entry in posted["entry"]] == [str(order.id)]


def test_strangers_get_the_statement_and_nothing_else(served: Served) -> None:
    order = make.order(served.stage)
    assert served.client.get("/metadata").json()["fhirVersion"] == "4.0.1"
    for address in (f"/ServiceRequest/{order.id}", "/Organization", "/Patient"):
        assert served.client.get(address).status_code == 401


def test_facts_are_followed_as_they_are_committed(served: Served) -> None:
    stage = served.stage
    order = make.order(stage)
    with Command("facts", "--patient", str(order.patient_id), "--follow", env=here()) as following:
        assert following.says("radiology.OrderSent"), following.said
        make.order(stage)
        radiology.cancel_order(order.id, because="asked by mistake", by=stage.amel)
        assert following.says("radiology.OrderCancelled"), following.said
        assert following.end(signal.SIGINT) == 0
    assert following.said.count("radiology.OrderSent") == 1, "another patient's order is not told"
    assert "mistake" not in following.said
    assert "Salma" not in following.said
