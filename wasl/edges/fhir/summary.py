"""The record on one page as a document: `Patient/[id]/$summary` (HL7 International Patient Summary 1.1)."""

from uuid import UUID, uuid4

from django.utils import timezone

from wasl.edges.fhir import answers, found, scopes
from wasl.edges.fhir.answers import Answer
from wasl.edges.fhir.call import Call
from wasl.edges.threads import in_thread
from wasl.kernel.access import Actor
from wasl.kernel.errors import NotFound
from wasl.patients import queries as patients
from wasl.patients import services as patients_services
from wasl.record import queries as record
from wasl.record.fhir import composition, instant

DEFINITION = "http://hl7.org/fhir/uv/ips/OperationDefinition/summary"
PROFILE = "http://hl7.org/fhir/uv/ips/StructureDefinition/Bundle-uv-ips"


async def summary(call: Call, key: UUID, *, viewer: Actor) -> Answer:
    """The document, in the language of whoever asks. Raises NotFound, OutOfScope.

    Who may not read one of its types gets none: a summary that leaves out allergies would lie.
    """
    for kind in record.SUMMARY:
        scopes.check(viewer, kind, "r")
    hit = await found.current("Patient", key, viewer=viewer)
    if hit is None or hit.deleted:  # of an app also, it is the one that it was let in for
        raise NotFound
    told = answers.spoken(answers.language_of(call.scope), _document)
    return Answer(200, await in_thread(told, call.base, key, hit.body, by=viewer))


def _document(base: str, key: UUID, person: str, *, by: Actor) -> bytes:
    """The stored texts under a Composition of their own, joined without being read again."""
    ground = patients.require_ground(key, viewer=by)
    parts, stored = record.sections(key, viewer=by)
    patients_services.log_access(key, what="record.summary", ground=ground, by=by)
    author = record.entry("Organization", by.at, viewer=by) if by.at else None
    now, document = timezone.now(), uuid4()
    head = composition(document, parts, patient=key, author=author.id if author else None, at=now)
    others = [(one.type, one.id, one.body) for one in (*([author] if author else []), *stored)]
    joined = (("Composition", document, answers.dumped(head).decode()), ("Patient", key, person), *others)
    entries = (answers.entry(f"{base}/{kind}/{one}", body, {}) for kind, one, body in joined)
    about = {
        "resourceType": "Bundle", "id": str(document), "meta": {"profile": [PROFILE]},
        "identifier": {"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{document}"}, "type": "document",
        "timestamp": instant(now),
    }  # fmt: skip
    return answers.dumped(about)[:-1] + b',"entry":[' + b",".join(entries) + b"]}"
