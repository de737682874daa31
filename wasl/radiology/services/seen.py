"""Signs of life of readers: by them a centre that went dark is known."""

import datetime
from uuid import UUID

from django.utils import timezone

from wasl.radiology.models import Presence

FRESH = datetime.timedelta(seconds=30)  # sooner nothing is written anew: lists and viewers ask often


def see(person: UUID) -> None:
    """Write down that a reader is there; part of a verb."""
    now = timezone.now()
    if Presence.objects.filter(person=person, seen_at__gt=now - FRESH).exists():
        return
    Presence.objects.bulk_create(
        [Presence(person_id=person, seen_at=now)], update_conflicts=True, unique_fields=("person",),
        update_fields=("seen_at",),
    )  # fmt: skip
