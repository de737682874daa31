"""The door of the links: gateways that show a certificate of ours, each known by it from its first byte.

TLS asks for it and turns away whoever has none, another authority's, or one that ran out. Whether it was
revoked is asked at every request. What is served: transfers, the worklist, procedure steps, and the link's own words.
"""

import hashlib
import ssl
from typing import Any

from asgiref.sync import sync_to_async
from starlette.responses import JSONResponse
from uvicorn.protocols.http.h11_impl import H11Protocol

from wasl.accounts import queries as accounts
from wasl.edges.dicom import transfer
from wasl.edges.links import words
from wasl.kernel.access import Actor


class KnownByCertificate(H11Protocol):
    """A connection that knows whose certificate was shown in its handshake."""

    def connection_made(self, transport: Any) -> None:  # noqa: ANN401  asyncio's own
        """Keep the certificate's SHA-256 for every request of this connection."""
        shown = transport.get_extra_info("ssl_object").getpeercert(binary_form=True)
        digest, door = hashlib.sha256(shown or b"").digest(), self.app

        async def known(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401  as uvicorn calls it
            await door({**scope, "wasl.certificate": digest}, receive, send)

        self.app = known
        super().connection_made(transport)


async def application(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401  ASGI's own
    """Send a gateway's request to its door; what no gateway has business with does not exist."""
    if scope["type"] != "http":
        return
    address = (scope.get("client") or ("",))[0]
    actor: Actor = await sync_to_async(_actor)(scope["wasl.certificate"], address)
    if actor.kind != "client":
        # closed, so that a gateway that has a newer one shows it
        void = JSONResponse({"error": "This certificate is not valid any more."}, 403, {"connection": "close"})
        await void(scope, receive, send)
        return
    first = scope["path"].removeprefix("/").partition("/")[0]
    doors: dict[str, Any] = {"link": words.service, "transfer": transfer.application}
    door = doors.get(first)
    if door is None:
        await JSONResponse({"error": "There is nothing here."}, 404)(scope, receive, send)
        return
    await door({**scope, "wasl.actor": actor}, receive, send)


def _actor(digest: bytes, address: str) -> Actor:
    return accounts.actor_of_certificate(digest, address=address)


def context(door: str, authority: str) -> ssl.SSLContext:
    """TLS 1.3 that asks every caller for a certificate of this authority, and shows the door's own."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.minimum_version = ssl.TLSVersion.TLSv1_3
    tls.load_cert_chain(door)
    tls.load_verify_locations(authority)
    tls.verify_mode = ssl.CERT_REQUIRED
    return tls
