"""C-FIND: the worklist, and patients, studies, series and images (PS3.4, K and C)."""

from collections.abc import Iterator
from importlib import import_module

from django.conf import settings
from django.utils import translation
from pydicom.dataset import Dataset
from pydicom.uid import UID

from wasl.archive import queries as archive
from wasl.archive.dicom import answers
from wasl.edges.dicom.callers import Event, caller
from wasl.edges.dicom.classes import FINDS, PATIENT_ROOT_FIND, WORKLIST_FIND
from wasl.edges.threads import database
from wasl.kernel.access import Actor
from wasl.kernel.errors import Refused

PENDING, CANCELLED = 0xFF00, 0xFE00
COMMENT = 64  # characters of an Error Comment (0000,0902), LO
Answer = tuple[int | Dataset, Dataset | None]


def answer(event: Event, ae_title: str) -> Iterator[Answer]:
    """Answer a query, one match after another, until all are told or the asker has enough."""
    with database():
        try:
            for match in _matches(event, ae_title):
                if event.is_cancelled:
                    yield CANCELLED, None
                    return
                yield PENDING, match
        except Refused as refusal:
            yield refused(refusal), None


def _worklist(query: Dataset, viewer: Actor) -> Iterator[Dataset]:
    """The worklist: of the orders that are here; at a gateway, of those that its centre last told."""
    radiology = import_module("wasl.radiology.dicom")
    if not settings.GATEWAY:
        found: Iterator[Dataset] = radiology.worklist_items(query, viewer=viewer)
        return found
    modality, accession = radiology.asked_singly(query)
    rows = archive.expected(viewer=viewer, modality=modality, accession=accession)
    kept: Iterator[Dataset] = radiology.among(query, (Dataset.from_json(row.item) for row in rows))
    return kept


def agree(event: Event) -> dict[UID, bytes]:
    """What queries may do beyond the hierarchy (PS3.4, C.5.1.1.1): relational ones are answered to who asks for them.

    Dates and times are matched each for itself, names always in search form.
    """
    return {
        uid: bytes([asked[0], 0, *(byte if n == 0 else 0 for n, byte in enumerate(asked[2:]))])
        for uid, asked in event.app_info.items()
        if uid in FINDS and asked
    }


def refused(refusal: Refused) -> Dataset:
    """A refusal as a status, with its sentence as the comment."""
    status = Dataset()
    status.Status = refusal.dimse
    with translation.override("en"):  # the default character set has no other language's letters
        status.ErrorComment = refusal.sentence[:COMMENT]
    return status


def _matches(event: Event, ae_title: str) -> Iterator[Dataset]:
    model, viewer = event.context.abstract_syntax, caller(event)
    if model == WORKLIST_FIND:
        return iter(_worklist(event.identifier, viewer))
    return answers(
        event.identifier, ae_title=ae_title, viewer=viewer, patient_root=model == PATIENT_ROOT_FIND,
        relational=_relational(event, model),
    )  # fmt: skip


def _relational(event: Event, model: str) -> bool:
    """Whether the association agreed that queries may be relational."""
    asked = event.assoc.requestor.sop_class_extended.get(model, b"")  # `agree` agrees to all of that
    return bool(asked[:1] == b"\x01")
