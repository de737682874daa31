"""Orthanc (Debian's packages orthanc and orthanc-dicomweb), the archive of somebody else in tests and benches.

It is a separate program under the GPL, started here and never imported.
"""

import contextlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.edges.scenes import eventually, free_port

ASKED_ANEW = httpx.Limits(max_keepalive_connections=0)  # a connection for each question
TITLE = "ORTHANC"
PROGRAM = shutil.which("Orthanc") or "/usr/sbin/Orthanc"  # where Debian puts it, which not everybody's PATH names
PLUGINS = Path("/usr/share/orthanc/plugins")
DICOMWEB = PLUGINS / "libOrthancDicomWeb.so"
POSTGRESQL = PLUGINS / "libOrthancPostgreSQLIndex.so"
PACKAGES = "orthanc orthanc-dicomweb"


def why_no_orthanc() -> str:
    """Why no Orthanc can be started here; empty when one can."""
    if Path(PROGRAM).exists() and DICOMWEB.exists():
        return ""
    return f"Orthanc and its DICOMweb plugin are not installed (Debian: apt-get install {PACKAGES})."


@dataclass(frozen=True)
class Orthanc:
    """One that runs: its ports, its version, what it was told, and its REST API."""

    http: int
    dicom: int
    version: str
    settings: dict[str, Any]
    client: httpx.Client

    def get(self, path: str) -> Any:  # noqa: ANN401  whatever JSON it answers
        """The answer to GET."""
        return self.client.get(path).raise_for_status().json()

    def put(self, path: str, said: object) -> None:
        """PUT."""
        self.client.put(path, json=said).raise_for_status()

    def post(self, path: str, said: object) -> Any:  # noqa: ANN401  whatever JSON it answers
        """The answer to POST."""
        return self.client.post(path, json=said).raise_for_status().json()

    def take(self, content: bytes) -> str:
        """Put a DICOM file into it, or a ZIP archive of some; the key under which it knows it, of a single file."""
        told = self.client.post("/instances", content=content).raise_for_status().json()
        return "" if isinstance(told, list) else str(told["ID"])

    def files(self) -> list[bytes]:
        """The files of all images that it holds, as they lie on its disk."""
        return [self.client.get(f"/instances/{key}/file").raise_for_status().content for key in self.get("/instances")]

    def empty(self) -> None:
        """Take everything out of it."""
        for key in self.get("/patients"):
            self.client.delete(f"/patients/{key}").raise_for_status()


@contextlib.contextmanager
def orthanc(home: Path, **more: object) -> Iterator[Orthanc]:
    """An Orthanc on the loopback, with its DICOMweb plugin and without its delays; `more` are settings of its own."""
    http, dicom = free_port(), free_port()
    home.mkdir(parents=True, exist_ok=True)
    settings: dict[str, Any] = {
        "DicomAet": TITLE, "DicomPort": dicom, "HttpPort": http, "StorageDirectory": str(home),
        "IndexDirectory": str(home), "RemoteAccessAllowed": False, "AuthenticationEnabled": False,
        "DicomCheckCalledAet": False, "TcpNoDelay": True, "KeepAlive": True, "SaveJobs": False,
        "Plugins": [str(DICOMWEB)], "DicomWeb": {"Enable": True}, **more,
    }  # fmt: skip
    (home / "orthanc.json").write_text(json.dumps(settings))
    env = {**os.environ, "TCP_NODELAY": "1"}  # DCMTK's own name for it; without it Orthanc waits after every image
    with (
        (home / "orthanc.log").open("wb") as log,
        subprocess.Popen([PROGRAM, str(home / "orthanc.json")], env=env, stdout=log, stderr=log) as process,
        # it hangs up on who asks nothing for a second: on a busy machine that is while a question is on its way
        httpx.Client(base_url=f"http://127.0.0.1:{http}", timeout=600, limits=ASKED_ANEW) as client,
    ):
        try:
            eventually(lambda: _answers(client) or process.poll() is not None)
            if process.poll() is not None:
                raise RuntimeError((home / "orthanc.log").read_text(errors="replace"))
            version = client.get("/system").raise_for_status().json()["Version"]
            yield Orthanc(http, dicom, version, settings, client)
        finally:
            process.terminate()


def _answers(client: httpx.Client) -> bool:
    with contextlib.suppress(httpx.TransportError):
        return client.get("/system").status_code == 200
    return False
