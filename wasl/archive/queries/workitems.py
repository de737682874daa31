"""Workitems, who sees them and what a search finds (PS3.4, CC.2.8; PS3.18, 8.3.4 and 11.9)."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from django.db.models import BooleanField, Q, QuerySet
from django.db.models.expressions import RawSQL

from wasl.archive import rules
from wasl.archive.models import Subscriber, Workitem, WorkitemEvent
from wasl.archive.rules.moments import span_of
from wasl.kernel.access import Actor
from wasl.patients import queries as patients

UPS_WORKLIST, UPS_FILTERED = rules.workitems.WORKLIST, rules.workitems.FILTERED
UPS_CLASS, UPS_MESSAGES = rules.workitem_data.PUSH, rules.workitem_reports.MESSAGES
UPS_RETURNED = rules.workitem_data.RETURNED
UPS_TRANSACTION = rules.workitem_data.TRANSACTION
UID_LISTS = (rules.workitem_data.SOP_INSTANCE, rules.workitem_data.STUDY)
MOMENTS = (rules.workitem_data.MODIFIED, "00404011", "00404008")  # compared as they are written
REPORTS = 100  # read at once


class Key(NamedTuple):
    """A matching key: the tags that lead to an attribute, through sequences, and the values that match."""

    path: tuple[str, ...]
    values: tuple[str, ...]


class Report(NamedTuple):
    """A report that waits for its subscriber: its number, and how it is sent; None when it is not theirs to hear."""

    number: int
    message: dict[str, object] | None


def _visible_workitems(viewer: Actor) -> QuerySet[Workitem]:
    """As for studies: those of patients whose record is open to the viewer, those of nobody where images are made.

    A machine sees those of its own places only: what an algorithm of one hospital works on is no other's.
    """
    rows = Workitem.objects.all()
    if viewer.is_system:
        return rows
    nobodys_here = Q(patient__isnull=True, place__in=viewer.places(*rules.IMAGING))
    rows = rows.filter(nobodys_here | Q(patient__in=patients.opened(viewer=viewer)))
    return rows.filter(place__in=viewer.places()) if viewer.kind == "client" else rows


def workitem(uid: str, *, viewer: Actor) -> Workitem:
    """One workitem by its UID. Raises NoSuchWorkitem, alike when there is none and when it is not theirs to see."""
    found = _visible_workitems(viewer).filter(uid=uid).first()
    if found is None:
        raise rules.workitems.NoSuchWorkitem
    return found


def workitems(keys: Sequence[Key], *, viewer: Actor) -> QuerySet[Workitem]:
    """The workitems that match every key, in the order in which they are to begin."""
    rows = _visible_workitems(viewer)
    for key in keys:
        rows = rows.filter(_matches(key))
    return rows.order_by("starts_at", "id")


def hears_of(found: Subscriber, row: Workitem, *, viewer: Actor) -> bool:
    """Whether a new workitem has the keys of a subscriber's worklist."""
    keys = [Key(tuple(path), tuple(values)) for path, values in found.keys]
    return not keys or workitems(keys, viewer=viewer).filter(id=row.id).exists()


def waiting_reports(subscriber: UUID, *, line: UUID, viewer: Actor) -> list[Report] | None:
    """The next reports that were not handed over yet, in order; None when another connection took the line."""
    found = Subscriber.objects.filter(id=subscriber, line=line).first()
    if found is None:
        return None
    rows = WorkitemEvent.objects.filter(subscriber=found, number__gt=found.handed).order_by("number")
    events = list(rows.select_related("workitem")[:REPORTS])
    seen = _visible_workitems(viewer).filter(id__in={event.workitem_id for event in events})
    theirs = set(seen.values_list("id", flat=True))
    return [
        Report(
            event.number,
            rules.workitem_reports.event_report(
                event.workitem.uid, number=event.number, kind=event.kind, content=event.content
            )
            if event.workitem_id in theirs
            else None,
        )
        for event in events
    ]


def title_of(*, viewer: Actor) -> str | None:
    """The AE title under which somebody hears of workitems, if they took one."""
    found = Subscriber.objects.filter(owner=str(viewer)).order_by("created_at").first() if viewer.held else None
    return found.ae_title if found else None


def _matches(key: Key) -> Q | RawSQL:
    """A key as a condition on a workitem."""
    if key.path == (rules.workitem_data.STARTS,):
        return _in_time(key.values[0])
    if len(key.path) == 1 and key.path[0] == rules.workitem_data.SOP_INSTANCE:
        return Q(uid__in=_listed(key.values))
    if key.path == (rules.workitem_data.STATE,) and "*" not in key.values[0] and "?" not in key.values[0]:
        return Q(state__in=key.values)
    values = key.values if key.path[-1] not in UID_LISTS else tuple(_listed(key.values))
    params: list[str] = []
    tests = " or ".join(_test(key.path[-1], value, params) for value in values)
    leaf = f"jsonb_array_elements(coalesce(i{len(key.path) - 1}.e -> '{key.path[-1]}' -> 'Value', '[]'))"
    condition = (
        f"exists (select from {leaf} v, lateral (select unnest(case when jsonb_typeof(v) = 'object'"
        " then array[v ->> 'Alphabetic', v ->> 'Ideographic', v ->> 'Phonetic'] else array[v #>> '{}'] end) as t) w"
        f" where {tests})"
    )
    for depth in range(len(key.path) - 1, 0, -1):
        items = f"jsonb_array_elements(coalesce(i{depth - 1}.e -> '{key.path[depth - 1]}' -> 'Value', '[]'))"
        condition = f"exists (select from {items} i{depth}(e) where {condition})"
    whole = f"exists (select from (select archive_workitem.attributes) i0(e) where {condition})"
    return RawSQL(whole, params, output_field=BooleanField())  # noqa: S611  tags are hexadecimal, values are parameters


def _test(tag: str, value: str, params: list[str]) -> str:
    """A test of `w.t`: equal, like it where it has wild cards (PS3.4, C.2.2.2.4), or between two moments."""
    if tag in MOMENTS and "-" in value:
        first, _, last = value.partition("-")
        params += [first, last, str(len(last)), last]
        return "(w.t >= %s and (%s = '' or left(w.t, %s::int) <= %s))"
    if "*" not in value and "?" not in value:
        params.append(value)
        return "w.t = %s"
    plain = value.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    params.append(plain.replace("*", "%").replace("?", "_"))
    return "w.t ilike %s"


def _listed(values: Sequence[str]) -> list[str]:
    return [uid for value in values for uid in value.replace("\\", ",").split(",") if uid]


def _in_time(value: str) -> Q:
    """When a workitem begins: within what a moment says, or within a range open at one end (PS3.4, C.2.2.2.5)."""
    whole = span_of(value)  # a moment may have a zone behind a sign of its own
    first, dash, last = (value, "", "") if whole else value.partition("-")
    begin, end = span_of(first) if first else None, span_of(last or first)
    if not (first or last) or (first and begin is None) or ((last or not dash) and end is None):
        raise rules.workitems.BadMoment(value=value[:40])
    found = Q(starts_at__gte=begin[0]) if begin else Q()
    return found & Q(starts_at__lt=end[1]) if end and (last or not dash) else found
