"""ImagingStudy (FHIR R4, 8.15): a patient's study, its series once it is complete."""

from typing import Any

from wasl.archive import queries
from wasl.archive.events import (
    CompletenessConfirmed,
    ImagesRejected,
    ImagesRestored,
    StudyArrived,
    StudyCompleted,
    StudyExtended,
    StudyMatched,
    StudyRegrouped,
    StudyReopened,
    StudyUnmatched,
)
from wasl.archive.queries import Study
from wasl.kernel.fhir import Resource, reference, resource, searches, without_empty

DICOM = "http://dicom.nema.org/resources/ontology/DCM"
UID = "urn:dicom:uid"
ACCESSION = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "ACSN"}]}

searches["ImagingStudy"] = ("started", "identifier", "patient", "subject", "status", "modality", "series")


@resource(
    "ImagingStudy",
    on=[
        StudyArrived,
        StudyCompleted,
        CompletenessConfirmed,
        StudyExtended,
        StudyReopened,
        StudyMatched,
        StudyUnmatched,
        StudyRegrouped,
        ImagesRejected,
        ImagesRestored,
    ],
    get=queries.study_for_record,
    every=queries.every_study,
)
def imaging_study(row: Study) -> Resource:
    """A study as a resource; what still changes while images come is told when they have come."""
    complete = row.complete_at is not None
    series = sorted(row.series.all(), key=lambda one: (one.number or 0, one.uid)) if complete else []
    return without_empty(
        {
            "resourceType": "ImagingStudy",
            "id": str(row.id),
            "identifier": [
                {"system": UID, "value": f"urn:oid:{row.uid}"},
                {"type": ACCESSION, "value": row.accession} if row.accession else {},
            ],
            "status": "available" if complete else "registered",
            "modality": [{"system": DICOM, "code": code} for code in row.modalities] if complete else [],
            "subject": reference("Patient", row.patient_id),
            "started": row.started_at.isoformat() if row.started_at else None,
            "location": reference("Location", row.place_id),
            "description": row.description,
            "numberOfSeries": row.series_count if complete else None,
            "numberOfInstances": row.instance_count if complete else None,
            "series": [_series(one) for one in series if one.instance_count],
        }
    )


def _series(one: Any) -> Resource:  # noqa: ANN401  a row of series, whose table no face touches
    return {
        "uid": one.uid,
        "number": one.number if (one.number or -1) >= 0 else None,
        "modality": {"system": DICOM, "code": one.modality or "OT"},
        "description": one.description,
        "numberOfInstances": one.instance_count,
    }
