"""The processes of `wasl up`: started, watched, restarted, stopped."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence

import click

from wasl.edges.cli.lifeline import die_with_parent

PATIENCE = 25.0  # seconds for a child to end when asked; a worker may finish its job
SHORTEST, LONGEST = 1.0, 30.0  # seconds to wait before a child is started again
STEADY = 60.0  # seconds of life after which a death counts as the first


def wasl(*words: str) -> list[str]:
    """The command line of another `wasl` under the same Python."""
    return [sys.executable, "-m", "wasl", *words]


class Child:
    """One `wasl` command that must run as long as its parent; call it from the parent's main thread only."""

    def __init__(
        self, name: str, *words: str, hands: Sequence[int] = (), orphaned: signal.Signals = signal.SIGTERM
    ) -> None:
        """`hands` are the open files that it is given, `orphaned` is what it hears when its parent is gone."""
        self.name, self._words, self._hands, self._orphaned = name, words, hands, orphaned
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._start_again = 0.0
        self._delay = SHORTEST

    def start(self) -> None:
        """Start the command in a group of its own: Ctrl-C reaches the parent, which stops things in order."""
        self._started = time.monotonic()
        self._process = subprocess.Popen(
            wasl(*self.name.split(), *self._words),
            stdin=subprocess.DEVNULL,
            process_group=0,
            pass_fds=self._hands,
            preexec_fn=die_with_parent(self._orphaned),
        )

    def watch(self) -> None:
        """Notice a death, say it, and start again after a delay that doubles while deaths follow each other."""
        now = time.monotonic()
        if self._process is None:
            if now >= self._start_again:
                self.start()
            return
        code = self._process.poll()
        if code is None:
            return
        if now - self._started > STEADY:
            self._delay = SHORTEST
        self._kill_group()
        click.echo(f"wasl {self.name} ended ({_how(code)}) and starts again in {self._delay:.0f} s.", err=True)
        self._process = None
        self._start_again = now + self._delay
        self._delay = min(2 * self._delay, LONGEST)

    def ask_to_stop(self) -> None:
        """Ask the command to end what it does."""
        if self._process is not None:
            self._process.terminate()

    def wait(self, until: float) -> None:
        """Wait for the end until the monotonic time `until`, then end the whole group by force."""
        if self._process is None:
            return
        try:
            self._process.wait(max(0.1, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            click.echo(f"wasl {self.name} does not stop and is killed.", err=True)
        self._kill_group()
        self._process.wait()

    def _kill_group(self) -> None:
        """Leave nothing of the command behind, whatever it started."""
        assert self._process is not None  # noqa: S101  a promise of the callers
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)


def stop_all(children: Sequence[Child]) -> None:
    """Stop all children at the same time."""
    for child in children:
        child.ask_to_stop()
    until = time.monotonic() + PATIENCE
    for child in children:
        child.wait(until)


def _how(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    with contextlib.suppress(ValueError):
        return f"killed by {signal.Signals(-code).name}"
    return f"killed by signal {-code}"
