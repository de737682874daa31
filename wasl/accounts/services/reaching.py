"""How people are reached: an address is used once a code that was sent there came back."""

import datetime

from django.conf import settings
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac

from wasl.accounts import queries, rules
from wasl.accounts.events import AddressConfirmed, AddressNamed, ChannelsChosen
from wasl.accounts.models import Person, Reach
from wasl.accounts.services.messages import run_errand
from wasl.kernel.access import Actor
from wasl.kernel.errors import NotFound
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb


@verb
def name_address(channel: str, *, address: str, by: Actor) -> Reach:
    """Name an address of one's own, and have a code sent there; the address before is used no more."""
    if channel not in queries.channels(viewer=by):
        raise rules.NoSuchChannel
    known = rules.known_address(channel, address, country=settings.COUNTRY)
    person = _oneself(by)
    way = Reach.objects.filter(person=person, channel=channel).first() or Reach(person=person, channel=channel)
    now = timezone.now()
    rules.check_code_pause(way.code_at, now=now)
    way.address, way.active, way.confirmed_at, way.code_at, way.code_tries = known, True, None, now, 0
    way.save()
    emit(AddressNamed(reach=way.id, person=person.id, channel=channel), by=by)
    run_errand("send_code", way.id, urgent=True)
    return way


def code_of(way: Reach) -> str:
    """The code of six digits that waits to come back from an address: known from the instance's secret alone."""
    about = f"{way.id}|{way.address}|{way.code_at.isoformat() if way.code_at else ''}"
    digest = salted_hmac("wasl.accounts.code", about, algorithm="sha256").digest()
    return f"{int.from_bytes(digest[:8], 'big') % 1_000_000:06d}"


@verb
def confirm_address(channel: str, *, code: str, by: Actor) -> bool:
    """Bring the code back that was sent to one's address; whether it was the right one. A wrong one is counted."""
    way = Reach.objects.select_for_update().filter(person=by.id, channel=channel).first()
    if way is None:
        raise NotFound
    rules.check_code_holds(way.code_at, way.code_tries, now=timezone.now())
    if not constant_time_compare(code.strip(), code_of(way)):
        way.code_tries += 1
        way.save(update_fields=("code_tries",))
        return False
    way.confirmed_at, way.code_at, way.code_tries = timezone.now(), None, 0
    way.save(update_fields=("confirmed_at", "code_at", "code_tries"))
    emit(AddressConfirmed(reach=way.id, person=way.person_id, channel=channel), by=by)
    return True


@verb
def choose_channels(
    *, channels: frozenset[str], by: Actor, quiet_from: datetime.time | None = None,
    quiet_until: datetime.time | None = None,
) -> None:  # fmt: skip
    """Choose by which of one's addresses one is told things, and the hours in which only what is urgent is sent."""
    rules.check_quiet_hours(quiet_from, quiet_until)
    person = _oneself(by)
    person.quiet_from, person.quiet_until = quiet_from, quiet_until
    person.save(update_fields=("quiet_from", "quiet_until"))
    Reach.objects.filter(person=person).exclude(channel__in=channels).update(active=False)
    Reach.objects.filter(person=person, channel__in=channels).update(active=True)
    emit(ChannelsChosen(person=person.id), by=by)


def _oneself(by: Actor) -> Person:
    """The person who acts, locked: what one chooses in two windows at once is done in turn."""
    person = Person.objects.select_for_update(no_key=True).filter(id=by.id).first() if by.id else None
    if person is None:
        raise NotFound
    return person
