"""The disc of another hospital taken for a patient; it is read here only where an order asks for it."""

from uuid import UUID

from wasl.archive import services as archive
from wasl.kernel.access import Actor
from wasl.kernel.verbs import verb
from wasl.radiology import queries
from wasl.radiology.rules import linking as rules
from wasl.radiology.services.linking import link_study


@verb
def import_disc(disc: UUID, *, because: str, compared: bool, by: Actor, order: UUID | None = None) -> list[UUID]:
    """Say that the images of a disc are the patient's for whom it was read, and answer an order of theirs if one asks.

    `compared` says that the differences between the disc and the patient were seen. Gives the studies.
    """
    rules.check_compared(any(one.differs for one in queries.compared_disc(disc, viewer=by)), compared=compared)
    studies = archive.take_disc(disc, because=because, by=by)
    if order:
        for study in studies:
            link_study(order, study=study, because=because, by=by)
    return studies
