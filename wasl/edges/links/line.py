"""The gateway's line to its centre: mutual TLS with the one server and the one authority that the code named."""

import ssl
from pathlib import Path
from typing import Any

import httpx
from cryptography import x509

from wasl.accounts import services as accounts
from wasl.edges.dicom.sending import SOCKET
from wasl.edges.links import keys
from wasl.edges.links.sealing import seal

TIMEOUT = httpx.Timeout(30.0, connect=10.0)


class CannotJoin(RuntimeError):
    """The centre could not be joined, and why."""


class _Pinned(httpx.HTTPTransport):
    """Speaks to the door by its own name, wherever it stands, and shows the newest certificate that there is."""

    def __init__(self, home: Path) -> None:
        self._tls = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=home / keys.AUTHORITY)
        self._tls.minimum_version = ssl.TLSVersion.TLSv1_3
        self._pair, self._shown = home / keys.PAIR, 0
        super().__init__(verify=self._tls, socket_options=SOCKET)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        kept = self._pair.stat().st_mtime_ns
        if kept != self._shown:  # connections that are open go on with the one before, which holds until its own end
            self._tls.load_cert_chain(self._pair)
            self._shown = kept
        request.extensions = {**request.extensions, "sni_hostname": accounts.DOOR}
        return super().handle_request(request)


def client(home: Path) -> httpx.Client:
    """A client for the centre's links door. Raises NotJoined."""
    found = keys.joined(home)
    return httpx.Client(base_url=found.links, transport=_Pinned(home), timeout=TIMEOUT, trust_env=False)


def join(home: Path, centre: str, typed: str) -> None:
    """Join a centre with the code that its administrator gave. Raises CannotJoin, Refused."""
    code = accounts.read_code(typed)
    key, request = keys.new_key()
    with httpx.Client(timeout=TIMEOUT, follow_redirects=False, trust_env=False) as web:
        told = _said(web, "GET", f"{centre.rstrip('/')}/join")
        try:
            authority = x509.load_pem_x509_certificate(str(told["authority"]).encode())
            door = x509.load_pem_x509_certificate(str(told["door"]).encode())
        except (KeyError, ValueError) as error:
            raise CannotJoin(f"{centre} is no centre of Wasl.") from error
        if not code.names(authority) or not accounts.vouched_for(door, authority):
            raise CannotJoin(
                "This is not the centre that gave the code: the address or the code is wrong, or somebody stands "
                "between. Nothing was told to it."
            )
        answer = _said(web, "POST", f"{centre.rstrip('/')}/join", content=seal(code.secret, request, door=door))
    given = str(answer.get("certificate", "")).encode()
    try:
        certificate = x509.load_pem_x509_certificate(given)
    except ValueError as error:
        raise CannotJoin("The centre's answer holds no certificate.") from error
    if not accounts.vouched_for(certificate, authority) or not keys.fits(key, certificate):
        raise CannotJoin("The certificate that came back is not ours, or not the centre's: ask for a new code.")
    keys.keep_pair(home, key, given)
    keys.keep_centre(home, keys.Joined(links=str(answer.get("links", ""))), str(told["authority"]).encode())


def _said(web: httpx.Client, method: str, address: str, content: bytes | None = None) -> dict[str, Any]:
    try:
        answer = web.request(method, address, content=content)
        said = answer.json()
    except httpx.HTTPError as error:
        raise CannotJoin(f"{address} does not answer ({type(error).__name__}).") from error
    except ValueError as error:
        raise CannotJoin(f"{address} is no centre of Wasl.") from error
    if answer.is_error or not isinstance(said, dict):
        raise CannotJoin(str(said.get("error", answer.status_code)) if isinstance(said, dict) else str(said))
    return said
