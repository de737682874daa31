"""Of which systems a search wants the identifiers (IHE PDQm, 2:3.78.4.1.2.3): `identifier=system|`, without a value."""

import json

from asgiref.sync import sync_to_async

from wasl.edges.fhir.asked import Pairs, alternatives
from wasl.edges.fhir.refusals import UnknownDomain
from wasl.kernel import fhir

# what a resource says that is not told whole (FHIR R4, 3.1.1.5.8)
SUBSETTED = {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}


def wanted(kind: str, pairs: Pairs) -> frozenset[str]:
    """The systems that a search names without a value; none where it does not say which it wants."""
    if kind not in fhir.domains:
        return frozenset()
    named = [one for name, value in pairs if name == "identifier" for one in alternatives(value)]
    return frozenset(one[:-1] for one in named if one.endswith("|") and one != "|")


async def unknown(kind: str, systems: frozenset[str]) -> list[UnknownDomain]:
    """What there is to say of systems whose identifiers are not known here."""
    is_known = sync_to_async(fhir.domains[kind]) if systems else None
    return [UnknownDomain(system=one) for one in sorted(systems) if is_known and not await is_known(one)]


def only(body: str, systems: frozenset[str]) -> str:
    """A stored resource with the identifiers of these systems alone; as it is stored where none is left out."""
    found = json.loads(body) if systems else {}
    kept = [one for one in found.get("identifier", ()) if one.get("system") in systems]
    if len(kept) == len(found.get("identifier", ())):
        return body
    found["identifier"] = kept
    found["meta"] = {**found.get("meta", {}), "tag": [*found.get("meta", {}).get("tag", ()), SUBSETTED]}
    return json.dumps(fhir.without_empty(found), ensure_ascii=False, separators=(",", ":"))
