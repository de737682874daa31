"""The database goes away while modalities send and people write: nothing acknowledged is lost, all goes on by itself.

PostgreSQL is stopped (connections are refused) or hangs (nobody is answered). WASL_AWAY says for how many seconds.
"""

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pynetdicom import AE

from tests import make
from tests.edges.dicom import OURS, THEIRS, client, write
from tests.edges.scenes import PATIENCE, Command, data_folder, descendants, eventually, migrated_folder, small
from tests.edges.test_kill import (
    AN_HOUR,
    IMAGES,
    STAGE,
    UNTOLD,
    Browser,
    Load,
    Modality,
    Writer,
    ask,
    order,
    prove,
    run,
    went_on,
)
from tests.edges.test_up import READY, running
from wasl.edges.cli.postgres import Postgres
from wasl.edges.cli.postgres_processes import server_pid

AWAY = float(os.environ.get("WASL_AWAY", "4"))
STUDIES = 200  # more than are sent meanwhile
OUT_OF_RESOURCES = 0xA700
ON_THE_LINE = 6  # associations


@dataclass
class Instance:
    """Wasl on a database that is not its own, so that it does not start it again."""

    env: dict[str, str]
    postgres: Postgres

    @property
    def port(self) -> int:
        return int(self.env["WASL_DICOM_PORT"])

    def signal(self, number: signal.Signals) -> None:
        """Tell the server and all of its processes something; the first one first, so that no other follows."""
        server = server_pid(self.postgres.data)
        assert server is not None
        for pid in (server, *descendants(server)):
            os.kill(pid, number)


@pytest.fixture
def instance() -> Iterator[Instance]:
    with migrated_folder() as outside, data_folder() as home:
        postgres = Postgres(outside)
        postgres.ensure()
        yield Instance(small(home, WASL_DATABASE_URL=postgres.dsn, WASL_DEMO="1", WASL_QUIET_SECONDS="3600"), postgres)
        postgres.stop()


@dataclass
class Scene:
    """People and modalities at work, and what they were told."""

    told: dict[str, Any]
    writer: Load
    doctor: Load
    modalities: list[Modality]
    loads: list[Load]

    def go_on(self, up: Command) -> None:
        """All of them get on."""
        known = [len(load.acknowledged) for load in self.loads]
        assert eventually(lambda: went_on(self.loads, known)), up.said


@pytest.fixture
def up(instance: Instance) -> Iterator[Command]:
    with Command("up", env=instance.env) as command:
        assert command.says(READY), command.said
        yield command
        assert command.end() == 0, command.said


@pytest.fixture
def scene(instance: Instance, up: Command, tmp_path: Path) -> Iterator[Scene]:
    told = run(instance.env, STAGE.format(studies=STUDIES))
    modalities = []
    for n in range(2):
        (folder := tmp_path / str(n)).mkdir()
        modalities.append(Modality(folder, str(instance.port), list(told["studies"])[n::2], told["number"]))
    leila, amel = (Browser(instance.env["WASL_HTTP_PORT"], told[name]) for name in ("leila", "amel"))
    writer, doctor = Load(Writer(leila, told["case"]).save), Load(lambda: order(amel, told))
    loads = [writer, doctor, *(Load(modality.send) for modality in modalities)]
    for load in loads:
        load.start()
    yield Scene(told, writer, doctor, modalities, loads)
    for load in loads:
        load.stop()
    for browser in (leila, amel):
        browser.close()


def prove_all(instance: Instance, scene: Scene) -> None:
    """Stop, and prove that all of it is there."""
    for load in scene.loads:
        load.stop()
    assert eventually(lambda: ask(instance.env, UNTOLD) == [], AN_HOUR), ask(instance.env, UNTOLD)
    stored = {**scene.modalities[0].stored, **scene.modalities[1].stored}
    assert len(stored) > IMAGES
    prove(instance.env, scene.told, scene.writer.acknowledged, scene.doctor.acknowledged, stored)


def test_it_is_stopped_and_comes_back(instance: Instance, up: Command, scene: Scene, tmp_path: Path) -> None:
    before = [running(up, "wasl", part) for part in ("serve", "dicom")]
    scene.go_on(up)
    entity, image = AE(ae_title=THEIRS), make.image(1)
    entity.dimse_timeout = entity.network_timeout = PATIENCE
    entity.add_requested_context(image.SOPClassUID)
    opened = [entity.associate("127.0.0.1", instance.port, ae_title=OURS) for _ in range(ON_THE_LINE)]
    assert all(one.is_established for one in opened)
    make.part10(image)  # gives it its file meta information
    instance.postgres.stop()
    away = time.monotonic() + AWAY
    try:
        with ThreadPoolExecutor(ON_THE_LINE) as pool:  # who is on the line hears it of each image, and does not give up
            heard = pool.map(lambda one: one.send_c_store(image).get("Status"), opened)
            assert set(heard) == {OUT_OF_RESOURCES}
        for one in opened:
            one.release()
        said = client("storescu", instance.port, "-v", *write(tmp_path, image))  # who calls, of the association
        assert "Rejected Transient" in said.text, said
        time.sleep(max(0.0, away - time.monotonic()))
    finally:
        instance.postgres.ensure()
    scene.go_on(up)
    assert client("storescu", instance.port, *write(tmp_path, image)).code == 0
    assert [running(up, "wasl", part) for part in ("serve", "dicom")] == before
    prove_all(instance, scene)


def test_it_hangs_and_goes_on(instance: Instance, up: Command, scene: Scene) -> None:
    before = [running(up, "wasl", part) for part in ("serve", "dicom")]
    scene.go_on(up)
    instance.signal(signal.SIGSTOP)
    try:
        time.sleep(AWAY)
    finally:
        instance.signal(signal.SIGCONT)
    scene.go_on(up)
    assert [running(up, "wasl", part) for part in ("serve", "dicom")] == before
    prove_all(instance, scene)
