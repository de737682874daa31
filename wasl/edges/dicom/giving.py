"""C-MOVE and C-GET: images given to whoever may have them, and the access log written (PS3.4, C.4.2 and C.4.3)."""

import io
import logging
from collections.abc import Collection, Iterator
from typing import Any
from uuid import UUID

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError
from pynetdicom import build_context, evt

from wasl.archive import queries as archive
from wasl.archive import services
from wasl.archive.dicom import UNIQUE, Given, corrected, keys_of
from wasl.edges.dicom.callers import Event, caller
from wasl.edges.dicom.calling import Unreachable
from wasl.edges.dicom.classes import EXPLICIT, IMPLICIT, PATIENT_ROOTS, VERIFICATION
from wasl.edges.dicom.frames import NoPixels
from wasl.edges.dicom.pixels import Undecodable, explicit_file, pixels_of
from wasl.edges.dicom.transcoded import LOSSLESS, encodable, encoded_file
from wasl.edges.threads import database
from wasl.kernel.access import SYSTEM, Actor
from wasl.kernel.errors import Refused
from wasl.patients import services as patients

PENDING, CANCELLED, WRONG_IDENTIFIER = 0xFF00, 0xFE00, 0xA900
OUT_OF_RESOURCES, WARNING = 0xA700, 0xB000  # PS3.4, B.2.3
CONTEXTS = 128  # PS3.8, 9.3.2.2: identifiers are odd bytes
PLAIN = (EXPLICIT, IMPLICIT)  # one becomes the other without a codec

Step = tuple[int, Dataset | None]
log = logging.getLogger(__name__)


def move(event: Event) -> Iterator[Any]:
    """Send images to another system of the caller's place: its address, how many images, then each of them."""
    with database():
        viewer = caller(event)
        to = archive.destination(event.move_destination.strip(), viewer=viewer)
        images = _images(event, viewer) if to else None
        if to and images:
            _note(images, to.id, viewer)
    if to is None:
        yield None, None
        return
    met: list[Any] = []  # the association, once the destination has said what it takes
    handlers = [(evt.EVT_ESTABLISHED, lambda established: met.append(established.assoc))]
    yield to.address, to.port, {"contexts": contexts_for(images or ()), "evt_handlers": handlers}
    yield from _each(event, images, met)


def get(event: Event) -> Iterator[Any]:
    """Send images back in the same association: how many, then each of them."""
    with database():
        viewer = caller(event)
        images = _images(event, viewer)
        if images and viewer.id:
            _note(images, viewer.id, viewer)
    yield from _each(event, images, [event.assoc])


def prefer(event: Event) -> None:
    """Of the transfer syntaxes in which a peer would get images of a class, agree to one into which all can be turned.

    What it takes is agreed before it is known what it asks for; a peer that wants images as they are stored offers
    that syntax in a context of its own. Who offers no plain syntax gets the first into which pixels are encoded.
    """
    asker = event.assoc.requestor
    roles = asker.role_selection
    for context in asker.primitive.presentation_context_definition_list:
        role, offered = roles.get(context.abstract_syntax), context.transfer_syntax
        made = [one for one in PLAIN if one in offered] or [one for one in offered if one in LOSSLESS]
        if role and role.scp_role and made:
            context.transfer_syntax = made[:1]


def contexts_for(images: Collection[archive.Found]) -> list[Any]:
    """The presentation contexts in which these images can be sent: as stored, not compressed, or encoded anew."""
    stored = dict.fromkeys(
        (found.instance.sop_class, found.instance.transfer_syntax) for found in images if found.instance
    )
    classes = dict.fromkeys(sop_class for sop_class, _ in stored)
    contexts = [build_context(sop_class, list(PLAIN)) for sop_class in classes]
    contexts += [build_context(*pair) for pair in stored if pair[1] not in PLAIN]
    pictured = dict.fromkeys(found.instance.sop_class for found in images if found.instance and found.instance.rows)
    contexts += [build_context(sop_class, list(LOSSLESS)) for sop_class in pictured]
    return contexts[:CONTEXTS] or [build_context(VERIFICATION)]


def sendable(found: archive.Found, said: archive.Identity, association: Any) -> Dataset:  # noqa: ANN401  no types
    """An image with what is said of it, as a peer takes it: as it is stored, decoded, or encoded anew without loss.

    It is its UID alone, which fails, where none of these goes.
    """
    image, series = found.instance, found.series
    assert image is not None and series is not None  # noqa: S101  only images are sent
    taken = {
        context.transfer_syntax[0]
        for context in association.accepted_contexts
        if context.abstract_syntax == image.sop_class and context.as_scu
    }
    try:
        given = corrected(archive.lies_at(image.path), said.of(series.uid, image.uid))
        if image.transfer_syntax in taken or (taken & set(PLAIN) and image.transfer_syntax in PLAIN):
            with given.opened() as file:
                return dcmread(file)  # one at a time: a study is never in memory
        if (content := _made(found, given, taken)) is not None:
            return dcmread(io.BytesIO(b"".join(content)))
    except (Refused, OSError, InvalidDicomError, Undecodable, NoPixels) as error:
        log.error("An image could not be given: %s", type(error).__name__)
    unsent = Dataset()
    unsent.SOPInstanceUID = image.uid
    return unsent


def _made(found: archive.Found, given: Given, taken: set[str]) -> Iterator[bytes] | None:
    """The file of an image in a transfer syntax that is taken; None when it is in none of them."""
    pixels = pixels_of(found)
    if taken & set(PLAIN):
        return explicit_file(pixels, given)
    syntax = next((one for one in LOSSLESS if one in taken), None)
    return encoded_file(pixels, given, syntax) if syntax and pixels and encodable(pixels, syntax) else None


def send(found: archive.Found, association: Any) -> bool:  # noqa: ANN401  pynetdicom ships no types
    """Send an image (C-STORE); whether the peer took it, or refused it for good. Raises Unreachable."""
    image = found.instance
    assert image is not None  # noqa: S101  only images are sent
    if image.sop_class not in {context.abstract_syntax for context in association.accepted_contexts}:
        return False
    said = archive.identity_of(found.study.id, viewer=SYSTEM)
    status = int(association.send_c_store(sendable(found, said, association)).get("Status", OUT_OF_RESOURCES))
    if status & 0xFF00 == OUT_OF_RESOURCES:  # or no answer at all
        raise Unreachable("The image was not taken.")
    return status == 0 or status & 0xF000 == WARNING


def _note(images: Collection[archive.Found], to: UUID, viewer: Actor) -> None:
    """Remember who has a study, before it is given."""
    for study in dict.fromkeys(found.study.id for found in images):
        services.note_giving(study, to=to, by=viewer)


def _each(event: Event, images: list[archive.Found] | None, met: list[Any]) -> Iterator[int | Step]:
    if images is None:
        yield 1
        yield WRONG_IDENTIFIER, None
        return
    yield len(images)
    said: dict[UUID, archive.Identity] = {}
    for found in images:
        if event.is_cancelled:
            yield CANCELLED, None
            return
        key = found.study.id
        if key not in said:  # once for a study
            with database():
                said[key] = archive.identity_of(key, viewer=SYSTEM)  # `_images` found what the caller sees
        yield PENDING, sendable(found, said[key], met[0])


def _images(event: Event, viewer: Actor) -> list[archive.Found] | None:
    """The images that an identifier names, their giving written to the access log; None when it names none at all."""
    level = str(event.identifier.get("QueryRetrieveLevel", ""))
    keys = keys_of(event.identifier)
    named = keys.get(UNIQUE.get(level, ""), "")
    if not named.strip() or set(named) & set("*?"):  # lest everything that the caller sees is sent
        return None
    if level == "PATIENT" and event.context.abstract_syntax not in PATIENT_ROOTS:
        return None
    images = list(archive.find("IMAGE", {name: keys[name] for name in UNIQUE.values() if name in keys}, viewer=viewer))
    for study in {found.study.id: found.study for found in images}.values():
        if study.patient_id:
            ground = archive.ground(study.id, viewer=viewer) or "place"
            patients.log_access(study.patient_id, what="archive.study", ground=ground, by=viewer, subject=study.id)
    return images
