"""Preliminary words, taken into their study at the gateway: so they cross the line, once, with the images."""

from uuid import UUID

from django.conf import settings

from wasl.archive import queries
from wasl.archive.events import PreliminaryWritten
from wasl.archive.rules import preliminary as rules
from wasl.archive.services.receiving import taken_in
from wasl.archive.services.rows import Incoming
from wasl.kernel.access import SYSTEM, Actor
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb


@verb
def write_preliminary(study: UUID, *, text: str, document: Incoming, by: Actor) -> UUID:
    """Add a preliminary word to a study of the gateway's hospital; `document` says the text, its author and its time.

    Gives the key of its instance.
    """
    rules.check_preliminary(text, gateway=settings.GATEWAY)
    row = queries.study(study, viewer=by)
    (taken,) = taken_in([document], by=SYSTEM)  # it is no reader's mark
    emit(PreliminaryWritten(study=row.id, instance=taken.instance, place=row.place_id), by=by)
    return taken.instance
