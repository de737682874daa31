"""The CT scanner of the regional hospital: DCMTK asks the worklist and stores; pynetdicom says what was performed."""

import datetime
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pydicom
from pydicom import Dataset
from pydicom.dataset import FileDataset
from pydicom.uid import UID, generate_uid
from pynetdicom import AE
from pynetdicom.association import Association

from tests.journeys.stage import MACHINE
from wasl.edges.cli.demo.pictures import part10, picture
from wasl.edges.cli.demo.scanner import MPPS, begun, finished

OURS = "WASL"
SUCCESS = 0x0000
CT = "693_J2KR.dcm"  # a real head CT, JPEG 2000 lossless
ASKED = (
    "PatientName", "PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientSex", "AccessionNumber",
    "StudyInstanceUID", "ReferringPhysicianName", "RequestedProcedureDescription",
    "ScheduledProcedureStepSequence[0].Modality",
)  # fmt: skip


class Machine:
    """A modality at the address where the instance listens, with a folder of its own."""

    def __init__(self, port: int, folder: Path, called: str = OURS, *, within: Sequence[str] = ()) -> None:
        """`within` is what runs its programs, in another network namespace."""
        self._port, self._folder, self._called, self._runs = port, folder, called, 0
        self._within = within

    def worklist(self, *keys: str) -> list[Dataset]:
        """What `findscu -W` finds."""
        named = {key.split("=")[0] for key in keys}
        words = [word for key in (*keys, *(key for key in ASKED if key not in named)) for word in ("-k", key)]
        folder = self._new_folder()
        self._run("findscu", "-W", "-X", "-od", folder, *words)
        return [pydicom.dcmread(path, force=True) for path in sorted(folder.glob("*.dcm"))]

    def item(self, accession: str) -> Dataset:
        """The one worklist item of an order."""
        (item,) = self.worklist(f"AccessionNumber={accession}")
        return item

    def stores(self, images: Iterable[FileDataset]) -> None:
        """Send images with `storescu`, which ends well only when each was taken."""
        folder = self._new_folder()
        for number, image in enumerate(images):
            (folder / f"{number:04}.dcm").write_bytes(part10(image))
        self._run("storescu", "--propose-j2k-lossless", "+sd", folder)

    def begins(self, item: Dataset) -> None:
        """Say that the exam has begun (MPPS N-CREATE)."""
        with self._association() as wasl:
            status, _ = wasl.send_n_create(begun(item, MACHINE, "CT"), MPPS, _step(item))
        assert status.Status == SUCCESS, status

    def ends(self, item: Dataset, images: Sequence[Dataset]) -> None:
        """Say that the exam is over, and of which images (MPPS N-SET)."""
        with self._association() as wasl:
            status, _ = wasl.send_n_set(finished(images), MPPS, _step(item))
        assert status.Status == SUCCESS, status

    def performs(self, item: Dataset, count: int = 3) -> list[FileDataset]:
        """Begin, make some real images for the item, store them, and end; the images."""
        images = pictures(item, count)
        self.begins(item)
        self.stores(images)
        self.ends(item, images)
        return images

    @contextmanager
    def _association(self) -> Iterator[Association]:
        scanner = AE(ae_title=MACHINE)
        scanner.add_requested_context(MPPS)
        wasl = scanner.associate("127.0.0.1", self._port, ae_title=self._called)
        assert wasl.is_established
        yield wasl
        wasl.release()

    def _new_folder(self) -> Path:
        self._runs += 1
        folder = self._folder / f"{self._runs:02}"
        folder.mkdir()
        return folder

    def _run(self, program: str, *words: str | Path) -> None:
        ours = ["-aet", MACHINE, "-aec", self._called]
        where = ["127.0.0.1", str(self._port)]
        files = [word for word in words if program == "storescu" and isinstance(word, Path)]
        options = [str(word) for word in words if word not in files]
        done = subprocess.run(
            [*self._within, program, *ours, *options, *where, *map(str, files)], capture_output=True, timeout=180
        )
        assert done.returncode == 0, done.stderr.decode("utf-8", "replace")


def _step(item: Dataset) -> UID:
    """The UID of the performed step of an item."""
    return generate_uid(entropy_srcs=[str(item.StudyInstanceUID), "step"])


def pictures(item: Dataset, count: int = 3, *, file: str = CT, title: str = "Scanner") -> list[FileDataset]:
    """Real images with the identity of a worklist item, made now."""
    now = datetime.datetime.now().astimezone()
    return [picture(file, item, title=title, moment=now, number=number) for number in range(1, count + 1)]
