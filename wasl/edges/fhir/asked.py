"""Reading a search (FHIR R4, 3.1.1): what is asked becomes conditions in SQL, what is not understood is set aside."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from wasl.edges.fhir import kinds, paths, values
from wasl.edges.fhir.kinds import Condition, Criterion
from wasl.edges.fhir.paths import Parameter
from wasl.edges.fhir.refusals import ModifierNotSupported, ParameterNotSupported, TooCostly, WrongValue
from wasl.edges.fhir.sorting import BY_ID, Key, key_of

Pairs = list[tuple[str, str]]

PAGE, MOST = 50, 500
STEPS, LINKS = 3, 8  # how far chains reach, and how many a search has
# what FHIR names and this service does not do: to pass it over would find more than was asked for
LEFT_OUT = frozenset({"_content", "_text", "_filter", "_query", "_list", "_contained", "_containedType"})


@dataclass(frozen=True)
class Link:
    """A step to other resources: what `param` refers to meets `inner`; or, turned, what refers to us by it does."""

    param: Parameter
    inner: "tuple[Asked, ...]"
    turned: bool = False


@dataclass(frozen=True)
class Include:
    """What a page brings along: what resources of `kind` refer to by parameters; turned, those that refer to it."""

    kind: str
    params: tuple[Parameter, ...]
    target: str
    again: bool  # also of what was brought along
    turned: bool


@dataclass
class Asked:
    """A search as it was understood."""

    kind: str
    conditions: list[str] = field(default_factory=list)
    values: list[object] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    includes: list[Include] = field(default_factory=list)
    understood: Pairs = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    count: int = PAGE
    order: tuple[Key, ...] = (BY_ID,)
    persons: Mapping[UUID, Sequence[UUID]] = field(default_factory=dict)
    total: bool = False
    only_total: bool = False
    summary: str = "false"
    elements: frozenset[str] = frozenset()
    depth: int = 0

    def must(self, condition: str, *values: object) -> None:
        """Narrow the search."""
        self.conditions.append(condition)
        self.values += values

    def kinds(self) -> Iterator[str]:
        """The types whose resources decide what is found."""
        yield self.kind
        for link in self.links:
            for inner in link.inner:
                yield from inner.kinds()


def read(kind: str, pairs: Pairs, persons: Mapping[UUID, Sequence[UUID]] | None = None, *, depth: int = 0) -> Asked:
    """Understand the parameters of a search for resources of one type. Raises WrongValue, ModifierNotSupported.

    `persons` gives, by one file of a person, all of their files: what is asked of one is asked of all.
    """
    asked = Asked(kind, persons=persons or {}, depth=depth)
    named = {re.split(r"[:.]", name, maxsplit=1)[0] for name, _value in pairs}
    if kind == "Patient" and named & {*paths.parameters(kind), "_has"} - {"_id", "_lastUpdated"}:
        # who looks for a person finds the file that stands; who asks what changed learns that another was retired
        if "active" not in named:
            asked.must("strpos(e.body, %s) = 0", '"active":false')
        asked.total = depth == 0  # IHE PDQm, 2:3.78.4.1.3
    for name, value in pairs:
        if value == "":
            continue
        if _understand(asked, name, value):
            asked.understood.append((name, value))
        else:
            asked.ignored.append(name)
    if sum(1 for _ in asked.kinds()) > LINKS:
        raise TooCostly
    return asked


def within(asked: Asked, files: Sequence[UUID]) -> None:
    """Ask only for what is part of one person's record (FHIR R4, 2.44)."""
    asked.must("e.patient = any(%s)", list(files))


def _understand(asked: Asked, name: str, value: str) -> bool:
    param, _, modifier = name.partition(":")
    if "\0" in value:  # no text of the record has this letter, and the database takes none
        asked.must("false")
        return True
    if param in LEFT_OUT:
        raise ParameterNotSupported(name=param)
    if param == "_has":
        return _has(asked, name, value)
    if param in CONTROLS and asked.depth == 0:
        if modifier and not (modifier in ("iterate", "recurse") and param in ("_include", "_revinclude")):
            raise ModifierNotSupported(name=name)
        return CONTROLS[param](asked, modifier, value)
    if "." in name:
        return _chained(asked, name, value)
    if param in ("_id", "_lastUpdated"):
        known = _common(param, modifier, name, value)
    elif declared := paths.parameters(asked.kind).get(param):
        known = kinds.condition(Criterion(asked.kind, declared, modifier, asked.persons), value)
    elif param in paths.META:
        known = _meta(param, modifier, name, value)
    else:
        return False
    asked.must(known[0], *known[1])
    return True


def _common(param: str, modifier: str, name: str, value: str) -> Condition:
    """What each resource has."""
    if modifier == "missing":
        return ("false" if values.is_true(name, value) else "true"), []
    if modifier:
        raise ModifierNotSupported(name=name)
    if param == "_id":
        return "e.id = any(%s)", [[key for one in values.alternatives(value) if (key := values.key(one))]]
    spans = (values.span(name, one) for one in values.alternatives(value))
    return kinds.any_of(kinds.compared(span, kinds.POINTS, "e.updated_at") for span in spans)


def _meta(param: str, modifier: str, name: str, value: str) -> Condition:
    """What a resource says of itself, where its owner does not let it be found by an index."""
    at = f"$.{paths.META[param]}"
    is_address = param in ("_profile", "_source")
    if modifier == "missing":
        there = f"coalesce(jsonb_path_exists({paths.BODY}, %s::jsonpath), false)"
        return f"{'not ' if values.is_true(name, value) else ''}{there}", [at]
    if is_address and modifier in ("", "above", "below"):
        return kinds.any_of(kinds.addressed(at, one, modifier) for one in values.alternatives(value))
    if is_address or modifier not in ("", "not"):
        raise ModifierNotSupported(name=name)
    found, known = kinds.any_of(kinds.coded(at, one) for one in values.written(value))
    return (f"not {found}" if modifier else found), known


def _chained(asked: Asked, name: str, value: str) -> bool:
    """`subject:Patient.name`, `patient.identifier` (3.1.1.4.4)."""
    head, _, rest = name.partition(".")
    param, _, kind = head.partition(":")
    declared = paths.parameters(asked.kind).get(param)
    if declared is None or declared.sort != "reference":
        return False
    targets = [one for one in paths.targets(declared) if kind in ("", one)]
    inner = tuple(one for target in targets if (one := _inner(asked, target, rest, value)))
    if inner:
        asked.links.append(Link(declared, inner))
    return bool(inner)


def _has(asked: Asked, name: str, value: str) -> bool:
    """`_has:Observation:patient:code`: what is referred to by something that meets a condition (3.1.1.4.5)."""
    _, kind, param, rest = [*name.split(":", 3), "", "", ""][:4]
    declared = paths.parameters(kind).get(param) if kind in paths.served() else None
    if declared is None or declared.sort != "reference" or asked.kind not in paths.targets(declared) or not rest:
        return False
    inner = _inner(asked, kind, rest, value)
    if inner:
        asked.links.append(Link(declared, (inner,), turned=True))
    return inner is not None


def _inner(asked: Asked, kind: str, name: str, value: str) -> Asked | None:
    if asked.depth >= STEPS:
        raise TooCostly
    inner = read(kind, [(name, value)], asked.persons, depth=asked.depth + 1)
    return None if inner.ignored else inner


def _count(asked: Asked, modifier: str, value: str) -> bool:
    if not re.fullmatch(r"[0-9]{1,9}", value):
        raise WrongValue(name="_count", value=value)
    asked.count = min(int(value), MOST)
    asked.only_total = asked.only_total or asked.count == 0
    return True


def _sort(asked: Asked, modifier: str, value: str) -> bool:
    found = [key_of(asked.kind, one) for one in values.alternatives(value)]
    known = [key for key in found if key]
    if not known or len(known) < len(found) or len(known) > STEPS:
        return False
    asked.order = tuple(known)
    return True


def _total(asked: Asked, modifier: str, value: str) -> bool:
    if value not in ("none", "estimate", "accurate"):
        raise WrongValue(name="_total", value=value)
    asked.total = value != "none"
    return True


def _summary(asked: Asked, modifier: str, value: str) -> bool:
    if value not in ("true", "text", "data", "count", "false"):
        raise WrongValue(name="_summary", value=value)
    asked.summary = value
    asked.only_total = asked.only_total or value == "count"
    return True


def _elements(asked: Asked, modifier: str, value: str) -> bool:
    named = frozenset(one.rpartition(".")[2] for one in values.alternatives(value) if one)
    if not all(re.fullmatch(r"[a-zA-Z]+", one) for one in named):
        raise WrongValue(name="_elements", value=value)
    asked.elements |= named
    return True


def _include(asked: Asked, modifier: str, value: str) -> bool:
    return _bring(asked, modifier, value, turned=False)


def _revinclude(asked: Asked, modifier: str, value: str) -> bool:
    return _bring(asked, modifier, value, turned=True)


def _bring(asked: Asked, modifier: str, value: str, *, turned: bool) -> bool:
    """`Observation:subject`, `Observation:subject:Patient`, `Observation:*`, and `*` of what was found (3.1.1.5.4)."""
    kind, name, target = [*value.split(":"), "", ""][:3] if value.count(":") < 3 else ("", "", "")
    if value == "*" and not turned:
        kind, name = asked.kind, "*"
    declared = paths.parameters(kind) if kind in paths.served() else {}
    params = tuple(one for one in declared.values() if one.sort == "reference" and name in ("*", one.name))
    if turned and not modifier:
        target = target or asked.kind
        params = tuple(one for one in params if asked.kind in paths.targets(one))
    if not params or (target and not any(target in one.targets for one in params)):
        return False
    asked.includes.append(Include(kind, params, target, bool(modifier), turned))
    if len(asked.includes) > LINKS:
        raise TooCostly
    return True


def _format(asked: Asked, modifier: str, value: str) -> bool:
    return True  # judged before, for every interaction


CONTROLS: dict[str, Callable[[Asked, str, str], bool]] = {
    "_count": _count,
    "_sort": _sort,
    "_total": _total,
    "_summary": _summary,
    "_elements": _elements,
    "_include": _include,
    "_revinclude": _revinclude,
    "_format": _format,
    "_pretty": _format,
}
