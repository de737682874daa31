"""IHE ITI-83, `Patient/$ihe-pix`: which other numbers the person of a number has."""

from collections.abc import Mapping
from typing import Any

from wasl.kernel.access import Actor
from wasl.kernel.fhir import Resource, operation, outcome, reference
from wasl.patients import queries, services
from wasl.patients.fhir.people import SYSTEMS, identifier_of, own_number
from wasl.patients.fhir.said import dicts, taken_apart, text, whose
from wasl.patients.rules import numbers

PIX = "https://profiles.ihe.net/ITI/PIXm/OperationDefinition/IHE.PIXm.pix"


@operation("Patient", "ihe-pix", definition=PIX, by_get=True)
def cross_reference(sent: Resource, *, by: Actor) -> Resource:
    """Parameters with each number in use, and the Patient; what there is to say of the number besides is `outcome`.

    All numbers where the record is open to who asks, and else the Wasl number and the hospital's own, of who is known
    there. That it was told is in the access log.
    """
    parts = dicts(sent.get("parameter"))
    system, value = _source(parts)
    source = whose(system, by)
    if source is None:
        raise numbers.SystemUnknown
    targets = [text(_value(part)) for part in parts if part.get("name") == "targetSystem"]
    if not all(whose(target, by) for target in targets):
        raise numbers.TargetUnknown
    kind, place = source
    found = queries.numbers_of_number(kind, value, place=place, viewer=by)
    services.log_accesses({found.head.id: found.ground or "none"}, what="patients.cross_reference", by=by)
    told = [own_number(found.head), *map(identifier_of, found.told)]
    wanted = [
        one for one in told
        if (not targets or one["system"] in targets) and (one["system"], one["value"]) != (system, found.asked)
    ]  # fmt: skip
    answer: list[Resource] = [{"name": "targetIdentifier", "valueIdentifier": one} for one in wanted]
    if not targets or SYSTEMS["number"] in targets:
        answer.append({"name": "targetId", "valueReference": reference("Patient", found.head.id)})
    if found.said:
        answer.append({"name": "outcome", "resource": outcome("information", *found.said)})
    return {"resourceType": "Parameters"} | ({"parameter": answer} if answer else {})


def _source(parts: list[dict[str, Any]]) -> tuple[str, str]:
    """The one number that is asked about. Raises NumberExpected."""
    sources = [_value(part) for part in parts if part.get("name") == "sourceIdentifier"]
    if len(sources) != 1:
        raise numbers.NumberExpected
    (source,) = sources
    if isinstance(source, Mapping):
        return taken_apart(f"{text(source.get('system'))}|{text(source.get('value'))}")
    return taken_apart(text(source))


def _value(part: Mapping[str, Any]) -> object:
    """What a parameter holds, under whichever of the names that the versions of the profile give it."""
    return next((part[name] for name in ("valueString", "valueUri", "valueIdentifier") if name in part), None)
