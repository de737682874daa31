"""Readers' marks: taken into the study like what machines send, with who saved them."""

from collections.abc import Sequence

from wasl.archive import queries
from wasl.archive.models import Study
from wasl.archive.rules import marks as rules
from wasl.archive.services.header import Header
from wasl.archive.services.receiving import Outcome, taken_in
from wasl.archive.services.rows import Incoming
from wasl.kernel.access import Actor
from wasl.kernel.verbs import verb


@verb
def save_marks(items: Sequence[Incoming], *, by: Actor) -> list[Outcome]:
    """Add a reader's marks to studies that are open to them, all or none; for who may send no images."""
    for item in items:
        head = Header(item.metadata, item.filed)
        study = Study.objects.filter(uid=head.study_uid).first()
        reached = study is not None and queries.reaches(study.id, viewer=by)
        rules.check_marks(head.text("00080016", 64), reaches=reached)
    return taken_in(items, by=by)
