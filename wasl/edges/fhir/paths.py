"""Search parameters as the database reads them from a stored text: SQL/JSON paths of what no index knows."""

import json
from collections.abc import Collection, Mapping, Sequence

from wasl.record import queries as record
from wasl.record.queries import Parameter, Path

__all__ = ["BODY", "META", "Parameter", "codes", "jsonpaths", "names_patient", "parameters", "references", "served",
           "targets", "texts", "values"]  # fmt: skip

# a stored text as JSON; of what was withdrawn there is none
BODY = "nullif(e.body, '')::jsonb"
META = {"_tag": "meta.tag", "_security": "meta.security", "_profile": "meta.profile", "_source": "meta.source"}
CODE = {
    "CodeableConcept": (".coding.code",),
    "Coding": (".code",),
    "Identifier": (".value",),
    "ContactPoint": (".value",),
}
TEXT = {"CodeableConcept": (".text", ".coding.display"), "Coding": (".display",), "Identifier": (".type.text",)}


def parameters(kind: str) -> Mapping[str, Parameter]:
    """What resources of a type are found by, by name."""
    return record.parameters(kind)


def served() -> Collection[str]:
    """The types that this service serves."""
    return record.served()


def targets(param: Parameter) -> list[str]:
    """The types of resources here to which a reference may lead."""
    only = {path.only for path in param.paths}
    return [kind for kind in sorted(param.targets & set(served())) if "" in only or kind in only]


def names_patient(kind: str, param: Parameter) -> bool:
    """Whether a parameter is what says first of whose record a resource is part."""
    first = next(iter(record.patient_paths(kind)), None)
    return first is not None and [path.steps for path in param.paths] == [first.steps]


def jsonpaths(param: Parameter) -> list[str]:
    """Where resources have the values of a parameter."""
    return [_jsonpath(path) for path in param.paths]


def references(param: Parameter) -> list[str]:
    """Where resources have the literal references of a parameter: an address in itself, or in its element."""
    return [_jsonpath(path) + (".reference" if path.type == "Reference" else "") for path in param.paths]


def codes(param: Parameter) -> list[str]:
    """Where resources have the codes of a parameter, or what stands for a code."""
    return [_jsonpath(path) + more for path in param.paths for more in CODE.get(path.type, ("",))]


def texts(param: Parameter) -> list[str]:
    """Where resources have the texts beside the codes of a parameter (FHIR R4, 3.1.1.4.10)."""
    return [_jsonpath(path) + more for path in param.paths for more in TEXT.get(path.type, ())]


def beside(base: Path, first: Parameter, what: Sequence[str], second: Parameter, unit: str) -> str:
    """Where a composite's parts stand side by side: a code, perhaps of a system, and a quantity in a unit."""
    system, code = ["", *what][-2:]
    test = f"@.code == {json.dumps(code)}" + (f" && @.system == {json.dumps(system)}" if system else "")
    coded = [
        f"exists(@{_steps(path)}{'.coding' * (path.type == 'CodeableConcept')} ? ({test}))" for path in first.paths
    ]
    system, _, code = unit.rpartition("|")
    name = json.dumps(code)
    test = (
        f"@.code == {name} && @.system == {json.dumps(system)}" if system else f"@.code == {name} || @.unit == {name}"
    )
    measured = [f"exists(@{_steps(path)} ? ({test}))" for path in second.paths]
    return f"{_jsonpath(base)} ? (({' || '.join(coded)}) && ({' || '.join(measured)}))"


def _jsonpath(path: Path) -> str:
    return "$" + _steps(path)


def _steps(path: Path) -> str:
    return "".join(
        f'."{step.name}"' + (f' ? (@."{step.field}" == {json.dumps(step.value)})' if step.field else "")
        for step in path.steps
    )


def values(at: Sequence[str]) -> tuple[str, list[object]]:
    """SQL of all texts `v.text` at these paths of `e`, and its values."""
    one = f"select t #>> '{{}}' as text from jsonb_path_query({BODY}, %s::jsonpath) t"  # noqa: S608  of our own words
    return "(" + " union all ".join([one] * len(at) or ["select null where false"]) + ") v", [*at]
