"""The ways in that need another party: a ministry's own sign-in over real HTTP, a passkey in a real browser."""

import base64
import http.server
import json
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from playwright.sync_api import sync_playwright

from tests.edges.scenes import PATIENCE, Command, environment, eventually, free_port, migrated_folder
from wasl.edges.cli.home import CHECKOUT
from wasl.edges.cli.postgres import Postgres

PEOPLE = """
import django; django.setup()
from wasl.accounts import services
from wasl.kernel.access import SYSTEM
person = services.add_person(username="rim", password=None, given_name="Rim", family_name="C", by=SYSTEM)
services.give_post(person.id, role="planner", place=None, by=SYSTEM)
person = services.add_person(
    username="nadia", password="a long way in 7", given_name="Nadia", family_name="B", language="en", by=SYSTEM
)
services.give_post(person.id, role="planner", place=None, by=SYSTEM)
"""
AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


class Provider(http.server.BaseHTTPRequestHandler):
    """An OpenID provider that says that whoever comes is `username` (OpenID Connect Core 1.0)."""

    username = "rim"
    secrets: list[str] = []

    def do_GET(self) -> None:
        """Discovery, the sign-in itself, and who it is."""
        where = urlsplit(self.path)
        own = f"http://{self.headers['host']}"
        if where.path == "/.well-known/openid-configuration":
            self._answer(
                {
                    "issuer": own,
                    "authorization_endpoint": f"{own}/authorize",
                    "token_endpoint": f"{own}/token",
                    "userinfo_endpoint": f"{own}/userinfo",
                    "token_endpoint_auth_methods_supported": ["client_secret_post"],
                }
            )
        elif where.path == "/authorize":
            asked = {name: values[0] for name, values in parse_qs(where.query).items()}
            self.send_response(302)
            back = urlencode({"code": "once", "state": asked["state"]})
            self.send_header("location", f"{asked['redirect_uri']}?{back}")
            self.end_headers()
        else:
            self._answer({"sub": f"number of {self.username}", "preferred_username": self.username})

    def do_POST(self) -> None:
        """The token."""
        asked = parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
        type(self).secrets.append(asked["client_secret"][0])
        self._answer({"access_token": base64.b64encode(b"token").decode(), "token_type": "bearer"})

    def _answer(self, what: dict[str, Any]) -> None:
        body = json.dumps(what).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def instance() -> Iterator[str]:
    """An instance that offers the provider's sign-in; its address."""
    provider = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Provider)
    serving = threading.Thread(target=provider.serve_forever)
    serving.start()
    port = str(free_port())
    with migrated_folder() as home:
        env = environment(
            home, WASL_HTTP_PORT=port, WASL_HTTP_WORKERS="1", WASL_OIDC_NAME="Ministry of Health",
            WASL_OIDC_ISSUER=f"http://127.0.0.1:{provider.server_port}", WASL_OIDC_CLIENT="wasl",
            WASL_OIDC_SECRET="between us", WASL_OIDC_SECOND_FACTOR="1", DJANGO_SETTINGS_MODULE="wasl.settings",
        )  # fmt: skip
        postgres = Postgres(home)
        postgres.ensure()
        subprocess.run([sys.executable, "-c", PEOPLE], cwd=CHECKOUT, env=env, check=True)
        with Command("serve", env=env) as server:
            assert eventually(lambda: answers(f"http://127.0.0.1:{port}")), server.said
            yield f"http://127.0.0.1:{port}"
        postgres.stop()
    provider.shutdown()
    provider.server_close()
    serving.join()


def answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/account/login/").status_code == 200
    except httpx.ConnectError:
        return False


def come_in(address: str) -> httpx.Response:
    """Press the ministry's button, and follow the way there and back."""
    with httpx.Client(
        base_url=address, follow_redirects=True, timeout=PATIENCE, headers={"accept-language": "en"}
    ) as browser:
        page = browser.get("/account/login/")
        assert "Ministry of Health" in page.text
        assert f"form-action 'self' {allowed_origin(page)}" in page.headers["content-security-policy"]
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)
        assert token
        return browser.post("/account/oidc/oidc/login/?process=login", data={"csrfmiddlewaretoken": token[1]})


def allowed_origin(page: httpx.Response) -> str:
    found = re.search(r"http://127\.0\.0\.1:\d+", page.headers["content-security-policy"])
    assert found
    return found[0]


def test_the_ministrys_identity_opens_the_account_that_exists(instance: str) -> None:
    Provider.username = "rim"
    for _ in range(2):  # the first time it is connected, the second it is known
        page = come_in(instance)
        assert page.status_code == 200
        assert "Welcome, Rim C" in page.text or "Bienvenue, Rim C" in page.text
    assert set(Provider.secrets) == {"between us"}


def test_the_ministrys_identity_makes_no_account(instance: str) -> None:
    Provider.username = "somebody"
    page = come_in(instance)
    assert page.url.path == "/account/login/"
    assert "No account of Wasl belongs to this identity." in page.text


def test_a_passkey_is_added_and_opens_without_a_password(instance: str) -> None:
    address = instance.replace("127.0.0.1", "localhost")  # a passkey belongs to a name, never to a number
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        context = browser.new_context(locale="en")
        context.set_default_timeout(1000 * PATIENCE)
        page = context.new_page()
        forbidden: list[str] = []
        page.on("console", lambda message: forbidden.append(message.text) if message.type == "error" else None)
        devices = context.new_cdp_session(page)
        devices.send("WebAuthn.enable")
        devices.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
        page.goto(f"{address}/account/login/")
        page.fill("#id_login", "nadia")
        page.fill("#id_password", "a long way in 7")
        page.keyboard.press("Enter")
        page.wait_for_url(f"{address}/")
        assert page.inner_text("h1") == "One step is missing"
        page.click("a[href$='/webauthn/add/']")
        page.check("#id_passwordless")
        page.click("#mfa_webauthn_add")
        page.wait_for_url("**/recovery-codes/")
        page.goto(address)
        assert page.inner_text("h1") == "Welcome, Nadia B"
        context.clear_cookies()
        page.goto(f"{address}/account/login/")
        page.click("#passkey_login")
        page.wait_for_url(f"{address}/")
        assert page.inner_text("h1") == "Welcome, Nadia B"
        assert not forbidden
        browser.close()
