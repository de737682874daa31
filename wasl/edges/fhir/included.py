"""What a page brings along (FHIR R4, 3.1.1.5.4): what it refers to, and what refers to it, within what may be seen."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from uuid import UUID

from wasl.edges.fhir import found, kinds, paths
from wasl.edges.fhir.asked import STEPS, Asked, Include
from wasl.edges.fhir.found import Hit
from wasl.edges.fhir.kinds import Condition, Criterion
from wasl.edges.fhir.refusals import TooCostly
from wasl.kernel.access import Actor

MOST = 1000  # resources beside a page

Keys = dict[str, set[UUID]]


async def brought(asked: Asked, page: list[Hit], *, readable: Collection[str], viewer: Actor) -> list[Hit]:
    """The resources that a page brings along, of types that its reader may read; each once. Raises TooCostly."""
    known, brought = {(hit.kind, hit.id) for hit in page}, list[Hit]()
    fresh, includes = page, asked.includes
    for _ in range(STEPS + 1):
        choices = [choice for one in includes for choice in await _conditions(one, _keys(fresh), readable)]
        if not choices:
            break
        hits = await found.these(*kinds.any_of(choices), most=MOST + len(known) + 1, viewer=viewer)
        fresh = [hit for hit in hits if (hit.kind, hit.id) not in known]
        known |= {(hit.kind, hit.id) for hit in fresh}
        brought += fresh
        if len(brought) > MOST:
            raise TooCostly
        includes = [one for one in asked.includes if one.again]
    return brought


def _keys(hits: Iterable[Hit]) -> Keys:
    keys: Keys = defaultdict(set)
    for hit in hits:
        keys[hit.kind].add(hit.id)
    return keys


async def _conditions(include: Include, keys: Keys, readable: Collection[str]) -> list[Condition]:
    if include.turned:
        return await _referring(include, keys) if include.kind in readable else []
    return _referred(include, sorted(keys.get(include.kind, ())), readable)


def _referred(include: Include, keys: list[UUID], readable: Collection[str]) -> list[Condition]:
    """What resources refer to, read from their texts."""
    if not keys:
        return []
    choices = []
    for param in include.params:
        targets = [one for one in paths.targets(param) if one in readable and include.target in ("", one)]
        references, at = paths.values(paths.references(param))
        inner = (
            f"select m.led[1], m.led[2]::uuid from record_entry e cross join lateral {references} "  # noqa: S608  our words
            "cross join lateral (select regexp_match(v.text, %s) led) m where e.type = %s and e.id = any(%s)"
        )
        known = [targets, *at, found.LED_TO.format("([A-Z][A-Za-z]+)"), include.kind, keys]
        choices.append((f"(e.type = any(%s) and (e.type, e.id) in ({inner}))", known))
    return choices


async def _referring(include: Include, keys: Keys) -> list[Condition]:
    """What refers to resources, found by the index."""
    choices = []
    for kind in sorted(keys):
        params = [one for one in include.params if kind in paths.targets(one) and include.target in ("", kind)]
        named = keys[kind] if kind != "Patient" or not params else await found.files(keys[kind])
        for param in params:
            forms = [f"{kind}/{key}" for key in sorted(named)]
            condition, known = kinds.referring(Criterion(include.kind, param, "", {}), forms)
            choices.append((f"(e.type = %s and {condition})", [include.kind, *known]))
    return choices
