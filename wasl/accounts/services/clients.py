"""Machine clients: registered with their scopes, and revoked, as apps are."""

from collections.abc import Sequence
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone
from oauth2_provider.generators import generate_client_secret
from oauth2_provider.models import AccessToken, Application

from wasl.accounts import rules
from wasl.accounts.events import ClientAdded, ClientRevoked
from wasl.accounts.models import Client, Permit
from wasl.kernel.access import Actor
from wasl.kernel.errors import NotFound
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb


@verb
def add_client(
    *, name: str, scopes: Sequence[str], by: Actor, place: UUID | None = None, keys: str = "", keys_uri: str = ""
) -> tuple[Client, str, str]:
    """Register a machine that speaks to Wasl; its client id and its secret, which is shown this once only.

    Where it proves by keys of its own who it is, there is no secret to show.
    """
    rules.check_reach([place], by=by)
    rules.check_scopes(scopes)
    if keys_uri:
        rules.check_app_address(keys_uri)
    known = rules.known_keys(keys) if keys else None
    secret = generate_client_secret()
    try:
        with transaction.atomic():
            application = Application.objects.create(
                name=name, client_type=Application.CLIENT_CONFIDENTIAL, client_secret=secret,
                authorization_grant_type=Application.GRANT_CLIENT_CREDENTIALS,
            )  # fmt: skip
            client = Client.objects.create(
                name=name, application=application, scopes=sorted(set(scopes)), place_id=place, keys=known,
                keys_uri=keys_uri,
            )  # fmt: skip
    except IntegrityError as error:
        raise rules.ClientNameTaken(name=name) from error
    emit(ClientAdded(client=client.id, scopes=tuple(client.scopes)), by=by)
    return client, application.client_id, "" if keys or keys_uri else secret


@verb
def revoke_client(key: UUID, *, by: Actor) -> None:
    """Let a machine or an app speak no more; its tokens are void at once."""
    client = Client.objects.select_for_update().filter(id=key, revoked_at__isnull=True).first()
    if client is None:
        raise NotFound
    rules.check_reach([client.place_id], by=by)
    client.revoked_at = timezone.now()
    client.save(update_fields=("revoked_at",))
    Permit.objects.filter(client=client, ended_at__isnull=True).update(ended_at=client.revoked_at)
    AccessToken.objects.filter(application=client.application_id).delete()
    application = Application.objects.get(id=client.application_id)
    application.client_secret = generate_client_secret()  # known to nobody
    application.save(update_fields=("client_secret",))
    emit(ClientRevoked(client=client.id), by=by)
