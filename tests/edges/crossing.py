"""A second Wasl beside that of the tests, and studies that cross a line to it."""

import contextlib
import hashlib
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psycopg
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from tests import make
from tests.cast import Cast
from tests.edges.scenes import PATIENCE, Command, eventually
from wasl.archive import services as archive
from wasl.archive.models import Link, Study, Transfer
from wasl.edges.cli.home import CHECKOUT
from wasl.edges.cli.postgres import Postgres
from wasl.edges.dicom.sending import Sender
from wasl.kernel.access import SYSTEM

TOKENS = {"site": "token-of-a-site", "second": "token-of-a-second-site"}
STAGE = """
import datetime, json
from django.utils import timezone
from oauth2_provider.models import AccessToken
from wasl.accounts import services as accounts
from wasl.kernel.access import SYSTEM
from wasl.places.services import add_place, add_region
region = add_region(country="TN", code="TN-32", kind="governorate", name_ar="-", name_fr="-", name_en="-",
                    latitude=36, longitude=8, source="tests", by=SYSTEM)
place = add_place(code="site", names=("-", "-", "-"), region=region.id, kind="tn_hr", by=SYSTEM, invented=True)
for name, token in {tokens}.items():
    client, _, _ = accounts.add_client(name=name, scopes=["dicomweb.write"], place=place.id, by=SYSTEM)
    AccessToken.objects.create(application=client.application, token=token, scope="dicomweb.write",
                               expires=timezone.now() + datetime.timedelta(hours=1))
print(json.dumps(str(place.id)))
"""
soon = partial(eventually, seconds=PATIENCE)


@dataclass
class Centre:
    """The other Wasl."""

    env: dict[str, str]
    up: Command

    @property
    def port(self) -> int:
        return int(self.env["WASL_HTTP_PORT"])

    def ask(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """What its database says."""
        with psycopg.connect(Postgres(Path(self.env["WASL_DATA"])).dsn, autocommit=True) as connection:
            return connection.execute(query.encode(), values).fetchall()

    def complete(self, study: str) -> bool:
        """Whether a study is complete there, by its site's word."""
        return self.ask("select complete_by from archive_study where uid = %s", study) == [("manifest",)]

    def bytes_of(self, study: str) -> int:
        """How much of a study is on the disk there, whole files and pieces."""
        kept = "select coalesce(sum(size), 0)::bigint from archive_study where uid = %s"
        arriving = Path(self.env["WASL_DATA"]) / "storage" / "arriving"
        return int(self.ask(kept, study)[0][0]) + sum(file.stat().st_size for file in arriving.glob("*.partial"))

    def holds(self, study: str) -> dict[str, str]:
        """The images of a study there, by UID, with the hash of the file as it lies on the disk."""
        rows = self.ask(
            "select i.uid, i.path from archive_instance i join archive_series s on s.id = i.series_id"
            " join archive_study t on t.id = s.study_id where t.uid = %s", study
        )  # fmt: skip
        store = Path(self.env["WASL_DATA"]) / "storage"
        return {uid: hashlib.sha256((store / path).read_bytes()).hexdigest() for uid, path in rows}


def run(env: dict[str, str], script: str) -> Any:  # noqa: ANN401
    words = [sys.executable, "-c", f"import django; django.setup()\n{script}"]
    done = subprocess.run(
        words, cwd=CHECKOUT, env={**env, "DJANGO_SETTINGS_MODULE": "wasl.settings"}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def slices(count: int, size: int = 256, study: str = "", **values: object) -> list[Dataset]:
    """Noise, which no packing makes smaller."""
    uid, chance = study or str(generate_uid()), np.random.default_rng(7)
    images = []
    for number in range(1, count + 1):
        data = make.image(number, StudyInstanceUID=uid, Rows=size, Columns=size, **values)
        data.PixelData = chance.integers(0, 1 << 16, size * size, dtype="uint16").tobytes()
        images.append(data)
    return images


def kept(stage: Cast, images: list[Dataset], *, whole: bool = True) -> Study:
    """The images as they lie at the site."""
    outcome = make.send(stage, *images, by=SYSTEM)[0]
    if whole:
        archive.complete_study(outcome.study, how="quiet", by=SYSTEM)
    return Study.objects.get(id=outcome.study)


def link(url: str, **values: Any) -> Link:  # noqa: ANN401
    return archive.add_link(
        **{"name": "centre", "url": url, "place": None, "everything": False, "by": SYSTEM, **values}
    )


@contextlib.contextmanager
def at_work(
    to: Link, token: str = "site", *, url: str = "", transport: httpx.BaseTransport | None = None, heard: bool = False
) -> Iterator[None]:
    """A sender in this process, for as long as it is needed; `heard` when somebody else hears the other side."""
    over = threading.Event()

    def work() -> None:
        from django.db import connection

        try:
            with httpx.Client(headers={"authorization": f"Bearer {TOKENS[token]}"}, transport=transport) as client:
                Sender(to.id, client, url=url).run(over.is_set, lambda: heard)
        finally:
            connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(PATIENCE)


def state(study: Study) -> str:
    return Transfer.objects.filter(study=study).latest("created_at").state


def same(centre: Centre, study: Study, images: list[Dataset]) -> bool:
    """Whether the centre holds exactly what the site has, byte for byte, and says so."""
    ours = {
        str(data.SOPInstanceUID): hashlib.sha256(b"\0" * 128 + make.part10(data)[128:]).hexdigest() for data in images
    }
    return centre.complete(study.uid) and centre.holds(study.uid) == ours
