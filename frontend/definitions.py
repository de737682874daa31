"""Make `wasl/record/rules/r4.txt.gz` of FHIR's own definitions (R4, 4.0.1; CC0): `python frontend/definitions.py`.

Some of its examples become `tests/record/examples.txt.gz`, as they are written but for the spaces.

They are HL7's own package on npm, which holds the definitions beside the examples: another's that was looked at had
elements and parameters of its own among them. One line a thing, its name and JSON, so that only what is asked for is
read: shapes of types, value sets, search parameters, the patient compartment. The FHIRPath of the parameters is taken
apart here; `wasl/record/rules/definitions.py` says how each line is read.
"""

import base64
import gzip
import hashlib
import io
import json
import re
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PACKAGE = "hl7.fhir.r4.examples@4.0.1"
INTEGRITY = "sha512-DXBdIZOeQaSKIgCU7w6HOC7sw/6BzylmipLkBW4f//pT+Bc94x+8LImwTdvaNThPJoOzpBzvxAzNqjeu3X/zLw=="
HERE = Path(__file__).resolve().parent.parent
MADE = HERE / "wasl/record/rules/r4.txt.gz"
EXAMPLES = HERE / "tests/record/examples.txt.gz"
HEAD = f"# FHIR R4 (4.0.1) of HL7, CC0, from {PACKAGE}; made by: python frontend/definitions.py"
READ = ("StructureDefinition", "SearchParameter", "ValueSet", "CodeSystem", "CompartmentDefinition")
# parameters that a profile adds, or shows how to
NOT_OF_R4 = re.compile(r"/(example|[\w-]+-(extensions|genetic)-)")
PROFILE = "http://hl7.org/fhir/StructureDefinition/"
REGEX = PROFILE + "regex"
MEANT = PROFILE + "structuredefinition-fhir-type"
MANY = 1500  # codes of a value set; a longer one is nobody's list, and is not checked
ANY = "*"  # what any type of resource may stand for
# what is not found as its name says: by sound, by place; what is the first entry of a bundle, which nobody keeps
LEFT = {"phonetic", "near"}
# the two parts of DocumentReference's `relationship` have each other's definition
SWAPPED = {"DocumentReference-relatesto": "token", "DocumentReference-relation": "reference"}

# which types of elements each kind of parameter reads; of a choice, the others are left out
READS = {
    "token": {"code", "boolean", "Coding", "CodeableConcept", "Identifier", "ContactPoint", "string", "uri", "id"},
    "date": {"date", "dateTime", "instant", "Period", "Timing"},
    "reference": {"Reference", "canonical", "uri"},
    "string": {"string", "markdown", "HumanName", "Address"},
    "quantity": {"Quantity", "Age", "Duration", "Count", "Distance", "Money", "Range", "SampledData"},
    "number": {"decimal", "integer", "positiveInt", "unsignedInt", "Range"},
    "uri": {"uri", "url", "canonical", "oid", "uuid"},
}

# what examples are taken of: what the record keeps, what modules own, what carries others
SHOWN = (
    "AdverseEvent", "AllergyIntolerance", "BodyStructure", "Bundle", "CarePlan", "CareTeam", "ClinicalImpression",
    "Communication", "CommunicationRequest", "Composition", "Condition", "Coverage", "DetectedIssue",
    "DeviceRequest", "DeviceUseStatement", "DiagnosticReport", "DocumentReference", "Encounter", "EpisodeOfCare",
    "FamilyMemberHistory", "Flag", "Goal", "ImagingStudy", "Immunization", "ImmunizationEvaluation",
    "ImmunizationRecommendation", "List", "Location", "Measure", "MeasureReport", "Media", "Medication",
    "MedicationAdministration", "MedicationDispense", "MedicationRequest", "MedicationStatement", "NutritionOrder",
    "Observation", "Organization", "Patient", "Practitioner", "PractitionerRole", "Procedure", "Provenance",
    "Questionnaire", "QuestionnaireResponse", "RelatedPerson", "RiskAssessment", "ServiceRequest", "Specimen",
    "Task", "VisionPrescription",
)  # fmt: skip
OF_EACH, MOST_LETTERS = 4, 12_000
TOKEN = re.compile(r'("(?:[^"\\]|\\.)*")|\s+')

Json = dict[str, Any]
Row = tuple[str, int, int, list[str], str, list[str]]  # name, min, max (0: no end), types, value set, targets


class NotCompiled(Exception):
    """An expression that is no chain of elements."""


def fetched() -> dict[str, str]:
    """The files of the package by name, once it is the one that was asked for."""
    with tempfile.TemporaryDirectory() as scratch:
        subprocess.run(["npm", "pack", PACKAGE, "--silent"], cwd=scratch, check=True, stdout=subprocess.DEVNULL)
        archive = next(Path(scratch).glob("*.tgz")).read_bytes()
    if f"sha512-{base64.b64encode(hashlib.sha512(archive).digest()).decode()}" != INTEGRITY:
        raise SystemExit("the definitions that came are not those that were asked for")
    found = {}
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        for member in sorted(files, key=lambda one: one.name):
            name = Path(member.name).stem
            if name.partition("-")[0] in (*READ, *SHOWN) and (file := files.extractfile(member)):
                found[name] = file.read().decode()
    return found


def examples(files: dict[str, str]) -> Iterator[str]:
    """A few resources of each type that is shown, one a line."""
    yield HEAD
    for kind in SHOWN:
        short = {name: TOKEN.sub(r"\1", text) for name, text in files.items() if name.partition("-")[0] == kind}
        known = [(name, text) for name, text in short.items() if len(text) <= MOST_LETTERS]
        # as different as they are long: the shortest, the longest, and from between
        known.sort(key=lambda one: (len(one[1]), one[0]))
        step = max(1, len(known) / OF_EACH)
        yield from ("\t".join(known[min(len(known) - 1, int(n * step))]) for n in range(min(OF_EACH, len(known))))


def shapes(definitions: list[Json]) -> tuple[dict[str, list[Row]], dict[str, str], list[str]]:
    """The elements of each type and of each part within, the forms of primitives, and which types are resources."""
    found: dict[str, list[Row]] = {}
    forms: dict[str, str] = {}
    kinds = []
    for one in definitions:
        if one.get("derivation") == "constraint" or one["kind"] == "logical" or "snapshot" not in one:
            continue
        if one["kind"] == "resource" and not one["abstract"]:
            kinds.append(one["id"])
        if one["kind"] == "primitive-type":
            value = next(e for e in one["snapshot"]["element"] if e["path"].endswith(".value"))
            forms[one["id"]] = next((x["valueString"] for x in _extensions(value) if x["url"] == REGEX), "")
            continue
        for element in one["snapshot"]["element"]:
            above, _, name = element["path"].rpartition(".")
            if above:
                found.setdefault(above, []).append(_row(name, element))
    return found, forms, sorted(kinds)


def _extensions(element: Json) -> Iterator[Json]:
    for one in element.get("type", ()):
        yield from one.get("extension", ())


def _row(name: str, element: Json) -> Row:
    if "contentReference" in element:
        types = [element["contentReference"].lstrip("#")]
    else:
        meant = [x.get("valueUrl", "") for x in _extensions(element) if x["url"] == MEANT]
        types = meant or [one["code"] for one in element["type"]]
        if types in (["BackboneElement"], ["Element"]):
            types = [element["path"]]
    targets = sorted(
        {p.removeprefix(PROFILE) for one in element.get("type", ()) for p in one.get("targetProfile", ())}
    )  # fmt: skip
    bound = element.get("binding", {})
    values = bound.get("valueSet", "").partition("|")[0] if bound.get("strength") == "required" else ""
    most = 0 if element["max"] == "*" else int(element["max"])
    return name, element["min"], most, types, values, [] if "Resource" in targets else targets


class ValueSets:
    """The codes of value sets, as far as FHIR's own files list them."""

    def __init__(self, sets: list[Json], systems: list[Json]) -> None:
        self.sets = {one["url"]: one for one in sets}
        self.systems = {one["url"]: one for one in systems}

    def codes(self, url: str) -> dict[str, list[str]] | None:
        """The codes of a value set by their system; None where they are not listed, or too many."""
        told = self._told(url, ())
        if told is None or not told or len(told) > MANY:
            return None
        return {system: sorted(c for s, c in told if s == system) for system in sorted({s for s, _ in told})}

    def _told(self, url: str, above: tuple[str, ...]) -> set[tuple[str, str]] | None:
        one = self.sets.get(url.partition("|")[0])
        if one is None or url in above or "compose" not in one:
            return None
        told: set[tuple[str, str]] = set()
        for part in one["compose"]["include"]:
            if (some := self._part(part, (*above, url))) is None:
                return None
            told |= some
        for part in one["compose"].get("exclude", ()):
            if (some := self._part(part, (*above, url))) is None:
                return None
            told -= some
        return told

    def _part(self, part: Json, above: tuple[str, ...]) -> set[tuple[str, str]] | None:
        told: set[tuple[str, str]] | None = None
        if "system" in part:
            system = part["system"]
            if "concept" in part:
                told = {(system, one["code"]) for one in part["concept"]}
            else:
                told = self._of_system(system, part.get("filter", ()))
            if told is None:
                return None
        for url in part.get("valueSet", ()):
            inside = self._told(url, above)
            if inside is None:
                return None
            told = inside if told is None else told & inside
        return told

    def _of_system(self, system: str, filters: list[Json]) -> set[tuple[str, str]] | None:
        known = self.systems.get(system)
        if known is None or known.get("content") != "complete":
            return None
        parents = dict(_parents(known.get("concept", ()), ()))
        told = set(parents)
        for one in filters:
            if one["property"] != "concept" or one["op"] not in ("is-a", "descendent-of"):
                return None
            own = {one["value"]} if one["op"] == "is-a" else set()
            told &= own | {code for code in parents if one["value"] in _above(code, parents)}
        return {(system, code) for code in told}


def _parents(concepts: list[Json], above: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each concept with those it stands under, by its place and by the property `subsumedBy`."""
    for one in concepts:
        said = [p["valueCode"] for p in one.get("property", ()) if p["code"] == "subsumedBy"]
        yield one["code"], (*above, *said)
        yield from _parents(one.get("concept", ()), (*above, one["code"]))


def _above(code: str, parents: dict[str, tuple[str, ...]]) -> set[str]:
    found: set[str] = set()
    pending = list(parents.get(code, ()))
    while pending:
        if (one := pending.pop()) not in found:
            found.add(one)
            pending += parents.get(one, ())
    return found


class Compiler:
    """FHIRPath of search parameters, taken apart into chains of elements."""

    def __init__(self, shapes: dict[str, list[Row]], values: ValueSets) -> None:
        self.shapes = shapes
        self.values = values

    def paths(self, kind: str, sort: str, expression: str) -> list[list[str]]:
        """Each chain with the type at its end, what it may refer to, and the system of its codes."""
        if found := re.fullmatch(r"(\w+\.\w+)\.exists\(\) and \1 != false", expression):
            chains = self._walk(kind, _steps(found[1])[1:])
            return [[steps, "exists", "", ""] for steps, _type, _only, _values in chains]
        paths = []
        for part in _parts(expression):
            first, *steps = _steps(part)
            if first[0].islower():  # InsurancePlan's name forgets to say of what
                first, steps = kind, [first, *steps]
            if first == kind or first in ("Resource", "DomainResource"):
                paths += [
                    [said, type_, only, self._system(bound) if type_ == "code" else ""]
                    for said, type_, only, bound in self._walk(kind, steps)
                    if type_ in READS[sort]
                ]
        if not paths:
            raise NotCompiled(expression)
        return paths

    def relative(self, kind: str, base: str, sort: str, expression: str) -> list[list[str]]:
        """The same for a component of a composite, seen from the element that the composite stands on."""
        ((_, type_, _, _),) = self._walk(kind, base.split(".")) if base else (("", kind, "", ""),)
        paths = [
            [said, of, only, self._system(bound) if of == "code" else ""]
            for part in _parts(expression)
            for said, of, only, bound in self._walk(type_, _steps(part))
            if of in READS[sort]
        ]
        if not paths:
            raise NotCompiled(expression)
        return paths

    def _system(self, url: str) -> str:
        codes = self.values.codes(url) if url else None
        return next(iter(codes)) if codes and len(codes) == 1 else ""

    def _walk(self, type_: str, steps: list[str]) -> list[tuple[str, str, str, str]]:
        """(chain, type at its end, what it must refer to, value set), of each type that a choice leaves open."""
        if not steps:
            return [("", type_, "", "")]
        head, rest = steps[0], steps[1:]
        row = next((r for r in self.shapes.get(type_, ()) if r[0] in (head, f"{head}[x]")), None)
        if row is None:
            raise NotCompiled(".".join(steps))
        types, only, where = row[3], "", ""
        if rest and (found := re.fullmatch(r"ofType\((\w+)\)", rest[0])):
            types = [one for one in types if one.lower() == found[1].lower()]
            rest = rest[1:]
        if rest and (found := re.fullmatch(r"where\((\w+)='([^']+)'\)", rest[0])):
            where, rest = f"[{found[1]}={found[2]}]", rest[1:]
        if rest and (found := re.fullmatch(r"where\(resolve\(\) is (\w+)\)", rest[0])):
            only, rest = found[1], rest[1:]
        told = []
        for one in types:
            name = head + one[0].upper() + one[1:] if row[0].endswith("[x]") else head
            for chain, end, of, values in self._walk(one, rest):
                told.append((f"{name}{where}.{chain}".rstrip("."), end, only or of, values or ("" if rest else row[4])))
        return told


def _parts(expression: str) -> list[str]:
    return [part.strip() for part in expression.split("|")]


def _steps(expression: str) -> list[str]:
    """The steps of a chain; brackets round a chain say nothing, and `as` is `ofType`."""
    bare = re.sub(r"\((\w[\w.]*) as (\w+)\)", r"\1.ofType(\2)", expression).replace(".as(", ".ofType(")
    bare = re.sub(r"^\(([\w.]+(?:\.ofType\(\w+\))?)\)", r"\1", bare)
    return re.findall(r"\w+(?:\((?:[^()]|\(\))*\))?|\S", bare.replace(".", " "))


def parameters(named: list[Json], compiler: Compiler, kinds: list[str]) -> tuple[dict[str, Json], list[str]]:
    """By type, its search parameters; and those that are no chains of elements."""
    known = {one["url"]: one for one in named if not NOT_OF_R4.search(one["url"])}
    found: dict[str, Json] = {kind: {} for kind in kinds}
    left = []
    for one in known.values():
        for kind in kinds if one["base"][0] in ("Resource", "DomainResource") else one["base"]:
            try:
                found[kind][one["code"]] = _parameter(kind, one, known, compiler)
            except NotCompiled:
                left.append(f"{kind if kind in one['base'] else one['base'][0]} {one['code']}")
    return found, sorted(set(left))


def _parameter(kind: str, one: Json, known: dict[str, Json], compiler: Compiler) -> list[Any]:
    if one["code"] in LEFT or "expression" not in one:
        raise NotCompiled(one["code"])
    if one["type"] != "composite":
        paths = compiler.paths(kind, one["type"], one["expression"])
        meant = {only for _chain, _type, only, _system in paths}
        targets = sorted(meant if meant and "" not in meant else one.get("target", ()))
        return [one["type"], paths, [ANY] if len(targets) > 100 else targets, []]
    if len(one["component"]) != 2:  # places on a chromosome
        raise NotCompiled(one["code"])
    bases = [part.partition(".")[2] for part in _parts(one["expression"]) if re.match(rf"{kind}\b", part)]
    parts = []
    for component in one["component"]:
        part = known[component["definition"]]
        sort = SWAPPED.get(component["definition"].rpartition("/")[2], part["type"])
        parts.append([part["code"], sort, compiler.relative(kind, bases[0], sort, component["expression"])])
    return ["composite", [[base, "", "", ""] for base in bases], [], parts]


def compartment(definition: Json) -> dict[str, list[str]]:
    """By type, the parameters whose patient's record a resource is part of."""
    return {one["code"]: one["param"] for one in definition["resource"] if one.get("param")}


def lines(files: dict[str, str]) -> Iterator[str]:
    """The definitions, line by line."""
    read: dict[str, list[Json]] = {kind: [] for kind in READ}
    for name, text in files.items():
        if (kind := name.partition("-")[0]) in READ:
            read[kind].append(json.loads(text))
    values = ValueSets(read["ValueSet"], read["CodeSystem"])
    found, forms, kinds = shapes(read["StructureDefinition"])
    params, left = parameters(read["SearchParameter"], Compiler(found, values), kinds)
    patient = next(one for one in read["CompartmentDefinition"] if one["code"] == "Patient" and one["id"] == "patient")
    told = {
        "kinds": kinds,
        "forms": forms,
        "compartment": compartment(patient),
        "left": left,
        **{f"type {name}": rows for name, rows in found.items()},
        **{f"params {kind}": some for kind, some in params.items()},
        **{f"values {url}": codes for url in sorted(values.sets) if (codes := values.codes(url))},
    }
    yield HEAD
    for name, said in told.items():
        yield f"{name}\t{json.dumps(said, ensure_ascii=False, separators=(',', ':'))}"


if __name__ == "__main__":
    package = fetched()
    for made, told in ((MADE, lines(package)), (EXAMPLES, examples(package))):
        made.write_bytes(gzip.compress(("\n".join(told) + "\n").encode(), 9, mtime=0))
