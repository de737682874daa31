"""Messages: written once, seen by their person alone, read; addresses proved by codes."""

import datetime
from collections.abc import Callable
from functools import partial
from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.accounts.conftest import KIND, confirmed, told
from tests.at_once import at_once
from tests.browser import browser_of
from tests.cast import Cast, cast
from tests.post import Mailbox, Phone
from wasl.accounts import queries, rules, services
from wasl.accounts.models import Message, Person, Reach, Sending
from wasl.kernel.access import STRANGER, SYSTEM
from wasl.kernel.errors import NotAllowed, NotFound
from wasl.kernel.models import Fact

JOBS = "select scheduled_at, priority from procrastinate_jobs where task_name = 'messages.send_message' order by id"
CHANNELS = frozenset({"email", "sms"})


def facts(subject: UUID | None) -> list[str]:
    assert subject
    return [fact.name.split(".")[1] for fact in Fact.objects.filter(subject=subject).order_by("seq")]


def test_told_twice_it_is_one(stage: Cast) -> None:
    about = uuid4()
    first, second = (told(stage.amel, source=about) for _ in range(2))
    assert first == second == Message.objects.get()
    assert facts(first.id) == ["MessageWritten"]


def test_people_write_no_messages(stage: Cast) -> None:
    assert stage.amel.id
    with pytest.raises(NotAllowed):
        services.write_message(stage.amel.id, kind=KIND, link="/", source=uuid4(), by=stage.karim)


def test_only_declared_kinds_are_written(stage: Cast) -> None:
    assert stage.amel.id
    with pytest.raises(rules.UnknownKind):
        services.write_message(stage.amel.id, kind="tests.other", link="/", source=uuid4(), by=SYSTEM)


def test_a_message_is_its_persons_alone(stage: Cast) -> None:
    message = told(stage.amel, urgent=True)
    assert queries.messages(viewer=stage.amel).get() == message
    assert queries.unread_messages(viewer=stage.amel) == (1, True)
    for viewer in (stage.zied, stage.fatma, STRANGER):
        assert not queries.messages(viewer=viewer).exists()
        assert queries.unread_messages(viewer=viewer) == (0, False)
        assert queries.reaches(viewer=viewer) == {}
    with pytest.raises(NotFound):
        services.read_message(message.id, by=stage.zied)


def test_reading_is_a_fact_once(stage: Cast) -> None:
    message = told(stage.amel)
    for _ in range(2):
        assert services.read_message(message.id, by=stage.amel).read_at
    assert facts(message.id) == ["MessageWritten", "MessageRead"]
    assert queries.unread_messages(viewer=stage.amel) == (0, False)


def test_all_are_read_at_once_and_others_are_left(stage: Cast) -> None:
    for whom in (stage.amel, stage.amel, stage.zied):
        told(whom)
    assert services.read_messages(by=stage.amel) == 2
    assert services.read_messages(by=stage.amel) == 0
    assert facts(stage.amel.id).count("MessagesRead") == 1
    assert queries.unread_messages(viewer=stage.zied) == (1, False)


def test_it_goes_out_by_confirmed_and_chosen_channels_alone(stage: Cast, mailbox: Mailbox, phone: Phone) -> None:
    confirmed(stage.amel, "email", "amel@hopital.tn")
    services.name_address("sms", address="98123456", by=stage.amel)
    assert [s.channel for s in told(stage.amel).sendings.all()] == ["email"]
    services.choose_channels(channels=frozenset({"sms"}), by=stage.amel)
    assert not told(stage.amel).sendings.exists()


def test_where_nothing_is_set_up_there_is_no_channel(stage: Cast) -> None:
    assert queries.channels(viewer=stage.amel) == []
    with pytest.raises(rules.NoSuchChannel):
        services.name_address("email", address="amel@hopital.tn", by=stage.amel)
    assert not told(stage.amel).sendings.exists()


def test_quiet_hours_hold_back_what_is_not_urgent(stage: Cast, mailbox: Mailbox) -> None:
    confirmed(stage.amel, "email", "amel@hopital.tn")
    hour = timezone.localtime().time()
    begun = (datetime.datetime.combine(datetime.date(2026, 1, 2), hour) - datetime.timedelta(minutes=30)).time()
    ends = (datetime.datetime.combine(datetime.date(2026, 1, 2), hour) + datetime.timedelta(hours=6)).time()
    services.choose_channels(
        channels=CHANNELS, quiet_from=begun.replace(second=0), quiet_until=ends.replace(second=0), by=stage.amel
    )
    calm, urgent = told(stage.amel).sendings.get(), told(stage.amel, urgent=True).sendings.get()
    assert calm.due_at > urgent.due_at + datetime.timedelta(hours=5)
    with connection.cursor() as cursor:
        cursor.execute(JOBS)
        assert cursor.fetchall() == [(calm.due_at, 0), (urgent.due_at, 10)]


def test_an_address_is_proved_by_its_code(stage: Cast, mailbox: Mailbox) -> None:
    way = services.name_address("email", address="amel@hopital.tn", by=stage.amel)
    right = services.code_of(way)
    wrong = f"{(int(right) + 1) % 1_000_000:06d}"
    assert not services.confirm_address("email", code=wrong, by=stage.amel)
    assert Reach.objects.get().code_tries == 1
    assert services.confirm_address("email", code=f" {right} ", by=stage.amel)
    assert facts(way.id) == ["AddressNamed", "AddressConfirmed"]
    with pytest.raises(rules.CodeVoid):
        services.confirm_address("email", code=right, by=stage.amel)


def test_a_code_is_guessed_at_five_times_and_no_more(stage: Cast, mailbox: Mailbox) -> None:
    right = services.code_of(services.name_address("email", address="amel@hopital.tn", by=stage.amel))
    for n in range(1, 6):
        assert not services.confirm_address("email", code=f"{(int(right) + n) % 1_000_000:06d}", by=stage.amel)
    with pytest.raises(rules.CodeVoid):
        services.confirm_address("email", code=right, by=stage.amel)


def test_a_code_runs_out_and_another_is_not_sent_at_once(stage: Cast, mailbox: Mailbox) -> None:
    way = services.name_address("email", address="amel@hopital.tn", by=stage.amel)
    right = services.code_of(way)
    with pytest.raises(rules.CodeJustSent):
        services.name_address("email", address="other@hopital.tn", by=stage.amel)
    Reach.objects.update(code_at=timezone.now() - datetime.timedelta(minutes=16))
    with pytest.raises(rules.CodeVoid):
        services.confirm_address("email", code=right, by=stage.amel)
    newer = services.name_address("email", address="other@hopital.tn", by=stage.amel)
    assert not services.confirm_address("email", code=right, by=stage.amel) or services.code_of(newer) == right


def test_another_address_is_used_only_once_it_is_proved(stage: Cast, mailbox: Mailbox) -> None:
    confirmed(stage.amel, "email", "amel@hopital.tn")
    services.name_address("email", address="new@hopital.tn", by=stage.amel)
    assert not told(stage.amel).sendings.exists()


def test_nobody_confirms_for_another(stage: Cast, mailbox: Mailbox) -> None:
    code = services.code_of(services.name_address("email", address="amel@hopital.tn", by=stage.amel))
    with pytest.raises(NotFound):
        services.confirm_address("email", code=code, by=stage.zied)


def test_the_database_keeps_what_the_rules_say(stage: Cast) -> None:
    message = told(stage.amel)
    refused: dict[str, Callable[[], object]] = {
        "accounts_a_message_leads_into_wasl": partial(Message.objects.filter(id=message.id).update, link="//x"),
        "accounts_what_was_sent_says_when": partial(
            Sending.objects.create, message=message, channel="sms", state="sent", due_at=timezone.now()
        ),
        "accounts_quiet_hours_begin_and_end": partial(Person.objects.update, quiet_from=datetime.time(7)),
        "accounts_a_confirmed_address_waits_for_no_code": partial(
            Reach.objects.create, person_id=stage.amel.id, channel="sms", address="+21698123456",
            confirmed_at=timezone.now(), code_at=timezone.now(),
        ),
    }  # fmt: skip
    for name, act in refused.items():
        with pytest.raises(IntegrityError, match=name), transaction.atomic():
            act()


@pytest.mark.django_db(transaction=True)
def test_sixteen_who_tell_the_same_tell_it_once() -> None:
    stage, about = cast(), uuid4()
    assert at_once(*[partial(told, stage.amel, source=about)] * 16) == []
    message = Message.objects.get()
    assert facts(message.id) == ["MessageWritten"]
    assert at_once(*[partial(services.read_message, message.id, by=stage.amel)] * 16) == []
    assert facts(message.id) == ["MessageWritten", "MessageRead"]


@pytest.mark.django_db(transaction=True)
def test_guesses_at_the_same_moment_are_all_counted(mailbox: Mailbox) -> None:
    stage = cast()
    right = services.code_of(services.name_address("email", address="amel@hopital.tn", by=stage.amel))
    wrong = f"{(int(right) + 1) % 1_000_000:06d}"
    refused = at_once(*[partial(services.confirm_address, "email", code=wrong, by=stage.amel)] * 16)
    assert refused == ["CodeVoid"] * 11


@pytest.mark.parametrize("language", ["ar", "fr", "en"])
def test_the_pages(stage: Cast, language: str, mailbox: Mailbox, phone: Phone) -> None:
    browser = browser_of(stage.amel, language)
    assert browser.get("/accounts/messages/").status_code == 200
    assert browser.get("/accounts/reach/").status_code == 200
    message = told(stage.amel, urgent=True)
    assert str(message.id) in browser.get("/accounts/messages/?show=unread").content.decode()
    assert 'class="bell urgent"' in browser.get("/").content.decode()
    assert browser.get("/accounts/messages/bell/").status_code == 200
    opened = browser.get(f"/accounts/messages/{message.id}/")
    assert (opened.status_code, opened.headers["Location"]) == (302, "/accounts/reach/")
    assert str(message.id) not in browser.get("/accounts/messages/?show=unread").content.decode()
    told(stage.amel)
    assert browser.post("/accounts/messages/read/").status_code == 302
    assert 'class="bell"' in browser.get("/accounts/messages/bell/").content.decode()
    assert browser.post("/accounts/reach/sms/", {"address": "12"}).status_code == 422
    assert browser.post("/accounts/reach/sms/", {"address": "98 123 456"}).status_code == 302
    code = services.code_of(Reach.objects.get())
    assert browser.post("/accounts/reach/sms/code/", {"code": code}).status_code == 302
    assert "+21698123456" in browser.get("/accounts/reach/").content.decode()
    assert browser.post("/accounts/reach/", {"quiet_from": "22:00"}).status_code == 422
    chosen = {"channel": "sms", "quiet_from": "22:00", "quiet_until": "07:00"}
    assert browser.post("/accounts/reach/", chosen).status_code == 302
    assert Reach.objects.get().active


def test_many_messages_cost_no_more_queries(stage: Cast) -> None:
    browser = browser_of(stage.amel)
    counts = []
    for _ in range(2):
        told(stage.amel)
        browser.get("/accounts/messages/")
        with CaptureQueriesContext(connection) as seen:
            browser.get("/accounts/messages/")
        counts.append(len(seen))
        for _ in range(5):
            told(stage.amel)
    assert counts[0] == counts[1]
