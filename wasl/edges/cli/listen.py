"""`wasl dicom`: the DIMSE listener, one process or several that share its socket."""

import os
import signal
import socket

import click

from wasl.edges.cli.children import Child, stop_all
from wasl.edges.cli.home import data_home
from wasl.edges.cli.logs import write_logs
from wasl.edges.cli.ports import claim, dicom_address, number
from wasl.edges.cli.running import hold

MOST = 4  # processes, unless somebody wants more
TICK = 0.25  # seconds between two looks at the processes
STOPS = frozenset({signal.SIGTERM, signal.SIGINT})


@click.command()
@click.option("--socket", "inherited", type=int, hidden=True, help="Serve at a socket that is open already.")
def dicom(inherited: int | None) -> None:
    """Listen for DICOM associations: echo, store, worklist, query, retrieve, procedure steps.

    Settings: WASL_DICOM_HOST (127.0.0.1), WASL_DICOM_PORT (11112), WASL_AE_TITLE (WASL), WASL_DICOM_WORKERS (one for
    each core, at most 4).
    """
    if inherited is not None:
        _set_up()
        clear_dead()
        _serve(socket.socket(fileno=inherited))
    host, port = dicom_address()
    claim(host, port, "WASL_DICOM_PORT")
    workers = max(1, number("WASL_DICOM_WORKERS", min(len(os.sched_getaffinity(0)), MOST)))
    with hold(data_home(), "dicom"):
        listening = bound(host, port)
        if workers == 1:
            _set_up()
            clear_dead()
            _sweep()
            _serve(listening)
        _watch(workers, listening)


def bound(host: str, port: int) -> socket.socket:
    """A socket at an address, which listens as soon as a process is there that serves.

    Whoever finds that another process was quicker to take a connection does not wait at it.
    """
    made = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind((host, port))
    made.setblocking(False)
    return made


def _set_up() -> None:
    import django

    django.setup()
    write_logs("dicom")


def clear_dead() -> None:
    """Remove what processes of this machine left that died while they received; nobody waits for it to begin."""
    import logging
    import threading

    from django.db import DatabaseError, connections

    from wasl.archive import services as archive

    def clear() -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)  # they are for the thread that waits for them
        log = logging.getLogger(__name__)
        try:
            if gone := archive.clear_dead():
                log.warning("%d files of processes that died were removed.", gone)
        except (DatabaseError, OSError) as error:  # the hourly look comes
            log.warning("What processes that died left is not removed yet: %s", type(error).__name__)
        finally:
            connections.close_all()

    threading.Thread(target=clear, name="clear_dead", daemon=True).start()


def _sweep() -> None:
    """Remove what was left behind by a machine that stopped; what is being received now is too young for it."""
    import logging

    from django.db import DEFAULT_DB_ALIAS, connections

    from wasl.archive import services as archive

    if swept := archive.sweep():
        logging.getLogger(__name__).warning("%d files of images that were never acknowledged were removed.", swept)
    connections.close_all()
    # its threads would not go with a process that is forked from here
    connections[DEFAULT_DB_ALIAS].close_pool()  # type: ignore[attr-defined]  # PostgreSQL's has one


def _serve(listening: socket.socket) -> None:
    from wasl.edges.dicom.dimse import serve

    listening.setblocking(False)
    serve(listening, os.environ.get("WASL_AE_TITLE", "WASL"))


def _watch(workers: int, listening: socket.socket) -> None:
    """Keep so many processes at the socket until a signal asks to stop."""
    signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
    at = listening.fileno()
    # killed with their parent: one that went on would keep the port, and nothing acknowledged depends on its end
    children = [Child("dicom", "--socket", str(at), hands=[at], orphaned=signal.SIGKILL) for _ in range(workers)]
    for child in children:
        child.start()
    write_logs("dicom")
    _sweep()
    while signal.sigtimedwait(STOPS, TICK) is None:
        for child in children:
            child.watch()
    stop_all(children)
