"""Lines that are silent for too long are told to whoever can mend them, once, and once that they carry again."""

import datetime
from functools import partial

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from tests.archive.test_transfers import link, told
from tests.at_once import at_once
from tests.browser import browser_of
from tests.cast import Cast, cast
from tests.hear import hear
from tests.radiology.escalating import person
from wasl.accounts.models import Gateway, Message
from wasl.accounts.services import revoke_gateway
from wasl.archive import queries
from wasl.archive import services as archive
from wasl.archive.listeners import look_at_lines
from wasl.archive.models import Link, Silence
from wasl.kernel.access import STRANGER, SYSTEM, Actor

MINUTE = datetime.timedelta(minutes=1)
ADDRESS = "https://centre.example"


@pytest.fixture
def stage(db: None) -> Cast:
    return cast()


def ago(minutes: float) -> datetime.datetime:
    return timezone.now() - minutes * MINUTE


def gateway(stage: Cast, *, seen: float | None) -> Gateway:
    at = None if seen is None else ago(seen)
    return Gateway.objects.create(name="Salle 2", place_id=stage.regional, seen_at=at)


def said(whom: Actor) -> list[tuple[str, str, bool]]:
    """What somebody was told of lines, where it leads, and whether at any hour."""
    rows = Message.objects.filter(person=whom.id, kind__startswith="archive.line").order_by("created_at")
    return list(rows.values_list("kind", "link", "urgent"))


def look() -> None:
    for _ in range(2):  # told again, nothing more is done
        look_at_lines(0)
    hear()


def test_a_link_that_does_not_answer_is_told_once_and_when_it_does(stage: Cast) -> None:
    to, there = link(place=stage.regional), reverse("archive:links")
    local = person("locale", "administrator", stage.regional)
    other = person("ailleurs", "administrator", stage.other)
    archive.note_link(to.id, error="ConnectError", by=SYSTEM)
    Link.objects.update(silent_since=ago(9))
    look()
    assert not Silence.objects.exists(), "it is cut for a moment, as lines are"
    Link.objects.update(silent_since=ago(10))
    look()
    silent = ("archive.line_silent", there, True)
    assert said(stage.fatma) == said(local) == [silent]
    assert said(other) == said(stage.karim) == said(stage.hatem) == []
    archive.note_link(to.id, error="", rate=9.0, by=SYSTEM)
    look()
    assert said(local) == said(stage.fatma) == [silent, ("archive.line_back", there, False)]
    assert (told("LineMissed"), told("LineHeard")) == (1, 1)
    # the next outage is another one; answered for a moment in between, it is one more
    for minutes in (30, 20):
        archive.note_link(to.id, error="", by=SYSTEM)
        archive.note_link(to.id, error="ReadTimeout", by=SYSTEM)
        Link.objects.update(silent_since=ago(minutes))
        look()
    assert [row.ended_at is None for row in Silence.objects.order_by("created_at")] == [False, False, True]
    assert [kind for kind, _link, _urgent in said(local)][2:] == [
        "archive.line_silent", "archive.line_back", "archive.line_silent",
    ]  # fmt: skip


def test_a_gateway_that_is_not_heard_is_told_too(stage: Cast) -> None:
    one, there = gateway(stage, seen=9), reverse("accounts:gateways")
    look()
    assert not Silence.objects.exists()
    Gateway.objects.update(seen_at=ago(11))
    look()
    assert said(stage.fatma) == [("archive.line_silent", there, True)]
    page = browser_of(stage.fatma, "en").get(there).content.decode()
    assert "silent since then" in page
    Gateway.objects.update(seen_at=timezone.now())
    look()
    assert said(stage.fatma)[1:] == [("archive.line_back", there, False)]
    assert "silent since then" not in browser_of(stage.fatma, "en").get(there).content.decode()
    assert Silence.objects.get().gateway_id == one.id


def test_nobody_waits_for_what_was_closed_or_never_joined(stage: Cast) -> None:
    never = gateway(stage, seen=None)
    look()
    assert not Silence.objects.exists()
    Gateway.objects.update(seen_at=ago(60))
    to = link(place=stage.regional)
    archive.note_link(to.id, error="ConnectError", by=SYSTEM)
    Link.objects.update(silent_since=ago(60))
    look()
    assert Silence.objects.filter(ended_at__isnull=True).count() == 2
    archive.close_link(to.id, by=stage.fatma)
    revoke_gateway(never.id, by=stage.fatma)
    look()
    assert not Silence.objects.filter(ended_at__isnull=True).exists()
    assert {kind for kind, _link, _urgent in said(stage.fatma)} == {"archive.line_silent"}


def test_strangers_and_what_cannot_be(stage: Cast) -> None:
    gateway(stage, seen=60)
    for viewer in (stage.zied, stage.fatma, STRANGER):
        assert queries.silent_lines(viewer=viewer) == []
        assert queries.silences_over(viewer=viewer) == {}
    assert queries.people_of_line(stage.regional, viewer=STRANGER) == []
    (line,) = queries.silent_lines(viewer=SYSTEM)
    silence = archive.miss_line(line, by=SYSTEM)
    assert silence is not None
    assert archive.miss_line(line, by=SYSTEM) is None
    to = link()
    for wrong in (
        {"gateway_id": silence.gateway_id}, {}, {"gateway_id": silence.gateway_id, "link": to},
        {"link": to, "ended_at": ago(120)},
    ):  # fmt: skip
        with transaction.atomic(), pytest.raises(IntegrityError):
            Silence.objects.create(since=ago(60), **wrong)


@pytest.mark.django_db(transaction=True)
def test_many_at_once_miss_a_line_once() -> None:
    gateway(cast(), seen=60)
    (line,) = queries.silent_lines(viewer=SYSTEM)
    assert at_once(*[partial(archive.miss_line, line, by=SYSTEM)] * 8) == []
    silence = Silence.objects.get()
    Gateway.objects.update(seen_at=timezone.now())
    assert at_once(*[partial(archive.hear_line, silence.id, by=SYSTEM)] * 8) == []
    assert (told("LineMissed"), told("LineHeard")) == (1, 1)
