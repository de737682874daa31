"""Orders as ServiceRequest (FHIR R4)."""

from django.utils import translation

from wasl.kernel.access import SYSTEM
from wasl.kernel.fhir import Resource, coding, reference, resource, searches, without_empty
from wasl.radiology import queries
from wasl.radiology.events import (
    ExamAccepted,
    ExamChanged,
    ExamPerformed,
    ExamRefused,
    ExamUnvetted,
    OrderCancelled,
    OrderReopened,
    OrderSent,
    VettingBypassed,
    VettingFollowed,
)  # fmt: skip
from wasl.radiology.queries import Order
from wasl.radiology.rules import safety

STATUS = {
    "vetting": "on-hold", "sent": "active", "started": "active", "performed": "completed", "cancelled": "revoked",
    "refused": "revoked",
}  # fmt: skip
PRIORITY = {"P0": "stat", "P1": "asap", "P2": "urgent", "P3": "routine"}
SIDES = {"L": ("7771000", "Left"), "R": ("24028007", "Right"), "B": ("51440002", "Right and left")}  # DICOM CID 244
SNOMED = "http://snomed.info/sct"
# the record must come out the same in whatever language somebody was working
LANGUAGE = "en"

searches["ServiceRequest"] = (
    "identifier", "patient", "subject", "status", "priority", "code", "authored", "occurrence", "performer",
)  # fmt: skip


@resource(
    "ServiceRequest",
    on=(
        OrderSent, OrderCancelled, OrderReopened, ExamPerformed, ExamAccepted, ExamChanged, ExamRefused, ExamUnvetted,
        VettingBypassed, VettingFollowed,
    ),
    get=queries.order_for_record,
    every=queries.every_order,
)  # fmt: skip
def service_request(order: Order) -> Resource:
    """An order as a ServiceRequest: its numbers, the exam in codes, the question, and the safety answers as notes."""
    procedure = order.procedure
    with translation.override(LANGUAGE):
        notes = [
            f"{question}: {safety.in_words(question, order.answers)}"
            for question in safety.ANSWERS
            if question in order.answers
        ]
    if because := order.answers.get("proceed_because"):
        notes.append(f"proceed because: {because}")
    if order.repeat_because:
        notes.append(f"repeats an earlier exam because: {_reason(order)}")
    code = coding("urn:wasl:procedure", procedure.code, procedure.name_en)
    if procedure.loinc:
        code["coding"].append({"system": "http://loinc.org", "code": procedure.loinc})
    code["text"] = procedure.name_fr
    return without_empty({
        "resourceType": "ServiceRequest",
        "id": str(order.id),
        "identifier": [
            {
                "type": coding("http://terminology.hl7.org/CodeSystem/v2-0203", "ACSN"),
                "system": "urn:wasl:accession",
                "value": order.accession,
            },
            {"system": "urn:dicom:uid", "value": f"urn:oid:{order.study_uid}"},
        ],
        "status": STATUS[order.state],
        "intent": "order",
        "category": [coding(SNOMED, "363679005", "Imaging")],
        "priority": PRIORITY[order.urgency],
        "code": code,
        "orderDetail": _protocol(order),
        "subject": reference("Patient", order.patient_id),
        "occurrenceDateTime": order.scheduled_for.isoformat(),
        "authoredOn": order.created_at.isoformat(),
        "requester": {
            "type": "Practitioner",
            "identifier": {"system": "urn:wasl:person", "value": str(order.requester_id)},
            "display": str(order.requester),
        },
        "performer": [reference("Organization", order.place_id)],
        "reasonCode": [{"text": order.question}],
        "supportingInfo": [reference("ServiceRequest", order.repeats_id)] if order.repeats_id else [],
        "bodySite": _sites(order),
        "note": [{"text": note} for note in notes],
    })  # fmt: skip


def _reason(order: Order) -> str:
    with translation.override(LANGUAGE):
        return ": ".join(filter(None, (str(order.get_repeat_because_display()), order.repeat_note)))


def _protocol(order: Order) -> list[Resource]:
    """How the exam is to be made, as a radiologist vetted it."""
    verdict = queries.protocols_of([order.id], viewer=SYSTEM).get(order.id)
    if verdict is None:
        return []
    details = [{"text": "with contrast medium" if verdict.contrast else "without contrast medium"}]
    if protocol := verdict.protocol:
        details.append(coding("urn:wasl:protocol", protocol.code, protocol.name_en))
    return [*details, {"text": verdict.instructions}] if verdict.instructions else details


def _sites(order: Order) -> list[Resource]:
    sites = [coding(SNOMED, order.procedure.region, order.procedure.region_name)]
    if side := SIDES.get(order.side):
        sites.append(coding(SNOMED, *side))
    return sites
