"""How much memory a hospital's gateway takes while a CT of 1,000 slices comes in: every process, PostgreSQL included.

Proportional set size (PSS), so that a page shared by several processes counts once. The line is cut meanwhile, as it is
when memory matters most. Nothing is asserted.
"""

import re
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import store
from pydicom.uid import generate_uid

from bench.blank import scenes
from tests.edges.scenes import Command, descendants, eventually
from tests.edges.sites import MACHINE, Site, gateway

SLICES, LIMIT = 1000, 512  # images, megabytes
JOINED = """
from django.conf import settings
from wasl.accounts import services
from wasl.accounts.services import authority
from wasl.edges.links import keys
key, request = keys.new_key()
given = authority.sign(request, name="bench").public_bytes(authority.serialization.Encoding.PEM)
keys.keep_pair(settings.DATA, key, given)
keys.keep_centre(settings.DATA, keys.Joined(links="https://127.0.0.1:9"), services.door_certificate()[1].read_bytes())
"""
MACHINES = """
from wasl.archive import services
from wasl.edges.cli import edge_config
from wasl.edges.links.keeping import _settle
from wasl.kernel.access import SYSTEM
region = dict(country="TN", code="TN-00", kind="governorate", name_ar="-", name_fr="-", name_en="-", latitude=0,
              longitude=0, source="bench")
said = {"code": "bench", "names": ["-", "-", "-"], "kind": "tn_hr", "invented": True, "region": region}
services.name_centre(address="https://127.0.0.1:9", place=_settle(said, edge_config.machines()), by=SYSTEM)
"""


def main() -> None:
    """Start a gateway, send, and print the highest sum that was seen."""
    with scenes() as folder, gateway(machines=f'{MACHINE}address = "127.0.0.1"\n') as here:
        own = Site(here.home, {**here.env, "WASL_DATA": str(here.home), "WASL_GATEWAY": "1"}, here.http, here.dicom)
        own.python(JOINED)
        with Command("edge", env=here.env) as edge:
            wait(here.answers)
            own.python(MACHINES)
            tell("at rest", memory(edge.process.pid))
            highest: dict[str, int] = {}
            over = threading.Event()
            watching = threading.Thread(target=watch, args=(edge.process.pid, highest, over))
            watching.start()
            begun = time.monotonic()
            send(here, folder / "slices")
            seconds = time.monotonic() - begun
            over.set()
            watching.join()
            stored = here.ask("select count(*) from archive_instance")[0][0]
            tell(f"at most, while {stored} slices came in {seconds:.0f} s", highest)


def send(here: Site, folder: Path) -> None:
    """Studies of 300 slices, the last one of the rest."""
    sent = 0
    while sent < SLICES:
        study = folder / str(sent)
        store.slices(study, generate_uid())
        files = sorted(map(str, study.iterdir()))[: SLICES - sent]
        command = ["storescu", "-aec", "GATEWAY", "-aet", "CT_OUEDZEN", "127.0.0.1", str(here.dicom)]
        subprocess.run([*command, *files], check=True)
        sent += len(files)


def wait(what: Callable[[], bool]) -> None:
    """Wait longer than a test would: the machine may be busy."""
    if not eventually(what, 600):
        raise SystemExit("The gateway did not start.")


def watch(pid: int, highest: dict[str, int], over: threading.Event) -> None:
    """Keep the sample whose sum is the highest."""
    while not over.wait(0.5):
        found = memory(pid)
        if sum(found.values()) > sum(highest.values()):
            highest.clear()
            highest.update(found)


def memory(pid: int) -> dict[str, int]:
    """Kilobytes of every process of the gateway, by what it is."""
    found: dict[str, int] = {}
    for process in {pid, *descendants(pid)}:
        try:
            name = Path(f"/proc/{process}/comm").read_text().strip()
            text = Path(f"/proc/{process}/smaps_rollup").read_text()
            pss = int(re.findall(r"^Pss:\s+(\d+)", text, re.MULTILINE)[0])
        except (OSError, IndexError):
            continue
        found[name] = found.get(name, 0) + pss
    return found


def tell(when: str, found: dict[str, int]) -> None:
    """One line each, and the sum."""
    print(f"{when}: {sum(found.values()) / 1024:.0f} MB of {LIMIT}")
    for name, size in sorted(found.items(), key=lambda pair: -pair[1]):
        print(f"  {size / 1024:6.0f}  {name}")


if __name__ == "__main__":
    main()
