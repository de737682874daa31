"""The gateway's rounds over a real line: worklist, steps, certificate, copies; and what a cut line leaves alone."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from django.conf import settings
from pytest_django.plugin import DjangoDbBlocker

from tests import make
from tests.edges.links import Scene, centres_door
from wasl.archive import queries as archive
from wasl.archive import services as archiving
from wasl.archive.models import Centre, Expected, Instance, PerformedStep, Source, Study
from wasl.edges.links import keeping, keys, line
from wasl.kernel.access import SYSTEM
from wasl.kernel.models import Fact
from wasl.radiology import services as radiology

pytestmark = pytest.mark.django_db
MACHINE = {"ae_title": "CT9", "name": "Scanner", "modality": "CT"}


@dataclass
class Gateway:
    """A gateway that joined, and its rounds."""

    scene: Scene
    home: Path
    client: httpx.Client
    keeper: keeping.Keeper

    def round(self) -> bool:
        """A round in which everything is due."""
        self.keeper._next_hello = self.keeper._next_tidying = 0.0
        return self.keeper.round()

    def cut(self) -> None:
        """Let the line end where nobody answers."""
        self.client.base_url = httpx.URL("https://127.0.0.1:9")


@pytest.fixture(scope="module")
def scene(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Scene]:
    with django_db_blocker.unblock(), centres_door(tmp_path_factory.mktemp("centre")) as opened:
        yield opened


@pytest.fixture
def _django_db_helper(scene: Scene, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """In place of pytest-django's own: what a test commits stays for the others of this file."""
    with django_db_blocker.unblock():
        yield


@pytest.fixture
def gateway(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gateway]:
    monkeypatch.setattr(settings, "RESERVE_GB", -1000.0)  # however full the disk of this machine is
    home = scene.join()
    with line.client(home) as client:
        yield Gateway(scene, home, client, keeping.Keeper(home, client, [MACHINE]))


def centre() -> Centre:
    return Centre.objects.get()


def test_a_round_learns_the_place_lets_the_machines_in_and_takes_the_worklist(gateway: Gateway) -> None:
    order = make.order(gateway.scene.stage)
    assert gateway.round()
    assert (centre().place_id, centre().silent_since) == (gateway.scene.stage.regional, None)
    assert abs(centre().apart) < 60
    assert Source.objects.get(ae_title="CT9").place_id == gateway.scene.stage.regional
    told = Fact.objects.filter(name__in=("archive.LinkAdded", "archive.SourceAdded")).order_by("seq")
    assert told.values_list("name", flat=True)[0] == "archive.LinkAdded", "what a machine sends has a way to go"
    row = Expected.objects.get(accession=order.accession)
    assert (row.study_uid, row.rank, row.gone_at) == (order.study_uid, int(order.urgency[1]), None)
    radiology.cancel_order(order.id, because="Annulé par le service.", by=gateway.scene.stage.amel)
    assert gateway.round()
    assert Expected.objects.get(accession=order.accession).gone_at


def test_an_unchanged_list_is_not_told_again(gateway: Gateway) -> None:
    make.order(gateway.scene.stage)
    assert gateway.round()
    before = Fact.objects.filter(name="archive.ExamsListed").count()
    assert gateway.round()
    assert Fact.objects.filter(name="archive.ExamsListed").count() == before


def test_a_cut_line_is_noted_once_and_takes_nothing_away(gateway: Gateway) -> None:
    order = make.order(gateway.scene.stage)
    assert gateway.round()
    address = gateway.client.base_url
    gateway.cut()
    assert not gateway.round()
    since = centre().silent_since
    assert since
    assert not gateway.round()
    assert centre().silent_since == since
    assert archive.expected(viewer=SYSTEM).filter(accession=order.accession).exists()
    gateway.client.base_url = address
    assert gateway.round()
    assert centre().silent_since is None
    told = Fact.objects.filter(subject=centre().id).order_by("seq").values_list("name", flat=True)
    assert [name.split(".")[1] for name in told if "List" not in name][-2:] == ["CentreFellSilent", "CentreAnswered"]


def test_steps_are_told_in_order_when_the_line_is_back(gateway: Gateway) -> None:
    assert gateway.round()
    address = gateway.client.base_url
    place = gateway.scene.stage.regional
    gateway.cut()
    for uid in ("1.9.1", "1.9.2"):
        archiving.start_step(
            uid, study_uid=f"{uid}.7", accession="", place=place, source=None, at=None, attributes={}, by=SYSTEM
        )
    archiving.complete_step("1.9.1", instance_uids=[], at=None, attributes={}, by=SYSTEM)
    assert not gateway.round()
    assert [step.uid for step in archive.untold_steps(viewer=SYSTEM)] == ["1.9.1", "1.9.2"]
    gateway.client.base_url = address
    assert gateway.round()
    assert not archive.untold_steps(viewer=SYSTEM)
    assert dict(PerformedStep.objects.values_list("uid", "told")) == {"1.9.1": "completed", "1.9.2": "in progress"}


def test_a_certificate_is_renewed_when_two_thirds_are_over(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    before = keys.certificate(gateway.home)
    life = before.not_valid_after_utc - before.not_valid_before_utc
    assert not keys.is_due(before, before.not_valid_before_utc + life * 0.66)
    assert keys.is_due(before, before.not_valid_before_utc + life * 0.67)
    with monkeypatch.context() as old:
        old.setattr(keys, "is_due", lambda found, now: found == before)
        assert gateway.round()
    after = keys.certificate(gateway.home)
    assert after.public_key() != before.public_key()
    assert gateway.round()
    assert (gateway.home / keys.PAIR).stat().st_mode & 0o77 == 0
    assert centre().certificate_until == after.not_valid_after_utc


def old_study(gateway: Gateway) -> Study:
    study = make.study(gateway.scene.stage)
    archiving.complete_study(study.id, how="quiet", by=SYSTEM)
    return study


def test_an_old_copy_goes_when_the_centre_holds_it(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    study = old_study(gateway)
    images = Instance.objects.filter(series__study=study)
    paths = [settings.STORAGE / path for path in images.values_list("path", flat=True)]
    assert gateway.round()
    assert images.exists()  # not old yet
    monkeypatch.setattr(settings, "KEEP_DAYS", 0)
    assert gateway.round()
    assert not images.exists()
    assert not any(path.exists() for path in paths)
    assert Study.objects.get(id=study.id).instance_count == 0


def test_nothing_goes_while_the_line_is_cut(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    assert gateway.round()
    study = old_study(gateway)
    monkeypatch.setattr(settings, "KEEP_DAYS", 0)
    gateway.cut()
    assert not gateway.round()
    assert study.id in archive.over_quota(viewer=SYSTEM)
    assert Instance.objects.filter(series__study=study).count() == study.instance_count


def test_a_revoked_gateway_says_why_it_is_cut_off(gateway: Gateway) -> None:
    from wasl.accounts import queries, services

    assert gateway.round()
    row = queries.gateways(viewer=SYSTEM).get(name=gateway.home.name)
    services.revoke_gateway(row.id, by=gateway.scene.stage.fatma)
    assert not gateway.round()
    assert centre().error == "the certificate was refused"
