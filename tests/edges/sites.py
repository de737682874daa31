"""A centre and a gateway as real processes on folders of their own, and what they are asked."""

import contextlib
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psycopg

from tests.edges.scenes import PATIENCE, Command, environment, free_port, migrated_folder
from wasl.edges.cli.home import CHECKOUT
from wasl.edges.cli.postgres import Postgres


@dataclass
class Site:
    """An instance of Wasl on a folder of its own."""

    home: Path
    env: dict[str, str]
    http: int
    dicom: int

    @property
    def address(self) -> str:
        """Where its pages are."""
        return f"http://127.0.0.1:{self.http}"

    def answers(self) -> bool:
        """Whether its pages, and its DICOM listener, are there."""
        try:
            with socket.create_connection(("127.0.0.1", self.dicom), 5):
                return httpx.get(self.address, timeout=60).status_code < 500
        except (OSError, httpx.HTTPError):
            return False

    def ask(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """What its database answers."""
        with psycopg.connect(Postgres(self.home).dsn, autocommit=True) as connection:
            cursor = connection.execute(query.encode(), values)
            return cursor.fetchall() if cursor.description else []

    def run(self, *words: str) -> tuple[int, str]:
        """Run a command on it to its end: exit code and what it said."""
        with Command(*words, env=self.env) as command:
            code = command.process.wait(PATIENCE)
        command._reader.join(PATIENCE)
        return code, command.said

    def python(self, code: str) -> str:
        """Run some lines with its Django; what they printed. Raises RuntimeError."""
        lines = f"import django\ndjango.setup()\n{code}"
        env = {**self.env, "DJANGO_SETTINGS_MODULE": "wasl.settings", "PYTHONPATH": str(CHECKOUT)}
        ran = subprocess.run([sys.executable, "-c", lines], env=env, capture_output=True, text=True, check=False)
        if ran.returncode:
            raise RuntimeError(ran.stderr)
        return ran.stdout


MACHINE = """
[[machines]]
ae_title = "CT_OUEDZEN"
name = "Scanner, salle 1"
modality = "CT"
"""
SCENE = """
from tests import make
from tests.cast import cast
from wasl.accounts import services
stage = cast()
orders = [make.order(stage) for _ in range(2)]
_, code = services.add_gateway(name="Salle 2", place=stage.regional, by=stage.fatma)
print(code.printed, *(f"{order.id} {order.accession} {order.study_uid}" for order in orders))
"""


@contextlib.contextmanager
def centre() -> Iterator[Site]:
    """The folder and the settings of a centre; `Command("up", env=site.env)` runs it."""
    with migrated_folder() as home:
        http, dicom, links = free_port(), free_port(), free_port()
        more = {"WASL_HTTP_WORKERS": "1", "WASL_DICOM_WORKERS": "1", "WASL_DEMO": "1", "WASL_LINKS_PORT": str(links)}
        yield Site(home, environment(home, WASL_HTTP_PORT=str(http), WASL_DICOM_PORT=str(dicom), **more), http, dicom)


@contextlib.contextmanager
def gateway(*, machines: str = "") -> Iterator[Site]:
    """The folder of a gateway with its configuration file; `Command("edge", env=site.env)` runs it."""
    with migrated_folder() as home:
        http, dicom, config = free_port(), free_port(), home / "edge.toml"
        config.write_text(
            f'data = "{home}"\n[pages]\nport = {http}\n[dicom]\nport = {dicom}\nae_title = "GATEWAY"\n{machines}'
        )
        yield Site(home, environment(home, WASL_EDGE_CONFIG=str(config)), http, dicom)
