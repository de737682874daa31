"""Organization and Location: golden and valid R4."""

import datetime
import json

import pytest
from fhir.resources.R4B.location import Location
from fhir.resources.R4B.organization import Organization
from pydantic import BaseModel

from tests.cast import Cast, cast
from wasl.kernel.fhir import Resource, owned
from wasl.places import queries, services
from wasl.places.events import PlaceAdded, StandingChanged

pytestmark = pytest.mark.django_db
VALID: dict[str, type[BaseModel]] = {"Organization": Organization, "Location": Location}
ADDRESS = {"state": "Jendouba", "country": "TN"}


@pytest.fixture
def stage() -> Cast:
    return cast()


def rendered(kind: str, place: object) -> Resource:
    body: Resource = json.loads(json.dumps(owned[kind].render(owned[kind].get(place))))  # type: ignore[arg-type]
    VALID[kind].model_validate(body)
    return body


def test_organization(stage: Cast) -> None:
    assert rendered("Organization", stage.regional) == {
        "resourceType": "Organization",
        "id": str(stage.regional),
        "identifier": [{"system": "urn:wasl:place", "value": "oued-zen"}],
        "active": True,
        "type": [{"coding": [{"system": "urn:wasl:place-kind", "code": "tn_hr"}]}],
        "name": "Hôpital régional Oued Zen",
        "alias": ["المستشفى الجهوي وادي الزان", "Oued Zen"],
        "address": [ADDRESS],
    }


def test_the_type_is_the_last_that_was_decided(stage: Cast) -> None:
    services.change_standing(stage.regional, kind="tn_chu", since=datetime.date(2030, 1, 1), by=stage.fatma)
    assert rendered("Organization", stage.regional)["type"][0]["coding"][0]["code"] == "tn_chu"


def test_location(stage: Cast) -> None:
    assert rendered("Location", stage.regional) == {
        "resourceType": "Location",
        "id": str(stage.regional),
        "identifier": [{"system": "urn:wasl:place", "value": "oued-zen"}],
        "status": "active",
        "name": "Hôpital régional Oued Zen",
        "alias": ["المستشفى الجهوي وادي الزان", "Oued Zen"],
        "mode": "instance",
        "address": ADDRESS,
        "managingOrganization": {
            "reference": f"Organization/{stage.regional}",
            "display": "Hôpital régional Oued Zen",
        },
    }


def test_a_place_with_a_point_has_a_position(stage: Cast) -> None:
    region = queries.place(stage.regional, viewer=stage.fatma).region_id
    made = services.add_place(
        code="tabarka", names=("طبرقة", "Tabarka", "Tabarka"), region=region, kind="tn_hc", point=(0.0, 8.76),
        by=stage.fatma,
    )  # fmt: skip
    body = rendered("Location", made.id)
    assert body["position"] == {"longitude": 8.76, "latitude": 0.0}
    assert body["alias"] == ["طبرقة"]


def test_which_facts_make_them_speak(stage: Cast) -> None:
    facts = PlaceAdded(place=stage.regional), StandingChanged(place=stage.regional, kind="tn_chu")
    assert [owned["Organization"].key_of(fact) for fact in facts] == [stage.regional] * 2
    assert set(owned["Organization"].every()) == {stage.regional, stage.university, stage.other}
