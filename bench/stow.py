"""How many images a second: STOW-RS of a 300-slice CT with one and four clients, beside Debian's Orthanc.

As `bench/store.py`, with the same files; each client sends its share as one request, from a process of its own.
"""

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.figures import note
from bench.peers import started
from bench.store import ADD_SOURCE, SLICES, WASL, compare, free_port, memory, running

ADD_SENDER = (
    ADD_SOURCE
    + """
from wasl.accounts import services as accounts
from wasl.accounts.models import Person
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.conf import settings
person = accounts.add_person(username="bench", password=None, given_name="B", family_name="M", given_name_ar="-",
                             family_name_ar="-", demo=True, by=SYSTEM)
accounts.give_post(person.id, role="radiographer", place=place.id, by=SYSTEM)
row, session = Person.objects.get(id=person.id), SessionStore()
session[SESSION_KEY], session[HASH_SESSION_KEY] = str(row.pk), row.get_session_auth_hash()
session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
session.create()
print(settings.SESSION_COOKIE_NAME + "=" + session.session_key)
"""
)
SEND = """
import http.client, sys
host, port, path, cookie, *files = sys.argv[1:]
def body():
    for file in files:
        yield b"--bench\\r\\nContent-Type: application/dicom\\r\\n\\r\\n"
        yield open(file, "rb").read()
        yield b"\\r\\n"
    yield b"--bench--\\r\\n"
link = http.client.HTTPConnection(host, int(port))
head = {"Content-Type": 'multipart/related; type="application/dicom"; boundary=bench',
        "Accept": "application/dicom+json", "Cookie": cookie, "Origin": f"http://{host}:{port}"}
link.request("POST", path, body(), head, encode_chunked=True)
answer = link.getresponse()
answer.read()
sys.exit(answer.status != 200)
"""


def send(address: tuple[int, str, str], folder: Path, clients: int) -> float:
    """Images a second that a receiver acknowledges, the slices shared out among so many clients."""
    files = sorted(map(str, folder.iterdir()))
    port, path, cookie = address
    started = time.perf_counter()
    senders = [
        subprocess.Popen([sys.executable, "-c", SEND, "127.0.0.1", str(port), path, cookie, *files[n::clients]])
        for n in range(clients)
    ]
    if any([sender.wait() for sender in senders]):
        raise SystemExit(f"{path} refused images.")
    return SLICES / (time.perf_counter() - started)


@contextlib.contextmanager
def wasl(home: Path) -> Iterator[tuple[int, str, str]]:
    """Wasl's pages and DICOMweb on a database of its own, and who is signed in."""
    from wasl.edges.cli.postgres import Postgres

    port, database = free_port(), Postgres(home)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WASL_")}
    env = {**kept, "WASL_DATA": str(home), "WASL_HTTP_PORT": str(port), "DJANGO_SETTINGS_MODULE": "wasl.settings",
           "WASL_DEMO": "1"}  # fmt: skip
    database.ensure()
    try:
        subprocess.run([*WASL, "migrate"], env=env, check=True, stdout=subprocess.DEVNULL)
        said = subprocess.run([sys.executable, "-c", ADD_SENDER], env=env, check=True, capture_output=True, text=True)
        with running([*WASL, "serve"], port, env) as process:
            yield port, "/dicom-web/studies", said.stdout.split()[-1]
            largest = memory(process)
            print(f"STOW-RS: Wasl's largest process grew to {largest} MB")
            note("STOW-RS memory", largest, size=SLICES)
    finally:
        database.stop()


@contextlib.contextmanager
def orthanc(kind: str, home: Path) -> Iterator[tuple[int, str, str]]:
    """Debian's Orthanc with its DICOMweb plugin, without its delays."""
    with started(kind, home, web=True, DicomServerEnabled=False, HttpThreadsCount=16) as running:
        yield running.http, "/dicom-web/studies", ""


def main() -> None:
    """STOW-RS."""
    with tempfile.TemporaryDirectory(prefix="wasl-bench-", ignore_cleanup_errors=True) as folder:
        compare("STOW-RS", Path(folder), wasl, orthanc, send, (1, 4))


if __name__ == "__main__":
    main()
