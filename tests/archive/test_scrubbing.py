"""A flipped bit is found before anybody needs the image, and healed from the other copy."""

import datetime
from pathlib import Path

import pytest
from django.conf import settings

from tests import make
from tests.at_once import at_once
from tests.bucket import S3, flip
from tests.cast import Cast, cast
from wasl.archive import queries, rules
from wasl.archive import services as archive
from wasl.archive.models import Copy, Instance, Study
from wasl.kernel.access import SYSTEM
from wasl.kernel.errors import NotAllowed
from wasl.kernel.models import Fact

pytestmark = pytest.mark.django_db
ALL = 1 << 62


@pytest.fixture
def stage() -> Cast:
    return cast()


@pytest.fixture
def kept(stage: Cast, s3: S3) -> list[Instance]:
    """A study of three images in the folder and in the bucket."""
    archive.copy_study(make.study(stage, images=3).id)
    return list(Instance.objects.order_by("path"))


def place_of(instance: Instance) -> Path:
    return queries.lies_at(instance.path)


def told(name: str) -> list[dict[str, str]]:
    return [fact.data for fact in Fact.objects.filter(name=f"archive.{name}").order_by("seq")]


def damage_bucket(s3: S3, instance: Instance) -> None:
    copy = Copy.objects.get(path=instance.path, folder=None)
    (file,) = (path for path in s3.objects() if path.name == copy.key.rpartition("/")[2])
    flip(file, copy.offset + copy.length - 7)


def test_what_is_whole_is_looked_at_and_nothing_is_told(kept: list[Instance], s3: S3) -> None:
    Copy.objects.update(proven_at=None, checked_at=None)
    assert archive.scrub_folder(ALL) == archive.scrub_bucket(ALL) == archive.Scrubbed(3, 0)
    assert not Copy.objects.filter(checked_at=None).exists()
    assert not Copy.objects.filter(proven_at=None).exists()
    assert told("DamageFound") == []


def test_a_bit_flipped_in_the_folder_is_healed_from_the_bucket(kept: list[Instance], s3: S3) -> None:
    whole = place_of(kept[1]).read_bytes()
    flip(place_of(kept[1]))
    assert archive.scrub_folder(ALL) == archive.Scrubbed(3, 0)
    assert place_of(kept[1]).read_bytes() == whole
    (found,), (healed,) = told("DamageFound"), told("DamageHealed")
    assert (found["instance"], found["where"]) == (healed["instance"], healed["where"]) == (str(kept[1].id), "folder")
    assert not queries.damaged(viewer=SYSTEM)
    assert (settings.STORAGE / "damaged" / place_of(kept[1]).name).exists()  # for whoever asks why


def test_a_file_that_vanished_is_healed_too(kept: list[Instance], s3: S3) -> None:
    whole = place_of(kept[0]).read_bytes()
    place_of(kept[0]).unlink()
    assert archive.scrub_folder(ALL).damaged == 0
    assert place_of(kept[0]).read_bytes() == whole


def test_a_bit_flipped_in_the_bucket_is_healed_from_the_folder(kept: list[Instance], s3: S3) -> None:
    damage_bucket(s3, kept[2])
    before = s3.objects()
    assert archive.scrub_bucket(ALL) == archive.Scrubbed(3, 0)
    (healed,) = told("DamageHealed")
    assert (healed["instance"], healed["where"]) == (str(kept[2].id), "bucket")
    assert set(before) < set(s3.objects())  # an object is never written twice: a new one was put
    whole = place_of(kept[2]).read_bytes()
    place_of(kept[2]).unlink()
    with queries.opened(place_of(kept[2])) as file:
        assert file.read() == whole


def test_an_object_that_vanished_is_put_again(kept: list[Instance], s3: S3) -> None:
    for file in s3.objects():
        file.unlink()
    assert archive.scrub_bucket(ALL) == archive.Scrubbed(3, 0)
    assert len(told("DamageHealed")) == 3


def test_damage_in_both_is_told_once_reported_for_ever_and_nothing_is_given(
    kept: list[Instance], s3: S3, stage: Cast
) -> None:
    whole = place_of(kept[0]).read_bytes()
    flip(place_of(kept[0]))
    damage_bucket(s3, kept[0])
    for _ in range(2):
        assert archive.scrub_folder(ALL).damaged == 1
        assert archive.scrub_bucket(ALL).damaged == 1
    assert len(told("DamageFound")) == 2  # one for each copy
    assert told("DamageHealed") == []
    state = queries.scrub_state(viewer=SYSTEM)
    assert (state.damaged_in_folders, state.damaged_in_bucket, state.lost) == (1, 1, 1)
    with pytest.raises(rules.Damaged):
        queries.path_of(kept[0].id, viewer=stage.sami)
    assert queries.path_of(kept[1].id, viewer=stage.sami).is_file()
    # somebody brings the file back from a backup: both are healed
    place_of(kept[0]).write_bytes(whole)
    assert archive.scrub_folder(ALL).damaged == 0
    assert archive.scrub_bucket(ALL).damaged == 0
    assert queries.scrub_state(viewer=SYSTEM).lost == 0
    assert len(told("DamageHealed")) == 2


def test_a_bucket_that_is_away_is_no_damage(kept: list[Instance], s3: S3) -> None:
    with s3.away():
        with pytest.raises(rules.BucketFailed):
            archive.scrub_bucket(ALL)
        flip(place_of(kept[0]))
        assert archive.scrub_folder(ALL).damaged == 1
    assert not Copy.objects.filter(folder=None, damaged_at__isnull=False).exists()
    assert archive.scrub_folder(ALL).damaged == 0


def test_a_sample_takes_what_was_unseen_for_longest(kept: list[Instance], s3: S3) -> None:
    Copy.objects.filter(path=kept[1].path).update(proven_at=None, checked_at=None)
    flip(place_of(kept[0]))
    flip(place_of(kept[1]))
    assert archive.scrub_folder(1) == archive.Scrubbed(1, 0)
    (found,) = told("DamageFound")
    assert found["instance"] == str(kept[1].id)


def test_how_copies_stand_is_for_administrators(stage: Cast, kept: list[Instance]) -> None:
    assert queries.scrub_state(viewer=stage.fatma).in_bucket == 3
    for viewer in (stage.sami, stage.leila, stage.amel):
        with pytest.raises(NotAllowed):
            queries.scrub_state(viewer=viewer)
        assert not queries.damaged(viewer=viewer)
        assert not queries.folders(viewer=viewer)
        assert not queries.retentions(viewer=viewer)
        assert not list(queries.due(viewer=viewer))
        assert not list(queries.every_file(viewer=viewer))
        assert queries.alone(viewer=viewer) == 0


@pytest.mark.django_db(transaction=True)
def test_what_is_lost_here_is_healed_by_whoever_sends_it_again(
    stage: Cast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "STORAGE", tmp_path)  # and no bucket
    sent = [make.image(n, StudyInstanceUID="1.2.3", SOPInstanceUID=f"1.2.3.{n}") for n in (1, 2)]
    make.send(stage, *sent)
    study = Study.objects.get()
    archive.copy_study(study.id)
    rows = list(Instance.objects.order_by("number"))
    whole = [place_of(row).read_bytes() for row in rows]
    other = make.image(1, StudyInstanceUID="1.2.3", SOPInstanceUID="1.2.3.1", PatientName="Other")
    flip(place_of(rows[0]))
    assert archive.scrub_folder(ALL) == archive.Scrubbed(2, 1)
    with pytest.raises(rules.Damaged):
        queries.path_of(rows[0].id, viewer=stage.sami)
    assert [outcome.what for outcome in make.send(stage, other)] == ["conflict"]
    with pytest.raises(rules.Damaged):
        queries.path_of(rows[0].id, viewer=stage.sami)
    again: list[archive.Outcome] = []
    at_once(*[lambda: again.extend(make.send(stage, *sent))] * 4)
    assert [outcome.what for outcome in again] == ["duplicate"] * 8
    for row, data in zip(rows, whole, strict=True):
        assert queries.path_of(row.id, viewer=stage.sami).read_bytes() == data
    assert rows[1].path == Instance.objects.get(number=2).path  # which was whole
    assert len(told("DamageHealed")) == 1
    archive.copy_everything()
    assert archive.scrub_folder(ALL).damaged == 0
    assert queries.scrub_state(viewer=SYSTEM).lost == 0
    assert archive.sweep(older_than=datetime.timedelta(), days=None) == 0
    assert len(list(tmp_path.glob("??????/*/*.dcm"))) == 3  # two images, and one kept aside
