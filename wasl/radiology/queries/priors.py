"""What a patient was ordered besides an exam, and until when it is needed for comparison."""

import datetime
from typing import Any
from uuid import UUID

from django.utils import timezone

from wasl.archive import queries as archive
from wasl.kernel.access import Actor
from wasl.patients import queries as patients
from wasl.radiology.models import Order, Reading
from wasl.radiology.queries.orders import OPEN, _visible, target_minutes


def other_exams(order: Order, *, viewer: Actor) -> list[dict[str, Any]]:
    """The patient's other orders, as an archive would tell of their exams."""
    files = patients.same_person(order.patient_id, viewer=viewer)
    rows = _visible(viewer).filter(patient__in=files).exclude(id=order.id)
    rows = rows.exclude(state__in=Order.ENDED).exclude(study_uid=order.study_uid)
    return [
        {
            "uid": row.study_uid, "body_part": row.procedure.region_name, "description": row.procedure.name_fr,
            "modalities": [row.procedure.modality], "date": f"{timezone.localdate(row.scheduled_for):%Y%m%d}",
        }
        for row in rows
    ]  # fmt: skip


def like(order: Order, *, viewer: Actor) -> dict[str, str]:
    """What makes an earlier exam comparable with the one that is ordered, as the archive compares: where, and how."""
    exam = order.procedure
    return {"region": " ".join((exam.region_name, exam.name_fr, exam.name_en)), "modality": exam.modality}


def compared_with(reading: Reading, *, viewer: Actor) -> archive.Study | None:
    """The patient's latest exam of the same kind before this one, to be shown beside it; the viewer needs a ground."""
    asked = like(reading.order, viewer=viewer)
    return archive.comparable(reading.patient_id, like=asked, but=reading.study_id, viewer=viewer)


def needed_by(order: Order, *, viewer: Actor) -> datetime.datetime:
    """When the exam of an order is to be reported: by the clock of its reading, or as far as is known before it."""
    due = Reading.objects.filter(order=order.id, state__in=("waiting", "claimed")).values_list("due_at", flat=True)
    if found := due.order_by("due_at").first():
        return found
    minutes = target_minutes(order.urgency, on=order.scheduled_for, viewer=viewer)
    return order.scheduled_for + datetime.timedelta(minutes=minutes)


def cases_beside(study: UUID, *, viewer: Actor) -> list[Order]:
    """The open cases of a patient of whom a study is named, but for the study's own."""
    uid = archive.uid_of(study, viewer=viewer)
    asked = _visible(viewer).filter(study_uid=uid).first()
    if asked is None:
        return []
    files = patients.same_person(asked.patient_id, viewer=viewer)
    readings = Reading.objects.filter(state__in=("waiting", "claimed"), patient__in=files).values("order")
    rows = _visible(viewer).filter(patient__in=files).exclude(id=asked.id)
    return [*rows.filter(state__in=OPEN), *rows.exclude(state__in=OPEN).filter(id__in=readings)]
