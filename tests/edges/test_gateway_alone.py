"""A gateway whose line is away: its processes die, its disk fills, its certificate runs out; nothing is lost.

One centre and one gateway, of which each test leaves what it began sent, under one clock that is set.
"""

import datetime
import json
import os
import random
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydicom import Dataset, dcmread

from tests import make
from tests.edges.clock import Clock, needs_clock
from tests.edges.dicom import client
from tests.edges.line import Line
from tests.edges.scenes import Command, data_folder, descendants, eventually
from tests.edges.sites import MACHINE, Site, centre, gateway
from tests.edges.test_dicomweb_stow import body
from tests.edges.test_gateway_story import files, somebody_signs_in, the_gateway_joins, the_line
from tests.edges.test_kill import JOBS, PIXELS, UNTOLD, Load, Modality
from tests.edges.test_up import running
from tests.journeys.machine import Machine
from wasl.edges.cli.postgres_processes import server_pid

pytestmark = needs_clock
DAY = 86400
TITLE = "GATEWAY"
VICTIMS = ("dicom", "serve", "edge work", "postgres", "dicom")
SEED = int(os.environ.get("WASL_SEED", "11"))
ROOM, RESERVE = "64m", 0.02  # the gateway's disk, and the gigabytes of it that are never filled
STAGE = """
import json
from tests import make
from tests.cast import cast
stage = cast()
exam, woman = make.procedure(), make.patient(stage)
asked = dict(dies=("P3", "P1"), full=("P3", "P3"), alone=("P3",) * 7)
made = {name: [make.order(stage, patient=woman.id, procedure=exam.id, urgency=urgency) for urgency in all_of_it]
        for name, all_of_it in asked.items()}
print(json.dumps({name: [(order.accession, order.study_uid) for order in orders] for name, orders in made.items()}))
"""
WHOLE = "from wasl.kernel import journal; assert list(journal.verify()) == []; print('whole')"
TWICE = (
    "select name, coalesce(data->>'transfer', subject::text) as what, count(*) from kernel_fact where name = any(%s)"
    " group by 1, 2 having count(*) > 1"
)
ONCE = ["archive.StudyArrived", "archive.StepStarted", "archive.StepCompleted", "archive.TransferSent"]
RUNS_OUT = "select error from archive_centre where silent_since is not null"


@dataclass
class Scene:
    """The two, the line between them, and their clock."""

    there: Site
    here: Site
    thin: Line
    clock: Clock
    asked: dict[str, list[tuple[str, str]]]
    edge: Command | None = None
    ahead: int = 0  # seconds
    lives: list[Command] = field(default_factory=list)

    def start(self) -> Command:
        """The gateway at work, started when it does not run."""
        if self.edge is None or self.edge.process.poll() is not None:
            self.edge = Command("edge", env=self.here.env, within=self.clock.within)
            self.lives.append(self.edge)
        assert eventually(self.here.answers), self.edge.said
        return self.edge

    def orders(self, test: str) -> list[tuple[str, str]]:
        """A test's orders, of which the gateway has heard: accession and study UID of each."""
        wanted = [accession for accession, _ in self.asked[test]]
        known = "select count(*) from archive_expected where accession = any(%s)"
        assert eventually(lambda: self.here.ask(known, wanted) == [(len(wanted),)]), self.edge and self.edge.said
        return [(accession, uid) for accession, uid in self.asked[test]]

    def go(self, days: int) -> None:
        """Let so many days pass."""
        self.ahead += days * DAY
        self.clock.set(self.ahead)

    def arrived(self, uids: Sequence[str]) -> bool:
        """Whether these images lie at the centre."""
        query = "select count(*) from archive_instance where uid = any(%s)"
        return self.there.ask(query, list(uids)) == [(len(uids),)]

    def same(self, uids: Sequence[str]) -> bool:
        """Whether they are there as they are here, byte for byte."""
        ours, theirs = files(self.here), files(self.there)
        return {uid: theirs[uid] for uid in uids} == {uid: ours[uid] for uid in uids}

    def told_once(self) -> bool:
        """Whether each fact was told once at both ends, and no step is left to tell."""
        return (
            [site.ask(TWICE, ONCE) for site in (self.here, self.there)] == [[], []]
            and self.here.ask("select count(*) from archive_performedstep where told <> state") == [(0,)]
            and [site.ask(UNTOLD) for site in (self.here, self.there)] == [[], []]
        )

    def untold(self) -> str:
        """What stands in the way of that, at both ends."""
        queries = (UNTOLD, JOBS)
        left = [[site.ask(query) for query in queries] for site in (self.here, self.there)]
        steps = self.here.ask("select study_uid, told, state from archive_performedstep where told <> state")
        return f"{[site.ask(TWICE, ONCE) for site in (self.here, self.there)]}\n{left}\n{steps}"

    def performed(self, studies: Sequence[str]) -> bool:
        """Whether the centre heard that these exams are over."""
        query = "select count(*) from archive_performedstep where study_uid = any(%s) and state = 'completed'"
        return self.there.ask(query, list(studies)) == [(len(studies),)]


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    with ExitStack() as stack:
        clock = Clock(stack.enter_context(data_folder()))
        there = stack.enter_context(centre())
        here = stack.enter_context(gateway(machines=f'[keep]\nreserve = {RESERVE}\n{MACHINE}address = "127.0.0.1"\n'))
        for site in (there, here):
            site.env.update(clock.env)
        stack.enter_context(small_disk(here.home / "storage"))
        thin = stack.enter_context(the_line(there))
        thin.rate = 0.0
        up = stack.enter_context(Command("up", env=there.env, within=clock.within))
        assert eventually(there.answers), up.said
        asked = json.loads(there.python(STAGE))
        the_gateway_joins(there, here)
        opened = Scene(there, here, thin, clock, asked)
        try:
            yield opened
        finally:
            for life in opened.lives:
                life.__exit__()
        # of the gateways the database is killed, and libraries say that at length
        assert "Traceback" not in up.said, up.said


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """A disk of its own for the images, where this machine lets one be mounted."""
    folder.mkdir(exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={ROOM}", "tmpfs", str(folder)]
    mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    try:
        yield
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", folder], check=True)


def kill(here: Site, edge: Command, victim: str) -> None:
    """Kill a part of the gateway as soon as it runs."""

    def done() -> bool:
        try:
            pid = server_pid(here.home / "pg18") if victim == "postgres" else running(edge, "wasl", *victim.split())
            if pid:
                os.kill(pid, signal.SIGKILL)
        except (OSError, AssertionError):  # it, or a process beside it, ended while it was looked for
            return False
        return pid is not None

    assert eventually(done), edge.said


def kill_all(edge: Command) -> None:
    """As a machine dies that loses its power."""
    for pid in (edge.process.pid, *descendants(edge.process.pid)):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    edge.process.wait()


def images_of(folder: Path, study: str) -> list[Dataset]:
    found = [dcmread(path) for path in sorted(folder.glob("*.dcm"))]
    return [image for image in found if image.StudyInstanceUID == study]


def test_a_gateway_that_dies_and_starts_again_without_the_line_loses_nothing(scene: Scene, tmp_path: Path) -> None:
    here, there, thin = scene.here, scene.there, scene.thin
    (folder := tmp_path / "made").mkdir()
    edge = scene.start()
    (routine, urgent) = scene.orders("dies")
    scanner = Machine(here.dicom, tmp_path, TITLE)
    items = [scanner.item(accession) for accession, _ in (routine, urgent)]
    modality = Modality(folder, str(here.dicom), [routine[1], urgent[1]], "HZ-1980", called=TITLE)
    modality.make()
    modality.make()
    made = {uid: images_of(folder, uid) for _, uid in (routine, urgent)}
    count = sum(map(len, made.values()))
    thin.cut()
    for item in items:
        scanner.begins(item)
    load = Load(modality.send)
    load.start()
    try:
        chance = random.Random(SEED)
        for victim, moment in zip(VICTIMS, sorted(chance.choices(range(count), k=len(VICTIMS))), strict=True):
            assert eventually(partial(came, modality, moment)), edge.said
            kill(here, edge, victim)
        kill_all(edge)
        edge = scene.start()  # without the line
        assert eventually(lambda: len(modality.stored) == count), edge.said
    finally:
        load.stop()
    kill_all(edge)  # and once more, with all that was acknowledged waiting
    edge = scene.start()
    scanner_works(scanner, items, made)
    salma = somebody_signs_in(here, urgent[1], ahead=scene.ahead)
    sent = [image.SOPInstanceUID for images in made.values() for image in images]
    sent += [takes_by_stow(here, salma), takes_by_the_page(here, salma)]
    the_viewer_reads(here, salma, made[urgent[1]])
    assert thin.is_cut
    assert set(modality.stored) <= set(sent)
    assert eventually(lambda: ranks(here, routine[1], urgent[1]) == [3, 1]), edge.said
    thin.mend()
    assert eventually(lambda: scene.arrived(sent)), edge.said
    assert scene.same(sent)
    assert eventually(lambda: scene.performed([routine[1], urgent[1]])), edge.said
    first, last = span(there, routine[1])[0], span(there, urgent[1])[1]
    assert last < first  # the urgent study whole before the first image of the other
    assert eventually(scene.told_once), (scene.untold(), edge.said)
    arrivals = "select count(*) from kernel_fact f join archive_study s on s.id = f.subject where s.uid = any(%s)"
    arrivals += " and f.name = 'archive.StudyArrived'"
    assert [site.ask(arrivals, [routine[1], urgent[1]]) for site in (here, there)] == [[(2,)], [(2,)]]
    assert "whole" in here.python(WHOLE)


def came(modality: Modality, number: int) -> bool:
    return len(modality.stored) >= number


def scanner_works(scanner: Machine, items: Sequence[Dataset], made: dict[str, list[Dataset]]) -> None:
    """The worklist is the last one told, and the exams that were begun before it died end."""
    for item in items:
        assert scanner.item(item.AccessionNumber).StudyInstanceUID == item.StudyInstanceUID
        scanner.ends(item, made[item.StudyInstanceUID])


def takes_by_stow(here: Site, cookies: dict[str, str]) -> str:
    image = make.image()
    content, kind = body(make.part10(image))
    with httpx.Client(base_url=here.address, cookies=cookies, timeout=60) as salma:
        answer = salma.post("/dicom-web/studies", content=content, headers={"content-type": kind})
    assert answer.status_code == 200, answer.text
    return str(image.SOPInstanceUID)


def takes_by_the_page(here: Site, cookies: dict[str, str]) -> str:
    image = make.image()
    kind = {"content-type": "application/octet-stream"}
    with httpx.Client(base_url=here.address, cookies=cookies, timeout=60) as salma:
        assert 'id="files"' in salma.get("/archive/upload/").text
        answer = salma.post("/dicom-web/upload?language=fr", content=make.part10(image), headers=kind)
    assert answer.json()["stored"] == 1, answer.text
    return str(image.SOPInstanceUID)


def the_viewer_reads(here: Site, cookies: dict[str, str], images: Sequence[Dataset]) -> None:
    """What the viewer asks: the studies, the metadata of a series, every frame."""
    study, series = images[0].StudyInstanceUID, images[0].SeriesInstanceUID
    kind = "multipart/related; type=application/octet-stream; transfer-syntax=*"
    with httpx.Client(base_url=here.address, cookies=cookies, timeout=60) as salma:
        (found,) = salma.get("/dicom-web/studies", params={"StudyInstanceUID": study}).json()
        assert found["00201208"]["Value"] == [len(images)]
        base = f"/dicom-web/studies/{study}/series/{series}"
        uids = {one["00080018"]["Value"][0] for one in salma.get(f"{base}/metadata").json()}
        assert uids == {image.SOPInstanceUID for image in images}
        for image in images:
            frame = salma.get(f"{base}/instances/{image.SOPInstanceUID}/frames/1", headers={"accept": kind})
            assert image.PixelData[:PIXELS] in frame.content


def ranks(here: Site, *studies: str) -> list[int]:
    """How urgently these whole studies wait."""
    query = (
        "select s.uid, t.rank from archive_transfer t join archive_study s on s.id = t.study_id"
        " where s.complete_at is not null and t.ended_at is null"
    )
    waiting = dict(here.ask(query))
    return [waiting[study] for study in studies if study in waiting]


def span(there: Site, study: str) -> tuple[datetime.datetime, datetime.datetime]:
    """When the first and the last image of a study came to the centre."""
    ((first, last),) = there.ask(
        "select min(i.created_at), max(i.created_at) from archive_instance i join archive_series s"
        " on s.id = i.series_id join archive_study t on t.id = s.study_id where t.uid = %s", study
    )  # fmt: skip
    return first, last


def pictures_of(study: str, count: int, size: int, folder: Path) -> tuple[list[Dataset], list[Path]]:
    """Slices that no packing makes smaller, and their files."""
    folder.mkdir()
    images, paths = [], []
    for number in range(count):
        image = make.image(number, StudyInstanceUID=study, Rows=size, Columns=size)
        image.PixelData = random.Random(number).randbytes(size * size * 2)
        images.append(image)
        paths.append(folder / f"{number:03}.dcm")
        paths[-1].write_bytes(make.part10(image))
    return images, paths


def test_a_full_disk_refuses_and_gives_up_nothing_until_the_line_is_back(scene: Scene, tmp_path: Path) -> None:
    here, thin = scene.here, scene.thin
    if not (here.home / "storage").is_mount():
        pytest.skip("No small disk can be mounted here: that needs root.")
    edge = scene.start()
    orders = scene.orders("full")
    scanner = Machine(here.dicom, tmp_path, TITLE)
    items = [scanner.item(accession) for accession, _ in orders]
    (first, first_files), (second, second_files) = (
        pictures_of(uid, count, 1024, tmp_path / uid) for (_, uid), count in zip(orders, (9, 16), strict=True)
    )
    thin.cut()
    for item in items:
        scanner.begins(item)
    assert stores(here, first_files) == ["Success"] * len(first)
    scanner.ends(items[0], first)
    heard = stores(here, second_files)
    assert set(heard) == {"Success", "Refused: OutOfResources"}  # A700
    kept = [str(image.SOPInstanceUID) for image, said in zip(second, heard, strict=True) if said == "Success"]
    acknowledged = [*(str(image.SOPInstanceUID) for image in first), *kept]
    rim = somebody_signs_in(here, orders[0][1], name="rim", ahead=scene.ahead)
    with httpx.Client(base_url=here.address, cookies=rim, timeout=60) as browser:
        assert "Le disque est plein" in browser.get("/").text
        refused = browser.post("/dicom-web/studies", **stow(second[-1]))
        assert (refused.status_code, f"[{0xA700}]" in refused.text.replace(" ", "")) == (409, True)
    assert eventually(lambda: here.ask("select error <> '' from archive_centre") == [(True,)]), edge.said
    assert stores(here, second_files[len(kept) :])[-1] == "Refused: OutOfResources"
    still = "select count(*) from archive_instance where uid = any(%s)"
    assert here.ask(still, acknowledged) == [(len(acknowledged),)]
    thin.mend()
    assert eventually(lambda: scene.arrived(acknowledged)), edge.said
    assert eventually(lambda: stores(here, second_files) == ["Success"] * len(second)), edge.said
    scanner.ends(items[1], second)
    everything = [str(image.SOPInstanceUID) for image in (*first, *second)]
    assert eventually(lambda: scene.arrived(everything)), edge.said
    assert all(lies_there(scene.there, image) for image in (*first, *second))
    assert here.ask(still, [str(image.SOPInstanceUID) for image in first]) == [(0,)]  # made room, held by the centre
    assert eventually(lambda: scene.performed([uid for _, uid in orders])), edge.said
    assert eventually(scene.told_once), (scene.untold(), edge.said)


def stow(image: Dataset) -> dict[str, Any]:
    content, kind = body(make.part10(image))
    return {"content": content, "headers": {"content-type": kind}}


def lies_there(there: Site, image: Dataset) -> bool:
    """Whether an image's file at the centre ends in its pixels."""
    ((path,),) = there.ask("select path from archive_instance where uid = %s", str(image.SOPInstanceUID))
    return bool((there.home / "storage" / path).read_bytes().endswith(image.PixelData))


def stores(here: Site, paths: Sequence[Path]) -> list[str]:
    """What the gateway says of each image, as a scanner hears it."""
    said = client("storescu", here.dicom, "-v", "-nh", *paths, us=TITLE)
    return [line.partition("(")[2].rstrip(")") for line in said.text.splitlines() if "Received Store Response" in line]


def test_a_gateway_that_was_alone_until_its_certificate_ran_out_joins_again_and_sends_all(
    scene: Scene, tmp_path: Path
) -> None:
    here, there, thin = scene.here, scene.there, scene.thin
    edge = scene.start()
    orders = scene.orders("alone")
    joined = here.ask("select certificate_until from archive_centre")
    thin.cut()
    scanner = Machine(here.dicom, tmp_path, TITLE)
    scene.go(84)
    sent: list[str] = []
    for accession, _ in orders:
        scene.go(1)
        images = scanner.performs(scanner.item(accession), 1)
        sent += [str(image.SOPInstanceUID) for image in images]
    thin.mend()
    assert eventually(lambda: here.ask(RUNS_OUT) == [("the certificate ran out",)]), here.ask(RUNS_OUT)
    assert there.ask("select count(*) from archive_instance where uid = any(%s)", sent) == [(0,)]
    _, said = here.run("edge", "doctor")
    assert "ask the centre for a new code" in said
    sonia = somebody_signs_in(here, orders[0][1], name="sonia", ahead=scene.ahead)
    with httpx.Client(base_url=here.address, cookies=sonia, timeout=60) as browser:
        assert "demandez un nouveau code au centre" in browser.get("/").text
    ended, said = there.run("gateway", "code", "Salle 2")
    assert ended == 0, said
    code = next(line.split()[1] for line in said.splitlines() if line.startswith("code"))
    ended, said = here.run("edge", "join", there.address, code)  # while the gateway runs
    assert ended == 0, said
    assert eventually(lambda: scene.arrived(sent)), edge.said
    assert scene.same(sent)
    assert eventually(lambda: scene.performed([uid for _, uid in orders])), edge.said
    assert eventually(scene.told_once), (scene.untold(), edge.said)
    assert here.ask("select silent_since is null, certificate_until > %s from archive_centre", joined[0][0]) == [
        (True, True)
    ]
    assert there.ask("select count(*) from accounts_gateway") == [(1,)]
    assert edge.process.poll() is None
