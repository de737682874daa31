"""A copy that follows: whatever is lost, all that was acknowledged before its point comes back, byte for byte."""

import contextlib
import datetime
import os
import shutil
import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import psycopg

from tests.edges.scenes import Command, data_folder, descendants, eventually, migrated_folder, small
from tests.edges.test_kill import (
    PIXELS,
    PROOF,
    STAGE,
    Browser,
    Load,
    Modality,
    Writer,
    ask,
    order,
    run,
    went_on,
)
from tests.edges.test_up import READY
from wasl.edges.cli.postgres import Postgres
from wasl.edges.cli.postgres_processes import server_pid
from wasl.edges.cli.standby_folder import generations

STUDIES = 40
FOLLOWS = "follows; how far"
NOW = "select clock_timestamp()"
MADE_LATER = "select 1 from radiology_order where created_at > '{}'"
SLOTS = "select slot_name from pg_replication_slots"
WRITE = "select pg_logical_emit_message(true, 'test', 'written')"
WRITTEN = "select count(*), sum(number) from noted"


@contextlib.contextmanager
def elsewhere() -> Iterator[Path]:
    """A folder on another disk."""
    with data_folder() as folder:
        yield folder / "copy"


def following(folder: Path, env: dict[str, str], *more: str) -> Command:
    return Command("backup", "--follow", str(folder), *more, env=env)


def held(folder: Path) -> list[str]:
    return [one.folder.name for one in generations(folder) if one.point()]


def now(env: dict[str, str]) -> datetime.datetime:
    ((moment,),) = ask(env, NOW)
    assert isinstance(moment, datetime.datetime)
    return moment


def renewed(folder: Path) -> bool:
    """Whether a copy has begun anew more than once, of which two stay."""
    names = held(folder)
    return len(names) == 2 and names[0] > "0001"


def reached(folder: Path, moment: datetime.datetime) -> bool:
    """Whether the copy says that it holds everything until a moment."""
    return any(point.until > moment for one in generations(folder) if (point := one.point()))


def kill(*commands: Command) -> None:
    """Kill commands and all that they started."""
    for command in commands:
        for pid in (command.process.pid, *descendants(command.process.pid)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        command.process.wait()


@contextlib.contextmanager
def restored(folder: Path, env: dict[str, str], *more: str) -> Iterator[tuple[dict[str, str], str]]:
    """The instance that a copy gives back, its database at work, and what was said."""
    with data_folder() as home:
        env = {**env, "WASL_DATA": str(home)}
        with Command("restore", str(folder), *more, env=env) as restore:
            assert restore.process.wait() == 0, restore.said
        server = Postgres(home)
        assert server.ensure() is True
        yield env, restore.said
        server.stop()


def lose(env: dict[str, str]) -> None:
    """Have the database write more of its log than it keeps for who is away."""
    with psycopg.connect(Postgres(Path(env["WASL_DATA"])).dsn, autocommit=True) as connection:
        connection.execute("alter system set max_slot_wal_keep_size = '1MB'")
        connection.execute("select pg_reload_conf()")
        for _ in range(4):
            connection.execute(WRITE.encode())
            connection.execute("select pg_switch_wal()")
        connection.execute("checkpoint")
        lost = connection.execute("select count(*) from pg_replication_slots where wal_status = 'lost'").fetchone()
        assert lost and lost[0]
        connection.execute("alter system set max_slot_wal_keep_size = '4GB'")
        connection.execute("select pg_reload_conf()")
        connection.execute("create table noted as select number from generate_series(1, 1000) number")


def draft(env: dict[str, str], case: str) -> int:
    ((text,),) = ask(env, f"select sections->>'findings' from radiology_report where reading_id = '{case}'")
    return int(str(text).split()[1])


def orders(env: dict[str, str]) -> set[str]:
    return {str(key) for (key,) in ask(env, "select id from radiology_order")}


def test_what_was_acknowledged_outlives_the_machine(tmp_path: Path) -> None:
    with migrated_folder() as home, elsewhere() as folder:
        env = small(home, WASL_DEMO="1", WASL_QUIET_SECONDS="3600")
        with Command("up", env=env) as up, following(folder, env) as first:
            assert up.says(READY), up.said
            scene = run(env, STAGE.format(studies=STUDIES))
            modality = Modality(tmp_path, env["WASL_DICOM_PORT"], scene["studies"], scene["number"])
            leila, amel = (Browser(env["WASL_HTTP_PORT"], scene[name]) for name in ("leila", "amel"))
            writer, doctor = Load(Writer(leila, scene["case"]).save), Load(partial(order, amel, scene))
            loads = [writer, doctor, Load(modality.send)]
            for load in loads:
                load.start()
            assert first.says(FOLLOWS), first.said
            assert eventually(partial(went_on, loads, [3, 3, 1])), up.said
            kill(first)  # in the middle of it
            known = [len(load.acknowledged) for load in loads]
            assert eventually(partial(went_on, loads, known)), up.said
            with following(folder, env) as again:
                before = (dict(modality.stored), writer.acknowledged[-1], list(doctor.acknowledged))
                then = now(env)
                known = [len(load.acknowledged) for load in loads]
                assert eventually(partial(went_on, loads, known)), up.said
                kept = (dict(modality.stored), writer.acknowledged[-1], list(doctor.acknowledged))
                acknowledged = now(env)
                assert eventually(partial(reached, folder, acknowledged)), again.said
                server = server_pid(home / "pg18")
                assert server is not None
                kill(again, up)
                with contextlib.suppress(ProcessLookupError):
                    os.kill(server, signal.SIGKILL)
        for load in loads:
            load.stop()
        for browser in (leila, amel):
            browser.close()
        assert eventually(lambda: server_pid(home / "pg18") is None)
        assert held(folder) == ["0001"]  # it went on, and did not begin anew
        for part in (home / "pg18", home / "storage"):
            shutil.rmtree(part)

        with restored(folder, env) as (there, said):
            assert "The journal is whole." in said
            proof = run(there, PROOF.format(pixels=PIXELS))
            assert proof["broken"] == []
            assert kept[0].items() <= proof["images"].items()
            assert draft(there, scene["case"]) >= int(kept[1].split()[1])
            assert set(kept[2]) <= orders(there)
            ending = orders(there)
        with restored(folder, env, "--until", then.isoformat()) as (back, _):
            assert set(before[2]) <= orders(back) < ending
            assert draft(back, scene["case"]) >= int(before[1].split()[1])
            assert ask(back, MADE_LATER.format(then)) == []


def test_a_copy_whose_log_was_not_kept_begins_anew() -> None:
    with migrated_folder() as home, elsewhere() as folder:
        env, server = small(home), Postgres(home)
        server.ensure()
        with following(folder, env, "--days", "0.000001") as first:
            assert first.says(FOLLOWS), first.said
            with following(folder, env) as second:
                assert second.process.wait() == 1
            assert "Another" in second.said
            assert eventually(lambda: bool(ask(env, WRITE)) and renewed(folder)), first.said
            assert first.end() == 0, first.said
        assert ask(env, "show max_slot_wal_keep_size") == [("4GB",)]
        former = ask(env, SLOTS)
        newest = held(folder)[-1]
        lose(env)
        with following(folder, env) as anew:
            assert anew.says("begins anew"), anew.said
            assert eventually(lambda: held(folder)[-1] > newest), anew.said
            ask(env, "insert into noted values (5000) returning number")
            assert eventually(partial(reached, folder, now(env))), anew.said
            assert anew.end() == 0, anew.said
        assert not set(former) & set(ask(env, SLOTS))
        with restored(folder, env) as (there, _):
            assert ask(there, WRITTEN) == ask(env, WRITTEN)
        with Command("backup", "--leave", str(folder), env=env) as leave:
            assert leave.process.wait() == 0, leave.said
        assert ask(env, SLOTS) == []
        assert not list((home / "following").iterdir())
        server.stop()
