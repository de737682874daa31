"""The processes of `wasl up`: started, watched, restarted, stopped."""

import contextlib
import gc
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Sequence
from itertools import pairwise
from typing import NoReturn

import click

from wasl.edges.cli.lifeline import die_with_parent, go_by_name

PATIENCE = 25.0  # seconds for a child to end when asked; a worker may finish its job
SHORTEST, LONGEST = 1.0, 30.0  # seconds to wait before a child is started again
STEADY = 60.0  # seconds of life after which a death counts as the first
LOOK = 0.05  # seconds between two looks at a process that is waited for
HEARD = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP})


class Forked:
    """Another `wasl` command, in a process forked from this one, which has imported all that both need.

    An import takes seconds on an old machine, and what is imported once is held in memory once. It is in a group of its
    own: Ctrl-C reaches the parent, which stops things in order. Call it from the main thread, while no other is alive.
    """

    def __init__(self, *words: str, hands: Sequence[int] = (), orphaned: signal.Signals = signal.SIGTERM) -> None:
        """`hands` are the open files that it keeps, `orphaned` is what it hears when its parent is gone."""
        import django

        self._code: int | None = None
        django.setup()
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        gc.freeze()  # what is there stays where it is: a page that nobody writes to is shared
        follow = die_with_parent(orphaned)
        before = signal.pthread_sigmask(signal.SIG_BLOCK, HEARD)  # what the child is sent, it hears itself
        self.pid = os.fork()
        if self.pid == 0:
            os.setpgid(0, 0)
            follow()
            _live(words, hands, before)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        with contextlib.suppress(OSError):  # whoever is first: the child, or we
            os.setpgid(self.pid, 0)

    def poll(self) -> int | None:
        """The exit code, that of a signal below zero, or None while it runs."""
        if self._code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._code = os.waitstatus_to_exitcode(status)
        return self._code

    def wait(self, until: float) -> int | None:
        """Wait for its end until a monotonic time."""
        while self.poll() is None and time.monotonic() < until:
            time.sleep(LOOK)
        return self._code

    def terminate(self) -> None:
        """Ask it to end."""
        if self.poll() is None:
            os.kill(self.pid, signal.SIGTERM)

    def kill_group(self) -> None:
        """Leave nothing of it behind, whatever it started."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self.wait(time.monotonic() + PATIENCE)


def _live(words: Sequence[str], hands: Sequence[int], mask: set[int] | set[signal.Signals]) -> NoReturn:
    """The life of a forked process: it hears signals as one that was just started, and has no file but its own."""
    from wasl.edges.cli.main import main

    code = 1
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for number in HEARD - {signal.SIGINT}:
            signal.signal(number, signal.SIG_DFL)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        for first, last in pairwise([2, *sorted(hands), os.sysconf("SC_OPEN_MAX")]):
            os.closerange(first + 1, last)
        go_by_name(" ".join(["wasl", *words]))
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        main(list(words), prog_name="wasl")
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        for thread in threading.enumerate():
            if thread is not threading.current_thread() and not thread.daemon:
                thread.join()
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)  # what the parent wants done at its own end is not done here


class Child:
    """One `wasl` command that must run as long as its parent; call it from the parent's main thread only."""

    def __init__(
        self, name: str, *words: str, hands: Sequence[int] = (), orphaned: signal.Signals = signal.SIGTERM
    ) -> None:
        """`hands` are the open files that it is given, `orphaned` is what it hears when its parent is gone."""
        self.name, self._words, self._hands, self._orphaned = name, words, hands, orphaned
        self._process: Forked | None = None
        self._started = 0.0
        self._start_again = 0.0
        self._delay = SHORTEST

    def start(self) -> None:
        """Start the command."""
        self._started = time.monotonic()
        self._process = Forked(*self.name.split(), *self._words, hands=self._hands, orphaned=self._orphaned)

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
        self._process.kill_group()
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
        if self._process.wait(until) is None:
            click.echo(f"wasl {self.name} does not stop and is killed.", err=True)
        self._process.kill_group()


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
