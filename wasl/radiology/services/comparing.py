"""Comparisons: what a signed report could have been compared with is kept, and whether it was."""

from uuid import UUID

from wasl.kernel.access import Actor
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb
from wasl.radiology import queries
from wasl.radiology.events import ComparisonNoted
from wasl.radiology.models import Comparison, Report
from wasl.radiology.rules import comparing as rules
from wasl.workforce import queries as workforce


@verb
def note_comparison(report: UUID, *, by: Actor) -> Comparison | None:
    """Keep whether a signed report names a comparison, where there was something to compare; told twice, it is once."""
    found = Report.objects.select_related("reading__order__procedure", "reading__study").filter(id=report).first()
    if found is None or found.signed_at is None or found.adds_to_id:
        return None
    earlier = queries.comparable_when_signed(found, viewer=by)
    if earlier is None:
        return None
    reader = workforce.worker_of(found.author_id, viewer=by)
    named = rules.names_comparison(found.sections)
    noted, new = Comparison.objects.get_or_create(
        report=found,
        defaults={
            "earlier_id": earlier.id, "named": named, "place_id": reader.place_id if reader else found.reading.place_id
        },
    )  # fmt: skip
    if new:
        about = {"reading": found.reading_id, "patient": found.reading.patient_id, "place": noted.place_id}
        emit(ComparisonNoted(report=report, earlier=earlier.id, named=named, **about), by=by)
    return noted
