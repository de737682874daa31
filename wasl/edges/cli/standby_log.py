"""PostgreSQL's side of a copy that follows: the slots that keep the log for it, and the programs that bring it."""

import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import psycopg

from wasl.edges.cli.home import secret
from wasl.edges.cli.lifeline import die_with_parent
from wasl.edges.cli.postgres import Postgres
from wasl.edges.cli.postgres_programs import programs, server_account
from wasl.edges.cli.standby_folder import Generation, flush_folder

Database = psycopg.Connection[tuple[object, ...]]

PATIENCE = 10.0  # seconds for a program to end when asked


class Interrupted(RuntimeError):
    """The copy cannot go on for now; the message says why."""


class Program:
    """One of PostgreSQL's programs, at work on the database of an instance; it ends with us."""

    def __init__(self, home: Path, name: str, *words: str) -> None:
        self._name = name
        self._said = tempfile.TemporaryFile()  # noqa: SIM115  as long as the program
        address = {"PGHOST": str(Postgres(home).run), "PGUSER": "wasl", "PGPASSWORD": secret(home, "pg")}
        self._process = subprocess.Popen(
            [programs(home, server_account()) / name, "--no-password", *words],
            stdin=subprocess.DEVNULL, stdout=self._said, stderr=self._said,
            env={"PATH": os.defpath, "TZ": "UTC", **address}, preexec_fn=die_with_parent(signal.SIGTERM),
        )  # fmt: skip

    def done(self) -> bool:
        """Whether it ended well. Raises Interrupted if it did not."""
        code = self._process.poll()
        if code:
            self._said.seek(0)
            raise Interrupted(f"{self._name}: {self._said.read().decode(errors='replace').strip()}")
        return code == 0

    def stop(self) -> None:
        """Have it end."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._said.close()


class Stream:
    """A generation that is being written: its log all the time, and first the copy of the database's files."""

    def __init__(self, home: Path, generation: Generation, slot: str) -> None:
        self.generation, self.slot = generation, slot
        self._draft = generation.folder / "base.part"
        generation.log.mkdir(mode=0o700, parents=True, exist_ok=True)
        # each piece is on disk before it is reported as there
        words = ("--synchronous", "--no-loop", "--status-interval=1", f"--slot={slot}", f"--directory={generation.log}")
        self._log = Program(home, "pg_receivewal", *words)
        self._base: Program | None = None
        if not generation.base.exists():
            shutil.rmtree(self._draft, ignore_errors=True)
            self._base = Program(
                home, "pg_basebackup", "--wal-method=none", "--checkpoint=fast", f"--pgdata={self._draft}"
            )

    def based(self) -> bool:
        """Whether the copy of the database's files is whole. Raises Interrupted where the programs failed."""
        if self._log.done():
            raise Interrupted("pg_receivewal ended.")
        if self._base is not None and self._base.done():
            self._draft.rename(self.generation.base)
            flush_folder(self.generation.folder)
            self._base = None
        return self._base is None

    def has(self, connection: Database, lsn: object) -> bool:
        """Whether the log is on the disk here as far as a place in it. Raises Interrupted where nobody brings it."""
        self.based()
        query = "select coalesce(restart_lsn >= %s::pg_lsn, false) from pg_replication_slots where slot_name = %s"
        return connection.execute(query, [lsn, self.slot]).fetchone() == (True,)

    def stop(self) -> None:
        """End its programs."""
        for program in filter(None, (self._base, self._log)):
            program.stop()


def make_slot(connection: Database, slot: str) -> None:
    """Have the database keep its log from now on, until the generation has it."""
    connection.execute("select pg_create_physical_replication_slot(%s, true)", [slot])


def slots(connection: Database, prefix: str) -> dict[str, bool]:
    """The slots whose names begin so, and whether the log that their generations still need was kept."""
    query = "select slot_name, wal_status <> 'lost' from pg_replication_slots where slot_name ^@ %s"
    return {str(name): bool(kept) for name, kept in connection.execute(query, [prefix])}


def drop_slot(connection: Database, slot: str) -> None:
    """Have the database keep nothing more for a generation, whatever still reads there."""
    query = "select pg_terminate_backend(active_pid, 5000) from pg_replication_slots where slot_name = %s and active"
    connection.execute(query, [slot])
    connection.execute("select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = %s",
                       [slot])  # fmt: skip


def bound(connection: Database, gigabytes: int) -> None:
    """Have the database keep so much of its log at most for who is away, unless somebody set another bound."""
    if connection.execute("select current_setting('max_slot_wal_keep_size')").fetchone() == ("-1",):
        connection.execute(f"alter system set max_slot_wal_keep_size = '{gigabytes:d}GB'".encode())
        connection.execute("select pg_reload_conf()")
