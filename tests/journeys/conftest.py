"""One instance for all journeys, as an operator starts it: `wasl up` on its own data folder, with the cast on stage."""

import json
import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.edges.scenes import CHROMIUM, Command, environment, eventually, free_port, migrated_folder
from tests.journeys.machine import Machine
from tests.journeys.people import PATIENCE, Person, signed_in
from wasl.edges.cli.home import CHECKOUT

READY_WITHIN = 300.0  # seconds; the machine may be busy


@dataclass(frozen=True)
class Instance:
    """A running Wasl, its processes, the password of its people, and the orders that wait in it."""

    env: dict[str, str]
    up: Command
    password: str
    orders: dict[str, str]

    @property
    def address(self) -> str:
        """Where its pages are."""
        return f"http://127.0.0.1:{self.env['WASL_HTTP_PORT']}"


@pytest.fixture(scope="package")
def instance() -> Iterator[Instance]:
    """The country's instance, its cast on stage."""
    with migrated_folder() as home:
        ports = {"WASL_HTTP_PORT": str(free_port()), "WASL_DICOM_PORT": str(free_port())}
        env = environment(home, **ports, WASL_DEMO="1", WASL_QUIET_SECONDS="3")
        with Command("up", env=env) as up:
            ready = eventually(lambda: "Ctrl-C stops it." in up.said or up.process.poll() is not None, READY_WITHIN)
            assert ready and up.process.poll() is None, up.said
            password = secrets.token_urlsafe(16)
            yield Instance(env, up, password, _set_stage(env, password))
        assert "Traceback" not in up.said, up.said


def _set_stage(env: dict[str, str], password: str) -> dict[str, str]:
    """Run the stage in the instance's environment; the accession numbers of the orders that it leaves there."""
    command = [sys.executable, "-m", "tests.journeys.stage"]
    told = {**env, "STAGE_PASSWORD": password, "PYTHONPATH": str(CHECKOUT)}
    done = subprocess.run(command, cwd=CHECKOUT, env=told, capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stderr
    orders: dict[str, str] = json.loads(done.stdout)
    return orders


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Chromium, without a screen."""
    expect.set_options(timeout=PATIENCE)
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=program, args=CHROMIUM)
        yield opened
        opened.close()


@pytest.fixture
def machine(instance: Instance, tmp_path: Path) -> Machine:
    """The CT scanner of the regional hospital."""
    return Machine(int(instance.env["WASL_DICOM_PORT"]), tmp_path)


SignIn = Callable[..., Person]


@pytest.fixture
def at_desk(browser: Browser, instance: Instance) -> Iterator[SignIn]:
    """Let people sign in, each in a browser of their own, until the story ends."""
    with ExitStack() as stack:
        yield lambda name, **how: stack.enter_context(
            signed_in(browser, instance.address, name, instance.password, **how)
        )
