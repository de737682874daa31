"""What the tests of real servers share: data folders, ports, processes."""

import contextlib
import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from tests.template import load
from wasl.edges.cli.home import CHECKOUT
from wasl.edges.cli.postgres import Postgres

PATIENCE = 180.0  # seconds; the machine may be busy
# headless Chromium draws WebGL in software; the rest of a page is drawn without it, for a third of the processor's time
CHROMIUM = (
    "--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--disable-gpu-compositing",
    "--disable-gpu-rasterization", "--disable-accelerated-2d-canvas", "--disable-background-networking",
    "--disable-component-update", "--no-first-run",
)  # fmt: skip
# who died is missed soon, and a line that carries again is soon found out
SOON = {"WASL_HEARTBEAT_SECONDS": "2", "WASL_SILENT_SECONDS": "4"}
MIGRATED = "migrated"  # a folder beside the tests' database


@contextlib.contextmanager
def data_folder() -> Iterator[Path]:
    """A data folder that PostgreSQL's account can reach (pytest's own are closed), gone with its server at the end."""
    path = Path(tempfile.mkdtemp(prefix="wasl-"))
    path.chmod(0o711)
    try:
        yield path
    finally:
        Postgres(path).stop()
        shutil.rmtree(path)


@contextlib.contextmanager
def migrated_folder() -> Iterator[Path]:
    """A data folder as its first `wasl migrate` leaves it: most tests of servers are not about that."""
    with data_folder() as path:
        subprocess.run(["cp", "-a", f"{_migrated()}/.", str(path)], check=True)
        yield path


def _migrated() -> Path:
    """The folder that the others are copied from, made once a run.

    Its database begins as a copy of the one that the tests' own are copied from: to apply all migrations once more
    takes long, and test_up does it. It does not wait for the disk: tests kill processes, and what those wrote the
    machine still has.
    """
    made = Path(os.environ["WASL_DATA"]) / MIGRATED
    with Path(f"{made}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            with data_folder() as home:
                postgres = Postgres(home)
                postgres.ensure()
                with (home / "pg18/postgresql.auto.conf").open("a") as configuration:
                    configuration.write("fsync = off\nfull_page_writes = off\n")
                load(postgres)
                with Command("migrate", env=environment(home)) as migrate:
                    assert migrate.process.wait(2 * PATIENCE) == 0, migrate.said
                postgres.stop()
                subprocess.run(["cp", "-a", f"{home}/.", f"{made}.part"], check=True)
                Path(f"{made}.part").rename(made)
    return made


def free_port() -> int:
    """A port that nothing listens at now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def eventually(what: Callable[[], bool], seconds: float = PATIENCE) -> bool:
    """Whether `what` comes true in time; what takes longer is asked less often, for to ask is work too."""
    began = time.monotonic()
    while not what():
        waited = time.monotonic() - began
        if waited > seconds:
            return False
        time.sleep(min(0.5, 0.05 + waited / 20))
    return True


def environment(home: Path, **more: str) -> dict[str, str]:
    """The environment of an instance of its own, untouched by that of the tests.

    A phantom is sent where a test asks for one: else what a test counts would depend on the minute it runs in.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WASL_")}
    return {**kept, "WASL_DATA": str(home), "PYTHONUNBUFFERED": "1", "WASL_PHANTOM": "0", **SOON, **more}


def small(home: Path, **more: str) -> dict[str, str]:
    """The environment of an instance at ports of its own, with one process at each: what several do is told apart."""
    ports = {"WASL_HTTP_PORT": str(free_port()), "WASL_DICOM_PORT": str(free_port())}
    return environment(home, WASL_HTTP_WORKERS="1", WASL_DICOM_WORKERS="1", **ports, **more)


def descendants(pid: int) -> set[int]:
    """All processes below `pid`."""
    below: set[int] = set()
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in map(int, task.read_text().split()):
                below |= {child} | descendants(child)
    return below


def alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


class Command:
    """A running `wasl` command, its lines read as they come; `within` is what runs it (of `Wire.within`)."""

    def __init__(self, *words: str, env: dict[str, str], within: Sequence[str] = ()) -> None:
        self.process = subprocess.Popen(
            [*within, sys.executable, "-m", "wasl", *words],
            cwd=CHECKOUT,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as output:
            self.lines.extend(iter(output.readline, ""))

    @property
    def said(self) -> str:
        """All that it wrote until now."""
        return "".join(self.lines)

    def says(self, words: str, times: int = 1) -> bool:
        """Wait until it wrote `words`, or ended."""
        eventually(lambda: self.said.count(words) >= times or self.process.poll() is not None)
        return self.said.count(words) >= times

    def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and wait for the end of the command and of all that it wrote; its exit code."""
        self.process.send_signal(how)
        code = self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        return code

    def __enter__(self) -> "Command":
        return self

    def __exit__(self, *error: object) -> None:
        if self.process.poll() is None:
            self.end()


# reads one command a line; says what each says, and behind a zero its exit code
FORKS = """
import json, os, sys
import django
django.setup()
from wasl.edges.cli.main import main
for line in sys.stdin:
    words = json.loads(line)
    main.get_command(None, words[0])
    if not (child := os.fork()):
        os.dup2(1, 2)
        main(words, prog_name="wasl")
    print("\\0", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


class Shell:
    """Many `wasl` commands of one instance: each a process of its own, forked from one that has imported all."""

    def __init__(self, env: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", FORKS], cwd=CHECKOUT, env={**env, "DJANGO_SETTINGS_MODULE": "wasl.settings"},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def run(self, *words: str, code: int = 0) -> str:
        """Run a command to its end, which is as expected; what it said."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps(words) + "\n")
        self._process.stdin.flush()
        said = ""
        while "\0" not in said:
            line = self._process.stdout.readline()
            assert line, said
            said += line
        said, _, ended = said.partition("\0")
        assert int(ended) == code, said
        return said

    def __enter__(self) -> "Shell":
        return self

    def __exit__(self, *error: object) -> None:
        self._process.communicate()
