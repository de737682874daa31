"""Whether a resource is FHIR R4 (2.6.2, 2.24): its elements, their number, their values, codes and references.

By tables made of FHIR's own definitions, in one walk. Not checked: FHIR's invariants in FHIRPath but for the few named
here, profiles, codes of systems that FHIR does not list, and whether what is referred to exists.
"""

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from wasl.kernel.errors import Invalid
from wasl.kernel.fhir import Resource
from wasl.record.rules.definitions import codes, kinds
from wasl.record.rules.shapes import EMPTY, WRONG_TYPE, Element, Said, Shape, shape

MOST = 50  # faults that are told of one resource
DEEPEST = 50  # elements within elements
LARGEST = 200_000  # elements of a resource, those of a bundle together

UNKNOWN: Said = ("structure", _("There is no such element here."))
UNKNOWN_TYPE: Said = ("structure", _("This is no resource type of FHIR R4."))
MISSING: Said = ("required", _("This has to be said."))
ONE: Said = ("structure", _("There is one of this at most: it is no array."))
SEVERAL: Said = ("structure", _("There may be several of this: it is an array."))
TOO_MANY: Said = ("structure", _("There are too many of this."))
ONE_TYPE: Said = ("structure", _("Of the types that this element may have, it has one."))
UNEQUAL: Said = ("structure", _("The array and that with the extensions of its values are not of the same length."))
NOT_IN_SET: Said = ("code-invalid", _("The code is none of those that this element takes."))
BAD_REFERENCE: Said = ("value", _("A reference is Type/id, a whole address, or #id of what is contained."))
OTHER_TARGET: Said = ("invalid", _("This element does not refer to a resource of that type."))
NOT_CONTAINED: Said = ("not-found", _("Nothing is contained under this id."))
NESTED: Said = ("structure", _("What is contained contains nothing itself, and has an id of its own."))
VALUE_OR_MORE: Said = ("invariant", _("An extension has a value or extensions of its own, one of the two."))
TOO_DEEP: Said = ("too-costly", _("Elements stand too deep within one another."))
TOO_LARGE: Said = ("too-costly", _("There are more elements than one resource may have."))

LOCAL = re.compile(r"([A-Z][A-Za-z]+)/[A-Za-z0-9\-.]{1,64}(?:/_history/[A-Za-z0-9\-.]{1,64})?")
ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:\S+")  # an address, also urn:uuid: and urn:oid:
AT_ITS_END = re.compile(r"https?://\S+?/([A-Z][A-Za-z]+)/[A-Za-z0-9\-.]{1,64}(?:/_history/[A-Za-z0-9\-.]{1,64})?")


class Fault(NamedTuple):
    """What is wrong with a resource, and where: in FHIRPath's simple form, without the type in a choice's name."""

    path: str
    code: str  # IssueType
    text: str | Promise


class Malformed(Invalid):
    """What was sent is not FHIR R4. {path}: {text}"""

    def __init__(self, fault: Fault) -> None:
        super().__init__(path=fault.path, text=fault.text)
        self.fhir_issue, self.fhir_expression = fault.code, (fault.path,)


def check_valid(resource: object) -> None:
    """Refuse a resource that is not FHIR R4, with all that is wrong with it."""
    if found := faults(resource):
        first, *others = (Malformed(fault) for fault in found)
        first.besides = tuple(others)
        raise first


def faults(resource: object) -> list[Fault]:
    """What is wrong with a resource, as JSON was read (decimals as float or Decimal); of very much, the first."""
    walk = _Walk()
    with suppress(_Enough):
        walk.resource(resource, "", 0)
    return walk.faults


class _Enough(Exception):
    """So much is wrong that nothing more is told."""


class _Walk:
    """One resource, or a bundle of them, while it is looked through."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.elements = 0
        self.contained: Mapping[str, str] = {}

    def add(self, path: str, said: Said) -> None:
        self.faults.append(Fault(path, *said))
        if len(self.faults) >= MOST:
            raise _Enough

    def resource(self, body: object, path: str, depth: int, *, within: bool = False) -> None:
        """A resource; `within` another, which contains it."""
        kind = body.get("resourceType") if isinstance(body, dict) else None
        if not isinstance(body, dict) or not isinstance(kind, str) or kind not in kinds():
            at = f"{path}.resourceType" if path else "resourceType"
            self.add(at, UNKNOWN_TYPE if isinstance(body, dict) and kind is not None else MISSING)
            return
        path = path or kind
        before = self.contained
        if not within:
            inside = body.get("contained")
            named = [one for one in inside if isinstance(one, dict)] if isinstance(inside, list) else []
            self.contained = {str(one.get("id")): str(one.get("resourceType")) for one in named}
        elif "contained" in body or "id" not in body:
            self.add(path, NESTED)
        self.within(body, shape(kind), path, depth, kind)
        self.contained = before

    def within(self, body: Resource, of: Shape, path: str, depth: int, kind: str = "") -> None:
        """An element with elements within, or a resource of a type."""
        if not body:
            return self.add(path, EMPTY)
        if depth > DEEPEST:
            return self.add(path, TOO_DEEP)
        self.elements += len(body)
        if self.elements > LARGEST:
            self.add(path, TOO_LARGE)
            raise _Enough
        chosen: dict[str, str] = {}
        elements = of.elements
        for name, value in body.items():
            element = elements.get(name)
            if element is not None:
                self.element(element, name, value, body, path, depth)
            elif name[:1] == "_" and (element := elements.get(name[1:])) and element.check:
                self.beside(element, name[1:], value, body, path, depth)
            elif name != "resourceType" or not kind:
                self.add(f"{path}.{name[:80]}", UNKNOWN)
                continue
            if element is not None and element.choice:
                said = name.lstrip("_")
                if chosen.setdefault(element.base, said) != said:
                    self.add(f"{path}.{element.base}", ONE_TYPE)
        for base, names in of.required:
            if not any(name in body for name in names):
                self.add(f"{path}.{base}", MISSING)
        return None

    def element(self, element: Element, name: str, value: object, body: Resource, path: str, depth: int) -> None:
        """The value, or the values, of an element."""
        path = f"{path}.{element.base}"
        if element.most == 1:
            if type(value) is list:
                self.add(path, ONE)
            else:
                self.value(element, value, path, depth)
        elif type(value) is not list:
            self.add(path, SEVERAL)
        elif not value:
            self.add(path, EMPTY)
        else:
            if element.most and len(value) > element.most:
                self.add(path, TOO_MANY)
            beside = body.get(f"_{name}") if element.check else None
            for number, one in enumerate(value):
                if one is None and isinstance(beside, list) and beside[number : number + 1] not in ([], [None]):
                    continue  # the value is left out, and why stands beside it
                self.value(element, one, f"{path}[{number}]", depth)

    def beside(self, element: Element, name: str, value: object, body: Resource, path: str, depth: int) -> None:
        """The id and the extensions of a primitive (2.6.2.3)."""
        path = f"{path}.{element.base}"
        if element.most == 1:
            return self.extended(value, path, depth)
        if type(value) is not list:
            return self.add(path, SEVERAL)
        values = body.get(name)
        if values is not None and (not isinstance(values, list) or len(values) != len(value)):
            self.add(path, UNEQUAL)
        for number, one in enumerate(value):
            if one is not None or values is None:
                self.extended(one, f"{path}[{number}]", depth)
        return None

    def extended(self, value: object, path: str, depth: int) -> None:
        if isinstance(value, dict):
            self.within(value, shape("Element"), path, depth + 1)
        else:
            self.add(path, WRONG_TYPE)

    def value(self, element: Element, value: object, path: str, depth: int) -> None:
        """One value of an element."""
        if check := element.check:
            if said := check(value):
                self.add(path, said)
            elif element.values and not _listed(element.values, None, value):
                self.add(path, NOT_IN_SET)
        elif not isinstance(value, dict):
            self.add(path, WRONG_TYPE)
        elif element.type == "Resource":
            self.resource(value, path, depth + 1, within=element.base == "contained")
        else:
            self.within(value, shape(element.type), path, depth + 1)
            if element.type == "Reference":
                self.reference(value, element.targets, path)
            elif element.type == "Extension":
                has = sum(name.lstrip("_").startswith("value") for name in value) > 0
                if has == ("extension" in value):
                    self.add(path, VALUE_OR_MORE)
            elif element.values and not _coded(element, value):
                self.add(path, NOT_IN_SET)

    def reference(self, value: Resource, targets: frozenset[str], path: str) -> None:
        """Where a reference leads, as far as it says so (2.3.0)."""
        literal, kind = value.get("reference"), value.get("type")
        if isinstance(literal, str) and literal:
            if literal.startswith("#"):
                found = self.contained.get(literal[1:]) if literal != "#" else None
                if found is None and literal != "#":
                    self.add(f"{path}.reference", NOT_CONTAINED)
            elif local := LOCAL.fullmatch(literal):
                found = local[1]
                if found not in kinds():
                    return self.add(f"{path}.reference", BAD_REFERENCE)
            else:
                whole = AT_ITS_END.fullmatch(literal)
                found = whole[1] if whole and whole[1] in kinds() else None
                if not ELSEWHERE.fullmatch(literal):
                    self.add(f"{path}.reference", BAD_REFERENCE)
            kind = found or kind
        if targets and isinstance(kind, str) and kind in kinds() and kind not in targets:
            self.add(f"{path}.reference" if literal else path, OTHER_TARGET)
        return None


def _listed(values: str, system: object, code: object) -> bool:
    known = codes(values) or {}
    if not isinstance(code, str):
        return False
    if system is None:
        return any(code in some for some in known.values())
    return isinstance(system, str) and code in known.get(system, frozenset())


def _coded(element: Element, value: Resource) -> bool:
    """Whether a Coding or a CodeableConcept is of its value set; of others nothing is asked."""
    if element.type == "Coding":
        return "code" not in value or _listed(element.values, value.get("system", ""), value["code"])
    if element.type != "CodeableConcept":
        return True
    codings = value.get("coding")
    told = [one for one in codings if isinstance(one, dict)] if isinstance(codings, list) else []
    return "extension" in value or any(_listed(element.values, one.get("system", ""), one.get("code")) for one in told)
