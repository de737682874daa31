"""Outside archives asked and brought from, for real (DCMTK's dcmqrscp), and told what can be had (pynetdicom)."""

import contextlib
import queue
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings
from django.db import connection
from pydicom.dataset import Dataset
from pynetdicom import AE, build_context, evt

from tests import make
from tests.browser import browser_of
from tests.cast import Cast, cast
from tests.edges.dicom import client, listening, run_errands, write
from tests.edges.scenes import PATIENCE, eventually, free_port
from tests.hear import hear
from wasl.archive import queries, rules
from wasl.archive import services as archive
from wasl.archive.models import Bringing, Inquiry, Study
from wasl.edges.dicom.callers import Event
from wasl.edges.dicom.classes import AVAILABILITY
from wasl.kernel.access import SYSTEM
from wasl.kernel.errors import NotAllowed
from wasl.kernel.models import Fact
from wasl.patients import rules as patient_rules
from wasl.patients import services as patients
from wasl.patients.models import Access, Patient

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Cast:
    monkeypatch.setattr(settings, "STORAGE", tmp_path / "store")
    with connection.cursor() as cursor:  # what other tests left in the queue is not ours
        cursor.execute("delete from procrastinate_jobs where task_name like 'dicom.%'")
    return cast()


@contextlib.contextmanager
def pacs(folder: Path, ours: int, *images: Dataset, knows_us: bool = True) -> Iterator[int]:
    """An archive of somebody else that holds these images; its port. It may send to us when it knows where we are."""
    store = folder / "pacs"
    store.mkdir()
    port = free_port()
    us = f"wasl = (WASL, 127.0.0.1, {ours})\n" if knows_us else ""
    settings_file = folder / "pacs.cfg"
    settings_file.write_text(
        f"NetworkTCPPort = {port}\nMaxPDUSize = 16384\nMaxAssociations = 16\nHostTable BEGIN\n{us}HostTable END\n"
        f"VendorTable BEGIN\nVendorTable END\nAETable BEGIN\nPACS {store} RW (200, 1024mb) ANY\nAETable END\n"
    )
    process = subprocess.Popen(["dcmqrscp", "--config", str(settings_file)])
    try:
        assert eventually(lambda: client("echoscu", port, us="PACS").code == 0)
        sent = folder / "sent"
        sent.mkdir()
        said = client("storescu", port, *write(sent, *images), us="PACS")
        assert said.code == 0, said
        yield port
    finally:
        process.terminate()
        process.wait()


def salma(stage: Cast) -> Patient:
    """Salma, whom the regional hospital knows by its own number."""
    patient = make.patient(stage)
    patients.add_identity(patient.id, kind="local", value="HZ-1980", place=stage.regional, by=stage.nour)
    return patient


def ask(stage: Cast, source: UUID, patient: UUID) -> Inquiry:
    return archive.ask_for_studies(source, patient=patient, keys={"PatientID": "HZ-1980"}, by=stage.sami)


@pytest.mark.parametrize("knows_us", [True, False])
def test_a_radiographer_brings_an_earlier_exam(stage: Cast, tmp_path: Path, knows_us: bool) -> None:
    study = make.image().StudyInstanceUID
    images = [make.image(n, StudyInstanceUID=study, StudyDescription="Scanner cérébral") for n in (1, 2, 3)]
    patient = salma(stage)
    with listening() as ours, pacs(tmp_path, ours, *images, make.image(PatientID="OTHER"), knows_us=knows_us) as theirs:
        source = make.source(stage, ae_title="PACS", name="PACS", modality="", port=theirs, asks=True)
        inquiry = ask(stage, source.id, patient.id)
        assert run_errands() == 1
        (offer,) = queries.offers(inquiry.id, viewer=stage.sami)
        assert (offer.about["uid"], offer.about["description"]) == (study, "Scanner cérébral")
        assert (offer.about["name"], offer.about["born"]) == ("Ben Salah^Salma=بن صالح^سلمى", "19800312")
        assert (offer.here, offer.coming) == (0, False)
        for _ in range(2):  # asked for twice, it is brought once
            archive.bring_studies(inquiry.id, uids=[study], by=stage.sami)
        assert queries.offers(inquiry.id, viewer=stage.sami)[0].coming
        assert run_errands() == 1
        (offer,) = queries.offers(inquiry.id, viewer=stage.sami)
        assert (offer.here, offer.coming, offer.failed) == (3, False, 0)
    brought = Study.objects.get()
    assert (brought.uid, brought.instance_count, brought.patient_id) == (study, 3, patient.id)
    assert Bringing.objects.get().ended_at is not None
    line = Access.objects.get(what="archive.outside")
    assert (line.patient_id, line.subject, line.actor_name) == (patient.id, inquiry.id, "Sami Jlassi")
    told = Fact.objects.filter(name__startswith="archive.Stud", subject__in=(inquiry.id, Bringing.objects.get().id))
    assert [fact.name for fact in told.order_by("seq")] == [
        "archive.StudiesAskedFor", "archive.StudiesHeardOf", "archive.StudiesSentFor", "archive.StudyBrought",
    ]  # fmt: skip


def test_who_may_not_ask_does_not(stage: Cast) -> None:
    patient = salma(stage)
    source = make.source(stage, ae_title="PACS", name="PACS", port=4242, asks=True)
    machine = make.source(stage)
    with pytest.raises(NotAllowed):
        archive.ask_for_studies(source.id, patient=patient.id, keys={"PatientID": "1"}, by=stage.zied)
    with pytest.raises(patient_rules.NoGround):
        archive.ask_for_studies(source.id, patient=patient.id, keys={"PatientID": "1"}, by=stage.leila)
    with pytest.raises(rules.NotAsked):
        archive.ask_for_studies(machine.id, patient=patient.id, keys={"PatientID": "1"}, by=stage.sami)
    for keys in ({}, {"PatientID": "*"}, {"PatientName": "Ben Salah"}, {"PatientID": " "}):
        with pytest.raises(rules.AsksNothing):
            archive.ask_for_studies(source.id, patient=patient.id, keys=keys, by=stage.sami)
    inquiry = ask(stage, source.id, patient.id)
    with pytest.raises(rules.NotOffered):
        archive.bring_studies(inquiry.id, uids=["1.2.3"], by=stage.sami)
    with pytest.raises(patient_rules.NoGround):
        archive.bring_studies(inquiry.id, uids=["1.2.3"], by=stage.leila)
    for viewer in (stage.zied, stage.leila):
        assert not queries.inquiries(patient.id, viewer=viewer)
        with pytest.raises(rules.NoInquiry):
            queries.offers(inquiry.id, viewer=viewer)
    assert not queries.archives(viewer=stage.zied)
    assert list(queries.archives(viewer=stage.leila)) == [source]


def test_the_most_relevant_exams_come_before_they_are_needed(stage: Cast, tmp_path: Path) -> None:
    patient = salma(stage)
    exams: dict[str, dict[str, Any]] = {
        "old head": {"StudyDate": "20190101", "StudyDescription": "Scanner head"},
        "new head": {"StudyDate": "20250101", "StudyDescription": "CT Head"},
        "head mr": {"StudyDate": "20260101", "StudyDescription": "Head", "Modality": "MR"},
        "chest": {"StudyDate": "20260601", "StudyDescription": "Thorax"},
        "of another": {"StudyDate": "20260701", "StudyDescription": "Head", "PatientBirthDate": "19810312"},
        "another's name": {"StudyDate": "20260702", "StudyDescription": "Head", "PatientName": "Gharbi^Amel"},
    }
    images = {name: make.image(**values) for name, values in exams.items()}
    with listening() as ours, pacs(tmp_path, ours, *images.values()) as theirs:
        make.source(stage, ae_title="PACS", name="PACS", modality="", port=theirs, asks=True)
        make.order(stage, patient=patient.id)
        hear()
        assert run_errands() == 4
        brought = set(Study.objects.values_list("uid", flat=True))
        assert brought == {images[name].StudyInstanceUID for name in ("old head", "new head", "head mr")}
        assert set(Study.objects.values_list("patient", flat=True)) == {patient.id}
        make.order(stage, patient=patient.id)  # what is here is not brought again: the next best is
        hear()
        run_errands()
    assert Study.objects.count() == 4
    assert Study.objects.filter(uid=images["chest"].StudyInstanceUID).exists()
    assert set(Access.objects.filter(what="archive.outside").values_list("ground", flat=True)) == {"order"}


def test_who_wants_to_know_is_told_when_a_study_is_whole(stage: Cast) -> None:
    heard: queue.Queue[Dataset] = queue.Queue()

    def take(event: Event) -> tuple[int, None]:
        heard.put(event.attribute_list)
        return 0x0000, None

    ae = AE("RIS")
    ae.add_supported_context(AVAILABILITY)
    server: Any = ae.start_server(("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_N_CREATE, take)])
    try:
        make.source(stage, ae_title="RIS", name="RIS", port=server.server_address[1], notified=True)
        make.source(stage, ae_title="ELSEWHERE", name="RIS", port=4242, notified=True, place=stage.other)
        study = make.study(stage, images=2)
        archive.complete_study(study.id, how="quiet", by=SYSTEM)
        hear()
        assert run_errands() == 1
    finally:
        server.shutdown()
    said = heard.get(timeout=PATIENCE)
    assert said.StudyInstanceUID == study.uid
    (series,) = said.ReferencedSeriesSequence
    assert len(series.ReferencedSOPSequence) == 2
    assert {one.RetrieveAETitle for one in series.ReferencedSOPSequence} == {"WASL"}
    assert {one.InstanceAvailability for one in series.ReferencedSOPSequence} == {"ONLINE"}


def notification(study: str, *images: str, how: str = "ONLINE") -> Dataset:
    """What an archive says when it has images of a study."""
    said, series = Dataset(), Dataset()
    said.ReferencedPerformedProcedureStepSequence = []
    said.StudyInstanceUID, series.SeriesInstanceUID, series.ReferencedSOPSequence = study, "1.2.3.4", []
    for uid in images:
        one = Dataset()
        one.ReferencedSOPClassUID, one.ReferencedSOPInstanceUID = "1.2.840.10008.5.1.4.1.1.2", uid
        one.InstanceAvailability, one.RetrieveAETitle = how, "PACS"
        series.ReferencedSOPSequence.append(one)
    said.ReferencedSeriesSequence = [series]
    return said


def test_an_archive_says_what_it_has_and_it_is_brought(stage: Cast, tmp_path: Path) -> None:
    study = str(make.image().StudyInstanceUID)
    images = [make.image(n, StudyInstanceUID=study) for n in (1, 2, 3)]
    uids = [str(image.SOPInstanceUID) for image in images]
    with listening() as ours, pacs(tmp_path, ours, *images) as theirs:
        make.source(stage, ae_title="PACS", name="PACS", modality="", port=theirs, asks=True)
        told = AE("PACS").associate("127.0.0.1", ours, [build_context(AVAILABILITY)], ae_title="WASL")

        def tell(said: Dataset, uid: str | None) -> int:
            status, _ = told.send_n_create(said, AVAILABILITY, uid)
            return int(status.Status)

        assert tell(notification(study, *uids[:2]), "1.2.3.1") == 0x0000
        assert tell(notification(study, *uids[:2]), "1.2.3.1") == 0x0111
        assert tell(notification(study, uids[2]), None) == 0x0000, "one without a UID gets one"
        assert tell(notification(study, "1.2.9", how="UNAVAILABLE"), "1.2.3.3") == 0x0000
        for wrong, status in (("missing", 0x0120), ("empty", 0x0121), ("how", 0x0106), ("uid", 0x0106)):
            said = notification(study if wrong != "uid" else "1", uids[0], how="SOON" if wrong == "how" else "ONLINE")
            if wrong == "missing":
                del said.ReferencedSeriesSequence[0].ReferencedSOPSequence[0].InstanceAvailability
            if wrong == "empty":
                said.ReferencedSeriesSequence = []
            assert tell(said, "1.2.3.9") == status, wrong
        told.release()
        (row,) = queries.awaited_studies(viewer=stage.sami)
        assert (row.announced.study_uid, row.announced.images, row.here, row.askable) == (study, 3, 0, True)
        assert queries.awaited_studies(viewer=stage.zied) == queries.awaited_studies(viewer=stage.karim) == []
        page = browser_of(stage.sami).get("/archive/").content.decode()
        assert "3 images" in page
        assert "PACS" in page
        with pytest.raises(rules.NotAnnounced):
            archive.bring_announced(row.announced.id, by=stage.leila)
        for _ in range(2):  # asked for twice, it is brought once
            browser_of(stage.sami).post(f"/archive/announced/{row.announced.id}/bring/")
        assert queries.awaited_studies(viewer=stage.sami)[0].coming
        assert run_errands() == 1
    brought = Study.objects.get()
    assert (brought.instance_count, brought.patient_id, brought.place_id) == (3, None, stage.regional)
    assert queries.awaited_studies(viewer=stage.sami) == [], "what is here is not awaited"
    names = Fact.objects.filter(name__in=("archive.StudyAnnounced", "archive.StudySentFor", "archive.StudyBrought"))
    assert [fact.name.removeprefix("archive.") for fact in names.order_by("seq")] == [
        "StudyAnnounced", "StudyAnnounced", "StudyAnnounced", "StudySentFor", "StudyBrought",
    ]  # fmt: skip
