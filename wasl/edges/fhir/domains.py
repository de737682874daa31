"""Of which systems a search wants the identifiers (IHE PDQm, 2:3.78.4.1.2.3): `identifier=system|`, without a value."""

from asgiref.sync import sync_to_async

from wasl.edges.fhir import shown
from wasl.edges.fhir.asked import Pairs
from wasl.edges.fhir.refusals import UnknownDomain
from wasl.edges.fhir.values import alternatives
from wasl.kernel import fhir
from wasl.record import queries as record


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
    found = record.read(body) if systems else {}
    kept = [one for one in found.get("identifier", ()) if one.get("system") in systems]
    if len(kept) == len(found.get("identifier", ())):
        return body
    return shown.subsetted(fhir.without_empty({**found, "identifier": kept}))
