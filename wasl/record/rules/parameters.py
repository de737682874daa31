"""By what resources are found: FHIR's own search parameters (R4, 3.1.1), their paths taken apart.

A type that a module owns is found by the parameters that the module names, since each costs rows with every write; a
type that the record keeps as it came, by all.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

from wasl.kernel import fhir
from wasl.record.rules import definitions
from wasl.record.rules.definitions import ANY, kinds

__all__ = ["Parameter", "Path", "Step", "compartment", "kinds", "of_patients", "parameters", "patient_paths",
           "principal_date", "standard"]  # fmt: skip


class Step(NamedTuple):
    """An element of a chain; of several, those alone whose `field` says `value`."""

    name: str
    field: str = ""
    value: str = ""


class Path(NamedTuple):
    """A chain of elements, what stands at its end, and what is meant of it."""

    steps: tuple[Step, ...]
    type: str  # of FHIR; `exists` where only whether something is said counts
    only: str = ""  # the one type that a reference must lead to
    system: str = ""  # of a code that is written without one

    def __str__(self) -> str:
        return ".".join(step.name for step in self.steps)


class Parameter(NamedTuple):
    """A search parameter; the paths of a composite's parts begin where its own end."""

    name: str
    sort: str  # token, reference, string, date, number, quantity, uri, composite
    paths: tuple[Path, ...]
    targets: frozenset[str]  # types that a reference may lead to
    parts: "tuple[Parameter, ...]" = ()


def _chain(text: str) -> tuple[Step, ...]:
    steps = []
    for part in text.split(".") if text else ():
        name, _, where = part.rstrip("]").partition("[")
        steps.append(Step(name, *where.split("=")) if where else Step(name))
    return tuple(steps)


def _own(name: str, sort: str, path: str, type: str) -> Parameter:
    return Parameter(name, sort, (Path(_chain(path), type),), frozenset())


# where a type that a module owns is found by something else than FHIR says, and why
OWN: Mapping[str, Mapping[str, Parameter]] = {
    # the whole name only: its parts have parameters of their own, and would be rows twice
    "Patient": {"name": _own("name", "string", "name.text", "string")},
    "Practitioner": {"name": _own("name", "string", "name.text", "string")},
    # what a study holds is known once it is whole: that is said above its series
    "ImagingStudy": {"modality": _own("modality", "token", "modality", "Coding")},
    # R4 gave the element no parameter
    "DiagnosticReport": {
        "imaging-study": _own("imaging-study", "reference", "imagingStudy", "Reference")._replace(
            targets=frozenset({"ImagingStudy"})
        )
    },
    # a definition is named by its address and kept under none: it is compared as it is written
    "Measure": {"url": _own("url", "token", "url", "uri")},
    "MeasureReport": {
        "measure": _own("measure", "token", "measure", "canonical"),
        "period": _own("period", "date", "period.start", "dateTime"),
    },
}

# the parameters of a type's principal date, which lists are sorted by: the first that a resource says counts
PRINCIPAL: Mapping[str, tuple[str, ...]] = {
    "AdverseEvent": ("date",),
    "AllergyIntolerance": ("date", "onset", "last-date"),
    "CarePlan": ("date",),
    "CareTeam": ("date",),
    "ClinicalImpression": ("date",),
    "Communication": ("sent", "received"),
    "CommunicationRequest": ("authored",),
    "Composition": ("date",),
    "Condition": ("onset-date", "recorded-date"),
    "DetectedIssue": ("identified",),
    "DeviceRequest": ("authored-on",),
    "DiagnosticReport": ("issued",),
    "DocumentReference": ("date",),
    "Encounter": ("date",),
    "EpisodeOfCare": ("date",),
    "FamilyMemberHistory": ("date",),
    "Flag": ("date",),
    "Goal": ("start-date", "target-date"),
    "ImagingStudy": ("started",),
    "Immunization": ("date",),
    "ImmunizationEvaluation": ("date",),
    "ImmunizationRecommendation": ("date",),
    "List": ("date",),
    "MeasureReport": ("period",),
    "Media": ("created",),
    "MedicationAdministration": ("effective-time",),
    "MedicationDispense": ("whenhandedover", "whenprepared"),
    "MedicationRequest": ("authoredon",),
    "MedicationStatement": ("effective",),
    "NutritionOrder": ("datetime",),
    "Observation": ("date",),
    "Patient": ("birthdate",),
    "Procedure": ("date",),
    "Provenance": ("when", "recorded"),
    "Questionnaire": ("date",),
    "QuestionnaireResponse": ("authored",),
    "RiskAssessment": ("date",),
    "ServiceRequest": ("authored",),
    "Specimen": ("collected",),
    "Task": ("authored-on",),
    "VisionPrescription": ("datewritten",),
}
# what names the patient whom a resource is about, before who else had a part in it
ABOUT = ("patient", "subject", "beneficiary", "individual")


@lru_cache(maxsize=256)
def standard(kind: str) -> Mapping[str, Parameter]:
    """All that R4 lets resources of a type be found by, as far as it can be read from their elements."""
    read = definitions.said(f"params {kind}") or {}
    return {name: _parameter(name, *told) for name, told in sorted(read.items())}


def _parameter(name: str, sort: str, paths: list[list[str]], targets: list[str], parts: list[list[str]]) -> Parameter:
    return Parameter(
        name,
        sort,
        tuple(Path(_chain(chain), *more) for chain, *more in paths),
        kinds() if ANY in targets else frozenset(targets),
        tuple(_parameter(of, kind, inside, [], []) for of, kind, inside in parts),  # type: ignore[arg-type]
    )


def parameters(kind: str) -> Mapping[str, Parameter]:
    """What resources of a type are found by here, by name."""
    named = fhir.searches.get(kind)
    return _chosen(kind, () if named is None and kind in fhir.owned else named)


@lru_cache(maxsize=256)
def _chosen(kind: str, named: tuple[str, ...] | None) -> Mapping[str, Parameter]:
    if named is None:
        return standard(kind)
    return {name: OWN.get(kind, {}).get(name) or standard(kind)[name] for name in named}


def principal_date(kind: str) -> str | None:
    """The search parameter that holds the principal date of a type."""
    return next(iter(principal_dates(kind)), None)


def principal_dates(kind: str) -> tuple[str, ...]:
    """The same, and what stands in for it where it is not said."""
    return tuple(name for name in PRINCIPAL.get(kind, ()) if name in parameters(kind))


def compartment(kind: str) -> tuple[str, ...]:
    """The parameters by which a resource is part of a patient's record: first whom it is about, then as FHIR lists."""
    named = definitions.compartment().get(kind, ())
    known = [name for name in named if name in parameters(kind)]
    return tuple(sorted(known, key=lambda name: name not in ABOUT))


def of_patients(kind: str) -> bool:
    """Whether resources of a type are part of a patient's record; one that names no patient yet is shown to nobody."""
    return kind == "Patient" or bool(compartment(kind))


def names_its_patient(kind: str, name: str) -> bool:
    """Whether a parameter says the one patient whose record a resource is part of, and nothing else does."""
    paths = parameters(kind)[name].paths
    return (
        name == "patient"
        and len(paths) == 1
        and str(paths[0]) in ABOUT
        and compartment(kind)[:1] != ()
        and (next(patient_paths(kind)).steps == paths[0].steps)
    )


def patient_paths(kind: str) -> Iterator[Path]:
    """The references that say whose record a resource is part of, in the order in which they count."""
    for name in compartment(kind):
        yield from parameters(kind)[name].paths
