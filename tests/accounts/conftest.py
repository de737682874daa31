"""A mail server, a gateway, and people who are told things."""

from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest
from django.conf import settings

from tests.cast import Cast
from tests.post import Mailbox, Phone, mail_server, sms_gateway
from wasl.accounts import rules, services
from wasl.accounts.models import Message, Reach
from wasl.kernel.access import SYSTEM, Actor

KIND = "tests.thing"


@pytest.fixture(autouse=True)
def kind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(rules.KINDS, KIND, "A thing waits for you")


@pytest.fixture
def mailbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mailbox]:
    with mail_server() as box:
        for name, value in (("HOST", "127.0.0.1"), ("PORT", box.port), ("SECURITY", "none")):
            monkeypatch.setattr(settings, f"SMTP_{name}", value)
        yield box


@pytest.fixture
def phone(monkeypatch: pytest.MonkeyPatch) -> Iterator[Phone]:
    with sms_gateway() as opened:
        for name, value in (
            ("GATEWAY", "wasl.edges.messages.sms.JsonPost"), ("URL", opened.url), ("TOKEN", "secret"),
            ("BODY", '{"to": "{digits}", "text": "{text}", "id": "{id}", "unicode": "{unicode}", "parts": "{parts}"}'),
        ):  # fmt: skip
            monkeypatch.setattr(settings, f"SMS_{name}", value)
        yield opened


def confirmed(person: Actor, channel: str, address: str) -> Reach:
    """An address of a person's that was proved."""
    way = services.name_address(channel, address=address, by=person)
    assert services.confirm_address(channel, code=services.code_of(way), by=person)
    return way


def told(whom: Actor, *, source: UUID | None = None, urgent: bool = False) -> Message:
    """A person is told that a thing waits."""
    assert whom.id
    about = source or uuid4()
    return services.write_message(whom.id, kind=KIND, link="/accounts/reach/", source=about, urgent=urgent, by=SYSTEM)


@pytest.fixture
def stage(db: None) -> Cast:
    from tests.cast import cast

    return cast()
