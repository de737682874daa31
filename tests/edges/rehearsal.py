"""An instance lost with its disk while people work, and brought back from the copy that follows: what that costs."""

import contextlib
import datetime
import os
import shutil
import signal
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psycopg

from tests.edges.scenes import Command, data_folder, eventually, migrated_folder, small
from tests.edges.test_kill import PIXELS, PROOF, STAGE, Browser, Load, Modality, order, run, went_on
from tests.edges.test_standby import FOLLOWS, elsewhere, following, kill, orders, reached
from tests.edges.test_up import READY
from wasl.edges.cli.postgres import Postgres
from wasl.edges.cli.postgres_processes import server_pid
from wasl.edges.cli.standby_folder import generations

# the tests' databases do not wait for the disk, as an instance does
DURABLE = ("alter system reset fsync", "alter system reset full_page_writes", "select pg_reload_conf()")


@dataclass(frozen=True)
class Rehearsed:
    """What a rehearsal found; seconds are of the machine that it was held on."""

    acknowledged: int  # orders and images
    promised: int  # of them, those before the last point of the copy
    broken: list[str]  # promised, and not there afterwards
    lost: int  # acknowledged after that point, and not there afterwards
    lost_seconds: float  # from the first of those to the death; 0 when there is none
    exposed_seconds: float  # from the point to the death: what might have been lost
    back_seconds: float  # from the death until somebody ordered an exam and a scanner stored an image again
    size: int  # bytes of the copy
    journal: list[str]  # what is wrong with the journal afterwards


@dataclass
class Noted:
    """When what was acknowledged."""

    orders: dict[str, float]
    images: dict[str, float]

    def order(self, browser: Browser, scene: dict[str, Any]) -> str:
        """Order an exam, and remember when that was acknowledged."""
        key = order(browser, scene)
        self.orders[key] = time.time()
        return key

    def send(self, modality: Modality) -> str:
        """Store images, and remember when that was acknowledged."""
        said = modality.send()
        for uid in modality.stored.keys() - self.images.keys():
            self.images[uid] = time.time()
        return said


def rehearse(folder: Path, *, studies: int, seconds: float) -> Rehearsed:
    """Work for so many seconds, kill everything at once, remove the disk, restore, and work on."""
    with migrated_folder() as home, elsewhere() as copy:
        env, noted = small(home, WASL_DEMO="1", WASL_QUIET_SECONDS="3600"), Noted({}, {})
        with Command("up", env=env) as up, following(copy, env) as follower:
            assert up.says(READY), up.said
            be_durable(home)
            scene = run(env, STAGE.format(studies=studies + 2))
            modality = Modality(folder, env["WASL_DICOM_PORT"], scene["studies"][:studies], scene["number"])
            amel = Browser(env["WASL_HTTP_PORT"], scene["amel"])
            loads = [Load(partial(noted.order, amel, scene)), Load(partial(noted.send, modality))]
            assert follower.says(FOLLOWS), follower.said
            for load in loads:
                load.start()
            begun = datetime.datetime.now(datetime.UTC)
            assert eventually(partial(went_on, loads, [3, 3])), up.said
            assert eventually(partial(reached, copy, begun)), follower.said
            time.sleep(seconds)
            died = the_machine_dies(home, up, follower)
        for load in loads:
            load.stop()
        amel.close()
        until = max(point.until for one in generations(copy) if (point := one.point())).timestamp()
        later = Modality(folder, env["WASL_DICOM_PORT"], scene["studies"][studies:], scene["number"])
        with data_folder() as other:
            there = {**env, "WASL_DATA": str(other)}
            with Command("restore", str(copy), env=there) as restore:
                assert restore.process.wait() == 0, restore.said
            with Command("up", env=there) as anew:
                assert anew.says(READY), anew.said
                back = works_again(there, scene, later) - died
                proof = run(there, PROOF.format(pixels=PIXELS))
                held = orders(there) | proof["images"].keys()
        return judged(noted, held, proof["broken"], until=until, died=died, back=back, size=size_of(copy))


def be_durable(home: Path) -> None:
    """Have the database wait for the disk."""
    with psycopg.connect(Postgres(home).dsn, autocommit=True) as connection:
        for words in DURABLE:
            connection.execute(words.encode())


def the_machine_dies(home: Path, *commands: Command) -> float:
    """Kill everything at once, and remove its disk; when it was."""
    server = server_pid(home / "pg18")
    assert server is not None
    died = time.time()
    kill(*commands)
    with contextlib.suppress(ProcessLookupError):
        os.kill(server, signal.SIGKILL)
    assert eventually(lambda: server_pid(home / "pg18") is None)
    for part in (home / "pg18", home / "storage"):
        shutil.rmtree(part)
    return died


def works_again(env: dict[str, str], scene: dict[str, Any], scanner: Modality) -> float:
    """Order an exam and store images as soon as that can be done; when it was."""
    amel = Browser(env["WASL_HTTP_PORT"], scene["amel"])
    loads = [Load(partial(order, amel, scene)), Load(scanner.send)]
    for load in loads:
        load.start()
    try:
        assert eventually(partial(went_on, loads, [0, 0]))
        return time.time()
    finally:
        for load in loads:
            load.stop()
        amel.close()


def judged(
    noted: Noted, held: set[str], journal: list[str], *, until: float, died: float, back: float, size: int
) -> Rehearsed:
    """What was lost of what was acknowledged, before the copy's last point and after it."""
    moments = {key: moment for key, moment in {**noted.orders, **noted.images}.items() if moment <= died}
    lost = {key: moment for key, moment in moments.items() if key not in held}
    return Rehearsed(
        acknowledged=len(moments), promised=sum(moment <= until for moment in moments.values()),
        broken=[key for key, moment in lost.items() if moment <= until],
        lost=sum(moment > until for moment in lost.values()), lost_seconds=died - min(lost.values(), default=died),
        exposed_seconds=died - until, back_seconds=back, size=size, journal=journal,
    )  # fmt: skip


def size_of(folder: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
