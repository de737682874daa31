"""A study's images turn to their new files: once, by whom it may be, and what was received is remembered."""

import datetime
import functools
from pathlib import Path
from uuid import UUID

import pytest
from django.conf import settings
from django.urls import reverse
from procrastinate.contrib.django.models import ProcrastinateJob
from pydicom import dcmread
from pydicom.dataset import Dataset
from pytest_django import DjangoCaptureOnCommitCallbacks

from tests import make
from tests.at_once import at_once
from tests.browser import browser_of
from tests.cast import Cast, cast
from wasl.archive import events, listeners, queries, rules
from wasl.archive import services as archive
from wasl.archive.dicom import encode, incoming
from wasl.archive.dicom.encoding import RPCL
from wasl.archive.models import Conflict, Instance, Keeping, Source, Study, Transcoding
from wasl.archive.services import transcoding
from wasl.kernel.access import SYSTEM
from wasl.kernel.errors import NotAllowed
from wasl.kernel.events import Told
from wasl.kernel.models import Fact

NOW = datetime.timedelta(0)


@pytest.fixture
def htj2k(monkeypatch: pytest.MonkeyPatch) -> None:
    """An instance of Wasl that keeps images as HTJ2K."""
    monkeypatch.setattr(settings, "KEEPING", "htj2k")


def a_study(stage: Cast, images: int = 3) -> tuple[Study, list[Dataset]]:
    first = make.image(1)
    more = [make.image(n, StudyInstanceUID=first.StudyInstanceUID) for n in range(2, images + 1)]
    outcomes = make.send(stage, first, *more)
    return Study.objects.get(id=outcomes[0].study), [first, *more]


def transcode(study: Study) -> None:
    listeners.transcode_study(study=str(study.id))


def files(store: Path) -> set[str]:
    return {str(path.relative_to(store)) for path in store.rglob("*") if path.is_file()}


def made_of(image: Instance) -> archive.Transcoded:
    made = encode(image.id, queries.path_of(image.id, viewer=SYSTEM))
    assert made is not None
    return made


@pytest.mark.django_db
@pytest.mark.usefixtures("htj2k")
def test_the_images_of_a_complete_study_are_encoded_and_what_they_were_is_remembered(store: Path) -> None:
    study, sent = a_study(cast())
    before = {row.uid: row for row in Instance.objects.all()}
    transcode(study)
    study.refresh_from_db()
    for image in Instance.objects.all():
        was = before[image.uid]
        row = Transcoding.objects.get(instance=image)
        stored = dcmread(store / image.path)
        assert (image.transfer_syntax, stored.file_meta.TransferSyntaxUID) == (RPCL, RPCL)
        assert stored.SOPInstanceUID == image.uid
        assert (stored.pixel_array == dcmread(store / was.path).pixel_array).all()
        assert (row.original_transfer_syntax, row.original_size, row.original_path) == (
            was.transfer_syntax, was.size, was.path,
        )  # fmt: skip
        assert (bytes(row.original_sha256), bytes(row.sha256)) == (bytes(was.sha256), bytes(image.sha256))
        assert "openjph" in row.codec
        assert "openjpeg" in row.codec
        assert (store / image.path).stat().st_size == image.size
        assert (store / image.path).read_bytes()[image.pixel_offset or 0 :][:4] == b"\xe0\x7f\x10\x00"
        assert image.metadata == was.metadata
    assert study.size == sum(image.size for image in Instance.objects.all())
    fact = Fact.objects.get(name="archive.ImagesTranscoded")
    assert (fact.data["images"], fact.data["saved"]) == (3, sum(i.size for i in before.values()) - study.size)
    transcode(study)
    assert Transcoding.objects.count() == 3
    assert Fact.objects.filter(name="archive.ImagesTranscoded").count() == 1


@pytest.mark.django_db
@pytest.mark.usefixtures("htj2k")
def test_the_first_files_are_kept_a_while_for_those_who_were_told_of_them(store: Path) -> None:
    study, _ = a_study(cast())
    before = files(store)
    transcode(study)
    now = set(Instance.objects.values_list("path", flat=True))
    assert (archive.sweep(older_than=NOW), archive.let_originals_go()) == (0, 0)
    assert files(store) == before | now
    assert archive.let_originals_go(older_than=NOW) == 3
    assert files(store) == now
    assert archive.let_originals_go(older_than=NOW) == 0
    assert not Transcoding.objects.exclude(original_path="").exists()


@pytest.mark.django_db
@pytest.mark.usefixtures("htj2k")
def test_what_was_sent_is_known_when_it_comes_again(
    store: Path, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    stage = cast()
    study, (first, *_) = a_study(stage)
    digest = bytes(Instance.objects.get(uid=first.SOPInstanceUID).sha256)
    transcode(study)
    image = Instance.objects.get(uid=first.SOPInstanceUID)
    there = files(store)
    with django_capture_on_commit_callbacks(execute=True):
        (original,) = make.send(stage, first)
        (ours,) = archive.receive([incoming((store / image.path).read_bytes(), place=stage.regional)], by=stage.sami)
    assert (original.what, ours.what) == ("duplicate", "duplicate")
    assert files(store) == there
    for known in (digest, bytes(image.sha256)):
        assert queries.known({image.uid: known}, viewer=SYSTEM) == {image.uid}
    assert queries.known({image.uid: bytes(32)}, viewer=SYSTEM) == set()
    first.ImageComments = "another content"
    assert make.send(stage, first)[0].what == "conflict"


@pytest.mark.django_db
@pytest.mark.usefixtures("htj2k")
def test_a_content_chosen_later_is_encoded_too_and_the_first_is_known_as_kept_aside(
    store: Path, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    stage = cast()
    study, (first,) = a_study(stage, images=1)
    transcode(study)
    original = make.part10(first)
    first.ImageComments = "another content"
    make.send(stage, first)
    conflict = Conflict.objects.get()
    for replace in (True, False):
        archive.settle_conflict(conflict.id, replace=replace, by=stage.sami)
        transcode(study)
        image = Instance.objects.get()
        assert image.transfer_syntax == RPCL
        assert ("another content" in (store / image.path).read_bytes().decode("latin-1")) is replace
        with django_capture_on_commit_callbacks(execute=True):
            (again,) = archive.receive([incoming(original, place=stage.regional)], by=stage.sami)
        assert again.what == ("conflict" if replace else "duplicate")
    assert (Conflict.objects.count(), Transcoding.objects.count()) == (1, 2)
    assert Study.objects.get().size == Instance.objects.get().size


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("instance", "source", "wanted"),
    [("sent", "", False), ("sent", "htj2k", True), ("htj2k", "", True), ("htj2k", "sent", False)],
)
def test_the_sender_s_rule_goes_before_the_instance_s(
    instance: str, source: str, wanted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = cast()
    monkeypatch.setattr(settings, "KEEPING", instance)
    study, _ = a_study(stage)
    sender = Source.objects.create(ae_title="KEEPS", place_id=stage.regional, name="CT", keeping=source)
    Instance.objects.update(source=sender)
    assert queries.to_transcode(study.id, viewer=SYSTEM).exists() is wanted
    told = Told(1, datetime.datetime.now(datetime.UTC), "system:", None)
    listeners.transcode_its_images(
        events.StudyCompleted(study=study.id, how="quiet", instances=3, place=None, patient=None), told
    )
    jobs = ProcrastinateJob.objects.filter(task_name="archive.transcode_study", args__study=str(study.id))
    assert jobs.count() == int(wanted)
    assert {value for value, _ in Keeping.choices} == {"sent", "htj2k"}


@pytest.mark.django_db
def test_an_administrator_says_how_a_machine_s_images_are_kept() -> None:
    stage = cast()
    sender = make.source(stage)
    address = reverse("archive:change_keeping", args=[sender.id])
    page = browser_of(stage.fatma).get(reverse("archive:sources")).content.decode()
    assert address in page
    assert "for thin lines, without loss" in page
    assert browser_of(stage.fatma).post(address, {"keeping": "htj2k"}).status_code == 302
    sender.refresh_from_db()
    assert sender.keeping == "htj2k"
    assert Fact.objects.get(name="archive.KeepingChanged").data["keeping"] == "htj2k"
    assert browser_of(stage.sami).post(address, {"keeping": "sent"}).status_code == 403
    with pytest.raises(rules.NoSuchKeeping):
        archive.change_keeping(sender.id, keeping="lossy", by=stage.fatma)
    with pytest.raises(rules.NoSuchKeeping):
        make.source(stage, ae_title="OTHER", keeping="lossy")
    archive.close_source(sender.id, by=stage.fatma)
    with pytest.raises(rules.NoSuchSource):
        archive.change_keeping(sender.id, keeping="sent", by=stage.fatma)
    sender.refresh_from_db()
    assert sender.keeping == "htj2k"


@pytest.mark.django_db
def test_an_image_that_changed_since_stays_and_its_new_file_goes(
    store: Path, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    stage = cast()
    study, (first,) = a_study(stage, images=1)
    made = made_of(Instance.objects.get())
    first.ImageComments = "another content"
    make.send(stage, first)
    archive.settle_conflict(Conflict.objects.get().id, replace=True, by=stage.sami)
    before = Instance.objects.get()
    with django_capture_on_commit_callbacks(execute=True):
        assert archive.transcode_images(study.id, made=[made], by=SYSTEM) == 0
    after = Instance.objects.get()
    assert (after.path, bytes(after.sha256)) == (before.path, bytes(before.sha256))
    assert files(store) == {after.path, Conflict.objects.get().path}
    assert not Transcoding.objects.exists()
    with pytest.raises(NotAllowed):
        archive.transcode_images(study.id, made=[made], by=stage.sami)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("htj2k")
def test_a_death_in_the_middle_leaves_the_old_and_the_sweep_takes_the_new(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study, _ = a_study(cast())
    before = files(store)

    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(transcoding, "emit", die)
        transcode(study)
    assert set(Instance.objects.values_list("path", flat=True)) == before
    assert len(files(store)) == 6
    assert archive.sweep(older_than=NOW) == 3
    assert files(store) == before
    transcode(study)
    assert set(Instance.objects.values_list("transfer_syntax", flat=True)) == {RPCL}


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("htj2k")
def test_sixteen_sessions_encode_and_settle_at_once(store: Path) -> None:
    stage = cast()
    study, images = a_study(stage, images=2)
    for data in images:
        data.ImageComments = "another content"
    make.send(stage, *images)
    conflicts = list(Conflict.objects.values_list("id", flat=True))

    def settle(key: UUID, replace: bool) -> None:
        archive.settle_conflict(key, replace=replace, by=stage.sami)

    settling = [functools.partial(settle, key, replace) for key in conflicts for replace in (True, False)]
    refused = at_once(*[functools.partial(transcode, study)] * 12, *settling)
    assert set(refused) <= {"AlreadySettled"}
    transcode(study)
    study.refresh_from_db()
    rows: list[Instance | Conflict] = [*Instance.objects.all(), *Conflict.objects.all()]
    assert {row.transfer_syntax for row in rows if isinstance(row, Instance)} == {RPCL}
    for row in rows:
        stored = dcmread(store / row.path)
        assert (stored.file_meta.TransferSyntaxUID, (store / row.path).stat().st_size) == (
            row.transfer_syntax, row.size,
        )  # fmt: skip
    assert study.size == sum(row.size for row in Instance.objects.all())
    archive.let_originals_go(older_than=NOW)
    archive.sweep(older_than=NOW)
    assert files(store) == {row.path for row in rows}
