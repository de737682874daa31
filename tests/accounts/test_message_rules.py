"""Addresses, codes and quiet hours, without a database."""

import datetime

import pytest
from django.utils import timezone

from wasl.accounts import rules

NOW = datetime.datetime(2026, 11, 30, 23, 30, tzinfo=datetime.UTC)  # the last day of a month; tomorrow here


@pytest.mark.parametrize(
    ("channel", "country", "typed", "known"),
    [
        ("email", "TN", " leila@chu.tn ", "leila@chu.tn"),
        ("sms", "TN", "98 123 456", "+21698123456"), ("sms", "TN", "+216 98-123-456", "+21698123456"),
        ("sms", "TN", "0033612345678", "+33612345678"), ("sms", "DZ", "0550 12 34 56", "+213550123456"),
        ("sms", "DZ", "021 12 34 56", "+21321123456"),
    ],
)  # fmt: skip
def test_addresses_are_known_as_they_are_used(channel: str, country: str, typed: str, known: str) -> None:
    assert rules.known_address(channel, typed, country=country) == known


@pytest.mark.parametrize(
    ("channel", "typed"),
    [
        ("email", "leila"), ("email", ""), ("email", "a@b.tn\nBcc: c@d.tn"), ("sms", ""), ("sms", "98123"),
        ("sms", "+0123456789"), ("sms", "9812345٦"), ("sms", "+216 98 123 456; drop"), ("sms", "+1234567890123456"),
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused(channel: str, typed: str) -> None:
    with pytest.raises(rules.BadAddress):
        rules.known_address(channel, typed, country="TN")


@pytest.mark.parametrize(
    ("at", "since", "until", "due"),
    [
        ("12:00", None, None, "same"), ("12:00", "22:00", "07:00", "same"), ("22:00", "22:00", "07:00", "1 07:00"),
        ("23:59", "22:00", "07:00", "1 07:00"), ("00:00", "22:00", "07:00", "0 07:00"),
        ("06:59", "22:00", "07:00", "0 07:00"), ("07:00", "22:00", "07:00", "same"),
        ("13:30", "13:00", "14:00", "0 14:00"), ("14:00", "13:00", "14:00", "same"),
        ("12:59", "13:00", "14:00", "same"),
        ("00:10", "00:00", "06:00", "0 06:00"), ("23:30", "18:00", "00:00", "1 00:00"),
    ],
)  # fmt: skip
def test_what_is_not_urgent_waits_for_the_end_of_quiet_hours(
    at: str, since: str | None, until: str | None, due: str
) -> None:
    def time(text: str | None) -> datetime.time | None:
        return datetime.time.fromisoformat(text) if text else None

    day = datetime.date(2026, 11, 30)
    now = timezone.make_aware(datetime.datetime.combine(day, datetime.time.fromisoformat(at)))
    found = rules.due(now, quiet=(time(since), time(until)))
    if due == "same":
        assert found == now
    else:
        later, hour = due.split()
        then = datetime.datetime.combine(day, datetime.time.fromisoformat(hour)) + datetime.timedelta(days=int(later))
        assert found == timezone.make_aware(then)


def test_quiet_hours_are_local() -> None:
    here = timezone.localtime(NOW)
    found = rules.due(NOW, quiet=(datetime.time(here.hour), datetime.time(7)))
    assert timezone.localtime(found).date() == datetime.date(2026, 12, 1)


@pytest.mark.parametrize(("since", "until"), [("22:00", None), (None, "07:00"), ("07:00", "07:00")])
def test_quiet_hours_have_two_ends(since: str | None, until: str | None) -> None:
    with pytest.raises(rules.QuietHoursIncomplete):
        rules.check_quiet_hours(*(datetime.time.fromisoformat(text) if text else None for text in (since, until)))


@pytest.mark.parametrize(
    ("minutes", "tries", "holds"), [(0, 0, True), (14, 4, True), (16, 0, False), (1, 5, False), (None, 0, False)]
)
def test_a_code_holds_for_a_while_and_a_few_tries(minutes: int | None, tries: int, holds: bool) -> None:
    made = None if minutes is None else NOW - datetime.timedelta(minutes=minutes)
    if holds:
        rules.check_code_holds(made, tries, now=NOW)
    else:
        with pytest.raises(rules.CodeVoid):
            rules.check_code_holds(made, tries, now=NOW)


@pytest.mark.parametrize("link", ["", "orders/", "https://elsewhere.tn/", "//elsewhere.tn/", "/" + "x" * 200])
def test_a_message_leads_into_wasl(link: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(rules.KINDS, "tests.thing", "A thing")
    with pytest.raises(rules.LeadsElsewhere):
        rules.check_message("tests.thing", link)
