"""Outside systems: let in, each as a client of its own, and revoked."""

from collections.abc import Sequence
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from wasl.accounts import services as accounts
from wasl.exchange import rules
from wasl.exchange.events import MemberAdded, MemberRevoked
from wasl.exchange.models import Member
from wasl.kernel.access import Actor
from wasl.kernel.errors import NotFound
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb

SCOPES = ("system/Patient.ud",)  # what its messages do; its client has a secret that nobody knows


@verb
def add_member(
    *, name: str, place: UUID, application: str, addresses: Sequence[str], by: Actor, facility: str = "",
    kind: str = Member.Kind.HIS, authority: str = "", charset: str = Member.Charset.ASCII,
) -> Member:  # fmt: skip
    """Let an outside system of a place send messages: known by what it calls itself and where it calls from."""
    rules.check_administers(place, by=by)
    name, application, facility, authority = (" ".join(t.split()) for t in (name, application, facility, authority))
    rules.check_sender(name, application)
    kept = rules.check_addresses(addresses)
    if Member.objects.filter(name=name).exists():
        raise rules.MemberNameTaken(name=name)
    client, _, _ = accounts.add_client(name=f"{name[:108]} (HL7 v2)", scopes=SCOPES, place=place, by=by)
    try:
        with transaction.atomic():
            member = Member.objects.create(
                name=name[:120], place_id=place, application=application[:180], facility=facility[:180], kind=kind,
                addresses=kept, authority=authority[:180], charset=charset, client=client,
            )  # fmt: skip
    except IntegrityError as error:
        raise rules.SenderTaken from error
    emit(MemberAdded(member=member.id, client=client.id, place=place), by=by)
    return member


@verb
def revoke_member(key: UUID, *, by: Actor) -> None:
    """Take nothing more from an outside system; what it sent stays, and what still waits is parked."""
    member = Member.objects.select_for_update().filter(id=key, revoked_at=None).first()
    if member is None:
        raise NotFound
    rules.check_administers(member.place_id, by=by)
    member.revoked_at = timezone.now()
    member.save(update_fields=("revoked_at",))
    accounts.revoke_client(member.client_id, by=by)
    emit(MemberRevoked(member=member.id, place=member.place_id), by=by)
