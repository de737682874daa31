"""C-MOVE and C-GET: images given to whoever may have them, and the access log written (PS3.4, C.4.2 and C.4.3)."""

from collections.abc import Iterator
from typing import Any

from pydicom import dcmread
from pydicom.dataset import Dataset
from pynetdicom import build_context

from wasl.archive import queries as archive
from wasl.archive.dicom import keys_of
from wasl.edges.dicom.callers import Event, caller, database
from wasl.edges.dicom.classes import VERIFICATION
from wasl.kernel.access import Actor
from wasl.patients import services as patients

PENDING, CANCELLED, WRONG_IDENTIFIER = 0xFF00, 0xFE00, 0xA900
CONTEXTS = 128  # PS3.8, 9.3.2.2: identifiers are odd bytes
# what must be named at each level, lest everything that the caller sees is sent
UNIQUE = {"PATIENT": "PatientID", "STUDY": "StudyInstanceUID", "SERIES": "SeriesInstanceUID", "IMAGE": "SOPInstanceUID"}

Step = tuple[int, Dataset | None]


def move(event: Event) -> Iterator[Any]:
    """Send images to another system of the caller's place: its address, how many images, then each of them."""
    with database():
        viewer = caller(event)
        to = archive.destination(event.move_destination.strip(), viewer=viewer)
        images = _images(event.identifier, viewer) if to else None
    if to is None:
        yield None, None
        return
    pairs = dict.fromkeys((image.sop_class, image.transfer_syntax) for image in _instances(images))
    contexts = [build_context(*pair) for pair in list(pairs)[:CONTEXTS]]
    yield to.address, to.port, {"contexts": contexts or [build_context(VERIFICATION)]}
    yield from _each(event, images)


def get(event: Event) -> Iterator[Any]:
    """Send images back in the same association: how many, then each of them."""
    with database():
        images = _images(event.identifier, caller(event))
    yield from _each(event, images)


def _each(event: Event, images: list[archive.Found] | None) -> Iterator[int | Step]:
    if images is None:
        yield 1
        yield WRONG_IDENTIFIER, None
        return
    yield len(images)
    for found in images:
        if event.is_cancelled:
            yield CANCELLED, None
            return
        yield PENDING, dcmread(found.path)  # one at a time: a study is never in memory


def _images(query: Dataset, viewer: Actor) -> list[archive.Found] | None:
    """The images that an identifier names, their giving written to the access log; None when it names none at all."""
    unique = UNIQUE.get(str(query.get("QueryRetrieveLevel", "")))
    keys = keys_of(query)
    if unique is None or not keys.get(unique, "").strip("*? "):
        return None
    images = list(archive.find("IMAGE", {name: keys[name] for name in UNIQUE.values() if name in keys}, viewer=viewer))
    for study in {found.study.id: found.study for found in images}.values():
        if study.patient_id:
            ground = archive.ground(study.id, viewer=viewer) or "place"
            patients.log_access(study.patient_id, what="archive.study", ground=ground, by=viewer, subject=study.id)
    return images


def _instances(images: list[archive.Found] | None) -> Iterator[Any]:
    return (found.instance for found in images or () if found.instance)
