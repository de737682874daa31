"""Modality performed procedure steps: N-CREATE and N-SET (PS3.4, F.7)."""

import datetime
import json
from typing import Any

from django.utils import timezone
from django.utils.dateparse import parse_datetime
from pydicom.dataset import Dataset

from wasl.archive import services as archive
from wasl.edges.dicom.callers import Event, caller
from wasl.edges.threads import database
from wasl.kernel.errors import Refused

SUCCESS, PROCESSING_FAILURE, INVALID_VALUE, MISSING = 0x0000, 0x0110, 0x0106, 0x0120  # PS3.7, C.5
ENDS = {"COMPLETED": archive.complete_step, "DISCONTINUED": archive.discontinue_step}

Answer = tuple[int, Dataset | None]


def create(event: Event) -> Answer:
    """A modality began an exam."""
    by, said = caller(event), event.attribute_list
    uid = event.request.AffectedSOPInstanceUID
    scheduled = (said.get("ScheduledStepAttributesSequence") or [Dataset()])[0]
    if said.get("PerformedProcedureStepStatus") != "IN PROGRESS":
        return INVALID_VALUE, None
    if not uid or "StudyInstanceUID" not in scheduled:
        return MISSING, None
    study, accession = str(scheduled.StudyInstanceUID), str(scheduled.get("AccessionNumber", ""))
    with database():
        try:
            archive.start_step(
                str(uid), study_uid=study, accession=accession,
                place=next(iter(by.places())), source=by.id, at=_moment(said, "Start"), attributes=_json(said), by=by,
            )  # fmt: skip
        except Refused as refusal:
            return refusal.dimse, None
    return SUCCESS, said


def change(event: Event) -> Answer:
    """A modality said more of an exam: its images, that it is finished, or broken off."""
    by, said = caller(event), event.modification_list
    uid = str(event.request.RequestedSOPInstanceUID)
    state = said.get("PerformedProcedureStepStatus", "IN PROGRESS")
    with database():
        try:
            if end := ENDS.get(state):
                end(uid, instance_uids=_images(said), at=_moment(said, "End"), attributes=_json(said), by=by)
            elif state == "IN PROGRESS":
                archive.change_step(uid, attributes=_json(said), by=by)
            else:
                return INVALID_VALUE, None
        except Refused as refusal:
            return refusal.dimse, None
    return SUCCESS, said


def _images(said: Dataset) -> list[str]:
    """The UIDs of all that the step made."""
    return [
        str(reference.get("ReferencedSOPInstanceUID", ""))
        for series in said.get("PerformedSeriesSequence") or ()
        for name in ("ReferencedImageSequence", "ReferencedNonImageCompositeSOPInstanceSequence")
        for reference in series.get(name) or ()
    ]


def _moment(said: Dataset, which: str) -> datetime.datetime | None:
    """When the step began or ended, by the modality's clock in the country's time zone."""
    day = str(said.get(f"PerformedProcedureStep{which}Date", ""))
    clock = str(said.get(f"PerformedProcedureStep{which}Time", "")).partition(".")[0].ljust(6, "0")
    try:
        naive = parse_datetime(f"{day[:4]}-{day[4:6]}-{day[6:8]}T{clock[:2]}:{clock[2:4]}:{clock[4:6]}")
    except ValueError:
        return None
    return timezone.make_aware(naive) if naive else None


def _json(said: Dataset) -> dict[str, Any]:
    """What the database can keep of it: no NUL, no half surrogates."""
    text = said.to_json(suppress_invalid_tags=True)
    kept: dict[str, Any] = json.loads(text.replace("\\u0000", ""))
    return kept
