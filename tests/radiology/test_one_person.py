"""What hangs on two files of one person is found from either, is nobody else's, and stays where it was written."""

from uuid import UUID, uuid4

import pytest
from django.urls import reverse

from tests import make
from tests.browser import browser_of
from tests.cast import Cast, cast
from tests.patients import who
from wasl.archive import queries as archive
from wasl.archive import services as archive_services
from wasl.archive.models import Study
from wasl.kernel.access import SYSTEM, Actor
from wasl.kernel.errors import NotAllowed
from wasl.patients import queries as patients
from wasl.patients import services as patients_services
from wasl.patients.models import CareRelationship, Patient
from wasl.patients.rules.holding import keepers
from wasl.radiology import queries, services
from wasl.radiology.models import Order, Reading, Report
from wasl.radiology.rules.linking import StudyOfAnother
from wasl.record import queries as record

pytestmark = pytest.mark.django_db


@pytest.fixture
def stage() -> Cast:
    return cast()


@pytest.fixture
def reports(stage: Cast) -> tuple[Report, Report]:
    """Two signed reports, of two files."""
    files = make.patient(stage), make.patient(stage, given_name="Selma")
    one, other = (
        make.signed_report(stage, case=make.reading(stage, order=make.order(stage, patient=file.id)).id)
        for file in files
    )
    return one, other


def files_of(reports: tuple[Report, Report]) -> tuple[UUID, UUID]:
    one, other = (report.reading.patient_id for report in reports)
    return one, other


def found(patient: UUID, viewer: Actor) -> tuple[set[UUID], set[UUID], set[UUID], int]:
    """The orders, studies and reports of a patient, and how long the record is."""
    return (
        set(queries.orders_of(patient, viewer=viewer).values_list("id", flat=True)),
        set(archive.studies_of(patient, viewer=viewer).values_list("id", flat=True)),
        set(queries.reports_of(patient, viewer=viewer).values_list("id", flat=True)),
        record.timeline(patient, viewer=viewer).count(),
    )


def written() -> list[tuple[UUID, UUID]]:
    """Which file each order, reading and study is written on."""
    rows = [*Order.objects.values_list("id", "patient"), *Reading.objects.values_list("id", "patient")]
    return sorted([*rows, *Reading.objects.values_list("study", "study__patient")])


def test_either_file_shows_all_and_nothing_moved(stage: Cast, reports: tuple[Report, Report]) -> None:
    one, other = files_of(reports)
    alone, before = (found(one, stage.amel), found(other, stage.amel)), written()
    edge = who.merge(stage, one, other)
    assert edge.clinical
    for key in (one, other):
        orders, studies, signed, length = found(key, stage.amel)
        assert (len(orders), len(studies)) == (2, 2)
        assert signed == {report.id for report in reports}
        assert length == alone[0][3] + alone[1][3]
    assert written() == before
    patients_services.undo_merge(edge.id, because="Two cousins, the clerk saw.", by=stage.nour)
    assert (found(one, stage.amel), found(other, stage.amel)) == alone
    assert not who.broken()


def test_a_stranger_gains_nothing(stage: Cast, reports: tuple[Report, Report]) -> None:
    one, other = files_of(reports)
    who.merge(stage, one, other)
    for key in (one, other):
        assert patients.ground(key, viewer=stage.zied) is None
        assert not queries.orders_of(key, viewer=stage.zied).exists()
        for ask in (archive.studies_of, queries.reports_of, record.timeline):
            with pytest.raises(NotAllowed):
                ask(key, viewer=stage.zied)


def test_who_knew_one_file_knows_the_person_and_nobody_besides(stage: Cast, reports: tuple[Report, Report]) -> None:
    one, other = files_of(reports)
    stranger = make.patient(stage, given_name="Rim")
    CareRelationship.objects.filter(patient=other, place=stage.regional).update(ends_at=stranger.created_at)
    assert patients.ground(other, viewer=stage.amel) is None
    who.merge(stage, one, other)
    assert len(found(one, stage.amel)[2]) == 2
    assert patients.ground(stranger.id, viewer=stage.leila) is None


def test_the_access_log_of_a_person_is_one(stage: Cast, reports: tuple[Report, Report]) -> None:
    one, other = files_of(reports)
    for key in (one, other):
        patients_services.log_access(key, what="tests.thing", ground="care", by=stage.amel)
    who.merge(stage, one, other)
    lines = patients.accesses(other, viewer=stage.amel).filter(what="tests.thing")
    assert {line.patient_id for line in lines} == {one, other}


def test_an_earlier_exam_in_the_other_file_is_compared_with(stage: Cast, reports: tuple[Report, Report]) -> None:
    one, other = files_of(reports)
    later = Reading.objects.get(id=reports[1].reading_id)
    Study.objects.filter(id=later.study_id).update(started_at=later.created_at)
    head = {"region": "Head", "modality": "CT"}
    assert archive.comparable(other, like=head, but=later.study_id, viewer=stage.leila) is None
    who.merge(stage, one, other)
    earlier = archive.study(reports[0].reading.study_id, viewer=stage.leila)
    assert archive.comparable(other, like=head, but=later.study_id, viewer=stage.leila) == earlier


def test_a_study_of_the_other_file_that_answers_an_order_joins_it(stage: Cast) -> None:
    one, other = make.patient(stage), make.patient(stage)
    who.merge(stage, one.id, other.id)
    order, study = make.order(stage, patient=one.id), make.study(stage)
    archive_services.match_study(study.id, patient=other.id, because="the card", by=SYSTEM)
    services.link_study(order.id, study=study.id, because="accession", by=SYSTEM)
    assert archive.study(study.id, viewer=SYSTEM).patient_id == one.id


def test_another_persons_study_answers_no_order(stage: Cast) -> None:
    one, other = make.patient(stage), make.patient(stage)
    order, study = make.order(stage, patient=one.id), make.study(stage)
    archive_services.match_study(study.id, patient=other.id, because="the card", by=SYSTEM)
    with pytest.raises(StudyOfAnother):
        services.link_study(order.id, study=study.id, because="accession", by=SYSTEM)


def test_what_was_written_meanwhile_is_listed_to_say_whose_it_is(stage: Cast, reports: tuple[Report, Report]) -> None:
    one, other = files_of(reports)
    edge = who.merge(stage, one, other)
    meanwhile = make.order(stage, patient=other)
    patients_services.undo_merge(edge.id, because="Two cousins, the clerk saw.", by=stage.nour)
    listed = {kind: [row.key for row in rows] for kind, _kept, rows in patients.written_since(edge, viewer=stage.nour)}
    assert listed == {"radiology.order": [meanwhile.id]}
    page = browser_of(stage.nour).get(reverse("patients:merge", args=[edge.id])).content.decode()
    assert reverse("radiology:order", args=[meanwhile.id]) in page


def test_old_pages_lead_to_the_person(stage: Cast, reports: tuple[Report, Report]) -> None:
    one, other = files_of(reports)
    who.merge(stage, one, other)
    browser = browser_of(stage.amel)
    for page in ("record:timeline", "patients:card", "patients:accesses", "radiology:order_exam"):
        led = browser.get(reverse(page, args=[other]))
        assert (led.status_code, led.headers["location"]) == (302, reverse(page, args=[one])), page
    assert Patient.objects.get(id=other).head_id == one


def test_every_kind_of_thing_that_is_kept_has_its_page() -> None:
    assert {"archive.study", "archive.share", "radiology.order", "radiology.report"} <= set(keepers)
    for kept in keepers.values():
        assert not kept.page or reverse(kept.page, args=[uuid4()])
