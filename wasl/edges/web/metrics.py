"""`/metrics`: how Wasl fares, for Prometheus; asked of the database at each scrape, so that any process may answer."""

import hmac
from collections.abc import Awaitable, Callable, Iterable, Iterator, MutableMapping
from datetime import datetime
from typing import Any, cast

from django.conf import settings
from django.utils import timezone, translation
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from wasl.accounts import queries as accounts
from wasl.archive import queries as archive
from wasl.archive import services as archiving
from wasl.edges.gate import Scope, header
from wasl.edges.threads import in_thread
from wasl.exchange import queries as exchange
from wasl.kernel.access import SYSTEM
from wasl.radiology import queries as radiology

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


async def application(scope: Scope, receive: Callable[[], Awaitable[Any]], send: Send) -> None:
    """Answer who has the token; where none is set there is no such page."""
    token = settings.METRICS_TOKEN
    if not token or scope["path"] != "/metrics":
        await _answer(send, 404, b"")
    elif not is_known(header(scope, b"authorization"), token):
        await _answer(send, 401, b"", (b"www-authenticate", b"Bearer"))
    elif scope["method"] not in ("GET", "HEAD"):
        await _answer(send, 405, b"", (b"allow", b"GET, HEAD"))
    else:
        body = await in_thread(exposition)
        await _answer(
            send, 200, b"" if scope["method"] == "HEAD" else body, (b"content-type", CONTENT_TYPE_LATEST.encode())
        )


def is_known(credential: str, token: str) -> bool:
    """Whether somebody brings the token; a wrong one takes as long to refuse, wherever it is wrong."""
    kind, _, given = credential.partition(" ")
    return hmac.compare_digest(given.strip().encode(), token.encode()) and kind.lower() == "bearer"


def exposition() -> bytes:
    """Every metric in the text format of Prometheus."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Database())
    with translation.override("en"):
        return generate_latest(registry)


class Database(Collector):
    """What the database and the disk say now. No label names a patient or a person."""

    def describe(self) -> list[Metric]:
        """Nothing beforehand: to register this asks the database nothing."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Every family."""
        yield from received()
        yield from sources()
        yield from steps()
        yield from readings()
        yield from lines()
        yield from jobs()
        yield from messages()
        yield from members()
        yield from stores()
        yield from phantoms()


def received() -> Iterator[Metric]:
    """What ever came from each machine; other ways have no source."""
    labels = ["source", "place"]
    families = {
        "images": CounterMetricFamily("wasl_images_received", "Images taken in, by machine.", labels=labels),
        "size": CounterMetricFamily("wasl_received_bytes", "Bytes of the images taken in, by machine.", labels=labels),
        "refused": CounterMetricFamily("wasl_images_refused", "Images refused, by machine.", labels=labels),
        "conflicts": CounterMetricFamily(
            "wasl_images_conflicting", "Images kept aside, for their UID was known.", labels=labels
        ),
    }
    for row in archive.counted(viewer=SYSTEM):
        for name, family in families.items():
            family.add_metric([row.ae_title, row.place], getattr(row, name))
    yield from families.values()


def sources() -> Iterator[Metric]:
    """When each machine last sent, and whether it is silent in hours in which it usually sends."""
    labels = ["source", "place"]
    last = GaugeMetricFamily(
        "wasl_source_last_image_timestamp_seconds", "When a machine's last image came.", labels=labels
    )
    silent = GaugeMetricFamily(
        "wasl_source_silent", "1 when a machine is silent in hours in which it usually sends.", labels=labels
    )
    for flow in archive.flows(viewer=SYSTEM):
        if flow.source:
            named = [flow.source.ae_title, flow.place_code]
            silent.add_metric(named, flow.silent)
            if flow.last_at:
                last.add_metric(named, flow.last_at.timestamp())
    yield from (last, silent)


def steps() -> Iterator[Metric]:
    """Exams that machines began and seem to have forgotten to end; a machine without one has no line."""
    labels = ["source", "place"]
    number = GaugeMetricFamily(
        "wasl_steps_abandoned", "Exams begun, never ended, and not heard of for hours.", labels=labels
    )
    oldest = GaugeMetricFamily(
        "wasl_steps_abandoned_oldest_seconds", "Since the last word of the oldest of them.", labels=labels
    )
    now = timezone.now()
    for row in archive.abandoned(viewer=SYSTEM):
        number.add_metric([row.ae_title, row.place_code], row.steps)
        oldest.add_metric([row.ae_title, row.place_code], _since(row.since, now))
    yield from (number, oldest)


def readings() -> Iterator[Metric]:
    """What waits to be read."""
    waiting = GaugeMetricFamily("wasl_readings_waiting", "Exams that wait to be read.", labels=["urgency"])
    overdue = GaugeMetricFamily("wasl_readings_overdue", "Exams not read by their time.", labels=["urgency"])
    for urgency, number, late in radiology.waiting_by_urgency(viewer=SYSTEM):
        waiting.add_metric([urgency], number)
        overdue.add_metric([urgency], late)
    yield from (waiting, overdue)


def lines() -> Iterator[Metric]:
    """What waits on each link, and whether it answers."""
    families = {
        "waiting": GaugeMetricFamily("wasl_transfers_waiting", "Studies that wait on a link.", labels=["link"]),
        "oldest": GaugeMetricFamily(
            "wasl_transfers_oldest_seconds", "How long the oldest study waits on a link.", labels=["link"]
        ),
        "left": GaugeMetricFamily("wasl_transfers_left_bytes", "Bytes still to go over a link.", labels=["link"]),
        "silent": GaugeMetricFamily(
            "wasl_link_silent_seconds", "How long a link has not answered; 0 when it answers.", labels=["link"]
        ),
    }
    now = timezone.now()
    for row in cast(Iterable[Any], archive.links(viewer=SYSTEM)):  # with figures that the model does not know
        told = {
            "waiting": row.waiting, "left": max(0, row.left), "oldest": _since(row.oldest, now),
            "silent": _since(row.silent_since, now),
        }  # fmt: skip
        for key, family in families.items():
            family.add_metric([row.name], told[key])
    yield from families.values()


def _since(moment: datetime | None, now: datetime) -> float:
    """Seconds since a moment; 0 where there was none."""
    return (now - moment).total_seconds() if moment else 0


def jobs() -> Iterator[Metric]:
    """The jobs that wait, and those that nobody will do."""
    found = archive.jobs(viewer=SYSTEM)
    yield GaugeMetricFamily("wasl_jobs_waiting", "Jobs that may be done and wait.", found.waiting)
    yield GaugeMetricFamily("wasl_jobs_oldest_seconds", "How long the oldest job waits.", found.oldest or 0)
    yield GaugeMetricFamily("wasl_jobs_failed", "Jobs that failed for good.", found.failed)


def messages() -> Iterator[Metric]:
    """What people are told and did not go out, by channel; a channel that is not set up has no line."""
    families: dict[str, GaugeMetricFamily | CounterMetricFamily] = {
        "waiting": GaugeMetricFamily("wasl_messages_waiting", "Messages that wait to be sent.", labels=["channel"]),
        "failed": GaugeMetricFamily("wasl_messages_failed", "Messages that are tried again.", labels=["channel"]),
        "given_up": CounterMetricFamily("wasl_messages_given_up", "Messages that were given up.", labels=["channel"]),
    }
    for channel, counted in accounts.sendings_by_channel(viewer=SYSTEM).items():
        for state, family in families.items():
            family.add_metric([channel], counted[state])
    yield from families.values()


def members() -> Iterator[Metric]:
    """What outside systems sent and is not done, by system."""
    labels = ["member", "place"]
    waiting = GaugeMetricFamily("wasl_member_messages_waiting", "Messages of a member not yet done.", labels=labels)
    parked = GaugeMetricFamily("wasl_member_messages_parked", "Messages that wait for a person.", labels=labels)
    oldest = GaugeMetricFamily("wasl_member_messages_oldest_seconds", "Since the first that waits came.", labels=labels)
    for row in exchange.open_messages(viewer=SYSTEM):
        waiting.add_metric([row.name, row.place_code], row.waiting)
        parked.add_metric([row.name, row.place_code], row.parked)
        oldest.add_metric([row.name, row.place_code], row.oldest.total_seconds())
    yield from (waiting, parked, oldest)


def stores() -> Iterator[Metric]:
    """The room for images, and how their copies stand (counted some minutes ago at most)."""
    state, alone = archive.copies_lately(viewer=SYSTEM)
    yield GaugeMetricFamily("wasl_store_free_bytes", "Bytes that may still be taken in here.", max(0, archiving.room()))
    tiers = GaugeMetricFamily("wasl_store_bytes", "Bytes of the known copies, by tier.", labels=["tier"])
    tiers.add_metric(["folder"], state.folders_size)
    tiers.add_metric(["bucket"], state.bucket_size)
    yield tiers
    yield GaugeMetricFamily("wasl_copies_damaged", "Copies found damaged and not yet healed.", state.damaged)
    yield GaugeMetricFamily("wasl_files_lost", "Files of which no copy is whole.", state.lost)
    if alone is not None:
        yield GaugeMetricFamily("wasl_studies_without_second_copy", "Complete studies not in the bucket.", alone)
    if state.oldest_look:
        age = (timezone.now() - state.oldest_look).total_seconds()
        yield GaugeMetricFamily("wasl_scrub_age_seconds", "Since the copy unseen for longest was looked at.", age)


def phantoms() -> Iterator[Metric]:
    """How the hourly phantom of each site fared."""
    success = GaugeMetricFamily(
        "wasl_phantom_last_success_timestamp_seconds", "When a site's last phantom was read.",
        labels=["place"],
    )  # fmt: skip
    seconds = GaugeMetricFamily(
        "wasl_phantom_duration_seconds", "How long that phantom took from the clock to its report.", labels=["place"]
    )
    late = GaugeMetricFamily("wasl_phantom_late", "1 when no phantom of a site arrived for too long.", labels=["place"])
    for row in archive.phantoms(viewer=SYSTEM):
        late.add_metric([row.place_code], row.late)
        if row.success_at and row.seconds is not None:
            success.add_metric([row.place_code], row.success_at.timestamp())
            seconds.add_metric([row.place_code], row.seconds)
    yield from (success, seconds, late)


async def _answer(send: Send, status: int, body: bytes, *headers: tuple[bytes, bytes]) -> None:
    lengths = [(b"content-length", str(len(body)).encode()), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": status, "headers": [*headers, *lengths]})
    await send({"type": "http.response.body", "body": body})
