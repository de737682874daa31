"""SMS through the gateway that `WASL_SMS_GATEWAY` names: a class with `send(letter)`, ours or another's."""

import json
import re
from typing import Any, Protocol, cast

import httpx
from django.conf import settings
from django.utils.module_loading import import_string

from wasl.edges.messages.ways import PATIENCE, Letter, NotSent

# 3GPP TS 23.038, 6.2.1: the letters of an SMS of 160; one other, as every Arabic one is, and it is of 70 (UCS-2)
GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
TWICE = frozenset("^{}\\[~]|€\f")  # the extension table: an escape and a letter
ONE_COPY = frozenset({400, 413, 422})  # what an answer says of this message, and not of us or the gateway


class Gateway(Protocol):
    """What sends SMS; it raises NotSent when one did not go, and writes neither number nor text anywhere."""

    def send(self, letter: Letter) -> None:
        """Send one."""


def gateway() -> Gateway:
    """The gateway that the settings name. Raises ImportError when there is none of that name."""
    return cast(Gateway, import_string(settings.SMS_GATEWAY)())


def is_plain(text: str) -> bool:
    """Whether a text needs no letter outside the default alphabet."""
    return GSM.union(TWICE).issuperset(text)


def parts(text: str) -> int:
    """In how many SMS a text goes: of 160 letters (153 when several), or of 70 UTF-16 units (67) in UCS-2."""
    if is_plain(text):
        length, one, each = len(text) + sum(letter in TWICE for letter in text), 160, 153
    else:
        length, one, each = len(text.encode("utf-16-be")) // 2, 70, 67
    return 1 if length <= one else -(-length // each)


class JsonPost:
    """A gateway that takes a JSON body (`WASL_SMS_BODY`) by HTTP POST, with the token as a bearer's."""

    def send(self, letter: Letter) -> None:
        """Send one; told twice, a gateway that heeds Idempotency-Key sends it once."""
        head = {"idempotency-key": letter.key, "user-agent": "Wasl"}
        if settings.SMS_TOKEN:
            head["authorization"] = f"Bearer {settings.SMS_TOKEN}"
        try:
            with httpx.Client(timeout=PATIENCE, headers=head, follow_redirects=False, trust_env=False) as client:
                answer = self.post(client, filled(json.loads(settings.SMS_BODY), letter))
        except httpx.HTTPError as error:
            raise NotSent(type(error).__name__) from None
        if not answer.is_success:
            raise NotSent(f"HTTP {answer.status_code}", final=answer.status_code in ONE_COPY)

    def post(self, client: httpx.Client, body: Any) -> httpx.Response:  # noqa: ANN401  whatever JSON the gateway takes
        """Ask the gateway."""
        return client.post(settings.SMS_URL, json=body)


class FormPost(JsonPost):
    """A gateway that takes the same fields as a form, `application/x-www-form-urlencoded`."""

    def post(self, client: httpx.Client, body: Any) -> httpx.Response:  # noqa: ANN401
        """Ask the gateway."""
        return client.post(settings.SMS_URL, data=body)


def filled(body: Any, letter: Letter) -> Any:  # noqa: ANN401
    """A body with its places filled: {to}, {digits} (without +), {text}, {id}; {unicode} and {parts} stand alone."""
    if isinstance(body, dict):
        return {name: filled(value, letter) for name, value in body.items()}
    if isinstance(body, list):
        return [filled(value, letter) for value in body]
    if not isinstance(body, str):
        return body
    alone = {"{unicode}": not is_plain(letter.text), "{parts}": parts(letter.text)}
    if body in alone:
        return alone[body]
    values = {"to": letter.to, "digits": letter.to.removeprefix("+"), "text": letter.text, "id": letter.key}
    return re.sub(r"\{(to|digits|text|id)\}", lambda found: values[found[1]], body)
