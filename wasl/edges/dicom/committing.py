"""Storage commitment: promised to who asks, once each file is read again, and asked of others (PS3.4, J)."""

import logging
import threading
from typing import Any

from django.conf import settings
from django.db import DatabaseError
from pydicom.dataset import Dataset

from wasl.archive import queries, services
from wasl.archive.dicom import commitments
from wasl.edges.dicom.callers import Event, caller
from wasl.edges.dicom.calling import Unreachable
from wasl.edges.dicom.classes import COMMITMENT, COMMITMENTS
from wasl.edges.dicom.finding import refused
from wasl.edges.threads import database
from wasl.kernel.access import SYSTEM, Actor
from wasl.kernel.errors import Refused

SUCCESS, NO_SUCH_ACTION, INVALID_ARGUMENT = 0x0000, 0x0123, 0x0115  # PS3.7, C.5
REQUEST, ALL_KEPT, SOME_FAILED = 1, 1, 2  # the action, and the events, of this class (PS3.4, J.3)
log = logging.getLogger(__name__)

Status = tuple[int | Dataset, Dataset | None]


def requested(event: Event) -> Status:
    """A system asks whether its images are kept; it is told where it listens, or where it asked if it does not."""
    if event.action_type != REQUEST:
        return NO_SUCH_ACTION, None
    by, said = caller(event), event.action_information
    assert by.id is not None  # noqa: S101  a modality is a row
    with database():
        try:
            uid, instances = str(said.get("TransactionUID", "")), commitments.named(said)
            row = services.request_commitment(uid, source=by.id, instances=instances, by=by)
        except Refused as refusal:
            return refused(refusal), None
    if not row.source.port:
        threading.Thread(target=_answer_here, args=(row, event.assoc), daemon=True).start()
    return SUCCESS, None


def heard(event: Event, by: Actor | None = None) -> Status:
    """A system says which of our images it keeps."""
    by, said = by or caller(event), event.event_information
    assert by.id is not None  # noqa: S101  a modality is a row
    with database():
        try:
            services.hear_commitment(
                str(said.get("TransactionUID", "")), source=by.id, kept=commitments.named(said),
                failed=commitments.reasons(said), by=by,
            )  # fmt: skip
        except Refused as refusal:
            return refused(refusal), None
    return SUCCESS, None


def checked(row: Any) -> dict[str, int]:  # noqa: ANN401  a row whose table no face touches
    """The images of a request that are not kept, and why; a system may ask about what its own place holds."""
    viewer = queries.actor_of_known_source(row.source_id)
    held = queries.held(list(row.instances), viewer=viewer) if viewer else {}
    return commitments.unkept(row.instances, held)


def tell(row: Any, failed: dict[str, int], association: Any) -> None:  # noqa: ANN401  a row, pynetdicom's association
    """Tell a system what is kept, and write down that it was told. Raises Unreachable."""
    said = commitments.answer(row.uid, row.instances, failed, ae_title=settings.DICOM_AE_TITLE)
    status, _ = association.send_n_event_report(said, SOME_FAILED if failed else ALL_KEPT, COMMITMENT, COMMITMENTS)
    if status.get("Status") != SUCCESS:
        raise Unreachable(f"{row.source.ae_title} did not take the answer.")
    services.answer_commitment(row.id, failed=failed, by=SYSTEM)


def _answer_here(row: Any, association: Any) -> None:  # noqa: ANN401  a row, pynetdicom's association
    """Answer on the association of the request: there is no other way to its sender."""
    with database():
        try:
            tell(row, checked(row), association)
        except (Unreachable, RuntimeError, ValueError, OSError, DatabaseError) as error:
            log.warning("%s asked for a commitment and did not wait: %s", row.source.ae_title, type(error).__name__)
