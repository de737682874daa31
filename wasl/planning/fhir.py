"""Measure (FHIR R4, 13.8), the definitions of the evaluation, and MeasureReport (13.9), a month of it as published."""

import datetime
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from django.utils import translation

from wasl.kernel.errors import NotFound
from wasl.kernel.fhir import Resource, coding, resource, searches, without_empty
from wasl.planning import queries
from wasl.planning.events import EvaluationReleased
from wasl.planning.queries import Release
from wasl.planning.rules.evaluation import MEASURE, next_month
from wasl.planning.rules.indicators import INDICATORS, Indicator, Kind

URL = "urn:wasl:measure:evaluation"
SYSTEMS = {"indicator": "urn:wasl:indicator", "region": "urn:wasl:region", "urgency": "urn:wasl:urgency"}
POPULATION = "http://terminology.hl7.org/CodeSystem/measure-population"
UCUM = "http://unitsofmeasure.org"
ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
INTERVAL = "urn:wasl:extension:interval-95"
UNITS = {Kind.COUNT: "1", Kind.TIME: "s", Kind.SHARE: "1", Kind.RATE: "10*-3", Kind.DISTANCE: "km"}
LANGUAGE = "fr"  # what is said of codes, as elsewhere in the record

searches["Measure"] = ("url", "status")
searches["MeasureReport"] = ("period", "date", "measure")


def _definitions(key: UUID) -> Mapping[str, Indicator]:
    if key != MEASURE:
        raise NotFound
    return INDICATORS


def _every_definition() -> Iterator[UUID]:
    """The definitions are said once something was published by them."""
    if any(True for _ in queries.every_release()):
        yield MEASURE


@resource(
    "Measure", on=[EvaluationReleased], get=_definitions, every=_every_definition, key={EvaluationReleased: "measure"}
)
def measure(known: Mapping[str, Indicator]) -> Resource:
    """What each indicator is: its formula, the facts it comes from, what is left out."""
    with translation.override(LANGUAGE):
        return {
            "resourceType": "Measure", "id": str(MEASURE), "url": URL, "name": "WaslEvaluation", "status": "active",
            "group": [
                {"code": _code("indicator", one.code, str(one.title)),
                 "description": f"{one.formula} [{one.facts}] [- {one.excluded}]"}
                for one in known.values()
            ],
        }  # fmt: skip


@resource("MeasureReport", on=[EvaluationReleased], get=queries.release_for_record, every=queries.every_release)
def measure_report(row: Release) -> Resource:
    """A month as it was published: a group an indicator, the country's score, its regions and classes as strata."""
    with translation.override(LANGUAGE):
        groups = [group for code in INDICATORS if (group := _group(INDICATORS[code], row.figures))]
    last = next_month(row.month) - datetime.timedelta(days=1)
    return without_empty(
        {
            "resourceType": "MeasureReport",
            "id": str(row.id),
            "identifier": [{"system": "urn:wasl:evaluation", "value": f"{row.month:%Y-%m}/{row.number}"}],
            "status": "complete",
            "type": "summary",
            "measure": URL,
            "date": row.created_at.isoformat(),
            "period": {"start": f"{row.month}", "end": f"{last}"},
            "group": groups,
        }
    )


def _group(one: Indicator, figures: list[dict[str, Any]]) -> Resource | None:
    mine = [figure for figure in figures if figure["indicator"] == one.code]
    whole = next((figure for figure in mine if not figure["region"] and not figure["slice"]), None)
    if whole is None:
        return None
    regions = [figure for figure in mine if figure["region"]]
    classes = [figure for figure in mine if figure["slice"]]
    strata = {
        "region": [{"value": _code("region", f["region"], f["names"][1]), **_score(one, f)} for f in regions],
        "urgency": [{"value": _code("urgency", f["slice"].partition(":")[2]), **_score(one, f)} for f in classes],
    }
    return {
        "code": _code("indicator", one.code, str(one.title)),
        **_score(one, whole),
        "stratifier": [{"code": [{"text": name}], "stratum": rows} for name, rows in strata.items() if rows],
    }


def _score(one: Indicator, figure: Mapping[str, Any]) -> Resource:
    if figure["value"] is None:
        code = "masked" if figure["withheld"] else "unknown"
        return {"measureScore": {"extension": [{"url": ABSENT, "valueCode": code}]}}
    unit = UNITS[one.kind]
    bounds = {name: {"value": figure[name], "system": UCUM, "code": unit}
              for name in ("low", "high") if figure[name] is not None}  # fmt: skip
    counts = {"numerator": figure["numerator"], "denominator": figure["denominator"]}
    if one.kind is Kind.DISTANCE:
        del counts["numerator"]  # kilometres are not counted one by one: they are the score
    return {
        "extension": [{"url": INTERVAL, "valueRange": bounds}] if bounds else [],
        "population": [
            {"code": coding(POPULATION, name), "count": int(count)} for name, count in counts.items()
            if count is not None
        ],
        "measureScore": {"value": figure["value"], "system": UCUM, "code": unit},
    }  # fmt: skip


def _code(system: str, code: str, text: str = "") -> Resource:
    return {**coding(SYSTEMS[system], code), **({"text": text} if text else {})}
