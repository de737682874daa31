"""What FHIR lets resources be found by, and what is read from them for it."""

import datetime
from decimal import Decimal
from uuid import UUID

import pytest

from wasl.kernel import fhir
from wasl.record.queries import names_its_patient, of_patients
from wasl.record.rules import definitions, parameters, values
from wasl.record.services.indexing import Index, index_of, patient_of

SALMA, RIM = UUID(int=7), UUID(int=8)
LOINC, UCUM = "http://loinc.org", "http://unitsofmeasure.org"
# not found as their names say, or not of one element: by sound, by place, by the whole text, by where on a chromosome
NOT_READ = {
    "Bundle composition", "Bundle message", "DomainResource _text", "InsurancePlan phonetic", "Location near",
    "MolecularSequence chromosome-variant-coordinate", "MolecularSequence chromosome-window-coordinate",
    "MolecularSequence referenceseqid-variant-coordinate", "MolecularSequence referenceseqid-window-coordinate",
    "Organization phonetic", "Patient phonetic", "Person phonetic", "Practitioner phonetic", "RelatedPerson phonetic",
    "Resource _content", "Resource _filter", "Resource _query",
}  # fmt: skip
PRESSURE = {
    "resourceType": "Observation", "id": str(UUID(int=1)), "status": "final",
    "identifier": [
        {"type": {"coding": [{"system": "t", "code": "MR"}], "text": "Dossier"}, "system": "h", "value": "1"},
    ],
    "code": {"coding": [{"system": LOINC, "code": "85354-9", "display": "Blood pressure"}], "text": "Tension"},
    "subject": {"reference": f"Patient/{SALMA}"},
    "performer": [{"type": "Practitioner", "identifier": {"system": "order", "value": "77"}}],
    "effectivePeriod": {"start": "2026-11-10T08:00:00+01:00", "end": "2026-11-10T08:05:00+01:00"},
    "component": [
        {"code": {"coding": [{"system": LOINC, "code": "8480-6"}]},
         "valueQuantity": {"value": 120, "unit": "mmHg", "system": UCUM, "code": "mm[Hg]"}},
        {"code": {"coding": [{"system": LOINC, "code": "8462-4"}]},
         "valueQuantity": {"value": Decimal("80.0"), "comparator": "<", "unit": "mmHg"}},
    ],
}  # fmt: skip


def finds(index: Index, param: str, form: str, kind: str = "Observation") -> bool:
    return fhir.token_hash(kind, param, form) in index.tokens


def amounts(index: Index, param: str, form: str | None, kind: str = "Observation") -> set[tuple[Decimal, Decimal]]:
    number = None if form is None else fhir.token_hash(kind, param, form)
    return {(low, high) for name, low, high, of in index.amounts if (name, of) == (param, number)}


def test_every_parameter_of_every_type_is_read_but_for_a_handful() -> None:
    assert len(parameters.kinds()) == 146
    assert set(definitions.said("left")) == NOT_READ
    sorts = {param.sort for kind in parameters.kinds() for param in parameters.standard(kind).values()}
    assert sorts == {"token", "reference", "string", "date", "number", "quantity", "uri", "composite"}
    for kind, names in parameters.PRINCIPAL.items():
        assert {parameters.standard(kind)[name].sort for name in names} == {"date"}, kind
    for kind, named in definitions.compartment().items():
        assert set(named) <= parameters.standard(kind).keys(), kind


@pytest.mark.parametrize(("kind", "name", "paths"), [
    ("Observation", "value-string", ["valueString string", "valueCodeableConcept.text string"]),
    ("Patient", "phone", ["telecom ContactPoint"]),
    ("Condition", "patient", ["subject Reference"]),
    ("Condition", "onset-age", ["onsetAge Age", "onsetRange Range"]),
    ("MedicationRequest", "code", ["medicationCodeableConcept CodeableConcept"]),
    ("Patient", "deceased", ["deceasedBoolean exists", "deceasedDateTime exists"]),
    ("Goal", "target-date", ["target.dueDate date"]),
    ("RiskAssessment", "probability", ["prediction.probabilityDecimal decimal", "prediction.probabilityRange Range"]),
])  # fmt: skip
def test_paths_are_chains_of_elements(kind: str, name: str, paths: list[str]) -> None:
    assert [f"{path} {path.type}" for path in parameters.standard(kind)[name].paths] == paths


def test_what_is_meant_of_a_path() -> None:
    patient = parameters.standard("Observation")["patient"]
    assert (patient.paths[0].only, *patient.targets) == ("Patient", "Patient")
    assert parameters.standard("Observation")["status"].paths[0].system == "http://hl7.org/fhir/observation-status"
    assert parameters.standard("Observation")["focus"].targets == parameters.kinds()
    (step,) = parameters.standard("Patient")["email"].paths[0].steps
    assert step == ("telecom", "system", "email")
    pair = parameters.standard("Observation")["combo-code-value-quantity"]
    assert ([str(path) for path in pair.paths], [part.sort for part in pair.parts]) == (
        ["", "component"],
        ["token", "quantity"],
    )


def test_a_type_that_is_owned_is_found_by_what_its_owner_names() -> None:
    assert list(parameters.parameters("ImagingStudy")) == list(fhir.searches["ImagingStudy"])
    assert parameters.parameters("Observation") == parameters.standard("Observation")
    assert [str(path) for path in parameters.parameters("Patient")["name"].paths] == ["name.text"]
    assert names_its_patient("Observation", "patient")
    assert not names_its_patient("Provenance", "patient"), "it may name several"
    assert of_patients("Provenance")
    assert of_patients("Observation")
    assert not of_patients("Medication")


def test_an_observation_is_found_by_all_that_it_says() -> None:
    index = index_of("Observation", PRESSURE)
    assert index.patient == SALMA
    assert index.date == datetime.datetime(2026, 11, 10, 7, tzinfo=datetime.UTC)
    for param, form in [
        ("code", f"{LOINC}|85354-9"), ("combo-code", "8480-6"), ("component-code", f"{LOINC}|8462-4"),
        ("identifier", "h|1"), ("identifier:of-type", "t|MR|1"), ("subject", f"Patient/{SALMA}"),
        ("patient", str(SALMA)), ("performer:identifier", "order|77"), ("performer", ""), ("subject", ""),
        ("status", "final"), ("_id", str(UUID(int=1))),
    ]:  # fmt: skip
        assert finds(index, param, form), (param, form)
    assert not finds(index, "component-code", "85354-9")
    assert not finds(index, "encounter", "")
    assert {
        ("code:text", "tension"),
        ("code:text", "blood pressure"),
        ("identifier:text", "dossier"),
    } <= index.words


def test_amounts_have_the_width_of_what_was_said() -> None:
    index = index_of("Observation", PRESSURE)
    exact, open_ = (Decimal("119.5"), Decimal("120.5")), (values.LOWEST, Decimal("80.0"))
    for form, found in {"mm[Hg]": {exact}, f"{UCUM}|mm[Hg]": {exact}, "mmHg": {exact, open_}}.items():
        assert amounts(index, "component-value-quantity", form) == found
    for form, found in {f"{LOINC}|8480-6": {exact}, "8462-4": {open_}, "8480-6": {exact}}.items():
        assert amounts(index, "component-code-value-quantity", form) == found


@pytest.mark.parametrize(("said", "low", "high"), [
    (100, "99.5", "100.5"), (Decimal("100.00"), "99.995", "100.005"), ("1e2", "95", "105"), (5.4, "5.35", "5.45"),
    (-3, "-3.5", "-2.5"), (0, "-0.5", "0.5"), (Decimal("1E-10"), "0.5E-10", "1.5E-10"),
])  # fmt: skip
def test_a_number_means_a_range(said: object, low: str, high: str) -> None:
    assert values.precise(said) == (Decimal(low), Decimal(high))


@pytest.mark.parametrize("said", [True, None, "", "x", "NaN", "Infinity", "1e70", "1e-70", "9" * 80])
def test_what_is_no_amount_is_found_by_none(said: object) -> None:
    assert values.precise(said) is None


@pytest.mark.parametrize(("kind", "body", "patient"), [
    ("QuestionnaireResponse",
     {"author": {"reference": f"Patient/{RIM}"}, "subject": {"reference": f"Patient/{SALMA}"}}, SALMA),
    ("Communication", {"sender": {"reference": f"Patient/{RIM}"}}, RIM),
    ("Observation", {"subject": {"reference": f"Patient/{SALMA}/_history/3"}}, SALMA),
    ("Observation", {"subject": {"reference": "Patient/example"}}, None),
    ("Observation", {"subject": {"reference": f"https://elsewhere/Patient/{SALMA}"}}, None),
    ("Observation", {"subject": {"reference": f"Group/{SALMA}"}, "performer": [{"reference": f"Patient/{RIM}"}]}, RIM),
    ("Provenance", {"target": [{"reference": f"Observation/{RIM}"}, {"reference": f"Patient/{SALMA}"}]}, SALMA),
    ("Patient", {"id": str(SALMA), "link": [{"other": {"reference": f"Patient/{RIM}"}}]}, SALMA),
    ("Medication", {"manufacturer": {"reference": f"Patient/{RIM}"}}, None),
])  # fmt: skip
def test_whose_record_a_resource_is_part_of(kind: str, body: fhir.Resource, patient: UUID | None) -> None:
    assert patient_of(kind, body) == patient


def test_composites_of_codes_times_texts_and_references() -> None:
    coded = {"code": {"coding": [{"system": "s", "code": "c"}]}}
    assert finds(
        index_of("Observation", coded | {"valueCodeableConcept": {"coding": [{"code": "v"}]}}),
        "code-value-concept",
        "s|c$v",
    )
    assert ("code-value-string", "s|c$rien a signaler") in index_of(
        "Observation", coded | {"valueString": "Rien à signaler"}
    ).words
    (moment,) = [m for m in index_of("Observation", coded | {"valueDateTime": "2026-11"}).moments
                 if m[3] == fhir.token_hash("Observation", "code-value-date", "c")]  # fmt: skip
    assert (moment[2] - moment[1]).days == 30
    related = {"relatesTo": [{"code": "replaces", "target": {"reference": "DocumentReference/1"}}]}
    assert finds(
        index_of("DocumentReference", related), "relationship", "replaces$DocumentReference/1", "DocumentReference"
    )


def test_addresses_are_found_by_their_beginning_and_deaths_by_being_said(monkeypatch: pytest.MonkeyPatch) -> None:
    index = index_of(
        "CarePlan", {"instantiatesUri": ["http://plans.example/x"], "instantiatesCanonical": ["http://d|2"]}
    )
    assert ("instantiates-uri", "http://plans.example/x") in index.words
    for form in ("http://d|2", "http://d"):
        assert finds(index, "instantiates-canonical", form, "CarePlan")
    monkeypatch.setitem(fhir.searches, "Patient", ("deceased",))
    for body, form in (({}, "false"), ({"deceasedBoolean": False}, "false"), ({"deceasedDateTime": "2026"}, "true")):
        assert finds(index_of("Patient", {"id": str(RIM), **body}), "deceased", form, "Patient")
