"""STOW-RS (PS3.18, 10.5): files arrive as a stream, one after the other on disk, and are received in small batches."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import connections
from django.utils import translation

from wasl.archive import services as archive
from wasl.archive.dicom import incoming
from wasl.archive.services import Incoming
from wasl.edges.dicom.accept import parameters
from wasl.edges.dicom.multipart import Part, Reader
from wasl.edges.dicom.spool import spooled
from wasl.kernel.access import Actor
from wasl.kernel.errors import NotAllowed, Refused

DICOM = "application/dicom"
BATCH = 20  # instances received in one transaction
LARGEST = 4 << 30  # bytes of one file

# PS3.18, table I.2-2
PROCESSING, NOT_AUTHORISED, DUPLICATE, OUT_OF_RESOURCES, OTHER_STUDY, UNREADABLE = (
    0x0110, 0x0124, 0x0111, 0xA700, 0xA900, 0xC000,
)  # fmt: skip

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

    def fail(self, metadata: Json | None, reason: int) -> None:
        """An instance is refused."""
        told = {"00081197": _element("US", reason)}
        if metadata is None:
            self.others.append(told)
        else:
            self.failed.append({**_reference(metadata), **told})

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
    """Store every part of a multipart body. Raises Malformed and TooLarge; what was received before stays received."""
    receipt = Receipt(base)
    with translation.override("en"):
        batch: list[Incoming] = []
        try:
            for part in Reader(chunks, boundary).parts():
                if (one := _arrived(part, receipt, study=study, place=place)) is not None:
                    batch.append(one)
                if len(batch) >= BATCH:
                    _receive(batch, receipt, by=by)
                    batch = []
        finally:
            if batch:
                _receive(batch, receipt, by=by)
            connections.close_all()  # the thread goes back to others, its connection to the pool
    return receipt


def _arrived(part: Part, receipt: Receipt, *, study: str | None, place: UUID | None) -> Incoming | None:
    """A part on disk and understood, or None when it is refused; then nothing of it stays."""
    if parameters(part.head.get("content-type", DICOM))[0] != DICOM:
        receipt.fail(None, UNREADABLE)
        return None
    try:
        with spooled(part.content, LARGEST) as file:
            one = incoming(file, place=place, move=True)
    except Refused:
        receipt.fail(None, UNREADABLE)
        return None
    except OSError:  # the disk takes no more
        receipt.fail(None, OUT_OF_RESOURCES)
        return None
    if study is not None and _first(one.metadata, "0020000D") != study:
        archive.discard(one.stored.path)
        receipt.fail(one.metadata, OTHER_STUDY)
        return None
    return one


def _receive(batch: list[Incoming], receipt: Receipt, *, by: Actor) -> None:
    try:
        outcomes = archive.receive(batch, by=by)
    except Refused as refusal:
        for one in batch:
            archive.discard(one.stored.path)
            receipt.fail(one.metadata, NOT_AUTHORISED if isinstance(refusal, NotAllowed) else PROCESSING)
        return
    for one, outcome in zip(batch, outcomes, strict=True):
        if outcome.what == "conflict":  # kept aside for a person to look at; what is stored stays
            receipt.fail(one.metadata, DUPLICATE)
        else:
            receipt.keep(one.metadata)


def _reference(metadata: Json) -> Json:
    return {
        "00081150": _element("UI", _first(metadata, "00080016")),
        "00081155": _element("UI", _first(metadata, "00080018")),
    }


def _element(vr: str, value: object) -> Json:
    return {"vr": vr, "Value": [value]}


def _first(metadata: Json, tag: str) -> str:
    return str((metadata.get(tag, {}).get("Value") or [""])[0])
