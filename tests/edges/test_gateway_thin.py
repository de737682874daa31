"""A stroke passes two gigabytes of routine studies on their way: a real gateway on 1 Mbit/s between namespaces.

No time is asserted: what the line carries meanwhile is counted, and the line has a rate.
"""

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.edges.crossing import soon
from tests.edges.scenes import PATIENCE, Command
from tests.edges.sites import MACHINE, Site, centre, gateway
from tests.edges.test_up import READY
from tests.edges.wire import ADDRESSES, CENTRE, REACHED, SITE, Wire, why_no_wire, wire
from tests.journeys.machine import Machine, pictures

RATE, DELAY = 1_000_000, 0.15  # bits a second, seconds one way
SECONDS = 30  # until the first slice is there; what the line carries in them is what is asserted
QUEUED = 2_000_000_000  # bytes of routine images
STAGE = """
import json
from tests import make
from tests.cast import cast
stage = cast()
order = make.order(stage, urgency="P1", patient=make.patient(stage).id)
print(json.dumps(order.accession))
"""
# files that are mostly holes, in a syntax whose pixels are sent as they are
ROUTINE = """
import struct
from pydicom.uid import JPEGLSLossless
from tests import make
from wasl.archive import queries, services
from wasl.archive.dicom import incoming
from wasl.kernel.access import SYSTEM
place, size = queries.centre(viewer=SYSTEM).place_id, 96 << 20
for study in range(6):
    uid = f"1.2.826.0.1.3680043.10.1337.{study + 1}"
    for number in range(4):
        data = make.image(number, StudyInstanceUID=uid, PatientID=f"R-{study}")
        del data.PixelData
        draft = services.arriving() / f"{study}-{number}.part"
        with draft.open("wb") as file:
            file.write(make.part10(data, JPEGLSLossless))
            file.write(bytes.fromhex("e07f1000") + b"OB" + struct.pack("<HI", 0, 0xFFFFFFFF))
            file.write(bytes.fromhex("feff00e0") + struct.pack("<I", 0))
            file.write(bytes.fromhex("feff00e0") + struct.pack("<I", size))
            file.seek(size, 1)
            file.write(bytes.fromhex("feffdde0") + struct.pack("<I", 0))
        (outcome,) = services.receive([incoming(draft, place=place, move=True)], by=SYSTEM)
    services.complete_study(outcome.study, how="quiet", by=SYSTEM)
"""
LEFT = (
    "select coalesce(sum(s.size - t.sent), 0)::bigint, coalesce(sum(t.carried), 0)::bigint from archive_transfer t"
    " join archive_study s on s.id = t.study_id where t.ended_at is null and t.rank = 3 and s.complete_at is not null"
)
THERE = (
    "select count(*) from archive_instance i join archive_series s on s.id = i.series_id"
    " join archive_study t on t.id = s.study_id where t.uid = %s"
)


@dataclass
class Scene:
    """A centre and a gateway that joined it, each at its end of the line."""

    there: Site
    here: Site
    thin: Wire
    edge: Command
    accession: str


@pytest.fixture
def scene() -> Iterator[Scene]:
    if why := why_no_wire():
        pytest.skip(f"No line between namespaces: {why}")
    with ExitStack() as stack:
        thin = stack.enter_context(wire(rate=RATE, delay=DELAY))
        there, here = (
            stack.enter_context(centre()),
            stack.enter_context(gateway(machines=f'{MACHINE}address = "127.0.0.1"\n')),
        )
        there.env.update(REACHED, WASL_LINKS_HOST=ADDRESSES[CENTRE])
        up = stack.enter_context(Command("up", env=there.env, within=thin.within(CENTRE)))
        assert soon(lambda: READY in up.said), up.said
        accession = json.loads(there.python(STAGE))
        ended, said = there.run("gateway", "add", "Salle 2", "--place", "oued-zen")
        assert ended == 0, said
        address = f"http://{ADDRESSES[CENTRE]}:{there.http}"
        code = re.findall(r"^code\s+(\S+)$", said, re.MULTILINE)[0]
        with Command("edge", "join", address, code, env=here.env, within=thin.within(SITE)) as join:
            assert join.process.wait(PATIENCE) == 0, join.said
        edge = stack.enter_context(Command("edge", env=here.env, within=thin.within(SITE)))
        assert soon(lambda: READY in edge.said), edge.said
        yield Scene(there, here, thin, edge, accession)


def test_the_first_slice_of_a_stroke_passes_two_gigabytes_on_a_thin_line(scene: Scene, tmp_path: Path) -> None:
    here, there, thin = scene.here, scene.there, scene.thin
    assert soon(lambda: here.ask("select accession, rank from archive_expected") == [(scene.accession, 1)])
    here.python(ROUTINE)
    assert soon(lambda: here.ask(LEFT)[0][0] > QUEUED and here.ask(LEFT)[0][1] > 200_000), here.ask(LEFT)
    scanner = Machine(here.dicom, tmp_path, "GATEWAY", within=thin.within(SITE))
    images = pictures(scanner.item(scene.accession), 24)
    study = str(images[0].StudyInstanceUID)
    left, before = here.ask(LEFT)[0][0], thin.carried
    scanner.stores(images)
    assert soon(lambda: there.ask(THERE, study) != [(0,)]), scene.edge.said
    first = thin.carried - before
    assert soon(lambda: there.ask(THERE, study) == [(len(images),)]), scene.edge.said
    whole = thin.carried - before
    print(
        f"\n{left} bytes waited; {first} carried by {thin.by} until the first slice was whole, {whole} until all were"
    )
    assert first <= SECONDS * RATE / 8
    assert here.ask(LEFT)[0][0] > QUEUED
    ranked = "select t.rank from archive_transfer t join archive_study s on s.id = t.study_id where s.uid = %s"
    assert here.ask(ranked, study) == [(1,)]
