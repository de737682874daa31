"""`/link/…`: what a gateway and its centre say to each other, beside the images.

`hello` tells the gateway its hospital and the centre's clock, `worklist` the exams still to be made there, `steps`
takes what its machines say of them, `held` tells which images the centre holds, `renew` gives a new certificate.
"""

import datetime
import json
from collections.abc import Callable
from importlib import import_module
from typing import Any, cast

from cryptography.hazmat.primitives import serialization
from django.utils import timezone, translation
from django.utils.dateparse import parse_datetime
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from wasl import __version__
from wasl.accounts import services as accounts
from wasl.archive import queries as archive
from wasl.archive import services as archiving
from wasl.edges.body import whole
from wasl.edges.threads import in_thread
from wasl.kernel.access import SYSTEM, Actor
from wasl.kernel.errors import Refused
from wasl.places import queries as places

LARGEST = 8 << 20  # bytes of a body: the digests of a study of some 50,000 images
ENDS = {"completed": archiving.complete_step, "discontinued": archiving.discontinue_step}

Said = dict[str, Any]


class Malformed(ValueError):
    """This is not what a gateway says."""


def hello(actor: Actor) -> Said:
    """Who the gateway is, which hospital it speaks for, and what time it is here."""
    accounts.note_gateway(by=actor)
    place = places.place(_place(actor), viewer=actor)
    kind = places.kinds(viewer=actor).get(place.id, "")
    region = place.region
    fields = ("country", "code", "kind", "name_ar", "name_fr", "name_en", "latitude", "longitude", "source")
    return {
        "gateway": actor.name, "wasl": __version__, "now": timezone.now().isoformat(),
        "place": {
            "code": place.code, "names": [place.name_ar, place.name_fr, place.name_en], "kind": kind,
            "invented": place.invented, "region": {name: getattr(region, name) for name in fields},
        },
    }  # fmt: skip


def worklist(actor: Actor) -> list[Said]:
    """The exams still to be made at the gateway's hospital."""
    radiology = import_module("wasl.radiology.dicom")
    return [
        {
            "accession": scheduled.order.accession, "study_uid": scheduled.order.study_uid,
            "modality": scheduled.order.procedure.modality, "rank": int(scheduled.order.urgency[1:]),
            "scheduled_at": scheduled.order.scheduled_for.isoformat(), "item": item.to_json_dict(),
        }
        for scheduled, item in radiology.standing_items(viewer=actor)
    ]  # fmt: skip


def stamp(actor: Actor) -> str:
    """The tag of that list."""
    made: str = import_module("wasl.radiology.dicom").stamp(viewer=actor)
    return f'"{__version__}-{made[:40]}"'


def take_step(said: Said, actor: Actor) -> None:
    """Do with a procedure step what its machine's own message would have done; told twice, it counts once."""
    try:
        uid, state, attributes = str(said["uid"]), str(said["state"]), dict(said["attributes"])
        begun, ended = _moment(said["started_at"]), _moment(said["ended_at"])
        names = dict(study_uid=str(said["study_uid"]), accession=str(said["accession"]))
        images, title = [str(name) for name in said["instance_uids"]], str(said["ae_title"])
    except (KeyError, TypeError, ValueError) as error:
        raise Malformed from error
    if state not in ("in progress", *ENDS):
        raise Malformed
    known = archive.step_state(uid, viewer=actor)
    if known is None:
        archiving.start_step(
            uid, **names, place=_place(actor), source=_source(title, actor), at=begun, attributes=attributes, by=actor
        )
    if state in ENDS and known in (None, "in progress"):
        ENDS[state](uid, instance_uids=images, at=ended, attributes=attributes, by=actor)


def held(said: Said, actor: Actor) -> list[str]:
    """Those of some instances, named by UID and SHA-256, whose data sets are in the archive as they are."""
    try:
        digests = {str(uid): bytes.fromhex(digest) for uid, digest in said.items()}
    except (TypeError, ValueError) as error:
        raise Malformed from error
    return sorted(archive.known(digests, viewer=actor))


def renew(request: bytes, actor: Actor) -> str:
    """A new certificate for a signing request."""
    given = accounts.renew_certificate(request=request, by=actor)
    return given.public_bytes(serialization.Encoding.PEM).decode()


def _place(actor: Actor) -> Any:  # noqa: ANN401  a place's key
    return next(iter(actor.places("client")))


def _source(title: str, actor: Actor) -> Any:  # noqa: ANN401  a source's key, if the centre knows the machine too
    here = archive.sources(viewer=SYSTEM).filter(ae_title=title, place__in=actor.places("client"), active=True)
    return here.values_list("id", flat=True).first()


def _moment(text: object) -> datetime.datetime | None:
    return parse_datetime(str(text)) if text else None


async def _hello(request: Request) -> Response:
    return JSONResponse(await _in_thread(hello, request.scope["wasl.actor"]))


async def _worklist(request: Request) -> Response:
    actor = request.scope["wasl.actor"]
    tag = await _in_thread(stamp, actor)
    headers = {"etag": tag}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return JSONResponse(await _in_thread(worklist, actor), headers=headers)


async def _steps(request: Request) -> Response:
    await _in_thread(take_step, await _json(request), request.scope["wasl.actor"])
    return JSONResponse({})


async def _held(request: Request) -> Response:
    return JSONResponse(await _in_thread(held, await _json(request), request.scope["wasl.actor"]))


async def _renew(request: Request) -> Response:
    return JSONResponse({"certificate": await _in_thread(renew, await _body(request), request.scope["wasl.actor"])})


async def _in_thread(act: Callable[..., Any], *given: object) -> Any:  # noqa: ANN401  whatever the act gives
    def run() -> Any:  # noqa: ANN401
        with translation.override("en"):
            return act(*given)

    return await in_thread(run)


async def _body(request: Request) -> bytes:
    return await whole(request, LARGEST, "This is more than a gateway has to say.")


async def _json(request: Request) -> Said:
    try:
        said = json.loads(await _body(request))
    except ValueError as error:
        raise Malformed from error
    if not isinstance(said, dict):
        raise Malformed
    return said


async def _refused(request: Request, error: Exception) -> Response:
    refusal = cast(Refused, error)
    with translation.override("en"):
        return JSONResponse({"error": refusal.sentence}, refusal.http)


async def _malformed(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": "This is not what a gateway says."}, 400)


async def _wrong(request: Request, error: Exception) -> Response:
    problem = cast(HTTPException, error)
    return JSONResponse({"error": problem.detail}, problem.status_code)


service = Starlette(
    routes=[
        Route("/link/hello", _hello, methods=["GET"]),
        Route("/link/worklist", _worklist, methods=["GET"]),
        Route("/link/steps", _steps, methods=["POST"]),
        Route("/link/held", _held, methods=["POST"]),
        Route("/link/renew", _renew, methods=["POST"]),
    ],
    exception_handlers={Refused: _refused, Malformed: _malformed, HTTPException: _wrong},
)
service.router.redirect_slashes = False
