"""A small corpus of resources with answers that are reckoned by hand, and who asks for them over the FHIR door.

Salma is known to the regional hospital, where Amel works, and not to that of Zied.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

import httpx
import pytest
from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.operationoutcome import OperationOutcome
from pytest_django.plugin import DjangoDbBlocker

from tests import make
from tests.cast import Cast, cast
from tests.edges.foreign import Door, door, session
from tests.tables import empty_tables
from wasl.kernel.access import SYSTEM, Actor
from wasl.patients import services as patients
from wasl.record import services as record

LOINC, UCUM = "http://loinc.org", "http://unitsofmeasure.org"
NUMBERS, TAGS = "https://laboratory.example/numbers", "https://laboratory.example/tags"
SUBSETTED = {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}
Body = dict[str, Any]
INPATIENT: Body = {"class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP"}}


def concept(code: str, text: str = "", display: str = "", system: str = LOINC) -> Body:
    coding = {"system": system, "code": code, **({"display": display} if display else {})}
    return {"coding": [coding], **({"text": text} if text else {})}


def quantity(value: float, unit: str, code: str = "", **more: str) -> Body:
    return {"value": value, "unit": unit, **({"system": UCUM, "code": code} if code else {}), **more}


@dataclass
class World:
    """Who asks, and the resources by the names that tests give them."""

    door: Door
    stage: Cast
    salma: UUID
    amel: dict[str, str]
    zied: dict[str, str]
    rim: UUID = UUID(int=7)  # known to nobody here, until a test makes her
    keys: dict[str, UUID] = field(default_factory=dict)
    before: dict[str, Body] = field(default_factory=dict)

    def keep(self, name: str, kind: str, by: Actor | None = None, **body: Any) -> UUID:  # noqa: ANN401
        """Keep a resource under a name."""
        sent = {"resourceType": kind, **body}
        self.keys[name] = record.keep_resource(sent, by=by or self.stage.amel).key
        return self.keys[name]

    def bundle(self, address: str, who: dict[str, str] | None = None) -> Body:
        """A valid bundle."""
        answer = self.door.get(address if address.startswith("http") else f"/fhir/{address}", who or self.amel)
        assert answer.status_code == 200, answer.text
        Bundle.model_validate_json(answer.text)
        found: Body = answer.json()
        return found

    def told(self, address: str, mode: str = "match", who: dict[str, str] | None = None) -> list[str]:
        """The names of what a search finds, or brings along; a key where it has none."""
        names = {str(key): name for name, key in self.keys.items()}
        return [names.get(key := entry["resource"]["id"], key) for entry in self.bundle(address, who).get("entry", [])
                if entry["search"]["mode"] == mode]  # fmt: skip

    def refused(self, address: str, *, headers: dict[str, str] | None = None) -> tuple[int, str, str]:
        """Status, code and sentence of a refusal."""
        return refusal(self.door.get(f"/fhir/{address}", self.amel, headers=headers or {}))


def refusal(answer: httpx.Response) -> tuple[int, str, str]:
    outcome = OperationOutcome.model_validate_json(answer.text)
    assert outcome.issue[0].details
    return answer.status_code, str(outcome.issue[0].code), str(outcome.issue[0].details.text)


def query(**values: str) -> str:
    """Parameters as an address has them."""
    return urlencode(values)


@contextmanager
def standing(blocker: DjangoDbBlocker) -> Iterator[World]:
    """A patient whose record is open to one hospital, and whoever asks of her."""
    with blocker.unblock(), door() as opened:
        stage = cast()
        salma = make.patient(stage)
        patients.open_for_care(salma.id, place=stage.regional, source=uuid4(), because="tests", by=SYSTEM)
        yield World(opened, stage, salma.id, session(stage.amel), session(stage.zied))
        empty_tables()


def fill(world: World, patient: UUID | None = None, by: Actor | None = None) -> None:
    """What is known of Salma, or of somebody else."""
    of: Body = {"by": by, "subject": {"reference": f"Patient/{patient or world.salma}"}}
    status: dict[str, Any] = {"status": "final"}
    ward = world.keep("ward", "Encounter", **of, status="finished", period={"start": "2026-11-09"},
                      **INPATIENT, identifier=[{"system": NUMBERS, "value": "W7"}])  # fmt: skip
    glucose = concept("2339-0", "Glycémie à jeun", "Glucose [Mass/volume] in Blood")
    world.keep(
        "sugar", "Observation", **of, **status, code=glucose, valueQuantity=quantity(5.4, "mmol/L", "mmol/L"),
        effectiveDateTime="2026-11-10", encounter={"reference": f"Encounter/{ward}"},
        performer=[{"reference": f"Organization/{world.stage.regional}"}],
        identifier=[{"system": NUMBERS, "value": "A,1", "type": concept("MR", system="urn:types")}],
        meta={"tag": [{"system": TAGS, "code": "fasting"}], "profile": ["https://laboratory.example/profiles/sugar/v1"]},
        text={"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">5.4</div>'},
    )  # fmt: skip
    world.keep(
        "sweet", "Observation", **of, status="preliminary", code=glucose,
        valueQuantity=quantity(6.30, "mmol/L", "mmol/L"), effectiveDateTime="2026-11-12T08:00:00Z",
        identifier=[{"value": "B|2"}],
    )  # fmt: skip
    world.keep(
        "pressure", "Observation", **of, **status, code=concept("85354-9", "Tension artérielle"),
        effectivePeriod={"start": "2026-11-11", "end": "2026-11-13"}, performer=[
            {"identifier": {"system": NUMBERS, "value": "nurse-3"}, "display": "Infirmière"}],
        component=[
            {"code": concept("8480-6"), "valueQuantity": quantity(120, "mmHg", "mm[Hg]")},
            {"code": concept("8462-4"), "valueQuantity": quantity(80, "mmHg", "mm[Hg]")},
        ],
    )  # fmt: skip
    world.keep("words", "Observation", **of, **status, code=concept("19005-8"),
               valueString="Épanchement pleural, gauche", effectiveDateTime="2026-11-14")  # fmt: skip
    world.keep(
        "positive", "Observation", **of, **status, code=concept("94500-6", system="http://loinc.org"),
        valueCodeableConcept=concept("10828004", "Positif", system="http://snomed.info/sct"),
        hasMember=[{"reference": f"Observation/{world.keys['sugar']}"}],
    )  # fmt: skip
    world.keep("beyond", "Observation", **of, **status, code=concept("2345-7"), effectiveDateTime="2026-11-16",
               valueQuantity={"value": 200, "comparator": ">", "unit": "mg/dL"})  # fmt: skip
    world.keep("risk", "RiskAssessment", **of, **status, prediction=[{"probabilityDecimal": 0.25}])
    world.keep("risks", "RiskAssessment", **of, **status, prediction=[{"probabilityDecimal": 0.8}])
    for name, url in (("form", "https://forms.example/intake"), ("page", "https://forms.example/intake/page2"),
                      ("other form", "https://forms.example/intake-short")):  # fmt: skip
        if patient is None:
            world.keep(name, "Questionnaire", status="active", url=url)
    world.keep("answers", "QuestionnaireResponse", **of, status="completed",
               questionnaire="https://forms.example/intake", authored="2026-11-10")  # fmt: skip


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    """The corpus, for all tests of a file, which only read it."""
    with standing(django_db_blocker) as made:
        fill(made)
        yield made


@pytest.fixture
def _django_db_helper(world: World, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """In place of pytest-django's own: what is written is committed, so that the service's connections see it."""
    with django_db_blocker.unblock():
        yield
