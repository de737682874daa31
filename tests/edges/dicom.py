"""A real listener for the tests, and the foreign clients that call it (DCMTK)."""

import contextlib
import subprocess
import tempfile
from collections.abc import Iterator
from functools import partialmethod
from pathlib import Path

import pytest
from django.db import connection, connections
from procrastinate.contrib.django.models import ProcrastinateJob
from pydicom.dataset import Dataset

from tests import make
from tests.cast import Cast
from tests.edges.scenes import eventually, free_port
from wasl.archive import services as archive
from wasl.archive.dicom import incoming
from wasl.archive.models import Study
from wasl.edges.cli.listen import bound
from wasl.edges.dicom import errands
from wasl.edges.dicom.dimse import Listener
from wasl.edges.dicom.sharing import Shared
from wasl.kernel.access import SYSTEM

OURS, THEIRS = "WASL", "CT_OUEDZEN"


@contextlib.contextmanager
def listening() -> Iterator[int]:
    """A listener in this process, on the tests' database; its port."""
    port = free_port()
    before = tempfile.tempdir  # the listener's own process puts what arrives beside its store
    with pytest.MonkeyPatch.context() as patch:  # else it looks twice a second whether it is to end
        patch.setattr(Shared, "serve_forever", partialmethod(Shared.serve_forever, poll_interval=0.02))
        listener = Listener(bound("127.0.0.1", port), OURS)
    try:
        yield port
    finally:
        listener.stop()
        tempfile.tempdir = before
        connections.close_all()


def client(
    program: str, port: int, *words: str | Path, us: str = OURS, me: str = THEIRS, patience: float = 600.0
) -> "Said":
    """Run a DCMTK client against the listener, for so many seconds at most."""
    command = [program, "-aec", us, "-aet", me, "127.0.0.1", str(port), *map(str, words)]
    done = subprocess.run(command, capture_output=True, timeout=patience)
    return Said(done.returncode, done.stdout.decode("utf-8", "replace") + done.stderr.decode("utf-8", "replace"))


@contextlib.contextmanager
def receiving(folder: Path, title: str, *words: str) -> Iterator[int]:
    """A foreign system (DCMTK's storescp) that takes images into a folder; its port."""
    folder.mkdir()
    port = free_port()
    process = subprocess.Popen(["storescp", *words, "-aet", title, "-od", str(folder), str(port)])
    assert eventually(lambda: client("echoscu", port, us=title).code == 0)
    try:
        yield port
    finally:
        process.terminate()
        process.wait()


class Said:
    """A client's exit code and all that it wrote."""

    def __init__(self, code: int, text: str) -> None:
        self.code, self.text = code, text

    def __repr__(self) -> str:
        return f"exit {self.code}: {self.text}"


def write(folder: Path, *images: Dataset) -> list[Path]:
    """Images as files, under names that say nothing."""
    paths = []
    for number, data in enumerate(images):
        path = folder / f"{number:04d}.dcm"
        path.write_bytes(make.part10(data))
        paths.append(path)
    return paths


def run_errands() -> int:
    """Do the errands that are owed, and those that follow from them; how many."""
    done = 0
    while job := ProcrastinateJob.objects.filter(task_name__startswith="dicom.", status="todo").order_by("id").first():
        name = job.task_name.removeprefix("dicom.")
        getattr(errands, name)(**job.args)
        with connection.cursor() as cursor:
            cursor.execute("delete from procrastinate_jobs where id = %s", [job.id])
        done += 1
    return done


def three_studies(stage: Cast) -> list[Study]:
    """Three studies of the regional hospital, and one of another that its scanner does not see."""
    made = [
        make.study(stage, images=2, AccessionNumber="A-1"),
        make.study(stage, images=1, StudyDate="20261201", PatientName="Trabelsi^Béchir", PatientID="HZ-2",
                   StudyID="S-7", Modality="MR"),
        make.study(stage, images=1, StudyDate="20251201", PatientName="غربي^أمل", PatientID="HZ-3", Modality="CR"),
    ]  # fmt: skip
    item = incoming(make.part10(make.image(1, PatientName="Ben Salah^Elsewhere")), place=stage.other)
    archive.receive([item], by=SYSTEM)
    return made
