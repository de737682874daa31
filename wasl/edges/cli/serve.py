"""`wasl serve`: pages, FHIR and DICOMweb in one ASGI application under granian."""

import importlib
import signal
from collections.abc import Callable
from typing import cast

import click

from wasl.edges.cli.home import data_home
from wasl.edges.cli.lifeline import follow_parent
from wasl.edges.cli.listen import clear_dead
from wasl.edges.cli.logs import write_logs
from wasl.edges.cli.ports import claim, http_address, number
from wasl.edges.cli.running import hold

APPLICATION = "wasl.asgi:application"
WORKERS = 2
KILL_AFTER = 10  # seconds; a worker was seen to hang at its end after load, and open streams never end by themselves


@click.command()
def serve() -> None:
    """Serve pages, FHIR and DICOMweb over HTTP.

    Settings: WASL_HTTP_HOST (127.0.0.1), WASL_HTTP_PORT (8000), WASL_HTTP_WORKERS (2).
    """
    from granian import Granian
    from granian.constants import Interfaces
    from granian.log import LogLevels

    host, port = http_address()
    claim(host, port, "WASL_HTTP_PORT")  # granian would share the port with another granian, silently
    server = Granian(
        target=APPLICATION,
        address=host,
        port=port,
        interface=Interfaces.ASGI,
        workers=max(1, number("WASL_HTTP_WORKERS", WORKERS)),
        respawn_failed_workers=True,
        workers_kill_timeout=KILL_AFTER,
        log_level=LogLevels.warning,
    )
    with hold(data_home(), "serve"):
        server.serve(target_loader=load_application)


def load_application(target: str) -> Callable[..., object]:
    """Import the application in a worker that does not outlive granian's main process."""
    # a worker is forked with the handlers of granian's main process, which would swallow an early request to stop
    for request in (signal.SIGTERM, signal.SIGINT):
        signal.signal(request, signal.SIG_DFL)
    follow_parent(signal.SIGTERM)
    module, _, name = target.partition(":")
    application = cast(Callable[..., object], getattr(importlib.import_module(module), name))
    write_logs("serve")
    clear_dead()
    return application
