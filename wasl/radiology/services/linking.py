"""Saying that a study answers an order, and taking it back; the study becomes, or ceases to be, the patient's."""

from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from wasl.archive import queries as archive
from wasl.archive import services as archive_services
from wasl.kernel.access import Actor
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb
from wasl.patients import queries as patients
from wasl.radiology import queries
from wasl.radiology.events import StudyLinked, StudyUnlinked
from wasl.radiology.models import Link, Order
from wasl.radiology.rules import linking as rules
from wasl.radiology.rules import ordering
from wasl.radiology.services.ordering import order_to_change


@verb
def link_study(order: UUID, *, study: UUID, because: str, by: Actor) -> Link:
    """Say that a study answers an order and is its patient's; of two people who say otherwise at once, one wins."""
    rules.check_link_reason(because)
    asked = order_to_change(order, *rules.LINKERS, by=by)
    ordering.check_in_force(asked.state)
    received = archive.study(study, viewer=by)
    if received.place_id not in (None, asked.place_id):
        raise rules.StudyFromElsewhere
    owner = received.patient_id
    said = None if queries.is_by_header(study, viewer=by) else owner  # a header yields to who links
    if not patients.is_one_person((said, asked.patient_id), viewer=by):
        raise rules.StudyOfAnother
    made = link(asked, study, because=because, by=by)
    if owner is None:
        archive_services.match_study(study, patient=asked.patient_id, because=made.because, by=by)
    elif owner != asked.patient_id:  # whom its header named, or another file of the person: it is kept in one
        archive_services.rematch_study(study, out_of=owner, patient=asked.patient_id, because=made.because, by=by)
    return made


@verb
def unlink_study(study: UUID, *, by: Actor) -> Link:
    """Take a study back from the order it was said to answer, and from the patient; who said so stays known."""
    standing = Link.objects.select_for_update().filter(study=study, undone_at__isnull=True).first()
    if standing is None:
        raise rules.StudyNotLinked
    order_to_change(standing.order_id, *rules.LINKERS, by=by)
    unlink(standing, by=by)
    archive_services.unmatch_study(study, by=by)
    return standing


def link(order: Order, study: UUID, *, because: str, by: Actor) -> Link:
    """Write that a study answers a locked order; the database refuses a second order."""
    try:
        with transaction.atomic():
            made = Link.objects.create(order=order, study_id=study, by=str(by), because=because.strip()[:200])
    except IntegrityError as taken:
        raise rules.StudyAlreadyLinked from taken
    emit(StudyLinked(**_told(made)), by=by)
    return made


def unlink(standing: Link, *, by: Actor) -> None:
    """Write that a study answers its order no longer."""
    standing.undone_at, standing.undone_by = timezone.now(), str(by)
    standing.save(update_fields=("undone_at", "undone_by"))
    emit(StudyUnlinked(**_told(standing)), by=by)


def _told(link: Link) -> dict[str, UUID]:
    order = link.order
    return {
        "link": link.id, "order": order.id, "study": link.study_id, "patient": order.patient_id,
        "place": order.place_id,
    }  # fmt: skip
