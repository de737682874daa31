"""What the archive does with images: received once, kept apart, counted, completed, matched, settled."""

import datetime
import hashlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone
from pydicom.uid import generate_uid
from pytest_django import DjangoCaptureOnCommitCallbacks

from tests import make
from tests.cast import Cast, cast
from wasl.archive import queries, rules
from wasl.archive import services as archive
from wasl.archive.dicom import incoming
from wasl.archive.models import Conflict, Instance, Match, PerformedStep, Series, Study
from wasl.archive.services import store as pixel_store
from wasl.kernel.access import SYSTEM, Actor, Held
from wasl.kernel.errors import NotAllowed
from wasl.kernel.models import Fact

pytestmark = pytest.mark.django_db


@pytest.fixture
def stage() -> Cast:
    return cast()


def told(name: str) -> list[Fact]:
    return list(Fact.objects.filter(name=f"archive.{name}").order_by("seq"))


def files(store: Path) -> set[str]:
    return {str(path.relative_to(store)) for path in store.rglob("*") if path.is_file()}


def test_an_image_is_kept_as_it_came_with_what_its_header_says(stage: Cast, store: Path) -> None:
    data = make.image(7, AccessionNumber="A-77")
    (outcome,) = make.send(stage, data)
    instance = Instance.objects.get()
    study = Study.objects.get()
    assert (outcome.what, outcome.instance, outcome.study) == ("stored", instance.id, study.id)
    stored = (store / instance.path).read_bytes()
    sent = make.part10(data)
    assert stored == sent
    assert instance.size == len(sent)
    assert instance.pixel_offset is not None
    assert stored[instance.pixel_offset :][:4] == b"\xe0\x7f\x10\x00"
    start = sent.index(b"\x08\x00\x05\x00")
    assert bytes(instance.sha256) == hashlib.sha256(sent[start:]).digest()
    assert (study.header_name, study.header_name_folded) == (
        "Ben Salah^Salma=بن صالح^سلمى", "ben salah salma بن صالح سلمي",
    )  # fmt: skip
    assert (study.accession, study.modalities, study.body_part, study.flags) == ("A-77", ["CT"], "HEAD", [])
    assert (study.place_id, study.patient_id, study.instance_count, study.series_count) == (stage.regional, None, 1, 1)
    assert study.started_at is not None
    assert study.started_at.isoformat() == "2026-11-10T07:05:00+00:00"  # 8:05 in Tunis
    assert study.size == len(sent)
    (fact,) = told("StudyArrived")
    assert fact.data["accession"] == "A-77"
    assert data.PatientID not in instance.path


def test_an_image_more_writes_no_index_of_its_study(stage: Cast) -> None:
    first = make.image(1)
    make.send(stage, first)
    before = changes()
    for n in range(2, 10):
        make.send(stage, make.image(n, StudyInstanceUID=first.StudyInstanceUID))
    after = changes()
    for table in ("archive_study", "archive_series"):
        all_changes, in_place = (now - then for now, then in zip(after[table], before[table], strict=True))
        assert all_changes == 8, table
        assert in_place >= 6, table  # not where a page is full, of rows of other tests too


def changes() -> dict[str, tuple[int, int]]:
    """How often rows of each table were changed in this transaction, and how often without writing an index."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select relname, pg_stat_get_xact_tuples_updated(oid), pg_stat_get_xact_tuples_hot_updated(oid) "
            "from pg_class where relname in ('archive_study', 'archive_series')"
        )
        return {table: (updated, hot) for table, updated, hot in cursor.fetchall()}


def test_a_duplicate_is_recognised_and_its_file_goes(
    stage: Cast, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks, store: Path
) -> None:
    data = make.image(1)
    make.send(stage, data)
    with django_capture_on_commit_callbacks(execute=True):
        (again,) = make.send(stage, data)
    assert again.what == "duplicate"
    assert Instance.objects.count() == 1
    assert files(store) == {Instance.objects.get().path}
    assert Study.objects.get().instance_count == 1
    assert len(told("StudyArrived")) == 1


def test_the_same_instance_twice_in_one_batch(stage: Cast) -> None:
    data = make.image(1)
    other = make.image(1, SOPInstanceUID=data.SOPInstanceUID, StudyInstanceUID=data.StudyInstanceUID, PatientName="X")
    outcomes = make.send(stage, data, data, other)
    assert [outcome.what for outcome in outcomes] == ["stored", "duplicate", "conflict"]
    assert Study.objects.get().instance_count == 1


def test_other_content_is_kept_aside_once_and_told_once(stage: Cast) -> None:
    data = make.image(1)
    make.send(stage, data)
    first = Instance.objects.get()
    data.PatientName = "Other^Name"
    for _ in range(2):
        (outcome,) = make.send(stage, data)
        assert (outcome.what, outcome.instance) == ("conflict", first.id)
    conflict = Conflict.objects.get()
    assert (conflict.instance_id, len(told("InstanceConflicted"))) == (first.id, 1)
    assert Instance.objects.get().path == first.path
    assert Study.objects.get().header_name.startswith("Ben Salah")


def test_a_conflict_is_settled_and_can_be_settled_otherwise(stage: Cast, store: Path) -> None:
    data = make.image(1)
    make.send(stage, data)
    first = Instance.objects.get()
    data.InstanceNumber = 9
    make.send(stage, data)
    conflict = Conflict.objects.get()
    second = conflict.path
    archive.settle_conflict(conflict.id, replace=True, by=stage.sami)
    shown = Instance.objects.get()
    assert (shown.path, shown.number, shown.id) == (second, 9, first.id)
    conflict.refresh_from_db()
    assert (conflict.path, conflict.replaced, conflict.settled_by) == (first.path, True, str(stage.sami))
    with pytest.raises(rules.AlreadySettled):
        archive.settle_conflict(conflict.id, replace=True, by=stage.sami)
    archive.settle_conflict(conflict.id, replace=False, by=stage.sami)
    assert Instance.objects.get().path == first.path
    assert {first.path, second} <= files(store)
    assert [fact.data["replaced"] for fact in told("ConflictSettled")] == [True, False]


def test_an_image_of_another_study_takes_no_ones_place(stage: Cast) -> None:
    data = make.image(1)
    make.send(stage, data)
    make.send(stage, make.image(2, SOPInstanceUID=data.SOPInstanceUID))
    with pytest.raises(rules.OtherStudy):
        archive.settle_conflict(Conflict.objects.get().id, replace=True, by=stage.sami)
    assert Study.objects.filter(instance_count__gt=0).count() == 1


def test_others_settle_and_match_nothing(stage: Cast) -> None:
    data = make.image(1)
    make.send(stage, data)
    data.PatientName = "Other^Name"
    make.send(stage, data)
    with pytest.raises(NotAllowed):
        archive.settle_conflict(Conflict.objects.get().id, replace=True, by=stage.karim)
    with pytest.raises(NotAllowed):
        archive.settle_conflict(Conflict.objects.get().id, replace=True, by=stage.amel)
    with pytest.raises(NotAllowed):
        make.send(stage, make.image(1), by=stage.zied)
    with pytest.raises(NotAllowed):
        make.send(stage, make.image(1), by=stage.karim)
    study = Study.objects.get()
    with pytest.raises(NotAllowed):
        archive.match_study(study.id, patient=make.patient(stage).id, because="x", by=stage.karim)


def test_counts_and_flags_are_those_of_the_images(stage: Cast) -> None:
    uid = generate_uid()
    make.send(stage, make.image(1, StudyInstanceUID=uid), make.image(2, StudyInstanceUID=uid, PixelSpacing=[0, 0]))
    make.send(
        stage,
        make.image(3, StudyInstanceUID=uid, SeriesInstanceUID=f"{uid[:50]}.9", Modality="PR", PatientID="ANOTHER"),
        make.image(4, StudyInstanceUID=uid, ImageComments="Demonstration image, of no patient"),
    )
    study = Study.objects.get()
    assert (study.instance_count, study.series_count, study.modalities) == (4, 2, ["CT", "PR"])
    assert study.flags == ["demonstration", "identity", "spacing"]
    assert study.size == sum(row.size for row in Instance.objects.all())
    assert sorted(Series.objects.values_list("instance_count", flat=True)) == [1, 3]


def test_images_go_into_another_places_study_only_from_who_sees_it(stage: Cast) -> None:
    uid = generate_uid()
    make.send(stage, make.image(1, StudyInstanceUID=uid))
    scanner = Actor(kind="modality", id=None, name="CT", held=(Held("modality", stage.other),))

    def send(number: int, by: Actor, **more: object) -> str:
        item = incoming(make.part10(make.image(number, StudyInstanceUID=uid, **more)), place=next(iter(by.places())))
        return archive.receive([item], by=by)[0].what

    with pytest.raises(rules.OtherPlacesStudy):
        send(2, scanner)
    with pytest.raises(rules.OtherPlacesStudy):
        send(3, scanner, SeriesInstanceUID=f"{uid[:50]}.9")
    with pytest.raises(rules.OtherPlacesStudy):
        send(4, stage.karim)
    assert Study.objects.get().instance_count == Instance.objects.count() == 1
    own = make.image(9)
    assert archive.receive([incoming(make.part10(own), place=stage.other)], by=scanner)[0].what == "stored"


def test_a_study_announced_by_one_place_is_that_of_its_first_image(stage: Cast) -> None:
    uid = generate_uid()
    archive.announce(str(uid), instances=9, by=stage.karim)
    make.send(stage, make.image(1, StudyInstanceUID=uid))
    assert Study.objects.get().place_id == stage.regional


def test_a_batch_told_again_after_its_commit_keeps_its_files(stage: Cast, store: Path) -> None:
    items = [incoming(make.part10(make.image(n)), place=stage.regional) for n in (1, 2)]
    archive.receive(items, by=stage.sami)
    assert [one.what for one in archive.receive(items, by=stage.sami)] == ["stored", "stored"]
    assert files(store) == {row.path for row in Instance.objects.all()}


def test_one_series_uid_in_two_studies_is_two_series(stage: Cast) -> None:
    make.send(stage, make.image(1, SeriesInstanceUID="1.2.3"), make.image(2, SeriesInstanceUID="1.2.3"))
    assert (Study.objects.count(), Series.objects.filter(uid="1.2.3").count()) == (2, 2)


def test_a_batch_is_all_or_nothing(stage: Cast) -> None:
    good, bad = (incoming(make.part10(make.image(n)), place=stage.regional) for n in (1, 2))
    bad.metadata["0020000D"]["Value"] = ["../../etc"]
    with pytest.raises(rules.BadUid):
        archive.receive([good, bad], by=stage.sami)
    assert not Instance.objects.exists()
    assert not Study.objects.exists()


def test_a_header_longer_than_any_column_is_kept(stage: Cast) -> None:
    long = "Ben Salah^" + "S" * 900
    data = make.part10(make.image(1, PatientName="PLACEHOLDER", PatientID="9" * 64))
    before, after = data.split(b"PN\x0c\0PLACEHOLDER ")
    sent = before + b"PN" + len(long).to_bytes(2, "little") + long.encode() + after
    archive.receive([incoming(sent, place=stage.regional)], by=stage.sami)
    study = Study.objects.get()
    assert len(study.header_name) == 400
    assert study.attributes["00100010"]["Value"][0]["Alphabetic"] == long


def test_a_study_announced_is_complete_with_its_last_image(stage: Cast) -> None:
    uid = generate_uid()
    archive.announce(uid, instances=2, by=stage.sami)
    assert not queries.studies(viewer=SYSTEM).exists()
    make.send(stage, make.image(1, StudyInstanceUID=uid))
    assert Study.objects.get().complete_at is None
    make.send(stage, make.image(2, StudyInstanceUID=uid))
    study = Study.objects.get()
    assert (study.complete_by, study.accession, study.header_id) == ("expected", "", "HZ-1980")
    (fact,) = told("StudyCompleted")
    assert (fact.data["how"], fact.data["instances"]) == ("expected", 2)


def test_the_sender_may_say_in_the_header_how_many(stage: Cast) -> None:
    uid = generate_uid()
    make.send(stage, *(make.image(n, StudyInstanceUID=uid, NumberOfStudyRelatedInstances=2) for n in (1, 2)))
    assert Study.objects.get().complete_by == "expected"


def step(stage: Cast, uid: str, number: int = 1) -> str:
    """A procedure step that the scanner began."""
    key = f"1.2.9.{number}"
    archive.start_step(
        key, study_uid=uid, accession="A-1", place=stage.regional, source=None, at=None, attributes={}, by=SYSTEM
    )
    return key


@pytest.mark.parametrize("last", ["image", "step"])
def test_a_modality_that_has_finished_completes_its_study(stage: Cast, last: str) -> None:
    uid = generate_uid()
    images = [make.image(n, StudyInstanceUID=uid) for n in (1, 2)]
    key = step(stage, uid)
    named = [image.SOPInstanceUID for image in images]

    def finish() -> None:
        archive.complete_step(key, instance_uids=named, at=None, attributes={}, by=SYSTEM)

    make.send(stage, images[0])
    if last == "image":
        finish()
        assert Study.objects.get().complete_at is None
        make.send(stage, images[1])
    else:
        make.send(stage, images[1])
        assert Study.objects.get().complete_at is None
        finish()
    assert Study.objects.get().complete_by == "mpps"
    assert [len(told(name)) for name in ("StepStarted", "StepCompleted", "StudyCompleted")] == [1, 1, 1]


def test_two_steps_of_one_study_must_both_be_over(stage: Cast) -> None:
    uid = generate_uid()
    images = [make.image(n, StudyInstanceUID=uid) for n in (1, 2)]
    keys = [step(stage, uid, number) for number in (1, 2)]
    make.send(stage, *images)
    archive.complete_step(keys[0], instance_uids=[images[0].SOPInstanceUID], at=None, attributes={}, by=SYSTEM)
    assert Study.objects.get().complete_at is None
    archive.discontinue_step(keys[1], instance_uids=[images[1].SOPInstanceUID], at=None, attributes={}, by=SYSTEM)
    assert Study.objects.get().complete_by == "mpps"


def test_a_step_that_is_over_stays_so(stage: Cast) -> None:
    key = step(stage, "1.2.3")
    with pytest.raises(rules.StepKnown):
        step(stage, "1.2.3")
    archive.change_step(key, attributes={"00400254": {"vr": "LO", "Value": ["Head"]}}, by=SYSTEM)
    archive.discontinue_step(key, instance_uids=[], at=None, attributes={}, by=SYSTEM)
    row = PerformedStep.objects.get()
    assert (row.state, row.attributes["00400254"]["Value"]) == ("discontinued", ["Head"])
    for act in (archive.complete_step, archive.discontinue_step):
        with pytest.raises(rules.StepOver):
            act(key, instance_uids=[], at=None, attributes={}, by=SYSTEM)
    with pytest.raises(rules.NoStep):
        archive.change_step("1.2.404", attributes={}, by=SYSTEM)


def grow_old(seconds: int) -> None:
    """Let the last images have come so long ago."""
    Study.objects.update(last_arrival_at=timezone.now() - datetime.timedelta(seconds=seconds))


def test_a_quiet_study_is_complete_and_more_images_open_it_again(stage: Cast) -> None:
    study = make.study(stage)
    grow_old(100)
    assert archive.complete_quiet(by=SYSTEM) == 0
    grow_old(121)
    assert archive.complete_quiet(by=SYSTEM) == 1
    assert Study.objects.get().complete_by == "quiet"
    make.send(stage, make.image(4, StudyInstanceUID=study.uid))
    assert Study.objects.get().complete_at is None
    assert [len(told(name)) for name in ("StudyCompleted", "StudyReopened")] == [1, 1]


def test_a_clock_set_back_delays_no_study_for_as_long(stage: Cast) -> None:
    make.study(stage)
    grow_old(-3600)  # its images came before the clock was set back by an hour
    assert archive.complete_quiet(by=SYSTEM) == 0
    assert Study.objects.get().last_arrival_at <= timezone.now()
    grow_old(121)
    assert archive.complete_quiet(by=SYSTEM) == 1


def test_reports_do_not_open_a_complete_study(stage: Cast) -> None:
    study = make.study(stage)
    archive.complete_study(study.id, how="quiet", by=stage.sami)
    note = make.image(4, StudyInstanceUID=study.uid, Modality="SR")
    del note.PixelData
    make.send(stage, note)
    row = Study.objects.get()
    assert (row.complete_by, row.instance_count) == ("quiet", 4)
    assert [len(told(name)) for name in ("StudyReopened", "StudyExtended")] == [0, 1]


def test_quiet_waits_longer_for_a_modality_at_work_and_for_images_announced(stage: Cast) -> None:
    working, missing = make.study(stage), make.study(stage)
    step(stage, working.uid)
    archive.announce(missing.uid, instances=10, by=stage.sami)
    grow_old(121)
    assert archive.complete_quiet(by=SYSTEM) == 0
    grow_old(121 * 30)
    assert archive.complete_quiet(by=SYSTEM) == 2


def test_what_is_trusted_more_confirms_and_what_is_trusted_less_does_not(stage: Cast) -> None:
    study = make.study(stage)
    for how, known in (("expected", "expected"), ("quiet", "expected"), ("mpps", "mpps")):
        archive.complete_study(study.id, how=how, by=SYSTEM)
        assert Study.objects.get().complete_by == known
    assert [len(told(name)) for name in ("StudyCompleted", "CompletenessConfirmed")] == [1, 1]


def test_a_study_is_matched_once_and_taken_back(stage: Cast) -> None:
    study, patient = make.study(stage), make.patient(stage)
    archive.match_study(study.id, patient=patient.id, because="seen", by=stage.sami)
    with pytest.raises(rules.AlreadyMatched):
        archive.match_study(study.id, patient=patient.id, because="seen", by=stage.sami)
    assert Study.objects.get().patient_id == patient.id
    archive.unmatch_study(study.id, by=stage.sami)
    with pytest.raises(rules.NotMatched):
        archive.unmatch_study(study.id, by=stage.sami)
    match = Match.objects.get()
    assert (match.undone_by, Study.objects.get().patient_id) == (str(stage.sami), None)
    archive.match_study(study.id, patient=patient.id, because="after all", by=stage.sami)
    assert [fact.data["patient"] for fact in told("StudyMatched")] == [str(patient.id)] * 2


def test_sources_have_titles_of_their_own(stage: Cast) -> None:
    make.source(stage)
    with pytest.raises(rules.AeTitleTaken):
        make.source(stage, place=stage.other)
    for title in ("", "  ", "A" * 17, "BACK\\SLASH", "نص"):
        with pytest.raises(rules.BadAeTitle):
            make.source(stage, ae_title=title)
    for address, port in (("nowhere", None), ("10.0.0.0/33", None), ("10.0.0.0/8", 104), ("", 104), ("10.0.0.1", 0)):
        with pytest.raises(rules.BadAddress):
            make.source(stage, ae_title="NEW", address=address, port=port)
    with pytest.raises(NotAllowed):
        make.source(stage, ae_title="NEW", by=stage.sami)


def test_a_sweep_spares_what_is_known_and_what_is_young(stage: Cast, store: Path) -> None:
    make.send(stage, make.image(1))
    data = make.image(2)
    make.send(stage, data)
    data.PatientName = "Other^Name"
    make.send(stage, data)
    known = files(store)
    stray = archive.put([b"nobody knows me"])
    (archive.arriving() / "half.part").write_bytes(b"half")
    assert archive.sweep() == 0
    assert archive.sweep(older_than=datetime.timedelta()) == 2
    assert files(store) == known
    assert stray.path not in known


def test_a_clock_set_forward_makes_nothing_a_stray(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    coming = archive.put([b"its row is not committed yet"])
    hour = time.time_ns() - 3600 * 10**9
    os.utime(store / coming.path, ns=(hour, hour))  # as if the clock had been set since
    monkeypatch.setattr(pixel_store, "_ahead", pixel_store._ahead - 3600)
    assert archive.sweep() == 0
    assert files(store) == {coming.path}
    assert archive.sweep() == 1, "an hour later nobody waits for it any more"


def test_a_file_that_cannot_be_written_leaves_nothing(store: Path) -> None:
    def broken() -> Iterator[bytes]:
        yield b"some"
        raise OSError

    with pytest.raises(OSError, match="^$"):
        archive.put(broken())
    assert not files(store)
