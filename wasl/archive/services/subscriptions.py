"""Who hears of workitems, and what they were told (PS3.4, CC.2.3 and CC.2.4): reports wait until they are fetched."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID, uuid4

from django.db import connection
from django.db.models import F

from wasl.archive import queries, rules
from wasl.archive.events import (
    WorkitemsSubscribed,
    WorkitemsSuspended,
    WorkitemSubscriberAdded,
    WorkitemsUnsubscribed,
)
from wasl.archive.models import Source, Subscriber, Workitem, WorkitemEvent, WorkitemSubscription
from wasl.archive.queries import Key
from wasl.archive.rules import workitem_reports, workitems
from wasl.kernel.access import SYSTEM, Actor
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb

Reports = Iterable[tuple[int, dict[str, Any]]]

REPORTS_KEPT = 1000  # reports that were handed over are kept so long, for a subscriber that lost its connection
_GATE = 0x57554C  # an advisory lock: worklist subscriptions wait for writers of workitems, and they for these


@verb
def add_subscriber(ae_title: str, *, by: Actor) -> Subscriber:
    """Take an AE title to hear of workitems under it; once taken it stays theirs."""
    rules.check_ae_title(ae_title)
    source = Source.objects.filter(ae_title=ae_title, active=True).first()
    if source and source.place_id not in by.places():
        raise workitems.NotYourTitle
    found, made = Subscriber.objects.get_or_create(ae_title=ae_title, defaults={"owner": str(by)})
    if found.owner != str(by):
        raise workitems.NotYourTitle
    if made:
        emit(WorkitemSubscriberAdded(subscriber=found.id), by=by)
    return found


@verb
def subscribe_workitems(target: str, *, ae_title: str, lock: bool, keys: Sequence[Key], by: Actor) -> None:
    """Hear of one workitem, or of all that begin at one's places, or of those among them that have these keys.

    Nothing here deletes workitems, so a deletion lock is always granted (table CC.2.3-2 says what is told first).
    """
    everything = target in (workitems.WORKLIST, workitems.FILTERED)
    row = None
    if everything:
        one_by_one(exclusive=True)
    else:
        key = queries.workitem(target, viewer=by).id
        one_by_one()
        row = Workitem.objects.select_for_update(no_key=True).get(id=key)
    found = _locked(add_subscriber(ae_title, by=by))
    found.places = sorted(by.places(*rules.IMAGING))
    if row is None:
        found.worklist, found.keys, found.lock = True, [list(map(list, key)) for key in keys], lock
        found.save(update_fields=("places", "worklist", "keys", "lock"))
        _subscribe_to_all(found, keys, by)
    else:
        found.save(update_fields=("places",))
        WorkitemSubscription.objects.update_or_create(workitem=row, subscriber=found, defaults={"lock": lock})
        _tell(found, row, [(workitem_reports.STATE_REPORT, workitem_reports.state_report(row.attributes))])
    emit(WorkitemsSubscribed(subscriber=found.id, workitem=row.id if row else None), by=by)


@verb
def unsubscribe_workitems(target: str, *, ae_title: str, by: Actor) -> None:
    """Hear no more of a workitem; or of none, where the target is the worklist. Raises NoSubscription."""
    found = _own(ae_title, by)
    row = None
    if target in (workitems.WORKLIST, workitems.FILTERED):
        _check_worklist(found, target)
        _end_worklist(found)
        found.subscriptions.all().delete()
    else:
        row = queries.workitem(target, viewer=by)
        count, _ = found.subscriptions.filter(workitem=row).delete()
        if not count:
            raise workitems.NoSubscription
    emit(WorkitemsUnsubscribed(subscriber=found.id, workitem=row.id if row else None), by=by)


@verb
def suspend_workitems(target: str, *, ae_title: str, by: Actor) -> None:
    """Hear of no new workitems; of those known before still. Raises NoSubscription."""
    found = _own(ae_title, by)
    _check_worklist(found, target)
    _end_worklist(found)
    emit(WorkitemsSuspended(subscriber=found.id), by=by)


def take_line(ae_title: str, *, after: int | None, by: Actor) -> tuple[UUID, UUID]:
    """Begin to listen under an AE title: the subscriber, and a mark of this connection, which ends the one before.

    `after` is the Message ID of the last report that arrived there, if it says so; those behind it are told again.
    """
    found = add_subscriber(ae_title, by=by)
    mark = uuid4()
    values: dict[str, Any] = {"line": mark}
    if after is not None:
        handed = found.last - (found.last - after) % workitem_reports.MESSAGES
        values["handed"] = max(handed, 0)
    Subscriber.objects.filter(id=found.id, last__gte=values.get("handed", 0)).update(**values)
    return found.id, mark


def note_handed(subscriber: UUID, *, line: UUID, number: int, by: Actor) -> None:
    """Reports up to this number went over the line; the newest of them are kept for a while."""
    if Subscriber.objects.filter(id=subscriber, line=line, owner=str(by)).update(handed=number):
        WorkitemEvent.objects.filter(subscriber=subscriber, number__lte=number - REPORTS_KEPT).delete()


def one_by_one(*, exclusive: bool = False) -> None:
    """Wait for whoever subscribes to the worklist, or, to do that, for all who change workitems.

    Otherwise a workitem that comes at that moment would be told neither as one that is there nor as a new one.
    """
    with connection.cursor() as cursor:
        cursor.execute(f"select pg_advisory_xact_lock{'' if exclusive else '_shared'}(%s)", (_GATE,))


def announce_new(row: Workitem) -> None:
    """Tell of a new workitem to all who hear of those of its place."""
    rows = Subscriber.objects.select_for_update(no_key=True).filter(worklist=True, places__contains=[row.place_id])
    heard = [found for found in rows.order_by("id") if queries.hears_of(found, row, viewer=SYSTEM)]
    WorkitemSubscription.objects.bulk_create(
        WorkitemSubscription(subscriber=found, workitem=row, lock=found.lock) for found in heard
    )
    told = [(workitem_reports.STATE_REPORT, workitem_reports.state_report(row.attributes))]
    if workitem_reports.is_assigned(row.attributes):
        told.append((workitem_reports.ASSIGNED, workitem_reports.assigned(row.attributes)))
    for found in heard:
        _tell(found, row, told)


def announce(row: Workitem, told: Reports) -> None:
    """Tell of a workitem to all who subscribed to it."""
    waiting = list(told)
    if waiting:
        rows = Subscriber.objects.select_for_update(no_key=True).filter(subscriptions__workitem=row)
        for found in rows.order_by("id"):
            _tell(found, row, waiting)


def _subscribe_to_all(found: Subscriber, keys: Sequence[Key], by: Actor) -> None:
    """Of what is there already: all that is not over; told only where it is to be kept."""
    rows = queries.workitems(keys, viewer=by).filter(place__in=found.places).exclude(state__in=workitems.FINAL)
    unknown = list(rows.exclude(subscriptions__subscriber=found))
    WorkitemSubscription.objects.bulk_create(
        WorkitemSubscription(subscriber=found, workitem=row, lock=found.lock) for row in unknown
    )
    for row in unknown if found.lock else ():
        _tell(found, row, [(workitem_reports.STATE_REPORT, workitem_reports.state_report(row.attributes))])


def _tell(found: Subscriber, row: Workitem, told: Reports) -> None:
    """Write reports for a subscriber, whose row is locked."""
    events = [
        WorkitemEvent(subscriber=found, workitem=row, number=number, kind=kind, content=content)
        for number, (kind, content) in enumerate(told, found.last + 1)
    ]
    WorkitemEvent.objects.bulk_create(events)
    found.last += len(events)
    Subscriber.objects.filter(id=found.id).update(last=F("last") + len(events))


def _own(ae_title: str, by: Actor) -> Subscriber:
    one_by_one()
    found = Subscriber.objects.select_for_update(no_key=True).filter(ae_title=ae_title).first()
    if found is None:
        raise workitems.NoSubscription
    if found.owner != str(by):
        raise workitems.NotYourTitle
    return found


def _locked(found: Subscriber) -> Subscriber:
    return Subscriber.objects.select_for_update(no_key=True).get(id=found.id)


def _check_worklist(found: Subscriber, target: str) -> None:
    kind = workitems.FILTERED if found.keys else workitems.WORKLIST
    if not found.worklist or target != kind:
        raise workitems.NoSubscription


def _end_worklist(found: Subscriber) -> None:
    found.worklist, found.keys, found.lock = False, [], False
    found.save(update_fields=("worklist", "keys", "lock"))
