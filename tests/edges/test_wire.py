"""A study over a line between two namespaces, which goes silent at half: hardly anything goes twice."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cast import cast
from tests.edges.conftest import _database
from tests.edges.crossing import STAGE, TOKENS, Centre, kept, link, run, same, slices, soon, state
from tests.edges.scenes import Command, environment, migrated_folder, small
from tests.edges.test_up import READY
from tests.edges.wire import ADDRESSES, CENTRE, REACHED, SITE, Wire, why_no_wire, wire
from wasl.archive import services as archive
from wasl.archive.models import Link
from wasl.edges.cli.home import CHECKOUT
from wasl.kernel.access import SYSTEM

pytestmark = pytest.mark.django_db(transaction=True)
RATE, DELAY = 2_000_000, 0.15  # bits a second, seconds one way
SEND = """
import django, httpx, sys
django.setup()
from wasl.edges.dicom import sending
sending.LARGEST = 16 << 10
sending.PATIENCE, sending.LONGEST = httpx.Timeout(8.0), 1.0  # or a silent line is found out for a minute
line = httpx.HTTPTransport(socket_options=sending.SOCKET)
client = httpx.Client(transport=line, headers=dict(authorization="Bearer " + sys.argv[2]))
sending.Sender(sys.argv[1], client).run(lambda: False)
"""


@pytest.fixture
def thin() -> Iterator[Wire]:
    if why := why_no_wire():
        pytest.skip(f"No line between namespaces: {why}")
    with wire(rate=RATE, delay=DELAY) as laid:
        yield laid


@pytest.fixture
def centre(thin: Wire) -> Iterator[Centre]:
    with migrated_folder() as home:
        env = small(home, WASL_QUIET_SECONDS="3600", **REACHED)
        with Command("up", env=env, within=thin.within(CENTRE)) as up:
            assert soon(lambda: READY in up.said), up.said
            run(env, STAGE.format(tokens=TOKENS))
            yield Centre(env, up)


def test_a_line_that_goes_silent_at_half_hardly_sends_anything_twice(thin: Wire, centre: Centre, store: Path) -> None:
    images = slices(24)
    study = kept(cast(), images)
    to = link(f"http://{ADDRESSES[CENTRE]}:{centre.port}")
    archive.queue_transfer(study.id, link=to.id, by=SYSTEM)
    env = environment(Path(os.environ["WASL_DATA"]), WASL_DATABASE_URL=_database(), WASL_STORAGE=str(store))
    sender = subprocess.Popen(
        [*thin.within(SITE), sys.executable, "-c", SEND, str(to.id), TOKENS["site"]],
        cwd=CHECKOUT, env={**env, "DJANGO_SETTINGS_MODULE": "wasl.settings"},
    )  # fmt: skip
    try:
        assert soon(lambda: thin.carried > study.size // 2)
        thin.cut()
        assert soon(lambda: Link.objects.get().silent_since is not None)
        thin.mend()
        assert soon(lambda: state(study) == "sent")
    finally:
        sender.kill()
        sender.wait()
    print(f"\n{study.size} bytes, {thin.carried} carried by {thin.by}")
    assert thin.carried < 1.02 * study.size + RATE / 8 * 2 * DELAY + 15_000  # what was on its way; heads, two manifests
    assert same(centre, study, images)
