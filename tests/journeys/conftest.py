"""A journey's instance, its browser, and the windows in which people are signed in."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.edges.scenes import Command, data_folder, environment, eventually, free_port
from wasl.edges.cli.home import CHECKOUT
from wasl.edges.cli.postgres import Postgres

READY = "Ctrl-C stops it."
PASSWORD = "jasmin-olive-palmier-42"
# headless Chromium draws WebGL in software
FLAGS = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--disable-background-networking"]
FAILED = 500


@dataclass(frozen=True)
class Instance:
    """A running Wasl: its environment and the address of its pages."""

    env: dict[str, str]

    @property
    def address(self) -> str:
        """Where its pages are."""
        return f"http://127.0.0.1:{self.env['WASL_HTTP_PORT']}"

    @property
    def dicom_port(self) -> str:
        """Where its DICOM listener is."""
        return self.env["WASL_DICOM_PORT"]

    def ask(self, query: str) -> list[tuple[object, ...]]:
        """A question to its database."""
        with psycopg.connect(Postgres(Path(self.env["WASL_DATA"])).dsn, autocommit=True) as connection:
            return connection.execute(query.encode()).fetchall()


@pytest.fixture(scope="module")
def instance() -> Iterator[Instance]:
    """A real instance with its reference data and the cast, without the demo country."""
    with data_folder() as home:
        ports = {"WASL_HTTP_PORT": str(free_port()), "WASL_DICOM_PORT": str(free_port())}
        env = environment(home, **ports, WASL_DEMO="1", WASL_QUIET_SECONDS="2")
        with Command("up", env=env) as up:
            assert eventually(lambda: READY in up.said or up.process.poll() is not None, 300), up.said
            script = [sys.executable, "-m", "tests.journeys.stage", PASSWORD]
            dsn = {"WASL_DATABASE_URL": Postgres(home).dsn, "DJANGO_SETTINGS_MODULE": "wasl.settings"}
            subprocess.run(script, cwd=CHECKOUT, env={**env, **dsn, "PYTHONPATH": str(CHECKOUT)}, check=True)
            yield Instance(env)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, without a screen."""
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield opened
        opened.close()


class People:
    """The windows of the people who are signed in: one at the desk, one on the phone."""

    def __init__(self, browser: Browser, instance: Instance) -> None:
        self._browser, self._instance = browser, instance
        self._pages: dict[tuple[str, bool], Page] = {}
        self.wrong: list[str] = []

    def page(self, username: str, *, phone: bool = False) -> Page:
        """The window of a person, signed in the first time that it is asked for."""
        key = (username, phone)
        if key not in self._pages:
            width, height = (390, 844) if phone else (1440, 900)
            context = self._browser.new_context(
                viewport={"width": width, "height": height}, locale="fr", base_url=self._instance.address
            )
            self._pages[key] = self.window(context)
            self._sign_in(self._pages[key], username)
        return self._pages[key]

    def window(self, context: BrowserContext) -> Page:
        """One more window of the same browser, watched for what goes wrong in it."""
        page = context.new_page()
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on("response", lambda r: self.wrong.append(f"{r.status} {r.url}") if r.status >= FAILED else None)
        return page

    def crash(self, username: str) -> None:
        """The person's browser dies in the middle of everything."""
        page = self._pages.pop((username, False))
        page.context.close()

    def _sign_in(self, page: Page, username: str) -> None:
        page.goto("/")
        page.fill("input[name=login]", username)
        page.fill("input[name=password]", PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url(lambda url: "login" not in url)

    def close(self) -> None:
        """Close every window."""
        for page in self._pages.values():
            page.context.close()


@pytest.fixture(scope="module")
def people(browser: Browser, instance: Instance) -> Iterator[People]:
    """Everybody who takes part in the journey."""
    windows = People(browser, instance)
    yield windows
    windows.close()
