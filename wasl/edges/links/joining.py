"""`/join`: a gateway's first word to the centre, by the address that people use (decision 19).

It is given the door's certificate and the authority's, sees by its code that they are the centre's, and sends its code
and its signing request sealed to the door. What comes back is a certificate, which is no secret.
"""

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import settings
from django.utils import translation
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from wasl.accounts import services as accounts
from wasl.edges import gate
from wasl.edges.links.sealing import Unsealed, unseal
from wasl.edges.threads import in_thread
from wasl.kernel.access import SYSTEM
from wasl.kernel.errors import Refused

LARGEST = 16_384  # bytes of a sealed request


async def greet(request: Request) -> Response:
    """The certificates of the door and of the authority, by which a gateway sees whom it speaks to."""
    door, authority = accounts.door_certificate()
    said = {"door": _certificates(door.read_text()), "authority": authority.read_text()}
    return JSONResponse(said, headers={"cache-control": "no-store"})


async def join(request: Request) -> Response:
    """Give a certificate for a code."""
    sealed = b""
    async for piece in request.stream():
        sealed += piece
        if len(sealed) > LARGEST:
            return JSONResponse({"error": "This is no request to join."}, 413)
    return await in_thread(_join, sealed, request.url.hostname or "")


def _join(sealed: bytes, host: str) -> Response:
    try:
        secret, asked = unseal(sealed, key=_door_key())
        given = accounts.join_gateway(secret, request=asked, by=SYSTEM)
    except Unsealed:
        return JSONResponse({"error": "This is no request to join."}, 400)
    except Refused as refusal:
        with translation.override("en"):
            return JSONResponse({"error": refusal.sentence}, refusal.http)
    address = settings.LINKS_ADDRESS or f"https://{f'[{host}]' if ':' in host else host}:{settings.LINKS_PORT}"
    certificate = given.public_bytes(serialization.Encoding.PEM).decode()
    return JSONResponse({"certificate": certificate, "links": address}, headers={"cache-control": "no-store"})


def _door_key() -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(accounts.door_certificate()[0].read_bytes(), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise Unsealed
    return key


def _certificates(text: str) -> str:
    """The certificate of a file that holds a key as well."""
    return text[text.index("-----BEGIN CERTIFICATE-----") :]


service = Starlette(routes=[Route("/join", greet, methods=["GET"]), Route("/join", join, methods=["POST"])])
service.router.redirect_slashes = False


async def application(scope: gate.Scope, receive: object, send: object) -> None:
    """The door of those who join; it is known under the names of this service alone, and a gateway has none."""
    if settings.GATEWAY:
        await JSONResponse({"error": "This is no centre."}, 404)(scope, receive, send)  # type: ignore[arg-type]
    elif gate.is_known_host(scope):
        await service(scope, receive, send)  # type: ignore[arg-type]
    else:
        refusal = JSONResponse({"error": "This service is not known under that name."}, 400)
        await refusal(scope, receive, send)  # type: ignore[arg-type]
