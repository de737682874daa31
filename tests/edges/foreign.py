"""Foreign systems at the ASGI door, as httpx speaks to it, and the credentials of people and machines."""

import datetime
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import httpx
from anyio.from_thread import BlockingPortal, start_blocking_portal
from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.db import connections
from django.utils import timezone
from oauth2_provider.models import AccessToken

from wasl.accounts import services as accounts
from wasl.accounts.models import Person
from wasl.asgi import application
from wasl.edges import gate
from wasl.kernel.access import SYSTEM, Actor

HOST = "http://testserver"


class Door:
    """The whole ASGI application, asked over httpx by one loop of its own."""

    def __init__(self, portal: BlockingPortal, client: httpx.AsyncClient) -> None:
        self.portal, self.client = portal, client

    def ask(self, method: str, address: str, who: dict[str, str] | None = None, **more: Any) -> httpx.Response:  # noqa: ANN401
        """One request with somebody's credential."""
        headers = {**(who or {}), **more.pop("headers", {})}

        async def send() -> httpx.Response:
            return await self.client.request(method, address, headers=headers, **more)

        return self.portal.call(send)

    def get(self, address: str, who: dict[str, str] | None = None, **more: Any) -> httpx.Response:  # noqa: ANN401
        """GET."""
        return self.ask("GET", address, who, **more)


@contextmanager
def door() -> Iterator[Door]:
    """The application, with the pool of its loop closed at the end."""
    gate._grants.clear()
    with start_blocking_portal() as portal:
        client = httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url=HOST)
        yield Door(portal, client)
        portal.call(gate.close)
        portal.call(client.aclose)
        portal.call(sync_to_async(connections.close_all))  # those of the thread that asked who somebody is


def session(actor: Actor) -> dict[str, str]:
    """The cookie of somebody who signed in."""
    person = Person.objects.get(id=str(actor.id))
    store = SessionStore()
    store["_auth_user_id"] = str(person.pk)
    store["_auth_user_backend"] = settings.AUTHENTICATION_BACKENDS[0]
    store["_auth_user_hash"] = person.get_session_auth_hash()
    store.create()
    return {"cookie": f"{settings.SESSION_COOKIE_NAME}={store.session_key}"}


def token(name: str, *scopes: str, place: UUID | None = None) -> dict[str, str]:
    """The bearer token of a machine client with these scopes, which stands for a place."""
    client, _, _ = accounts.add_client(name=name, scopes=scopes, place=place, by=SYSTEM)
    secret = f"token-of-{name}"
    AccessToken.objects.create(
        application=client.application, token=secret, scope=" ".join(scopes),
        expires=timezone.now() + datetime.timedelta(hours=1),
    )  # fmt: skip
    return {"authorization": f"Bearer {secret}"}
