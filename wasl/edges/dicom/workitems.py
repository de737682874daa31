"""UPS-RS (PS3.18, 11): work for algorithms and stations is put on a worklist, found, claimed, reported on, finished."""

import json
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import quote

from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.utils import translation
from psycopg.errors import QueryCanceled
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from wasl.archive import queries, services
from wasl.archive.queries import Key
from wasl.edges import gate
from wasl.edges.body import document, whole
from wasl.edges.dicom import accept, sight, wado
from wasl.edges.dicom.qido import count_of, tag_of
from wasl.edges.threads import in_thread
from wasl.kernel.access import Actor
from wasl.kernel.errors import Invalid
from wasl.kernel.verbs import allowed

Json = dict[str, Any]
T = TypeVar("T")

JSON = (wado.JSON, "application/json")
LARGEST = 1 << 20  # bytes of a workitem
MOST = 1000  # workitems of one answer
DEEPEST = 4  # sequences that a matching key goes through
CONTROLS = frozenset({"limit", "offset", "includefield", "fuzzymatching", "accept", "charset", "accept-charset"})
GLOBAL = (queries.UPS_WORKLIST, queries.UPS_FILTERED)
CREATED_OTHERWISE = "The Workitem was created with modifications."
ALREADY = "The UPS is already in the requested state of {}."
LITERAL = "The fuzzymatching parameter is not supported. Only literal matching has been performed."


async def create(request: Request) -> Response:
    """Create Workitem (11.4)."""
    by = await _writer(request, "archive.create_workitem")
    dataset = await _data_set(request)
    uid, inside = _named(request, "workitem", "AffectedSOPInstanceUID"), _text(dataset, "00080018")
    if uid and inside and uid != inside:
        raise HTTPException(400, "The address and the workitem name two different UIDs.")
    if not uid and not inside:
        raise HTTPException(400, "Name the workitem: /workitems?workitem=UID.")
    uid = uid or inside
    place = sight.place(by)
    modified = await act(lambda: services.create_workitem(uid, attributes=dataset, place=place, by=by))
    at = f"{wado.address(request)}/workitems/{uid}"
    return Response(None, 201, {"location": at, **_warn(CREATED_OTHERWISE if modified else "")})


async def retrieve(request: Request) -> Response:
    """Retrieve Workitem (11.5); its Transaction UID is nobody's to read."""
    viewer = await sight.reader(request)
    accept.choose(request, JSON)
    row = await act(lambda: queries.workitem(request.path_params["workitem"], viewer=viewer))
    await _log([row], by=viewer, subject=True)
    headers = {"content-location": f"{wado.address(request)}/workitems/{row.uid}"}
    return Response(json.dumps([row.attributes], ensure_ascii=False), 200, headers, media_type=wado.JSON)


async def update(request: Request) -> Response:
    """Update Workitem (11.6)."""
    by = await _writer(request, "archive.update_workitem")
    dataset = await _data_set(request)
    uid, transaction = request.path_params["workitem"], _named(request, "transaction-uid", "TransactionUID")
    await act(lambda: services.update_workitem(uid, attributes=dataset, transaction_uid=transaction, by=by))
    return Response(None, 200, {"content-location": f"{wado.address(request)}/workitems/{uid}"})


async def change_state(request: Request) -> Response:
    """Change Workitem State (11.7)."""
    by = await _writer(request, "archive.change_workitem_state")
    dataset = await _data_set(request)
    uid = request.path_params["workitem"]
    changed = await act(lambda: services.change_workitem_state(uid, attributes=dataset, by=by))
    return Response(None, 200, _warn("" if changed else ALREADY.format(_text(dataset, "00741000"))))


async def ask_cancellation(request: Request) -> Response:
    """Request Cancellation (11.8)."""
    by = await _writer(request, "archive.ask_workitem_cancellation")
    dataset = await _data_set(request, needed=False)
    uid, requester = request.path_params["workitem"], request.path_params.get("requester")

    def ask() -> bool:
        title = requester or queries.title_of(viewer=by) or settings.DICOM_AE_TITLE
        return services.ask_workitem_cancellation(uid, requester=title, attributes=dataset, by=by)

    return Response(None, 202, _warn("" if await act(ask) else ALREADY.format("CANCELED")))


async def search(request: Request) -> Response:
    """Search (11.9): 200, 204 where nothing matches, 206 where more follow."""
    viewer = await sight.reader(request)
    accept.choose(request, JSON)
    limit, offset = (count_of(request, name, default) for name, default in (("limit", MOST), ("offset", 0)))
    keys, wanted, warnings = _asked(request)
    limit = min(limit, MOST)
    rows = await act(lambda: _found(keys, viewer, offset, offset + limit + 1))
    page, more = rows[:limit], len(rows) > limit
    await _log(page, by=viewer, subject=False)
    if more:
        warnings.append("There are at least 1 additional results that can be requested")
    if not page:
        return Response(None, 204, _warn(*warnings))
    found = [
        row.attributes if wanted is None else {tag: said for tag, said in row.attributes.items() if tag in wanted}
        for row in page
    ]
    body = json.dumps(found, ensure_ascii=False)
    return Response(body, 206 if more else 200, _warn(*warnings), media_type=wado.JSON)


async def subscribe(request: Request) -> Response:
    """Subscribe (11.10) to a workitem, to the worklist, or to what of it has the keys of a filter."""
    by = await _writer(request, "archive.subscribe_workitems")
    target, title = _subscription(request)
    lock = request.query_params.get("deletionlock", "false").lower()
    if lock not in ("true", "false"):
        raise HTTPException(400, "deletionlock is true or false.")
    keys: list[Key] = []
    if target == queries.UPS_FILTERED:
        keys = _filter(request)
        if not keys:
            raise HTTPException(400, "A filtered subscription names at least one matching key.")
    await act(
        lambda: services.subscribe_workitems(target, ae_title=title, lock=lock == "true", keys=keys, by=by)
    )  # fmt: skip
    line = wado.address(request).replace("http", "ws", 1)
    return Response(None, 201, {"content-location": f"{line}/ws/subscribers/{quote(title)}"})


async def unsubscribe(request: Request) -> Response:
    """Unsubscribe (11.11)."""
    by = await _writer(request, "archive.unsubscribe_workitems")
    target, title = _subscription(request)
    await act(lambda: services.unsubscribe_workitems(target, ae_title=title, by=by))
    return Response(None, 200)


async def suspend(request: Request) -> Response:
    """Suspend Global Subscription (11.12)."""
    by = await _writer(request, "archive.suspend_workitems")
    target, title = _subscription(request)
    if target not in GLOBAL:
        raise HTTPException(404, "Only the subscription to the worklist can be suspended.")
    await act(lambda: services.suspend_workitems(target, ae_title=title, by=by))
    return Response(None, 200)


async def upgrade(request: Request) -> Response:
    """The address of the notification connection, asked without a WebSocket."""
    by = await sight.reader(request)
    if not allowed("archive.add_subscriber", by):
        raise HTTPException(403, "Your posts do not let you hear of workitems.")
    raise HTTPException(426, "Open a WebSocket here.", {"upgrade": "websocket", "connection": "upgrade"})


async def act(what: Callable[[], T]) -> T:
    """Do something with the database in a thread, its refusals in English."""

    def run() -> T:
        with translation.override("en"):
            try:
                return what()
            except Invalid as refusal:  # this protocol has no 422
                raise HTTPException(400, refusal.sentence) from refusal

    return await in_thread(run)


def routes() -> list[Route]:
    """The routes of UPS-RS, below `/dicom-web`."""
    one = "/workitems/{workitem}"
    return [
        Route("/workitems", search, methods=["GET"]), Route("/workitems", create, methods=["POST"]),
        Route(one, retrieve, methods=["GET"]), Route(one, update, methods=["POST"]),
        Route(f"{one}/state", change_state, methods=["PUT"]),
        Route(f"{one}/cancelrequest", ask_cancellation, methods=["POST"]),
        Route(f"{one}/cancelrequest/{{requester}}", ask_cancellation, methods=["POST"]),
        Route(f"{one}/subscribers/{{aet}}", subscribe, methods=["POST"]),
        Route(f"{one}/subscribers/{{aet}}", unsubscribe, methods=["DELETE"]),
        Route(f"{one}/subscribers/{{aet}}/suspend", suspend, methods=["POST"]),
        Route("/ws/subscribers/{aet}", upgrade, methods=["GET"]),
    ]  # fmt: skip


def _found(keys: list[Key], viewer: Actor, first: int, last: int) -> list[queries.Workitem]:
    """Some of what matches. Raises 503 where that takes too long."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"set local statement_timeout = '{gate.SEARCH_SECONDS}s'")
            return list(queries.workitems(keys, viewer=viewer)[first:last])
    except OperationalError as error:
        if not isinstance(error.__cause__, QueryCanceled):
            raise
        text = "This search takes too long: narrow it, by a state, a beginning or a UID."
        raise HTTPException(503, text, {"retry-after": "10"}) from error


async def _writer(request: Request, verb: str) -> Actor:
    by = await sight.writer(request)
    sight.check_origin(request)
    if not allowed(verb, by):
        raise HTTPException(403, "Your posts do not let you work with workitems.")
    return by


async def _log(rows: list[queries.Workitem], *, by: Actor, subject: bool) -> None:
    """One line in the access log for each patient whose workitem was shown, once in ten minutes."""
    looks = []
    for row in rows:
        ground = await gate.ground_of(row.patient_id, viewer=by) if row.patient_id else None
        if row.patient_id and ground:
            looks.append((row.patient_id, ground, row.id if subject else None))
    await gate.log_accesses(looks, what="archive.workitems", by=by, once_in=sight.LOOK_SECONDS)


async def _data_set(request: Request, *, needed: bool = True) -> Json:
    """The workitem of a request: one data set, alone or in a list. Raises 400, 413, 415."""
    kind, _ = accept.parameters(request.headers.get("content-type", ""))
    if kind not in JSON and (kind or needed):
        raise HTTPException(415, f"Send {wado.JSON}.")
    body = await whole(request, LARGEST, "A workitem has at most a mebibyte.")
    if not body.strip() and not needed:
        return {}
    try:
        read = document(body)
    except ValueError as error:
        raise HTTPException(400, "This is not DICOM JSON.") from error
    found = read[0] if isinstance(read, list) and len(read) == 1 else read
    if not isinstance(found, dict):
        raise HTTPException(400, "Send one workitem.")
    return found


def _named(request: Request, *names: str) -> str:
    """The UID that stands in the query, under one of these names or alone (`?1.2.3`)."""
    for name in names:
        if value := request.query_params.get(name):
            return value
    return next((name for name, value in request.query_params.items() if not value and name[:1].isdigit()), "")


def _text(dataset: Json, tag: str) -> str:
    """The first value of an attribute as text, of what may be no DICOM JSON at all."""
    element = dataset.get(tag)
    values = element.get("Value") if isinstance(element, dict) else None
    return values[0] if isinstance(values, list) and values and isinstance(values[0], str) else ""


def _subscription(request: Request) -> tuple[str, str]:
    return request.path_params["workitem"], request.path_params["aet"].strip()


def _asked(request: Request) -> tuple[list[Key], set[str] | None, list[str]]:
    """What a search asks for: its keys, the attributes that it wants (none: all), and what it is warned of."""
    keys: dict[tuple[str, ...], list[str]] = {}
    wanted: set[str] | None = set(queries.UPS_RETURNED)
    warnings = []
    for name, value in request.query_params.multi_items():
        if name.lower() == "includefield":
            for field in value.split(","):
                if field.lower() == "all" or wanted is None:
                    wanted = None
                elif field:
                    wanted.add(_path(field)[0])
        elif name.lower() == "fuzzymatching" and value.lower() == "true":
            warnings.append(LITERAL)
        elif name.lower() not in CONTROLS:
            path = _path(name)
            if wanted is not None:
                wanted.add(path[0])
            if value:  # empty: matches everything
                keys.setdefault(path, []).append(value)
    return [Key(path, tuple(values)) for path, values in keys.items()], wanted, warnings


def _filter(request: Request) -> list[Key]:
    """The keys of a filtered subscription: `filter=Name=value,Name=value`, or each as a parameter of its own."""
    pairs = [pair.partition("=")[::2] for text in request.query_params.getlist("filter") for pair in text.split(",")]
    pairs += [
        (name, value)
        for name, value in request.query_params.multi_items()
        if name.lower() not in (*CONTROLS, "filter", "deletionlock")
    ]
    return [Key(_path(name), (value,)) for name, value in pairs if value]


def _path(name: str) -> tuple[str, ...]:
    """The tags of an attribute named by keywords or numbers, `Sequence.Attribute` within a sequence. Raises 400."""
    path = tuple(tag_of(part) for part in name.split("."))
    if len(path) > DEEPEST or queries.UPS_TRANSACTION in path:
        raise HTTPException(400, f"{name[:64]} is not searched for.")
    return path


def _warn(*texts: str) -> dict[str, str]:
    found = [f"299 wasl: {text}" for text in texts if text]
    return {"warning": ", ".join(found)} if found else {}
