"""The clock is set an hour forward and back under an instance at work: nothing is lost, and all goes on."""

import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.edges.clock import Clock, needs_clock
from tests.edges.scenes import PATIENCE, Command, data_folder, eventually, migrated_folder, small
from tests.edges.test_kill import (
    AN_HOUR,
    STAGE,
    UNTOLD,
    Browser,
    Load,
    Modality,
    Writer,
    ask,
    order,
    prove,
    prove_listed,
    run,
)
from tests.edges.test_kill import went_on as all_went_on
from tests.edges.test_up import READY
from wasl.edges.cli.postgres import Postgres

pytestmark = needs_clock
HOUR = 3600
STUDIES = 30
AHEAD = "select count(*) from archive_study where complete_at is null and last_arrival_at > now() + interval '10 min'"
SIGNS = "select id, last_heartbeat from procrastinate_workers order by id"
DONE_AGAIN = "select count(*) from archive_study where complete_at is null"


@pytest.fixture
def clock() -> Iterator[Clock]:
    with data_folder() as folder:
        yield Clock(folder)


@pytest.fixture
def env(clock: Clock) -> Iterator[dict[str, str]]:
    """An instance whose database has the same clock."""
    with migrated_folder() as outside, data_folder() as home, clock.of_postgres():
        postgres = Postgres(outside)
        postgres.ensure()
        yield small(home, WASL_DATABASE_URL=postgres.dsn, WASL_DEMO="1", WASL_QUIET_SECONDS="1", **clock.env)
        postgres.stop()


def test_everybody_goes_on_when_the_clock_is_set(env: dict[str, str], clock: Clock, tmp_path: Path) -> None:
    with Command("up", env=env) as up:
        assert up.says(READY), up.said
        scene = run(env, STAGE.format(studies=STUDIES))
        modality = Modality(tmp_path, env["WASL_DICOM_PORT"], scene["studies"], scene["number"])
        leila, amel, sami = (Browser(env["WASL_HTTP_PORT"], scene[name]) for name in ("leila", "amel", "sami"))
        writer, doctor = Load(Writer(leila, scene["case"]).save), Load(lambda: order(amel, scene))
        loads = [writer, doctor, Load(modality.send)]
        for load in loads:
            load.start()
        try:
            for seconds in (HOUR, 0):
                went_on(loads, up)
                clock.set(seconds)
                lived_on(env)
            went_on(loads, up)
            assert up.says("The clock was set back."), up.said
        finally:
            for load in loads:
                load.stop()
            for browser in (leila, amel):
                browser.close()
        # what came in the hour that was taken back is not waited for until that hour is over
        assert eventually(lambda: ask(env, AHEAD) == [(0,)]), up.said
        assert eventually(lambda: ask(env, DONE_AGAIN) == [(0,)]), up.said
        assert eventually(lambda: ask(env, UNTOLD) == [], AN_HOUR), ask(env, UNTOLD)
        prove(env, scene, writer.acknowledged, doctor.acknowledged, modality.stored)
        prove_listed(sami, int(env["WASL_DICOM_PORT"]), tmp_path, modality.stored)
        sami.close()
        assert up.end() == 0, up.said


def went_on(loads: list[Load], up: Command) -> None:
    """Everybody gets on, more than once: what was under way when the clock was set is over."""
    for _ in range(3):
        known = [len(load.acknowledged) for load in loads]
        assert eventually(partial(all_went_on, loads, known)), up.said


def lived_on(env: dict[str, str]) -> None:
    """Long enough for whoever looks at the clock now and then: a worker gives two signs of life."""
    for _ in range(2):
        signs = ask(env, SIGNS)
        assert eventually(partial(gave_sign, env, signs))


def gave_sign(env: dict[str, str], before: list[tuple[object, ...]]) -> bool:
    """Whether a worker was heard since."""
    return ask(env, SIGNS) != before


def test_a_worker_starts_anew_when_the_clock_is_set_back(env: dict[str, str], clock: Clock) -> None:
    done = "select count(*) from procrastinate_workers"  # three of a process: lines and messages are apart
    with Command("work", env=env) as work:
        assert eventually(lambda: ask(env, done) == [(3,)]), work.said
        clock.set(-HOUR)
        assert work.process.wait(PATIENCE) == 1, work.said
    assert "The clock was set back." in work.said
    with Command("work", env=env) as work:
        assert eventually(lambda: ask(env, done) == [(3,)]), work.said
        assert work.end(signal.SIGTERM) == 0, work.said
