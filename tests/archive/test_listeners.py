"""What the archive does after facts and by the clock, each with the files where they lie."""

import pytest
from procrastinate.contrib.django.models import ProcrastinateJob

from tests import make
from tests.bucket import S3
from tests.cast import cast
from tests.hear import hear
from wasl.archive import listeners
from wasl.archive import services as archive
from wasl.archive.models import Copy, Folder
from wasl.kernel.access import SYSTEM
from wasl.kernel.models import uuid7

pytestmark = pytest.mark.django_db


def jobs(task: str) -> list[tuple[str, dict[str, str]]]:
    """The queues and arguments of the jobs of a task."""
    rows = ProcrastinateJob.objects.filter(task_name=task).order_by("id")
    return list(rows.values_list("queue_name", "args"))


def test_a_complete_study_is_copied_wherever_its_files_lie(s3: S3) -> None:
    stage = cast()
    here = archive.register_folder(name="here", by=SYSTEM)
    other = Folder.objects.create(id=uuid7(), name="other", seen_at=here.seen_at)
    study = make.study(stage, images=2)
    archive.complete_study(study.id, how="quiet", by=SYSTEM)
    hear()
    assert jobs("archive.copy_study") == [
        (archive.queue_of(folder.id), {"study": str(study.id)}) for folder in (here, other)
    ]
    listeners.copy_study(study=str(study.id))
    assert Copy.objects.filter(folder=None, proven_at__isnull=False).count() == 2
    # what came again with other content is kept in two stores as well
    first = make.image(1, StudyInstanceUID=study.uid)
    make.send(stage, first, make.image(2, StudyInstanceUID=study.uid, SOPInstanceUID=first.SOPInstanceUID))
    hear()
    listeners.copy_study(study=str(study.id))
    assert Copy.objects.filter(folder=None).count() == 4


def test_the_night_looks_after_every_folder_and_the_bucket(s3: S3) -> None:
    folder = archive.register_folder(name="here", by=SYSTEM)
    make.study(cast(), images=2)
    listeners.night(0)
    assert jobs("archive.look_after_folder") == [(archive.queue_of(folder.id), {})]
    assert [queue for queue, _ in jobs("archive.scrub_bucket")] == ["clock"]
    listeners.look_after_folder()
    listeners.scrub_bucket()
    assert Copy.objects.filter(folder=None, proven_at__isnull=False).count() == 2


def test_stray_files_are_swept_by_who_has_them() -> None:
    folder = archive.register_folder(name="here", by=SYSTEM)
    listeners.sweep(0)
    assert jobs("archive.sweep_folder") == [(archive.queue_of(folder.id), {})]
    listeners.sweep_folder()
