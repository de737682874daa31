"""Who calls: a modality known by its AE title and address, from the first word of an association to its last."""

import logging
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from django.db import DatabaseError

from wasl.archive import queries as archive
from wasl.edges.threads import database
from wasl.kernel.access import Actor

Event = Any  # pynetdicom ships no types
NOT_RECOGNISED = (1, 1, 3)  # rejected for good, by the user: calling AE title not recognised (PS3.8, 9.3.4)
CONGESTED = (2, 3, 1)  # rejected for now, by the provider: temporary congestion

# by association: one that was gone before it was known who it is takes its entry along
_callers: WeakKeyDictionary[Any, Actor] = WeakKeyDictionary()
log = logging.getLogger(__name__)


def greet(event: Event) -> None:
    """Reject whoever is not known to send, and everybody while nobody can be known; remember the others."""
    association = event.assoc
    title = association.requestor.primitive.calling_ae_title.strip()
    try:
        with database():
            known = archive.actor_of_source(title, association.requestor.address)
    except DatabaseError as error:
        log.error("Rejected for now: the database does not say who calls (%s).", type(error).__name__)
        _reject(association, CONGESTED)
        return
    if known is None:
        log.warning("Rejected: nobody may send who calls itself %r from %s.", title, association.requestor.address)
        _reject(association, NOT_RECOGNISED)
        return
    _callers[association] = known


def _reject(association: Any, why: tuple[int, int, int]) -> None:  # noqa: ANN401  pynetdicom ships no types
    association.acse.send_reject(*why)
    association.kill()


def part(event: Event) -> None:
    """Forget who called, and the image that was cut in the middle."""
    _callers.pop(event.assoc, None)
    message = event.assoc.dimse.message
    cut = getattr(message, "_data_set_file", None)
    if cut is not None:
        cut.close()
        Path(cut.name).unlink(missing_ok=True)


def caller(event: Event) -> Actor:
    """The modality that this request comes from."""
    return _callers[event.assoc]
