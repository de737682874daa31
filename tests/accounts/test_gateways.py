"""Gateways: their codes, their certificates, and what ends them."""

import datetime
import re
import ssl
from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from django.conf import settings
from django.db import IntegrityError, connection
from django.utils import timezone

from tests.at_once import at_once
from tests.browser import browser_of
from tests.cast import Cast, cast
from wasl.accounts import queries, rules, services
from wasl.accounts.models import Certificate, Gateway
from wasl.edges.cli.main import main
from wasl.kernel.access import SYSTEM, Actor
from wasl.kernel.errors import NotFound
from wasl.kernel.models import Fact


@pytest.fixture(autouse=True)
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(settings, "DATA", tmp_path)
    monkeypatch.setattr(settings, "LINKS_AUTHORITY", tmp_path / "links-authority.pem")
    return tmp_path


@pytest.fixture
def stage(db: None) -> Cast:
    return cast()


def request(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | None = None) -> bytes:
    """A signing request that asks to be somebody else, and an authority too."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "links.wasl")])
    draft = x509.CertificateSigningRequestBuilder().subject_name(name)
    draft = draft.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    signed = draft.sign(key or ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.PEM)


def made(stage: Cast, name: str = "Salle 2") -> tuple[Gateway, services.Code]:
    return services.add_gateway(name=name, place=stage.regional, by=stage.fatma)


def joined(stage: Cast) -> tuple[Gateway, x509.Certificate]:
    gateway, code = made(stage)
    return gateway, services.join_gateway(code.secret, request=request(), by=SYSTEM)


def actor(certificate: x509.Certificate) -> Actor:
    return queries.actor_of_certificate(certificate.fingerprint(hashes.SHA256()))


def told(gateway: Gateway) -> list[str]:
    return [fact.name.split(".")[1] for fact in Fact.objects.filter(subject=gateway.id).order_by("seq")]


def test_a_code_gives_a_certificate_that_speaks_for_the_place(stage: Cast) -> None:
    gateway, certificate = joined(stage)
    found = actor(certificate)
    assert (found.kind, found.id, found.places()) == ("client", gateway.id, frozenset({stage.regional}))
    assert told(gateway) == ["GatewayAdded", "GatewayJoined"]


def test_the_certificate_is_what_the_centre_says_not_what_was_asked(stage: Cast) -> None:
    gateway, certificate = joined(stage)
    assert certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == str(gateway.id)
    assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    use = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(use) == [ExtendedKeyUsageOID.CLIENT_AUTH]  # it can not stand for the centre
    assert certificate.not_valid_after_utc - timezone.now() < datetime.timedelta(days=90)


def test_a_code_is_read_as_people_write_it(stage: Cast) -> None:
    _, code = made(stage)
    assert services.read_code(code.printed) == code
    assert services.read_code(f" {code.printed.lower().replace('-', ' ')} ") == code
    assert code.secret not in bytes(Gateway.objects.get().code or b"")
    for wrong in ("", "ABCD", code.printed[:-5], code.printed.replace(code.printed[0], "1")):
        with pytest.raises(rules.BadCode):
            services.read_code(wrong)


def test_a_code_names_the_authority_that_made_it(stage: Cast, authority: Path) -> None:
    _, code = made(stage)
    _, public = services.door_certificate()
    ours = x509.load_pem_x509_certificate(public.read_bytes())
    assert code.names(ours)
    assert not services.Code(code.secret, b"\0" * 10).names(ours)


def test_a_code_opens_once(stage: Cast) -> None:
    _, code = made(stage)
    services.join_gateway(code.secret, request=request(), by=SYSTEM)
    with pytest.raises(rules.BadCode):
        services.join_gateway(code.secret, request=request(), by=SYSTEM)


def test_a_code_runs_out(stage: Cast) -> None:
    gateway, code = made(stage)
    Gateway.objects.filter(id=gateway.id).update(code_until=timezone.now())
    with pytest.raises(rules.BadCode):
        services.join_gateway(code.secret, request=request(), by=SYSTEM)


def test_a_new_code_voids_the_one_before_and_its_use_voids_the_certificate(stage: Cast) -> None:
    gateway, first = joined(stage)
    old, new = (services.renew_code(gateway.id, by=stage.fatma) for _ in range(2))
    with pytest.raises(rules.BadCode):
        services.join_gateway(old.secret, request=request(), by=SYSTEM)
    assert actor(first).kind == "client"  # until the new machine is there
    second = services.join_gateway(new.secret, request=request(), by=SYSTEM)
    assert (actor(first).kind, actor(second).kind) == ("stranger", "client")


@pytest.mark.parametrize("wrong", ["rsa", "other curve", "nonsense", "not its own key"])
def test_what_is_no_proper_request_gives_nothing_and_leaves_the_code(stage: Cast, wrong: str) -> None:
    _, code = made(stage)
    bad = {
        "rsa": lambda: request(rsa.generate_private_key(public_exponent=65537, key_size=2048)),
        "other curve": lambda: request(ec.generate_private_key(ec.SECP384R1())),
        "nonsense": lambda: b"-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n",
        "not its own key": forged,
    }[wrong]()
    with pytest.raises(rules.BadSigningRequest):
        services.join_gateway(code.secret, request=bad, by=SYSTEM)
    assert not Certificate.objects.exists()
    services.join_gateway(code.secret, request=request(), by=SYSTEM)


def forged() -> bytes:
    """A request whose signature another key made."""
    good = x509.load_pem_x509_csr(request())
    der = bytearray(good.public_bytes(serialization.Encoding.DER))
    der[-1] ^= 1
    return ssl.DER_cert_to_PEM_cert(bytes(der)).replace("CERTIFICATE", "CERTIFICATE REQUEST").encode()


def test_a_renewed_certificate_holds_beside_the_one_before(stage: Cast) -> None:
    gateway, first = joined(stage)
    second = services.renew_certificate(request=request(), by=actor(first))
    assert actor(first) == actor(second)
    assert told(gateway)[-1] == "CertificateRenewed"


def test_a_revoked_gateway_is_a_stranger_at_once_and_renews_nothing(stage: Cast) -> None:
    gateway, certificate = joined(stage)
    speaking = actor(certificate)
    services.revoke_gateway(gateway.id, by=stage.fatma)
    assert actor(certificate).kind == "stranger"
    with pytest.raises(NotFound):
        services.renew_certificate(request=request(), by=speaking)
    with pytest.raises(NotFound):
        services.renew_code(gateway.id, by=stage.fatma)
    with pytest.raises(NotFound):
        services.revoke_gateway(gateway.id, by=stage.fatma)


def test_a_certificate_ends_with_its_time(stage: Cast) -> None:
    _, certificate = joined(stage)
    Certificate.objects.update(ends_at=timezone.now())
    assert actor(certificate).kind == "stranger"


def test_a_certificate_holds_when_the_clock_is_set_back(stage: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    _, certificate = joined(stage)
    authority = x509.load_pem_x509_certificate(services.door_certificate()[1].read_bytes())
    now = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: now - datetime.timedelta(hours=2))
    assert services.vouched_for(certificate, authority)


def test_an_administrator_of_elsewhere_makes_renews_and_revokes_nothing(stage: Cast) -> None:
    gateway, _ = made(stage)
    rim = services.add_person(username="rim", password=None, given_name="Rim", family_name="Chaabane", by=SYSTEM)
    services.give_post(rim.id, role="administrator", place=stage.other, by=SYSTEM)
    elsewhere = queries.actor_of(rim.id)
    for act in (
        partial(services.add_gateway, name="x", place=stage.regional),
        partial(services.renew_code, gateway.id),
        partial(services.revoke_gateway, gateway.id),
    ):
        with pytest.raises(rules.NotYourPlace):
            act(by=elsewhere)
    assert not queries.gateways(viewer=elsewhere)
    assert not queries.gateways(viewer=stage.zied)
    assert queries.gateways(viewer=stage.fatma).get() == gateway


def test_names_are_used_once(stage: Cast) -> None:
    made(stage)
    with pytest.raises(rules.GatewayNameTaken):
        made(stage)


def test_the_authority_vouches_for_its_door_and_for_nobody_elses(stage: Cast, authority: Path) -> None:
    pair, public = services.door_certificate()
    door = x509.load_pem_x509_certificate(pair.read_bytes())
    ours = x509.load_pem_x509_certificate(public.read_bytes())
    assert services.vouched_for(door, ours)
    assert {path.stat().st_mode & 0o77 for path in authority.glob("links-*.pem")} == {0}
    for path in authority.glob("links-*.pem"):
        path.unlink()
    services.door_certificate()
    assert not services.vouched_for(door, x509.load_pem_x509_certificate(public.read_bytes()))


@pytest.mark.parametrize("language", ["ar", "fr", "en"])
def test_the_page_shows_a_code_once_and_the_state_ever_after(stage: Cast, language: str) -> None:
    browser = browser_of(stage.fatma, language)
    assert browser.get("/accounts/gateways/").status_code == 200
    shown = browser.post("/accounts/gateways/", {"name": "Salle 2", "place": str(stage.regional)}).content.decode()
    printed = re.findall(r'id="code">([A-Z2-7-]+)<', shown)[0]
    code = services.read_code(printed)
    gateway = Gateway.objects.get()
    assert bytes(gateway.code or b"") == code.digest
    assert printed not in browser.get("/accounts/gateways/").content.decode()
    again = browser.post(f"/accounts/gateways/{gateway.id}/code/").content.decode()
    newer = services.read_code(re.findall(r'id="code">([A-Z2-7-]+)<', again)[0])
    certificate = services.join_gateway(newer.secret, request=request(), by=SYSTEM)
    ends = timezone.localtime(certificate.not_valid_after_utc)
    assert f"{ends:%d/%m/%Y}" in browser.get("/accounts/gateways/").content.decode()
    assert browser.post(f"/accounts/gateways/{gateway.id}/revoke/").status_code == 302
    assert actor(certificate).kind == "stranger"
    assert browser.post("/accounts/gateways/", {"name": "Salle 2", "place": str(stage.regional)}).status_code == 422


def test_the_page_is_for_administrators(stage: Cast) -> None:
    assert browser_of(stage.sami).get("/accounts/gateways/").status_code == 403


def test_the_command_line_does_the_same(stage: Cast) -> None:
    def run(*words: str) -> str:
        return CliRunner().invoke(main, ["gateway", *words]).output

    code = services.read_code(run("add", "Salle 2", "--place", "oued-zen").split()[1])
    assert "code until" in run("list")
    newer = services.read_code(run("code", "Salle 2").split()[1])
    assert newer != code
    services.join_gateway(newer.secret, request=request(), by=SYSTEM)
    assert "certificate until" in run("list")
    assert "revoked" in run("revoke", "Salle 2")
    assert "revoked" in run("list")
    assert "No gateway" in run("revoke", "Salle 2")
    assert "rien ici" in run("add", "x", "--place", "nowhere")


@pytest.mark.django_db(transaction=True)
def test_of_sixteen_machines_with_one_code_one_joins() -> None:
    stage = cast()
    gateway, code = made(stage)
    refused = at_once(*[partial(services.join_gateway, code.secret, request=request(), by=SYSTEM)] * 16)
    assert refused == ["BadCode"] * 15
    assert Certificate.objects.filter(gateway=gateway, revoked_at__isnull=True).count() == 1


def test_the_database_itself_gives_one_certificate_for_a_code(stage: Cast) -> None:
    gateway, _ = joined(stage)
    row = Certificate.objects.get()
    with pytest.raises(IntegrityError, match="accounts_a_code_gives_one_certificate"):
        Certificate.objects.create(gateway=gateway, digest=b"x" * 32, code=row.code, ends_at=row.ends_at)
    assert connection.needs_rollback
