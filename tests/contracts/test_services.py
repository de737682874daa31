"""An act is counted once for its reader and the pair of hospitals, and seen by whom it concerns."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests import make
from tests.cast import Cast, cast
from tests.patients import who
from tests.radiology.test_reading import second_reader
from wasl.contracts import queries, services
from wasl.contracts.models import Act
from wasl.kernel.access import STRANGER, SYSTEM
from wasl.kernel.errors import NotAllowed
from wasl.kernel.events import tell
from wasl.kernel.models import Fact, Notice
from wasl.patients import services as patients
from wasl.radiology import services as radiology

pytestmark = pytest.mark.django_db


@pytest.fixture
def stage() -> Cast:
    return cast()


def deliver() -> None:
    for notice in Notice.objects.filter(listener__startswith="wasl.contracts."):
        tell(notice=str(notice.id))


def test_a_signature_is_an_act(stage: Cast) -> None:
    report = make.signed_report(stage)
    deliver()
    act = Act.objects.get()
    assert (act.reading, act.report, act.reader_id) == (report.reading_id, report.id, stage.leila.id)
    assert (act.provider_id, act.beneficiary_id) == (stage.university, stage.regional)
    assert (act.modality, act.urgency, act.procedure) == ("CT", "P2", report.reading.order.procedure.code)
    assert act.done_at == report.signed_at
    fact = Fact.objects.get(name="contracts.ActCounted")
    assert (fact.subject, fact.data["reading"]) == (act.id, str(report.reading_id))


def test_told_twice_it_counts_once(stage: Cast) -> None:
    report = make.signed_report(stage)
    deliver()
    deliver()
    services.count_act(report.reading_id, by=SYSTEM)
    assert Act.objects.count() == 1
    assert Fact.objects.filter(name="contracts.ActCounted").count() == 1


def test_an_addendum_is_no_act(stage: Cast) -> None:
    report = make.signed_report(stage)
    draft = radiology.begin_addendum(report.id, by=stage.leila)
    saved = make.draft(stage, report.reading_id, revision=draft.revision)
    radiology.sign_report(saved.id, revision=saved.revision, by=stage.leila)
    deliver()
    assert Act.objects.count() == 1


def test_nobody_counts_by_hand(stage: Cast) -> None:
    report = make.signed_report(stage)
    for other in (stage.leila, stage.karim, stage.fatma, STRANGER):
        with pytest.raises(NotAllowed):
            services.count_act(report.reading_id, by=other)


def test_who_sees_which_acts(stage: Cast) -> None:
    make.signed_report(stage)
    deliver()
    for viewer in (stage.leila, stage.karim, stage.hatem):
        assert queries.acts(viewer=viewer).count() == 1
    for viewer in (second_reader(stage), stage.amel, stage.zied, stage.fatma, STRANGER):
        assert queries.acts(viewer=viewer).count() == 0


def test_lines_by_month_and_pair(stage: Cast) -> None:
    for _ in range(2):
        make.signed_report(stage)
    make.signed_report(stage, case=make.reading(stage, procedure=make.procedure(modality="CR", code="CR1").id).id)
    deliver()
    with CaptureQueriesContext(connection) as seen:
        lines = queries.lines(viewer=stage.hatem)
    assert len(seen) == 2
    month = timezone.localdate().replace(day=1)
    assert lines == [
        queries.Line(month, "CHU El Amal", "Hôpital régional Oued Zen", "CR", 1),
        queries.Line(month, "CHU El Amal", "Hôpital régional Oued Zen", "CT", 2),
    ]
    assert queries.lines(viewer=stage.zied) == []


@pytest.mark.django_db(transaction=True)
def test_counted_by_sixteen_workers_at_once_it_is_one_act() -> None:
    report = make.signed_report(cast())
    start = threading.Barrier(16, timeout=180)

    def count(_: int) -> None:
        start.wait()
        try:
            services.count_act(report.reading_id, by=SYSTEM)
        finally:
            connection.close()

    with ThreadPoolExecutor(16) as threads:
        list(threads.map(count, range(16)))
    assert Act.objects.count() == 1
    assert Fact.objects.filter(name="contracts.ActCounted").count() == 1


def test_an_act_of_either_file_of_one_person_is_counted_once(stage: Cast) -> None:
    one, other = make.patient(stage), make.patient(stage)
    before = make.signed_report(stage, case=make.reading(stage, order=make.order(stage, patient=one.id)).id)
    make.order(stage, patient=other.id)
    deliver()
    edge = who.merge(stage, one.id, other.id)
    after = make.signed_report(stage, case=make.reading(stage, order=make.order(stage, patient=other.id)).id)
    deliver()
    services.count_act(before.reading_id, by=SYSTEM)
    patients.undo_merge(edge.id, because="Two cousins, the clerk saw.", by=stage.nour)
    deliver()
    assert sorted(Act.objects.values_list("report", flat=True)) == sorted((before.id, after.id))
