"""What whoever asks may do with resources of a type: a person by a session, a machine and an app by their scopes.

SMART App Launch 2.2, with the scopes of version 1. Everything that names a type asks here: the type of the address,
and one that a search brings along. Of which patients rows are shown is the gate's (`open_to`).
"""

from wasl.accounts.queries import AppActor, acts_of
from wasl.edges.fhir.refusals import NotInScope, OutOfScope, SignInFirst, TokenExpected
from wasl.kernel.access import Actor
from wasl.kernel.errors import NotAllowed


def may(viewer: Actor, kind: str, act: str) -> bool:
    """Whether somebody may create, read, update, delete or search (c, r, u, d, s) resources of a type at all."""
    if viewer.kind == "client":
        return act in acts_of(viewer.scopes, "system", kind)
    if isinstance(viewer, AppActor):
        return viewer.may(kind, act)
    return bool(viewer.held) and act in "rs"


def sees(viewer: Actor, kind: str) -> bool:
    """Whether somebody sees resources of a type in any way; in an answer about another type they are left out else."""
    return may(viewer, kind, "r") or may(viewer, kind, "s")


def is_whole(viewer: Actor, kind: str) -> bool:
    """Whether somebody sees of a type all that is open to them; an app of one patient does not."""
    return not isinstance(viewer, AppActor) or viewer.is_whole(kind)


def check(viewer: Actor, kind: str, act: str) -> None:
    """Somebody asks for resources of a type: a person with a post, a client with a scope, an app with both."""
    if viewer.id is None:
        raise SignInFirst
    if not may(viewer, kind, act):
        raise OutOfScope(type=kind) if viewer.scopes or viewer.kind == "client" else NotAllowed


def check_operation(viewer: Actor, kind: str) -> None:
    """An operation answers as its module does, and knows nothing of one patient: an app needs its person's whole reach.

    One that answers with other types than its own asks `is_whole` of each besides.
    """
    check(viewer, kind, "s")
    if not is_whole(viewer, kind):
        raise OutOfScope(type=kind)


def check_sender(viewer: Actor, kind: str, act: str) -> None:
    """Somebody sends a resource of a type: a client or an app with a scope, and nobody by a cookie."""
    check_token(viewer)
    if not may(viewer, kind, act) or not is_whole(viewer, kind):
        raise NotInScope(type=kind)


def check_token(viewer: Actor) -> None:
    """Somebody sends by a token of their own, a client or an app, and not by a cookie."""
    if viewer.id is None:
        raise SignInFirst
    if viewer.kind != "client" and not isinstance(viewer, AppActor):
        raise TokenExpected
