"""What the tests of DICOMweb share: images in the archive, and clients that are signed in."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from uuid import UUID

import data_store
import httpx
from anyio.from_thread import BlockingPortal, start_blocking_portal
from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import connections
from django.test import Client
from pydicom import Dataset, dcmread
from pydicom.data import get_testdata_file

from wasl.accounts.models import Person
from wasl.archive import services as archive
from wasl.archive.dicom import incoming
from wasl.archive.models import Study
from wasl.asgi import application
from wasl.edges import gate
from wasl.edges.dicom import located, metadata
from wasl.kernel.access import Actor

IMAGES = Path(data_store.__file__).parent / "data"
URL = "/dicom-web"


def file_of(name: str) -> Path:
    """A real file of pydicom-data, or of pydicom itself."""
    path = IMAGES / name
    return path if path.exists() else Path(str(get_testdata_file(name, download=False)))


@cache
def image(name: str) -> bytes:
    """The content of a real file."""
    return file_of(name).read_bytes()


def dataset(name: str) -> Dataset:
    """The data set of a real file."""
    return dcmread(file_of(name))


def arrive(*names: str, by: Actor, place: UUID | None) -> Study:
    """Files of pydicom-data received as one person sends them; the study of the last."""
    outcomes = archive.receive([incoming(image(name), place=place) for name in names], by=by)
    return Study.objects.get(id=outcomes[-1].study)


def cookies(actor: Actor) -> dict[str, str]:
    """The cookies of a browser in which the person of the cast is signed in."""
    assert actor.id is not None
    browser = Client()
    browser.force_login(Person.objects.get(id=actor.id))
    return {settings.SESSION_COOKIE_NAME: browser.cookies[settings.SESSION_COOKIE_NAME].value}


class Service:
    """The whole server in this process, asked by one browser or machine."""

    def __init__(self, portal: BlockingPortal, cookies: dict[str, str]) -> None:
        self._portal = portal
        transport = httpx.ASGITransport(app=application, raise_app_exceptions=True)
        self._client = httpx.AsyncClient(transport=transport, base_url="http://localhost", cookies=cookies)

    def ask(
        self, method: str, path: str, *, content: bytes | None = None, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        """The answer to a request; the path stands below `/dicom-web`."""
        ask = partial(self._client.request, method, f"{URL}{path}", content=content, headers=headers)
        return self._portal.call(ask)

    def get(self, path: str, accept: str = "", **headers: str) -> httpx.Response:
        """The answer to GET."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.ask("GET", path, headers={**({"accept": accept} if accept else {}), **named})

    def post(self, path: str, body: bytes, kind: str, **headers: str) -> httpx.Response:
        """The answer to POST."""
        return self.ask("POST", path, content=body, headers={"content-type": kind, **headers})


@contextmanager
def service(actor: Actor | None = None) -> Iterator[Service]:
    """The server, asked by one person of the cast (or by a stranger)."""
    forget()
    with start_blocking_portal() as portal:
        try:
            yield Service(portal, cookies(actor) if actor else {})
        finally:
            portal.call(gate.close)
            portal.call(sync_to_async(connections.close_all))


def forget() -> None:
    """Forget what this process remembers of earlier tests."""
    located._series.clear()
    metadata.ready.clear()
    gate._grants.clear()
    gate._grounds.clear()
    gate._reviews.clear()
    gate._looks.clear()
