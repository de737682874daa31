"""A study whose images became part of another: the order and the reading go along, and come back with the images."""

from uuid import UUID

from wasl.archive import queries as archive
from wasl.kernel.access import Actor
from wasl.kernel.verbs import verb
from wasl.radiology.rules import linking as rules
from wasl.radiology.services.following import follow
from wasl.radiology.services.linking import link, unlink
from wasl.radiology.services.moving import link_of


@verb
def follow_images(study: UUID, *, into: UUID, by: Actor) -> None:
    """Let the study that took a study's last images answer its order, unless it answers another; told twice, once."""
    standing = link_of(study)
    if standing is None or archive.has_images(study, viewer=by) or not archive.of_one_patient(study, into, viewer=by):
        return
    other = link_of(into)
    if other is None:
        link(standing.order, into, because=rules.BECAUSE_MERGED, by=by)
    if other is None or other.order_id == standing.order_id:
        follow((study, standing.order_id), standing.order, into, by=by)


@verb
def follow_images_back(study: UUID, *, out_of: UUID, by: Actor) -> None:
    """Give a study that has its images again its reading back, and take the order from where they had been."""
    standing, other = link_of(study), link_of(out_of)
    if standing is None or not archive.has_images(study, viewer=by):
        return
    follow((out_of, standing.order_id), standing.order, study, by=by)
    if other and (other.order_id, other.because) == (standing.order_id, rules.BECAUSE_MERGED):
        unlink(other, by=by)
