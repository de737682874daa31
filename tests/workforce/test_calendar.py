"""The calendar of a reader's shifts, line by line against RFC 5545, and closed to who does not know its address."""

import re
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from tests.browser import browser_of
from tests.cast import Cast, cast
from tests.workforce import plan
from tests.workforce.plan import Reader
from wasl.accounts import services as accounts
from wasl.kernel.access import SYSTEM
from wasl.workforce import services
from wasl.workforce.models import Calendar, Group, Roster, Shift

pytestmark = pytest.mark.django_db
Lines = list[tuple[str, str]]
STAMP = re.compile(r"\d{8}T\d{6}Z")


@pytest.fixture
def stage() -> Cast:
    return cast()


@pytest.fixture
def leila(stage: Cast) -> Reader:
    return plan.leila(stage)


@pytest.fixture
def month(stage: Cast, leila: Reader) -> Roster:
    return plan.published(stage, leila, plan.reader(stage, 1))


def asked(secret: str, **headers: str) -> HttpResponse:
    return Client(headers=headers).get(reverse("workforce:calendar", args=[secret]))  # type: ignore[return-value]


def lines(body: bytes) -> Lines:
    """The content lines (RFC 5545, 3.1): ended by CRLF, of at most 75 octets, folded by a space; name and value."""
    assert body.endswith(b"\r\n")
    raw = body[:-2].split(b"\r\n")
    assert all(b"\n" not in line and b"\r" not in line for line in raw)
    assert all(len(line) <= 75 for line in raw)
    unfolded: list[bytes] = []
    for line in raw:
        if line.startswith((b" ", b"\t")):
            unfolded[-1] += line[1:]
        else:
            unfolded.append(line)
    found = []
    for line in unfolded:
        name, colon, value = line.decode("utf-8").partition(":")
        assert colon and re.fullmatch(r"[A-Z-]+(;[A-Z-]+=[^;:]+)*", name), line
        found.append((name, value))
    return found


def events(body: bytes) -> list[dict[str, str]]:
    """The events by their property names; a property stands once in an event."""
    found: list[dict[str, str]] = []
    for name, value in lines(body):
        if (name, value) == ("BEGIN", "VEVENT"):
            found.append({})
        elif found and name != "END":
            assert name not in found[-1], name
            found[-1][name] = value
    return found


def moment(text: str) -> datetime:
    assert STAMP.fullmatch(text), text
    return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


def of(body: bytes, shift: UUID) -> dict[str, str]:
    (found,) = (event for event in events(body) if event["UID"] == f"{shift}@wasl")
    return found


def test_the_calendar(month: Roster, stage: Cast, leila: Reader) -> None:
    answer = asked(services.renew_calendar(by=leila.actor))
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/calendar; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-store"
    written = lines(answer.content)
    assert (written[0], written[-1]) == (("BEGIN", "VCALENDAR"), ("END", "VCALENDAR"))
    head = dict(written[: written.index(("BEGIN", "VEVENT"))])
    assert (head["VERSION"], head["METHOD"], head["REFRESH-INTERVAL;VALUE=DURATION"]) == ("2.0", "PUBLISH", "PT1H")
    assert head["PRODID"]
    found = {event["UID"]: event for event in events(answer.content)}
    mine = {f"{row.id}@wasl": row for row in Shift.objects.filter(worker=leila.worker)}
    assert found.keys() == mine.keys()
    for uid, event in found.items():
        period = mine[uid].period
        assert (moment(event["DTSTART"]), moment(event["DTEND"])) == (period.lower, period.upper)
        assert (event["SEQUENCE"], event["STATUS"]) == ("0", "CONFIRMED")
        assert moment(event["DTSTAMP"]) <= datetime.now(UTC)
        assert event["SUMMARY"] in ("astreinte à domicile · Nuits du Nord", "lecture à distance · Nuits du Nord")
        assert event["LOCATION"] == "CHU El Amal"


def test_no_colleague_and_no_patient_is_named(month: Roster, leila: Reader) -> None:
    body = asked(services.renew_calendar(by=leila.actor)).content.decode()
    for name in ("Leila", "Haddad", "Yassine", "Riahi", "ليلى"):
        assert name not in body


def test_a_shift_that_went_to_a_colleague_is_cancelled(month: Roster, stage: Cast, leila: Reader) -> None:
    other = plan.reader(stage, 2)
    mine, theirs = services.renew_calendar(by=leila.actor), services.renew_calendar(by=other.actor)
    shift = plan.shift_of(leila, 3)
    before = of(asked(mine).content, shift.id)
    assert events(asked(theirs).content) == []
    swap = services.propose_swap(shift.id, colleague=other.worker, by=leila.actor)
    services.accept_swap(swap.id, by=other.actor)
    after = of(asked(mine).content, shift.id)
    assert (after["STATUS"], after["SEQUENCE"]) == ("CANCELLED", "1")
    changed = {name for name in before if before[name] != after[name]}
    assert changed - {"DTSTAMP", "LAST-MODIFIED"} == {"STATUS", "SEQUENCE"}
    (taken,) = events(asked(theirs).content)
    assert (taken["STATUS"], taken["SEQUENCE"], taken["DTSTART"]) == ("CONFIRMED", "0", before["DTSTART"])
    assert taken["UID"] != before["UID"]


def test_asked_twice_it_says_the_same(month: Roster, leila: Reader) -> None:
    secret = services.renew_calendar(by=leila.actor)
    assert asked(secret).content == asked(secret).content


def test_what_is_special_in_a_text_is_escaped(month: Roster, leila: Reader) -> None:
    name = "Nuits; jours, \\ et\nle reste, " + "très loin " * 9
    Group.objects.update(name_fr=name.strip())
    event = events(asked(services.renew_calendar(by=leila.actor)).content)[0]
    text = event["SUMMARY"].partition(" · ")[2]
    assert re.sub(r"\\(.)", lambda found: "\n" if found[1] in "nN" else found[1], text) == name.strip()
    assert re.fullmatch(r"([^;,\\\n]|\\[;,\\n])*", text)


def test_letters_of_several_octets_are_folded_whole(month: Roster, stage: Cast, leila: Reader) -> None:
    Group.objects.update(name_ar="ليالي الشمال والجنوب والشرق والغرب وما بينها من المدن والقرى والأرياف")
    accounts.change_preferences(language="ar", by=leila.actor)
    body = asked(services.renew_calendar(by=leila.actor)).content
    assert events(body)[0]["SUMMARY"].endswith("والقرى والأرياف")
    assert b"\r\n " in body
    for line in body.split(b"\r\n"):
        line.decode("utf-8")


def test_drafts_are_in_no_calendar(stage: Cast, leila: Reader) -> None:
    plan.fill(stage, services.draft_roster(plan.group(stage).id, month=plan.next_month(), by=stage.karim), leila)
    assert events(asked(services.renew_calendar(by=leila.actor)).content) == []


def test_what_is_long_past_leaves_the_calendar(month: Roster, leila: Reader) -> None:
    secret, shift = services.renew_calendar(by=leila.actor), plan.shift_of(leila, 0)
    count = len(events(asked(secret).content))
    for row in Shift.objects.filter(id=shift.id):
        long_ago = timedelta(days=200)
        row.period = type(row.period)(row.period.lower - long_ago, row.period.upper - long_ago)
        row.save()
    assert len(events(asked(secret).content)) == count - 1


def test_who_does_not_know_the_address_learns_nothing(month: Roster, stage: Cast, leila: Reader) -> None:
    first = services.renew_calendar(by=leila.actor)
    secret = services.renew_calendar(by=leila.actor)
    kept = bytes(Calendar.objects.get(revoked_at__isnull=True).digest)
    wrong = [first, secret[:-1], secret + "A", secret.swapcase(), kept.hex(), "x", "A" * 43, "%00", "é"]
    bodies = {asked(guess).content for guess in wrong}
    assert {asked(guess).status_code for guess in wrong} == {404}
    assert len(bodies) == 1, "all of them hear the same"
    services.revoke_calendar(by=leila.actor)
    assert (asked(secret).status_code, {asked(secret).content}) == (404, bodies)
    for method in ("post", "put", "delete", "patch"):
        assert getattr(Client(), method)(reverse("workforce:calendar", args=[secret])).status_code == 405


def test_who_left_has_no_calendar(month: Roster, stage: Cast, leila: Reader) -> None:
    secret = services.renew_calendar(by=leila.actor)
    assert leila.actor.id
    accounts.close_person(leila.actor.id, by=SYSTEM)
    assert asked(secret).status_code == 404


def test_the_address_is_shown_once(month: Roster, stage: Cast, leila: Reader) -> None:
    browser = browser_of(leila.actor, "fr")
    page = browser.post(reverse("workforce:renew_calendar")).content.decode()
    (address,) = re.findall(r'id="address">([^<]+)<', page)
    secret = address.rpartition("/")[2].removesuffix(".ics")
    assert asked(secret).status_code == 200
    mine = browser.get(reverse("workforce:my_shifts")).content.decode()
    assert secret not in mine
    assert bytes(Calendar.objects.get().digest) != secret.encode()
    browser.post(reverse("workforce:revoke_calendar"))
    assert asked(secret).status_code == 404
