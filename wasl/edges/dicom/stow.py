"""STOW-RS (PS3.18, 10.5): files arrive as a stream, one after the other on disk, and are received in small batches."""

import errno
import logging
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import DatabaseError, OperationalError, connection
from django.utils import translation

from wasl.archive import services as archive
from wasl.archive.dicom import incoming, named_by
from wasl.archive.services import Incoming
from wasl.edges.dicom.accept import parameters
from wasl.edges.dicom.multipart import Part, Reader
from wasl.edges.dicom.spool import spooled
from wasl.edges.threads import database
from wasl.kernel.access import Actor
from wasl.kernel.errors import Refused
from wasl.kernel.verbs import allowed

DICOM = "application/dicom"
BATCH = 20  # instances received in one transaction
LARGEST = 4 << 30  # bytes of one file

# PS3.18, I.2.2, and what it leaves to PS3.7, C.5; a refusal carries its own (`Refused.dimse`)
PROCESSING, DUPLICATE, OUT_OF_RESOURCES, OTHER_STUDY, UNREADABLE = 0x0110, 0x0111, 0xA700, 0xA900, 0xC000
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.ENOMEM, errno.EMFILE, errno.ENFILE)

log = logging.getLogger(__name__)


Json = dict[str, Any]


@dataclass
class Receipt:
    """What became of every part of a request: stored, refused under its UID, or not even readable."""

    base: str  # the address of the service
    stored: list[Json] = field(default_factory=list)
    failed: list[Json] = field(default_factory=list)
    others: list[Json] = field(default_factory=list)
    studies: set[str] = field(default_factory=set)

    @property
    def status(self) -> int:
        """200 all stored, 202 some, 409 none (PS3.18, 10.5.3.2)."""
        if not self.failed and not self.others:
            return 200
        return 202 if self.stored else 409

    def keep(self, metadata: Json) -> None:
        """An instance is stored."""
        study, series, instance = (_first(metadata, tag) for tag in ("0020000D", "0020000E", "00080018"))
        self.studies.add(study)
        at = f"{self.base}/studies/{study}/series/{series}/instances/{instance}"
        self.stored.append({**_reference(metadata), "00081190": _element("UR", at)})

    def fail(self, metadata: Json, why: int) -> None:
        """An instance is refused."""
        self.failed.append({**_reference(metadata), "00081197": _element("US", why)})

    def refuse(self, named: tuple[str, str] | None, why: int) -> None:
        """A part is refused that is not understood: under the SOP class and instance that it names, if it names any."""
        told = {"00081197": _element("US", why)}
        if named is None:
            self.others.append(told)
        else:
            self.failed.append({**_referenced(*named), **told})

    def answer(self) -> Json:
        """The Store Instances Response (PS3.18, I)."""
        answer: Json = {}
        if len(self.studies) == 1:
            answer["00081190"] = _element("UR", f"{self.base}/studies/{next(iter(self.studies))}")
        for tag, items in (("00081198", self.failed), ("00081199", self.stored), ("0008119A", self.others)):
            if items:
                answer[tag] = {"vr": "SQ", "Value": items}
        return answer


def store(
    chunks: Iterable[bytes], boundary: str, *, study: str | None, place: UUID | None, base: str, by: Actor
) -> Receipt:
    """Store every part of a multipart body. Raises Malformed and TooLarge; what was received before stays received.

    While a batch goes to the disk and the database, the next one is read.
    """
    receipt, batch, gone = Receipt(base), list[Incoming](), list[Future[None]]()
    with ThreadPoolExecutor(1) as beside, translation.override("en"):
        try:
            for part in Reader(chunks, boundary).parts():
                if (one := _arrived(part, receipt, study=study, place=place)) is not None:
                    batch.append(one)
                if len(batch) >= BATCH:
                    while gone:
                        gone.pop().result()
                    gone.append(beside.submit(_receive_beside, batch, receipt, by=by))
                    batch = []
        finally:
            while gone:
                gone.pop().result()
            if batch:
                _receive(batch, receipt, by=by)
    return receipt


def _receive_beside(batch: list[Incoming], receipt: Receipt, *, by: Actor) -> None:
    with database(), translation.override("en"):
        _receive(batch, receipt, by=by)


def _arrived(part: Part, receipt: Receipt, *, study: str | None, place: UUID | None) -> Incoming | None:
    """A part on disk and understood, or None when it is refused; then nothing of it stays."""
    if parameters(part.head.get("content-type", DICOM))[0] != DICOM:
        receipt.refuse(None, UNREADABLE)
        return None
    try:
        with spooled(part.content, LARGEST) as file:
            try:
                one = incoming(file, place=place, move=True, flush=False)
            except (Refused, OSError) as error:
                receipt.refuse(named_by(file), reason(error))
                return None
    except OSError as error:  # the disk takes no more
        receipt.refuse(None, reason(error))
        return None
    if study is not None and _first(one.metadata, "0020000D") != study:
        archive.discard(one.stored.path)
        receipt.fail(one.metadata, OTHER_STUDY)
        return None
    return one


def reason(error: Exception) -> int:
    """Why an instance is not stored, as the answer says it (PS3.18, I.2.2)."""
    if isinstance(error, Refused):
        return error.dimse
    return OUT_OF_RESOURCES if isinstance(error, OSError) and error.errno in FULL else PROCESSING


def _receive(batch: list[Incoming], receipt: Receipt, *, by: Actor) -> None:
    """Commit images that are written: together on the disk, and in one transaction unless one of them is refused."""
    try:
        archive.flush(*(one.stored for one in batch))
    except (OSError, Refused) as error:  # neither the disk nor the bucket may be late with its word
        for one in batch:
            receipt.fail(one.metadata, reason(error))
        return
    try:
        # who may send no images still saves their marks
        keep = archive.receive if allowed("archive.receive", by) else archive.save_marks
        outcomes = keep(batch, by=by)
    except (Refused, DatabaseError) as error:
        away = isinstance(error, OperationalError)
        if len(batch) > 1 and not away:  # one of them is to blame: the others are taken without it
            for one in batch:
                _receive([one], receipt, by=by)
            return
        for one in batch:
            _lose(one, error)
            receipt.fail(one.metadata, reason(error))
        return
    for one, outcome in zip(batch, outcomes, strict=True):
        if outcome.what == "conflict":  # kept aside for a person to look at; what is stored stays
            receipt.fail(one.metadata, DUPLICATE)
        else:
            receipt.keep(one.metadata)


def _lose(one: Incoming, error: Exception) -> None:
    """Remove the file of an instance that was refused; where the database failed, its row may be there all the same."""
    if isinstance(error, Refused):
        archive.discard(one.stored.path)
    else:  # the sweep takes what no row knows
        log.error("An image could not be kept: %s", type(error).__name__)
        connection.close_if_unusable_or_obsolete()


def _reference(metadata: Json) -> Json:
    return _referenced(_first(metadata, "00080016"), _first(metadata, "00080018"))


def _referenced(sop_class: str, uid: str) -> Json:
    return {"00081150": _element("UI", sop_class), "00081155": _element("UI", uid)}


def _element(vr: str, value: object) -> Json:
    return {"vr": vr, "Value": [value]}


def _first(metadata: Json, tag: str) -> str:
    return str((metadata.get(tag, {}).get("Value") or [""])[0])
