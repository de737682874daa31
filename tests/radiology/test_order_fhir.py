"""The ServiceRequest resource: golden, valid R4, in the record as the order moves, and the same in every language."""

import json

import pytest
from django.utils.translation import override
from fhir.resources.R4B.servicerequest import ServiceRequest as Valid

from tests import make
from tests.cast import Cast, cast
from wasl.kernel.fhir import Resource, owned
from wasl.radiology import services
from wasl.radiology.models import Order
from wasl.record.models import Version
from wasl.record.queries import parameters

SNOMED = "http://snomed.info/sct"


@pytest.fixture
def stage(db: None) -> Cast:
    return cast()


def rendered(order: Order) -> Resource:
    """What the record writes, once it has gone through JSON and a validator."""
    kind = owned["ServiceRequest"]
    body: Resource = json.loads(json.dumps(kind.render(kind.get(order.id))))
    Valid.model_validate(body)
    return body


def a_knee(stage: Cast) -> Order:
    asks = make.procedure(
        code="CT-KNEE", names=("مفراس الركبة", "Scanner du genou", "CT of the knee"), region="72696002",
        region_name="Knee", loinc="36058-6", sided=True, contrast=True, questions=("allergy", "pregnancy"),
    )  # fmt: skip
    answers = {"allergy": "contrast", "allergy_what": "iodine", "pregnancy": "no",
               "proceed_because": "premedicated with steroids"}  # fmt: skip
    return make.order(stage, procedure=asks.id, side="L", urgency="P1", question="Fracture of the plateau?",
                      answers=answers)  # fmt: skip


def test_golden(stage: Cast) -> None:
    order = a_knee(stage)
    assert rendered(order) == {
        "resourceType": "ServiceRequest",
        "id": str(order.id),
        "identifier": [
            {"type": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "ACSN"}]},
             "system": "urn:wasl:accession", "value": order.accession},
            {"system": "urn:dicom:uid", "value": f"urn:oid:{order.study_uid}"},
        ],
        "status": "active",
        "intent": "order",
        "category": [{"coding": [{"system": SNOMED, "code": "363679005", "display": "Imaging"}]}],
        "priority": "asap",
        "code": {
            "coding": [{"system": "urn:wasl:procedure", "code": "CT-KNEE", "display": "CT of the knee"},
                       {"system": "http://loinc.org", "code": "36058-6"}],
            "text": "Scanner du genou",
        },
        "subject": {"reference": f"Patient/{order.patient_id}"},
        "occurrenceDateTime": order.scheduled_for.isoformat(),
        "authoredOn": order.created_at.isoformat(),
        "requester": {"type": "Practitioner", "display": "Amel Gharbi",
                      "identifier": {"system": "urn:wasl:person", "value": str(stage.amel.id)}},
        "performer": [{"reference": f"Organization/{stage.regional}"}],
        "reasonCode": [{"text": "Fracture of the plateau?"}],
        "bodySite": [{"coding": [{"system": SNOMED, "code": "72696002", "display": "Knee"}]},
                     {"coding": [{"system": SNOMED, "code": "7771000", "display": "Left"}]}],
        "note": [{"text": "pregnancy: not pregnant"},
                 {"text": "allergy: earlier reaction to a contrast agent, iodine"},
                 {"text": "proceed because: premedicated with steroids"}],
    }  # fmt: skip


def test_the_same_in_every_language(stage: Cast) -> None:
    order = a_knee(stage)
    bodies = []
    for language in ("ar", "fr", "en"):
        with override(language):
            bodies.append(rendered(order))
    assert bodies[0] == bodies[1] == bodies[2]


def test_the_record_follows_the_order(stage: Cast) -> None:
    order, cancelled = make.order(stage), make.order(stage)
    services.start_exam(order.id, by=stage.sami)
    services.perform_exam(order.id, by=stage.sami)
    services.cancel_order(cancelled.id, because="ordered twice", by=stage.amel)
    assert statuses(order) == ["active", "completed"]
    assert statuses(cancelled) == ["active", "revoked"]


def statuses(order: Order) -> list[str]:
    said = Version.objects.filter(type="ServiceRequest", resource=order.id).order_by("version")
    return [json.loads(version.body)["status"] for version in said]


def test_every_search_parameter_names_something_that_exists(stage: Cast) -> None:
    body = rendered(a_knee(stage))
    for name, param in parameters("ServiceRequest").items():
        assert any(path.steps[0].name in body for path in param.paths), name
