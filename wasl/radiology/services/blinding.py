"""What opens and closes to a reader who assesses an exam without knowing who read it; parts of verbs."""

import datetime
from uuid import UUID

from django.utils import timezone

from wasl.kernel.access import Actor
from wasl.patients import services as patients
from wasl.radiology import queries
from wasl.radiology.models import Reading
from wasl.radiology.rules import blinding as rules


def open_images(reading: Reading, *, because: str, by: Actor) -> datetime.datetime:
    """Show the images of an exam, and nothing that names who read them, to who acts; until when."""
    until = timezone.now() + datetime.timedelta(hours=rules.OPEN_HOURS)
    patients.open_for_review(reading.patient_id, study=reading.study_id, because=because, until=until, by=by)
    return until


def close_images(reading: Reading, *, person: UUID, by: Actor) -> None:
    """Close them, since the exam was assessed or given back."""
    patients.close_for_review(study=reading.study_id, person=person, by=by)


def check_not_blind(reading: UUID, *, by: Actor) -> None:
    """Who assesses an exam without knowing its report does nothing else about it meanwhile. Raises ReadsBlind."""
    if queries.is_blind(reading, viewer=by):
        raise rules.ReadsBlind
