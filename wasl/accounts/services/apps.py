"""Apps (SMART App Launch 2.2): registered, opened from a patient's page, let in by a person, and ended."""

import datetime
import hashlib
import secrets
from collections.abc import Sequence
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone
from oauth2_provider.generators import generate_client_secret
from oauth2_provider.models import AccessToken, Application, RefreshToken

from wasl.accounts import rules
from wasl.accounts.events import AppAdded, LaunchStarted, PermitEnded, PermitGiven
from wasl.accounts.models import Client, Launch, Permit, Proof
from wasl.kernel.access import Actor
from wasl.kernel.errors import NotFound
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb


@verb
def add_app(
    *, name: str, titles: tuple[str, str, str], redirects: Sequence[str], scopes: Sequence[str], by: Actor,
    launch_uri: str = "", public: bool = True, keys: str = "", keys_uri: str = "",
) -> tuple[Client, str, str]:  # fmt: skip
    """Register an app with its titles (ar, fr, en); its client id, and its secret where it has one, shown this once."""
    rules.check_reach([None], by=by)
    rules.check_app_scopes(scopes)
    if not redirects:
        raise rules.AppNeedsAddress
    if not all(titles):
        raise rules.AppNeedsTitle
    if public and (keys or keys_uri):
        raise rules.KeysOfPublicApp
    for address in (*redirects, *((launch_uri,) if launch_uri else ()), *((keys_uri,) if keys_uri else ())):
        rules.check_app_address(address)
    secret = generate_client_secret()
    application = Application(
        name=name, client_secret=secret, redirect_uris=" ".join(dict.fromkeys(redirects)),
        client_type=Application.CLIENT_PUBLIC if public else Application.CLIENT_CONFIDENTIAL,
        authorization_grant_type=Application.GRANT_AUTHORIZATION_CODE, algorithm=Application.RS256_ALGORITHM,
    )  # fmt: skip
    try:
        with transaction.atomic():
            application.save()
            client = Client.objects.create(
                name=name, application=application, scopes=sorted(set(scopes)), is_app=True, title_ar=titles[0],
                title_fr=titles[1], title_en=titles[2], launch_uri=launch_uri, keys_uri=keys_uri,
                keys=rules.known_keys(keys) if keys else None,
            )  # fmt: skip
    except IntegrityError as error:
        raise rules.ClientNameTaken(name=name) from error
    emit(AppAdded(client=client.id, scopes=tuple(client.scopes)), by=by)
    return client, application.client_id, "" if public or keys or keys_uri else secret


@verb
def start_launch(app: UUID, *, patient: UUID, by: Actor) -> tuple[Client, str]:
    """Open an app for a patient whose record is open to the person; the value by which it says so, once.

    Whether the record is open the caller has asked: patients stand on a higher floor.
    """
    client = Client.objects.filter(id=app, is_app=True, revoked_at__isnull=True).exclude(launch_uri="").first()
    if client is None or by.id is None:
        raise NotFound
    value = secrets.token_urlsafe(32)
    until = timezone.now() + datetime.timedelta(minutes=rules.LAUNCH_MINUTES)
    launch = Launch.objects.create(digest=_digest(value), client=client, person_id=by.id, patient=patient, until=until)
    emit(LaunchStarted(launch=launch.id, client=client.id, person=by.id, patient=patient), by=by)
    return client, value


@verb
def give_permit(
    app: UUID, *, code: str, scopes: Sequence[str], by: Actor, patient: UUID | None = None, launch: str = ""
) -> Permit:
    """Let an app in, of one patient where one is named; the launch that named the patient is used up."""
    client = Client.objects.filter(id=app, is_app=True, revoked_at__isnull=True).first()
    if client is None or by.id is None:
        raise NotFound
    now = timezone.now()
    if launch and patient:
        waiting = Launch.objects.filter(
            digest=_digest(launch), client=client, person=by.id, patient=patient, until__gt=now, used_at__isnull=True
        )
        if not waiting.update(used_at=now):
            raise rules.LaunchVoid
    permit = Permit.objects.create(
        client=client, person_id=by.id, patient=patient, scopes=list(scopes), code=_digest(code)
    )
    emit(
        PermitGiven(permit=permit.id, client=client.id, person=by.id, patient=patient, scopes=tuple(scopes)), by=by
    )  # fmt: skip
    return permit


@verb
def fetch_token(*, token: str, by: Actor, code: str = "", before: str = "") -> Permit:
    """Bind an access token just made to its permit: by the code it was fetched with, or the checksum of the one before.

    Whoever comes second with the same finds no permit to bind to.
    """
    waiting = Permit.objects.select_for_update(of=("self",)).filter(ended_at=None, client__revoked_at=None)
    permit = waiting.filter(code=_digest(code), token=None).first() if code else waiting.filter(token=before).first()
    if permit is None:
        raise rules.PermitVoid
    permit.token = hashlib.sha256(token.encode()).hexdigest()  # as the toolkit keeps it
    permit.save(update_fields=("token",))
    return permit


@verb
def end_permit(key: UUID, *, by: Actor) -> None:
    """End what a person had let an app do: its tokens are void at once. Another person's is not there."""
    rows = Permit.objects.all() if by.is_system else Permit.objects.filter(person=by.id, person__isnull=False)
    permit = rows.select_for_update().filter(id=key).first()
    if permit is None:
        raise NotFound
    if permit.ended_at:
        return
    permit.ended_at = timezone.now()
    permit.save(update_fields=("ended_at",))
    tokens = AccessToken.objects.filter(
        token_checksum=permit.token or ""
    )  # of a code that nobody fetched there is none
    RefreshToken.objects.filter(access_token__in=tokens, revoked__isnull=True).update(revoked=permit.ended_at)
    tokens.delete()
    emit(PermitEnded(permit=permit.id, client=permit.client_id, person=permit.person_id), by=by)


@verb
def note_proof(client: UUID, *, jti: str, until: datetime.datetime, by: Actor) -> None:
    """Remember an assertion until it runs out; a second one like it is refused."""
    Proof.objects.filter(client=client, until__lte=timezone.now()).delete()
    try:
        with transaction.atomic():
            Proof.objects.create(client_id=client, digest=_digest(jti), until=until)
    except IntegrityError as error:
        raise rules.ProofUsed from error


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
