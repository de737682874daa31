"""Answering a search (FHIR R4, 3.1.1): of a type, or of a type in the record of one patient."""

from uuid import UUID

from wasl.edges import gate
from wasl.edges.fhir import answers, asked, domains, found, included, paths, scopes, shown, values
from wasl.edges.fhir.answers import Answer
from wasl.edges.fhir.asked import Asked
from wasl.edges.fhir.call import Call
from wasl.edges.fhir.found import Hit
from wasl.edges.fhir.refusals import OutOfScope, UnknownParameter
from wasl.kernel.access import Actor

MATCH: dict[str, object] = {"search": {"mode": "match"}}
INCLUDE: dict[str, object] = {"search": {"mode": "include"}}


def place(call: Call) -> tuple[str, str | None] | None:
    """The type that a request searches, and the patient in whose record; None where it is no search."""
    path = call.path
    if call.method == "POST" and path[-1] == "_search":
        path = path[:-1]
    elif call.method not in ("GET", "HEAD"):
        return None
    match path:
        case [kind] if kind:
            return kind, None
        case ["Patient", key, kind] if not kind.startswith(("_", "$")):
            return kind, key
    return None


async def search(call: Call, kind: str, *, viewer: Actor, patient: str | None = None) -> Answer:
    """A page of what is asked for, with what it brings along and what there is to say of the question."""
    pairs = call.query + (await call.form() if call.method == "POST" else [])
    after, token = None, dict(pairs).get("_page", "")
    if token:
        pairs, after = found.unsealed(token)
    question = asked.read(kind, pairs, await found.persons(pairs))
    if patient is not None:
        asked.within(question, await found.files([key] if (key := values.key(patient)) else []))
    _check(call, question, viewer)
    total = await found.total(question, viewer=viewer) if question.total or question.only_total else None
    hits = [] if question.only_total else await found.search(question, after, viewer=viewer)
    page = hits[: question.count]
    readable = [one for one in paths.served() if scopes.may(viewer, one, "r")] if question.includes else []
    beside = await included.brought(question, page, readable=readable, viewer=viewer) if readable else []
    await log(page + beside, viewer)
    entries = await _entries(call, kind, pairs, question, page, beside)
    if kind == "Patient" and not token and scopes.is_whole(viewer, kind):
        entries += answers.said(call.scope, await found.said_of_numbers(pairs, viewer=viewer))
    links = _links(call, question, token, page[-1] if len(hits) > len(page) else None)
    return answers.bundle("searchset", links=links, entries=entries, total=total)


def _check(call: Call, question: Asked, viewer: Actor) -> None:
    """Whether all that was asked is understood, where that is wanted, and may be asked. Raises UnknownParameter."""
    if question.ignored and "handling=strict" in call.header(b"prefer").replace(" ", ""):
        raise UnknownParameter(names=", ".join(question.ignored))
    for kind in question.kinds():
        scopes.check(viewer, kind, "s")
    for include in question.includes:
        if not scopes.may(viewer, include.kind if include.turned else include.target or question.kind, "r"):
            raise OutOfScope(type=include.kind if include.turned else include.target or question.kind)


async def _entries(
    call: Call, kind: str, pairs: asked.Pairs, question: Asked, page: list[Hit], beside: list[Hit]
) -> list[bytes]:
    systems = domains.wanted(kind, pairs)
    entries = [
        answers.entry(_url(call, hit), domains.only(shown.shown(kind, hit.body, question), systems), MATCH)
        for hit in page
    ]
    entries += [
        answers.entry(_url(call, hit), shown.shown(hit.kind, hit.body, question, matched=False), INCLUDE)
        for hit in beside
    ]
    entries += answers.warned(call.scope, await domains.unknown(kind, systems))
    if question.ignored:
        entries.append(answers.ignored(call.scope, question.ignored))
    return entries


def _url(call: Call, hit: Hit) -> str:
    return f"{call.base}/{hit.kind}/{hit.id}"


def _links(call: Call, question: Asked, token: str, last: Hit | None) -> list[tuple[str, str]]:
    """The search as it was understood, and the next page; what was posted is not written into an address."""
    url = "/".join([call.base, *(part for part in call.path if part != "_search")])
    if token:
        own = f"{url}?{call.encoded([('_page', token)])}"
    elif call.method == "POST":
        own = f"{url}/_search"
    else:
        own = "?".join(part for part in (url, call.encoded(question.understood)) if part)
    if last is None:
        return [("self", own)]
    following = found.sealed(question.understood, [*last.keys, last.id])
    return [("self", own), ("next", f"{url}?{call.encoded([('_page', following)])}")]


async def log(hits: list[Hit], viewer: Actor) -> None:
    """One line for each patient and type of an answer."""
    grounds: dict[str, dict[UUID, str]] = {}
    for hit in hits:
        if hit.patient and hit.ground:
            grounds.setdefault(hit.kind, {})[hit.patient] = hit.ground
    for kind, opened in grounds.items():
        looks = ((patient, ground, None) for patient, ground in opened.items())
        await gate.log_accesses(looks, what=f"record.{kind}", by=viewer)
