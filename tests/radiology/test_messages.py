"""Whom the facts of radiology concern: told once, each with a way to what it is about, and without a patient's name."""

import datetime
from uuid import UUID

import pytest
from django.conf import settings
from django.urls import resolve
from django.utils import timezone

from tests import make
from tests.accounts.conftest import confirmed
from tests.cast import Cast, cast
from tests.hear import hear
from tests.post import mail_server
from wasl.accounts import queries as accounts
from wasl.accounts.models import Message
from wasl.edges.messages.errands import send_message
from wasl.kernel.access import SYSTEM, Actor
from wasl.radiology import queries, services
from wasl.radiology.models import Agreement, Reading

pytestmark = pytest.mark.django_db


@pytest.fixture
def stage() -> Cast:
    return cast()


def told(whom: Actor) -> list[tuple[str, bool]]:
    rows = Message.objects.filter(person=whom.id).order_by("created_at")
    for row in rows:
        assert resolve(row.link.partition("?")[0])
    return [(row.kind, row.urgent) for row in rows]


def test_a_report_is_told_calmly_and_once(stage: Cast) -> None:
    report = make.signed_report(stage)
    hear()
    services.hand_over_report(report.id, by=SYSTEM)
    hear()
    assert told(stage.amel) == [("radiology.report", False)]
    assert told(stage.leila) == told(stage.zied) == []


def test_who_read_the_report_need_not_open_the_message(stage: Cast) -> None:
    report = make.signed_report(stage)
    hear()
    services.read_report(report.id, by=stage.amel)
    hear()
    assert accounts.unread_messages(viewer=stage.amel) == (0, False)


def test_a_critical_result_is_told_urgently_and_not_twice(stage: Cast) -> None:
    make.signed_report(stage, critical=True, critical_what="AVC ischémique")
    hear()
    assert told(stage.amel) == [("radiology.critical_result", True)]


def test_a_critical_result_leaves_without_a_word_of_the_patient(stage: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    with mail_server() as box:
        for name, value in (("HOST", "127.0.0.1"), ("PORT", box.port), ("SECURITY", "none")):
            monkeypatch.setattr(settings, f"SMTP_{name}", value)
        confirmed(stage.amel, "email", "amel@hopital.tn")
        report = make.signed_report(stage, critical=True, critical_what="AVC ischémique")
        hear()
        send_message(key=str(Message.objects.get().sendings.get().id))
    (letter,) = box.letters
    said = letter.as_string() + letter.get_content()
    for secret in ("Salma", "Ben Salah", "AVC", "Scanner", str(report.id), str(report.reading.patient_id)):
        assert secret not in said


def test_a_withdrawn_report_is_told_urgently_each_time(stage: Cast) -> None:
    report = make.signed_report(stage)
    hear()
    services.read_report(report.id, by=stage.amel)
    case = report.reading
    link = case.order.links.get()
    services.unlink_study(link.study_id, by=stage.sami)
    hear()
    assert told(stage.amel)[1:] == [("radiology.recall", True)]
    assert told(stage.leila) == [("radiology.recall", True)]


def test_a_reader_without_a_sign_of_life_learns_that_the_case_is_lost(stage: Cast) -> None:
    case = make.reading(stage)
    services.claim_reading(case.id, by=stage.leila)
    Reading.objects.update(claimed_until=timezone.now() - datetime.timedelta(minutes=1))
    services.time_out_reading(case.id, by=SYSTEM)
    hear()
    assert told(stage.leila) == [("radiology.timed_out", False)]


def test_who_hands_back_knows(stage: Cast) -> None:
    case = make.reading(stage)
    services.claim_reading(case.id, by=stage.leila)
    services.hand_back_reading(case.id, by=stage.leila)
    hear()
    assert told(stage.leila) == []


def test_an_end_is_told_to_who_binds_and_not_to_who_gave_notice(stage: Cast) -> None:
    agreement = make.agreement(stage)
    services.end_agreement(
        agreement.id, last_day=timezone.localdate() + datetime.timedelta(days=30), because="No reader any more.",
        by=stage.karim,
    )  # fmt: skip
    hear()
    assert told(stage.hatem) == [("radiology.agreement_ends", False)]
    assert told(stage.karim) == told(stage.zied) == []


def test_whom_it_concerns_is_asked_by_wasl_alone(stage: Cast) -> None:
    key: UUID = Agreement.objects.values_list("id", flat=True)[0]
    assert queries.binding_people(key, viewer=SYSTEM) == sorted(
        person for person in (stage.karim.id, stage.hatem.id) if person
    )
    assert queries.binding_people(key, viewer=stage.zied) == []
    assert queries.recalled_person(key, viewer=stage.zied) is None
