"""A hospital's laboratory at the FHIR door, its patient, and another hospital's: for tests of what is written there."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import httpx
from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.operationoutcome import OperationOutcome

from tests import make
from tests.cast import Cast, cast
from tests.edges.foreign import HOST, Door, door, session, token
from tests.tables import empty_tables
from wasl.kernel.access import SYSTEM
from wasl.kernel.models import Fact
from wasl.patients import services as patients
from wasl.record.models import Entry, Version

Who = dict[str, str]
CODES = "http://loinc.org"
NUMBERS = "https://laboratory.example/results"
FHIR = {"content-type": "application/fhir+json"}


@dataclass
class World:
    """The door, the cast, two patients, and whoever sends."""

    door: Door
    stage: Cast
    salma: UUID  # her record is open to the regional and the university hospital
    hidden: UUID  # a patient of the other hospital
    who: dict[str, Who]

    def send(self, method: str, address: str, body: object = None, who: str = "lab", **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        more: dict[str, Any] = {} if body is None else {"json": body} if not isinstance(body, str | bytes) else {
            "content": body}  # fmt: skip
        return self.door.ask(method, f"/fhir{address}", self.who[who], headers={**FHIR, **named}, **more)

    def made(self, body: dict[str, Any], **headers: str) -> dict[str, Any]:
        """A resource that is kept: as it is answered."""
        answer = self.send("POST", f"/{body['resourceType']}", body, **headers)
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def bundle(self, *entries: dict[str, Any], kind: str = "transaction", who: str = "lab", **headers: str
               ) -> httpx.Response:  # fmt: skip
        return self.send("POST", "", {"resourceType": "Bundle", "type": kind, "entry": list(entries)}, who, **headers)

    def glucose(self, value: float = 5.4, number: str = "", *, of: UUID | None = None, **more: object
                ) -> dict[str, Any]:  # fmt: skip
        return {
            "resourceType": "Observation", "status": "final",
            **({"identifier": [{"system": NUMBERS, "value": number}]} if number else {}),
            "code": {"coding": [{"system": CODES, "code": "2345-7"}]},
            "subject": {"reference": f"Patient/{of or self.salma}"}, "effectiveDateTime": "2026-11-20T08:00:00+01:00",
            "valueQuantity": {"value": value, "unit": "mmol/L"}, **more,
        }  # fmt: skip


@contextmanager
def world() -> Iterator[World]:
    """The world, on stage."""
    try:
        stage = cast()
        salma, hidden = (
            make.patient(stage).id,
            make.patient(stage, given_name="Rim", place=stage.other, by=stage.zied).id,
        )
        opened = ((salma, stage.regional), (salma, stage.university), (hidden, stage.other))
        for patient, place in opened:
            patients.open_for_care(patient, place=place, source=uuid4(), because="tests", by=SYSTEM)
        with door() as ways:
            who = {
                "nobody": {}, "amel": session(stage.amel),
                "lab": token("lab", "system/*.cruds", "fhir.write", place=stage.regional),
                "university": token("university", "fhir.read", "fhir.write", place=stage.university),
                "other": token("other", "fhir.read", "fhir.write", place=stage.other),
                "reader": token("reader", "fhir.read", place=stage.regional),
                "creator": token("creator", "system/Observation.c", place=stage.regional),
                "placeless": token("placeless", "fhir.write"),
            }  # fmt: skip
            yield World(ways, stage, salma, hidden, who)
    finally:
        empty_tables()


def refused(answer: httpx.Response, status: int, code: str, expression: str = "") -> str:
    """The sentence of a refusal that is as FHIR wants it."""
    assert answer.status_code == status, answer.text
    issue = OperationOutcome.model_validate_json(answer.text).issue[0]
    assert (issue.severity, issue.code) == ("error", code), answer.text
    assert not expression or issue.expression == [expression], answer.text
    assert issue.details
    return str(issue.details.text)


def counts() -> tuple[int, ...]:
    """All that a write would leave."""
    return Entry.objects.count(), Version.objects.count(), Fact.objects.count()


def told(answer: httpx.Response) -> list[dict[str, Any]]:
    """The entries of a bundle that answers a bundle."""
    assert answer.status_code == 200, answer.text
    Bundle.model_validate_json(answer.text)
    found: list[dict[str, Any]] = answer.json().get("entry", [])
    return found


def path_of(location: str) -> str:
    """The address within the service that a Location names, without the version."""
    assert location.startswith(f"{HOST}/fhir/"), location
    return location.removeprefix(f"{HOST}/fhir").partition("/_history")[0]
