"""C-FIND: the worklist, and studies, series and images (PS3.4, K and C)."""

from collections.abc import Iterator
from importlib import import_module

from pydicom.dataset import Dataset

from wasl.archive.dicom import answers
from wasl.edges.dicom.callers import Event, caller, database
from wasl.edges.dicom.classes import WORKLIST_FIND
from wasl.kernel.errors import Refused

PENDING, CANCELLED = 0xFF00, 0xFE00
WRONG_IDENTIFIER = 0xA900  # PS3.4, C.4.1.1.4: identifier does not match SOP class
LEVELS = frozenset({"PATIENT", "STUDY", "SERIES", "IMAGE"})


def answer(event: Event, ae_title: str) -> Iterator[tuple[int, Dataset | None]]:
    """Answer a query, one match after another, until all are told or the asker has enough."""
    with database():
        try:
            query = event.identifier
            if event.context.abstract_syntax == WORKLIST_FIND:
                matches = import_module("wasl.radiology.dicom").worklist_items(query, viewer=caller(event))
            elif query.get("QueryRetrieveLevel") in LEVELS:
                matches = answers(query, ae_title=ae_title, viewer=caller(event))
            else:
                yield WRONG_IDENTIFIER, None
                return
            for match in matches:
                if event.is_cancelled:
                    yield CANCELLED, None
                    return
                yield PENDING, match
        except Refused as refusal:
            yield refusal.dimse, None
