"""Live pages over real HTTP: who may listen, what is told, and what is not."""

import contextlib
import http.client
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.edges.scenes import Command, environment, eventually, free_port, migrated_folder
from wasl.edges.cli.home import CHECKOUT
from wasl.edges.cli.postgres import Postgres

PEOPLE = """
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.conf import settings
from tests.cast import cast
from wasl.accounts.models import Person
cast()
for name in ("leila", "amel"):
    person = Person.objects.get(username=name)
    session = SessionStore()
    session[SESSION_KEY] = str(person.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = person.get_session_auth_hash()
    session.create()
    print(session.session_key)
"""
FACTS = """
import uuid
from django.db import transaction
from wasl.kernel.access import SYSTEM
from wasl.kernel.events import emit
from wasl.radiology.events import OrderSent, ReadingClaimed
of = dict(order=uuid.uuid4(), patient=uuid.UUID(int=77), place=uuid.uuid4())
with transaction.atomic():
    for n in range({claimed}):
        emit(ReadingClaimed(reading=uuid.uuid4(), reader=uuid.uuid4(), **of), by=SYSTEM)
    for n in range({sent}):
        emit(OrderSent(procedure="X", modality="CT", urgency="P1", **of), by=SYSTEM)
"""


@dataclass
class Instance:
    """A served instance: its environment, its database, two sessions, its server."""

    env: dict[str, str]
    postgres: Postgres
    leila: str
    amel: str
    server: Command

    def run(self, script: str) -> str:
        """Run Python in this instance."""
        words = [sys.executable, "-c", f"import django; django.setup()\n{script}"]
        env = {**self.env, "DJANGO_SETTINGS_MODULE": "wasl.settings"}
        done = subprocess.run(words, cwd=CHECKOUT, env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def tell(self, claimed: int = 0, sent: int = 0) -> None:
        """Commit facts."""
        self.run(FACTS.format(claimed=claimed, sent=sent))


@pytest.fixture(scope="module")
def instance() -> Iterator[Instance]:
    with migrated_folder() as home:
        env = environment(home, WASL_HTTP_PORT=str(free_port()), WASL_HTTP_WORKERS="1", WASL_DEMO="1")
        postgres = Postgres(home)
        postgres.ensure()
        with Command("serve", env=env) as server:
            made = Instance(env, postgres, "", "", server)
            made.leila, made.amel = made.run(PEOPLE).split()
            assert eventually(lambda: answers(made))
            yield made
            listening = Stream(made, "readings", made.leila)
            assert server.end() == 0, server.said  # an open page does not keep the server from its end
            assert eventually(lambda: listening.ended)
            assert "Traceback" not in server.said
        postgres.stop()


def answers(instance: Instance) -> bool:
    try:
        return status(instance, "/live/?topics=readings", "") == 401
    except ConnectionRefusedError:
        return False


def ask(instance: Instance, address: str, session: str) -> http.client.HTTPConnection:
    connection = http.client.HTTPConnection("127.0.0.1", int(instance.env["WASL_HTTP_PORT"]), timeout=60)
    connection.request("GET", address, headers={"Cookie": f"sessionid={session}"} if session else {})
    return connection


def status(instance: Instance, address: str, session: str) -> int:
    with contextlib.closing(ask(instance, address, session)) as connection:
        return connection.getresponse().status


class Stream:
    """A page that listens: what it was told until now."""

    def __init__(self, instance: Instance, topics: str, session: str) -> None:
        self.connection = ask(instance, f"/live/?topics={topics}", session)
        self.answer = self.connection.getresponse()
        assert self.answer.status == 200
        assert self.answer.headers["content-type"].startswith("text/event-stream")
        self.lines: list[str] = []
        self.ended = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        assert eventually(lambda: "retry: 3000" in self.lines)

    def _read(self) -> None:
        with contextlib.closing(self.connection), self.answer, contextlib.suppress(ValueError, OSError):
            for line in self.answer:  # a server that stops may cut the last chunk short
                self.lines.append(line.decode().rstrip())
        self.ended = True

    @property
    def told(self) -> list[str]:
        """The data of the events."""
        return [line.removeprefix("data: ") for line in self.lines if line.startswith("data: ")]


def test_only_people_with_a_post_may_listen(instance: Instance) -> None:
    assert status(instance, "/live/?topics=readings", "") == 401
    assert status(instance, "/live/?topics=readings", "no-such-session") == 401
    assert status(instance, "/live/?topics=salaries", instance.leila) == 400
    assert status(instance, "/live/", instance.leila) == 400
    assert status(instance, "/live/elsewhere", instance.leila) == 404


def test_a_page_hears_its_topics_and_nothing_of_patients(instance: Instance) -> None:
    readings, exams = Stream(instance, "readings", instance.leila), Stream(instance, "exams,images", instance.amel)
    instance.tell(sent=1)
    assert eventually(lambda: exams.told == ["exams"])
    instance.tell(claimed=1)
    assert eventually(lambda: readings.told == ["readings"])
    assert exams.told == ["exams"]
    assert set(readings.lines) <= {"", ":", "retry: 3000", "event: changed", "data: readings"}


def test_progress_moves_the_pages_that_show_it_and_is_no_fact(instance: Instance) -> None:
    moving, readings = Stream(instance, "images,coming", instance.leila), Stream(instance, "readings", instance.leila)
    script = """
from wasl.archive.services import hear
from wasl.kernel.access import SYSTEM
from wasl.kernel.models import Fact
before = Fact.objects.count()
hear(by=SYSTEM)
print(Fact.objects.count() - before)
"""
    assert instance.run(script) == "0\n"
    assert eventually(lambda: moving.told == ["coming,images"])
    assert readings.told == []


def test_many_facts_are_few_events(instance: Instance) -> None:
    both = Stream(instance, "exams,readings", instance.leila)
    instance.tell(claimed=200, sent=1)
    assert eventually(lambda: any("exams" in told for told in both.told))
    assert len(both.told) <= 3


def test_a_lost_database_is_found_again(instance: Instance) -> None:
    page = Stream(instance, "readings", instance.leila)
    instance.postgres.stop()
    instance.postgres.ensure()
    assert eventually(lambda: page.told == ["readings"])  # whatever was missed
    instance.tell(claimed=1)
    assert eventually(lambda: len(page.told) == 2)
    assert json.dumps(page.lines).count("00000000-0000-0000-0000-00000000004d") == 0
