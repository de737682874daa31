"""Messages sent by real workers: what a killed one had sent is sent again under the same name, and once for good."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from tests.edges.scenes import Command, environment, eventually, migrated_folder
from tests.post import mail_server
from wasl.edges.cli.doctor_messages import channels_finding
from wasl.edges.cli.home import CHECKOUT
from wasl.edges.cli.postgres import Postgres

TELL = """
from uuid import uuid4
from tests.cast import cast
from wasl.accounts import services
from wasl.kernel.access import SYSTEM
amel = cast().amel
way = services.name_address("email", address="amel@hopital.tn", by=amel)
services.confirm_address("email", code=services.code_of(way), by=amel)
services.write_message(amel.id, kind="radiology.critical_result", link="/radiology/results/", source=uuid4(), by=SYSTEM)
"""
STATE = "from wasl.accounts.models import Sending; print(*Sending.objects.values_list('state', flat=True))"


def run(env: dict[str, str], script: str) -> str:
    """Run Python in an instance."""
    words = [sys.executable, "-c", f"import django; django.setup()\n{script}"]
    env = {**env, "DJANGO_SETTINGS_MODULE": "wasl.settings"}
    done = subprocess.run(words, cwd=CHECKOUT, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_what_a_killed_worker_sent_bears_the_same_name_when_it_goes_again() -> None:
    with migrated_folder() as home, mail_server() as box:
        postgres = Postgres(home)
        postgres.ensure()
        env = environment(
            Path(home), WASL_DEMO="1", WASL_HEARTBEAT_SECONDS="1", WASL_SMTP_HOST="127.0.0.1",
            WASL_SMTP_PORT=str(box.port), WASL_SMTP_SECURITY="none",
        )  # fmt: skip
        run(env, TELL)
        box.takes.clear()
        with Command("work", env=env) as work:
            assert eventually(lambda: len(box.letters) == 1), work.said
            os.kill(work.process.pid, signal.SIGKILL)  # it went, and nobody has written that down
            assert eventually(lambda: work.process.poll() is not None)
        box.takes.set()
        assert run(env, STATE) == "waiting"
        with Command("work", env=env) as work:
            assert eventually(lambda: run(env, STATE) == "sent"), work.said
            assert work.end() == 0, work.said
            assert "amel@hopital.tn" not in work.said
        letters = [letter for letter in box.letters if "critique" in str(letter["Subject"])]
        assert len(letters) == 2
        assert len({letter["Message-ID"] for letter in letters}) == 1
        postgres.stop()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changed", "wrong"),
    [
        ({}, ""), ({"SMTP_HOST": "mail.example.org"}, ""),
        ({"SMTP_HOST": "mail.example.org", "SMTP_SECURITY": "ssl"}, "WASL_SMTP_SECURITY"),
        ({"SMS_GATEWAY": "wasl.edges.messages.sms.FormPost"}, ""),
        ({"SMS_GATEWAY": "no.such.Class"}, "WASL_SMS_GATEWAY"),
        ({"SMS_GATEWAY": "wasl.edges.messages.sms.JsonPost", "SMS_BODY": "{"}, "WASL_SMS_BODY"),
    ],
)  # fmt: skip
def test_the_doctor_looks_at_the_ways_out(changed: dict[str, str], wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in changed.items():
        monkeypatch.setattr(settings, name, value)
    found = channels_finding()
    assert bool(found.mend) is bool(wrong)
    assert wrong in found.what
