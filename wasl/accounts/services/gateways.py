"""Gateways: made with a code, joined by it once, given new certificates as the old ones age, revoked."""

import datetime
from uuid import UUID

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from django.db import IntegrityError, transaction
from django.utils import timezone

from wasl.accounts import rules
from wasl.accounts.events import CertificateRenewed, GatewayAdded, GatewayCodeRenewed, GatewayJoined, GatewayRevoked
from wasl.accounts.models import Certificate, Gateway
from wasl.accounts.services.authority import Code, new_code, sign
from wasl.kernel.access import Actor
from wasl.kernel.errors import NotFound
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb

HOURS = 72  # that a code waits for its gateway: a machine is set up in a visit, not in a minute
NOTED = datetime.timedelta(seconds=30)  # between two notes that a gateway was heard


@verb
def add_gateway(*, name: str, place: UUID, by: Actor) -> tuple[Gateway, Code]:
    """Let a hospital run its own gateway; the code with which it joins, which is shown this once only."""
    rules.check_reach([place], by=by)
    code = new_code()
    try:
        with transaction.atomic():
            gateway = Gateway.objects.create(name=name, place_id=place, code=code.digest, code_until=_until())
    except IntegrityError as error:
        raise rules.GatewayNameTaken(name=name) from error
    emit(GatewayAdded(gateway=gateway.id, place=place), by=by)
    return gateway, code


@verb
def renew_code(key: UUID, *, by: Actor) -> Code:
    """Give a gateway another code, when the first ran out or the machine was replaced; it goes on until it is used."""
    gateway = _in_reach(key, by=by)
    code = new_code()
    gateway.code, gateway.code_until = code.digest, _until()
    gateway.save(update_fields=("code", "code_until"))
    emit(GatewayCodeRenewed(gateway=gateway.id, place=gateway.place_id), by=by)
    return code


@verb
def join_gateway(secret: bytes, *, request: bytes, by: Actor) -> x509.Certificate:
    """Give a gateway its certificate for the secret of its code, once; `request` is its signing request (PEM).

    Certificates of the machine that joined before are void from now on.
    """
    digest = Code(secret, b"").digest
    gateway = Gateway.objects.select_for_update().filter(code=digest, revoked_at__isnull=True).first()
    if gateway is None:
        raise rules.BadCode
    rules.check_code(gateway.code_until, now=timezone.now())
    given = sign(request, name=str(gateway.id))
    gateway.certificates.filter(revoked_at__isnull=True).update(revoked_at=timezone.now())
    row = _keep(gateway, given, code=digest)
    gateway.code = gateway.code_until = None
    gateway.save(update_fields=("code", "code_until"))
    emit(GatewayJoined(gateway=gateway.id, certificate=row.id, place=gateway.place_id), by=by)
    return given


@verb
def renew_certificate(*, request: bytes, by: Actor) -> x509.Certificate:
    """Give the gateway that asks a new certificate; the one it has holds until its end, should this one be lost."""
    gateway = None
    if by.id is not None:
        gateway = Gateway.objects.select_for_update().filter(id=by.id, revoked_at__isnull=True).first()
    if gateway is None:
        raise NotFound
    given = sign(request, name=str(gateway.id))
    row = _keep(gateway, given)
    emit(CertificateRenewed(gateway=gateway.id, certificate=row.id, place=gateway.place_id), by=by)
    return given


@verb
def note_gateway(*, by: Actor) -> None:
    """Remember that a gateway was heard; nothing that the journal would have to tell."""
    now = timezone.now()
    if by.id is not None:
        Gateway.objects.filter(id=by.id).exclude(seen_at__gt=now - NOTED).update(seen_at=now)


@verb
def revoke_gateway(key: UUID, *, by: Actor) -> None:
    """Let a gateway speak no more: its code and its certificates are void at once."""
    gateway = _in_reach(key, by=by)
    now = timezone.now()
    gateway.revoked_at, gateway.code, gateway.code_until = now, None, None
    gateway.save(update_fields=("revoked_at", "code", "code_until"))
    gateway.certificates.filter(revoked_at__isnull=True).update(revoked_at=now)
    emit(GatewayRevoked(gateway=gateway.id, place=gateway.place_id), by=by)


def _in_reach(key: UUID, *, by: Actor) -> Gateway:
    """A gateway of the places that the actor administers, locked."""
    gateway = Gateway.objects.select_for_update().filter(id=key, revoked_at__isnull=True).first()
    if gateway is None:
        raise NotFound
    rules.check_reach([gateway.place_id], by=by)
    return gateway


def _keep(gateway: Gateway, given: x509.Certificate, code: bytes | None = None) -> Certificate:
    return Certificate.objects.create(
        gateway=gateway, digest=given.fingerprint(hashes.SHA256()), code=code, ends_at=given.not_valid_after_utc
    )


def _until() -> datetime.datetime:
    return timezone.now() + datetime.timedelta(hours=HOURS)
