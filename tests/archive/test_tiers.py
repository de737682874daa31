"""Local files go by rules that are rows, and never without a second copy that was read back."""

import datetime
import threading
from pathlib import Path

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from tests import make
from tests.at_once import at_once
from tests.bucket import S3
from tests.cast import Cast, cast
from wasl.archive import queries, rules
from wasl.archive import services as archive
from wasl.archive.models import Copy, Instance, Retention, Study
from wasl.kernel.access import SYSTEM
from wasl.kernel.errors import NotAllowed
from wasl.kernel.models import Fact


@pytest.fixture
def stage(db: None) -> Cast:
    return cast()


def old_study(stage: Cast, days: int = 100, **values: object) -> Study:
    """A complete study of some days ago, with its copies."""
    study = make.study(stage, images=2, **values)
    archive.complete_study(study.id, how="quiet", by=SYSTEM)
    Study.objects.filter(id=study.id).update(last_arrival_at=timezone.now() - datetime.timedelta(days=days))
    archive.copy_study(study.id)
    return study


def files_of(study: Study) -> list[Path]:
    return [queries.lies_at(row.path) for row in Instance.objects.filter(series__study=study)]


def due() -> set[str]:
    return {found.uid for found in queries.due(viewer=SYSTEM)}


def release(study: Study) -> int:
    return archive.release_files(study.id, idle=0, by=SYSTEM)


def test_nothing_is_due_without_a_rule(stage: Cast, s3: S3) -> None:
    old_study(stage)
    assert due() == set()


@pytest.mark.parametrize(
    ("about", "goes"),
    [
        ({"local_days": 90}, True),
        ({"local_days": 101}, False),
        ({"local_days": 90, "modality": "CT"}, True),
        ({"local_days": 90, "modality": "MR"}, False),
        ({"local_days": 90, "younger_than": 50}, True),  # she is 46
        ({"local_days": 90, "younger_than": 18}, False),
        ({"keep_years": 10, "basis": "a decree"}, False),
    ],
)
def test_whom_a_rule_is_about(stage: Cast, s3: S3, about: dict[str, int | str], goes: bool) -> None:
    study = old_study(stage)
    archive.add_retention(name="rule", by=stage.fatma, **about)  # type: ignore[arg-type]
    assert due() == ({study.uid} if goes else set())


def test_how_the_legal_times_stand(stage: Cast, s3: S3) -> None:
    for years, place in ((1, stage.regional), (1, stage.regional), (9, stage.regional), (9, stage.university)):
        study = old_study(stage)
        began = timezone.now() - datetime.timedelta(days=365 * years + 10)
        Study.objects.filter(id=study.id).update(started_at=began, place=place)
    make.study(stage)  # which is still coming, and nowhere else
    before = queries.Terms(stage.regional, unsaid=4, running=0, alone=0, over=0)
    assert before in queries.terms(viewer=SYSTEM)
    for years in (1, 5):
        archive.add_retention(name="by law", place=stage.regional, keep_years=years, basis="a decree", by=stage.fatma)
    last = Study.objects.filter(place=stage.regional, complete_at__isnull=False).order_by("-started_at")[0]
    Copy.objects.filter(folder=None, path__in=Instance.objects.filter(series__study=last).values("path")[:1]).update(
        proven_at=None
    )
    assert sorted(queries.terms(viewer=SYSTEM), key=lambda row: row.unsaid) == [
        queries.Terms(stage.regional, unsaid=0, running=3, alone=2, over=1),
        queries.Terms(stage.university, unsaid=1, running=0, alone=0, over=0),
    ]
    with pytest.raises(NotAllowed):
        queries.terms(viewer=stage.fatma)


def test_of_several_rules_the_longest_holds_until_it_is_closed(stage: Cast, s3: S3) -> None:
    study = old_study(stage)
    archive.add_retention(name="all", local_days=30, by=stage.fatma)
    longer = archive.add_retention(name="CT here", modality="CT", place=stage.regional, local_days=365, by=stage.fatma)
    assert due() == set()
    archive.close_retention(longer.id, by=stage.fatma)
    assert due() == {study.uid}
    with pytest.raises(rules.NoRetention):
        archive.close_retention(longer.id, by=stage.fatma)
    assert [row.name for row in queries.retentions(viewer=stage.fatma)] == ["all"]


@pytest.mark.parametrize(
    "about", [{}, {"local_days": 0}, {"keep_years": 10}, {"keep_years": 0, "basis": "a decree"}], ids=str
)
def test_a_rule_that_says_nothing_is_refused(stage: Cast, about: dict[str, int | str]) -> None:
    with pytest.raises(rules.BadRetention):
        archive.add_retention(name="rule", by=stage.fatma, **about)  # type: ignore[arg-type]
    with pytest.raises(IntegrityError), transaction.atomic():
        Retention.objects.create(name="rule", **about)


def test_who_may_say_how_long(stage: Cast) -> None:
    with pytest.raises(NotAllowed):
        archive.add_retention(name="rule", local_days=30, by=stage.sami)
    for by in (stage.sami, stage.leila):
        with pytest.raises(NotAllowed):
            archive.release_files(make.study(stage).id, by=by)


def test_files_go_are_told_of_and_come_back(stage: Cast, s3: S3) -> None:
    study = old_study(stage)
    before = {file: file.read_bytes() for file in files_of(study)}
    assert release(study) == sum(map(len, before.values()))
    assert not any(file.exists() for file in before)
    for file, content in before.items():
        assert queries.at_hand(file).read_bytes() == content
    (fact,) = Fact.objects.filter(name="archive.FilesReleased")
    assert (fact.data["study"], fact.data["files"]) == (str(study.id), 2)
    assert archive.clear_recalled(idle=0) == sum(map(len, before.values()))
    for file, content in before.items():
        assert queries.at_hand(file).read_bytes() == content
    assert release(study) == 0


@pytest.mark.parametrize("lack", ["no copy", "unproven", "damaged", "another hash", "damaged here"])
def test_nothing_goes_without_a_second_copy_that_was_read_back(stage: Cast, s3: S3, lack: str) -> None:
    study = old_study(stage)
    there = Copy.objects.filter(folder=None)
    if lack == "no copy":
        there.delete()
    elif lack == "unproven":
        there.update(proven_at=None)
    elif lack == "damaged":
        there.update(damaged_at=timezone.now())
    elif lack == "another hash":
        there.update(sha256=bytes(32))
    else:
        Copy.objects.exclude(folder=None).update(damaged_at=timezone.now())
    archive.add_retention(name="all", local_days=30, by=stage.fatma)
    assert due() == set()
    assert release(study) == 0
    assert all(file.exists() for file in files_of(study))


def test_what_came_back_stays_while_its_copy_is_not_proven(stage: Cast, s3: S3) -> None:
    study = old_study(stage)
    release(study)
    back = [queries.at_hand(file) for file in files_of(study)]
    Copy.objects.filter(folder=None).update(damaged_at=timezone.now())
    assert archive.clear_recalled(idle=0) == 0
    assert all(file.exists() for file in back)


def test_what_was_read_today_stays(stage: Cast, s3: S3) -> None:
    study = old_study(stage)
    archive.add_retention(name="all", local_days=30, by=stage.fatma)
    assert archive.release_due() == 0
    assert all(file.exists() for file in files_of(study))


@pytest.mark.django_db(transaction=True)
def test_nothing_goes_while_a_backup_is_made(stage: Cast, s3: S3) -> None:
    study = old_study(stage)
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_lock_shared(%s)", [archive.BACKUP])
        gone: list[int] = []
        at_once(lambda: gone.append(release(study)))
        cursor.execute("select pg_advisory_unlock_shared(%s)", [archive.BACKUP])
    assert gone == [0]
    assert all(file.exists() for file in files_of(study))


@pytest.mark.django_db(transaction=True)
def test_readers_never_miss_while_files_go_and_come_back(stage: Cast, s3: S3) -> None:
    study = old_study(stage)
    files = files_of(study)
    content = {file: file.read_bytes() for file in files}
    over = threading.Event()

    def read() -> None:
        for turn in range(25):
            file = files[turn % len(files)]
            with queries.opened(file) as opened:
                assert opened.read() == content[file]

    def release_all() -> None:
        while not over.is_set():
            release(study)
            archive.clear_recalled(idle=0)

    def readers() -> None:
        try:
            at_once(*[read] * 13)
        finally:
            over.set()

    at_once(readers, release_all, release_all)
    assert not any(file.exists() for file in files)


@pytest.mark.django_db(transaction=True)
def test_files_do_not_go_while_their_copy_is_found_damaged(stage: Cast, s3: S3) -> None:
    """Whoever is first: at the end each file has a copy that nobody called damaged."""
    for _ in range(4):
        study = old_study(stage)
        files = files_of(study)
        copies = [copy for copy in Copy.objects.filter(folder=None) if queries.lies_at(copy.path) in files]
        at_once(
            *[lambda study=study: release(study)] * 4,
            *[lambda copy=copy: archive.report_damage(copy.id, by=SYSTEM) for copy in copies for _ in range(6)],
        )
        for copy in copies:
            here = Copy.objects.filter(path=copy.path).exclude(folder=None).exists()
            assert here == queries.lies_at(copy.path).exists()
