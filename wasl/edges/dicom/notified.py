"""What is created by N-CREATE: procedure steps (PS3.4, F), and notifications of what other systems have (PS3.4, R)."""

from pydicom.uid import generate_uid

from wasl.archive import services as archive
from wasl.archive.dicom import heard
from wasl.edges.dicom import steps
from wasl.edges.dicom.callers import Event, caller
from wasl.edges.dicom.classes import AVAILABILITY, PERFORMED_STEP
from wasl.edges.threads import database
from wasl.kernel.errors import Refused

SUCCESS, NO_SUCH_CLASS = 0x0000, 0x0118  # PS3.7, C.5


def created(event: Event) -> steps.Answer:
    """Something is created of the class that the request names."""
    match event.request.AffectedSOPClassUID:
        case kind if kind == PERFORMED_STEP:
            return steps.create(event)
        case kind if kind == AVAILABILITY:
            return _notified(event)
        case _:
            return NO_SUCH_CLASS, None


def _notified(event: Event) -> steps.Answer:
    """A system says which images it has; a notification without a UID gets one, which is told (PS3.7, 10.1.5.1.4)."""
    said, named = event.attribute_list, event.request.AffectedSOPInstanceUID
    uid = str(named or generate_uid())
    with database():
        try:
            study, instances = heard(said)
            archive.hear_availability(uid, study_uid=study, instances=instances, by=caller(event))
        except Refused as refusal:
            return refusal.dimse, None
    if not named:
        said.AffectedSOPInstanceUID = uid
    return SUCCESS, said
