"""The door of a centre's links in a thread of the tests, and gateways that joined."""

import asyncio
import contextlib
import itertools
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pytest
import uvicorn
from cryptography.hazmat.primitives import serialization
from django.conf import settings
from django.db import connections

from tests.cast import Cast, cast
from tests.edges.scenes import eventually
from tests.tables import empty_tables
from wasl.accounts import services as accounts
from wasl.edges.links import door, keys
from wasl.kernel.access import SYSTEM

NUMBERS = itertools.count(1)


@dataclass
class Scene:
    """A centre's door, and the hospital that a gateway joined for."""

    stage: Cast
    port: int
    home: Path

    @property
    def address(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def join(self, place: UUID | None = None) -> Path:
        """Let a gateway join, and give the folder of its keys."""
        name = f"Salle {next(NUMBERS)}"
        home = self.home / name
        home.mkdir()
        _, code = accounts.add_gateway(name=name, place=place or self.stage.regional, by=SYSTEM)
        key, request = keys.new_key()
        given = accounts.join_gateway(code.secret, request=request, by=SYSTEM)
        keys.keep_pair(home, key, given.public_bytes(serialization.Encoding.PEM))
        authority = accounts.door_certificate()[1].read_bytes()
        keys.keep_centre(home, keys.Joined(links=self.address), authority)
        return home


@contextlib.contextmanager
def centres_door(home: Path) -> Iterator[Scene]:
    """A centre's door in a thread; rows are committed, so that its own connections see them, and deleted in the end."""
    patch = pytest.MonkeyPatch()
    for name, value in {"DATA": home, "LINKS_AUTHORITY": home / "links-authority.pem", "STORAGE": home}.items():
        patch.setattr(settings, name, value)
    pair, authority = accounts.door_certificate()
    config = uvicorn.Config(
        door.application, port=0, http=door.KnownByCertificate, ws="none", lifespan="off", log_config=None,
        ssl_context_factory=lambda config, default: door.context(str(pair), str(authority)),
    )  # fmt: skip
    server = uvicorn.Server(config)
    thread = threading.Thread(target=serve, args=(server,))
    thread.start()
    try:
        assert eventually(lambda: server.started or not thread.is_alive())
        yield Scene(cast(), server.servers[0].sockets[0].getsockname()[1], home)
    finally:
        server.should_exit = True
        thread.join()
        patch.undo()
        empty_tables()


def serve(server: uvicorn.Server) -> None:
    async def run() -> None:
        await server._serve()
        await asyncio.to_thread(connections.close_all)

    asyncio.run(run())
