"""What a viewer may not see changes no answer: each question is asked before it is there, and after."""

import json
import re
from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest
from pytest_django.plugin import DjangoDbBlocker

from tests import make
from tests.edges.corpus import NUMBERS, Body, World, _django_db_helper, concept, fill, standing
from wasl.kernel.access import SYSTEM
from wasl.patients import services as patients
from wasl.record import services as record

__all__ = ["_django_db_helper"]

pytestmark = pytest.mark.django_db

UNSEEN = "01a21db9-4b0e-7c80-a556-927abe5f878a"  # an Observation of somebody else, to which one of Salma's refers
QUESTIONS = [
    "Observation?_total=accurate", "Observation?_summary=count", "Observation?_count=2&_sort=-date",
    "Observation?_sort=value-quantity,_id", "Observation?_sort=-value-string", "Observation?_sort=-code,status",
    "Observation?code=2339-0", "Observation?code:not=2339-0&_total=accurate", "Observation?code:text=glyc",
    "Observation?identifier=HIDDEN", "Observation?identifier:of-type=urn:types|MR|HIDDEN",
    "Observation?value-quantity=gt1&_total=accurate", "Observation?value-string:contains=secret",
    "Observation?date=ge2026&_total=accurate", "Observation?code-value-quantity=2339-0$gt1",
    "Observation?component-code-value-quantity=8480-6$gt1", "Observation?encounter:missing=false",
    "Observation?_tag:missing=true&_summary=count", "Observation?_profile:below=https://laboratory.example",
    "Observation?performer:identifier=nurse-3", "Observation?patient.family=ayadi", "Observation?patient.given=rim",
    "Observation?subject:Patient.name:contains=m&_total=accurate", "Observation?encounter.identifier=HIDDEN",
    "Observation?encounter.status=finished&_total=accurate", "Observation?has-member.status=final&_total=accurate",
    "Observation?has-member.patient.family=ayadi", "Observation?has-member:Observation.code:not=1",
    "Observation?_has:Observation:has-member:status=final&_total=accurate",
    "Observation?_has:Observation:has-member:code=secret", "Patient?_has:Observation:patient:code=2339-0",
    "Patient?_has:Observation:patient:code=secret&_total=accurate", "Patient?gender=female&_total=accurate",
    "Patient?family=ayadi", "Organization?_has:Observation:performer:code=secret",
    "Organization?_has:Observation:performer:status=final&_total=accurate",
    "Observation?_include=Observation:has-member", "Observation?_include=*&_include:iterate=Observation:has-member",
    "Observation?_revinclude=Observation:has-member", "Organization?_revinclude=Observation:performer",
    "Encounter?_revinclude:iterate=Observation:encounter",
    "Encounter?_total=accurate&_revinclude=Observation:encounter", "RiskAssessment?probability=gt0&_total=accurate",
    "QuestionnaireResponse?questionnaire=https://forms.example/intake&_total=accurate",
    "Patient/{rim}/Observation?_total=accurate", "Patient/{rim}/Observation?code=2339-0",
    "Observation?patient={rim}&_total=accurate", "Observation?_id={unseen}", "Observation?has-member={unseen}",
    "Observation?has-member=Observation/{unseen}&_include=Observation:has-member",
]  # fmt: skip
SECRETS = ("HIDDEN", "secret", "Ayadi", "العيادي")


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    """Salma's record, and then Rim's, each with references to the other's; `before` are the answers in between."""
    with standing(django_db_blocker) as made:
        fill(made)
        of = {"subject": {"reference": f"Patient/{made.salma}"}, "status": "final", "code": concept("1")}
        body = {"resourceType": "Observation", **of, "hasMember": [{"reference": f"Observation/{UNSEEN}"}]}
        record.keep_resource(body, beside={f"Observation/{UNSEEN}"}, by=made.stage.amel)
        made.rim = uuid4()
        made.before = {asked: answer(made, asked) for asked in QUESTIONS}
        secret(made)
        yield made


def secret(world: World) -> None:
    """What another hospital knows of Rim, and of which she is part."""
    stage = world.stage
    rim = make.patient(stage, given_name="Rim", family_name="Ayadi", given_name_ar="ريم", family_name_ar="العيادي",
                       place=stage.other, by=stage.zied)  # fmt: skip
    patients.open_for_care(rim.id, place=stage.other, source=uuid4(), because="tests", by=SYSTEM)
    world.rim, seen = rim.id, dict(world.keys)
    fill(world, rim.id, by=stage.zied)
    beside = {f"Observation/{seen['sugar']}", f"Encounter/{seen['ward']}"}
    body = {
        "resourceType": "Observation", "status": "final", "subject": {"reference": f"Patient/{rim.id}"},
        "code": concept("secret", "secret"), "valueString": "secret",
        "identifier": [{"system": NUMBERS, "value": "HIDDEN", "type": concept("MR", system="urn:types")}],
        "hasMember": [{"reference": f"Observation/{seen['sugar']}"}],
        "encounter": {"reference": f"Encounter/{seen['ward']}"},
        "performer": [{"reference": f"Organization/{stage.regional}"}],
    }  # fmt: skip
    record.keep_resource(body, named=UUID(UNSEEN), beside=beside, by=stage.zied)


def answer(world: World, asked: str, who: dict[str, str] | None = None) -> Body:
    """An answer without what differs each time: the sealed address of the next page, a key that is only asked about."""
    bundle = world.bundle(asked.format(rim=world.rim, unseen=UNSEEN), who)
    links = [{**link, "url": re.sub(r"_page=[^&]+", "_page", link["url"])} for link in bundle["link"]]
    told: Body = json.loads(json.dumps({**bundle, "link": links}).replace(str(world.rim), "RIM"))
    return told


@pytest.mark.parametrize("asked", QUESTIONS)
def test_what_is_not_seen_changes_no_answer(world: World, asked: str) -> None:
    after = answer(world, asked)
    assert after == world.before[asked]
    assert not any(word in json.dumps(after.get("entry", ()), ensure_ascii=False) for word in SECRETS)


def test_who_may_see_it_is_told(world: World) -> None:
    told = [asked for asked in QUESTIONS if answer(world, asked, world.zied).get("entry")]
    assert len(told) > len(QUESTIONS) * 0.7
    assert UNSEEN in str(answer(world, "Observation?_id={unseen}", world.zied))


def test_pages_of_what_is_seen_are_as_they_were(world: World) -> None:
    """A page that was begun before goes on as if nothing had come."""
    seen, address = list[str](), "Observation?_sort=-value-quantity,code&_count=2"
    while address:
        seen += world.told(address)
        links = world.bundle(address)["link"]
        address = next((link["url"] for link in links if link["relation"] == "next"), "")
    assert len(seen) == len(set(seen)) == world.before["Observation?_total=accurate"]["total"]
