"""What goes out: to a real mail server and a real gateway, in the person's language, again while nobody takes it."""

import datetime
import json
import logging
from urllib.parse import parse_qs

import pytest
from django.conf import settings
from django.utils import timezone

from tests.accounts.conftest import confirmed, told
from tests.cast import Cast
from tests.post import Mailbox, Phone
from wasl.accounts import queries, rules, services
from wasl.accounts.models import Person, Reach, Sending
from wasl.edges.messages import sms
from wasl.edges.messages.errands import send_code, send_message
from wasl.edges.messages.ways import Letter, NotSent
from wasl.kernel.access import SYSTEM, Actor
from wasl.kernel.models import Fact

NUMBER = "+21698123456"


def speak(whom: Actor, language: str) -> None:
    assert whom.id
    Person.objects.filter(id=whom.id).update(language=language)


def sending(whom: Actor) -> Sending:
    return told(whom).sendings.get()


def test_an_email_says_where_to_sign_in_and_nothing_else(stage: Cast, mailbox: Mailbox) -> None:
    confirmed(stage.amel, "email", "amel@hopital.tn")
    speak(stage.amel, "en")
    row = sending(stage.amel)
    send_message(key=str(row.id))
    (letter,) = mailbox.letters
    assert mailbox.to == ["amel@hopital.tn"]
    assert letter["Subject"] == "Wasl: A thing waits for you"
    assert f"{settings.ADDRESS}/accounts/messages/{row.message_id}/" in letter.get_content()
    assert letter["Message-ID"].startswith(f"<{row.id}@")
    row.refresh_from_db()
    assert (row.state, row.tries) == ("sent", 1)
    assert row.sent_at
    assert Fact.objects.filter(name="accounts.MessageSent", subject=row.id).count() == 1


def test_sent_again_it_bears_the_same_name(stage: Cast, mailbox: Mailbox) -> None:
    """As after a process that died between the letter and the note of it."""
    confirmed(stage.amel, "email", "amel@hopital.tn")
    row = sending(stage.amel)
    send_message(key=str(row.id))
    Sending.objects.update(state="waiting", sent_at=None)
    send_message(key=str(row.id))
    assert len({letter["Message-ID"] for letter in mailbox.letters}) == 1
    send_message(key=str(row.id))
    assert len(mailbox.letters) == 2  # what is noted as sent is not sent


@pytest.mark.parametrize("language", ["ar", "fr", "en"])
def test_it_speaks_the_persons_language(stage: Cast, mailbox: Mailbox, phone: Phone, language: str) -> None:
    confirmed(stage.amel, "sms", NUMBER)
    speak(stage.amel, language)
    way = services.name_address("email", address="amel@hopital.tn", by=stage.amel)
    send_code(key=str(way.id))
    assert services.code_of(way) in mailbox.letters[0].get_content()
    send_message(key=str(sending(stage.amel).id))
    assert settings.ADDRESS in json.loads(phone.asked[-1][1])["text"]


def test_a_gateway_is_asked_as_the_settings_say(stage: Cast, phone: Phone) -> None:
    confirmed(stage.amel, "sms", NUMBER)
    row = sending(stage.amel)
    send_message(key=str(row.id))
    head, body = phone.asked[-1]
    assert head["authorization"] == "Bearer secret"
    assert head["idempotency-key"] == str(row.id)
    sent = json.loads(body)
    assert (sent["to"], sent["id"], sent["parts"]) == (NUMBER[1:], str(row.id), 1)


def test_a_gateway_may_take_a_form(stage: Cast, phone: Phone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "SMS_GATEWAY", "wasl.edges.messages.sms.FormPost")
    confirmed(stage.amel, "sms", NUMBER)
    send_message(key=str(sending(stage.amel).id))
    assert parse_qs(phone.asked[-1][1].decode())["to"] == [NUMBER[1:]]


@pytest.mark.parametrize(
    ("channel", "says", "final", "error"),
    [
        ("email", b"451 later", False, "SMTP 451"), ("email", b"550 nobody", True, "SMTP 550"),
        ("sms", 503, False, "HTTP 503"), ("sms", 401, False, "HTTP 401"), ("sms", 422, True, "HTTP 422"),
    ],
)  # fmt: skip
def test_what_is_not_taken_is_tried_again_or_given_up(
    stage: Cast, mailbox: Mailbox, phone: Phone, channel: str, says: bytes | int, final: bool, error: str
) -> None:
    confirmed(stage.amel, channel, "amel@hopital.tn" if channel == "email" else NUMBER)
    if isinstance(says, bytes):
        mailbox.says = says
    else:
        phone.status = says
    row = sending(stage.amel)
    if final:
        send_message(key=str(row.id))
    else:
        with pytest.raises(NotSent):
            send_message(key=str(row.id))
    row.refresh_from_db()
    assert (row.state, row.last_error, row.tries) == ("given_up" if final else "failed", error, 1)
    mailbox.says, phone.status = b"", 202
    send_message(key=str(row.id))
    row.refresh_from_db()
    assert row.state == ("given_up" if final else "sent")


def test_it_is_given_up_after_a_day_and_seen(stage: Cast, mailbox: Mailbox) -> None:
    confirmed(stage.amel, "email", "amel@hopital.tn")
    mailbox.says = b"451 later"
    row = sending(stage.amel)
    Sending.objects.update(due_at=timezone.now() - datetime.timedelta(hours=25))
    send_message(key=str(row.id))
    assert [lost.channel for lost in queries.messages(viewer=stage.amel).get().lost] == ["email"]  # type: ignore[attr-defined]
    assert queries.sendings_by_channel(viewer=SYSTEM) == {"email": {"waiting": 0, "failed": 0, "given_up": 1}}
    assert queries.sendings_by_channel(viewer=stage.amel)["email"]["given_up"] == 0


@pytest.mark.parametrize("meanwhile", ["read", "closed", "another address", "account closed"])
def test_what_is_not_needed_any_more_is_not_sent(stage: Cast, mailbox: Mailbox, meanwhile: str) -> None:
    confirmed(stage.amel, "email", "amel@hopital.tn")
    row = sending(stage.amel)
    if meanwhile == "read":
        services.read_message(row.message_id, by=stage.amel)
    elif meanwhile == "closed":
        services.choose_channels(channels=frozenset(), by=stage.amel)
    elif meanwhile == "another address":
        services.name_address("email", address="new@hopital.tn", by=stage.amel)
    else:
        assert stage.amel.id
        services.close_person(stage.amel.id, by=stage.fatma)
    send_message(key=str(row.id))
    row.refresh_from_db()
    assert row.state == "unneeded"
    assert not mailbox.letters


def test_a_code_that_ran_out_is_not_sent(stage: Cast, mailbox: Mailbox) -> None:
    way = services.name_address("email", address="amel@hopital.tn", by=stage.amel)
    Reach.objects.update(code_at=timezone.now() - datetime.timedelta(minutes=16))
    send_code(key=str(way.id))
    assert not mailbox.letters


@pytest.mark.parametrize(
    ("setting", "value"), [("SMS_GATEWAY", "nothing.of.this.Name"), ("SMS_BODY", "{"), ("SMS_URL", "no address")]
)
def test_neither_number_nor_words_enter_a_log(
    stage: Cast, phone: Phone, setting: str, value: str, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    confirmed(stage.amel, "sms", NUMBER)
    row = sending(stage.amel)
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr(settings, setting, value)
    with pytest.raises(NotSent) as failure:
        send_message(key=str(row.id))
    row.refresh_from_db()
    for text in (caplog.text, str(failure.value), row.last_error, repr(failure.value.__cause__)):
        assert NUMBER[1:] not in text
        assert "waits for you" not in text


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a" * 160, 1), ("a" * 161, 2), ("a" * 306, 2), ("a" * 307, 3), ("€" * 80, 1), ("€" * 81, 2),
        ("ن" * 70, 1), ("ن" * 71, 2), ("ن" * 134, 2), ("ن" * 135, 3), ("Résultat ’", 1), ("😀" * 35, 1), ("😀" * 36, 2),
    ],
)  # fmt: skip
def test_arabic_is_counted_in_ucs2(text: str, parts: int) -> None:
    assert sms.parts(text) == parts


def test_the_places_of_a_body_are_filled_once() -> None:
    letter = Letter(key="k", to="+216", subject="", text="{to} and {id}")
    body = {"to": ["{to}"], "data": {"text": "{text}", "n": 3, "u": "{unicode}", "key": "key-{id}"}}
    assert sms.filled(body, letter) == {
        "to": ["+216"], "data": {"text": "{to} and {id}", "n": 3, "u": False, "key": "key-k"}
    }  # fmt: skip


@pytest.mark.parametrize("language", ["ar", "fr", "en"])
def test_every_kind_is_said_in_two_sms_at_most(language: str) -> None:
    from django.utils.translation import gettext, override

    with override(language):
        for kind, title in rules.KINDS.items():
            text = gettext("Wasl: {what}. {address}").format(what=title, address="https://teleradiologie.sante.gov.tn")
            assert sms.parts(text) <= 2, kind
