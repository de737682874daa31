"""The door of the links, over real TLS: who gets in, what is said there, and what is not."""

import datetime
import json
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from django.conf import settings
from django.utils import timezone
from pydicom import Dataset
from pytest_django.plugin import DjangoDbBlocker

from tests import make
from tests.edges.links import Scene, centres_door
from tests.edges.scenes import PATIENCE
from wasl.accounts import services as accounts
from wasl.accounts.models import Certificate, Gateway
from wasl.archive import queries as archive
from wasl.archive.models import PerformedStep
from wasl.edges.links import keys, line
from wasl.edges.links.sealing import seal
from wasl.kernel.access import SYSTEM
from wasl.radiology import services as radiology

pytestmark = pytest.mark.django_db


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


def test_hello_says_which_hospital_and_what_time(scene: Scene) -> None:
    with line.client(scene.join()) as client:
        said = client.get("/link/hello").json()
    gateway = Gateway.objects.get(name=said["gateway"])
    assert (gateway.place_id, said["place"]["code"]) == (scene.stage.regional, "oued-zen")
    apart = timezone.now() - datetime.datetime.fromisoformat(said["now"])
    assert abs(apart) < datetime.timedelta(minutes=5)
    assert gateway.seen_at is not None


def test_everything_else_does_not_exist(scene: Scene) -> None:
    with line.client(scene.join()) as client:
        for path in ("/", "/link/", "/link/nothing", "/fhir/metadata", "/dicom-web/studies", "/accounts/people/",
                     "/join", "/link/../fhir/metadata", "//link/hello"):  # fmt: skip
            assert client.get(path).status_code == 404, path
        assert client.post("/link/hello").status_code == 405


def bare(scene: Scene, *, pair: Path | None = None) -> httpx.Client:
    """A client that trusts the authority and may show another certificate."""
    tls = ssl.create_default_context(cafile=accounts.door_certificate()[1])
    if pair:
        tls.load_cert_chain(pair)
    tls.check_hostname = False
    return httpx.Client(base_url=scene.address, verify=tls, trust_env=False, timeout=PATIENCE)


def test_without_a_certificate_nobody_is_heard(scene: Scene) -> None:
    with bare(scene) as client, pytest.raises(httpx.TransportError):
        client.get("/link/hello")


def test_anothers_authority_opens_nothing(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = scene.home / "elsewhere"
    elsewhere.mkdir()
    with monkeypatch.context() as other:
        other.setattr(settings, "DATA", elsewhere)
        other.setattr(settings, "LINKS_AUTHORITY", elsewhere / "links-authority.pem")
        home = scene.join()
    with bare(scene, pair=home / keys.PAIR) as client, pytest.raises(httpx.TransportError):
        client.get("/link/hello")
    with line.client(home) as client, pytest.raises(httpx.ConnectError):
        client.get("/link/hello")  # nor does it take our door for its own


def test_a_certificate_that_ran_out_opens_nothing(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    from wasl.accounts.services import authority

    monkeypatch.setattr(authority, "DAYS", 0)
    home = scene.join()
    Certificate.objects.filter(gateway__name=home.name).update(ends_at=timezone.now() + datetime.timedelta(days=1))
    with line.client(home) as client, pytest.raises(httpx.TransportError):
        client.get("/link/hello")


def test_a_revoked_gateway_is_refused_in_the_middle_of_its_connection(scene: Scene) -> None:
    home = scene.join()
    with line.client(home) as client:
        client.get("/link/hello").raise_for_status()
        gateway = Gateway.objects.get(name=home.name).id
        accounts.revoke_gateway(gateway, by=scene.stage.fatma)
        for path in ("/link/hello", "/link/worklist", "/transfer/anything"):
            assert client.get(path).status_code == 403, path
        assert client.post("/link/steps", json=step(uid="1.2.403")).status_code == 403
    assert not PerformedStep.objects.filter(uid="1.2.403").exists()


def test_a_gateway_can_not_stand_for_the_centre(scene: Scene) -> None:
    home = scene.join()
    tls = ssl.create_default_context(cafile=home / keys.AUTHORITY)
    tls.check_hostname = False
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(home / keys.PAIR)
    ours, theirs = ssl.MemoryBIO(), ssl.MemoryBIO()
    asks = tls.wrap_bio(theirs, ours)
    answers = server.wrap_bio(ours, theirs, server_side=True)
    with pytest.raises(ssl.SSLCertVerificationError, match="purpose"):
        for _ in range(4):
            for side in (asks, answers):
                try:
                    side.do_handshake()
                except ssl.SSLWantReadError:
                    continue


def test_the_worklist_is_of_the_gateways_place_and_told_again_only_when_it_changed(scene: Scene) -> None:
    order = make.order(scene.stage)
    with line.client(scene.join()) as client, line.client(scene.join(scene.stage.other)) as far:
        assert far.get("/link/worklist").json() == []
        answer = client.get("/link/worklist")
        (said,) = [row for row in answer.json() if row["accession"] == order.accession]
        assert (said["accession"], said["study_uid"]) == (order.accession, order.study_uid)
        assert Dataset.from_json(said["item"]).AccessionNumber == order.accession
        tag = {"if-none-match": answer.headers["etag"]}
        assert client.get("/link/worklist", headers=tag).status_code == 304
        radiology.cancel_order(order.id, because="Annulé par le service.", by=scene.stage.amel)
        again = client.get("/link/worklist", headers=tag)
        assert again.status_code == 200
        assert order.accession not in again.text


def step(**changed: Any) -> dict[str, Any]:  # noqa: ANN401
    return {
        "uid": "1.2.3.4", "state": "in progress", "study_uid": "1.2.3", "accession": "A1", "ae_title": "CT1",
        "started_at": "2026-11-20T10:00:00+00:00", "ended_at": None, "instance_uids": [], "attributes": {}, **changed,
    }  # fmt: skip


def test_a_step_does_what_its_machine_would_have_done_and_counts_once(scene: Scene) -> None:
    order = make.order(scene.stage)
    begun = step(uid="1.2.1", study_uid=order.study_uid, accession=order.accession)
    ended = {**begun, "state": "completed", "ended_at": "2026-11-20T10:09:00+00:00", "instance_uids": ["1.2.3.5"]}
    with line.client(scene.join()) as client:
        for said in (begun, begun, ended, ended, begun):
            client.post("/link/steps", json=said).raise_for_status()
    found = PerformedStep.objects.get(uid=begun["uid"])
    assert (found.state, found.instance_uids, found.place_id) == ("completed", ["1.2.3.5"], scene.stage.regional)


def test_a_step_whose_beginning_was_never_told_is_whole(scene: Scene) -> None:
    with line.client(scene.join()) as client:
        client.post("/link/steps", json=step(uid="1.2.2", state="discontinued")).raise_for_status()
        assert archive.step_state("1.2.2", viewer=SYSTEM) == "discontinued"


def test_a_step_of_another_place_is_not_touched(scene: Scene) -> None:
    with line.client(scene.join()) as client, line.client(scene.join(scene.stage.other)) as far:
        client.post("/link/steps", json=step(uid="1.2.3")).raise_for_status()
        assert far.post("/link/steps", json=step(uid="1.2.3", state="completed")).status_code == 409
    assert PerformedStep.objects.get(uid="1.2.3").state == "in progress"


@pytest.mark.parametrize("wrong", [{}, {"uid": "1.2.3.4"}, step(state="eaten"), step(attributes=3), step(uid="../x"),
                                   step(started_at="2026-99-99T00:00:00")])  # fmt: skip
def test_what_is_no_step_changes_nothing(scene: Scene, wrong: dict[str, Any]) -> None:
    with line.client(scene.join()) as client:
        assert client.post("/link/steps", json=wrong).status_code in (400, 422)
        for body in (b"", b"[]", b"{", b"\xff"):
            assert client.post("/link/steps", content=body).status_code == 400
    assert not PerformedStep.objects.filter(uid="1.2.3.4").exists()


def test_held_is_what_is_here_with_this_content(scene: Scene) -> None:
    study = make.study(scene.stage)
    digests = archive.digests_of(study.id, viewer=SYSTEM)
    asked = {uid: digest.hex() for uid, digest in digests.items()}
    changed = dict(asked, **{min(asked): "00" * 32}, **{"9.9.9": "11" * 32})
    with line.client(scene.join()) as client, line.client(scene.join(scene.stage.other)) as far:
        assert client.post("/link/held", json=asked).json() == sorted(asked)
        assert client.post("/link/held", json=changed).json() == sorted(set(asked) - {min(asked)})
        assert far.post("/link/held", json=asked).json() == []
        assert client.post("/link/held", json={"1.2": "zz"}).status_code == 400
        assert client.post("/link/held", content=b" " * (9 << 20)).status_code == 413


def test_a_certificate_is_renewed_over_the_link(scene: Scene) -> None:
    home = scene.join()
    with line.client(home) as client:
        key, request = keys.new_key()
        given = client.post("/link/renew", content=request).json()["certificate"].encode()
        old = (home / keys.PAIR).read_bytes()
        keys.keep_pair(home, key, given)
        assert client.get("/link/hello").status_code == 200
        with line.client(home) as fresh:
            assert fresh.get("/link/hello").status_code == 200
        (home / keys.PAIR).write_bytes(old)
        with line.client(home) as former:  # it holds until its own end
            assert former.get("/link/hello").status_code == 200
        assert client.post("/link/renew", content=b"nonsense").status_code == 422
    assert keys.fits(key, x509.load_pem_x509_certificate(given))


def test_a_centre_that_is_not_the_codes_is_told_nothing(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    _, code = accounts.add_gateway(name="Salle bleue", place=scene.stage.regional, by=SYSTEM)
    door_pem, authority = accounts.door_certificate()
    shown = door_pem.read_text().split("-----END PRIVATE KEY-----\n")[1]
    greeting = {"door": shown, "authority": authority.read_text()}
    asked: list[httpx.Request] = []

    def false_centre(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json=greeting)

    real = httpx.Client
    monkeypatch.setattr(httpx, "Client", lambda **more: real(transport=httpx.MockTransport(false_centre)))
    wrong = accounts.Code(code.secret, b"\1" * 10)
    with pytest.raises(line.CannotJoin, match="not the centre"):
        line.join(scene.home, "https://centre", wrong.printed)
    with pytest.raises(line.CannotJoin, match="no certificate"):
        line.join(scene.home, "https://centre", code.printed)
    assert [request.method for request in asked] == ["GET", "GET", "POST"]
    assert code.secret not in asked[-1].content
    assert not (scene.home / keys.PAIR).exists()


def test_what_is_sealed_to_the_door_is_read_by_it_alone(scene: Scene) -> None:
    from wasl.edges.links.joining import _door_key
    from wasl.edges.links.sealing import Unsealed, unseal

    door_pem, _ = accounts.door_certificate()
    sealed = seal(b"secret", b"request", door=x509.load_pem_x509_certificate(door_pem.read_bytes()))
    assert unseal(sealed, key=_door_key()) == (b"secret", b"request")
    assert b"secret" not in sealed
    for wrong in (sealed[:-1], sealed[:-1] + bytes([sealed[-1] ^ 1]), b"", json.dumps({}).encode()):
        with pytest.raises(Unsealed):
            unseal(wrong, key=_door_key())
