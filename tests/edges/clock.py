"""A clock that is set while programs run, theirs alone: a few lines of C between them and the machine's."""

import os
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from wasl.edges.cli import postgres

SOURCE = Path(__file__).with_name("clock.c")
# `python -m wasl …` as it stands behind this, whose own PostgreSQL has the clock too
RUN = """
import os, runpy, sys
from wasl.edges.cli import postgres
postgres.CLEAN.update({name: os.environ[name] for name in ("LD_PRELOAD", "WASL_TEST_CLOCK")})
sys.argv = sys.argv[3:]
runpy.run_module("wasl", run_name="__main__", alter_sys=True)
"""
needs_clock = pytest.mark.skipif(not shutil.which("cc"), reason="there is no C compiler: apt-get install gcc libc6-dev")


class Clock:
    """What the programs read that were started with `env`; their PostgreSQL too, within `of_postgres`.

    libfaketime would do, but in Debian's version Python's `time.sleep` fails below it.
    """

    def __init__(self, folder: Path) -> None:
        self._file, library = folder / "clock", folder / "clock.so"
        self._file.write_bytes(bytes(8))
        self._file.chmod(0o644)  # PostgreSQL's account reads it
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", library, SOURCE], check=True)
        library.chmod(0o755)
        self.env = {"LD_PRELOAD": str(library), "WASL_TEST_CLOCK": str(self._file)}

    @property
    def within(self) -> list[str]:
        """What stands before a command that starts a PostgreSQL of its own."""
        return [sys.executable, "-c", RUN]

    def set(self, seconds: int) -> None:
        """So far ahead of the machine's, from now on."""
        with self._file.open("r+b", buffering=0) as file:
            os.pwrite(file.fileno(), struct.pack("=q", seconds), 0)

    @contextmanager
    def of_postgres(self) -> Iterator[None]:
        """Servers that are started here read it."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(postgres, "CLEAN", {**postgres.CLEAN, **self.env})
            yield
