"""What lists of studies may be asked for at a million studies, and how long each kind of page takes.

Every kind that a viewer can send alone, and modality beside each of the others; asked by who sees all patients, by a
region, and by a hospital that sees few. `seed.sql` says which modality is whose.
"""

import os
import random
import statistics
import time
from collections.abc import Callable, Mapping
from functools import partial
from urllib.parse import quote

import httpx

from bench.figures import note

MANY, ASKED = int(os.environ.get("BENCH_MANY", "1000000")), int(os.environ.get("BENCH_ASKED", "40"))
Question = Callable[[], str]
MODALITIES = {
    "modality": "MR", "common modality": "CT", "modality of patients": "US", "modality of some patients": "NM",
    "rare modality": "ES", "modality that is nowhere": "OP", "two modalities": "MR,ES",
}  # fmt: skip
CHANCE = random.Random(2)  # noqa: S311  no secret


def some() -> int:
    """A study."""
    return CHANCE.randrange(2, MANY)


def skipped(least: int, most: int) -> str:
    """A page that begins between them."""
    return f"offset={CHANCE.randrange(least, most)}"


def day() -> str:
    """A day on which a study was made."""
    return f"StudyDate={time.strftime('%Y%m%d', time.gmtime(1_600_000_000 + some() * 86400 % 150_000_000))}"


def year() -> str:
    """A year among those in which studies were made."""
    first = CHANCE.randrange(2021, 2025)
    return f"StudyDate={first}0101-{first}1231"


ALONE: dict[str, Question] = {
    "patient": lambda: f"PatientID=P{some() // 2}",
    "Wasl number": lambda: f"PatientID={10**11 + some() // 2}",
    "accession": lambda: f"AccessionNumber=A{some()}",
    "study UID": lambda: f"StudyInstanceUID=1.2.826.{some()}",
    "a day": day,
    "page by date": lambda: skipped(0, 500),
    # as deep as a search may skip: what lies deeper is refused, and a refusal is no page
    "deep page": lambda: skipped(5_000, 10_000),
    "rare name": lambda: f"PatientName=Salma{some() // 2}*",
    "Arabic name": lambda: f"PatientName={quote('سلمى')}{some() // 2}",
    "common name": lambda: "PatientName=BEN*",
    "name and day": lambda: f"PatientName=BEN*&{day()}",
    "name and year": lambda: f"PatientName=BEN*&{year()}",
    "no one's name": lambda: "PatientName=Xyzzy*",
    "place": lambda: "IssuerOfPatientID=bench",
    "other place": lambda: "IssuerOfPatientID=other",
    "place that is nowhere": lambda: "IssuerOfPatientID=nowhere",
}
BESIDE = {
    kind: ALONE[kind] for kind in ("a day", "place", "other place", "place that is nowhere", "rare name", "common name",
                                   "no one's name", "name and year", "deep page")
} | {"year": year, "place, name and year": lambda: f"IssuerOfPatientID=bench&PatientName=BEN*&{year()}"}  # fmt: skip


def of(modality: str, question: Question = str) -> str:
    """A question about studies of a modality."""
    return "&".join(filter(None, (f"ModalitiesInStudy={modality}", question())))


def kinds() -> dict[str, Question]:
    """Every kind of question."""
    found = dict(ALONE)
    for name, modality in MODALITIES.items():
        found[name] = partial(of, modality)
        found |= {f"{name} and {kind}": partial(of, modality, question) for kind, question in BESIDE.items()}
    return found


def measure(url: str, clients: Mapping[str, str]) -> None:
    """Ask a server for pages of a hundred, one after the other, as each client; `clients` are their headers."""
    slowest = 0.0
    for client, authorization in clients.items():
        with httpx.Client(
            headers={"authorization": authorization, "accept": "application/dicom+json"}, timeout=60
        ) as http:
            for kind, question in kinds().items():
                times, refused = [], 0
                for _ in range(ASKED):
                    address = f"{url}/studies?limit=100&{question()}"
                    begun = time.perf_counter()
                    answer = http.get(address)
                    times.append((time.perf_counter() - begun) * 1000)
                    refused += answer.status_code >= 400
                late = sorted(times)[int(len(times) * 0.95)]
                slowest = max(slowest, late)
                count = len(answer.json()) if answer.status_code == 200 else answer.status_code
                print(
                    f"{MANY} studies, {client}, {kind}: p50 {statistics.median(times):.0f} ms, "
                    f"p95 {late:.0f} ms (last: {count}; refused {refused})",
                    flush=True,
                )  # fmt: skip
    note("QIDO p95", slowest, size=MANY)
