"""What no module owns is kept as it was received, version by version, from whoever sees the patient."""

import datetime
import json
from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection, transaction
from django.utils import timezone

from tests import make
from tests.at_once import at_once
from tests.cast import Cast
from tests.record.examples import examples
from wasl.kernel.access import SYSTEM, Actor, Held
from wasl.kernel.errors import NotAllowed, NotFound, Refused
from wasl.kernel.models import Fact
from wasl.patients import queries as patient_queries
from wasl.patients import services as patients
from wasl.record import queries, services
from wasl.record.models import Entry, Version
from wasl.record.rules import Malformed, kept
from wasl.record.rules.parameters import patient_paths

pytestmark = pytest.mark.django_db
WRONG = {"Questionnaire-zika-virus-exposure-assessment"}  # the standard's own narrative says nothing: refused
LOINC = {"coding": [{"system": "http://loinc.org", "code": "718-7"}]}


def client(place: UUID | None) -> Actor:
    return Actor("client", uuid4(), "laboratory", (Held("client", place),))


@pytest.fixture
def laboratory(stage: Cast) -> Actor:
    """The system of the regional hospital's laboratory."""
    return client(stage.regional)


@pytest.fixture
def salma(stage: Cast) -> UUID:
    """A patient whose record is open to the regional and the university hospital."""
    key = make.patient(stage).id
    for place in (stage.regional, stage.university):
        patients.open_for_care(key, place=place, source=uuid4(), because="tests", by=SYSTEM)
    return key


def haemoglobin(patient: UUID, value: str = "12.50", **more: Any) -> dict[str, Any]:  # noqa: ANN401
    text = f'{{"resourceType":"Observation","status":"final","valueQuantity":{{"value":{value},"unit":"g/dL"}}}}'
    found: dict[str, Any] = queries.read(text)
    return {**found, "code": LOINC, "subject": {"reference": f"Patient/{patient}"}, **more}


def refused(kind: type[Refused], act: Callable[[], object]) -> Refused:
    """The refusal of an act that changes nothing."""
    before = Entry.objects.count(), Version.objects.count(), Fact.objects.count()
    with pytest.raises(kind) as told:
        act()
    assert (Entry.objects.count(), Version.objects.count(), Fact.objects.count()) == before
    return told.value


def test_what_is_sent_is_kept_as_it_was_written(stage: Cast, salma: UUID, laboratory: Actor) -> None:
    sent = haemoglobin(salma, "12.50", meta={"versionId": "9", "source": "urn:me", "tag": [{"code": "x"}]}, note=[
        {"text": "خضاب « 12,5 »"}])  # fmt: skip
    found = services.keep_resource(sent, by=laboratory)
    entry = Entry.objects.get(type="Observation", id=found.key)
    version = Version.objects.get(resource=found.key)
    fact = Fact.objects.get(name="record.ResourceKept")
    assert (found.version, found.new, found.body) == (1, True, entry.body)
    assert (entry.patient, entry.place, entry.author) == (salma, stage.regional, str(laboratory))
    assert (version.fact, version.body, version.patient) == (fact.seq, entry.body, salma)
    assert (fact.subject, fact.place, fact.data["type"], fact.data["patient"]) == (
        found.key, stage.regional, "Observation", str(salma))  # fmt: skip
    assert '"value":12.50,' in entry.body, "a decimal keeps the digits that it was measured with"
    body = json.loads(entry.body)
    assert body.pop("id") == str(found.key)
    meta = body.pop("meta")
    assert (meta["versionId"], meta["source"], meta["tag"]) == ("1", "urn:wasl:place:oued-zen", [{"code": "x"}])
    del sent["meta"]
    assert body == json.loads(queries.written(sent))
    assert list(services.verify()) == []


def about(body: Any, patient: UUID) -> Any:  # noqa: ANN401  any part of a resource
    """An example as if it were said of a patient who is here: what else it refers to is named in words."""
    if isinstance(body, list):
        return [about(item, patient) for item in body]
    if not isinstance(body, dict):
        return body
    named = {name: about(item, patient) for name, item in body.items()}
    if "reference" in named and "resourceType" not in named and not str(named["reference"]).startswith("#"):
        named = {name: item for name, item in named.items() if name not in ("reference", "type")} | {"display": "x"}
    if named.get("resourceType") in kept.KEPT and (path := next(patient_paths(named["resourceType"]), None)):
        named[path.steps[0].name] = {"reference": f"Patient/{patient}"}
    return named


def test_every_example_of_the_standard_comes_back_as_it_was(salma: UUID, laboratory: Actor) -> None:
    seen = set()
    for name, text in examples().items():
        sent = about(queries.read(text), salma)
        if queries.is_kept(sent["resourceType"]) and "contained" not in sent and name not in WRONG:
            found = queries.read(services.keep_resource(sent, by=laboratory).body)
            assert queries.written({**found, "id": "", "meta": {}}) == queries.written(
                {"resourceType": sent["resourceType"], "id": "", "meta": {}} | {**sent, "id": "", "meta": {}}
            ), name
            seen.add(sent["resourceType"])
    assert len(seen) > 30
    assert list(services.verify()) == []


def test_versions_follow_each_other_and_the_same_again_is_none(salma: UUID, laboratory: Actor) -> None:
    key = services.keep_resource(haemoglobin(salma), by=laboratory).key
    again = services.keep_resource(haemoglobin(salma), by=laboratory, key=key)
    other = services.keep_resource(haemoglobin(salma, "12.5"), by=laboratory, key=key, expected=1)
    assert (again.version, other.version, other.new) == (1, 2, False)
    stale = refused(
        kept.OtherVersion,
        lambda: services.keep_resource(haemoglobin(salma, "1.0"), by=laboratory, key=key, expected=1),
    )
    assert (stale.http, stale.values) == (412, {"version": 2})
    refused(kept.OtherVersion, lambda: services.withdraw_resource("Observation", key, by=laboratory, expected=1))
    assert services.withdraw_resource("Observation", key, by=laboratory, expected=2).version == 3
    assert services.withdraw_resource("Observation", key, by=laboratory).version == 3
    refused(kept.KeptNoLonger, lambda: services.keep_resource(haemoglobin(salma), by=laboratory, key=key))
    assert [(v.version, v.deleted, v.patient) for v in Version.objects.filter(resource=key).order_by("version")] == [
        (1, False, salma), (2, False, salma), (3, True, salma)]  # fmt: skip
    names = Fact.objects.filter(subject=key).order_by("seq").values_list("name", flat=True)
    assert list(names) == ["record.ResourceKept"] * 2 + ["record.ResourceWithdrawn"]
    assert list(services.verify()) == []


def test_a_record_is_written_by_those_to_whom_it_is_open(stage: Cast, salma: UUID, laboratory: Actor) -> None:
    key = services.keep_resource(haemoglobin(salma), by=laboratory).key
    afar, beside = client(stage.other), client(stage.university)
    for stranger in (afar, client(None), stage.zied):
        for unknown in (salma, uuid4()):
            told = refused(kept.NothingReferred, partial(services.keep_resource, haemoglobin(unknown), by=stranger))
            assert told.values == {"reference": f"Patient/{unknown}", "path": "Observation.subject"}
        refused(NotFound, partial(services.keep_resource, haemoglobin(salma), by=stranger, key=key))
        refused(NotFound, partial(services.withdraw_resource, "Observation", key, by=stranger))
    for other in (beside, stage.leila):  # they see it, and say what they know beside it
        refused(kept.OtherSender, partial(services.keep_resource, haemoglobin(salma), by=other, key=key))
        refused(kept.OtherSender, partial(services.withdraw_resource, "Observation", key, by=other))
        assert services.keep_resource(haemoglobin(salma, "9.1"), by=other).new
    assert services.keep_resource(haemoglobin(salma, "12.6"), by=stage.amel, key=key).version == 2
    for nobody in (stage.hatem, stage.fatma, stage.nour):
        refused(NotAllowed, partial(services.keep_resource, haemoglobin(salma), by=nobody))


def test_what_is_of_no_patient_is_its_senders(stage: Cast, salma: UUID) -> None:
    sender, other = client(None), client(None)
    tablet = {"resourceType": "Medication", "code": {"text": "Amoxicilline"}}
    key = services.keep_resource(tablet, by=sender).key
    changed = {**tablet, "status": "active"}
    refused(kept.OtherSender, lambda: services.keep_resource(changed, by=other, key=key))
    assert services.keep_resource(changed, by=sender, key=key).version == 2
    assert queries.entry("Medication", key, viewer=stage.zied).version == 2


def test_what_is_refused(stage: Cast, salma: UUID, laboratory: Actor) -> None:
    rim = make.patient(stage, given_name="Rim").id
    patients.open_for_care(rim, place=stage.regional, source=uuid4(), because="tests", by=SYSTEM)
    key = services.keep_resource(haemoglobin(salma), by=laboratory).key
    for kind in ("Patient", "ServiceRequest", "Bundle", "Unicorn", "Task", None):
        refused(kept.NotKept, partial(services.keep_resource, {"resourceType": kind}, by=laboratory))
    refused(kept.OtherPatient, lambda: services.keep_resource(haemoglobin(rim), by=laboratory, key=key))
    contained = [{"resourceType": "Patient", "id": "p"}]
    for subject in ({"identifier": {"value": "7"}}, {"reference": "#p"}, {"reference": f"Organization/{stage.other}"}):
        sent = haemoglobin(salma, subject=subject, contained=contained)
        if "Organization" in str(subject):
            refused(Malformed, partial(services.keep_resource, sent, by=laboratory))
        else:
            refused(kept.NoPatientNamed, partial(services.keep_resource, sent, by=laboratory))
    told = refused(Malformed, lambda: services.keep_resource(haemoglobin(salma, status="x", shoe=1), by=laboratory))
    assert [one.fhir_expression for one in (told, *told.besides)] == [("Observation.status",), ("Observation.shoe",)]
    refused(NotFound, lambda: services.keep_resource(haemoglobin(salma), by=laboratory, key=uuid4()))
    refused(NotFound, lambda: services.withdraw_resource("Observation", uuid4(), by=laboratory))


def test_references_lead_to_what_the_sender_sees(stage: Cast, salma: UUID, laboratory: Actor) -> None:
    hidden = make.patient(stage, given_name="Rim", place=stage.other, by=stage.zied).id
    patients.open_for_care(hidden, place=stage.other, source=uuid4(), because="tests", by=SYSTEM)
    secret = services.keep_resource(haemoglobin(hidden), by=stage.zied).key
    mine = services.keep_resource(haemoglobin(salma), by=laboratory).key
    gone = services.keep_resource(haemoglobin(salma, "1.0"), by=laboratory).key
    services.withdraw_resource("Observation", gone, by=laboratory)

    def leading(*references: str) -> dict[str, Any]:
        led = [{"url": "urn:x", "valueReference": {"reference": one}} for one in references]
        return haemoglobin(salma, component=[{"code": LOINC, "extension": led}],
                           contained=[{"resourceType": "Organization", "id": "inside"}])  # fmt: skip

    there = (f"Observation/{mine}", f"Observation/{mine}/_history/1", f"Organization/{stage.other}", "#inside")
    assert services.keep_resource(leading(*there), by=laboratory).new
    promised = f"Observation/{uuid4()}"
    assert services.keep_resource(leading(promised), by=laboratory, beside={promised}).new
    for absent in (f"Observation/{secret}", f"Observation/{gone}", f"Observation/{uuid4()}", f"Condition/{mine}",
                   f"Observation/{mine}/_history/2", f"Observation/{str(mine).upper()}", "Observation/7",
                   "https://elsewhere.example/fhir/Observation/7", "urn:uuid:x"):  # fmt: skip
        told = refused(kept.NothingReferred, partial(services.keep_resource, leading(*there, absent), by=laboratory))
        assert told.values == {"reference": absent, "path": "Observation.component[0].extension[4].valueReference"}
        assert told.fhir_expression == ("Observation.component[0].extension[4].valueReference",)


def test_a_rolled_back_sender_leaves_no_trace(salma: UUID, laboratory: Actor) -> None:
    class Interrupted(Exception):
        pass

    before = Fact.objects.count()
    with pytest.raises(Interrupted), transaction.atomic():
        services.keep_resource(haemoglobin(salma), by=laboratory)
        raise Interrupted
    assert not Entry.objects.filter(type="Observation").exists()
    assert Fact.objects.count() == before


def test_an_index_that_is_wrong_is_found_and_mended(salma: UUID, laboratory: Actor) -> None:
    key = services.keep_resource(haemoglobin(salma), by=laboratory).key
    Entry.objects.filter(id=key).update(patient=None)
    assert [(d.id, d.what) for d in services.rebuild(by=SYSTEM)] == [(key, "index")]
    assert list(services.verify()) == []
    assert Entry.objects.get(id=key).patient == salma


@pytest.mark.django_db(transaction=True)
def test_of_sixteen_who_change_one_version_one_does(salma: UUID, laboratory: Actor) -> None:
    key = services.keep_resource(haemoglobin(salma), by=laboratory).key

    def change(number: int, expected: int | None) -> object:
        return services.keep_resource(haemoglobin(salma, f"{number}.0"), by=laboratory, key=key, expected=expected)

    assert at_once(*(partial(change, number, 1) for number in range(16))) == ["OtherVersion"] * 15
    assert at_once(*(partial(change, number, None) for number in range(100, 116))) == []
    versions = Version.objects.filter(resource=key).order_by("version")
    assert [v.version for v in versions] == list(range(1, 19))
    said = {json.loads(v.body)["valueQuantity"]["value"] for v in versions[2:]}
    assert said == {float(number) for number in range(100, 116)}
    with connection.cursor() as cursor:
        cursor.execute("select count(*) from record_entry e join record_version v on v.resource = e.id and "
                       "v.version = e.version and v.body = e.body where e.id = %s", [key])  # fmt: skip
        assert cursor.fetchone() == (1,)


def test_what_is_kept_hangs_on_the_file_it_was_said_of(stage: Cast, salma: UUID, laboratory: Actor) -> None:
    rim = make.patient(stage, given_name="Rim").id
    patients.open_for_care(rim, place=stage.regional, source=uuid4(), because="tests", by=SYSTEM)
    find = patient_queries.keepers["record.statement"].find
    before = timezone.now()
    made = services.keep_resource(haemoglobin(salma), by=laboratory)
    gone = services.keep_resource(haemoglobin(salma), by=laboratory)
    services.withdraw_resource("Observation", gone.key, by=laboratory)
    services.keep_resource({**haemoglobin(salma), "status": "amended"}, key=made.key, by=laboratory)
    (held,) = find([salma, rim], since=before, viewer=SYSTEM)
    assert (held.key, held.patient, held.place) == (made.key, salma, stage.regional)
    assert not list(find([salma], since=held.at + datetime.timedelta(microseconds=1), viewer=SYSTEM))
    assert not list(find([salma], since=None, viewer=stage.amel))
    assert not patient_queries.both_hold_care(salma, rim, viewer=SYSTEM)
    services.keep_resource(haemoglobin(rim), by=laboratory)
    assert patient_queries.both_hold_care(salma, rim, viewer=SYSTEM), "two people are asked before the files are one"
