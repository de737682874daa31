"""What is done about acts."""

from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Sum

from wasl.contracts import queries
from wasl.contracts.events import ActCounted, ActTakenBack
from wasl.contracts.models import Act
from wasl.contracts.rules.scales import EXPERTISE
from wasl.contracts.services.turns import take_turn
from wasl.kernel.access import Actor
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb
from wasl.radiology import queries as radiology
from wasl.radiology.queries import Report
from wasl.workforce import queries as workforce


@verb
def count_act(reading: UUID, *, by: Actor) -> None:
    """Count a signed reading for its reader, the reader's hospital and the hospital that asked; told twice, once.

    When its report followed the images to another patient, it is taken back here and counted there: what was counted
    wrongly stays written, and the sum is the same.
    """
    first = next(iter(radiology.acts_due(reading, viewer=by)), None)
    if first is None:
        return
    take_turn(f"{first.report.id}")  # a report that is signed and moved at once is counted by one after the other
    for due in radiology.acts_due(reading, viewer=by):
        lines = Act.objects.filter(reading=due.report.reading_id)
        counted = lines.aggregate(sum=Sum("number", default=0))["sum"] > 0
        if counted != due.counts:
            _write(due.report, lines.count() + 1, by=by)


@verb
def count_expertise(expertise: UUID, *, by: Actor) -> None:
    """Count an answered opinion for its expert and the two hospitals, as an act of its own kind; told twice, once."""
    given = radiology.given_expertise(expertise, viewer=by)
    if given is None:
        return
    act = Act(
        reading=given.expertise, report=given.expertise, reader_id=given.expert, provider_id=given.expert_place,
        beneficiary_id=given.place, procedure=EXPERTISE, modality=given.modality, urgency=given.urgency,
        done_at=given.answered_at,
    )  # fmt: skip
    _count(act, by=by)


@verb
def count_opinion(opinion: UUID, *, by: Actor) -> None:
    """Count a second reading or an arbitration that is over, where the agreement's scale names it; told twice, once.

    Nothing is told of it while the double reading is open, so that nobody learns here who reads whom.
    """
    owed = next(iter(radiology.opinions_owed(key=opinion, viewer=by)), None)
    if owed is None or not queries.is_act(owed, viewer=by):
        return
    act = Act(
        reading=owed.opinion, part=owed.part, report=owed.report, reader_id=owed.reader, provider_id=owed.centre,
        beneficiary_id=owed.place, procedure=owed.procedure, modality=owed.modality, urgency=owed.urgency,
        done_at=owed.done_at,
    )  # fmt: skip
    _count(act, by=by)


def _write(report: Report, turn: int, *, by: Actor) -> None:
    reading = report.reading
    first = Act.objects.filter(reading=reading.id, turn=1).first()
    worker = workforce.worker_of(report.author_id, viewer=by)
    provider = first.provider_id if first else worker.place_id if worker else reading.place_id
    act = Act(
        reading=reading.id, turn=turn, number=1 if turn % 2 else -1, report=report.id, reader_id=report.author_id,
        provider_id=provider, beneficiary_id=reading.place_id, procedure=reading.order.procedure.code,
        modality=reading.modality, urgency=reading.urgency, done_at=report.signed_at or report.saved_at,
    )  # fmt: skip
    _count(act, by=by)


def _count(act: Act, *, by: Actor) -> None:
    """Write a line and tell of it; nothing where it stands already, or another worker writes it at this moment."""
    try:
        with transaction.atomic():
            act.save(force_insert=True)
    except IntegrityError:
        return
    fact = ActCounted if act.number > 0 else ActTakenBack
    told = fact(
        act=act.id, reading=act.reading, reader=act.reader_id, provider=act.provider_id,
        beneficiary=act.beneficiary_id,
    )  # fmt: skip
    emit(told, by=by)
