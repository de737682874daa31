"""A stroke behind a queue of routine, on a thin line: when its first readable slices are at the centre.

Two real instances, between them a line that carries 1 Mbit/s with 300 ms there and back: two network namespaces
(`tests/edges/wire.py`), or a slow socket where none may be made. Routine studies fill the queue; once they are on their
way, a stroke CT arrives at the site. Printed: seconds until the first slice of each of its series is at the centre (the
bar is 30) and until it is whole, what it would have waited for in turn, and how much of the line was used. Nothing is
asserted. WASL_BENCH_QUEUE sets the queue in megabytes (40).
"""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from tests.edges.line import Line, line
from tests.edges.scenes import Command, environment, free_port
from tests.edges.wire import ADDRESSES, REACHED, Wire, why_no_wire, wire
from tests.edges.wire import CENTRE as THERE
from tests.edges.wire import SITE as HERE
from wasl.edges.cli.postgres import Postgres

RATE, LATENCY = 125_000.0, 0.3
QUEUE = int(os.environ.get("WASL_BENCH_QUEUE", "40")) << 20
TOKEN = "token-of-the-bench"  # noqa: S105  of an instance that is thrown away
CENTRE = f"""
import datetime
from django.utils import timezone
from oauth2_provider.models import AccessToken
from wasl.accounts import services as accounts
from wasl.kernel.access import SYSTEM
client, _, _ = accounts.add_client(name="site", scopes=["dicomweb.write"], place=None, by=SYSTEM)
AccessToken.objects.create(application=client.application, token="{TOKEN}", scope="dicomweb.write",
                           expires=timezone.now() + datetime.timedelta(days=1))
"""
# a head CT as scanners make it: most of it air, the rest tissue with noise
SITE = """
import sys, time
import numpy as np
from pydicom.uid import generate_uid
from tests import make
from wasl.archive import services as archive
from wasl.archive.dicom import incoming
from wasl.kernel.access import SYSTEM

def study(series, slices, rank, link):
    uid, chance = str(generate_uid()), np.random.default_rng(1)
    y, x = np.mgrid[-1:1:512j, -1:1:512j]
    head = (x / 0.7) ** 2 + (y / 0.85) ** 2 < 1
    for number in range(1, series + 1):
        batch = []
        for place in range(1, slices + 1):
            data = make.image(place, StudyInstanceUID=uid, SeriesInstanceUID=uid[:60] + "." + str(number),
                              SeriesNumber=number, Rows=512, Columns=512)
            noise = chance.normal(40, 12, (512, 512))
            data.PixelData = np.where(head, noise, -1000).astype("int16").tobytes()
            batch.append(incoming(make.part10(data)))
        kept = archive.receive(batch, by=SYSTEM)[0].study
    archive.complete_study(kept, how="quiet", by=SYSTEM)
    archive.queue_transfer(kept, link=link, rank=rank, by=SYSTEM)
    return uid
"""
SENDER = f"""
import httpx, sys
from wasl.edges.dicom.sending import SOCKET, Sender
line = httpx.HTTPTransport(socket_options=SOCKET)
Sender(sys.argv[1], httpx.Client(transport=line, headers=dict(authorization="Bearer {TOKEN}"))).run(lambda: False)
"""


ARRIVED = """
select s.uid, extract(epoch from i.created_at)::float from archive_instance i
join archive_series s on s.id = i.series_id join archive_study t on t.id = s.study_id
where t.uid = %s order by i.created_at
"""


def run(env: dict[str, str], script: str, *words: str) -> str:
    """What a script says last in an instance."""
    command = [sys.executable, "-c", f"import django; django.setup()\n{script}", *words]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return (done.stdout.splitlines() or [""])[-1]


def ask(env: dict[str, str], query: str, *values: object) -> list[tuple[Any, ...]]:
    """What an instance's database says."""
    with psycopg.connect(Postgres(Path(env["WASL_DATA"])).dsn, autocommit=True) as connection:
        return connection.execute(query.encode(), values).fetchall()


def until(true: Callable[[], bool]) -> None:
    """Wait for something to become true."""
    while not true():
        time.sleep(0.2)


@dataclass
class Way:
    """From the site to the centre: what its line is, where it leads, and what its sender runs within."""

    thin: Line | Wire
    by: str
    url: str
    within: list[str]


@contextlib.contextmanager
def laid(port: int) -> Iterator[tuple[Way, list[str]]]:
    """A line to a centre at this port, and what the centre runs within."""
    if why := why_no_wire():
        with line(port, rate=RATE, latency=LATENCY) as thin:
            yield Way(thin, f"a slow socket ({why})", thin.url, []), []
    else:
        with wire(rate=round(RATE * 8), delay=LATENCY / 2) as real:
            url = f"http://{ADDRESSES[THERE]}:{port}"
            yield Way(real, f"two network namespaces, {real.by}", url, real.within(HERE)), real.within(THERE)


def measure(site: dict[str, str], centre: dict[str, str], way: Way) -> None:
    """The queue, then the stroke."""
    thin = way.thin
    add = f"{SITE}\nprint(archive.add_link(name='c', url='{way.url}', place=None, everything=False, by=SYSTEM).id)"
    link = run(site, add)
    run(site, f"{SITE}\nfor _ in range({max(QUEUE // 20_000_000, 1)}): study(1, 40, 3, sys.argv[1])", link)
    command = [*way.within, sys.executable, "-c", f"import django; django.setup()\n{SENDER}", link]
    with subprocess.Popen(command, env=site) as sender:
        try:
            until(lambda: thin.carried > 4 * RATE)
            began, before = time.monotonic(), thin.carried
            time.sleep(20)
            used = (thin.carried - before) / (time.monotonic() - began) / RATE
            stroke, queued = run(site, f"{SITE}\nprint(study(3, 10, 0, sys.argv[1]), time.time())", link).split()
            until(lambda: len(ask(centre, ARRIVED, stroke)) == 30)
            seconds = [(series, moment - float(queued)) for series, moment in ask(centre, ARRIVED, stroke)]
            left = "select sum(t.size - t.sent) from archive_transfer t where t.ended_at is null"
            ((rest,),) = ask(site, left)
        finally:
            sender.kill()
    each = max(min(moment for one, moment in seconds if one == series) for series in {one for one, _ in seconds})
    first, whole = seconds[0][1], seconds[-1][1]
    print(f"line: {RATE * 8 / 1e6:.0f} Mbit/s, {LATENCY * 1000:.0f} ms, by {way.by}; used by the queue: {used:.0%}")
    print(f"stroke: first slice {first:.1f} s, one of each series {each:.1f} s, all 30 slices {whole:.0f} s")
    print(f"routine that it did not wait for: {int(rest or 0) >> 20} MB")


def main() -> None:
    """Start both, measure, and leave nothing behind."""
    work = Path(tempfile.mkdtemp(prefix="wasl-bench-"))
    work.chmod(0o711)
    envs = []
    for name in ("centre", "site"):
        (work / name).mkdir(mode=0o711)
        ports = {"WASL_HTTP_PORT": str(free_port()), "WASL_DICOM_PORT": str(free_port())}
        if name == "centre" and not why_no_wire():
            ports |= REACHED
        env = environment(work / name, WASL_HTTP_WORKERS="1", DJANGO_SETTINGS_MODULE="wasl.settings", **ports)
        envs.append({**env, "PYTHONPATH": str(Path(__file__).parents[1])})
    centre, site = envs
    database = Postgres(work / "site")
    try:
        with laid(int(centre["WASL_HTTP_PORT"])) as (way, within), Command("up", env=centre, within=within) as up:
            while "Ctrl-C" not in up.said:
                time.sleep(0.5)
            run(centre, CENTRE)
            database.ensure()
            subprocess.run(
                [sys.executable, "-m", "wasl", "migrate"], env=site, check=True, stdout=subprocess.DEVNULL
            )  # fmt: skip
            measure(site, centre, way)
    finally:
        database.stop()
        Postgres(work / "centre").stop()
        shutil.rmtree(work)


if __name__ == "__main__":
    main()
