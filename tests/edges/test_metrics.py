"""The metrics as Prometheus reads them, and the alarms that are made of them."""

import re
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.conf import settings
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from tests import make
from tests.cast import Cast
from tests.edges.dicom import listening
from tests.exchange import adt
from tests.hear import hear
from wasl.archive import queries, services
from wasl.archive.dicom import incoming
from wasl.archive.models import PerformedStep, PhantomRun, Source
from wasl.edges.cli.doctor_archive import metrics_finding, silence_finding
from wasl.edges.dicom import phantom
from wasl.edges.hl7.answers import answer
from wasl.edges.web.metrics import exposition, is_known
from wasl.kernel.access import SYSTEM

ALERTS = Path(__file__).resolve().parents[2] / "docs/how-to/alerts.yml"
HOW_TO = ALERTS.with_name("watch-over-wasl.md")
Samples = dict[tuple[str, tuple[str, ...]], float]


def scraped() -> tuple[set[str], Samples]:
    """The families with their types' rules kept, and every value by its name and its labels' values."""
    families = list(text_string_to_metric_families(exposition().decode()))
    assert all(family.documentation for family in families)
    assert all(family.name.startswith("wasl_") for family in families)
    samples = {(s.name, tuple(s.labels.values())): s.value for family in families for s in family.samples}
    return {s.name for family in families for s in family.samples} | {family.name for family in families}, samples


@pytest.mark.django_db
def test_what_is_scraped_is_what_is_there(stage: Cast) -> None:
    scanner = Source.objects.get()
    item = incoming(make.part10(make.image()), source=scanner.id, place=stage.regional)
    services.receive([item], by=SYSTEM)
    services.count_traffic(by=SYSTEM)
    make.reading(stage, urgency="P1")
    link = services.add_link(name="centre", url="https://centre.example.org", place=None, everything=False, by=SYSTEM)
    services.queue_transfer(queries.studies(viewer=SYSTEM)[0].id, link=link.id, by=SYSTEM)
    step = services.start_step(
        "1.2.3", study_uid="1.2.4", accession="", place=stage.regional, source=scanner.id, at=None, attributes={},
        by=SYSTEM,
    )  # fmt: skip
    PerformedStep.objects.update(heard_at=timezone.now() - timedelta(hours=3))
    _, samples = scraped()
    machine = ("oued-zen", "CT_OUEDZEN")  # labels come by their names
    assert samples["wasl_images_received_total", machine] == 1
    assert samples["wasl_received_bytes_total", machine] == item.stored.size
    assert samples["wasl_source_silent", machine] == 0
    assert samples["wasl_readings_waiting", ("P1",)] == 1
    assert samples["wasl_transfers_waiting", ("centre",)] == 1
    assert samples["wasl_store_free_bytes", ()] > 0
    assert samples["wasl_steps_abandoned", machine] == 1
    assert samples["wasl_steps_abandoned_oldest_seconds", machine] >= 3 * 3600
    services.discontinue_step(step.uid, instance_uids=[], at=None, attributes={}, by=SYSTEM)
    assert ("wasl_steps_abandoned", machine) not in scraped()[1]
    assert "Salah" not in exposition().decode()
    assert not silence_finding().mend


@pytest.mark.django_db(transaction=True)
def test_every_metric_of_the_alarms_and_of_the_how_to_exists(stage: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    with listening() as port:
        monkeypatch.setattr(settings, "PHANTOM_TO", f"127.0.0.1:{port}")
        services.send_phantoms(by=SYSTEM)
        phantom.send(queries.phantom_run(PhantomRun.objects.get().id, viewer=SYSTEM))
    hear()
    services.copy_study(make.reading(stage).study_id)
    services.count_traffic(by=SYSTEM)
    services.add_link(name="centre", url="https://centre.example.org", place=None, everything=False, by=SYSTEM)
    monkeypatch.setattr(settings, "SMTP_HOST", "mail.example.org")  # then messages may wait
    monkeypatch.setattr(settings, "S3_URL", f"http://{uuid4()}.example.org")  # then a second copy can be missing
    adt.member(stage)
    assert b"MSA|AA" in answer(adt.adt(), address="127.0.0.1")
    names, samples = scraped()
    assert samples["wasl_member_messages_waiting", ("HIS Oued Zen", "oued-zen")] == 1
    assert ("wasl_phantom_duration_seconds", ("oued-zen",)) in samples
    for page in (ALERTS, HOW_TO):
        asked = set(re.findall(r"\bwasl_[a-z_]+\b", page.read_text()))
        assert asked, page
        assert asked <= names, asked - names


@pytest.mark.parametrize(
    ("credential", "known"),
    [
        ("Bearer right", True), ("bearer right", True), ("Bearer  right ", True), ("Bearer wrong", False),
        ("Basic right", False), ("right", False), ("", False), ("Bearer ", False), ("Bearer rightt", False),
        ("Bearer r\u00e9ght", False),
    ],
)  # fmt: skip
def test_who_has_the_token_is_known(credential: str, known: bool) -> None:
    assert is_known(credential, "right") is known


@pytest.mark.parametrize(
    ("token", "wrong"),
    [("", False), ("secret", True), ("a" * 48, True), ("3f1c9a7be2d84056a1b9c0d7e6f58392", False)],
)
def test_the_doctor_looks_at_the_token(token: str, wrong: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "METRICS_TOKEN", token)
    found = metrics_finding()
    assert bool(found.mend) is wrong
    assert not token or token not in str(found)
