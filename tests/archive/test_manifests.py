"""What a site names: a study is complete when exactly that is here, and never before."""

import datetime
import os
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import timezone
from pydicom.dataset import Dataset

from tests import make
from tests.at_once import at_once
from tests.cast import Cast, cast
from wasl.archive import queries, rules
from wasl.archive import services as archive
from wasl.archive.dicom import incoming
from wasl.archive.models import Manifest, Named, Study
from wasl.archive.services import partial as partial_files
from wasl.archive.services import store as kept
from wasl.kernel.access import SYSTEM, Actor, Held
from wasl.kernel.models import Fact, uuid7

UID = "1.2.826.0.1.3680043.8.498.77"


@pytest.fixture
def stage(db: None) -> Cast:
    return cast()


def site(stage: Cast, name: str = "oued-zen", place: object = None) -> Actor:
    """The gateway of the regional hospital."""
    return Actor(kind="client", id=uuid7(), name=name, held=(Held("client", place or stage.regional),))  # type: ignore[arg-type]


def slices(count: int = 3, **values: object) -> list[Dataset]:
    return [
        make.image(n, StudyInstanceUID=UID, SOPInstanceUID=f"{UID}.{n}", **values) for n in range(1, count + 1)
    ]  # fmt: skip


def named(*images: Dataset) -> list[archive.Image]:
    """The images as their site names them."""
    found = []
    for data in images:
        one = incoming(make.part10(data))
        archive.discard(one.stored.path)
        found.append(
            archive.Image(
                uid=str(data.SOPInstanceUID), series_uid=str(data.SeriesInstanceUID), sha256=one.dataset_sha256,
                size=one.stored.size, frames=1, series_number=int(data.SeriesNumber), number=int(data.InstanceNumber),
            )
        )  # fmt: skip
    return found


def announce(by: Actor, images: list[archive.Image], *, whole: bool = True, rank: int = 2) -> list[archive.Image]:
    return archive.announce_manifest(UID, images, place=min(by.places()), rank=rank, whole=whole, by=by)


def row() -> Study:
    return Study.objects.get(uid=UID)


def test_a_study_is_complete_when_all_that_was_named_is_here(stage: Cast) -> None:
    gateway, images = site(stage), slices()
    told = named(*images)
    assert announce(gateway, told) == told
    assert not queries.studies(viewer=SYSTEM).exists()  # announced, and nobody sees it before its first image
    for data, left in zip(images, (2, 1, 0), strict=True):
        make.send(stage, data, by=SYSTEM)
        manifest = Manifest.objects.get()
        assert (manifest.named - manifest.held, row().expected) == (left, 3)
        assert (row().complete_at is None) == (left > 0)
    assert row().complete_by == "manifest"
    assert announce(gateway, told) == []
    assert Fact.objects.filter(name="archive.StudyCompleted").count() == 1


def test_a_missing_slice_is_named(stage: Cast) -> None:
    images = slices()
    announce(site(stage), named(*images))
    make.send(stage, images[0], images[2], by=SYSTEM)
    (gap,) = queries.missing(row().id, viewer=SYSTEM)
    assert (gap.series_number, gap.number, gap.uid) == (1, 2, images[1].SOPInstanceUID)
    assert not queries.missing(row().id, viewer=stage.zied)
    assert queries.owed([row().id], viewer=stage.sami).keys() == {row().id}
    assert not queries.owed([row().id], viewer=stage.zied)


def test_quiet_time_completes_nothing_of_which_more_is_named(stage: Cast) -> None:
    gateway, images = site(stage), slices()
    announce(gateway, named(*images[:2]), whole=False)
    make.send(stage, *images[:2], by=SYSTEM)
    Study.objects.update(last_arrival_at=timezone.now() - datetime.timedelta(days=3))
    assert archive.complete_quiet(by=SYSTEM) == 0  # all that was named is here, but the site is not done
    announce(gateway, named(*images))
    assert archive.complete_quiet(by=SYSTEM) == 0
    make.send(stage, images[2], by=SYSTEM)
    assert row().complete_by == "manifest"


def test_other_content_is_kept_aside_and_the_study_complete(stage: Cast) -> None:
    images = slices()
    other = make.image(2, StudyInstanceUID=UID, SOPInstanceUID=images[1].SOPInstanceUID, PatientComments="another")
    make.send(stage, images[0], images[1])
    left = announce(site(stage), named(images[0], other, images[2]))
    assert [image.uid for image in left] == [other.SOPInstanceUID, images[2].SOPInstanceUID]
    make.send(stage, images[2], by=SYSTEM)
    assert row().complete_at is None
    assert [outcome.what for outcome in make.send(stage, other, by=SYSTEM)] == ["conflict"]
    assert row().complete_by == "manifest"
    assert announce(site(stage, "again"), named(images[0], other, images[2])) == []


def test_more_named_opens_a_complete_study_again(stage: Cast) -> None:
    images = slices()
    make.send(stage, *images[:2])
    archive.complete_study(row().id, how="quiet", by=SYSTEM)
    gateway = site(stage)
    announce(gateway, named(*images[:2]))
    assert row().complete_by == "manifest"  # trusted more
    announce(gateway, named(*images))
    assert row().complete_at is None
    assert Fact.objects.filter(name="archive.StudyReopened").exists()
    announce(gateway, named(*images[:2]))  # the site took it back
    assert row().complete_by == "manifest"
    assert Named.objects.count() == 2


def test_an_image_that_no_site_named_is_a_sign_of_more(stage: Cast) -> None:
    images = slices()
    announce(site(stage), named(*images[:2]))
    make.send(stage, *images, by=SYSTEM)
    assert row().complete_at is None
    Study.objects.update(last_arrival_at=timezone.now() - datetime.timedelta(days=3))
    assert archive.complete_quiet(by=SYSTEM) == 1


def test_another_places_word_decides_nothing(stage: Cast) -> None:
    images = slices()
    make.send(stage, *images[:2])
    archive.complete_study(row().id, how="quiet", by=SYSTEM)
    elsewhere = site(stage, "el-nakhil", stage.other)
    assert len(announce(elsewhere, named(*images))) == 1
    assert row().complete_by == "quiet"
    assert row().expected is None
    make.send(stage, images[2], by=SYSTEM)
    assert Manifest.objects.get().held == 3
    with pytest.raises(rules.NotYourPlace):
        archive.announce_manifest(UID, named(*images), place=stage.regional, rank=2, whole=True, by=elsewhere)


@pytest.mark.parametrize(
    "wrong",
    [
        {"uid": "../../etc/passwd"}, {"uid": "1.2.3/4"}, {"uid": ""}, {"series_uid": "x"}, {"sha256": b"short"},
        {"size": 0}, {"size": 1 << 40}, {"frames": -1}, {"number": 1 << 40},
    ],
)  # fmt: skip
def test_a_manifest_that_makes_no_sense_is_refused(stage: Cast, wrong: dict[str, object]) -> None:
    (image,) = named(*slices(1))
    with pytest.raises(rules.BadManifest):
        announce(site(stage), [replace(image, **wrong)])  # type: ignore[arg-type]
    with pytest.raises(rules.BadManifest):
        announce(site(stage), [image, image])
    with pytest.raises(rules.BadManifest):
        announce(site(stage), [])
    with pytest.raises(rules.BadRank):
        announce(site(stage), [image], rank=5)
    assert not Study.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_sixteen_sites_at_once_make_one_complete_study() -> None:
    stage = cast()
    images = slices()
    told = named(*images)
    gateways = [site(stage, str(n)) for n in range(8)]

    def say(by: Actor) -> None:
        announce(by, told)

    def send(_: object) -> None:
        make.send(stage, *images, by=SYSTEM)

    acts = [partial(act, by) for by in gateways for act in (say, send)]
    assert at_once(*acts) == []
    assert row().complete_by == "manifest"
    assert set(Manifest.objects.values_list("named", "held", "whole")) == {(3, 3, True)}
    assert (
        Fact.objects.filter(name="archive.StudyCompleted").count()
        == 1 + Fact.objects.filter(name="archive.StudyReopened").count()
    )


def test_pieces_grow_only_at_their_end(store: Path) -> None:
    digest, whole = b"\x01" * 32, bytes(range(100))
    about = {"size": 100, "sender": "client:1"}
    assert archive.append(digest, whole[:40], at=0, **about) == 40  # type: ignore[arg-type]
    assert archive.append(digest, whole[:40], at=0, **about) == 40  # type: ignore[arg-type]
    assert archive.append(digest, whole[60:], at=60, **about) == 40  # type: ignore[arg-type]
    assert archive.append(digest, b"\0" * 70, at=40, **about) == 40  # type: ignore[arg-type]
    assert archive.append(digest, whole[40:], at=40, **about) == 100  # type: ignore[arg-type]
    assert archive.partial_path(digest, sender="client:1").read_bytes() == whole
    assert archive.how_far(digest, sender="client:2") == 0  # another sender's is another file


@pytest.mark.django_db
def test_pieces_outlive_the_sweep_for_days_and_not_for_ever(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = []
    for number, days in enumerate((0, 3, 8)):
        digest = bytes([number]) * 32
        archive.append(digest, b"x" * 100, at=0, size=200, sender="client:1")
        paths.append(archive.partial_path(digest, sender="client:1"))
        moment = timezone.now().timestamp() - days * 86400
        os.utime(paths[-1], (moment, moment))
    archive.sweep()
    assert [path.exists() for path in paths] == [True, True, False]
    monkeypatch.setattr(kept, "PARTIAL_ROOM", 150)
    archive.sweep()
    assert [path.exists() for path in paths] == [True, False, False]


def test_there_is_no_room_for_everything(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partial_files, "ROOM", 300)
    archive.append(b"\x01" * 32, b"x" * 100, at=0, size=150, sender="client:1")
    with pytest.raises(rules.TooManyPieces):
        archive.append(b"\x02" * 32, b"x" * 100, at=0, size=250, sender="client:1")
    assert archive.append(b"\x02" * 32, b"x" * 100, at=0, size=250, sender="client:2") == 100
    assert str(settings.STORAGE) in str(archive.partial_path(b"\x02" * 32, sender="../x"))
    assert "/.." not in str(archive.partial_path(b"\x02" * 32, sender="../x"))
