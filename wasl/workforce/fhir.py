"""Practitioner (FHIR R4, 8.4), whose key is the person's, and PractitionerRole (8.5): where they work and read."""

import datetime

from wasl.kernel.fhir import Resource, coding, reference, resource, searches, without_empty
from wasl.workforce import queries
from wasl.workforce.events import CoverBegun, CoverEnded, WorkerEnrolled
from wasl.workforce.queries import Cover, Worker

SYSTEMS = {"licence": "urn:wasl:licence", "specialty": "urn:wasl:specialty"}
LANGUAGE = "http://hl7.org/fhir/StructureDefinition/language"
BCP47 = "urn:ietf:bcp:47"
ACQUISITION = "http://dicom.nema.org/resources/ontology/DCM"  # the codes of CID 29 are DCM codes

searches["Practitioner"] = ("identifier", "name", "family", "given")
searches["PractitionerRole"] = ("practitioner", "organization", "specialty")


@resource(
    "Practitioner",
    on=[WorkerEnrolled],
    get=queries.worker_for_record,
    every=queries.every_worker,
    key={WorkerEnrolled: "person"},
)
def practitioner(row: Worker) -> Resource:
    """A professional: who signs a report."""
    person = row.person
    licence = {"system": SYSTEMS["licence"], "value": row.licence}
    return without_empty(
        {
            "resourceType": "Practitioner",
            "id": str(row.person_id),
            "identifier": [licence],
            "active": True,
            "name": [
                _name(person.family_name, person.given_name, "ar-Latn"),
                _name(person.family_name_ar, person.given_name_ar, "ar"),
            ],
            "qualification": [{"identifier": [licence], "code": {"text": row.specialty}}],
            "communication": [coding(BCP47, language) for language in row.languages],
        }
    )


@resource(
    "PractitionerRole",
    on=[WorkerEnrolled, CoverBegun, CoverEnded],
    get=queries.role_for_record,
    every=queries.every_role,
)
def practitioner_role(row: Worker | Cover) -> Resource:
    """What a professional does at a place: the post where enrolled, or the reading of another hospital's exams."""
    worker = row if isinstance(row, Worker) else row.worker
    body: Resource = {
        "resourceType": "PractitionerRole",
        "id": str(row.id),
        "practitioner": reference("Practitioner", worker.person_id, str(worker.person)),
        "organization": reference("Organization", row.place_id, row.place.name_fr),
        "location": [reference("Location", row.place_id)],
        "specialty": [coding(SYSTEMS["specialty"], worker.specialty)],
    }
    if isinstance(row, Cover):
        ends = {"start": _moment(row.period.lower), "end": _moment(row.period.upper)}
        body |= {"period": ends, "code": [coding(ACQUISITION, modality) for modality in row.modalities]}
    return without_empty(body)


def _name(family: str, given: str, language: str) -> Resource:
    if not family and not given:
        return {}
    return {
        "extension": [{"url": LANGUAGE, "valueCode": language}],
        "use": "official",
        "text": f"{given} {family}".strip(),
        "family": family,
        "given": [given],
    }


def _moment(at: datetime.datetime | None) -> str | None:
    return at.astimezone(datetime.UTC).isoformat() if at else None
