"""Resources that the record itself keeps, as no module owns their type: which types, whose they are, what is refused.

They are kept as they were received: no sender's statement is corrected by another's, both stand side by side.
"""

from collections.abc import Collection, Iterator
from typing import Any
from uuid import UUID

from wasl.kernel import fhir
from wasl.kernel.access import Actor
from wasl.kernel.errors import Invalid, NotAllowed, NotFound, Refused
from wasl.record.rules.parameters import of_patients

# what is said of a patient, or by which it is said, and belongs to no module now or by the plan of the house
KEPT = frozenset(
    # observed, concluded, decided
    {"Observation", "Condition", "AllergyIntolerance", "FamilyMemberHistory", "ClinicalImpression", "RiskAssessment",
     "DetectedIssue", "AdverseEvent", "Flag", "BodyStructure", "Specimen", "Media"}
    # done and given
    | {"Procedure", "Immunization", "ImmunizationEvaluation", "ImmunizationRecommendation", "MedicationStatement",
       "MedicationRequest", "MedicationAdministration", "MedicationDispense", "Medication", "VisionPrescription",
       "NutritionOrder", "DeviceRequest", "DeviceUseStatement"}
    # planned and accompanied
    | {"CarePlan", "CareTeam", "Goal", "Encounter", "EpisodeOfCare", "Communication", "CommunicationRequest",
       "RelatedPerson", "Coverage"}
    # written down
    | {"DocumentReference", "Composition", "List", "Questionnaire", "QuestionnaireResponse"}
)  # fmt: skip
# not: what only carries or describes (Bundle, Binary, Parameters, conformance resources), what modules are or will be
# (Consent, AuditEvent, Subscription, Appointment, Slot, Schedule, Device, Claim, Account), Task, whose states are verbs
# here, and Provenance, which names no patient itself: who said a version, where and when is kept with each


class NotKept(Invalid):
    """The record takes no resources of the type {type} from outside."""

    http = 405
    fhir_issue = "not-supported"


class NoPatientNamed(Invalid):
    """A resource of the type {type} names its patient by a reference to a Patient of this network."""

    fhir_issue = "required"


class NothingReferred(Invalid):
    """There is nothing that you can see under the reference “{reference}” ({path})."""

    fhir_issue = "not-found"

    def __init__(self, *, reference: str, path: str) -> None:
        super().__init__(reference=reference, path=path)
        self.fhir_expression = (path,)


class OtherPatient(Refused):
    """A resource stays with the patient whom it first named: withdraw it, and send it anew for the other."""


class OtherSender(NotAllowed):
    """Another place said this. What you know stands beside it, in a resource of your own."""


class OtherVersion(Refused):
    """It was changed meanwhile, and is at version {version}: read it, and send your change again."""

    http = 412
    fhir_issue = "conflict"


class KeptNoLonger(NotFound):
    """This resource was withdrawn, and is not changed any more."""

    http = 410
    fhir_issue = "deleted"


def is_kept(kind: str) -> bool:
    """Whether the record itself is the owner of a resource type."""
    return kind in KEPT and kind not in fhir.owned


def served() -> frozenset[str]:
    """The resource types that the record holds: those that modules own, and those that it keeps itself."""
    return KEPT | fhir.owned.keys()


def is_served(kind: str) -> bool:
    """Whether the record holds resources of a type."""
    return kind in fhir.owned or kind in KEPT


def check_kept(kind: object) -> str:
    """Refuse a resource type that is not the record's own."""
    if not isinstance(kind, str) or not is_kept(kind):
        raise NotKept(type=kind if isinstance(kind, str) else "?")
    return kind


def check_sender(place: UUID | None, author: str, *, by: Actor) -> None:
    """Only who said it, or others of the same place, say something else or withdraw it."""
    if by.is_system or (place in by.places() if place else author == str(by)):
        return
    raise OtherSender


def check_version(version: int, expected: int | None) -> None:
    """Refuse a change that was made from another version than the one that stands."""
    if expected is not None and expected != version:
        raise OtherVersion(version=version)


def check_patient(kind: str, patient: UUID | None, before: UUID | None = None) -> None:
    """A type that is part of records names a patient, and always the same."""
    if patient is None and of_patients(kind):
        raise NoPatientNamed(type=kind)
    if before is not None and patient != before:
        raise OtherPatient


def references(value: object, path: str) -> Iterator[tuple[str, str]]:
    """The literal references within a resource, each with its path; those to what it contains are left out."""
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield from references(item, f"{path}[{number}]")
    elif isinstance(value, dict):
        # an element of a resource itself may be called so too (DetectedIssue.reference), and is an address elsewhere
        literal = None if "resourceType" in value else value.get("reference")
        if isinstance(literal, str) and not literal.startswith("#"):
            yield literal, path
        for name, item in value.items():
            yield from references(item, f"{path}.{name}")


def check_referred(wanted: dict[str, str], seen: Collection[str]) -> None:
    """Refuse references to what is not there, or is not seen."""
    for literal, path in wanted.items():
        if literal not in seen:
            raise NothingReferred(reference=literal, path=path)


def own_meta(meta: dict[str, Any], source: str) -> dict[str, Any]:
    """What is kept of a sender's `meta`: all but its version and time, which are the record's, and whose it is."""
    ours = ("versionId", "lastUpdated", "source")
    return {"source": source, **{name: value for name, value in meta.items() if name not in ours}}
