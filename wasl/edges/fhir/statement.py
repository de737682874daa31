"""The capability statement (FHIR R4, 5.1), made from the registries of the modules."""

from functools import lru_cache

from wasl import __version__
from wasl.edges.fhir import everything, paths, smart, summary
from wasl.edges.fhir.answers import dumped
from wasl.edges.fhir.checked import DEFINITION
from wasl.kernel import fhir
from wasl.record import queries as record

CHANGED = "2026-12-01"  # the day when what this service does was last changed
READ = ("read", "vread", "history-instance", "history-type", "search-type")
POLICY = ["literal", "logical", "enforced"]  # what is referred to literally is there, and seen by whoever sends


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
            "rest": [_rest(base)],
        }
    )


def _rest(base: str) -> dict[str, object]:
    return {
        "mode": "server",
        "documentation": "Pages follow each other by their `next` link, ordered by id, or by `_sort`: up to three "
        "parameters that are dates, texts, codes, addresses or numbers. Chains and `_has` lead three steps far. "
        "Unknown parameters are ignored and named, or refused with `Prefer: handling=strict`; what FHIR names and "
        "this service does not do is refused, and so is a search that takes too long. What is part of a patient's "
        "record is seen on a ground only. No client chooses an id: what is updated is there. A bundle has 1,000 "
        "entries and 16 MB at most, a resource 4 MB; what a transaction reads, it reads once all is done.",
        "security": {
            **smart.security(base),
            "cors": True,
            "service": [
                fhir.coding("http://terminology.hl7.org/CodeSystem/restful-security-service", code)
                for code in ("OAuth", "SMART-on-FHIR")
            ],
            "description": "OAuth 2 client credentials with scopes system/[type].read or .rs, and .write or .cud for "
            "what is sent, of the client's own place; apps with scopes patient/ and user/, as "
            ".well-known/smart-configuration says; people read by their session.",
        },
        "resource": [_resource(kind) for kind in sorted(record.served())],
        "interaction": [{"code": code} for code in ("transaction", "batch", "history-system")],
    }


def _resource(kind: str) -> dict[str, object]:
    declared = {"_id": "token", "_lastUpdated": "date", **dict.fromkeys(("_tag", "_security"), "token"),
                **dict.fromkeys(("_profile", "_source"), "uri")}  # fmt: skip
    declared |= {name: param.sort for name, param in sorted(record.parameters(kind).items())}
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
        "searchInclude": ["*", *(f"{kind}:{param.name}" for param in _references(kind))],
        "searchRevInclude": [
            f"{other}:{param.name}"
            for other in sorted(record.served())
            for param in _references(other)
            if kind in paths.targets(param)
        ],
        "searchParam": [_parameter(kind, name, sort) for name, sort in declared.items()],
    }
    if record.is_kept(kind):
        said |= {"conditionalCreate": True, "conditionalRead": "not-match", "referencePolicy": POLICY}
    if "update" in sent:
        said["conditionalUpdate"] = True
    if "delete" in sent:
        said["conditionalDelete"] = "single"
    return said | {"operation": [*operations, {"name": "validate", "definition": DEFINITION}]}


def _references(kind: str) -> list[paths.Parameter]:
    return [param for _, param in sorted(record.parameters(kind).items()) if param.sort == "reference"]


def _parameter(kind: str, name: str, sort: str) -> dict[str, str]:
    address = record.address(kind, name)
    return {"name": name, **({"definition": address} if address else {}), "type": sort}
