"""Debian's Orthanc beside Wasl: on SQLite, and on PostgreSQL where its plugin is installed; the faster one counts."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

from tests.edges.orthanc import DICOMWEB, POSTGRESQL, Orthanc, orthanc, why_no_orthanc

SQLITE, ON_POSTGRESQL = "Orthanc on SQLite", "Orthanc on PostgreSQL"


def peers() -> list[str]:
    """The kinds of Orthanc that can be measured here; says of the others why not."""
    if why := why_no_orthanc():
        print(f"{why} Wasl is measured without it.")
        return []
    if not POSTGRESQL.exists():
        print("Orthanc's index in PostgreSQL is not installed (Debian: apt-get install orthanc-postgresql).")
        return [SQLITE]
    return [SQLITE, ON_POSTGRESQL]


@contextlib.contextmanager
def started(kind: str, home: Path, *, web: bool, **more: object) -> Iterator[Orthanc]:
    """An Orthanc of a kind, with its DICOMweb plugin or without; what it was told is printed."""
    plugins = [str(DICOMWEB)] if web else []
    with contextlib.ExitStack() as stack:
        if kind == ON_POSTGRESQL:
            plugins.append(str(POSTGRESQL))
            address = stack.enter_context(_database(home / "postgresql"))
            more["PostgreSQL"] = {"EnableIndex": True, "EnableStorage": False, "ConnectionUri": address, "Lock": False}
        running = stack.enter_context(orthanc(home, Plugins=plugins, **more))
        if bool(running.get("/system")["DatabaseBackendPlugin"]) != (kind == ON_POSTGRESQL):
            raise SystemExit(f"This is not {kind}.")
        told = json.dumps(_without_secrets(running.settings), ensure_ascii=False)
        print(f"{kind}, version {running.version}: {told}", flush=True)
        yield running


@contextlib.contextmanager
def _database(home: Path) -> Iterator[str]:
    """A PostgreSQL as Wasl has one, durable, in a folder that its account can reach; its address."""
    from wasl.edges.cli.postgres import Postgres

    database = Postgres(home)
    database.ensure()
    try:
        yield database.dsn
    finally:
        database.stop()


def _without_secrets(settings: dict[str, object]) -> dict[str, object]:
    told = dict(settings)
    if isinstance(database := told.get("PostgreSQL"), dict):
        told["PostgreSQL"] = {**database, "ConnectionUri": "postgresql://…"}
    return told
