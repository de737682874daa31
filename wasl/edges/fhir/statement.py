"""The capability statement (FHIR R4, 5.1), made from the registries of the modules."""

from functools import lru_cache

from wasl import __version__
from wasl.edges.fhir import everything, summary
from wasl.edges.fhir.answers import dumped
from wasl.kernel import fhir
from wasl.record import queries as record

CHANGED = "2026-12-01"  # the day when what this service does was last changed
READ = ("read", "vread", "history-instance", "history-type", "search-type")
POLICY = ["literal", "logical", "enforced"]  # what is referred to literally is there, and seen by whoever sends
COMMON = (("_id", "token"), ("_lastUpdated", "date"))


@lru_cache(maxsize=8)
def statement(base: str) -> bytes:
    """What this service serves and how, to everybody who asks."""
    return dumped(
        {
            "resourceType": "CapabilityStatement",
            "status": "active",
            "date": CHANGED,
            "publisher": "Wasl",
            "kind": "instance",
            "software": {"name": "Wasl", "version": __version__},
            "implementation": {"description": "The shared health record", "url": base},
            "fhirVersion": "4.0.1",
            "format": ["application/fhir+json", "json"],
            "rest": [_rest()],
        }
    )


def _rest() -> dict[str, object]:
    return {
        "mode": "server",
        "documentation": "Pages follow each other by their `next` link, ordered by id, or by `_sort`: `_lastUpdated`, "
        "or the principal date of a type. Unknown parameters are ignored and named, or refused with "
        "`Prefer: handling=strict`. What is part of a patient's record is seen on a ground only. No client chooses "
        "an id: what is updated is there. A bundle has 1,000 entries and 16 MB at most, a resource 4 MB; what a "
        "transaction reads, it reads once all is done.",
        "security": {
            "service": [fhir.coding("http://terminology.hl7.org/CodeSystem/restful-security-service", "OAuth")],
            "description": "OAuth 2 client credentials with scopes system/[type].read or .rs, and .write or .cud for "
            "what is sent, of the client's own place; people read by their session.",
        },
        "resource": [_resource(kind) for kind in sorted(record.served())],
        "interaction": [{"code": code} for code in ("transaction", "batch", "history-system")],
    }


def _resource(kind: str) -> dict[str, object]:
    declared = [(name, param.sort) for name, param in sorted(record.parameters(kind).items())]
    operations = [
        {"name": name, "definition": operation.definition}
        for (of, name), operation in sorted(fhir.operations.items(), key=lambda one: one[0])
        if of == kind
    ]
    if kind == "Patient":
        operations += [
            {"name": "everything", "definition": everything.DEFINITION},
            {"name": "summary", "definition": summary.DEFINITION},
        ]
    sent = (
        ["create", "update", "patch", "delete"]
        if record.is_kept(kind)
        else [code for code, taken in (("update", fhir.accepted), ("delete", fhir.removed)) if kind in taken]
    )
    said: dict[str, object] = {
        "type": kind,
        "interaction": [{"code": code} for code in (*READ, *sent)],
        "versioning": "versioned-update" if record.is_kept(kind) else "versioned",
        "readHistory": True,
        "updateCreate": False,
        "searchParam": [{"name": param, "type": sort} for param, sort in (*COMMON, *declared)],
    }
    if record.is_kept(kind):
        said |= {"conditionalCreate": True, "conditionalRead": "not-match", "referencePolicy": POLICY}
    if "update" in sent:
        said["conditionalUpdate"] = True
    if "delete" in sent:
        said["conditionalDelete"] = "single"
    return said | ({"operation": operations} if operations else {})
