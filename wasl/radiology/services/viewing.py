"""What a reader has on the screen: no report is signed on pictures that are not whole."""

from uuid import UUID

from django.utils import timezone

from wasl.kernel.access import Actor
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb
from wasl.radiology.events import PixelsStated
from wasl.radiology.models import Viewing
from wasl.radiology.rules import reading as rules
from wasl.radiology.services.reading import locked_reading
from wasl.radiology.services.reporting import draft_to_write


@verb
def state_pixels(reading: UUID, *, shown: int, partial: int, by: Actor) -> Viewing:
    """Say for a reader's viewers how many pictures of a case they showed, and how many are not whole yet.

    The last word of each reader holds; `shown` 0 says that no viewer of ours is open. It is a fact when it changes
    whether the reader could sign.
    """
    rules.check_statement(shown, partial)
    case = locked_reading(reading)
    draft_to_write(case, by=by)
    person = rules.reader(by)
    before = Viewing.objects.filter(reading=case, person=person).first()
    values = {"shown": shown, "partial": partial, "stated_at": timezone.now()}
    viewing, _ = Viewing.objects.update_or_create(reading=case, person_id=person, defaults=values)
    if before is None or (before.shown > 0, before.partial > 0) != (shown > 0, partial > 0):
        emit(
            PixelsStated(
                viewing=viewing.id, reading=case.id, reader=person, shown=shown, partial=partial, place=case.place_id
            ),
            by=by,
        )
    return viewing
