"""`wasl up`: one process under which everything starts, is watched, and stops."""

import http.client
import os
import signal
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import HTTPServer, SimpleHTTPRequestHandler
from pathlib import Path

import psycopg
import pytest

from tests.edges.scenes import (
    PATIENCE,
    Command,
    alive,
    data_folder,
    descendants,
    eventually,
    free_port,
    migrated_folder,
    small,
)
from wasl.edges.cli import up as command
from wasl.edges.cli.postgres import Postgres
from wasl.edges.cli.postgres_processes import server_pid
from wasl.edges.cli.running import runs

READY = "Ctrl-C stops it."


@pytest.fixture(scope="module")
def kept() -> Iterator[dict[str, str]]:
    """The environment of an instance that stays from one test of this file to the next; it begins with nothing."""
    with data_folder() as home:
        yield small(home)


@pytest.fixture(scope="module")
def up(kept: dict[str, str]) -> Iterator[Command]:
    """That instance while it runs, for the tests that leave it so; the last of them kills it."""
    with Command("up", env=kept) as up:
        assert up.says(READY), up.said
        yield up


def status(env: dict[str, str]) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", int(env["WASL_HTTP_PORT"]), timeout=30)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status
    finally:
        connection.close()


def ask(env: dict[str, str], query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(Postgres(Path(env["WASL_DATA"])).dsn, autocommit=True) as connection:
        cursor = connection.execute(query.encode())
        return cursor.fetchall() if cursor.description else []


def running(up: Command, *words: str) -> int:
    """The process directly below `wasl up` that goes by the name of `words`."""
    for pid in descendants(up.process.pid):
        parent = int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
        if parent == up.process.pid and Path(f"/proc/{pid}/comm").read_text() == " ".join(words) + "\n":
            return pid
    raise AssertionError(f"{words} does not run")


def answers(env: dict[str, str]) -> bool:
    try:
        return status(env) < 500
    except OSError:
        return False


def leaves_nothing_behind(up: Command, how: signal.Signals) -> None:
    """It ends well when asked, and so does all that it started."""
    below = descendants(up.process.pid)
    assert len(below) > 5
    assert up.end(how) == 0, up.said
    assert not [pid for pid in below if alive(pid)]
    assert "Traceback" not in up.said


def test_it_makes_what_it_needs_answers_and_leaves_nothing_behind(kept: dict[str, str]) -> None:
    with Command("up", env=kept) as up:
        assert up.says(READY), up.said
        assert status(kept) < 500
        ask(kept, "create table kept (word text)")
        ask(kept, "insert into kept values ('وصل')")
        leaves_nothing_behind(up, signal.SIGTERM)
    for file in Path(kept["WASL_DATA"]).glob("*.secret"):
        assert file.read_text() not in up.said


def test_data_are_kept_and_the_second_start_applies_nothing(kept: dict[str, str]) -> None:
    with Command("up", env=kept) as up:
        assert up.says(READY), up.said
        assert ask(kept, "select word from kept") == [("وصل",)]
        assert "migrations" not in up.said
        assert "collected" not in up.said
        ask(kept, "drop table kept")
        leaves_nothing_behind(up, signal.SIGINT)
    with Command("doctor", env=kept) as doctor:
        assert doctor.process.wait(PATIENCE) == 1
    assert "Start `wasl up`." in doctor.said


def test_the_doctor_finds_it_well(kept: dict[str, str], up: Command) -> None:
    with Command("doctor", env=kept) as doctor:
        assert doctor.process.wait(PATIENCE) == 0, doctor.said
    assert "`wasl serve` listens." in doctor.said


def test_a_second_one_on_the_same_data_is_refused(kept: dict[str, str], up: Command) -> None:
    other = {**kept, "WASL_HTTP_PORT": str(free_port()), "WASL_DICOM_PORT": str(free_port())}
    with Command("up", env=other) as second:
        assert second.process.wait(PATIENCE) == 1
    assert "WASL_DATA" in second.said
    assert status(kept) < 500


def test_two_run_side_by_side(kept: dict[str, str], up: Command) -> None:
    with migrated_folder() as home:
        env = small(home)
        with Command("up", env=env) as other:
            assert other.says(READY), other.said
            assert status(kept) < 500
            assert status(env) < 500


def test_what_dies_is_started_again(kept: dict[str, str], up: Command) -> None:
    os.kill(running(up, "wasl", "serve"), signal.SIGKILL)
    os.kill(running(up, "wasl", "work"), signal.SIGKILL)
    assert up.says("wasl serve ended (killed by SIGKILL)")
    assert up.says("wasl work ended (killed by SIGKILL)")
    home = Path(kept["WASL_DATA"])
    server = server_pid(home / "pg18")
    assert server is not None
    os.kill(server, signal.SIGKILL)
    assert up.says("PostgreSQL ended and is started again.")
    assert eventually(lambda: runs(home, "serve") and Postgres(home).running())
    assert eventually(lambda: answers(kept))


def test_killed_it_takes_all_with_it(up: Command) -> None:
    below = descendants(up.process.pid)
    assert len(below) > 5
    up.end(signal.SIGKILL)
    assert eventually(lambda: not [pid for pid in below if alive(pid)])


def test_a_taken_port_is_named_with_its_setting(kept: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for setting in ("WASL_HTTP_PORT", "WASL_DICOM_PORT"):
            with Command("up", env={**kept, setting: port}) as up:
                assert up.process.wait(PATIENCE) == 1
            assert setting in up.said
            assert port in up.said


def test_a_first_page_that_is_late_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "ANSWER_WITHIN", 0.0)
    port, starts = free_port(), command.Up(tmp_path, demo=(), commands=())
    with ThreadPoolExecutor(1) as other:
        answered = other.submit(starts._answers, "127.0.0.1", port)
        try:
            assert eventually(lambda: "No page answers" in capsys.readouterr().err)
            with HTTPServer(("127.0.0.1", port), SimpleHTTPRequestHandler) as late:
                late.handle_request()
            assert answered.result(PATIENCE)
        finally:
            starts._stopping.set()


def test_an_outside_database_is_used_and_left_alone() -> None:
    with migrated_folder() as outside, data_folder() as home:
        postgres = Postgres(outside)
        postgres.ensure()
        with psycopg.connect(postgres.dsn, autocommit=True) as connection:
            connection.execute("drop table cache")  # so that something is owed
        with Command("up", env=small(home, WASL_DATABASE_URL=postgres.dsn)) as up:
            assert up.says(READY), up.said
            assert up.end() == 0
        assert not (home / "pg18").exists()
        assert postgres.running()
        with psycopg.connect(postgres.dsn) as connection:
            assert connection.execute("select to_regclass('cache') is not null").fetchone() == (True,)
        postgres.stop()
