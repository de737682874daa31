"""`wasl up`: the whole of Wasl on one machine, under one process."""

import contextlib
import http
import http.client
import importlib.util
import math
import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

import click

from wasl.edges.cli.children import LOOK, Child, Forked, stop_all
from wasl.edges.cli.home import data_home
from wasl.edges.cli.ports import claim, dicom_address, hl7_address, http_address, links_address
from wasl.edges.cli.postgres import Postgres, PostgresFailed
from wasl.edges.cli.running import hold_alone

ANSWER_WITHIN = 60.0  # seconds for the first page; then it is said that it is late
TICK = 0.25  # seconds between two looks at the children


@click.command()
@click.option("--demo", is_flag=True, help="Load the demo country the first time, and print its people.")
@click.option("--small", is_flag=True, hidden=True, help="Make the demo country a small one.")
def up(demo: bool, small: bool) -> None:
    """Run everything on this machine: database, pages, FHIR, DICOM and jobs, until Ctrl-C."""
    home = data_home()
    os.environ["WASL_DATA"] = str(home)
    if demo:
        os.environ["WASL_DEMO"] = "1"
    try:
        with hold_alone(home, "up"):
            claim(*http_address(), "WASL_HTTP_PORT")
            claim(*dicom_address(), "WASL_DICOM_PORT")
            if "links" in services():
                claim(*links_address(), "WASL_LINKS_PORT")
            if "hl7" in services():
                claim(*hl7_address(), "WASL_HL7_PORT")
            Up(home, demo=("demo", *(["--small"] if small else [])) if demo else ()).run()
    except BlockingIOError as error:
        message = f"Another `wasl up` runs on {home}: stop it, or set WASL_DATA to another folder."
        raise click.ClickException(message) from error


class Asked:
    """Whether somebody asked to stop; a signal's handler may set it, which a `threading.Event` can not bear.

    The handler runs in the thread that waits, perhaps while it holds the event's own lock.
    """

    def __init__(self) -> None:
        self._asked = False

    def set(self) -> None:
        """Ask."""
        self._asked = True

    def is_set(self) -> bool:
        """Whether it was asked."""
        return self._asked

    def wait(self, seconds: float) -> bool:
        """Wait, and say whether it was asked."""
        if not self._asked:
            time.sleep(seconds)
        return self._asked


class Up:
    """The life of one `wasl up`."""

    def __init__(self, home: Path, *, demo: Sequence[str], commands: Sequence[str] | None = None) -> None:
        self._home = home
        self._commands = services() if commands is None else list(commands)
        self._demo = demo
        self._postgres = None if os.environ.get("WASL_DATABASE_URL") else Postgres(home)
        self._database_is_ours = False
        self._children: list[Child] = []
        self._stopping = Asked()

    def run(self) -> None:
        """Start all in order, watch until asked to stop, and stop all: the database is first in and last out."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._ask_to_stop)
        try:
            for step in (self._start_database, self._bring_up_to_date, self._start_children, self._welcome):
                step()
                if self._stopping.is_set():
                    return
            while not self._stopping.wait(TICK):
                self._watch()
        except PostgresFailed as error:
            raise click.ClickException(str(error)) from error
        finally:
            self._stop()

    def _ask_to_stop(self, number: int, frame: FrameType | None) -> None:
        self._stopping.set()

    def _start_database(self) -> None:
        click.echo(f"Data: {self._home}")
        if self._postgres is not None:
            # from the main thread: the server ends with the thread that started it
            self._database_is_ours = self._postgres.ensure()

    def _bring_up_to_date(self) -> None:
        if self._once("migrate"):
            raise click.ClickException("The database or the files could not be brought up to date; see above.")

    def _start_children(self) -> None:
        for name in self._commands:
            child = Child(name)
            child.start()
            self._children.append(child)

    def _welcome(self) -> None:
        host, port = http_address()
        if not self._answers(host, port):
            return
        click.echo(f"Pages, FHIR and DICOMweb: http://{_near(host)}:{port}/")
        if "dicom" in self._commands:
            host, port = dicom_address()
            click.echo(f"DICOM: {os.environ.get('WASL_AE_TITLE', 'WASL')} at {_near(host)}:{port}")
        if "links" in self._commands:
            host, port = links_address()
            click.echo(f"Links of gateways: https://{_near(host)}:{port}/")
        if "hl7" in self._commands:
            host, port = hl7_address()
            click.echo(f"HL7 v2 (MLLP): {_near(host)}:{port}")
        if self._demo and self._once(*self._demo):
            click.echo("The demo country is not complete; see above.", err=True)
        if not self._stopping.is_set():
            click.echo("Ctrl-C stops it.")

    def _answers(self, host: str, port: int) -> bool:
        """Wait for the first page, and say when it is late: a busy machine may need long, and is not given up."""
        late = time.monotonic() + ANSWER_WITHIN
        while not self._stopping.wait(0.1):
            with contextlib.suppress(OSError, http.client.HTTPException):
                connection = http.client.HTTPConnection(_near(host), port, timeout=10)
                connection.request("GET", "/")
                status = connection.getresponse().status
                connection.close()
                if status < http.HTTPStatus.INTERNAL_SERVER_ERROR:
                    return True
            if time.monotonic() > late:
                click.echo(f"No page answers at port {port} yet; `wasl doctor` says what is wrong.", err=True)
                late = math.inf
            self._watch()
        return False

    def _once(self, *words: str) -> int:
        """Run another command to its end and give its exit code; 0 when we are asked to stop before that."""
        process = Forked(*words)
        while (code := process.poll()) is None:
            if self._stopping.wait(LOOK):
                process.terminate()
                process.wait(math.inf)
                return 0
            self._watch()
        return code

    def _watch(self) -> None:
        if self._postgres is not None and not self._postgres.running():
            click.echo("PostgreSQL ended and is started again.", err=True)
            self._database_is_ours = self._postgres.ensure()
        for child in self._children:
            child.watch()

    def _stop(self) -> None:
        if self._children:
            click.echo("Stopping.")
        stop_all(self._children)
        if self._postgres is not None and self._database_is_ours:
            self._postgres.stop()


def services() -> list[str]:
    """The commands that run as long as `wasl up` does."""
    listener = ["dicom"] if importlib.util.find_spec("wasl.edges.dicom.dimse") else []
    links = ["links"] if os.environ.get("WASL_LINKS_PORT") else []  # open to gateways once somebody decides it
    hl7 = ["hl7"] if os.environ.get("WASL_HL7_PORT") else []  # likewise, to hospitals' systems
    return ["serve", *listener, "work", *links, *hl7]


def _near(host: str) -> str:
    """Where a program on this machine finds a server that listens at `host`."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  read here, not bound
