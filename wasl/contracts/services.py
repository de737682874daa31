"""What is done about acts."""

from uuid import UUID

from django.db import IntegrityError, transaction

from wasl.contracts.events import ActCounted
from wasl.contracts.models import Act
from wasl.kernel.access import Actor
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb
from wasl.radiology import queries as radiology
from wasl.workforce import queries as workforce


@verb
def count_act(report: UUID, *, by: Actor) -> Act:
    """Count a signed reading for its reader, the reader's hospital and the hospital that asked; told twice, once."""
    signed = radiology.report(report, viewer=by)
    reading = signed.reading
    worker = workforce.worker_of(signed.author_id, viewer=by)
    provider = worker.place_id if worker else reading.place_id
    try:
        with transaction.atomic():
            act = Act.objects.create(
                reading=reading.id, report=report, reader_id=signed.author_id, provider_id=provider,
                beneficiary_id=reading.place_id, procedure=reading.order.procedure.code, modality=reading.modality,
                urgency=reading.urgency, done_at=signed.signed_at or signed.saved_at,
            )  # fmt: skip
    except IntegrityError:
        return Act.objects.get(reading=reading.id)
    emit(
        ActCounted(
            act=act.id, reading=act.reading, reader=act.reader_id, provider=provider, beneficiary=act.beneficiary_id
        ),
        by=by,
    )
    return act
