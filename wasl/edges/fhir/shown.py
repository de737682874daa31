"""How much of a resource is shown (FHIR R4, 3.1.1.5.8, 3.1.1.5.9): its summary, its text, its data, some elements."""

from wasl.edges.fhir.asked import Asked
from wasl.kernel import fhir
from wasl.record import queries as record

# what a resource says that is not told whole
SUBSETTED = {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}
ALWAYS = frozenset({"resourceType", "id", "meta"})


def shown(kind: str, body: str, asked: Asked, *, matched: bool = True) -> str:
    """A stored text as the search wants it shown; the text itself where it wants it whole."""
    if asked.summary in ("true", "text"):
        kept = record.summary(kind) if asked.summary == "true" else frozenset({"text"})
        return _reduced(body, kept | record.mandatory(kind))
    if asked.elements and matched:
        choices = {f"{name}[x]" for name in asked.elements} & record.elements(kind)
        return _reduced(body, asked.elements | choices | record.mandatory(kind))
    return _reduced(body, None) if asked.summary == "data" else body


def subsetted(resource: fhir.Resource) -> str:
    """A resource that is not told whole, and says so."""
    meta = resource.get("meta", {})
    return record.written({**resource, "meta": {**meta, "tag": [*meta.get("tag", ()), SUBSETTED]}})


def _reduced(body: str, kept: frozenset[str] | None) -> str:
    """A text with these elements alone; without its narrative where none are named."""
    resource = record.read(body)
    if kept is None:
        return subsetted({name: value for name, value in resource.items() if name != "text"})
    return subsetted({name: value for name, value in resource.items() if _is_kept(name.lstrip("_"), kept)})


def _is_kept(name: str, kept: frozenset[str]) -> bool:
    """Whether an element is named, or is one form of a choice that is: `valueString` of `value[x]`."""
    return name in ALWAYS or name in kept or any(
        one.endswith("[x]") and name.startswith(one[:-3]) and name[len(one) - 3 :][:1].isupper() for one in kept
    )  # fmt: skip
