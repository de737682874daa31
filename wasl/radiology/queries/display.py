"""What may be asked about the reader's own display: the rule in force, and the check that still holds."""

import datetime
from uuid import UUID

from django.utils import timezone

from wasl.kernel.access import Actor
from wasl.kernel.errors import NotFound
from wasl.radiology.models import DisplayCheck, DisplayRule, Reading
from wasl.radiology.rules import display as rules


def display_rule(*, on: datetime.datetime, viewer: Actor) -> DisplayRule | None:
    """The rule in force at a moment; None where nobody set one: then nobody is asked."""
    if not viewer.held:
        return None
    return DisplayRule.objects.filter(period__contains=timezone.localdate(on)).first()


def asks_for_display(reading: Reading, *, viewer: Actor) -> bool:
    """Whether a report of this case is signed only after a check of the display."""
    rule = display_rule(on=timezone.now(), viewer=viewer)
    return rule is not None and rules.is_asked(rule.modalities, reading.modality, *reading.study.modalities)


def display_check(key: UUID, *, viewer: Actor) -> DisplayCheck:
    """One of the viewer's own checks. Raises NotFound."""
    found = DisplayCheck.objects.filter(id=key, person=viewer.id).first() if viewer.id else None
    if found is None:
        raise NotFound
    return found


def passed_display(screen: UUID | None, *, viewer: Actor) -> DisplayCheck | None:
    """The viewer's passed check of this screen that holds longest, while it does."""
    if viewer.id is None or screen is None:
        return None
    rows = DisplayCheck.objects.filter(person=viewer.id, screen=screen, valid_until__gt=timezone.now())
    return rows.order_by("-valid_until").first()


def last_display_check(screen: UUID | None, *, viewer: Actor) -> DisplayCheck | None:
    """What the viewer last answered on this screen, passed or not."""
    if viewer.id is None or screen is None:
        return None
    rows = DisplayCheck.objects.filter(person=viewer.id, screen=screen, answered_at__isnull=False)
    return rows.order_by("-answered_at").first()
