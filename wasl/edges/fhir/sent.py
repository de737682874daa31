"""What other systems send: conditional update and delete (FHIR R4, 3.1.0.4.3, 3.1.0.7.1), by the owner's verbs.

A token is asked for, and no session: a page of somebody else could send with a cookie what its owner did not mean.
"""

from wasl.edges import gate
from wasl.edges.fhir import answers
from wasl.edges.fhir.answers import Answer
from wasl.edges.fhir.call import Call
from wasl.edges.threads import in_thread
from wasl.kernel import fhir
from wasl.kernel.access import Actor


async def update(call: Call, kind: str) -> Answer:
    """Take a resource by the identifier that it has where it comes from: 201 when it is new, 202 when it waits."""
    viewer = await sender(call, kind, "u")
    identifier, body = call.identifier(), await call.resource(kind)
    taken = await in_thread(fhir.accepted[kind], body, identifier=identifier, by=viewer)
    return told(call, kind, taken)


def told(call: Call, kind: str, taken: fhir.Taken) -> Answer:
    """What its sender is told of a resource that an owner took."""
    headers = {"location": f"{call.base}/{kind}/{taken.key}"} if taken.new else {}
    if taken.waiting:
        return answers.waiting(call.scope, taken.waiting, **headers)
    silent = "return=minimal" in call.header(b"prefer").replace(" ", "")
    return Answer(201 if taken.new else 200, b"" if silent else answers.dumped(taken.body), headers)


async def remove(call: Call, kind: str) -> Answer:
    """Be told that an identifier is in use no longer."""
    viewer = await sender(call, kind, "d")
    await in_thread(fhir.removed[kind], identifier=call.identifier(), by=viewer)
    return Answer(204, b"")


async def sender(call: Call, kind: str, act: str) -> Actor:
    """Who sends, when they may do so with resources of this type; `act` is c, u or d, as scopes say it."""
    viewer = await gate.actor_of(call.scope)
    call.check_sender(viewer, kind, act)
    return viewer
