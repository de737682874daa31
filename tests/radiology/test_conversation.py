"""Conversations about cases: who may speak, what is kept for good, who saw it, and whom it is told to."""

import re
from functools import partial
from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError, transaction

from tests import make
from tests.at_once import at_once
from tests.browser import browser_of
from tests.cast import Cast, cast
from tests.hear import hear
from wasl.accounts.models import Message
from wasl.kernel.access import STRANGER, SYSTEM, Actor
from wasl.kernel.errors import NotAllowed, NotFound
from wasl.kernel.models import Fact
from wasl.patients.models import Access
from wasl.radiology import queries, services
from wasl.radiology.models import Reading, Remark, RemarkSeen
from wasl.radiology.rules import conversation as rules

SAID = "Le patient est-il sous anticoagulants ?"


@pytest.fixture
def stage(db: None) -> Cast:
    return cast()


@pytest.fixture
def case(stage: Cast) -> Reading:
    """What Leila is reading for Amel."""
    return services.claim_reading(make.reading(stage).id, by=stage.leila)


def facts(order: object) -> list[str]:
    names = [fact.name.split(".")[1] for fact in Fact.objects.filter(data__order=str(order)).order_by("seq")]
    return [name for name in names if "Remark" in name or "Call" in name]


@pytest.mark.parametrize(
    ("text", "kept"), [("  oui \r\n non ", "oui \n non"), ("x" * 2000, "x" * 2000), ("نعم", "نعم"), ("a\x00b", "ab")]
)
def test_words_are_kept_as_they_were_meant(text: str, kept: str) -> None:
    assert rules.words(text) == kept


@pytest.mark.parametrize(
    ("text", "refusal"), [("", rules.RemarkEmpty), (" \n\x00", rules.RemarkEmpty), ("x" * 2001, rules.RemarkTooLong)]
)
def test_words_that_are_none_or_too_many(text: str, refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        rules.words(text)


def test_both_sides_speak_in_turn(stage: Cast, case: Reading) -> None:
    services.write_remark(case.order_id, text=SAID, by=stage.leila)
    services.write_remark(case.order_id, text="Non.", by=stage.amel)
    services.write_remark(case.order_id, text="Merci à vous deux.", by=stage.karim)  # who heads the reader
    said = queries.remarks(case.order_id, viewer=stage.amel)
    assert [(row.number, row.author_id) for row in said] == [
        (1, stage.leila.id), (2, stage.amel.id), (3, stage.karim.id)
    ]  # fmt: skip
    assert facts(case.order_id) == ["RemarkWritten"] * 3
    told = Fact.objects.filter(name="radiology.RemarkWritten").earliest("seq")
    assert told.data["patient"] == str(case.patient_id)
    assert SAID not in str(told.data)


def test_who_has_no_part_in_it_neither_sees_nor_speaks(stage: Cast, case: Reading) -> None:
    services.write_remark(case.order_id, text=SAID, by=stage.leila)
    for viewer in (stage.zied, stage.hatem, stage.fatma, stage.sami, stage.nour, STRANGER):
        assert not queries.may_talk(case.order_id, viewer=viewer)
        for ask in (queries.remarks, queries.seen_by, queries.state_of_talk, queries.people_of_case):
            with pytest.raises(NotFound):
                ask(case.order_id, viewer=viewer)
        with pytest.raises((NotAllowed, NotFound)):
            services.write_remark(case.order_id, text="?", by=viewer)
        with pytest.raises((NotAllowed, NotFound)):
            services.see_remarks(case.order_id, upto=1, by=viewer)
    assert queries.first_unseen(case.order_id, person=stage.amel.id or uuid4(), viewer=stage.zied) is None


def test_a_call_says_who_called_whom(stage: Cast, case: Reading) -> None:
    assert stage.amel.id
    assert queries.may_be_called(case.order_id, viewer=stage.leila) == {stage.amel.id: "Amel Gharbi"}
    call = services.log_call(case.order_id, callee=stage.amel.id, reached=False, by=stage.leila)
    assert (call.kind, call.author_id, call.callee_id, call.reached) == ("call", stage.leila.id, stage.amel.id, False)
    told = Fact.objects.get(name="radiology.CallLogged")
    assert (told.data["callee"], told.data["reached"]) == (str(stage.amel.id), False)
    for stranger in (stage.zied.id, stage.leila.id):
        with pytest.raises(rules.NotInThisCase):
            services.log_call(case.order_id, callee=stranger or uuid4(), reached=True, by=stage.leila)


def test_seen_marks_bear_names_and_times(stage: Cast, case: Reading) -> None:
    for text in ("a", "b"):
        services.write_remark(case.order_id, text=text, by=stage.leila)
    first = services.see_remarks(case.order_id, upto=1, by=stage.amel)
    assert services.see_remarks(case.order_id, upto=1, by=stage.amel) is None
    second = services.see_remarks(case.order_id, upto=9, by=stage.amel)
    assert first
    assert second
    assert second.upto == 2
    assert queries.seen_by(case.order_id, viewer=stage.leila) == {1: [first], 2: [second]}
    assert facts(case.order_id).count("RemarksSeen") == 2


def test_nothing_is_changed_or_taken_back(stage: Cast, case: Reading) -> None:
    services.write_remark(case.order_id, text=SAID, by=stage.leila)
    services.see_remarks(case.order_id, upto=1, by=stage.amel)
    for change in (
        partial(Remark.objects.update, text="Autre chose."), Remark.objects.all().delete,
        partial(RemarkSeen.objects.update, upto=0), RemarkSeen.objects.all().delete,
    ):  # fmt: skip
        with pytest.raises(IntegrityError, match="never changes"), transaction.atomic():
            change()


@pytest.mark.parametrize(
    "wrong",
    [{"kind": "text", "text": ""}, {"kind": "call", "text": ""}, {"kind": "text", "text": "x", "reached": True}],
)
def test_the_database_takes_words_or_a_call(stage: Cast, case: Reading, wrong: dict[str, object]) -> None:
    about = {"order_id": case.order_id, "number": 1, "author_id": stage.leila.id}
    with pytest.raises(IntegrityError, match="radiology_a_remark_is_words_or_a_call"):
        Remark.objects.create(**about, **wrong)


def told(whom: Actor) -> int:
    hear()
    return Message.objects.filter(person=whom.id, kind="radiology.remark").count()


def test_the_other_side_is_told_once_until_it_looks(stage: Cast, case: Reading) -> None:
    for text in ("a", "b", "c"):
        services.write_remark(case.order_id, text=text, by=stage.leila)
    assert (told(stage.amel), told(stage.leila), told(stage.zied)) == (1, 0, 0)
    services.see_remarks(case.order_id, upto=3, by=stage.amel)
    services.write_remark(case.order_id, text="d", by=stage.leila)
    assert told(stage.amel) == 2
    assert Message.objects.filter(person=stage.amel.id, read_at__isnull=True).count() == 1
    services.write_remark(case.order_id, text="e", by=stage.amel)
    assert told(stage.leila) == 1


@pytest.mark.django_db(transaction=True)
def test_sixteen_at_once_speak_in_order_and_see_once() -> None:
    stage = cast()
    order = services.claim_reading(make.reading(stage).id, by=stage.leila).order_id
    speak = [partial(services.write_remark, order, text=str(n), by=(stage.leila, stage.amel)[n % 2]) for n in range(16)]
    assert at_once(*speak) == []
    assert sorted(Remark.objects.values_list("number", flat=True)) == list(range(1, 17))
    see = [partial(services.see_remarks, order, upto=16 - n // 8, by=stage.karim) for n in range(16)]
    assert at_once(*see) == []
    assert set(RemarkSeen.objects.values_list("upto", flat=True)) <= {15, 16}
    assert RemarkSeen.objects.filter(upto=16).count() == 1
    assert facts(order).count("RemarksSeen") == RemarkSeen.objects.count()


@pytest.mark.parametrize("language", ["ar", "fr", "en"])
def test_the_pages(stage: Cast, case: Reading, language: str) -> None:
    leila, amel = browser_of(stage.leila, language), browser_of(stage.amel, language)
    where = f"/radiology/orders/{case.order_id}/conversation/"
    for browser, page in ((amel, f"/radiology/orders/{case.order_id}/"), (leila, f"/radiology/readings/{case.id}/")):
        assert f'hx-get="{where}"' in browser.get(page).content.decode()
    assert amel.get(where).status_code == 200
    htmx = {"HX-Request": "true", "HX-Target": "conversation"}
    assert SAID in leila.post(f"{where}write/", {"text": SAID}, headers=htmx).content.decode()
    assert leila.post(f"{where}write/", {"text": " "}, headers=htmx).status_code == 422
    assert leila.post(f"{where}write/", {"text": "Et la créatinine ?"}).status_code == 302
    shown = amel.get(where, headers={**htmx, "HX-Target": "remarks"}).content.decode()
    assert SAID in shown
    assert "textarea" not in shown
    known = queries.state_of_talk(case.order_id, viewer=SYSTEM)
    looks = Access.objects.filter(what="radiology.conversation").count()
    assert amel.get(f"{where}?known={known}", headers=htmx).status_code == 204
    assert Access.objects.filter(what="radiology.conversation").count() == looks > 0
    assert amel.post(f"{where}call/", {"callee": "x"}, headers=htmx).status_code == 422
    called = amel.post(f"{where}call/", {"callee": str(stage.leila.id), "reached": "1"}, headers=htmx)
    assert called.status_code == 200
    assert Remark.objects.get(kind="call").reached is True
    assert browser_of(stage.zied, language).get(where).status_code == 404


def test_what_is_seen_while_a_page_is_made_is_asked_for_again(
    stage: Cast, case: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    remark = services.write_remark(case.order_id, text=SAID, by=stage.leila)
    seen_by = queries.seen_by

    def and_then_another_looks(order: UUID, *, viewer: Actor) -> dict[int, list[RemarkSeen]]:
        marks = seen_by(order, viewer=viewer)
        services.see_remarks(order, upto=remark.number, by=stage.amel)
        return marks

    leila, where = browser_of(stage.leila), f"/radiology/orders/{case.order_id}/conversation/"
    htmx = {"HX-Request": "true", "HX-Target": "remarks"}
    leila.get(where, headers=htmx)
    monkeypatch.setattr(queries, "seen_by", and_then_another_looks)
    page = leila.get(where, headers=htmx).content.decode()
    monkeypatch.undo()
    assert "remark-seen" not in page
    (known,) = re.findall(r"known=([\d.]+)", page)
    again = leila.get(f"{where}?known={known}", headers=htmx)
    assert (again.status_code, "remark-seen" in again.content.decode()) == (200, True)


def test_who_may_not_speak_is_shown_no_conversation(stage: Cast, case: Reading) -> None:
    page = browser_of(stage.sami).get(f"/radiology/orders/{case.order_id}/").content.decode()
    assert "conversation" not in page


def test_an_order_that_nobody_reads_yet_has_a_conversation(stage: Cast) -> None:
    order = make.order(stage)
    services.write_remark(order.id, text="Patiente claustrophobe.", by=stage.amel)
    assert Remark.objects.filter(order=order).count() == 1
    assert queries.may_be_called(order.id, viewer=stage.amel) == {}
