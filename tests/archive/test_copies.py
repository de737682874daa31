"""Copies in a bucket: put there in packs, proven by their hash, brought back when a file is not here."""

import hashlib
import json
from pathlib import Path

import pytest
from django.conf import settings

from tests import make
from tests.bucket import S3, flip
from tests.cast import Cast, cast
from wasl.archive import queries, rules
from wasl.archive import services as archive
from wasl.archive.models import Copy, Instance
from wasl.archive.services import copying, uploading
from wasl.kernel.access import SYSTEM

pytestmark = pytest.mark.django_db


@pytest.fixture
def stage() -> Cast:
    return cast()


def in_bucket() -> list[Copy]:
    return list(Copy.objects.filter(folder=None).order_by("key", "offset"))


def path_of(instance: Instance) -> Path:
    return queries.lies_at(instance.path)


def test_a_study_is_put_into_one_object_and_each_of_its_files_is_proven(stage: Cast, s3: S3) -> None:
    study = make.study(stage, images=5)
    done = archive.copy_study(study.id)
    assert (done.known, done.put, done.proven) == (5, 5, 5)
    (pack,) = s3.objects()
    content = pack.read_bytes()
    for copy in in_bucket():
        stored = queries.lies_at(copy.path).read_bytes()
        assert content[copy.offset : copy.offset + copy.length] == stored
        assert bytes(copy.sha256) == hashlib.sha256(stored).digest()
        assert copy.proven_at is not None
    # the bucket alone says what it holds
    assert content.endswith(uploading.MARK)
    size = int.from_bytes(content[-16:-8], "big")
    index = json.loads(content[-16 - size : -16])
    assert [entry[0] for entry in index] == sorted(Instance.objects.values_list("path", flat=True))
    assert archive.copy_study(study.id) == archive.Copied()  # nothing is left to do
    assert s3.objects() == [pack]


@pytest.mark.django_db(transaction=True)
def test_what_waits_before_the_answer_goes_together(s3: S3) -> None:
    study = make.study(cast(), images=3)
    uploader = uploading.Uploader()
    waiting = [uploader.put(row.path) for row in Instance.objects.filter(series__study=study)]
    uploader.start()  # a daemon, as in a process that receives
    for promise in waiting:
        promise.result(60)
    assert len(s3.objects()) == 1
    assert Copy.objects.filter(folder=None).count() == 3


def test_files_are_parted_into_packs_and_a_large_one_is_alone(
    stage: Cast, s3: S3, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "PACK", 4000)
    study = make.study(stage, images=4)
    make.send(stage, make.image(9, StudyInstanceUID=study.uid, Rows=64, Columns=64))
    archive.copy_study(study.id)
    copies = in_bucket()
    assert sorted(sum(copy.key == key for copy in copies) for key in {copy.key for copy in copies}) == [1, 2, 2]
    assert len(s3.objects()) == 3


def test_a_file_that_left_comes_back_as_it_was(stage: Cast, s3: S3) -> None:
    study = make.study(stage, images=3)
    archive.copy_study(study.id)
    for instance in Instance.objects.all():
        before = path_of(instance).read_bytes()
        path_of(instance).unlink()
        assert queries.path_of(instance.id, viewer=stage.sami).read_bytes() == before
        with queries.opened(path_of(instance)) as file:
            assert file.read() == before
        assert not path_of(instance).exists()  # it lies with what may go again at any time
        assert queries.path_of(instance.id, viewer=stage.sami).is_relative_to(settings.STORAGE / "recalled")


def test_what_is_nowhere_at_hand_is_refused_and_no_wrong_byte_is_given(stage: Cast, s3: S3) -> None:
    study = make.study(stage, images=1)
    instance = Instance.objects.get()
    path = path_of(instance)
    content = path.read_bytes()
    path.unlink()
    with pytest.raises(rules.NotAtHand):  # nobody knows of a copy: it may lie on another machine
        queries.opened(path)
    path.write_bytes(content)
    archive.copy_study(study.id)
    path.unlink()
    with s3.away(), pytest.raises(rules.BucketFailed):
        queries.opened(path)
    flip(s3.objects()[0], Copy.objects.get(folder=None).length - 3)
    with pytest.raises(rules.Damaged):
        queries.opened(path)
    assert not list((settings.STORAGE / "recalled").rglob("*.dcm"))


def test_a_damaged_file_is_not_copied_but_told(stage: Cast, s3: S3) -> None:
    study = make.study(stage, images=2)
    first = Instance.objects.order_by("path")[0]
    flip(path_of(first))
    assert archive.copy_study(study.id).put == 1
    (damaged,) = queries.damaged(viewer=SYSTEM)
    assert damaged.path == first.path
    with pytest.raises(rules.Damaged):
        queries.path_of(first.id, viewer=stage.sami)


def test_an_upload_that_was_cut_goes_on_where_it_stopped(stage: Cast, s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copying, "PACK", 4000)
    study = make.study(stage, images=4)
    put = uploading.put_together
    taken: list[object] = []

    def once(*words: object) -> list[Copy]:
        if taken:
            s3.server.stop()
        taken.append(words)
        return put(*words)  # type: ignore[arg-type]

    monkeypatch.setattr(copying, "put_together", once)
    with pytest.raises(rules.BucketFailed):
        archive.copy_study(study.id)
    assert len(in_bucket()) == 2
    s3.server.start()
    monkeypatch.setattr(copying, "put_together", put)
    done = archive.copy_study(study.id)
    assert (done.put, done.proven) == (2, 4)


def test_wrong_keys_put_nothing_and_write_no_secret(
    stage: Cast, s3: S3, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(settings, "S3_SECRET", "guessed")
    study = make.study(stage, images=1)
    with pytest.raises(rules.BucketFailed):
        archive.copy_study(study.id)
    assert not s3.objects()
    assert not in_bucket()
    assert "guessed" not in caplog.text
    assert s3.url not in caplog.text


def test_without_a_bucket_files_are_hashed_all_the_same(stage: Cast) -> None:
    study = make.study(stage, images=2)
    assert archive.copy_study(study.id) == archive.Copied(known=2)
    assert set(Copy.objects.values_list("folder", flat=True)) == {queries.folder_mark()}
