"""The gateway's half of the link: it asks, the centre answers; days without an answer change nothing here.

A round hears the centre, takes its worklist, tells it the steps of the machines, renews the certificate when two thirds
of its life are over, and gives up copies that the quota no longer holds and the centre has just proven to have.
"""

import contextlib
import datetime
import logging
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from cryptography import x509
from django.conf import settings
from django.db import DatabaseError, close_old_connections, connections
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from wasl.archive import queries as archive
from wasl.archive import services as archiving
from wasl.edges.dicom.sending import Sender
from wasl.edges.links import keys, line
from wasl.kernel.access import SYSTEM
from wasl.kernel.errors import NotFound, Refused
from wasl.places import queries as places
from wasl.places import services as placing

# seconds between two rounds; more and more while the centre is silent
PAUSE, LONGEST = 3.0, settings.SILENT_SECONDS / 2
HELLO, TIDY = 15.0, 300.0  # seconds between two looks at the clock, and at the quota
LINE = "centre"  # what the line to it is called
SPEAKS_AGAIN = frozenset({401, 403, 404, 408, 425, 429})  # refusals of ours, not of what was said

log = logging.getLogger(__name__)


class Keeper:
    """The rounds of one gateway."""

    def __init__(self, home: Path, client: httpx.Client, machines: Sequence[dict[str, Any]]) -> None:
        self._home, self._client, self._machines = home, client, machines
        self._next_hello = self._next_tidying = 0.0

    def round(self) -> bool:
        """Do all that is due; whether the centre answered."""
        try:
            if time.monotonic() >= self._next_hello:
                self._hear()
            self._take_worklist()
            self._tell_steps()
            self._renew()
            lacking = archiving.shortage()  # images are refused, or soon will be: that does not wait for minutes
            if time.monotonic() >= self._next_tidying - (TIDY - HELLO if lacking else 0.0):
                self._tidy(lacking)
        except (httpx.HTTPError, KeyError, ValueError, OSError) as error:
            self._next_hello = 0.0
            why = self._why(error)
            try:
                archiving.miss_centre(error=why, by=SYSTEM)
            except Refused:  # it was never heard yet: there is no row that could say so
                log.warning("The centre was never heard yet: %s.", why)
            return False
        return True

    def _hear(self) -> None:
        """Hear who and where we are; note how far the clocks are apart."""
        asked = timezone.now()
        said = self._get("/link/hello").json()
        answered = timezone.now()
        there = parse_datetime(said["now"])
        if there is None:
            raise ValueError("no time")
        address = keys.joined(self._home).links
        with contextlib.suppress(Refused):  # known already; before the machines are, or what they send had no way to go
            archiving.add_link(name=LINE, url=address, place=None, everything=True, by=SYSTEM)
        archiving.name_centre(address=address, place=_settle(said["place"], self._machines), by=SYSTEM)
        until = keys.certificate(self._home).not_valid_after_utc
        apart = (asked + (answered - asked) / 2 - there).total_seconds()
        archiving.hear_centre(apart=apart, certificate_until=until, by=SYSTEM)
        self._next_hello = time.monotonic() + HELLO

    def _take_worklist(self) -> None:
        centre = archive.centre(viewer=SYSTEM)
        answer = self._get("/link/worklist", headers={"if-none-match": centre.listed if centre else ""})
        if answer.status_code == httpx.codes.NOT_MODIFIED:
            return
        exams = [_exam(said) for said in answer.json()]
        archiving.expect_exams(exams, listed=answer.headers["etag"][:80], by=SYSTEM)

    def _tell_steps(self) -> None:
        """Tell what the machines said, in order; a step that the centre refuses is not told for ever."""
        for step in archive.untold_steps(viewer=SYSTEM)[:100]:
            answer = self._client.post("/link/steps", json={
                "uid": step.uid, "state": step.state, "study_uid": step.study_uid, "accession": step.accession,
                "ae_title": step.source.ae_title if step.source else "", "started_at": _iso(step.started_at),
                "ended_at": _iso(step.ended_at), "instance_uids": step.instance_uids, "attributes": step.attributes,
            })  # fmt: skip
            if answer.is_server_error or answer.status_code in SPEAKS_AGAIN:
                answer.raise_for_status()
            if answer.is_error:
                log.warning("The centre refuses what a machine said of an exam (%d).", answer.status_code)
            archiving.note_told(step.uid, state=step.state, by=SYSTEM)

    def _renew(self) -> None:
        if not keys.is_due(keys.certificate(self._home), timezone.now()):
            return
        key, request = keys.new_key()
        answer = self._client.post("/link/renew", content=request)
        answer.raise_for_status()
        given = str(answer.json()["certificate"]).encode()
        if not keys.fits(key, x509.load_pem_x509_certificate(given)):
            raise ValueError("another's certificate")
        keys.keep_pair(self._home, key, given)
        self._next_hello = 0.0

    def _tidy(self, lacking: int) -> None:
        """Give up the oldest copies over the quota, each after the centre has proven that it holds every image."""
        for study in archive.over_quota(lacking=lacking, viewer=SYSTEM):
            digests = archive.digests_of(study, viewer=SYSTEM)
            answer = self._client.post("/link/held", json={uid: digest.hex() for uid, digest in digests.items()})
            answer.raise_for_status()
            held = {uid: digests[uid] for uid in answer.json() if uid in digests}
            with contextlib.suppress(Refused):
                archiving.recycle_study(study, held=held, by=SYSTEM)
        self._next_tidying = time.monotonic() + TIDY

    def _why(self, error: Exception) -> str:
        """Why the centre does not answer, in a few words, without addresses.

        A certificate that ran out ends the connection before a word is said, as a cut line would.
        """
        if isinstance(error, httpx.HTTPStatusError):
            code = error.response.status_code
            return "the certificate was refused" if code == httpx.codes.FORBIDDEN else f"HTTP {code}"
        broken = isinstance(error, httpx.TransportError) and not isinstance(error, httpx.ConnectTimeout)
        if broken and keys.certificate(self._home).not_valid_after_utc <= timezone.now():
            return "the certificate ran out"
        return type(error).__name__

    def _get(self, path: str, headers: dict[str, str] | None = None) -> httpx.Response:
        answer = self._client.get(path, headers=headers)
        if answer.status_code != httpx.codes.NOT_MODIFIED:
            answer.raise_for_status()
        return answer


def _settle(said: dict[str, Any], machines: Sequence[dict[str, Any]]) -> UUID:
    """The hospital that the centre names, known here under the same code, with the machines of the configuration."""
    try:
        place = places.place_by_code(said["code"], viewer=SYSTEM).id
    except NotFound:
        region = placing.add_region(**said["region"], by=SYSTEM)
        place = placing.add_place(
            code=said["code"], names=tuple(said["names"]), region=region.id, kind=said["kind"],
            invented=said["invented"], by=SYSTEM,
        ).id  # fmt: skip
    known = set(archive.sources(viewer=SYSTEM).values_list("ae_title", flat=True))
    for machine in machines:
        if machine["ae_title"] not in known:
            try:
                archiving.add_source(**machine, place=place, by=SYSTEM)
            except Refused as refusal:
                log.error("The machine %s of the configuration: %s", machine["ae_title"], refusal.sentence)
    return place


def _exam(said: dict[str, Any]) -> archiving.Exam:
    scheduled = parse_datetime(said["scheduled_at"])
    if scheduled is None:
        raise ValueError("no hour")
    return archiving.Exam(
        accession=said["accession"], study_uid=said["study_uid"], modality=said["modality"], rank=said["rank"],
        scheduled_at=scheduled, item=said["item"],
    )  # fmt: skip


def _iso(moment: datetime.datetime | None) -> str | None:
    return moment.isoformat() if moment else None


@contextlib.contextmanager
def keeping(home: Path, machines: Sequence[dict[str, Any]]) -> Iterator[None]:
    """Keep the line in threads of this process, until the work beside it ends."""
    over, answered = threading.Event(), threading.Event()
    threads = [
        threading.Thread(target=_keep, args=(home, machines, over, answered), name="link", daemon=True),
        threading.Thread(target=_send, args=(home, over, answered), name="sending", daemon=True),
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join(2)


def _keep(home: Path, machines: Sequence[dict[str, Any]], over: threading.Event, answered: threading.Event) -> None:
    """Go round and round; `answered` is set while the line carries, so that images need not find it out themselves."""
    pause = PAUSE
    with line.client(home) as client:
        keeper = Keeper(home, client, machines)
        while not over.is_set():
            close_old_connections()
            try:
                if keeper.round():
                    pause = PAUSE
                    answered.set()
                else:
                    pause = min(2 * pause, LONGEST)
                    answered.clear()
            except DatabaseError as error:
                log.warning("The database is away: %s", type(error).__name__)
                connections.close_all()
            over.wait(pause)


def _send(home: Path, over: threading.Event, answered: threading.Event) -> None:
    """Send the studies over the link, which is made known once the centre was heard."""
    link = None
    while link is None and not over.wait(1.0):
        close_old_connections()
        try:
            link = _link()
        except DatabaseError as error:  # it starts with the gateway, and may be late
            log.warning("The database is away: %s", type(error).__name__)
            connections.close_all()
    if link is None:
        return
    with line.client(home) as client:
        # where the centre is now: it may have moved since the line was made known
        Sender(link, client, url=keys.joined(home).links).run(over.is_set, answered.is_set)


def _link() -> UUID | None:
    """The line to the centre; None before the centre was heard."""
    return next((row.id for row in archive.links(viewer=SYSTEM) if row.name == LINE and row.active), None)
