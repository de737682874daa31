"""The hourly phantom makes the real way, from port to report, and nobody ever sees it."""

import datetime
from pathlib import Path
from typing import Any, cast

import pytest
from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from tests import make
from tests.at_once import at_once
from tests.browser import browser_of
from tests.cast import Cast
from tests.edges.dicom import client
from tests.edges.scenes import free_port
from tests.hear import hear
from wasl.archive import queries, services
from wasl.archive.models import Instance, PhantomRun, Source, Study, Traffic
from wasl.edges.cli.doctor_archive import phantom_finding
from wasl.edges.dicom import phantom, sight
from wasl.kernel.access import SYSTEM
from wasl.kernel.models import Fact
from wasl.radiology import queries as radiology
from wasl.radiology.models import Document, Reading, Report
from wasl.radiology.services import paper

HOUR = datetime.timedelta(hours=1)


def files(store: Path) -> list[Path]:
    return list(store.rglob("*.dcm"))


def jobs(task: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute("select count(*) from procrastinate_jobs where task_name = %s", [task])
        ((number,),) = cursor.fetchall()
    return int(number)


def earlier(by: datetime.timedelta, *fields: str) -> None:
    """Move the runs into the past, so that the next hour is not waited for."""
    for run in PhantomRun.objects.all():
        for field in fields:
            if before := getattr(run, field):
                setattr(run, field, before - by)
        run.save()


@pytest.mark.django_db(transaction=True)
def test_a_phantom_makes_the_whole_way_and_leaves_nothing(
    port: int, stage: Cast, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "PHANTOM_TO", f"127.0.0.1:{port}")
    services.register_folder(name="here", by=SYSTEM)
    before = jobs("dicom.send_phantom")  # of other tests
    at_once(*[lambda: services.send_phantoms(by=SYSTEM)] * 4)
    run = PhantomRun.objects.get()  # of the one place with a scanner, whoever was quicker
    assert jobs("dicom.send_phantom") - before == Study.objects.count() == 1
    assert Fact.objects.filter(name="archive.PhantomSent").count() == 1
    phantom.send(queries.phantom_run(run.id, viewer=SYSTEM))
    study = Study.objects.get(phantom=True)
    assert (study.instance_count, study.complete_by, study.header_name) == (3, "expected", "PHANTOM^WASL")
    assert len(files(store)) == 3
    hear()
    run.refresh_from_db()
    assert run.stored_at is not None
    assert run.queued_at is not None
    assert run.read_at is not None
    assert run.started_at < run.stored_at
    assert run.started_at < run.queued_at < run.read_at
    assert jobs("archive.copy_study") == 0
    for kept in (Reading, Report, Document):
        assert not kept.objects.exists()
    _is_seen_by_nobody(study, stage, port)
    phantom.send(queries.phantom_run(run.id, viewer=SYSTEM))  # a job that is done again
    services.count_traffic(by=SYSTEM)
    assert not Traffic.objects.exists()
    assert services.end_phantoms(by=SYSTEM) == 0  # whoever heard of it looks at it first
    earlier(HOUR, "hour", "started_at", "stored_at", "queued_at", "read_at")
    assert services.end_phantoms(by=SYSTEM) == 1
    assert not Study.objects.exists()
    assert not Instance.objects.exists()
    assert not files(store)
    run.refresh_from_db()
    assert (run.failed, run.ended_at is not None) == ("", True)
    assert Fact.objects.get(name="archive.PhantomEnded").data["failed"] == ""
    (told,) = queries.phantoms(viewer=stage.fatma)
    assert (told.place_code, told.late, told.seconds) == (
        "oued-zen", False, (run.read_at - run.started_at).total_seconds(),
    )  # fmt: skip
    assert not phantom_finding().mend
    assert services.send_phantoms(by=SYSTEM) == 1  # the next hour has its own
    assert Source.objects.filter(phantom=True).count() == 1


def _is_seen_by_nobody(study: Study, stage: Cast, port: int) -> None:
    """No page, no search and no machine of the place shows it; nor does the sender's name stand anywhere."""
    for person in (stage.sami, stage.leila, stage.karim, stage.fatma):
        assert not queries.studies(viewer=person).exists()
        with connection.cursor() as cursor:
            cursor.execute(f"select s.uid from archive_study s where {sight.VISIBLE}", cast(Any, sight.params(person)))
            assert not cursor.fetchall()
        assert "PHANTOM" not in browser_of(person).get("/").content.decode()
    assert not radiology.nobodys(viewer=stage.sami).exists()
    for page in ("/archive/", "/radiology/reconciliation/"):
        assert "PHANTOM" not in browser_of(stage.sami).get(page).content.decode()
    assert "PHANTOM" not in browser_of(stage.fatma).get("/archive/sources/").content.decode()
    said = client(
        "findscu", port, "-S", "-k", "QueryRetrieveLevel=STUDY", "-k", "StudyInstanceUID", "-k", "PatientName"
    )
    assert said.code == 0
    assert study.uid not in said.text
    assert "PHANTOM" not in said.text


# pynetdicom leaves the socket of a connection that failed to the garbage collector
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")
@pytest.mark.django_db(transaction=True)
def test_a_phantom_that_is_not_taken_has_failed(
    port: int, stage: Cast, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for wrong in (f"127.0.0.1:{free_port()}", f"127.0.0.1:{port}"):
        monkeypatch.setattr(settings, "PHANTOM_TO", wrong)
        services.send_phantoms(by=SYSTEM)
        monkeypatch.setattr(settings, "PHANTOM", False)  # then nobody may send under that title
        run = PhantomRun.objects.get(ended_at=None)
        phantom.send(queries.phantom_run(run.id, viewer=SYSTEM))
        run.refresh_from_db()
        assert (run.failed, run.stored_at) == ("send", None)
        assert not Study.objects.exists()
        earlier(3 * HOUR, "hour", "started_at")
    assert not files(store)
    monkeypatch.setattr(settings, "PHANTOM", True)
    (told,) = queries.phantoms(viewer=SYSTEM)
    assert told.late
    assert told.success_at is None
    assert "Oued Zen" in phantom_finding().what
    assert phantom_finding().mend


@pytest.mark.django_db
def test_a_phantom_that_the_queue_never_saw_has_failed(stage: Cast) -> None:
    services.send_phantoms(by=SYSTEM)
    run = PhantomRun.objects.get()
    services.note_phantom_stored(run.id, at=timezone.now(), by=SYSTEM)
    assert services.end_phantoms(by=SYSTEM) == 0
    earlier(datetime.timedelta(minutes=16), "started_at")
    assert services.end_phantoms(by=SYSTEM) == 1
    services.note_phantom_queued(run.study, by=SYSTEM)  # too late
    run.refresh_from_db()
    assert (run.failed, run.queued_at) == ("queue", None)


@pytest.mark.parametrize("harm", ["file", "printer"])
@pytest.mark.django_db(transaction=True)
def test_a_phantom_that_cannot_be_read_has_failed(
    port: int, stage: Cast, store: Path, monkeypatch: pytest.MonkeyPatch, harm: str
) -> None:
    monkeypatch.setattr(settings, "PHANTOM_TO", f"127.0.0.1:{port}")
    services.send_phantoms(by=SYSTEM)
    run = PhantomRun.objects.get()
    phantom.send(queries.phantom_run(run.id, viewer=SYSTEM))
    if harm == "file":  # a bit of the last pixel
        file = files(store)[1]
        data = bytearray(file.read_bytes())
        data[-1] ^= 1
        file.write_bytes(data)
    else:
        monkeypatch.setattr(paper, "TEMPLATE", store / "nowhere.typ")
    with pytest.raises((ValueError, OSError)):
        hear()
    services.note_phantom_stored(run.id, at=timezone.now(), by=SYSTEM)
    earlier(datetime.timedelta(minutes=16), "started_at")
    assert services.end_phantoms(by=SYSTEM) == 1
    run.refresh_from_db()
    assert (run.failed, run.read_at) == ("read", None)
    hear()  # its images are gone, and nobody fails for it any more
    (told,) = queries.phantoms(viewer=SYSTEM)
    assert told.success_at is None


@pytest.mark.django_db
def test_the_database_refuses_what_no_phantom_is(stage: Cast) -> None:
    services.send_phantoms(by=SYSTEM)
    run, study = PhantomRun.objects.get(), Study.objects.get(phantom=True)
    salma = make.patient(stage)
    for change in ({"place_id": stage.regional}, {"patient_id": salma.id}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Study.objects.filter(id=study.id).update(**change)
    with pytest.raises(IntegrityError), transaction.atomic():
        PhantomRun.objects.create(
            place_id=run.place_id, source=run.source, hour=run.hour, study=run.id, started_at=run.started_at
        )
    for when in ("ended_at", "read_at"):
        with pytest.raises(IntegrityError), transaction.atomic():
            PhantomRun.objects.update(**{when: timezone.now()})
    with pytest.raises(IntegrityError), transaction.atomic():
        Source.objects.create(place_id=run.place_id, phantom=True, ae_title="PH_SECOND", name="x")
