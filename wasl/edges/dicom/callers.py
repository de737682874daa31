"""Who calls: a modality known by its AE title and address, from the first word of an association to its last."""

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.db import connections

from wasl.archive import queries as archive
from wasl.kernel.access import Actor

Event = Any  # pynetdicom ships no types
REJECTED, BY_USER, CALLING_NOT_RECOGNISED = 1, 1, 3  # PS3.8, 9.3.4

_callers: dict[int, Actor] = {}
log = logging.getLogger(__name__)


@contextlib.contextmanager
def database() -> Iterator[None]:
    """Use the database in a thread that is not Django's, and give the connection back."""
    try:
        yield
    finally:
        connections.close_all()


def greet(event: Event) -> None:
    """Reject whoever is not known to send; remember the others."""
    association = event.assoc
    title = association.requestor.primitive.calling_ae_title.strip()
    with database():
        known = archive.actor_of_source(title, association.requestor.address)
    if known is None:
        log.warning("Rejected: nobody may send who calls itself %r from %s.", title, association.requestor.address)
        association.acse.send_reject(REJECTED, BY_USER, CALLING_NOT_RECOGNISED)
        association.kill()
        return
    _callers[id(association)] = known


def part(event: Event) -> None:
    """Forget who called, and the image that was cut in the middle."""
    _callers.pop(id(event.assoc), None)
    message = event.assoc.dimse.message
    cut = getattr(message, "_data_set_file", None)
    if cut is not None:
        cut.close()
        Path(cut.name).unlink(missing_ok=True)


def caller(event: Event) -> Actor:
    """The modality that this request comes from."""
    return _callers[id(event.assoc)]
