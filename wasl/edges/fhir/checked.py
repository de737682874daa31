"""`$validate` (FHIR R4, Resource-operation-validate): what of a resource is not FHIR R4, and where."""

from typing import Any

from django.utils import translation
from starlette.concurrency import run_in_threadpool

from wasl.edges import gate
from wasl.edges.fhir import answers, scopes
from wasl.edges.fhir.answers import Answer
from wasl.edges.fhir.call import Call
from wasl.edges.fhir.refusals import NotValidated, Sound, ToValidateExpected, UnknownType, WrongValue
from wasl.kernel import fhir
from wasl.kernel.access import Actor
from wasl.record.queries import Malformed, faults, kinds

DEFINITION = "http://hl7.org/fhir/OperationDefinition/Resource-validate"
PROFILE = "http://hl7.org/fhir/StructureDefinition/"
MODES = ("", "create", "update")


async def validate(call: Call, kind: str, key: str = "") -> Answer:
    """Whether a resource that was sent could be created, or with `key` updated; nothing of it is kept."""
    _check(await gate.actor_of(call.scope, apps=True), kind)
    body = await call.to_validate(kind)
    told = [(name, value) for name, value in call.query if name in ("mode", "profile")]
    if body["resourceType"] == "Parameters" and kind != "Parameters":
        listed = body.get("parameter")
        parts = [part for part in listed if isinstance(part, dict)] if isinstance(listed, list) else []
        told += [
            (str(part.get("name")), str(value))
            for part in parts for name, value in part.items() if name.startswith("value")
        ]  # fmt: skip
        body = next((part["resource"] for part in parts if part.get("name") == "resource" and "resource" in part), {})
        if not isinstance(body, dict) or body.get("resourceType") != kind:
            raise ToValidateExpected(type=kind)
    if dict(told).get("mode", "") not in MODES or dict(told).get("profile", PROFILE + kind) != PROFILE + kind:
        raise NotValidated
    if key and body.get("id") != key:
        raise WrongValue(name="id", value=str(body.get("id", ""))[:80])
    return await run_in_threadpool(judged, call, body)


def judged(call: Call, body: dict[str, Any]) -> Answer:
    """What is wrong with a resource, or that nothing is, in the language of whoever asks."""
    found = [Malformed(fault) for fault in faults(body)]
    with translation.override(answers.language_of(call.scope)):
        said = fhir.outcome("error", *found) if found else fhir.outcome("information", Sound())
        return Answer(200, answers.dumped(said), {"content-language": translation.get_language()})


def _check(viewer: Actor, kind: str) -> None:
    """Whoever may read or send a type may ask whether a resource of it is right."""
    act = next((act for act in "scu" if scopes.may(viewer, kind, act)), "s")
    scopes.check(viewer, kind, act)
    if kind not in kinds():
        raise UnknownType(type=kind)
