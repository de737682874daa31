"""What the tests of real servers share: data folders, ports, processes."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from wasl.edges.cli.home import CHECKOUT
from wasl.edges.cli.postgres import Postgres

PATIENCE = 60.0


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


def free_port() -> int:
    """A port that nothing listens at now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def eventually(what: Callable[[], bool], seconds: float = PATIENCE) -> bool:
    """Whether `what` comes true in time."""
    end = time.monotonic() + seconds
    while not what():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def environment(home: Path, **more: str) -> dict[str, str]:
    """The environment of an instance of its own, untouched by that of the tests."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WASL_")}
    return {**kept, "WASL_DATA": str(home), "PYTHONUNBUFFERED": "1", **more}


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
    """A running `wasl` command, its lines read as they come."""

    def __init__(self, *words: str, env: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "wasl", *words],
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
