"""An app as it comes to the door: it asks to be let in, fetches its tokens, reads."""

import base64
import hashlib
import json
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit
from uuid import UUID, uuid4

import httpx
from jwcrypto.jwk import JWK
from jwcrypto.jws import JWS

from tests.edges.foreign import HOST, Door
from wasl.accounts import services
from wasl.kernel.access import SYSTEM

Who = dict[str, str]
BACK = "https://app.example/back"
VERIFIER = "a-verifier-that-nobody-guesses-because-it-is-long-enough"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
FORM = {"content-type": "application/x-www-form-urlencoded"}
ALL = ("patient/*.cruds", "user/*.cruds", "openid", "fhirUser", "profile", "launch", "launch/patient", "offline_access")


@dataclass
class App:
    """A registered app, and the door that it comes to."""

    door: Door
    key: UUID
    client: str
    secret: str = ""
    answer: dict[str, Any] = field(default_factory=dict)

    def address(self, **changes: str) -> str:
        """Where a person is asked to let it in."""
        asked = {
            "response_type": "code", "client_id": self.client, "redirect_uri": BACK, "scope": "launch/patient",
            "state": "of-the-app", "aud": f"{HOST}/fhir", "code_challenge": CHALLENGE, "code_challenge_method": "S256",
        }  # fmt: skip
        return "/oauth/authorize/?" + urlencode({name: value for name, value in (asked | changes).items() if value})

    def asks(self, who: Who | None, form: dict[str, str] | None = None, **changes: str) -> httpx.Response:
        """The page, or what comes of the form on it."""
        if form is None:
            return self.door.get(self.address(**changes), who)
        cookie = {"cookie": f"{(who or {}).get('cookie', '')}; csrftoken={'c' * 32}"}
        return self.door.ask(
            "POST", self.address(**changes), cookie, data={**form, "csrfmiddlewaretoken": "c" * 32},
            headers={"referer": HOST},
        )  # fmt: skip

    def code(self, who: Who, scope: str, patient: UUID | None = None, **changes: str) -> str:
        """The code that it is given when somebody lets it in."""
        form = {"allow": "1"} | ({"patient": str(patient)} if patient else {})
        answer = self.asks(who, form, scope=scope, **changes)
        assert answer.status_code == 302, answer.text[:3000]
        said = back(answer)
        assert said["state"] == "of-the-app"
        return said["code"]

    def fetches(self, **form: str) -> httpx.Response:
        """A token, or what is said instead."""
        asked = {"client_id": self.client} | ({"client_secret": self.secret} if self.secret else {})
        return self.door.ask("POST", "/oauth/token/", data=asked | form)

    def redeems(self, code: str, **changes: str) -> httpx.Response:
        """What comes of a code."""
        asked = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK, "code_verifier": VERIFIER}
        return self.fetches(**{name: value for name, value in (asked | changes).items() if value})

    def let_in(self, who: Who, scope: str, patient: UUID | None = None, **changes: str) -> Who:
        """The bearer token that it reads with."""
        answer = self.redeems(self.code(who, scope, patient, **changes))
        assert answer.status_code == 200, answer.text
        self.answer = answer.json()
        return bearer(self.answer["access_token"])


def bearer(token: str) -> Who:
    """A token as a request carries it."""
    return {"authorization": f"Bearer {token}"}


def back(answer: httpx.Response) -> dict[str, str]:
    """What the address says to which the person returns."""
    where = urlsplit(answer.headers["location"])
    assert f"{where.scheme}://{where.netloc}{where.path}" == BACK
    return {name: values[0] for name, values in parse_qs(where.query).items()}


def registered(door: Door, name: str, *scopes: str, public: bool = True, **more: Any) -> App:  # noqa: ANN401
    """An app that an administrator registered."""
    client, key, secret = services.add_app(
        name=name, titles=(f"تطبيق {name}", f"Appli {name}", f"App {name}"), redirects=[BACK], scopes=scopes or ALL,
        launch_uri="https://app.example/launch", public=public, by=SYSTEM, **more,
    )  # fmt: skip
    return App(door, client.id, key, secret)


@dataclass
class Signer:
    """A machine that proves itself by a key."""

    client: str = ""
    key: JWK = field(default_factory=lambda: JWK.generate(kty="EC", crv="P-384", kid="one"))

    @property
    def keys(self) -> str:
        """Its public key, as it is registered."""
        return json.dumps({"keys": [self.key.export_public(as_dict=True)]})

    def assertion(self, *, key: JWK | None = None, header: dict[str, str] | None = None, **changes: object) -> str:
        """A proof that holds, but for what is changed."""
        claims = {
            "iss": self.client, "sub": self.client, "aud": f"{HOST}/oauth/token/", "exp": int(time.time()) + 200,
            "jti": str(uuid4()),
        }  # fmt: skip
        head = {"alg": "ES384", "kid": "one", "typ": "JWT"} | (header or {})
        body = json.dumps({name: value for name, value in (claims | changes).items() if value is not None})
        if head["alg"] == "none":
            parts = (base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode() for text in (json.dumps(head), body))
            return ".".join((*parts, ""))
        signed = JWS(body)
        signed.allowed_algs = [head["alg"]]
        signed.add_signature(key or self.key, None, json.dumps(head), None)
        return str(signed.serialize(compact=True))
