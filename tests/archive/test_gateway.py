"""What a gateway keeps of its centre, and what it gives up."""

import datetime
import os

import pytest
from django.conf import LazySettings, settings
from django.db import IntegrityError
from django.utils import timezone

from tests import make
from tests.cast import Cast, cast
from wasl.archive import listeners, queries, rules, services
from wasl.archive.events import StudyArrived
from wasl.archive.models import Centre, Expected, Instance, Study
from wasl.kernel.access import SYSTEM, Actor, Held
from wasl.kernel.events import Told
from wasl.kernel.models import Fact


@pytest.fixture
def stage(db: None) -> Cast:
    found = cast()
    services.name_centre(address="https://centre:8443", place=found.regional, by=SYSTEM)
    return found


@pytest.fixture
def study(stage: Cast) -> Study:
    made = make.study(stage)
    services.complete_study(made.id, how="quiet", by=SYSTEM)
    return made


def exam(number: int = 1, **values: object) -> services.Exam:
    said = {
        "accession": f"A{number}", "study_uid": f"1.2.{number}", "modality": "CT", "rank": 3,
        "scheduled_at": timezone.now(), "item": {},
    }  # fmt: skip
    return services.Exam(**{**said, **values})  # type: ignore[arg-type]


def console(place: object) -> Actor:
    return Actor(kind="modality", id=None, name="CT1", held=(Held("modality", place),))  # type: ignore[arg-type]


def listed(viewer: Actor, **asked: str) -> list[str]:
    return [row.accession for row in queries.expected(viewer=viewer, **asked)]


def test_a_study_that_is_not_on_its_way_any_more_needs_no_rank(stage: Cast, settings: LazySettings) -> None:
    settings.GATEWAY = True
    services.expect_exams([exam(rank=0)], listed="a", by=SYSTEM)
    link = services.add_link(name="centre", url="https://centre:8443", place=None, everything=True, by=SYSTEM)
    found = make.study(stage, AccessionNumber="A1")
    event = StudyArrived(study=found.id, study_uid=found.uid, accession="A1", place=stage.regional)
    told = Told(seq=1, at=timezone.now(), by="system", place=stage.regional)
    listeners.rank_arrival(event, told)  # or all that follows for this study would wait behind it
    transfer = services.queue_transfer(found.id, link=link.id, by=SYSTEM)
    listeners.rank_arrival(event, told)
    transfer.refresh_from_db()
    assert transfer.rank == 0


def test_a_list_replaces_the_one_before(stage: Cast) -> None:
    services.expect_exams([exam(1), exam(2, rank=0)], listed="a", by=SYSTEM)
    services.expect_exams([exam(2, rank=1), exam(3)], listed="b", by=SYSTEM)
    assert listed(console(stage.regional)) == ["A2", "A3"]
    assert Expected.objects.get(accession="A1").gone_at
    assert Centre.objects.get().listed == "b"
    services.expect_exams([exam(1)], listed="c", by=SYSTEM)  # it is back
    assert listed(console(stage.regional)) == ["A1"]
    facts = Fact.objects.filter(name="archive.ExamsListed").order_by("seq")
    assert [(fact.data["new"], fact.data["gone"]) for fact in facts] == [(2, 0), (1, 1), (1, 2)]


def test_a_list_is_for_the_machines_of_the_place(stage: Cast) -> None:
    services.expect_exams([exam(1), exam(2, modality="MR")], listed="a", by=SYSTEM)
    assert listed(console(stage.regional), modality="MR") == ["A2"]
    assert listed(console(stage.regional), accession="A1") == ["A1"]
    assert listed(console(stage.other)) == []
    assert listed(stage.zied) == []


def test_a_study_is_as_urgent_as_its_exam(stage: Cast) -> None:
    study = make.study(stage, AccessionNumber="A7")
    assert queries.expected_rank(study.id, viewer=SYSTEM) == 3
    services.expect_exams([exam(7, rank=1), exam(8, study_uid=study.uid, rank=0)], listed="a", by=SYSTEM)
    assert queries.expected_rank(study.id, viewer=SYSTEM) == 0
    services.expect_exams([], listed="b", by=SYSTEM)  # started meanwhile
    assert queries.expected_rank(study.id, viewer=SYSTEM) == 0


def test_a_gateway_has_one_centre(stage: Cast) -> None:
    services.name_centre(address="https://elsewhere", place=stage.regional, by=SYSTEM)
    assert Centre.objects.get().address == "https://elsewhere"
    with pytest.raises(IntegrityError, match="only"):
        Centre.objects.create(address="x", place_id=stage.regional)


@pytest.mark.parametrize("missing", ["one image", "one digest", "all"])
def test_a_copy_that_the_centre_does_not_hold_stays(study: Study, missing: str) -> None:
    held = queries.digests_of(study.id, viewer=SYSTEM)
    first = min(held)
    wrong = {
        "one image": {uid: digest for uid, digest in held.items() if uid != first},
        "one digest": {**held, first: b"\0" * 32}, "all": {},
    }[missing]  # fmt: skip
    with pytest.raises(rules.NotProven):
        services.recycle_study(study.id, held=wrong, by=SYSTEM)
    assert Instance.objects.filter(series__study=study).count() == len(held)


def test_a_study_with_an_open_conflict_stays(stage: Cast, study: Study) -> None:
    row = Instance.objects.filter(series__study=study).first()
    assert row
    again = make.image(99, SOPInstanceUID=row.uid, StudyInstanceUID=study.uid, SeriesInstanceUID=row.series.uid)
    make.send(stage, again)
    with pytest.raises(rules.NotProven):
        services.recycle_study(study.id, held=queries.digests_of(study.id, viewer=SYSTEM), by=SYSTEM)
    assert Instance.objects.filter(id=row.id).exists()


def test_a_recycled_study_is_shown_to_nobody_and_may_come_again(
    stage: Cast, study: Study, django_capture_on_commit_callbacks: object
) -> None:
    images = Instance.objects.filter(series__study=study)
    files = [settings.STORAGE / path for path in images.values_list("path", flat=True)]
    services.prepare_metadata(study.id)  # as for every complete study
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        services.recycle_study(study.id, held=queries.digests_of(study.id, viewer=SYSTEM), by=SYSTEM)
    assert not any(file.exists() for file in files)
    assert not queries.studies(viewer=SYSTEM).filter(id=study.id)
    fact = Fact.objects.get(name="archive.StudyRecycled")
    assert fact.data["instances"] == len(files)
    make.send(stage, make.image(1, StudyInstanceUID=study.uid))
    back = queries.study(study.id, viewer=SYSTEM)
    assert (back.instance_count, back.complete_at) == (1, None)


def test_over_the_quota_are_the_oldest(stage: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    studies = [make.study(stage) for _ in range(3)]
    for days, found in zip((40, 20, 1), studies, strict=True):
        services.complete_study(found.id, how="quiet", by=SYSTEM)
        when = timezone.now() - datetime.timedelta(days=days)
        Study.objects.filter(id=found.id).update(last_arrival_at=when, size=1 << 30)
    assert queries.over_quota(viewer=SYSTEM) == [studies[0].id]
    monkeypatch.setattr(settings, "KEEP_GB", 1)
    assert queries.over_quota(viewer=SYSTEM) == [found.id for found in studies[:2]]
    monkeypatch.setattr(settings, "KEEP_GB", 100)
    assert queries.over_quota(viewer=SYSTEM) == [studies[0].id]


def test_the_oldest_go_sooner_when_the_disk_lacks_room(stage: Cast) -> None:
    studies = [make.study(stage) for _ in range(3)]
    for days, found in zip((3, 2, 1), studies, strict=True):
        services.complete_study(found.id, how="quiet", by=SYSTEM)
        when = timezone.now() - datetime.timedelta(days=days)
        Study.objects.filter(id=found.id).update(last_arrival_at=when, size=1 << 30)
    assert queries.over_quota(lacking=0, viewer=SYSTEM) == []
    assert queries.over_quota(lacking=(1 << 30) + 1, viewer=SYSTEM) == [found.id for found in studies[:2]]


def test_a_disk_lacks_what_its_margin_is_short_of(stage: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = os.statvfs(services.arriving())
    free, size = disk.f_bavail * disk.f_frsize, disk.f_blocks * disk.f_frsize
    margin, slack = min(size / 20, 5 << 30), 1 << 30  # others write to this disk too
    monkeypatch.setattr(settings, "RESERVE_GB", (free - margin - 8 * slack) / (1 << 30))
    assert services.shortage() == 0
    monkeypatch.setattr(settings, "RESERVE_GB", (free + 8 * slack) / (1 << 30))
    assert abs(services.shortage() - margin - 8 * slack) < 4 * slack


def test_what_is_under_way_does_not_go(stage: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "KEEP_DAYS", 0)
    make.study(stage)
    assert queries.over_quota(viewer=SYSTEM) == []


def test_below_the_reserve_nothing_is_taken_and_nothing_is_left_behind(
    stage: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "RESERVE_GB", 1e9)
    with pytest.raises(rules.NoRoom) as refused:
        services.put([b"x" * 1000])
    assert (refused.value.dimse, refused.value.http) == (0xA700, 507)
    assert not list(services.arriving().glob("*/*"))
